# Measures of a Cox model's performance, the weighted ones written out patient by patient.
library(survival)

# Share uncensored just before or just after t; deaths leave before censorings of the same day.
uncensored <- function(time, event, t, before) {
  share <- 1
  for (u in sort(unique(time))) {
    if (u > t || (before && u == t)) break
    left <- sum(time >= u) - sum(time == u & event == 1)
    lost <- sum(time == u & event == 0)
    if (left > 0) share <- share * (1 - lost / left)
  }
  share
}

brier_loop <- function(survival, t, time, event) {
  total <- 0
  for (i in seq_along(time)) {
    if (time[i] <= t && event[i] == 1) total <- total + survival[i]^2 / uncensored(time, event, time[i], TRUE)
    if (time[i] > t) total <- total + (1 - survival[i])^2 / uncensored(time, event, t, FALSE)
  }
  total / length(time)
}

auc_loop <- function(risk, t, time, event) {
  above <- 0; all <- 0
  for (i in which(time <= t & event == 1)) { w <- 1 / uncensored(time, event, time[i], TRUE); for (j in which(time > t)) {
    all <- all + w
    above <- above + w * ((risk[i] > risk[j]) + (risk[i] == risk[j]) / 2)
  } }
  above / all
}

# The fitted curves as step functions: a matrix, one column a patient.
curves <- function(fit, new) {
  made <- survfit(fit, newdata = new, se.fit = FALSE)
  function(t) if (t < made$time[1]) rep(1, nrow(new)) else as.vector(made$surv[max(which(made$time <= t)), ])
}

integrated_loop <- function(at, tau, time, event, steps) {
  edges <- c(0, sort(unique(steps[steps > 0 & steps < tau])), tau)
  sum(sapply(seq_len(length(edges) - 1), function(k) brier_loop(at(edges[k]), edges[k], time, event) * (edges[k + 1] - edges[k]))) / tau
}

performance_table <- function(case, fit, new, times, tau) {
  time <- new$time; event <- new$event
  at <- curves(fit, new)
  km <- survfit(Surv(time, event) ~ 1)
  flat <- function(t) rep(summary(km, times = t, extend = TRUE)$surv, length(time))
  steps <- c(time, fit$y[, 1])
  x <- predict(fit, new, type = "lp")
  line <- function(quantity, time, estimate, std_error = NA) data.frame(case, quantity, time, estimate = as.vector(estimate), std_error = as.vector(std_error), row.names = NULL)
  harrell <- concordance(Surv(time, event) ~ x, reverse = TRUE)
  uno <- concordance(Surv(time, event) ~ x, reverse = TRUE, timewt = "n/G2", ymax = tau)
  slope <- coxph(Surv(time, event) ~ x, control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50))
  ibs <- integrated_loop(at, tau, time, event, steps)
  ibs0 <- integrated_loop(flat, tau, time, event, steps)
  parts <- list(line("harrell_c", NA, harrell$concordance, sqrt(harrell$var)),
    line("uno_c", tau, uno$concordance, sqrt(uno$var)),
    line("integrated_brier", tau, ibs), line("integrated_brier_null", tau, ibs0), line("integrated_brier_scaled", tau, 1 - ibs / ibs0),
    line("calibration_slope", NA, coef(slope), sqrt(vcov(slope))))
  for (t in times) {
    s <- at(t)
    hazard <- sapply(seq_along(time), function(i) -log(at(min(time[i], t))[i]))
    died <- as.numeric(event == 1 & time <= t)
    large <- glm(died ~ 1 + offset(log(hazard)), family = poisson, subset = hazard > 0, control = glm.control(epsilon = 1e-14))
    seen <- summary(km, times = t)
    parts <- c(parts, list(line("auc", t, auc_loop(1 - s, t, time, event)),
      line("brier", t, brier_loop(s, t, time, event)), line("brier_null", t, brier_loop(flat(t), t, time, event)),
      line("calibration_in_the_large", t, coef(large), sqrt(vcov(large))),
      line("expected_risk", t, mean(1 - s)), line("observed_risk", t, 1 - seen$surv, seen$std.err)))
  }
  do.call(rbind, parts)
}
