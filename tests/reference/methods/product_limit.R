# Curves, quantiles and curves at times of survfit, as long tables.
library(survival)

surv <- function(rows, reverse = FALSE) {
  event <- if (reverse) 1 - rows$event else rows$event
  if (is.null(rows$entry)) Surv(rows$time, event) else Surv(rows$entry, rows$time, event)
}

# One curve a group, fitted apart: the groups share nothing.
fit_groups <- function(rows, conf_type, weights = NULL, reverse = FALSE, conf_level = 0.95) {
  fits <- list()
  for (g in unique(rows$group)) {
    part <- rows[rows$group == g, ]
    part$w <- if (is.null(weights)) 1 else part[[weights]]
    part$y <- surv(part, reverse)
    type <- if (conf_type == "arcsine") "arcsin" else conf_type
    fits[[as.character(g)]] <- survfit(y ~ 1, data = part, weights = w, conf.type = type,
                                       conf.int = conf_level)
  }
  fits
}

curve_table <- function(case, conf_type, fits) {
  do.call(rbind, lapply(names(fits), function(g) {
    f <- fits[[g]]
    error <- if (f$logse) f$surv * f$std.err else f$std.err
    data.frame(case = case, conf_type = conf_type, group = g, time = f$time, n_risk = f$n.risk,
               n_event = f$n.event, n_censor = f$n.censor, estimate = f$surv,
               std_error = ifelse(is.finite(error), error, NA_real_),
               conf_low = f$lower, conf_high = f$upper)
  }))
}

PROBABILITIES <- c(0.1, 0.25, 0.5, 0.75, 0.9)

quantile_table <- function(case, conf_type, fits) {
  do.call(rbind, lapply(names(fits), function(g) {
    q <- quantile(fits[[g]], PROBABILITIES)
    data.frame(case = case, conf_type = conf_type, group = g, probability = PROBABILITIES,
               estimate = as.double(q$quantile), conf_low = as.double(q$lower),
               conf_high = as.double(q$upper))
  }))
}

# Without delayed entry, at times after the first exit: there survfit and we mean the same.
at_table <- function(case, fits, times) {
  do.call(rbind, lapply(names(fits), function(g) {
    s <- summary(fits[[g]], times = times)
    data.frame(case = case, group = g, time = s$time, n_risk = s$n.risk,
               n_event = cumsum(s$n.event), estimate = s$surv, std_error = s$std.err,
               conf_low = s$lower, conf_high = s$upper)
  }))
}
