# Hazard ratios site by site with survival, pooled with metafor; one model of all sites beside them.
suppressPackageStartupMessages({library(survival); library(metafor)})
source("tests/reference/methods/write.R")

set.seed(7112)
sizes <- c(A = 160, B = 120, C = 110, D = 90, E = 60, F = 30, G = 9, H = 25)
patients <- do.call(rbind, lapply(names(sizes), function(s) {
  n <- sizes[[s]]
  group <- sample(c("zero", "low", "positive"), n, TRUE, c(0.4, 0.45, 0.15))
  age <- round(rnorm(n, 60, 10))
  base <- 0.02 * exp(rnorm(1, 0, 0.4))
  own <- rnorm(1, -0.2, 0.3)
  rate <- base * exp(own * (group == "low") + 0.3 * (group == "positive") + 0.03 * (age - 60))
  death <- ceiling(rexp(n, rate)); censor <- ceiling(runif(n, 10, 90))
  data.frame(site = s, group, age, time = pmin(death, censor), event = as.integer(death <= censor))
}))
patients$event[patients$site == "H"] <- 0L
# In F nobody with a positive tumour dies: no finite estimate of that level there.
patients$event[patients$site == "F" & patients$group == "positive"] <- 0L
patients$group <- factor(patients$group, c("zero", "low", "positive"))
control <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
model <- function(rows, ...) suppressWarnings(coxph(Surv(time, event) ~ group + age, rows, control = control, ...))

number <- function(quantity, level, site, estimate, std_error, low = NA, high = NA)
  data.frame(quantity, level, site, estimate, std_error, conf_low = low, conf_high = high)
answers <- do.call(rbind, lapply(c("low", "positive"), function(level) {
  name <- paste0("group", level)
  own <- do.call(rbind, lapply(setdiff(names(sizes), c("G", "H")), function(s) {
    if (s == "F" && level == "positive") return(NULL)
    m <- model(patients[patients$site == s, ])
    number("site", level, s, coef(m)[[name]], sqrt(vcov(m)[name, name]))
  }))
  r <- rma(own$estimate, sei = own$std_error, method = "PM", test = "knha", control = list(threshold = 1e-15, maxiter = 10000, tol = 1e-14))
  wide <- predict(r)
  one <- coxph(Surv(time, event) ~ group + age + strata(site), patients, control = control)
  two <- coxph(Surv(time, event) ~ group + age + cluster(site), patients, control = control)
  rbind(own, number("pooled_random", level, "", as.numeric(r$beta), r$se, r$ci.lb, r$ci.ub),
    number("prediction", level, "", wide$pred, NA, wide$pi.lb, wide$pi.ub),
    number("stratified", level, "", coef(one)[[name]], sqrt(vcov(one)[name, name])),
    number("robust", level, "", coef(two)[[name]], sqrt(vcov(two)[name, name])))
}))
write_table(patients, "tests/reference/by_site_patients.csv")
write_table(answers, "tests/reference/by_site.csv")
