# What robustness of one estimate is held against: formulas written out, loops over refits.
library(survival)
source("tests/reference/methods/write.R")
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
rows <- read.csv("tests/reference/cox_data.csv", stringsAsFactors = FALSE)
rows$group <- factor(rows$group, c("zero", "low", "positive"))
rows$grade <- factor(rows$grade)

# E-values as in VanderWeele and Ding (2017), and detectable hazard ratios as in Schoenfeld (1983).
evalue <- function(rr) { rr <- max(rr, 1 / rr); rr + sqrt(rr * (rr - 1)) }
risk <- function(x, scale, outcome) {
  if (scale == "risk_ratio" || outcome == "rare") x
  else if (scale == "odds_ratio") sqrt(x)
  else (1 - 0.5^sqrt(x)) / (1 - 0.5^sqrt(1 / x))
}
asked <- expand.grid(ratio = c(0.02, 0.56, 0.9, 1, 1.07, 3, 40),
                     scale = c("risk_ratio", "hazard_ratio", "odds_ratio"),
                     outcome = c("rare", "common"), stringsAsFactors = FALSE)
asked$risk_ratio <- mapply(risk, asked$ratio, asked$scale, asked$outcome)
asked$e_value <- sapply(asked$risk_ratio, evalue)
write_table(asked, "tests/reference/e_values.csv")
sizes <- expand.grid(n_event = c(1, 6, 36, 4000), n = c(61, 3000), n_reference = c(407, 20), power = c(0.8, 0.9))
sizes <- sizes[sizes$n_event <= sizes$n + sizes$n_reference, ]
share <- sizes$n / (sizes$n + sizes$n_reference)
sizes$above <- exp((qnorm(0.975) + qnorm(sizes$power)) / sqrt(sizes$n_event * share * (1 - share)))
write_table(sizes, "tests/reference/detectable.csv")

# The share of a confounder that biases a risk ratio by so much, by a root finder.
biases <- expand.grid(bias = c(0.8, 0.97, 1.05, 1.4), association = c(1.5, 2, 3, 5), share = c(0.1, 0.3, 0.5))
biases$needed <- mapply(function(b, g, p0) {
  off <- function(p1) (1 + p1 * (g - 1)) / (1 + p0 * (g - 1)) - b
  if (off(0) * off(1) > 0) NA else uniroot(off, c(0, 1), tol = 1e-15)$root
}, biases$bias, biases$association, biases$share)
write_table(biases, "tests/reference/confounders.csv")

# Events more until another conclusion is drawn: every number tried in turn.
fitted <- function(data, level, reference) {
  data$group <- relevel(data$group, reference)
  found <- summary(coxph(Surv(time, event) ~ group + age + grade, data, control = tight))$coefficients
  found[paste0("group", level), c("coef", "se(coef)")]
}
concluded <- function(one) {
  z <- one[1] / one[2]
  if (z < -qnorm(0.975)) "lower" else if (z > qnorm(0.975)) "higher" else "inconclusive"
}
# With `stretch` the low group lives so many times longer, and something is concluded.
fewest <- function(level, reference, group, stretch = 1) {
  rows$time <- ifelse(rows$group == "low", stretch, 1) * rows$time
  censored <- which(rows$group == group & rows$event == 0)
  censored <- censored[order(rows$time[censored])]
  before <- concluded(fitted(rows, level, reference))
  for (k in seq_along(censored)) {
    more <- rows
    more$event[censored[((2 * (0:(k - 1)) + 1) * length(censored)) %/% (2 * k) + 1]] <- 1
    one <- fitted(more, level, reference)
    if (concluded(one) != before)
      return(data.frame(stretch, level, reference, group, n_censored = length(censored), n_more = k,
                        conclusion = concluded(one), estimate = one[1], std_error = one[2]))
  }
  data.frame(stretch, level, reference, group, n_censored = length(censored), n_more = NA,
             conclusion = before, estimate = NA, std_error = NA)
}
pairs <- expand.grid(level = c("zero", "low", "positive"), reference = c("zero", "low", "positive"), stringsAsFactors = FALSE)
pairs <- pairs[pairs$level != pairs$reference, ]
write_table(do.call(rbind, c(
  Map(fewest, pairs$level, pairs$reference, pairs$reference),
  Map(fewest, pairs$level, pairs$reference, pairs$level),
  list(fewest("low", "zero", "low", 1.7), fewest("zero", "low", "low", 1.7)))), "tests/reference/tipping_events.csv")

# Without each facility in turn, and the sum of its patients' residuals.
full <- coxph(Surv(time, event) ~ group + age + grade, rows, control = tight)
change <- rowsum(residuals(full, type = "dfbeta")[, 1], rows$facility)
write_table(do.call(rbind, lapply(sort(unique(rows$facility)), function(unit) {
  rest <- coxph(Surv(time, event) ~ group + age + grade, rows[rows$facility != unit, ], control = tight)
  data.frame(facility = unit, n = sum(rows$facility == unit),
             n_event = sum(rows$event[rows$facility == unit]),
             approximate = -change[as.character(unit), 1], estimate = coef(rest)["grouplow"],
             std_error = sqrt(vcov(rest)["grouplow", "grouplow"]))
})), "tests/reference/leave_one_out.csv")

# A logistic model of what was read with known errors: its likelihood maximised as it stands.
pair <- rows[rows$group != "positive", ]
z <- cbind(1, scale(cbind(pair$age, pair$event, as.numeric(pair$er == "yes"))) * sqrt(nrow(pair) / (nrow(pair) - 1)))
read <- pair$group == "low"
cases <- list(good = c(0.95, 0.1), poor = c(0.8, 0.3), event = NULL)
write_table(do.call(rbind, lapply(names(cases), function(name) {
  right <- if (name == "event") ifelse(pair$event == 1, 0.9, 0.8) else cases[[name]][1]
  wrong <- if (name == "event") ifelse(pair$event == 1, 0.2, 0.15) else cases[[name]][2]
  height <- function(theta) {
    p <- wrong + (right - wrong) * plogis(drop(z %*% theta))
    -sum(log(ifelse(read, p, 1 - p))) + sum(theta[-1]^2) / 200
  }
  slope <- function(theta) {
    share <- plogis(drop(z %*% theta))
    p <- wrong + (right - wrong) * share
    -colSums(z * ((right - wrong) * share * (1 - share) * (read - p) / (p * (1 - p)))) + c(0, theta[-1] / 100)
  }
  theta <- rep(0, ncol(z))
  for (i in 1:20) theta <- optim(theta, height, slope, method = "BFGS", control = list(reltol = 1e-16, maxit = 1000))$par
  share <- plogis(drop(z %*% theta))
  p <- wrong + (right - wrong) * share
  weight <- ((right - wrong) * share * (1 - share))^2 / (p * (1 - p))
  spread <- sqrt(diag(solve(t(z) %*% (z * weight) + diag(c(0, rep(0.01, ncol(z) - 1))))))
  upper <- ifelse(read, right, 1 - right) * share
  lower <- ifelse(read, wrong, 1 - wrong) * (1 - share)
  data.frame(case = name, place = seq_along(theta), theta = theta, std_error = spread,
             mean_upper = mean(upper / (upper + lower)))
})), "tests/reference/misread.csv")
