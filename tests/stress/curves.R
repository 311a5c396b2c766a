# Rscript tests/stress/curves.R ROWS ANSWERS: what curves.py asks, by R; from the project's root.
suppressPackageStartupMessages(library(survival))
for (name in c("logrank", "restricted_mean", "max_combo")) {
  source(file.path("tests/reference/methods", paste0(name, ".R")))
}
asked <- commandArgs(trailingOnly = TRUE)
every <- read.csv(asked[1])
TAU <- 10
AT <- 22.5
GIVEN <- 7.5
found <- list()

answer <- function(cohort, quantity, value) {
  found[[length(found) + 1]] <<- data.frame(cohort = cohort, quantity = quantity, value = value)
}

fitted <- function(rows, mode, ...) {
  rows$w <- if (grepl("share", mode)) rows$share else 1
  rows$y <- if (grepl("entry", mode)) Surv(rows$entry, rows$time, rows$event) else Surv(rows$time, rows$event)
  suppressWarnings(survfit(y ~ 1, rows, weights = w, conf.type = "log-log", ...))
}

# The standard error on the scale of survival, 0 where it is not defined.
errors <- function(f) {
  e <- if (f$logse) f$surv * f$std.err else f$std.err
  ifelse(is.finite(e), e, 0)
}

one_curve <- function(i, mode, g, rows) {
  f <- fitted(rows, mode)
  if (any(f$surv < 1e-9 & f$surv != 0)) return(NULL)  # R's own rounding: a curve a hair from 0
  name <- function(what) paste(mode, g, what)
  answer(i, name("survival"), sum(f$surv))
  answer(i, name("std_error"), sum(errors(f)))
  answer(i, name("conf_low"), sum(f$lower, na.rm = TRUE))
  answer(i, name("conf_high"), sum(f$upper, na.rm = TRUE))
  q <- quantile(f, c(0.25, 0.5))
  answer(i, name("quartile"), q$quantile[[1]])
  answer(i, name("median_low"), q$lower[[2]])
  if (max(rows$time) >= TAU) {
    columns <- c("time", "event", if (grepl("entry", mode)) "entry", if (grepl("share", mode)) "share")
    # residuals.survfit stumbles over curves of few times: those are not compared.
    area <- try(suppressWarnings(if (grepl("share", mode)) area_by_jackknife(rows[columns], TAU, "share")
                                 else area_by_sums(rows[columns], TAU)), silent = TRUE)
    if (!inherits(area, "try-error")) {
      answer(i, name("rmst"), area[["mean"]])
      answer(i, name("rmst_error"), sqrt(area[["variance"]]))
    }
  }
  if (max(rows$time) <= AT) return(NULL)
  later <- try(suppressWarnings(summary(fitted(rows, mode, start.time = GIVEN), times = AT)), silent = TRUE)
  if (!inherits(later, "try-error") && length(later$surv) && later$surv > 0) {
    answer(i, name("given"), later$surv)
    answer(i, name("given_error"), later$std.err)
  }
  s <- summary(f, times = AT)
  c(s$surv, s$std.err)
}

for (i in unique(every$cohort)) {
  all <- every[every$cohort == i, ]
  for (mode in c("plain", "entry", "share", "share-entry")) {
    rows <- if (grepl("entry", mode)) all[all$time > all$entry, ] else all
    at <- list()
    for (g in sort(unique(rows$group))) at[[as.character(g)]] <- one_curve(i, mode, g, rows[rows$group == g, ])
    first <- at[["1"]]
    for (g in setdiff(names(at), "1")) if (!is.null(first) && first[1] > 0 && at[[g]][1] > 0) {
      d <- at[[g]][1] - first[1]
      error <- sqrt(at[[g]][2]^2 + first[2]^2)
      answer(i, paste(mode, g, "difference"), d)
      answer(i, paste(mode, g, "difference_p"), 2 * pnorm(-abs(d / error)))
    }
  }
  plain <- all[c("group", "time", "event")]
  strata <- all[c("group", "time", "event", "stratum")]
  late <- all[all$time > all$entry, c("group", "time", "event", "entry")]
  scores <- seq_len(max(all$group)) - 1
  tests <- list(
    plain = list(plain), rho = list(plain, 1), gamma = list(plain, 0, 1),
    gehan = list(plain, power = 1), `tarone-ware` = list(strata, power = 0.5),
    strata = list(strata), entry = list(late),
    whole = list(data.frame(plain, w = all$whole)), trend = list(plain, scores = scores))
  for (name in names(tests)) {
    test <- try(do.call(logrank_loop, tests[[name]]), silent = TRUE)
    if (inherits(test, "try-error") || !is.finite(test$statistic)) next
    answer(i, paste("test", name, "statistic"), test$statistic)
    answer(i, paste("test", name, "variance"), test$variance[1, 1])
  }
  combo <- try(combo_z(plain, scores), silent = TRUE)
  if (inherits(combo, "try-error") || !all(is.finite(combo$z))) next
  answer(i, "max-combo statistic", max(combo$z^2))
  p <- try(combo_p(combo), silent = TRUE)
  if (!inherits(p, "try-error")) answer(i, "max-combo p", p)
}
table <- do.call(rbind, found)
table$value <- ifelse(is.na(table$value), "", sprintf("%.17g", table$value))
write.csv(table, asked[2], row.names = FALSE, quote = FALSE)
