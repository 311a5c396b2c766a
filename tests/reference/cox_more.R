# Tests of proportional hazards and residuals of Cox models, by R's survival. From the project's
# root: Rscript tests/reference/cox_more.R
# Writes proportionality.csv (one row a test), proportionality_curves.csv (smoothed beta(t)) and
# cox_residuals.csv; the patients are those of cox_data.csv (cox.R) and R's own.
library(survival)
library(splines)
options(digits = 17)
source("tests/reference/methods/write.R", local = TRUE)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
data <- read.csv("tests/reference/cox_data.csv")
data$group <- factor(data$group, c("zero", "low", "positive"))
data$late <- data$event * (data$site != "d")   # no event in one stratum
data$flat <- ifelse(data$site == "a", 1, data$grade)   # constant in one stratum

fit <- function(formula, set = data, ...) {
  eval(substitute(coxph(formula, data = set, control = tight, ...)), parent.frame())
}
plain <- Surv(time, event) ~ group + age + grade
late <- Surv(entry, time, event) ~ group + age + grade
fits <- list(
  efron = fit(plain), breslow = fit(plain, ties = "breslow"),
  no_ties = fit(Surv(time_fine, event) ~ group + age + grade),
  entry = fit(late), entry_breslow = fit(late, ties = "breslow"),
  strata = fit(update(plain, . ~ . + strata(site))),
  strata_entry = fit(update(late, . ~ . + strata(site))),
  weights = fit(plain, weights = weight),
  weights_breslow = fit(plain, weights = weight, ties = "breslow"),
  everything = fit(update(late, . ~ . + strata(site)), weights = weight, cluster = facility),
  everything_breslow = fit(update(late, . ~ . + strata(site)), weights = weight,
                           cluster = facility, ties = "breslow"),
  flat = fit(Surv(time, event) ~ age + flat + strata(site)),
  empty_stratum = fit(Surv(entry, time, late) ~ group + age + strata(site)),
  offset = fit(update(plain, . ~ . + offset(shift)))
)
veteran$celltype <- relevel(veteran$celltype, "squamous")
fits$veteran <- fit(Surv(time, status) ~ trt + celltype + karno + diagtime + age + prior, veteran)
fits$heart <- fit(Surv(start, stop, event) ~ age + year + surgery + transplant, heart)
fits$gbsg <- fit(Surv(rfstime, status) ~ age + meno + size + factor(grade) + nodes + pgr + er +
                   hormon, gbsg)
fits$lung_strata <- fit(Surv(time, status == 2) ~ age + ph.ecog + strata(sex), lung)

# What plot.cox.zph draws: its natural spline and the standard error of it.
curves <- function(case, z, n = 40, df = 4) {
  at <- seq(min(z$x), max(z$x), length = n)
  basis <- ns(c(at, z$x), df = df, intercept = TRUE)
  do.call(rbind, lapply(seq_len(ncol(z$y)), function(i) {
    keep <- !is.na(z$y[, i])
    solved <- qr(basis[-(1:n), ][keep, ])
    if (solved$rank < df) return(NULL)
    line <- basis[1:n, ] %*% qr.coef(solved, z$y[keep, i])
    inverse <- backsolve(solved$qr[1:df, 1:df], diag(df))
    spread <- rowSums((basis[1:n, ] %*% (inverse %*% t(inverse))) * basis[1:n, ])
    some <- seq(1, n, by = 7)
    data.frame(case = case, column = i - 1, index = some - 1, transformed = at[some],
               estimate = line[some], std_error = sqrt(z$var[i, i] * spread[some]))
  }))
}

tests <- lines <- NULL
for (case in names(fits)) {
  own <- fits[[case]]
  for (transform in c("km", "rank", "identity", "log")) {
    z <- cox.zph(own, transform)
    each <- cox.zph(own, transform, terms = FALSE)
    add <- function(kind, table) {
      data.frame(case = case, transform = transform, kind = kind, index = seq_len(nrow(table)) - 1,
                 statistic = table[, 1], df = table[, 2], p_value = table[, 3])
    }
    last <- nrow(z$table)
    tests <- rbind(tests, add("term", z$table[-last, , drop = FALSE]),
                   add("all", z$table[last, , drop = FALSE]),
                   add("column", each$table[-nrow(each$table), , drop = FALSE]))
    # A column that is constant in a stratum: R keeps its residuals there as missing, and smooths
    # the others on all events' knots.
    if (transform %in% c("km", "log") && case != "flat") {
      lines <- rbind(lines, curves(paste(case, transform), each))
    }
  }
}
write_table(tests, "tests/reference/proportionality.csv")
write_table(lines, "tests/reference/proportionality_curves.csv")

kinds <- c("martingale", "deviance", "schoenfeld", "scaledsch", "score", "dfbeta", "dfbetas")
chosen <- c("efron", "breslow", "entry", "entry_breslow", "strata_entry", "weights",
            "weights_breslow", "everything", "everything_breslow", "offset")
some <- seq(1, nrow(data), by = 17)   # some rows; events are compared by their sums by time
found <- NULL
for (case in chosen) {
  for (kind in kinds) {
    values <- as.matrix(residuals(fits[[case]], kind))
    if (kind %in% c("schoenfeld", "scaledsch")) {
      time <- as.numeric(rownames(values))
      values <- cbind(rowsum(values, time), rowsum(values^2, time))
      row <- as.numeric(rownames(values))
    } else {
      values <- values[some, , drop = FALSE]
      row <- some - 1
    }
    found <- rbind(found, data.frame(case = case, kind = kind, row = rep(row, ncol(values)),
                                     column = rep(seq_len(ncol(values)) - 1, each = nrow(values)),
                                     value = as.numeric(values)))
  }
}
write_table(found, "tests/reference/cox_residuals.csv")

# Contrasts and joint Wald tests, from coefficients and their (robust) variance.
compared <- do.call(rbind, lapply(c("efron", "strata_entry", "everything"), function(case) {
  b <- coef(fits[[case]])
  v <- vcov(fits[[case]])
  k <- c(-1, 1, 0, 0)   # positive against low
  m <- c(0, 1, 10, -1)
  error <- function(k) sqrt(drop(t(k) %*% v %*% k))
  joint <- function(i) drop(b[i] %*% solve(v[i, i], b[i]))
  data.frame(case = case, quantity = c("positive_low", "mixed", "group", "group_age"),
             estimate = c(sum(k * b), sum(m * b), joint(1:2), joint(1:3)),
             std_error = c(error(k), error(m), NA, NA))
}))
write_table(compared, "tests/reference/cox_contrasts.csv")

# Coefficients by period on rows split by survSplit, and with the logarithm of time by tt().
split_at <- function(set, cuts) {
  set <- if (is.null(set$from)) transform(set, from = 0) else set
  set$patient <- seq_len(nrow(set))
  pieces <- survSplit(Surv(from, time, event) ~ ., set, cut = cuts, episode = "period")
  for (k in seq_len(length(cuts) + 1)) {
    own <- pieces$period == k
    pieces[[paste0("low", k)]] <- own * (pieces$group == "low")
    pieces[[paste0("positive", k)]] <- own * (pieces$group == "positive")
    pieces[[paste0("age", k)]] <- own * pieces$age / 10
  }
  pieces
}
piece <- Surv(from, time, event) ~ low1 + low2 + low3 + positive1 + positive2 + positive3 + grade
pieces <- split_at(data, c(4, 9))
late_pieces <- split_at(transform(data, from = entry), c(4, 9))
ages <- split_at(data, 4)
changing <- list(
  cut = fit(piece, pieces),
  cut_breslow = fit(piece, pieces, ties = "breslow"),
  cut_everything = fit(update(piece, . ~ . + strata(site)), late_pieces, weights = weight,
                       cluster = patient),
  cut_number = fit(Surv(from, time, event) ~ age1 + age2 + grade, ages),
  log_number = fit(Surv(time, event) ~ I(age / 10) + tt(age) + grade, data,
                   tt = function(x, t, ...) x / 10 * log(t)),
  log_group = fit(Surv(time, event) ~ I(group == "low") + I(group == "positive") + tt(group) +
                    grade, data,
                  tt = function(x, t, ...) cbind((x == "low") * log(t), (x == "positive") * log(t)))
)
change <- do.call(rbind, lapply(names(changing), function(case) {
  own <- changing[[case]]
  rbind(
    data.frame(case = case, quantity = "coefficient", index = seq_along(coef(own)) - 1,
               value = coef(own)),
    data.frame(case = case, quantity = "std_error", index = seq_along(coef(own)) - 1,
               value = sqrt(diag(own$var))),
    data.frame(case = case, quantity = "log_likelihood", index = 0:1, value = rev(own$loglik))
  )
}))
between <- function(own, lines) {
  b <- lines %*% coef(own)
  drop(t(b) %*% solve(lines %*% vcov(own) %*% t(lines), b))
}
lines <- rbind(c(-1, 1, 0, 0, 0, 0, 0), c(0, -1, 1, 0, 0, 0, 0), c(0, 0, 0, -1, 1, 0, 0),
               c(0, 0, 0, 0, -1, 1, 0))
concordant <- changing$cut$concordance[c("concordant", "discordant", "concordance", "std")]
change <- rbind(change, data.frame(
  case = c("cut", "cut_everything", rep("cut", 4)),
  quantity = c("constancy", "constancy", rep("concordance", 4)), index = c(0, 0, 0:3),
  value = c(between(changing$cut, lines), between(changing$cut_everything, lines), concordant)
))
write_table(change, "tests/reference/cox_over_time.csv")
