# Fixed and random effects, limits of tau^2, predictions and each study left out, by metafor.
suppressPackageStartupMessages(library(metafor))
source("tests/reference/methods/write.R")

set.seed(20251)
spread <- data.frame(case = "spread", study = paste0("s", 1:9), estimate = round(rnorm(9, -0.1, 0.25), 3), std_error = round(runif(9, 0.03, 0.3), 3))
studies <- rbind(spread,
  data.frame(case = "alike", study = paste0("s", 1:3), estimate = c(0.1, 0.11, 0.105), std_error = c(0.1, 0.2, 0.15)),
  data.frame(case = "two", study = c("s1", "s2"), estimate = c(-0.15, -0.05), std_error = c(0.04, 0.02)),
  data.frame(case = "little", study = paste0("s", 1:5), estimate = c(0.02, -0.11, -0.2, 0.09, -0.05), std_error = c(0.08, 0.1, 0.09, 0.12, 0.05)),
  data.frame(case = "far", study = paste0("s", 1:6), estimate = c(4, -3, 2.5, 0, -5, 6), std_error = c(0.02, 0.5, 0.001, 0.1, 0.3, 0.05)))

exact <- list(threshold = 1e-15, maxiter = 10000, tol = 1e-14)
answers <- function(rows) {
  number <- function(quantity, level, estimate, std_error = NA, p_value = NA, conf_low = NA, conf_high = NA)
    data.frame(case = rows$case[1], quantity, level, estimate, std_error, p_value, conf_low, conf_high)
  fixed <- rma(rows$estimate, sei = rows$std_error, method = "EE")
  random <- rma(rows$estimate, sei = rows$std_error, method = "PM", test = "knha", control = exact)
  pooled <- function(name, level, r) number(name, level, as.numeric(r$beta), r$se, as.numeric(r$pval), r$ci.lb, r$ci.ub)
  limits <- suppressMessages(confint(random, control = list(tol = 1e-14, maxiter = 10000, tau2.max = 1000)))
  null <- random$QE < qchisq(0.025, random$k - 1)
  band <- if (null) rbind(c(NA, NA), c(NA, NA)) else limits$random[c("tau^2", "I^2(%)"), c("ci.lb", "ci.ub")]
  wide <- predict(random)
  shares <- weights(random)
  rbind(pooled("pooled_fixed_estimate", "", fixed), pooled("pooled_random_estimate", "", random),
    number("prediction_estimate", "", wide$pred, NA, NA, wide$pi.lb, wide$pi.ub),
    number("q", "", random$QE, NA, random$QEp),
    number("tau2", "", random$tau2, NA, NA, band[1, 1], band[1, 2]),
    number("i2", "", random$I2 / 100, NA, NA, band[2, 1] / 100, band[2, 2] / 100),
    do.call(rbind, lapply(seq_len(nrow(rows)), function(i) number("weight_random", rows$study[i], shares[i] / 100))),
    if (nrow(rows) > 2) do.call(rbind, lapply(seq_len(nrow(rows)), function(i) {
      left <- rows[-i, ]
      r <- rma(left$estimate, sei = left$std_error, method = "PM", test = "knha", control = exact)
      rbind(pooled("pooled_without_estimate", rows$study[i], r), number("tau2_without", rows$study[i], r$tau2))
    })))
}
write_table(studies, "tests/reference/meta_analysis_studies.csv")
write_table(do.call(rbind, lapply(split(studies, factor(studies$case, unique(studies$case))), answers)), "tests/reference/meta_analysis.csv")
