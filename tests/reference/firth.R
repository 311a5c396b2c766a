# Firth's penalised Cox model by direct maximisation. From the project's root:
#   Rscript tests/reference/firth.R
# No R package of Debian fits it, so the partial likelihood and its information are summed in plain
# loops over events and risk sets, and the penalised likelihood climbed by Newton's steps on its
# numerical derivatives. The likelihood itself is checked against coxph at fixed coefficients.
library(survival)
options(digits = 17)
source("tests/reference/methods/write.R", local = TRUE)

# rows: entry, time, event, stratum, weight (counts); x a matrix. l + log(det I) / 2.
penalised <- function(beta, rows, x, ties, penalty = TRUE) {
  eta <- drop(x %*% beta)
  risk <- rows$weight * exp(eta)
  fit <- 0
  information <- matrix(0, ncol(x), ncol(x))
  for (s in unique(rows$stratum)) for (t in unique(rows$time[rows$event == 1 & rows$stratum == s])) {
    at <- which(rows$stratum == s & rows$entry < t & rows$time >= t)
    dead <- which(rows$stratum == s & rows$time == t & rows$event == 1)
    d <- length(dead)
    fit <- fit + sum(rows$weight[dead] * eta[dead])
    for (l in seq_len(d) - 1) {
      share <- risk[at] * ifelse(at %in% dead & ties == "efron", 1 - l / d, 1)
      mean <- colSums(share * x[at, , drop = FALSE]) / sum(share)
      away <- sweep(x[at, , drop = FALSE], 2, mean)
      w <- sum(rows$weight[dead]) / d
      fit <- fit - w * log(sum(share))
      information <- information + w * t(away) %*% (share * away) / sum(share)
    }
  }
  if (!penalty) return(list(fit = fit, information = information))
  fit + as.numeric(determinant(information)$modulus) / 2
}

# Derivatives by central differences, extrapolated once (Richardson).
gradient <- function(f, b, h = 1e-3) {
  sapply(seq_along(b), function(j) {
    slope <- function(h) { e <- replace(0 * b, j, h); (f(b + e) - f(b - e)) / (2 * h) }
    (4 * slope(h / 2) - slope(h)) / 3
  })
}
climb <- function(f, b) {
  if (length(b) == 0) return(b)
  for (step in 1:200) {
    g <- gradient(f, b)
    curve <- sapply(seq_along(b), function(j) {
      e <- replace(0 * b, j, 1e-3)
      (gradient(f, b + e) - gradient(f, b - e)) / 2e-3
    })
    curve <- as.matrix((curve + t(curve)) / 2)
    if (any(eigen(curve)$values >= 0)) curve <- -diag(abs(diag(curve)) + 1, length(b))
    move <- -solve(curve, g)
    move <- move / max(1, max(abs(move)))
    while (f(b + move) < f(b) - 1e-12) move <- move / 2
    b <- b + move
    if (max(abs(move)) < 1e-10) break
  }
  b
}

answers <- function(case, rows, x, ties = "efron") {
  f <- function(b) penalised(b, rows, x, ties)
  best <- climb(f, rep(0, ncol(x)))
  top <- f(best)
  profile <- function(j, value) {
    whole <- function(rest) append(rest, value, j - 1)
    rest <- climb(function(rest) f(whole(rest)), best[-j])
    f(whole(rest))
  }
  error <- sqrt(diag(solve(penalised(best, rows, x, ties, FALSE)$information)))
  fall <- qchisq(0.95, 1) / 2
  limit <- function(j, side) {
    below <- function(value) profile(j, value) - (top - fall)
    width <- error[j]
    while (below(best[j] + side * width) > 0) width <- 1.5 * width
    ends <- sort(best[j] + side * c(0.1 * error[j], width))
    uniroot(below, ends, tol = 1e-10)$root
  }
  data.frame(
    case = case, index = seq_along(best) - 1, estimate = best, std_error = error,
    statistic = sapply(seq_along(best), function(j) 2 * (top - profile(j, 0))),
    conf_low = sapply(seq_along(best), limit, side = -1),
    conf_high = sapply(seq_along(best), limit, side = 1),
    log_likelihood = top, log_likelihood_null = f(rep(0, ncol(x)))
  )
}

suppressWarnings(RNGversion("4.2.0"))
set.seed(20260131)
n <- 40
rows <- data.frame(entry = -Inf, stratum = 1, weight = 1)[rep(1, n), ]
rows$group <- sample(c("a", "b", "c"), n, TRUE, c(0.4, 0.4, 0.2))
rows$age <- round(rnorm(n, 60, 10))
rows$time <- ceiling(rexp(n, 0.1))
rows$event <- as.integer(runif(n) < 0.5 & rows$group != "c")   # c separates
rows$late <- floor(runif(n) * rows$time * 0.9)
rows$site <- sample(1:2, n, TRUE)
rows$count <- sample(1:3, n, TRUE)
write.csv(rows[c("group", "age", "time", "event", "late", "site", "count")],
          "tests/reference/firth_data.csv", row.names = FALSE, quote = FALSE)
x <- cbind(rows$group == "b", rows$group == "c", rows$age / 10 - 6) + 0

# The likelihood of the loops is that of coxph.
check <- function(rows, x, ties) {
  b <- c(0.3, -1, 0.2)
  own <- penalised(b, rows, x, ties, FALSE)
  theirs <- coxph(Surv(pmax(entry, -1), time, event) ~ x + strata(stratum), rows, weights = weight,
                  init = b, ties = ties, control = coxph.control(iter.max = 0))
  stopifnot(all.equal(own$fit, theirs$loglik[2], tolerance = 1e-12),
            all.equal(own$information, solve(theirs$var), tolerance = 1e-9, check.attributes = FALSE))
}
cases <- list(
  efron = list(rows, "efron"), breslow = list(rows, "breslow"),
  strata_entry = list(transform(rows, entry = late, stratum = site), "efron"),
  counts = list(transform(rows, weight = count), "efron"),
  counts_breslow = list(transform(rows, weight = count, entry = late), "breslow")
)
found <- do.call(rbind, lapply(names(cases), function(case) {
  own <- cases[[case]]
  check(own[[1]], x, own[[2]])
  answers(case, own[[1]], x, own[[2]])
}))
write_table(found, "tests/reference/firth.csv")
