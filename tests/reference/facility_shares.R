# Shares by facility: limits of a funnel plot and the variance between facilities, on the patients of
# cox_data.csv (cox.R). From the project's root: Rscript tests/reference/facility_shares.R
# The likelihood of the random intercept is integrated by R's integrate() and maximised by optim();
# lme4's glmer and metafor's rma.glmm stand beside it.
suppressMessages({library(lme4); library(metafor)})
source("tests/reference/methods/write.R", local = TRUE)
data <- read.csv("tests/reference/cox_data.csv")
# Shares that differ: positive patients of a third of the facilities are counted as low.
data$low <- data$group == "low" | (data$facility %% 3 == 0 & data$group == "positive")
n <- as.numeric(table(data$facility)); k <- as.numeric(tapply(data$low, data$facility, sum))
answer <- NULL
add <- function(quantity, name, value) {
  answer <<- rbind(answer, data.frame(quantity = quantity, name = name, value = as.numeric(value)))
}
ll <- function(par) sum(sapply(seq_along(n), function(i) {
  f <- function(z) sapply(z, function(x) exp(dbinom(k[i], n[i], plogis(par[1] + par[2] * x), log = TRUE) + dnorm(x, log = TRUE)))
  log(integrate(f, -9, 9, rel.tol = 1e-12, subdivisions = 500)$value)
}))
best <- optim(c(0, 0.3), function(p) -ll(p), method = "BFGS", control = list(reltol = 1e-15, maxit = 500))
best <- optim(best$par, function(p) -ll(p), method = "Nelder-Mead", control = list(reltol = 1e-15, maxit = 2000))
flat <- sum(dbinom(k, n, sum(k) / sum(n), log = TRUE))
add("mean", "", best$par[1]); add("deviation", "", abs(best$par[2]))
add("loglik", "", -best$value); add("lr", "", 2 * (-best$value - flat))
h <- optimHess(best$par, function(p) -ll(p), control = list(ndeps = c(1e-4, 1e-4)))
add("std_error", "", sqrt(solve(h)[1, 1]))
profile <- function(s) -optimize(function(m) -ll(c(m, s)), best$par[1] + c(-1, 1), tol = 1e-9)$objective
drop <- function(s) profile(s) + best$value + qchisq(0.95, 1) / 2
add("high", "", uniroot(drop, c(abs(best$par[2]), 3), tol = 1e-9)$root)
add("low", "", if (drop(0) >= 0) 0 else uniroot(drop, c(0, abs(best$par[2])), tol = 1e-9)$root)
fitted <- glmer(cbind(k, n - k) ~ 1 + (1 | f), data.frame(k, n, f = factor(seq_along(n))), family = binomial, nAGQ = 25)
add("glmer", "mean", fixef(fitted)); add("glmer", "deviation", sqrt(VarCorr(fitted)$f[1]))
meta <- rma.glmm(measure = "PLO", xi = k, ni = n, nAGQ = 25)
add("metafor", "mean", meta$beta); add("metafor", "deviation", sqrt(meta$tau2))
limit <- function(tail, n, share) {
  r <- qbinom(tail, n, share)
  (r - (pbinom(r, n, share) - tail) / dbinom(r, n, share)) / n
}
share <- sum(k) / sum(n)
for (tail in c(0.025, 0.975, 0.001, 0.999)) add("limit", tail, pmin(pmax(limit(tail, c(1, 5, 12, 40, 200), share), 0), 1))
write_table(answer, "tests/reference/facility_shares.csv")
