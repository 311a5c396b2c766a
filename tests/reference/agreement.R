# Kappa and tests of square tables, without a package: the standard errors by the delta method on
# the multinomial shares (numerical gradient, at the estimate and at independence), not by the
# closed formulas that the program uses.
tables <- list(
  fleiss_1969 = c(106, 10, 4, 22, 28, 10, 2, 12, 6),
  neoadjuvant = c(40, 26, 1, 9, 53, 2, 0, 4, 31),
  metastasis = c(22, 14, 3, 17, 35, 5, 1, 6, 19),
  none_beyond_chance = c(4, 8, 12, 5, 10, 15, 6, 12, 18),
  no_positive = c(11, 7, 0, 3, 19, 0, 0, 0, 0),
  one_way = c(10, 5, 2, 0, 8, 1, 0, 0, 6),
  two_apart = c(20, 0, 0, 0, 10, 3, 0, 5, 9)
)
weight <- function(kind, k) {
  d <- abs(outer(1:k, 1:k, "-"))
  switch(kind, none = (d == 0) * 1, linear = 1 - d / (k - 1), quadratic = 1 - (d / (k - 1))^2)
}
kappa_of <- function(p, w) {
  e <- sum(w * outer(rowSums(p), colSums(p)))
  (sum(w * p) - e) / (1 - e)
}
gradient <- function(p, w) {
  h <- 1e-5
  g <- p
  for (i in seq_along(p)) {
    up <- down <- p
    up[i] <- up[i] + h
    down[i] <- down[i] - h
    up2 <- down2 <- p
    up2[i] <- up2[i] + 2 * h
    down2[i] <- down2[i] - 2 * h
    # Fourth order; shares need not sum to 1 for a derivative along one of them.
    g[i] <- (8 * (kappa_of(up, w) - kappa_of(down, w)) - kappa_of(up2, w) + kappa_of(down2, w)) / (12 * h)
  }
  g
}
delta_se <- function(p, w, n) {
  g <- as.vector(gradient(p, w))
  q <- as.vector(p)
  sqrt((sum(g^2 * q) - sum(g * q)^2) / n)
}
rows <- list()
for (name in names(tables)) {
  x <- matrix(tables[[name]], 3, byrow = TRUE)
  n <- sum(x)
  p <- x / n
  for (kind in c("none", "linear", "quadratic")) {
    w <- weight(kind, 3)
    k <- kappa_of(p, w)
    se <- delta_se(p, w, n)
    null <- delta_se(outer(rowSums(p), colSums(p)), w, n)
    rows[[length(rows) + 1]] <- data.frame(
      table = name, quantity = paste0("kappa_", kind), estimate = k, std_error = se,
      std_error_null = null, statistic = k / null, df = NA, p_value = 2 * pnorm(-abs(k / null)),
      conf_low = k - qnorm(0.975) * se, conf_high = k + qnorm(0.975) * se
    )
  }
  up <- upper.tri(x)
  told <- (x + t(x))[up] > 0
  bowker <- sum(((x - t(x))^2 / (x + t(x)))[up][told])
  d <- rowSums(x) - colSums(x)
  s <- -(x + t(x))
  diag(s) <- rowSums(x) + colSums(x) - 2 * diag(x)
  keep <- which(diag(s) > 0)
  keep <- keep[-length(keep)]
  maxwell <- as.numeric(d[keep] %*% solve(s[keep, keep, drop = FALSE]) %*% d[keep])
  if (all(told)) stopifnot(isTRUE(all.equal(unname(mcnemar.test(x)$statistic), bowker)))
  for (test in list(list("bowker", bowker, sum(told)), list("stuart_maxwell", maxwell, length(keep)))) {
    rows[[length(rows) + 1]] <- data.frame(
      table = name, quantity = test[[1]], estimate = NA, std_error = NA, std_error_null = NA,
      statistic = test[[2]], df = test[[3]], p_value = pchisq(test[[2]], test[[3]], lower.tail = FALSE),
      conf_low = NA, conf_high = NA
    )
  }
}
expected <- do.call(rbind, rows)
numbers <- sapply(expected, is.numeric)
expected[numbers] <- lapply(expected[numbers], function(v) ifelse(is.na(v), "", format(v, digits = 12, scientific = FALSE, trim = TRUE)))
counts <- do.call(rbind, lapply(names(tables), function(name) {
  data.frame(table = name, first = rep(1:3, each = 3), second = rep(1:3, 3), n = tables[[name]])
}))
write.csv(counts, "tests/reference/agreement_counts.csv", row.names = FALSE, quote = FALSE)
write.csv(expected, "tests/reference/agreement.csv", row.names = FALSE, quote = FALSE)
