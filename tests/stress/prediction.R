# Rscript tests/stress/prediction.R ROWS ANSWERS: what prediction.py asks, by R; from the project's root.
suppressPackageStartupMessages(library(survival))
source("tests/reference/methods/performance.R")
asked <- commandArgs(trailingOnly = TRUE)
every <- read.csv(asked[1])
found <- list()
FAR <- 8 # a coefficient or log scale beyond it runs to infinity

answer <- function(cohort, quantity, value) {
  found[[length(found) + 1]] <<- data.frame(cohort = cohort, quantity = quantity, value = value)
}

parametric <- function(i, rows, mode, w) for (family in c("weibull", "lognormal", "loglogistic")) {
  rows$w <- w
  fit <- tryCatch(survreg(Surv(time, event) ~ share + group, rows, weights = w, dist = family,
                          control = survreg.control(rel.tolerance = 1e-14, maxiter = 200)),
                  warning = function(w) NULL, error = function(e) NULL)
  if (is.null(fit) || !isTRUE(max(abs(coef(fit)), abs(log(fit$scale))) <= FAR)) next
  name <- function(what) paste(mode, family, what)
  answer(i, name("ratio"), coef(fit)[["share"]])
  answer(i, name("scale"), log(fit$scale))
  answer(i, name("error"), sqrt(vcov(fit)["share", "share"]))
  answer(i, name("likelihood"), fit$loglik[2])
}

performance <- function(i, rows) {
  control <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
  fit <- tryCatch(coxph(Surv(time, event) ~ share + whole, rows, control = control), warning = function(w) NULL)
  if (is.null(fit) || !isTRUE(max(abs(coef(fit))) <= FAR)) return()
  t <- sort(rows$time)[ceiling(0.6 * nrow(rows))]
  if (t <= 0 || !any(rows$time > t)) return()
  x <- predict(fit, rows, type = "lp")
  y <- Surv(rows$time, rows$event)
  answer(i, "harrell", concordance(y ~ x, reverse = TRUE)$concordance)
  uno <- concordance(y ~ x, reverse = TRUE, timewt = "n/G2", ymax = t)
  answer(i, "uno", uno$concordance)
  answer(i, "uno error", sqrt(uno$var))
  s <- curves(fit, rows)(t)
  answer(i, "brier", brier_loop(s, t, rows$time, rows$event))
  if (any(rows$time <= t & rows$event == 1)) answer(i, "auc", auc_loop(1 - s, t, rows$time, rows$event))
}

for (i in unique(every$cohort)) {
  rows <- every[every$cohort == i, ]
  if (any(rows$event == 1)) performance(i, rows)
  rows <- rows[rows$time > 0, ]
  if (sum(rows$event) < 3) next
  parametric(i, rows, "plain", rep(1, nrow(rows)))
  parametric(i, rows, "whole", rows$whole)
}
write.csv(do.call(rbind, found), asked[2], row.names = FALSE, quote = FALSE)
