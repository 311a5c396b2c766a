# Fine and Gray's model by explicit loops: the pseudo-likelihood, each patient's part of the score,
# and what the patient does to the censoring distribution. The referee where crr has no weights, no
# strata and no clusters; without them it is checked against crr here.
library(cmprsk)

# One stratum at beta. cause: 0 censored, 1 the event, 2 another; w: weights.
fine_gray_at <- function(time, cause, x, w, beta) {
  n <- length(time)
  p <- ncol(x)
  r <- as.vector(exp(x %*% beta))
  observed <- function(t) {
    g <- 1
    for (u in sort(unique(time[cause == 0 & time < t])))
      g <- g * (1 - sum(w[time == u & cause == 0]) / sum(w[time >= u]))
    g
  }
  own <- sapply(time, observed)
  times <- sort(unique(time[cause == 1]))
  loglik <- 0
  information <- matrix(0, p, p)
  eta <- psi <- matrix(0, n, p)
  steps <- list()
  for (t in times) {
    y <- ifelse(time >= t, 1, ifelse(cause == 2, observed(t) / own, 0))
    a <- w * y * r
    s0 <- sum(a)
    z <- colSums(a * x) / s0
    dies <- time == t & cause == 1
    d <- sum(w[dies])
    loglik <- loglik + sum((w * log(r))[dies]) - d * log(s0)
    information <- information + d * (t(x) %*% (a * x) / s0 - z %o% z)
    centred <- sweep(x, 2, z)
    eta[dies, ] <- eta[dies, ] + centred[dies, ]
    eta <- eta - y * r * d / s0 * centred
    steps[[length(steps) + 1]] <- list(t = t, z = z, hazard = d / s0, g = observed(t))
  }
  for (u in sort(unique(time[cause == 0]))) {
    q <- rep(0, p)
    late <- cause == 2 & time < u
    for (s in steps) if (s$t >= u && any(late)) {
      b <- (w * r * s$g / own)[late]
      q <- q + s$hazard * (colSums(b * x[late, , drop = FALSE]) - s$z * sum(b))
    }
    n_u <- sum(w[time >= u])
    left <- time == u & cause == 0
    psi[left, ] <- psi[left, ] + rep(q / n_u, each = sum(left))
    seen <- time >= u
    psi[seen, ] <- psi[seen, ] - rep(q * sum(w[left]) / n_u^2, each = sum(seen))
  }
  list(loglik = loglik, information = information, eta = eta, psi = psi)
}

# rows: time, cause, and where given stratum; the maximum, by Newton, with the robust variance.
fine_gray_loop <- function(rows, x, w = rep(1, nrow(rows)), patients = FALSE, cluster = NULL) {
  stratum <- if (is.null(rows$stratum)) rep(1, nrow(rows)) else rows$stratum
  at <- function(beta) {
    found <- list(loglik = 0, information = 0, u = matrix(0, nrow(rows), ncol(x)))
    score <- 0
    for (s in unique(stratum)) {
      here <- stratum == s
      part <- fine_gray_at(rows$time[here], rows$cause[here], x[here, , drop = FALSE], w[here], beta)
      found$loglik <- found$loglik + part$loglik
      found$information <- found$information + part$information
      found$u[here, ] <- part$eta + part$psi
      score <- score + colSums(w[here] * part$eta)
    }
    c(found, list(score = score))
  }
  beta <- rep(0, ncol(x))
  null <- at(beta)$loglik
  for (i in 1:30) beta <- beta + solve(at(beta)$information, at(beta)$score)
  end <- at(beta)
  stopifnot(max(abs(end$score)) < 1e-9)
  middle <- if (!is.null(cluster)) {
    crossprod(rowsum(w * end$u, cluster))
  } else if (patients) {
    crossprod(sqrt(w) * end$u)
  } else {
    crossprod(w * end$u)
  }
  inverse <- solve(end$information)
  list(coef = beta, se = sqrt(diag(inverse %*% middle %*% inverse)), loglik = end$loglik, null = null)
}

# crr looks up the censoring distribution at time * (1 - 1e-14), which at time 0 is not before 0:
# who is censored at 0 would already be gone for an event at 0. As only the order of the times
# matters, all are moved by one.
crr_fit <- function(rows, x) {
  fit <- crr(rows$time + 1, rows$cause, x, gtol = 1e-12, maxiter = 50)
  stopifnot(max(abs(fit$score)) < 1e-7)
  list(coef = unname(fit$coef), se = sqrt(diag(fit$var)), loglik = fit$loglik,
       null = fit$loglik.null, fit = fit)
}

# crr's search stops where its objective no longer falls, some 1e-8 off the maximum.
same <- function(a, b) for (name in c("coef", "se", "loglik", "null"))
  stopifnot(all.equal(unname(a[[name]]), unname(b[[name]]), tolerance = 1e-7))

model_table <- function(case, fit, names) {
  rbind(
    data.frame(case = case, quantity = "coefficient", term = names, estimate = fit$coef, std_error = fit$se),
    data.frame(case = case, quantity = c("loglik", "loglik_null"), term = "",
               estimate = c(fit$loglik, fit$null), std_error = NA))
}
