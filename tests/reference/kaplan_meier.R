# survfit and quantile.survfit on synthetic patients: every interval type, entry, weights, reverse.
source("tests/reference/methods/write.R")
source("tests/reference/methods/rows.R")
source("tests/reference/methods/product_limit.R")
write_table(rows, "tests/reference/rows.csv")

TYPES <- c("log-log", "log", "plain", "logit", "arcsine")
plain <- rows[c("group", "time", "event")]
fine <- data.frame(group = rows$group, time = rows$fine, event = rows$event)
late <- na.omit(rows[c("group", "time", "event", "entry", "share")])
whole <- rows[rows$whole > 0, c("group", "time", "event", "whole")]
share <- rows[c("group", "time", "event", "share")]

cases <- list()
add <- function(case, types, ...) {
  for (type in types) cases[[length(cases) + 1]] <<- list(case, type, fit_groups(conf_type = type, ...))
}
add("plain", TYPES, plain)
add("level_80", "log-log", plain, conf_level = 0.8)
add("fine", "log-log", fine)
add("reverse", "log-log", plain, reverse = TRUE)
add("entry", "log-log", late)
add("whole", "log-log", whole, weights = "whole")
add("share", TYPES, share, weights = "share")
add("share_entry", "log-log", late, weights = "share")

write_table(do.call(rbind, lapply(cases, function(x) curve_table(x[[1]], x[[2]], x[[3]]))),
            "tests/reference/kaplan_meier.csv")
write_table(do.call(rbind, lapply(cases, function(x) quantile_table(x[[1]], x[[2]], x[[3]]))),
            "tests/reference/kaplan_meier_quantiles.csv")
write_table(at_table("plain", fit_groups(plain, "log-log"), c(6, 12.5, 20, 30)),
            "tests/reference/kaplan_meier_at.csv")

# The data sets that come with survival: answers only, by the sums over whole curves.
real <- list(
  veteran = with(veteran, data.frame(group = celltype, time, event = status)),
  lung = with(lung, data.frame(group = sex, time, event = status - 1)),
  colon = with(colon[colon$etype == 2, ], data.frame(group = rx, time, event = status)),
  mgus2 = with(mgus2, data.frame(group = sex, time = futime, event = death)),
  pbc = with(pbc, data.frame(group = edema, time, event = as.integer(status == 2))),
  heart = with(heart, data.frame(group = transplant, entry = start, time = stop, event)))
sums <- list()
for (name in names(real)) for (type in TYPES) {
  fits <- fit_groups(real[[name]], type)
  for (g in names(fits)) {
    curve <- curve_table(name, type, fits[g])
    q <- quantile_table(name, type, fits[g])
    sums[[length(sums) + 1]] <- data.frame(
      case = name, conf_type = type, group = g, n_risk = sum(curve$n_risk),
      n_event = sum(curve$n_event), estimate = sum(curve$estimate),
      std_error = sum(curve$std_error, na.rm = TRUE), conf_low = sum(curve$conf_low, na.rm = TRUE),
      conf_high = sum(curve$conf_high, na.rm = TRUE), median = q$estimate[3],
      median_low = q$conf_low[3], median_high = q$conf_high[3])
  }
}
write_table(do.call(rbind, sums), "tests/reference/kaplan_meier_real.csv")
