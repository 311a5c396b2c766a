# Rscript tests/stress/competing.R ROWS ANSWERS: what competing.py asks, by R; from the project's root.
suppressPackageStartupMessages({library(survival); library(cmprsk)})
asked <- commandArgs(trailingOnly = TRUE)
every <- read.csv(asked[1])
every$cause <- ifelse(every$event == 0, 0, ifelse(round(every$share * 1000) %% 3 == 0, 2, 1))
found <- list()

answer <- function(cohort, quantity, value) {
  found[[length(found) + 1]] <<- data.frame(cohort = cohort, quantity = quantity, value = value)
}

# Sums over the exit times of a group; one of a single row R has no curve with states for.
curves <- function(i, mode, g, rows) {
  rows$w <- if (grepl("share", mode)) rows$share else 1
  rows$id <- seq_len(nrow(rows))
  rows$state <- factor(rows$cause, 0:2)
  y <- if (grepl("entry", mode)) with(rows, Surv(entry, time, state)) else with(rows, Surv(time, state))
  fit <- try(suppressWarnings(survfit(y ~ 1, rows, weights = w, id = id)), silent = TRUE)
  if (inherits(fit, "try-error") || is.null(dim(fit$std.err))) return(NULL)
  # survfit leaves out rows at time 0 where everybody enters later; a curve a hair from 0 is rounding.
  if (any(fit$pstate[, 1] < 1e-9 & fit$pstate[, 1] != 0)) return(NULL)
  at <- match(sort(unique(rows$time)), fit$time)
  if (anyNA(at)) return(NULL)
  for (state in 0:2) {
    answer(i, paste(mode, g, state, "share"), sum(fit$pstate[at, state + 1]))
    answer(i, paste(mode, g, state, "error"), sum(fit$std.err[at, state + 1]))
  }
}

gray <- function(i, name, rows, stratum) {
  if (length(unique(rows$group)) < 2 || !any(rows$cause > 0)) return(NULL)
  tests <- try(cuminc(rows$time, rows$cause, rows$group, stratum)$Tests, silent = TRUE)
  if (inherits(tests, "try-error")) return(NULL)
  for (cause in rownames(tests)) {
    statistic <- tests[cause, "stat"]
    if (is.finite(statistic) && statistic >= 0) answer(i, paste("gray", name, cause, "statistic"), statistic)
  }
}

# Only where every group has events enough for a finite estimate.
model <- function(i, name, rows) {
  groups <- sort(unique(rows$group))
  if (length(groups) < 2 || any(table(factor(rows$group[rows$cause == 1], groups)) < 3)) return(NULL)
  x <- cbind(sapply(groups[-1], function(g) as.numeric(rows$group == g)), rows$whole)
  if (qr(cbind(1, x))$rank < ncol(x) + 1) return(NULL)
  if (name == "crr") {
    fit <- try(suppressWarnings(crr(rows$time + 1, rows$cause, x, gtol = 1e-12, maxiter = 50)), silent = TRUE)
    if (inherits(fit, "try-error") || max(abs(fit$coef)) > 5) return(NULL)
    values <- list(fit$coef, sqrt(diag(fit$var)), fit$loglik)
  } else {
    rows$state <- factor(rows$cause, 0:2)
    rows$pid <- seq_len(nrow(rows))
    split <- try(finegray(Surv(entry, time, state) ~ group + whole + pid, rows, id = pid, etype = "1"), silent = TRUE)
    if (inherits(split, "try-error") || anyNA(split$fgwt) || any(!is.finite(split$fgwt))) return(NULL)
    split <- split[split$fgwt > 0, ]
    fit <- try(suppressWarnings(coxph(Surv(fgstart, fgstop, fgstatus) ~ factor(group) + whole, split,
      weights = fgwt, cluster = pid, ties = "breslow",
      control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50))), silent = TRUE)
    if (inherits(fit, "try-error") || anyNA(coef(fit)) || max(abs(coef(fit))) > 5) return(NULL)
    values <- list(coef(fit), sqrt(diag(fit$var)), fit$loglik[2])
  }
  for (k in seq_along(values[[1]])) {
    answer(i, paste(name, k, "coefficient"), values[[1]][k])
    answer(i, paste(name, k, "std_error"), values[[2]][k])
  }
  answer(i, paste(name, "loglik"), values[[3]])
}

for (i in unique(every$cohort)) {
  rows <- every[every$cohort == i, ]
  late <- rows[rows$time > rows$entry, ]
  for (mode in c("plain", "entry", "share", "share-entry")) {
    used <- if (grepl("entry", mode)) late else rows
    for (g in sort(unique(used$group))) curves(i, mode, g, used[used$group == g, ])
  }
  gray(i, "plain", rows, rep(1, nrow(rows)))
  gray(i, "strata", rows, rows$stratum)
  model(i, "crr", rows)
  model(i, "finegray", late)
}
table <- do.call(rbind, found)
table$value <- ifelse(is.finite(table$value), sprintf("%.17g", table$value), "")
write.csv(table, asked[2], row.names = FALSE, quote = FALSE)
