# Rscript tests/stress/cox.R ROWS ANSWERS: what cox.py asks, by R's coxph; from the project's root.
suppressPackageStartupMessages(library(survival))
asked <- commandArgs(trailingOnly = TRUE)
every <- read.csv(asked[1])
found <- list()
FAR <- 8  # a coefficient beyond it runs to infinity

answer <- function(cohort, quantity, value) {
  found[[length(found) + 1]] <<- data.frame(cohort = cohort, quantity = quantity, value = value)
}

MODES <- list(
  efron = list(y = Surv(time, event) ~ group + share),
  breslow = list(y = Surv(time, event) ~ group + share, ties = "breslow"),
  `entry-strata` = list(y = Surv(entry, time, event) ~ group + whole + strata(stratum)),
  `strata-robust` = list(y = Surv(time, event) ~ group + share + strata(stratum), robust = TRUE),
  `whole` = list(y = Surv(time, event) ~ group + share, weights = "whole"),
  `share-entry` = list(y = Surv(entry, time, event) ~ group + whole, weights = "share", robust = TRUE),
  `share-breslow` = list(y = Surv(time, event) ~ group + whole, weights = "share", robust = TRUE,
                         ties = "breslow"),
  `cluster-entry` = list(y = Surv(entry, time, event) ~ group + share, cluster = "whole"))

fitted <- function(rows, mode) {
  rows$group <- factor(rows$group)
  rows$w <- if (is.null(mode$weights)) 1 else rows[[mode$weights]]
  rows$id <- if (is.null(mode$cluster)) seq_len(nrow(rows)) else rows[[mode$cluster]]
  robust <- isTRUE(mode$robust) || !is.null(mode$cluster)
  control <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
  ties <- if (is.null(mode$ties)) "efron" else mode$ties
  # Formulas look for names where they were written: they are given the rows' own environment.
  y <- mode$y
  environment(y) <- environment()
  suppressWarnings(
    if (robust) coxph(y, rows, weights = w, cluster = id, robust = TRUE, ties = ties, control = control,
                      model = TRUE)
    else coxph(y, rows, weights = w, ties = ties, control = control, model = TRUE))
}

for (i in unique(every$cohort)) {
  all <- every[every$cohort == i, ]
  for (name in names(MODES)) {
    mode <- MODES[[name]]
    rows <- if (grepl("entry", name)) all[all$time > all$entry, ] else all
    fit <- try(fitted(rows, mode), silent = TRUE)
    if (inherits(fit, "try-error") || !length(coef(fit))) next
    b <- coef(fit)
    if (anyNA(b) || any(abs(b) > FAR) || fit$iter >= 50) next
    se <- sqrt(diag(vcov(fit)))
    for (k in seq_along(b)) {
      answer(i, paste(name, k, "coefficient"), b[[k]])
      answer(i, paste(name, k, "std_error"), se[[k]])
    }
    answer(i, paste(name, "log_likelihood"), fit$loglik[2])
    # With no more clusters than coefficients the robust variance is singular, the test a number of
    # rounding errors.
    units <- if (is.null(mode$cluster)) Inf else length(unique(rows[[mode$cluster]]))
    if (units > length(b)) answer(i, paste(name, "wald"), fit$wald.test[[1]])
    if (is.null(mode$robust) && is.null(mode$cluster)) {
      answer(i, paste(name, "score"), fit$score)
    }
    answer(i, paste(name, "concordance"), fit$concordance[["concordance"]])
    for (transform in c("km", "rank", "identity")) {
      zph <- try(cox.zph(fit, transform), silent = TRUE)
      if (inherits(zph, "try-error") || any(!is.finite(zph$table[, "chisq"]))) next
      for (term in rownames(zph$table)) {
        answer(i, paste(name, "zph", transform, term), zph$table[term, "chisq"])
      }
    }
  }
}
table <- do.call(rbind, found)
table$value <- ifelse(is.na(table$value), "", sprintf("%.17g", table$value))
write.csv(table, asked[2], row.names = FALSE, quote = FALSE)
