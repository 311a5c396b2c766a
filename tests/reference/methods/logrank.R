# The log-rank family by explicit loops over strata, times and groups.
library(survival)

# rows: group (1..k), time, event, and where given entry, stratum, w (whole numbers); `power` of
# the number at risk: 1 for Gehan, 1/2 for Tarone-Ware.
logrank_loop <- function(rows, rho = 0, gamma = 0, scores = NULL, power = 0) {
  k <- max(rows$group)
  entry <- if (is.null(rows$entry)) rep(-Inf, nrow(rows)) else rows$entry
  stratum <- if (is.null(rows$stratum)) rep(1, nrow(rows)) else rows$stratum
  w <- if (is.null(rows$w)) rep(1, nrow(rows)) else rows$w
  observed <- expected <- numeric(k)
  variance <- matrix(0, k, k)
  for (s in unique(stratum)) {
    here <- stratum == s
    survival <- 1
    for (t in sort(unique(rows$time[here & rows$event == 1]))) {
      at_risk <- here & entry < t & t <= rows$time
      dies <- at_risk & rows$time == t & rows$event == 1
      n <- sum(w[at_risk])
      d <- sum(w[dies])
      n_g <- d_g <- numeric(k)
      for (g in 1:k) {
        n_g[g] <- sum(w[at_risk & rows$group == g])
        d_g[g] <- sum(w[dies & rows$group == g])
      }
      f <- survival^rho * (1 - survival)^gamma * n^power
      observed <- observed + f * d_g
      expected <- expected + f * d * n_g / n
      if (n > 1) {
        for (g in 1:k) for (h in 1:k) {
          same <- if (g == h) 1 else 0
          variance[g, h] <- variance[g, h] +
            f^2 * d * (n - d) / (n - 1) * n_g[g] / n * (same - n_g[h] / n)
        }
      }
      survival <- survival * (1 - d / n)
    }
  }
  u <- observed - expected
  if (is.null(scores)) {
    kept <- which(diag(variance) > 0)[-1]
    statistic <- sum(u[kept] * solve(variance[kept, kept, drop = FALSE], u[kept]))
    df <- length(kept)
  } else {
    statistic <- sum(scores * u)^2 / as.double(scores %*% variance %*% scores)
    df <- 1
  }
  list(observed = observed, expected = expected, variance = variance, statistic = statistic,
       df = df, p_value = pchisq(statistic, df, lower.tail = FALSE))
}

# survdiff in the same shape; strata summed.
logrank_survdiff <- function(rows, rho = 0) {
  fit <- if (is.null(rows$stratum)) {
    survdiff(Surv(time, event) ~ group, rows, rho = rho)
  } else {
    survdiff(Surv(time, event) ~ group + strata(stratum), rows, rho = rho)
  }
  observed <- if (is.matrix(fit$obs)) rowSums(fit$obs) else fit$obs
  expected <- if (is.matrix(fit$exp)) rowSums(fit$exp) else fit$exp
  df <- sum(expected > 0) - 1
  list(observed = observed, expected = expected, variance = fit$var, statistic = fit$chisq,
       df = df, p_value = pchisq(fit$chisq, df, lower.tail = FALSE))
}

same_answer <- function(a, b) {
  stopifnot(all.equal(a$observed, b$observed, tolerance = 1e-12),
            all.equal(a$expected, b$expected, tolerance = 1e-12),
            all.equal(a$variance, b$variance, tolerance = 1e-11),
            all.equal(a$statistic, b$statistic, tolerance = 1e-11))
}

test_table <- function(case, test) {
  k <- length(test$observed)
  pairs <- expand.grid(a = 1:k, b = 1:k)
  rbind(
    data.frame(case = case, quantity = c("statistic", "df", "p_value"), group = NA, other = NA,
               value = c(test$statistic, as.double(test$df), test$p_value)),
    data.frame(case = case, quantity = "observed", group = 1:k, other = NA, value = test$observed),
    data.frame(case = case, quantity = "expected", group = 1:k, other = NA, value = test$expected),
    data.frame(case = case, quantity = "variance", group = pairs$a, other = pairs$b,
               value = test$variance[as.matrix(pairs)]))
}
