# A treatment within three groups by R's survival, on the patients of cox_data.csv (cox.R), `er`
# standing for the treatment. From the project's root: Rscript tests/reference/treatment_by_group.R
# Writes treatment_by_group.csv: one row a number.
library(survival)
source("tests/reference/methods/write.R", local = TRUE)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
data <- read.csv("tests/reference/cox_data.csv")
data$group <- factor(data$group, c("zero", "low", "positive"))
data$treated <- data$er == "yes"
data$one <- 1
answer <- NULL
add <- function(case, quantity, group, time, estimate, std_error = NA) {
  answer <<- rbind(answer, data.frame(case = case, quantity = quantity, group = group,
    time = time, estimate = as.numeric(estimate), std_error = as.numeric(std_error)))
}
curves <- function(case, rows, weight, robust) {
  own <- data[rows, ]
  own$w <- own[[weight]]
  own$id <- seq_len(nrow(own))
  arms <- lapply(c(TRUE, FALSE), function(x) {
    part <- own[own$treated == x, ]
    fitted <- if (robust) survfit(Surv(time, event) ~ 1, part, weights = w, id = id, robust = TRUE)
              else survfit(Surv(time, event) ~ 1, part)
    summary(fitted, times = c(4, 8))
  })
  list(arms[[1]]$surv, arms[[2]]$surv, arms[[1]]$std.err, arms[[2]]$std.err)
}
for (case in c("adjusted", "weighted")) {
  robust <- case == "weighted"
  parts <- if (robust) "" else " + age + grade"
  weight <- if (robust) "weight" else "one"
  data$w <- data[[weight]]
  fit <- function(text, rows) {
    part <- data[rows, ]
    if (robust) coxph(as.formula(text), part, weights = w, robust = TRUE, control = tight)
    else coxph(as.formula(text), part, control = tight)
  }
  every <- rep(TRUE, nrow(data))
  whole <- fit(paste0("Surv(time, event) ~ treated", parts), every)
  add(case, "log_hr", "all", NA, coef(whole)[1], sqrt(vcov(whole)[1, 1]))
  for (group in levels(data$group)) {
    rows <- data$group == group
    model <- fit(paste0("Surv(time, event) ~ treated", parts), rows)
    add(case, "log_hr", group, NA, coef(model)[1], sqrt(vcov(model)[1, 1]))
    s <- curves(case, rows, weight, robust)
    for (i in 1:2) {
      add(case, "treated", group, c(4, 8)[i], s[[1]][i], s[[3]][i])
      add(case, "untreated", group, c(4, 8)[i], s[[2]][i], s[[4]][i])
      add(case, "difference", group, c(4, 8)[i], s[[1]][i] - s[[2]][i], sqrt(s[[3]][i]^2 + s[[4]][i]^2))
    }
  }
  full <- fit(paste0("Surv(time, event) ~ treated * group", parts), every)
  small <- fit(paste0("Surv(time, event) ~ treated + group", parts), every)
  own <- grep("treatedTRUE:", names(coef(full)))
  for (i in own) add(case, "log_ratio", sub(".*group", "", names(coef(full))[i]), NA, coef(full)[i],
                     sqrt(vcov(full)[i, i]))
  b <- coef(full)[own]
  statistic <- if (robust) drop(b %*% solve(vcov(full)[own, own], b))
               else 2 * (full$loglik[2] - small$loglik[2])
  add(case, "interaction", "all", NA, statistic)
}
write_table(answer, "tests/reference/treatment_by_group.csv")
