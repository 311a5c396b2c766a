# Subgroups and interaction by R's survival, on the patients of cox_data.csv (cox.R). From the
# project's root: Rscript tests/reference/subgroups.R
# Writes subgroups.csv (one row a group and subgroup; factor `all` for everybody) and
# subgroup_tests.csv (one row a test of interaction; group `all` for all groups together).
library(survival)
source("tests/reference/methods/write.R", local = TRUE)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
data <- read.csv("tests/reference/cox_data.csv")
data$group <- factor(data$group, c("zero", "low", "positive"))
data$age_cut <- cut(data$age, c(-Inf, 50, 60, Inf), right = FALSE,
                    labels = c("<50", "50 to <60", "≥60"))
data$grade_level <- factor(data$grade)
data$site_level <- factor(data$site)
data$er_level <- factor(data$er)
data$er_known <- factor(ifelse(seq_len(nrow(data)) %% 7 == 0, NA, data$er))
data$low <- data$group == "low"
data$positive <- data$group == "positive"

# `within` are the terms inside the factor's own subgroups, `beside` those of the models that are
# tested, each besides the groups and the factor.
cases <- list(
  list(case = "plain", response = "Surv(time, event)", all = c("age", "grade"), factors = list(
    list("site_level", c("age", "grade"), c("age", "grade")),
    list("er_known", c("age", "grade"), c("age", "grade")),
    list("age_cut", c("age", "grade"), c("age", "grade")),
    list("grade_level", "age", "age"))),
  list(case = "late", response = "Surv(entry, time, event)", all = c("age", "strata(site)"),
       factors = list(list("er_level", c("age", "strata(site)"), c("age", "strata(site)")))),
  list(case = "breslow", response = "Surv(time, event)", all = "age", ties = "breslow",
       factors = list(list("er_level", "age", "age"))),
  list(case = "counts", response = "Surv(time, event)", all = "age", weights = data$count,
       factors = list(list("er_level", "age", "age"))),
  list(case = "robust", response = "Surv(time, event)", all = "age", weights = data$weight,
       cluster = data$facility, factors = list(list("er_level", "age", "age")))
)
effects <- tests <- NULL
for (one in cases) {
  answer <- function(parts, chosen) {
    rows <- data[chosen, ]
    rows$w <- if (is.null(one$weights)) rep(1, nrow(rows)) else one$weights[chosen]
    ties <- if (is.null(one$ties)) "efron" else one$ties
    formula <- as.formula(paste(one$response, "~", paste(parts, collapse = " + ")))
    if (is.null(one$cluster)) return(coxph(formula, rows, weights = w, ties = ties, control = tight))
    rows$unit <- one$cluster[chosen]
    coxph(formula, rows, weights = w, ties = ties, cluster = unit, control = tight)
  }
  add <- function(factor, level, parts, chosen) {
    model <- answer(c("group", parts), chosen)
    for (group in c("low", "positive")) {
      name <- paste0("group", group)
      effects <<- rbind(effects, data.frame(case = one$case, factor = factor, level = level,
        group = group, estimate = coef(model)[[name]],
        std_error = sqrt(vcov(model)[name, name])))
    }
  }
  add("all", "", one$all, rep(TRUE, nrow(data)))
  for (f in one$factors) {
    name <- f[[1]]
    known <- !is.na(data[[name]])
    for (level in levels(data[[name]])) add(name, level, f[[2]], known & data[[name]] == level)
    parts <- c("low", "positive", name, f[[3]])
    products <- paste0(c("low", "positive"), ":", name)
    full <- answer(c(parts, products), known)
    for (group in c("all", "low", "positive")) {
      rest <- if (group == "all") NULL else products[c("low", "positive") != group]
      small <- answer(c(parts, rest), known)
      # Aliased coefficients (the reference's own product) are NA in both.
      df <- sum(!is.na(coef(full))) - sum(!is.na(coef(small)))
      if (is.null(one$cluster)) {
        statistic <- 2 * (full$loglik[2] - small$loglik[2])
      } else {
        own <- setdiff(names(coef(full))[!is.na(coef(full))], names(coef(small)))
        b <- coef(full)[own]
        statistic <- drop(b %*% solve(vcov(full)[own, own], b))
      }
      tests <- rbind(tests, data.frame(case = one$case, factor = name, group = group,
        statistic = statistic, df = df, p_value = pchisq(statistic, df, lower.tail = FALSE)))
    }
  }
}
write_table(effects, "tests/reference/subgroups.csv")
write_table(tests, "tests/reference/subgroup_tests.csv")
