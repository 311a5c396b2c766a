# Reference values of Cox models, by R's survival. Run from the project's root:
#   Rscript tests/reference/cox.R
# Writes cox_data.csv (synthetic patients) and cox_expected.csv (one row a number); reads
# cox_separated.csv (small random sets in which some coefficients become infinite). `index` is the
# place of a coefficient or of a time point. Data sets that come with survival are fitted here too;
# only the answers are kept. R's own convergence is looser than the tests' tolerance, hence the
# control settings.
library(survival)
options(digits = 17)
folder <- "tests/reference"
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)

# --- synthetic patients -------------------------------------------------------------------------
suppressWarnings(RNGversion("4.2.0"))
set.seed(20250131)
n <- 300
group <- sample(c("zero", "low", "positive"), n, TRUE, c(0.3, 0.5, 0.2))
age <- round(rnorm(n, 60, 11), 1)
grade <- sample(1:3, n, TRUE)
er <- sample(c("no", "yes"), n, TRUE)
site <- sample(c("a", "b", "c", "d"), n, TRUE, c(0.4, 0.3, 0.2, 0.1))
facility <- sample(1:25, n, TRUE)
hazard <- exp(0.03 * (age - 60) - 0.25 * (group == "low") + 0.3 * (group == "positive") +
                0.35 * (grade - 1)) / 40
death <- rexp(n, hazard)
leave <- runif(n, 2, 60)
exact <- pmin(death, leave)
data <- data.frame(
  group = group, age = age, grade = grade, er = er, site = site, facility = facility,
  time = ceiling(exact / 3), time_fine = round(exact, 6) + seq_len(n) * 1e-5,
  event = as.integer(death <= leave)
)
data$entry <- ifelse(runif(n) < 0.4, 0, floor(runif(n) * data$time))
data$count <- sample(1:3, n, TRUE)
data$weight <- round(runif(n, 0.3, 2.5), 4)
data$shift <- round(rnorm(n, 0, 0.3), 4)
data$event_no_positive <- data$event * (group != "positive")  # a level without events
data$event_no_zero <- data$event * (group != "zero")          # a reference without events
write.csv(data, file.path(folder, "cox_data.csv"), row.names = FALSE, quote = FALSE)
data$group <- factor(data$group, c("zero", "low", "positive"))

# --- answers ------------------------------------------------------------------------------------
rows <- list()
note <- function(case, quantity, values) {
  if (length(values) == 0) return(invisible())
  rows[[length(rows) + 1]] <<- data.frame(
    case = case, quantity = quantity, index = seq_along(values) - 1,
    value = sprintf("%.17g", as.numeric(values))
  )
}

# All that a fit says; `new` is one patient, predicted at `times`.
answers <- function(case, fit, new = NULL, times = NULL) {
  note(case, "coefficient", coef(fit))
  note(case, "std_error", sqrt(diag(fit$var)))
  if (!is.null(fit$naive.var)) note(case, "std_error_model", sqrt(diag(fit$naive.var)))
  note(case, "log_likelihood", rev(fit$loglik))
  note(case, "likelihood_ratio", 2 * diff(fit$loglik))
  note(case, "wald", fit$wald.test)
  note(case, "score", fit$score)
  note(case, "aic", AIC(fit))
  note(case, "bic", BIC(fit))
  kinds <- c("concordant", "discordant", "tied.x", "tied.y", "tied.xy", "concordance", "std")
  note(case, "concordance", fit$concordance[kinds])
  if (!is.null(new)) {
    curve <- summary(survfit(fit, newdata = new, conf.type = "log-log"), times = times)
    note(case, "survival", curve$surv)
    note(case, "survival_error", curve$std.err)
    note(case, "survival_low", curve$lower)
    note(case, "survival_high", curve$upper)
  }
}

new <- data.frame(group = factor("low", levels(data$group)), age = 55, grade = 3, er = "yes",
                  site = "b", shift = 0.2)
at <- c(2, 5, 9, 14)
# coxph looks its weights and clusters up in the data, so the call is written out before it is made.
efron <- function(formula, ...) {
  eval(substitute(coxph(formula, data = data, control = tight, ...)), parent.frame())
}
breslow <- function(formula, ...) {
  eval(substitute(coxph(formula, data = data, control = tight, ties = "breslow", ...)),
       parent.frame())
}
plain <- Surv(time, event) ~ group + age + grade
late <- Surv(entry, time, event) ~ group + age + grade

answers("efron", efron(plain), new, at)
answers("breslow", breslow(plain), new, at)
answers("no_ties", efron(Surv(time_fine, event) ~ group + age + grade), new, 3 * at)
answers("entry", efron(late), new, at)
answers("entry_breslow", breslow(late), new, at)
answers("strata", efron(update(plain, . ~ . + strata(site))), new, at)
answers("strata_entry", efron(update(late, . ~ . + strata(site))), new, at)
answers("weights", efron(plain, weights = weight), new, at)
answers("weights_breslow", breslow(plain, weights = weight), new, at)
answers("counts", efron(plain, weights = count), new, at)
answers("counts_breslow", breslow(plain, weights = count), new, at)
answers("robust", efron(plain, robust = TRUE), new, at)
answers("robust_entry_breslow", breslow(late, cluster = seq_len(n)), new, at)
answers("cluster", efron(plain, cluster = facility), new, at)
answers("everything", efron(update(late, . ~ . + strata(site)), weights = weight,
                            cluster = facility), new, at)
answers("everything_breslow", breslow(update(late, . ~ . + strata(site)), weights = weight,
                                      cluster = facility), new, at)
answers("offset", efron(update(plain, . ~ . + offset(shift))), new, at)
answers("interaction", efron(Surv(time, event) ~ group * er + age))
answers("interaction_number", efron(Surv(time, event) ~ group * age))
answers("per", efron(Surv(time, event) ~ I(age / 10)))

# Harrell's restricted cubic spline of age, 4 degrees of freedom, 5 knots.
knots <- quantile(data$age, c(0.05, 0.275, 0.5, 0.725, 0.95))
cubed <- function(x) pmax(x, 0)^3
for (j in 1:3) {
  data[[paste0("s", j)]] <- (cubed(data$age - knots[j]) -
    cubed(data$age - knots[4]) * (knots[5] - knots[j]) / (knots[5] - knots[4]) +
    cubed(data$age - knots[5]) * (knots[4] - knots[j]) / (knots[5] - knots[4])) /
    (knots[5] - knots[1])^2
}
answers("spline", efron(Surv(time, event) ~ age + s1 + s2 + s3))
note("spline", "knots", knots)

# A level without events: its coefficient runs to minus infinity; the others are the limit.
apart <- suppressWarnings(efron(Surv(time, event_no_positive) ~ group + age + grade))
answers("level_without_events", apart)
apart <- suppressWarnings(breslow(Surv(entry, time, event_no_positive) ~ group + age + grade +
                                    strata(site)))
answers("level_without_events_entry", apart)
apart <- suppressWarnings(efron(Surv(time, event_no_zero) ~ group + age + grade))
answers("reference_without_events", apart)

# The baseline at reference values, by stratum; times in the order of R's strata.
base <- basehaz(efron(update(plain, . ~ . + strata(site))), centered = FALSE)
base <- base[base$hazard > 0 & !duplicated(paste(base$strata, base$hazard)), ]
note("strata", "baseline_time", base$time)
note("strata", "baseline_hazard", base$hazard)

# --- data sets of the survival package ----------------------------------------------------------
real <- function(formula, set, ...) {
  eval(substitute(coxph(formula, data = set, control = tight, ...)), parent.frame())
}
answers("gbsg", real(Surv(rfstime, status) ~ age + meno + size + factor(grade) + nodes + pgr + er +
                       hormon, gbsg))
answers("gbsg_hormon", real(Surv(rfstime, status) ~ hormon, gbsg))
squamous <- veteran
squamous$celltype <- relevel(veteran$celltype, "squamous")
answers("veteran", real(Surv(time, status) ~ trt + celltype + karno + diagtime + age + prior,
                        squamous))
answers("lung_strata", real(Surv(time, status == 2) ~ age + ph.ecog + strata(sex), lung))
relapse <- rotterdam
relapse$t <- ifelse(relapse$recur == 1, relapse$rtime, relapse$dtime)
relapse$e <- pmax(relapse$recur, relapse$death)
relapse$grade3 <- as.numeric(relapse$grade == 3)
answers("rotterdam", real(Surv(t, e) ~ age + size + grade3 + nodes + hormon + chemo, relapse))
answers("heart", real(Surv(start, stop, event) ~ age + year + surgery + transplant, heart))
answers("heart_cluster", real(Surv(start, stop, event) ~ age + year + surgery + transplant, heart,
                              cluster = id))
answers("bladder2", real(Surv(start, stop, event) ~ rx + size + number + strata(enum),
                         bladder2[bladder2$start < bladder2$stop, ], cluster = id))
answers("cgd", real(Surv(tstart, tstop, status) ~ treat + inherit + age, cgd, cluster = id,
                    ties = "breslow"))

# --- counts written out as patients -------------------------------------------------------------
repeated <- data[rep(seq_len(n), data$count), ]
answers("counts_repeated", coxph(Surv(time, event) ~ group + age + grade, repeated,
                                 ties = "breslow", control = tight))

# --- coefficients without a finite estimate: a large offset in the place of the infinite ones ---
separated <- read.csv(file.path(folder, "cox_separated.csv"))
limit <- function(name, formula) {
  own <- separated[separated$case == name, ]
  answers(name, suppressWarnings(do.call(coxph, list(formula, data = own, control = tight))))
}
separated$away <- 30 * ifelse(separated$case == "alone", separated$g == "c", separated$g != "a")
limit("alone", Surv(t, e) ~ x + offset(away) + strata(s))
limit("together", Surv(t, e) ~ x + offset(away) + I(g == "c") + strata(s))
limit("late", Surv(entry, t, e) ~ x + factor(g))
limit("finite", Surv(t, e) ~ x + factor(g) + h + strata(s))

write.csv(do.call(rbind, rows), file.path(folder, "cox_expected.csv"), row.names = FALSE,
          quote = FALSE)
