# Pooling of fixed completed data by mice, and the parts of imputation that have no randomness.
source("tests/reference/methods/write.R")
suppressPackageStartupMessages({library(survival); library(mice)})
set.seed(20250131, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
exact <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)

# Synthetic patients: what is missing, and five sets of values for it. No real patient is behind.
n <- 240
m <- 5
age <- round(rnorm(n, 60, 11), 1)
grade <- sample(1:3, n, replace = TRUE, prob = c(2, 5, 4))
died <- rexp(n, c(0.5, 0.8, 1.3)[grade] * exp(0.03 * (age - 60)) / 30)
left <- runif(n, 2, 60)
rows <- data.frame(patient = 1:n, time = ceiling(pmin(died, left)), fine = pmin(died, left),
                   event = as.integer(died <= left), receptor = rbinom(n, 1, 0.7), age, grade)
rows$age[runif(n) < 0.15] <- NA
rows$grade[runif(n) < 0.25] <- NA
for (i in 1:m) {
  rows[[paste0("age_", i)]] <- ifelse(is.na(rows$age), round(rnorm(n, 60, 11), 1), rows$age)
  rows[[paste0("grade_", i)]] <- ifelse(is.na(rows$grade), sample(1:3, n, TRUE), rows$grade)
}
write_table(rows, "tests/reference/imputed_rows.csv")

completed <- lapply(1:m, function(i) data.frame(rows[c("patient", "time", "fine", "event", "receptor")],
  age = rows[[paste0("age_", i)]] / 10, grade = factor(rows[[paste0("grade_", i)]])))
fits <- lapply(completed, function(d) coxph(Surv(time, event) ~ age + grade + receptor, d, control = exact))
df_complete <- sum(rows$event) - 4
pooled <- pool(as.mira(fits), dfcom = df_complete)$pooled
table <- data.frame(term = as.character(pooled$term), estimate = pooled$estimate, std_error = sqrt(pooled$t),
                    df = pooled$df, riv = pooled$riv, fmi = pooled$fmi, within = pooled$ubar, between = pooled$b)

# Several parameters at once: grade, and all; D1 with Reiter's and without, D2.
nested <- lapply(completed, function(d) coxph(Surv(time, event) ~ age + receptor, d, control = exact))
tests <- function(name, found) data.frame(name, statistic = found$test[1], df = found$test[2],
  df_residual = found$test[3], p_value = found$test[4], riv = found$test[5])
estimates <- sapply(fits, coef)
covariances <- simplify2array(lapply(fits, vcov))
all_d1 <- mitml:::.D1(estimates, covariances, df_complete)
wald <- sapply(fits, function(f) drop(coef(f) %*% solve(vcov(f)) %*% coef(f)))
all_d2 <- mitml:::.D2(wald, 4)
of_all <- function(name, d) data.frame(name, statistic = drop(d$F), df = d$k, df_residual = d$v,
  p_value = pf(drop(d$F), d$k, d$v, lower.tail = FALSE), riv = d$r)
write_table(rbind(
  tests("grade_d1", mitml::testModels(fits, nested, method = "D1", df.com = df_complete)),
  tests("grade_d1_large", mitml::testModels(fits, nested, method = "D1")),
  tests("grade_d2", mitml::testModels(fits, nested, method = "D2")),
  of_all("all_d1", all_d1), of_all("all_d2", all_d2)), "tests/reference/imputed_tests.csv")
write_table(table, "tests/reference/imputed_cox.csv")

# Numbers by grade: survival on log(-log S) and restricted means, by pool.scalar.
scalar <- function(quantity, group, time, q, u, df) {
  found <- pool.scalar(q, u, n = df + 1, k = 1)
  data.frame(quantity, group, time, estimate = found$qbar, std_error = sqrt(found$t), df = found$df, fmi = found$fmi)
}
survival_at <- function(level, time) {
  found <- lapply(completed, function(d) summary(survfit(Surv(time, event) ~ 1, d[d$grade == level, ]), times = time))
  s <- sapply(found, function(f) f$surv)
  e <- sapply(found, function(f) f$std.err)
  events <- round(mean(sapply(completed, function(d) sum(d$event[d$grade == level]))))
  scalar("survival", level, time, log(-log(s)), (e / (s * log(s)))^2, events - 1)
}
mean_to <- function(level, tau) {
  found <- lapply(completed, function(d) summary(survfit(Surv(time, event) ~ 1, d[d$grade == level, ]), rmean = tau)$table)
  events <- round(mean(sapply(completed, function(d) sum(d$event[d$grade == level]))))
  scalar("rmst", level, tau, sapply(found, function(f) f[["rmean"]]), sapply(found, function(f) f[["se(rmean)"]])^2, events - 1)
}
write_table(do.call(rbind, c(
  lapply(1:3, function(g) survival_at(g, 12)), lapply(1:3, function(g) survival_at(g, 24)),
  lapply(1:3, function(g) mean_to(g, 24)))), "tests/reference/imputed_numbers.csv")

# The hazard lived through; mice's own where no times tie.
km <- survfit(Surv(time, event) ~ 1, rows)
late <- survfit(Surv(time / 4, time, event) ~ 1, rows)
at <- function(f, t) c(0, f$cumhaz)[findInterval(t, f$time) + 1]
write_table(data.frame(patient = 1:n, tied = at(km, rows$time), fine = nelsonaalen(rows, fine, event),
  entered = at(late, rows$time) - at(late, rows$time / 4)), "tests/reference/imputed_hazard.csv")

# Augmented rows: two predictors, three levels.
seen <- !is.na(rows$grade)
x <- as.matrix(completed[[1]][c("age", "receptor")])[seen, ]
added <- mice:::augment(factor(rows$grade[seen]), c(FALSE, FALSE, rep(TRUE, sum(seen) - 2)), x, rep(FALSE, sum(seen)))
new <- (sum(seen) + 1):nrow(added$x)
write_table(data.frame(level = as.integer(added$y[new]), age = added$x[new, 1], receptor = added$x[new, 2],
  weight = added$w[new]), "tests/reference/imputed_augmented.csv")

# The nearest donor.
donors <- round(rnorm(40), 3)
wanted <- rnorm(25)
write_table(data.frame(donor = donors, wanted = c(wanted, rep(NA, 15)),
  nearest = c(donors[mice:::matchindex(donors, wanted, 1L)], rep(NA, 15))), "tests/reference/imputed_donors.csv")
