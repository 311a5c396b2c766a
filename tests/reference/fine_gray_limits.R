# Standard errors of predicted incidence by loops over patients and times: no library has them.
# Each patient's influence on coefficients, baseline and censoring distribution as Fine and Gray
# (1999, section 3), with crr's conventions; the coefficients' errors are then held to crr's own.
library(cmprsk)
source("tests/reference/methods/write.R")

influences <- function(time, cause, x, w, stratum, at, own) {
  n <- length(time); p <- ncol(x); beta <- rep(0, p)
  before <- function(s, k) {  # share still under observation just before s
    u <- unique(time[cause == 0 & time < s & stratum == k])
    prod(1 - vapply(u, function(v) sum(w[cause == 0 & time == v & stratum == k]) / sum(w[time >= v & stratum == k]), 0))
  }
  g_own <- mapply(before, time, stratum)
  events <- unique(data.frame(s = time, k = stratum)[cause == 1, ])
  events <- events[order(events$k, events$s), ]
  g <- mapply(before, events$s, events$k)
  risk <- sapply(seq_len(nrow(events)), function(j) with(events[j, ],
    (stratum == k) * ((time >= s) + (cause == 2 & time < s) * g[j] / g_own)))
  for (step in 1:60) {
    r <- as.vector(exp(x %*% beta)); s0 <- colSums(w * r * risk)
    zbar <- t(sapply(seq_len(nrow(events)), function(j) colSums(w * r * risk[, j] * x)) ) / s0
    d <- mapply(function(s, k) sum(w[cause == 1 & time == s & stratum == k]), events$s, events$k)
    score <- colSums((w * x)[cause == 1, , drop = FALSE]) - colSums(d * zbar)
    info <- Reduce(`+`, lapply(seq_len(nrow(events)), function(j)
      d[j] * (crossprod(x, w * r * risk[, j] * x) / s0[j] - tcrossprod(zbar[j, ]))))
    move <- solve(info, score); beta <- beta + move
    if (max(abs(move)) < 1e-14) break
  }
  dl <- d / s0
  u <- matrix(0, n, p); a <- matrix(0, n, length(at))
  for (j in seq_len(nrow(events))) {
    here <- (cause == 1 & time == events$s[j] & stratum == events$k[j]) - r * risk[, j] * dl[j]
    u <- u + here * sweep(x, 2, zbar[j, ])
    if (events$k[j] == own) for (m in which(events$s[j] <= at)) a[, m] <- a[, m] + here / s0[j]
  }
  censored <- unique(data.frame(v = time, k = stratum)[cause == 0, ])
  for (i in seq_len(nrow(censored))) {
    v <- censored$v[i]; k <- censored$k[i]
    size <- sum(w[time >= v & stratum == k]); leave <- sum(w[cause == 0 & time == v & stratum == k])
    martingale <- (cause == 0 & time == v & stratum == k) / size - (time >= v & stratum == k) * leave / size^2
    gone <- cause == 2 & time < v & stratum == k
    c0 <- sum((w * r / g_own)[gone]); c1 <- colSums((w * r / g_own * x)[gone, , drop = FALSE])
    for (j in which(events$k == k & events$s >= v)) {
      u <- u + outer(martingale, dl[j] * g[j] * (c1 - zbar[j, ] * c0))
      if (k == own) for (m in which(events$s[j] <= at)) a[, m] <- a[, m] + martingale * c0 * dl[j] * g[j] / s0[j]
    }
  }
  mine <- events$k == own
  list(beta = beta, u = u %*% solve(info), a = a,
       hazard = sapply(at, function(t) sum(dl[mine & events$s <= t])),
       means = t(sapply(at, function(t) colSums((dl * zbar)[mine & events$s <= t, , drop = FALSE]))))
}

limits <- function(case, rows, at, z, own = 1, w = rep(1, nrow(rows)), stratum = rep(1, nrow(rows)),
                   unit = seq_len(nrow(rows)), time = rows$fine) {
  x <- with(rows, cbind(group == 2, group == 3, receptor)) + 0
  f <- influences(time, rows$cause, x, w, stratum, at, own)
  if (case %in% c("fine", "tied")) {
    c0 <- crr(time, rows$cause, x, failcode = 1, gtol = 1e-12, maxiter = 50)
    stopifnot(max(abs(sqrt(diag(c0$var)) / sqrt(colSums(f$u^2)) - 1)) < 1e-7, max(abs(c0$coef - f$beta)) < 1e-8)
  }
  each <- f$a + f$u %*% t(outer(f$hazard, z) - f$means)
  ratio <- exp(sum(z * f$beta)); by_unit <- rowsum(w * each, unit)
  data.frame(case = case, two = z[1], three = z[2], receptor = z[3], stratum = own, time = at,
             estimate = 1 - exp(-ratio * f$hazard),
             std_error = exp(-ratio * f$hazard) * ratio * sqrt(colSums(by_unit^2)))
}

rows <- read.csv("tests/reference/competing_rows.csv")
at <- c(2, 6, 15, 30)
z <- c(0, 1, 1)
found <- rbind(
  limits("fine", rows, at, z), limits("fine", rows, at, c(0, 0, 0)),
  limits("tied", rows, at, z, time = rows$time + 1),
  limits("share", rows, at, z, w = rows$share),
  limits("cluster", rows, at, z, w = rows$share, unit = rows$site),
  limits("strata", rows, at, z, own = 2, stratum = rows$stratum),
  limits("strata_cluster", rows, at, z, own = 1, stratum = rows$stratum, unit = rows$site))
write_table(found, "tests/reference/fine_gray_limits.csv")
