# Parametric accelerated failure time models: survreg, and the likelihood written out and maximised.
library(survival)

FAMILIES <- c("weibull", "lognormal", "loglogistic", "generalised_gamma", "spline")

# Columns of the splines of Crowther, Royston and Clements and their slopes.
spline_columns <- function(y, knots) {
  cubed <- function(k) pmax(y - k, 0)^3
  first <- knots[1]; last <- knots[length(knots)]
  inner <- knots[-c(1, length(knots))]
  cbind(1, y, sapply(inner, function(k) {
    share <- (last - k) / (last - first)
    cubed(k) - share * cubed(first) - (1 - share) * cubed(last)
  }))
}
spline_slopes <- function(y, knots) {
  squared <- function(k) 3 * pmax(y - k, 0)^2
  first <- knots[1]; last <- knots[length(knots)]
  inner <- knots[-c(1, length(knots))]
  cbind(0, rep(1, length(y)), sapply(inner, function(k) {
    share <- (last - k) / (last - first)
    squared(k) - share * squared(first) - (1 - share) * squared(last)
  }))
}

spline_bends <- function(y, knots) {
  above <- function(k) 6 * pmax(y - k, 0)
  first <- knots[1]; last <- knots[length(knots)]
  inner <- knots[-c(1, length(knots))]
  cbind(0, rep(0, length(y)), sapply(inner, function(k) {
    share <- (last - k) / (last - first)
    above(k) - share * above(first) - (1 - share) * above(last)
  }))
}
# Score by (location, coefficients) of each row: the third derivative of the splines jumps at knots, so
# that differences of the likelihood itself would be coarse.
spline_score <- function(y, event, shapes, knots) {
  b0 <- spline_columns(y, knots); b1 <- spline_slopes(y, knots)
  rest <- event - exp(drop(b0 %*% shapes)); rate <- drop(b1 %*% shapes)
  cbind(-(rest * rate + event * drop(spline_bends(y, knots) %*% shapes) / rate), rest * b0 + event / rate * b1)
}

# Log density (of y, less the log of time) and log survival.
log_density <- function(family, y, shapes, knots) {
  if (family == "spline") {
    s <- spline_columns(y, knots) %*% shapes
    return(log(spline_slopes(y, knots) %*% shapes) + s - exp(s))
  }
  z <- y / exp(shapes[1])
  switch(family,
    weibull = z - exp(z), lognormal = dnorm(z, log = TRUE), loglogistic = dlogis(z, log = TRUE),
    generalised_gamma = {
      q <- shapes[2]; k <- q^-2
      log(abs(q)) + k * log(k) - lgamma(k) + k * (q * z - exp(q * z))
    }) - shapes[1]
}
log_survival <- function(family, y, shapes, knots) {
  if (family == "spline") return(-exp(spline_columns(y, knots) %*% shapes))
  z <- y / exp(shapes[1])
  switch(family,
    weibull = -exp(z), lognormal = pnorm(z, lower.tail = FALSE, log.p = TRUE),
    loglogistic = plogis(z, lower.tail = FALSE, log.p = TRUE),
    generalised_gamma = {
      q <- shapes[2]; k <- q^-2
      pgamma(k * exp(q * z), k, lower.tail = q < 0, log.p = TRUE)
    })
}

# First and second derivatives by differences whose error is of the fourth power of the step.
slope <- function(f, x, h = 1e-3) sapply(seq_along(x), function(i) {
  e <- replace(numeric(length(x)), i, h)
  (f(x - 2 * e) - 8 * f(x - e) + 8 * f(x + e) - f(x + 2 * e)) / (12 * h)
})
bend <- function(f, x, h = 4e-3) {
  p <- length(x); m <- matrix(0, p, p)
  for (i in 1:p) for (j in 1:i) {
    a <- replace(numeric(p), i, h); b <- replace(numeric(p), j, h)
    second <- function(h) (f(x + h * (a + b)) - f(x + h * (a - b)) - f(x - h * (a - b)) + f(x - h * (a + b))) / (4 * (h * 4e-3)^2)
    m[i, j] <- m[j, i] <- (4 * second(1) - second(2)) / 3
  }
  m
}

# rows: time, event, x (matrix with names), perhaps entry and w. One line a number.
maximised <- function(family, rows, x) {
  w <- if (is.null(rows$w)) rep(1, nrow(rows)) else rows$w
  entry <- if (is.null(rows$entry)) rep(0, nrow(rows)) else rows$entry
  unit <- exp(weighted.mean(log(rows$time), w))
  centre <- apply(x, 2, weighted.mean, w)
  spread <- sqrt(apply(sweep(x, 2, centre)^2, 2, weighted.mean, w))
  z <- sweep(sweep(x, 2, centre), 2, spread, "/")
  event <- rows$event == 1
  knots <- quantile(log(rep(rows$time[event], w[event]) / unit), c(5, 35, 65, 95) / 100, names = FALSE)
  p <- ncol(x)
  has_intercept <- family != "spline"
  start <- switch(family, generalised_gamma = c(rep(0, p + 1), 0, 0.5), spline = c(rep(0, p), 0, 1, 0, 0), rep(0, p + 2))
  likelihood <- function(par) {
    b <- par[1:(p + has_intercept)]; shapes <- par[-seq_along(b)]
    eta <- if (has_intercept) b[1] + z %*% b[-1] else z %*% b
    y <- log(rows$time / unit) - eta
    late <- entry > 0
    sum((w * log_density(family, y, shapes, knots))[event]) - sum((w * log(rows$time))[event]) +
      sum((w * log_survival(family, y, shapes, knots))[!event]) -
      sum((w * log_survival(family, log(entry / unit) - eta, shapes, knots))[late])
  }
  lower <- function(par) { v <- suppressWarnings(-likelihood(par)); if (is.finite(v)) v else 1e10 }
  x0 <- optim(start, lower, method = "BFGS", control = list(maxit = 2000, reltol = 1e-14))$par
  score <- function(par) slope(likelihood, par)
  curve <- function(par) bend(likelihood, par)
  if (family == "spline") {
    score <- function(par) {
      eta <- z %*% par[1:p]
      rows_at <- function(time, event, chosen) {
        s <- w[chosen] * spline_score(drop(log(time / unit) - eta)[chosen], event[chosen], par[-(1:p)], knots)
        c(drop(s[, 1] %*% z[chosen, , drop = FALSE]), colSums(s[, -1]))
      }
      late <- which(entry > 0)
      total <- rows_at(rows$time, event * 1, seq_along(event))
      if (length(late)) total - rows_at(entry, 0 * event, late) else total
    }
    curve <- function(par) {
      m <- sapply(seq_along(par), function(i) {
        e <- replace(numeric(length(par)), i, 1e-5)
        (score(par + e) - score(par - e)) / 2e-5
      })
      (m + t(m)) / 2
    }
  }
  for (i in 1:8) x0 <- x0 - solve(curve(x0), score(x0))
  stopifnot(max(abs(score(x0))) < 1e-6)
  error <- sqrt(diag(solve(-curve(x0))))
  names <- c(if (has_intercept) "intercept", colnames(x), switch(family,
    generalised_gamma = c("log_scale", "shape"), spline = paste0("gamma", 0:3), "log_scale"))
  scale <- c(if (has_intercept) 1, spread, rep(1, length(names) - p - has_intercept))
  estimate <- x0 / scale
  if (has_intercept) {
    estimate[1] <- estimate[1] + log(unit) - sum(centre * estimate[2:(p + 1)])
    turn <- diag(1 / scale); turn[1, 2:(p + 1)] <- -centre / spread
    variance <- turn %*% solve(-curve(x0)) %*% t(turn)
    error <- sqrt(diag(variance)) * scale
  }
  # Rounded to what the differences give.
  rbind(data.frame(quantity = names, estimate = round(estimate, 9), std_error = round(error / scale, 8)),
        data.frame(quantity = "log_likelihood", estimate = round(likelihood(x0), 8), std_error = NA))
}

by_survreg <- function(family, rows, x) {
  w <- if (is.null(rows$w)) rep(1, nrow(rows)) else rows$w
  fit <- survreg(Surv(rows$time, rows$event) ~ x, weights = w, dist = family, control = survreg.control(rel.tolerance = 1e-14, maxiter = 100))
  rbind(data.frame(quantity = c("intercept", colnames(x), "log_scale"), estimate = c(coef(fit), log(fit$scale)), std_error = sqrt(diag(vcov(fit)))),
        data.frame(quantity = c("log_likelihood", "log_likelihood_null"), estimate = rev(fit$loglik), std_error = NA))
}

fits_table <- function(case, rows, x) do.call(rbind, lapply(FAMILIES, function(family) {
  alone <- is.null(rows$entry) && family %in% c("weibull", "lognormal", "loglogistic")
  fit <- if (alone) by_survreg(family, rows, x) else maximised(family, rows, x)
  data.frame(case = case, family = family, fit, row.names = NULL)
}))
