# Response by group in strata: mantelhaen.test and glm on the patients of cox_data.csv (cox.R), `er`
# standing for the response; Wilson's limits and a trend in shares over grades. From the project's
# root: Rscript tests/reference/response.R
source("tests/reference/methods/write.R", local = TRUE)
data <- read.csv("tests/reference/cox_data.csv")
data$group <- factor(data$group, c("zero", "low", "positive"))
data$grade <- factor(data$grade)
data$yes <- data$er == "yes"
tight <- glm.control(epsilon = 1e-15, maxit = 100)
answer <- NULL
add <- function(quantity, name, value) {
  answer <<- rbind(answer, data.frame(quantity = quantity, name = name, value = as.numeric(value)))
}
fit <- function(formula) glm(formula, data, family = binomial, control = tight)
raw <- fit(yes ~ group)
adjusted <- fit(yes ~ group + grade + age)
for (g in c("low", "positive")) {
  name <- paste0("group", g)
  own <- data[data$group %in% c("zero", g), ]
  add("raw", g, coef(raw)[name]); add("raw_se", g, sqrt(vcov(raw)[name, name]))
  mh <- mantelhaen.test(table(own$group == "zero", !own$yes, own$grade), correct = FALSE)
  add("mh", g, log(mh$estimate))
  add("mh_low", g, log(mh$conf.int[1])); add("mh_high", g, log(mh$conf.int[2]))
  add("cmh", g, mh$statistic)
  add("adjusted", g, coef(adjusted)[name]); add("adjusted_se", g, sqrt(vcov(adjusted)[name, name]))
  for (s in levels(data$grade)) {
    within <- glm(yes ~ group, data[data$grade == s, ], family = binomial, control = tight)
    add("within", paste(g, s), coef(within)[name])
    add("within_se", paste(g, s), sqrt(vcov(within)[name, name]))
  }
}
add("interaction", "", deviance(fit(yes ~ group + grade)) - deviance(fit(yes ~ group * grade)))
for (g in levels(data$group)) {
  limits <- prop.test(sum(data$yes & data$group == g), sum(data$group == g), correct = FALSE)$conf.int
  add("wilson_low", g, limits[1]); add("wilson_high", g, limits[2])
}
for (g in levels(data$group)) {
  n <- table(data$grade); k <- table(data$grade[data$group == g])
  add("trend", g, prop.trend.test(k, n, 1:3)$statistic)
  slope <- glm((group == g) ~ as.integer(grade), data, family = binomial, control = tight)
  add("slope", g, coef(slope)[2]); add("slope_se", g, sqrt(vcov(slope)[2, 2]))
}
write_table(answer, "tests/reference/response.csv")
