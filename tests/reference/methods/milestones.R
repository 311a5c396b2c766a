# Differences of survival between groups at a time, and survival given that a time was lived to.
library(survival)

# Plain normal limits on the difference of two independent curves.
difference_table <- function(case, fits, times, conf_level = 0.95) {
  z <- qnorm((1 + conf_level) / 2)
  rows <- list()
  for (t in times) {
    at <- lapply(fits, function(f) summary(f, times = t))
    for (g in names(fits)[-1]) {
      d <- at[[g]]$surv - at[[1]]$surv
      error <- sqrt(at[[g]]$std.err^2 + at[[1]]$std.err^2)
      rows[[length(rows) + 1]] <- data.frame(
        case = case, time = t, group = g, estimate = d, std_error = error,
        conf_low = d - z * error, conf_high = d + z * error, p_value = 2 * pnorm(-abs(d / error)))
    }
  }
  do.call(rbind, rows)
}

# survfit with start.time; checked against the ratio of the curve at the two times.
conditional_table <- function(case, rows, given, times, weights = NULL) {
  do.call(rbind, lapply(unique(rows$group), function(g) {
    part <- rows[rows$group == g, ]
    part$w <- if (is.null(weights)) 1 else part[[weights]]
    part$y <- surv(part)
    fit <- survfit(y ~ 1, data = part, weights = w, conf.type = "log-log", start.time = given)
    s <- summary(fit, times = times)
    whole <- summary(survfit(y ~ 1, data = part, weights = w), times = c(given, times))$surv
    stopifnot(all.equal(s$surv, whole[-1] / whole[1], tolerance = 1e-12))
    data.frame(case = case, group = g, given = given, time = times, estimate = s$surv,
               std_error = s$std.err, conf_low = s$lower, conf_high = s$upper)
  }))
}
