# Parametric survival models on synthetic patients and on survival's veteran.
source("tests/reference/methods/write.R")
source("tests/reference/methods/rows.R")
source("tests/reference/methods/parametric.R")

columns <- function(rows) cbind(group2 = rows$group == 2, group3 = rows$group == 3, receptor = rows$receptor) * 1
fine <- data.frame(time = rows$fine, event = rows$event)
whole <- rows$whole > 0
late <- !is.na(rows$entry)
write_table(rbind(
  fits_table("plain", fine, columns(rows)),
  fits_table("whole", data.frame(fine, w = rows$whole)[whole, ], columns(rows)[whole, ]),
  fits_table("entry", data.frame(fine, entry = rows$entry)[late, ], columns(rows)[late, ])),
  "tests/reference/parametric.csv")

x <- with(veteran, cbind(trt = trt, karno = karno, age = age, smallcell = celltype == "smallcell", adeno = celltype == "adeno", large = celltype == "large") * 1)
write_table(fits_table("veteran", with(veteran, data.frame(time, event = status)), x), "tests/reference/parametric_real.csv")
