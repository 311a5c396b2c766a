# The max-combo test by loops, and its p-value for two groups (or a trend) by nested integrals.
library(survival)

EXPONENTS <- rbind(c(0, 0), c(1, 0), c(0, 1), c(1, 1))

# Observed minus expected under each weight [W, K] and their covariance [W, W, K, K]; rows as in
# logrank_loop.
combo_loop <- function(rows) {
  k <- max(rows$group)
  entry <- if (is.null(rows$entry)) rep(-Inf, nrow(rows)) else rows$entry
  stratum <- if (is.null(rows$stratum)) rep(1, nrow(rows)) else rows$stratum
  w <- if (is.null(rows$w)) rep(1, nrow(rows)) else rows$w
  u <- matrix(0, 4, k)
  v <- array(0, c(4, 4, k, k))
  for (s in unique(stratum)) {
    here <- stratum == s
    survival <- 1
    for (t in sort(unique(rows$time[here & rows$event == 1]))) {
      at_risk <- here & entry < t & t <= rows$time
      dies <- at_risk & rows$time == t & rows$event == 1
      n <- sum(w[at_risk])
      d <- sum(w[dies])
      n_g <- sapply(1:k, function(g) sum(w[at_risk & rows$group == g]))
      d_g <- sapply(1:k, function(g) sum(w[dies & rows$group == g]))
      f <- survival^EXPONENTS[, 1] * (1 - survival)^EXPONENTS[, 2]
      u <- u + outer(f, d_g - d * n_g / n)
      if (n > 1) {
        h <- d * (n - d) / (n - 1) * (diag(n_g / n, k) - outer(n_g, n_g) / n^2)
        v <- v + outer(outer(f, f), h)
      }
      survival <- survival * (1 - d / n)
    }
  }
  list(u = u, v = v)
}

# Z of one contrast of the groups, and the correlation of the four.
combo_z <- function(rows, scores) {
  sums <- combo_loop(rows)
  v <- apply(sums$v, c(1, 2), function(m) as.double(scores %*% m %*% scores))
  list(z = as.double(sums$u %*% scores) / sqrt(diag(v)), correlation = cov2cor(v), sd = sqrt(diag(v)))
}

# P(max |Z| > c): with X, Y, V the Z of (1, 0), (0, 1), (1, 1), that of (0, 0) is a sum of X and Y.
# Given X and Y, V is normal; given X, Y is; the region of Y given X is an interval.
combo_p <- function(found) {
  r <- found$correlation
  bound <- max(abs(found$z))
  a <- found$sd[2] / found$sd[1]
  b <- found$sd[3] / found$sd[1]
  stopifnot(abs(a^2 + b^2 + 2 * a * b * r[2, 3] - 1) < 1e-10)
  slope <- solve(r[2:3, 2:3], r[2:3, 4])
  rest <- sqrt(1 - sum(slope * r[2:3, 4]))
  inside_y <- function(x) {
    low <- max(-bound, (-bound - a * x) / b)
    high <- min(bound, (bound - a * x) / b)
    if (low >= high) return(0)
    integrate(function(y) {
      mean_v <- slope[1] * x + slope[2] * y
      dnorm(y, r[2, 3] * x, sqrt(1 - r[2, 3]^2)) *
        (pnorm((bound - mean_v) / rest) - pnorm((-bound - mean_v) / rest))
    }, low, high, rel.tol = 1e-11, subdivisions = 500)$value
  }
  breaks <- sort(unique(pmin(bound, pmax(-bound, c(-bound, (bound - b * bound) / a,
    (-bound + b * bound) / a, (-bound - b * bound) / a, (bound + b * bound) / a, 0, bound)))))
  inside <- 0
  for (i in seq_len(length(breaks) - 1)) {
    inside <- inside + integrate(Vectorize(function(x) dnorm(x) * inside_y(x)), breaks[i],
                                 breaks[i + 1], rel.tol = 1e-10, subdivisions = 500)$value
  }
  1 - inside
}

combo_table <- function(case, rows, scores) {
  found <- combo_z(rows, scores)
  pairs <- expand.grid(a = 1:4, b = 1:4)
  rbind(
    data.frame(case = case, quantity = "z", a = 1:4, b = NA, value = found$z),
    data.frame(case = case, quantity = "correlation", a = pairs$a, b = pairs$b,
               value = as.double(found$correlation)),
    data.frame(case = case, quantity = "p_value", a = NA, b = NA, value = combo_p(found)))
}

# The chi-square over all groups under each weight, the first group left out.
combo_groups <- function(case, rows) {
  sums <- combo_loop(rows)
  k <- ncol(sums$u)
  value <- sapply(1:4, function(w) sum(sums$u[w, -1] * solve(sums$v[w, w, -1, -1], sums$u[w, -1])))
  data.frame(case = case, quantity = "chi_square", a = 1:4, b = NA, value = value)
}
