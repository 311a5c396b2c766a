# The max-combo test on synthetic patients: two groups, a trend, and chi-squares over three groups.
source("tests/reference/methods/write.R")
source("tests/reference/methods/rows.R")
source("tests/reference/methods/max_combo.R")

plain <- rows[c("group", "time", "event")]
two <- plain[plain$group != 3, ]
late <- na.omit(rows[rows$group != 3, c("group", "time", "event", "entry", "stratum")])
whole <- data.frame(rows[c("group", "time", "event", "stratum")], w = rows$whole)
ages <- transform(plain, group = ifelse(is.na(rows$age) | rows$age < 64, 1, 2))

write_table(rbind(
  combo_table("two", two, c(-1, 1)),
  combo_table("ages", ages, c(-1, 1)),
  combo_table("two_entry_strata", late, c(-1, 1)),
  combo_table("trend", plain, c(-1, 0, 1)),
  combo_table("trend_whole_strata", whole, c(-2, -1, 3)),
  combo_groups("three", plain),
  combo_groups("three_whole_strata", whole)), "tests/reference/max_combo.csv")
