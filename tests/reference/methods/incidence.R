# Aalen-Johansen curves of survfit and Gray's tests of cuminc as tables.
library(survival)
library(cmprsk)

# rows: time, cause (0 censored), group, and where given entry and weights; every exit time.
incidence_table <- function(case, rows, conf_type = "log-log", weights = NULL, times = NULL) {
  rows$w <- if (is.null(weights)) 1 else rows[[weights]]
  rows$id <- seq_len(nrow(rows))
  rows$state <- factor(rows$cause, 0:max(rows$cause))
  found <- NULL
  for (g in sort(unique(rows$group))) {
    here <- rows[rows$group == g, ]
    y <- if (is.null(rows$entry)) Surv(here$time, here$state) else Surv(here$entry, here$time, here$state)
    fit <- survfit(y ~ 1, data = here, weights = w, id = id, conf.type = conf_type)
    # With delayed entry survfit may have rows at entries alone: the times asked for are looked up.
    asked <- if (is.null(times)) sort(unique(here$time)) else times
    at <- findInterval(asked, fit$time)
    # The arcsine limits come without their dimensions.
    limits <- function(values) matrix(values, ncol = ncol(fit$pstate))
    for (k in seq_len(ncol(fit$pstate))) {
      found <- rbind(found, data.frame(
        case = case, conf_type = conf_type, group = g, state = k - 1, time = asked,
        estimate = fit$pstate[at, k], std_error = fit$std.err[at, k],
        conf_low = limits(fit$lower)[at, k], conf_high = limits(fit$upper)[at, k]))
    }
  }
  found
}

gray_table <- function(case, rows) {
  stratum <- if (is.null(rows$stratum)) rep(1, nrow(rows)) else rows$stratum
  tests <- cuminc(rows$time, rows$cause, rows$group, stratum)$Tests
  data.frame(case = case, cause = rownames(tests), statistic = tests[, "stat"], df = tests[, "df"],
             p_value = pchisq(tests[, "stat"], tests[, "df"], lower.tail = FALSE))
}
