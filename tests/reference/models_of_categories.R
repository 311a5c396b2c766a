# Models of a category by R: nnet::multinom, MASS::polr and glm, on the patients of cox_data.csv
# (cox.R). From the project's root: Rscript tests/reference/models_of_categories.R
# Writes category_models.csv: one row a number. multinom and polr stop early: both are run to the
# end here, polr by Newton's steps from its own answer. Brant's test follows his formulas.
library(nnet)
library(MASS)
source("tests/reference/methods/write.R", local = TRUE)
data <- read.csv("tests/reference/cox_data.csv")
data$group <- factor(data$group, c("zero", "low", "positive"))
data$site <- factor(data$site)
data$er <- factor(data$er)
answer <- NULL
add <- function(case, quantity, name, value) {
  answer <<- rbind(answer, data.frame(case = case, quantity = quantity, name = name,
                                      value = as.numeric(value)))
}
multi <- function(formula) multinom(formula, data, trace = FALSE, maxit = 10000, abstol = 1e-15,
                                    reltol = 1e-15, Hess = TRUE)
# Newton's steps on the exact score and information of the multinomial logit.
polished <- function(formula) {
  x <- model.matrix(formula, data); y <- as.integer(data$group) - 1; k <- 2; q <- ncol(x)
  b <- as.numeric(t(coef(multi(formula))))
  for (i in 1:20) {
    eta <- cbind(0, x %*% matrix(b, q)); p <- exp(eta) / rowSums(exp(eta))
    score <- unlist(lapply(1:k, function(a) crossprod(x, (y == a) - p[, a + 1])))
    info <- matrix(0, k * q, k * q)
    for (a in 1:k) for (c in 1:k) {
      info[(a - 1) * q + 1:q, (c - 1) * q + 1:q] <-
        crossprod(x, x * (p[, a + 1] * ((a == c) - p[, c + 1])))
    }
    b <- b + solve(info, score)
  }
  list(b = b, v = solve(info), loglik = sum(log(p[cbind(seq_along(y), y + 1)])), names = colnames(x))
}
ordered <- function(formula) {
  start <- polr(formula, data, Hess = TRUE, control = list(reltol = 1e-15, maxit = 10000))
  x <- model.matrix(formula, data)[, -1, drop = FALSE]
  y <- as.integer(data$group)
  ll <- function(par) {
    theta <- c(-Inf, par[1:2], Inf); eta <- if (ncol(x)) drop(x %*% par[-(1:2)]) else 0
    sum(log(plogis(theta[y + 1] - eta) - plogis(theta[y] - eta)))
  }
  grad <- function(par) {
    theta <- c(-Inf, par[1:2], Inf); eta <- if (ncol(x)) drop(x %*% par[-(1:2)]) else 0
    u <- theta[y + 1] - eta; l <- theta[y] - eta; p <- plogis(u) - plogis(l)
    du <- dlogis(u) / p; dl <- -dlogis(l) / p
    c(sum(du[y == 1]) + sum(dl[y == 2]), sum(du[y == 2]) + sum(dl[y == 3]), -crossprod(x, du + dl))
  }
  par <- c(start$zeta, coef(start))
  hess <- function(par) {
    h <- 1e-5
    m <- sapply(seq_along(par), function(j) {
      e <- replace(numeric(length(par)), j, h)
      (8 * (grad(par + e) - grad(par - e)) - (grad(par + 2 * e) - grad(par - 2 * e))) / (12 * h)
    })
    (m + t(m)) / 2
  }
  for (i in 1:6) par <- par - solve(hess(par), grad(par))
  list(b = par, v = solve(-hess(par)), loglik = ll(par), names = colnames(x))
}
full <- group ~ age + factor(grade) + site
m <- polished(full)
q <- length(m$names)
for (a in 1:2) for (j in 2:q) {
  i <- (a - 1) * q + j
  add("multinomial", "estimate", paste(c("low", "positive")[a], m$names[j]), m$b[i])
  add("multinomial", "std_error", paste(c("low", "positive")[a], m$names[j]), sqrt(m$v[i, i]))
}
for (j in 2:q) {
  d <- m$b[q + j] - m$b[j]
  v <- m$v[q + j, q + j] + m$v[j, j] - 2 * m$v[q + j, j]
  add("multinomial", "estimate", paste("between", m$names[j]), d)
  add("multinomial", "std_error", paste("between", m$names[j]), sqrt(v))
}
for (a in 1:2) add("multinomial", "intercept", c("low", "positive")[a], m$b[(a - 1) * q + 1])
add("multinomial", "loglik", "full", m$loglik)
drops <- list(age = group ~ factor(grade) + site, grade = group ~ age + site,
              site = group ~ age + factor(grade))
for (name in names(drops)) {
  add("multinomial", "term_test", name, 2 * (m$loglik - polished(drops[[name]])$loglik))
}
add("multinomial", "multinom_loglik", "full", logLik(multi(full)))
o <- ordered(full)
for (j in seq_along(o$names)) {
  add("ordinal", "estimate", o$names[j], o$b[2 + j])
  add("ordinal", "std_error", o$names[j], sqrt(o$v[2 + j, 2 + j]))
}
for (j in 1:2) add("ordinal", "intercept", c("zero", "low")[j], o$b[j])
add("ordinal", "loglik", "full", o$loglik)
add("ordinal", "polr_loglik", "full", logLik(polr(full, data)))
for (name in names(drops)) {
  add("ordinal", "term_test", name, 2 * (o$loglik - ordered(drops[[name]])$loglik))
}
# Brant (1990): binary logits at each cut, their joint covariance, Wald tests.
x <- model.matrix(full, data)
y <- as.integer(data$group)
tight <- glm.control(epsilon = 1e-15, maxit = 100)
cuts <- lapply(1:2, function(k) glm((y > k) ~ x - 1, family = binomial, control = tight))
p <- lapply(cuts, fitted)
inverse <- lapply(p, function(s) solve(crossprod(x, x * (s * (1 - s)))))
cross <- inverse[[1]] %*% crossprod(x, x * (p[[2]] * (1 - p[[1]]))) %*% inverse[[2]]
difference <- coef(cuts[[2]]) - coef(cuts[[1]])
v <- inverse[[1]] + inverse[[2]] - cross - t(cross)
brant <- function(places) drop(difference[places] %*% solve(v[places, places], difference[places]))
add("ordinal", "brant", "", brant(2:7))
add("ordinal", "brant", "age", brant(2))
add("ordinal", "brant", "grade", brant(3:4))
add("ordinal", "brant", "site", brant(5:7))
# Two categories: glm.
b <- glm(er ~ age + group, data, family = binomial, control = tight)
for (j in 2:4) {
  add("binary", "estimate", names(coef(b))[j], coef(b)[j])
  add("binary", "std_error", names(coef(b))[j], sqrt(vcov(b)[j, j]))
}
write_table(answer, "tests/reference/category_models.csv")
