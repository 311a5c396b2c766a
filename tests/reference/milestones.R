# Differences of milestone survival and conditional survival on synthetic patients.
source("tests/reference/methods/write.R")
source("tests/reference/methods/rows.R")
source("tests/reference/methods/product_limit.R")
source("tests/reference/methods/milestones.R")

plain <- rows[c("group", "time", "event")]
fine <- data.frame(group = rows$group, time = rows$fine, event = rows$event)
late <- na.omit(rows[c("group", "time", "event", "entry", "share")])
share <- rows[c("group", "time", "event", "share")]

write_table(rbind(
  difference_table("plain", fit_groups(plain, "log-log"), c(6, 12.5, 30)),
  difference_table("share", fit_groups(share, "log-log", weights = "share"), c(6, 12.5, 30)),
  difference_table("share_entry", fit_groups(late, "log-log", weights = "share"), c(12.5, 30))),
  "tests/reference/milestone_differences.csv")

# Where the curve is still 1 summary.survfit gives limits of 1, we none; times between those of the patients, so that before and after mean the same.
write_table(rbind(
  conditional_table("plain", plain, 8.5, c(12, 20.5, 30)),
  conditional_table("fine", fine, 8.5, c(20.5, 30)),
  conditional_table("entry", late, 8.5, c(12, 20.5, 30)),
  conditional_table("share", share, 8.5, c(12, 20.5, 30), weights = "share"),
  conditional_table("share_entry", late, 8.5, c(12, 20.5, 30), weights = "share")),
  "tests/reference/conditional_survival.csv")
