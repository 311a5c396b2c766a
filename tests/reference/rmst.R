# Restricted mean survival on synthetic patients and on the data that come with survival.
source("tests/reference/methods/write.R")
source("tests/reference/methods/rows.R")
source("tests/reference/methods/restricted_mean.R")

plain <- rows[c("group", "time", "event")]
fine <- data.frame(group = rows$group, time = rows$fine, event = rows$event)
late <- na.omit(rows[c("group", "time", "event", "entry", "share")])
whole <- rows[rows$whole > 0, c("group", "time", "event", "whole")]
share <- rows[c("group", "time", "event", "share")]
# Two strata, so that each group is followed in each.
strata <- data.frame(plain, stratum = ifelse(rows$stratum == 1, 1, 2))
last <- min(tapply(plain$time, plain$group, max))

write_table(rbind(
  mean_table("plain", 30, means_by_group(plain, 30, area_by_sums)),
  mean_table("between_times", 17.25, means_by_group(plain, 17.25, area_by_sums)),
  mean_table("last", last, means_by_group(plain, last, area_by_sums)),
  mean_table("fine", 30, means_by_group(fine, 30, area_by_sums)),
  mean_table("entry", 30, means_by_group(late, 30, area_by_sums)),
  mean_table("whole", 30, means_by_group(whole, 30, area_by_sums, weights = "whole")),
  mean_table("strata", 25, means_by_group(strata, 25, area_by_sums)),
  mean_table("share", 30, means_by_group(share, 30, area_by_jackknife, weights = "share")),
  mean_table("share_entry", 30, means_by_group(late, 30, area_by_jackknife, weights = "share"))),
  "tests/reference/rmst.csv")

# The data sets that come with survival: answers only.
real <- list(
  veteran = list(with(veteran, data.frame(group = as.integer(celltype), time, event = status)), 150),
  lung = list(with(lung, data.frame(group = sex, time, event = status - 1)), 600),
  colon = list(with(colon[colon$etype == 2, ], data.frame(group = as.integer(rx), time, event = status)), 1826.25),
  mgus2 = list(with(mgus2, data.frame(group = as.integer(sex), time = futime, event = death)), 120))
write_table(do.call(rbind, lapply(names(real), function(name) {
  rows <- real[[name]][[1]]
  mean_table(name, real[[name]][[2]], means_by_group(rows, real[[name]][[2]], area_by_sums))
})), "tests/reference/rmst_real.csv")
