# Competing risks: cumulative incidence, Gray's test, Fine and Gray's model, on synthetic patients
# and on the data that come with survival.
source("tests/reference/methods/write.R")
source("tests/reference/methods/rows.R")
source("tests/reference/methods/incidence.R")
source("tests/reference/methods/fine_gray.R")

rows$cause <- ifelse(rows$event == 1, 1 + (runif(n) < 0.25 + 0.1 * rows$group), 0)
rows$three <- ifelse(rows$cause == 2, 2 + (runif(n) < 0.4), rows$cause)
rows$site <- sample(1:14, n, replace = TRUE)
write_table(rows, "tests/reference/competing_rows.csv")

# Three hundred patients in seven distinct times: everything ties with everything.
many <- 300
ties <- data.frame(patient = 1:many, group = rep(1:3, length.out = many))
ties$stratum <- sample(1:2, many, replace = TRUE)
ties$x <- round(rnorm(many), 2)
first <- rexp(many, 0.08 * exp(0.4 * ties$x + 0.2 * ties$group))
second <- rexp(many, 0.06 * exp(-0.2 * ties$x))
left <- runif(many, 0, 14)
ties$time <- pmin(floor(pmin(first, second, left)), 6)
ties$cause <- ifelse(pmin(first, second) > left | pmin(first, second) >= 7, 0, 1 + (second < first))
write_table(ties, "tests/reference/competing_ties.csv")

late <- rows[!is.na(rows$entry), ]
whole <- rows[rows$whole > 0, ]
pick <- function(rows, ...) rows[c("group", "time", "cause", ...)]
alone <- function(rows) transform(rows, group = 1)
fine <- transform(pick(rows), time = rows$fine)
three <- transform(pick(rows), cause = rows$three)

write_table(do.call(rbind, c(
  lapply(c("log-log", "log", "plain", "logit", "arcsin"), function(type)
    incidence_table("plain", pick(rows), type)),
  list(
    incidence_table("alone", alone(pick(rows))),
    incidence_table("fine", fine),
    incidence_table("ties", pick(ties)),
    incidence_table("three", three),
    incidence_table("entry", pick(late, "entry")),
    incidence_table("whole", pick(whole[rep(seq_len(nrow(whole)), whole$whole), ])),
    incidence_table("share", pick(rows, "share"), weights = "share"),
    incidence_table("share_entry", pick(late, "entry", "share"), weights = "share")))),
  "tests/reference/incidence.csv")

etime <- with(mgus2, ifelse(pstat == 0, futime, ptime))
progress <- with(mgus2, data.frame(group = as.integer(sex), time = etime, cause = ifelse(pstat == 1, 1, 2 * death)))
write_table(incidence_table("mgus2", progress, times = c(12, 120, 240)), "tests/reference/incidence_real.csv")

write_table(rbind(
  gray_table("plain", pick(rows)),
  gray_table("fine", fine),
  gray_table("ties", pick(ties)),
  gray_table("three", three),
  gray_table("two", pick(rows[rows$group < 3, ])),
  gray_table("strata", pick(rows, "stratum")),
  gray_table("ties_strata", pick(ties, "stratum")),
  gray_table("mgus2", progress)),
  "tests/reference/gray.csv")

# Fine and Gray.
known <- rows[!is.na(rows$age), ]
entered <- known[!is.na(known$entry), ]
design <- function(rows) cbind(rows$group == 2, rows$group == 3, rows$age)
names <- c("group=2", "group=3", "age")
tied_design <- cbind(ties$group == 2, ties$group == 3, ties$x)
tied_names <- c("group=2", "group=3", "x")
other <- transform(known, cause = c(0, 2, 1)[known$cause + 1])
plain <- crr_fit(known, design(known))
reference <- fine_gray_loop(pick(known), design(known))
tied <- fine_gray_loop(pick(ties), tied_design)
same(plain, reference)
same(crr_fit(ties, tied_design), tied)
counted <- known[known$whole > 0, ]
repeated <- counted[rep(seq_len(nrow(counted)), counted$whole), ]
weighted <- fine_gray_loop(pick(counted), design(counted), counted$whole, patients = TRUE)
same(crr_fit(repeated, design(repeated)), weighted)

# Delayed entry as finegray; every row is a patient.
late_fit <- function(rows, stratified) {
  rows$state <- factor(rows$cause, 0:2)
  rows$half <- ifelse(rows$stratum == 1, 1, 2)
  split <- if (stratified) {
    finegray(Surv(entry, time, state) ~ group + age + patient + half + strata(half), data = rows, id = patient, etype = "1")
  } else {
    finegray(Surv(entry, time, state) ~ group + age + patient + half, data = rows, id = patient, etype = "1")
  }
  formula <- Surv(fgstart, fgstop, fgstatus) ~ factor(group) + age
  if (stratified) formula <- update(formula, . ~ . + strata(half))
  fit <- coxph(formula, data = split, weights = fgwt, cluster = patient, ties = "breslow",
               control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50))
  list(coef = coef(fit), se = sqrt(diag(fit$var)), loglik = fit$loglik[2], null = fit$loglik[1])
}

halves <- transform(known, stratum = ifelse(known$stratum == 1, 1, 2))
write_table(rbind(
  model_table("plain", reference, names),
  model_table("other_cause", fine_gray_loop(pick(other), design(other)), names),
  model_table("ties", tied, tied_names),
  model_table("whole", weighted, names),
  model_table("share", fine_gray_loop(pick(known), design(known), known$share), names),
  model_table("strata", fine_gray_loop(pick(halves, "stratum"), design(halves)), names),
  model_table("strata_share", fine_gray_loop(pick(halves, "stratum"), design(halves), halves$share), names),
  model_table("cluster", fine_gray_loop(pick(known), design(known), cluster = known$site), names),
  model_table("entry", late_fit(entered, FALSE), names),
  model_table("entry_strata", late_fit(entered, TRUE), names)),
  "tests/reference/fine_gray.csv")

# Predicted incidence of the plain model at group 3, age 60, and at the reference.
predicted <- function(x) {
  found <- predict(plain$fit, x)
  data.frame(group = 1 + 2 * x[2], age = x[3], time = found[, 1] - 1, estimate = found[, 2])
}
write_table(rbind(predicted(c(0, 1, 60)), predicted(c(0, 0, 45))), "tests/reference/fine_gray_predicted.csv")

# mgus2: progression by age, sex, haemoglobin, creatinine; cause-specific beside it.
covariates <- with(mgus2, cbind(age, sex == "M", hgb, creat))
complete <- !is.na(rowSums(covariates))
mgus <- crr_fit(progress[complete, ], covariates[complete, ])
specific <- coxph(Surv(time, cause == 1) ~ covariates, data = progress, ties = "efron",
                  control = coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50))
mgus_names <- c("age", "sex=M", "hgb", "creat")
write_table(rbind(
  model_table("mgus2", mgus, mgus_names),
  model_table("cause_specific", list(coef = coef(specific), se = sqrt(diag(vcov(specific))), loglik = specific$loglik[2], null = specific$loglik[1]), mgus_names)),
  "tests/reference/fine_gray_real.csv")
