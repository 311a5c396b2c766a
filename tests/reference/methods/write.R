# A table as CSV with all the digits of a double; NA is an empty field.
write_table <- function(table, file) {
  numbers <- sapply(table, is.double)
  table[numbers] <- lapply(table[numbers], function(x) ifelse(is.na(x), "", sprintf("%.17g", x)))
  write.csv(table, file, row.names = FALSE, quote = FALSE, na = "")
}
