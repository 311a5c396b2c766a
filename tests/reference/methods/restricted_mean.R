# Restricted mean survival by group: the sums of print.survfit and survRM2 written out, and the
# infinitesimal jackknife of residuals.survfit where weights are not whole numbers.
library(survival)

# rows: time, event, and where given entry and weights; the area under the curve and its variance
# as survival:::survmean and survRM2:::rmst1 take them.
area_by_sums <- function(rows, tau, weights = NULL) {
  rows$w <- if (is.null(weights)) 1 else rows[[weights]]
  rows$y <- if (is.null(rows$entry)) Surv(rows$time, rows$event) else Surv(rows$entry, rows$time, rows$event)
  fit <- survfit(y ~ 1, data = rows, weights = w)
  times <- c(0, fit$time[fit$time < tau & fit$time > 0], tau)
  at <- function(t) c(1, fit$surv)[findInterval(t, fit$time) + 1]
  areas <- diff(times) * at(times[-length(times)])
  variance <- 0
  for (i in which(fit$time < tau & fit$n.risk > fit$n.event)) {
    rest <- sum(areas[times[-length(times)] >= fit$time[i]])
    variance <- variance +
      rest^2 * fit$n.event[i] / (fit$n.risk[i] * (fit$n.risk[i] - fit$n.event[i]))
  }
  table <- summary(fit, rmean = tau)$table
  stopifnot(all.equal(sum(areas), table[["rmean"]], tolerance = 1e-12),
            all.equal(sqrt(variance), table[["se(rmean)"]], tolerance = 1e-12))
  c(mean = sum(areas), variance = variance)
}

# The same mean; the variance from each patient's influence, twice: by residuals.survfit, and from
# the influence of the curve itself, integrated.
area_by_jackknife <- function(rows, tau, weights) {
  rows$w <- rows[[weights]]
  rows$y <- if (is.null(rows$entry)) Surv(rows$time, rows$event) else Surv(rows$entry, rows$time, rows$event)
  # residuals.survfit evaluates the call again elsewhere: the rows are put into it.
  fit <- do.call(survfit, list(y ~ 1, data = rows, weights = quote(w), influence = 1))
  each <- residuals(fit, times = tau, type = "rmst", weighted = TRUE)
  kept <- fit$time <= tau
  width <- diff(c(fit$time[kept], tau))
  stopifnot(all.equal(sum(each^2), sum((fit$influence.surv[, kept] %*% width)^2), tolerance = 1e-10))
  c(mean = summary(fit, rmean = tau)$table[["rmean"]], variance = sum(each^2))
}

# Groups of one case: with strata the mean over strata by their shares of all patients.
means_by_group <- function(rows, tau, area, ...) {
  stratum <- if (is.null(rows$stratum)) rep(1, nrow(rows)) else rows$stratum
  t(sapply(sort(unique(rows$group)), function(g) {
    total <- c(mean = 0, variance = 0)
    for (s in unique(stratum)) {
      share <- mean(stratum == s)
      part <- area(rows[rows$group == g & stratum == s, ], tau, ...)
      total <- total + c(share, share^2) * part
    }
    total
  }))
}

# Every group against the first: survRM2's difference and ratio (by the logarithm), and the test
# that all means are equal as a Wald test of the differences.
mean_table <- function(case, tau, means) {
  m <- means[, "mean"]
  v <- means[, "variance"]
  z <- qnorm(0.975)
  row <- function(quantity, group, estimate, error, p = NA) {
    data.frame(case = case, quantity = quantity, group = group, tau = tau, estimate = estimate,
               std_error = error, conf_low = estimate - z * error, conf_high = estimate + z * error,
               p_value = p)
  }
  found <- do.call(rbind, lapply(seq_along(m), function(g) row("rmst", g, m[g], sqrt(v[g]))))
  for (g in seq_along(m)[-1]) {
    difference <- m[g] - m[1]
    error <- sqrt(v[g] + v[1])
    log_ratio <- log(m[g]) - log(m[1])
    log_error <- sqrt(v[g] / m[g]^2 + v[1] / m[1]^2)
    found <- rbind(
      found,
      row("rmst_difference", g, difference, error, 2 * pnorm(-abs(difference / error))),
      row("log_rmst_ratio", g, log_ratio, log_error, 2 * pnorm(-abs(log_ratio / log_error))))
  }
  d <- m[-1] - m[1]
  covariance <- diag(v[-1], length(d)) + v[1]
  statistic <- sum(d * solve(covariance, d))
  test <- row("rmst_test", NA, statistic, NA, pchisq(statistic, length(d), lower.tail = FALSE))
  test$conf_low <- test$conf_high <- NA
  rbind(found, test)
}
