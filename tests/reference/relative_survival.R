# Net survival, its test and excess hazards by relsurv, on patients and a life table of our own.
suppressPackageStartupMessages(library(relsurv))
source("tests/reference/methods/write.R")

ages <- 40:100; years <- 2005:2016; sexes <- c("female", "male")
cells <- expand.grid(age = ages, sex = sexes, year = years)
cells$rate <- round(with(cells, 4e-5 * exp(0.095 * age) * ifelse(sex == "male", 1.45, 1) * 0.985^(year - 2005)), 7)
rates <- array(cells$rate / 365.25, c(length(ages), 2, length(years)), list(ages, sexes, years))
population <- structure(rates, dimid = c("age", "sex", "year"), type = c(2, 1, 2),
  cutpoints = list(ages * 365.25, NULL, years * 365.25), class = "ratetable")

set.seed(4021)
n <- 400
patients <- data.frame(
  group = sample(c("zero", "low", "positive"), n, TRUE, c(0.4, 0.4, 0.2)),
  age = round(runif(n, 45, 90), 3), sex = sample(sexes, n, TRUE, c(0.85, 0.15)),
  year = round(runif(n, 2005, 2013), 3))
own <- 3e-4 * exp(0.02 * (patients$age - 60) + 0.5 * (patients$group == "positive"))
both <- own + 4e-5 * exp(0.095 * (patients$age + 2)) / 365.25
death <- ceiling(rexp(n, both)); censor <- ceiling(runif(n, 200, 2900))
patients$time <- pmin(death, censor); patients$event <- as.integer(death <= censor)
patients$code <- match(patients$group, c("zero", "low", "positive"))

surv <- function(rows, method, ...) suppressWarnings(rs.surv(Surv(time, event) ~ 1, rows, population, method = method, rmap = list(age = age * 365.25, sex = sex, year = year * 365.25), ...))
at <- c(365, 1000, 1826.25, 2500)
curves <- do.call(rbind, lapply(c("all", "zero", "low", "positive"), function(g) {
  rows <- if (g == "all") patients else patients[patients$group == g, ]
  daily <- sort(unique(c(1:max(rows$time), at[at <= max(rows$time)])))
  do.call(rbind, lapply(c("pohar-perme", "ederer2"), function(method) {
    f <- if (method == "ederer2") surv(rows, method) else surv(rows, method, add.times = daily)
    k <- findInterval(at, f$time); k[at > max(f$time)] <- NA
    data.frame(quantity = method, group = g, time = at, n_risk = f$n.risk[k], estimate = f$surv[k], std_error = f$std.err[k], conf_low = f$lower[k], conf_high = f$upper[k])
  }))
}))

test <- suppressWarnings(rs.diff(Surv(time, event) ~ code, patients, population, rmap = list(age = age * 365.25, sex = sex, year = year * 365.25)))
patients$female <- as.integer(patients$sex == "female")
cut <- c(0, 1, 3, 8) * 365.25 / 365.241
fit <- rsadd(Surv(time, event) ~ I(code == 2) + I(code == 3) + I(age / 10), patients, population, int = cut, method = "max.lik",
  control = glm.control(epsilon = 1e-12, maxit = 200), rmap = list(age = age * 365.25, sex = sex, year = year * 365.25))
model <- data.frame(quantity = c("low", "positive", "age", paste0("interval", 1:3)), estimate = as.numeric(fit$coef), std_error = sqrt(diag(fit$var)))
model$estimate[4:6] <- model$estimate[4:6] + log(365.25 / 365.241)  # its years are of 365.241 days

# rs.diff and rsadd split a day at a birthday and average the hazard of the day after a death. The
# same by explicit loops with each day's hazard as it starts, which is what the estimators define.
rate <- function(t) with(patients, {
  a <- pmin(pmax(floor((age * 365.25 + t) / 365.25) - 39, 1), length(ages)); y <- pmin(pmax(floor((year * 365.25 + t) / 365.25) - 2004, 1), length(years))
  rates[cbind(a, match(sex, sexes), y)]
})
inverse <- rep(1, n); z <- rep(0, 3); V <- matrix(0, 3, 3)
for (day in 1:max(patients$time)) {
  risk <- patients$time >= day
  lambda <- rate(day - 1)
  inverse <- inverse * exp(lambda)
  by <- function(x) as.numeric(tapply(x * risk, factor(patients$code, 1:3), sum))
  dead <- patients$event * (patients$time == day)
  at_risk <- by(inverse); excess <- by(dead * inverse - lambda * inverse); squared <- by(dead * inverse^2)
  share <- at_risk / sum(at_risk)
  z <- z + excess - share * sum(excess)
  for (g in 1:3) { d <- (1:3 == g) - share; V <- V + squared[g] * outer(d, d) }
}
loops <- as.numeric(z[1:2] %*% solve(V[1:2, 1:2]) %*% z[1:2])

X <- with(patients, cbind(code == 2, code == 3, age / 10))
edges <- c(0, 1, 3, Inf); years_at <- patients$time / 365.25
spent <- sapply(1:3, function(k) pmin(pmax(years_at - edges[k], 0), edges[k + 1] - edges[k]))
own <- cbind(X, sapply(1:3, function(k) as.numeric(years_at > edges[k] & years_at <= edges[k + 1])))
expected <- 365.25 * sapply(seq_len(n), function(i) rate(patients$time[i])[i])
theta <- c(0, 0, 0, -3, -3, -3)
for (turn in 1:40) {
  mu <- exp(as.numeric(own %*% theta)); share <- patients$event * mu / (mu + expected)
  score <- as.numeric(crossprod(own, share)); info <- -crossprod(own, own * share * (1 - share / pmax(patients$event, 1)))
  for (k in 1:3) {
    Z <- cbind(X, outer(rep(1, n), as.numeric(1:3 == k)))
    due <- exp(as.numeric(Z %*% theta)) * spent[, k]
    score <- score - as.numeric(crossprod(Z, due)); info <- info + crossprod(Z, Z * due)
  }
  theta <- theta + as.numeric(solve(info, score))
}
model$quantity <- paste0("rsadd_", model$quantity)
model <- rbind(model, data.frame(quantity = c("low", "positive", "age", paste0("interval", 1:3)), estimate = theta, std_error = sqrt(diag(solve(info)))))
write_table(cells, "tests/reference/relative_life_table.csv")
write_table(patients[c("group", "age", "sex", "year", "time", "event")], "tests/reference/relative_patients.csv")
write_table(curves, "tests/reference/relative_curves.csv")
write_table(data.frame(quantity = c("rs_diff", "loops"), statistic = c(as.numeric(test$test.stat), loops), df = test$df), "tests/reference/relative_test.csv")
write_table(model, "tests/reference/relative_excess.csv")
