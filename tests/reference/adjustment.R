# Reference values of propensity, weights, matching and standardised curves. From the project's root:
#   Rscript tests/reference/adjustment.R
# Writes adjustment_data.csv (synthetic patients whose group depends on what their survival depends
# on), adjustment.csv (one row a number) and adjustment_pairs.csv (who was matched with whom).
# nnet::multinom stops early, so its answer is taken to the maximum by Newton's steps written out.
# riskRegression is not among Debian's packages used here: the variance of standardised curves is an
# infinitesimal jackknife by brute force, the model refitted with each patient's weight changed.
suppressMessages({library(survival); library(nnet); library(MatchIt); library(survey)})
source("tests/reference/methods/write.R")
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)

suppressWarnings(RNGversion("4.2.0"))
set.seed(20250214)
n <- 420
age <- round(rnorm(n, 60, 11), 1)
grade <- sample(1:3, n, TRUE, c(0.2, 0.45, 0.35))
er <- sample(c("no", "yes"), n, TRUE, c(0.3, 0.7))
odds <- cbind(1, exp(-0.02 * (age - 60) - 0.3 * (grade - 1) + 0.9 * (er == "yes")),
              exp(-0.5 - 0.03 * (age - 60) + 0.4 * (grade - 1) - 0.3 * (er == "yes")))
group <- c("zero", "low", "positive")[apply(odds, 1, function(p) sample(3, 1, prob = p))]
facility <- sample(1:30, n, TRUE)
hazard <- exp(0.03 * (age - 60) - 0.25 * (group == "low") - 0.4 * (group == "positive") +
                0.4 * (grade - 1) - 0.5 * (er == "yes")) / 70
death <- rexp(n, hazard)
leave <- runif(n, 20, 110)
data <- data.frame(group, age, grade, er, facility, time = pmax(ceiling(pmin(death, leave) / 2), 1),
                   event = as.integer(death <= leave))
data$entry <- ifelse(runif(n) < 0.5, 0, floor(runif(n) * data$time * 0.5))
write_table(data, "tests/reference/adjustment_data.csv")
data$group <- factor(data$group, c("zero", "low", "positive"))
data$grade <- factor(data$grade)
data$er <- factor(data$er)
data$row <- seq_len(n)

rows <- list()
note <- function(case, quantity, values) {
  rows[[length(rows) + 1]] <<- data.frame(case = case, quantity = quantity,
    index = as.integer(seq_along(values) - 1), value = as.numeric(values))
}

# --- multinomial logistic -------------------------------------------------------------------------
x <- model.matrix(~ age + grade + er, data)
y <- as.integer(data$group)
start <- coef(multinom(group ~ age + grade + er, data, maxit = 1000, reltol = 1e-14, trace = FALSE))
maximum <- function(x, y, beta) {
  for (step in 1:30) {
    p <- exp(cbind(0, x %*% t(beta)))
    p <- p / rowSums(p)
    k <- ncol(p)
    score <- unlist(lapply(2:k, function(c) crossprod(x, (y == c) - p[, c])))
    information <- do.call(rbind, lapply(2:k, function(c) do.call(cbind, lapply(2:k, function(d)
      crossprod(x, x * (p[, c] * ((c == d) - p[, d])))))))
    beta <- beta + matrix(solve(information, score), nrow = k - 1, byrow = TRUE)
  }
  list(beta = beta, error = sqrt(diag(solve(information))), p = p,
       fit = sum(log(p[cbind(seq_along(y), y)])))
}
found <- maximum(x, y, start)
stopifnot(max(abs(found$beta - start)) < 1e-3)
note("propensity", "coefficient", t(found$beta)[-1, ])
note("propensity", "std_error", matrix(found$error, ncol = 2)[-1, ])
note("propensity", "log_likelihood", found$fit)
share <- table(y) / n
note("propensity", "log_likelihood_null", sum(log(share[y])))
note("propensity", "score", t(found$p[1:5, ]))

# --- weights --------------------------------------------------------------------------------------
e <- found$p
own <- e[cbind(seq_len(n), y)]
ate <- as.numeric(share[y] / own)
bounds <- quantile(ate, c(0.01, 0.99), names = FALSE)
weights <- list(ate = ate, truncated = pmin(pmax(ate, bounds[1]), bounds[2]),
                att = ifelse(y == 2, 1, e[, 2] / own), ato = 1 / rowSums(1 / e) / own)
note("truncated", "bounds", bounds)

# --- what follows from them -----------------------------------------------------------------------
at <- c(10, 25)
tau <- 35
influence <- function(fit, t, type) {
  if (type == "surv") return(residuals(fit, times = t, type = "pstate"))
  residuals(fit, times = t, type = "auc")
}
by_group <- function(case, set, w, unit, adjusted = TRUE) {
  fit <- do.call(survfit, list(Surv(time, event) ~ group, data = set, weights = w, robust = TRUE))
  k <- nlevels(set$group)
  for (one in c("surv", "auc")) for (t in if (one == "surv") at else tau) {
    U <- influence(fit, t, one)
    if (is.matrix(U)) U <- U[, 1]
    U <- as.numeric(U) * w
    value <- if (one == "surv") summary(fit, times = t)$surv else
      summary(fit, rmean = t)$table[, "rmean"]
    S <- rowsum(U * model.matrix(~ group - 1, set), unit)
    V <- crossprod(S)
    name <- if (one == "surv") paste0("survival_", t) else "rmst"
    note(case, name, value)
    note(case, paste0(name, "_error"), sqrt(diag(V)))
    note(case, paste0(name, "_difference_error"),
         sqrt(sapply(2:k, function(g) V[g, g] + V[1, 1] - 2 * V[g, 1])))
  }
}
for (name in names(weights)) {
  data$w <- weights[[name]]
  note(name, "weight", data$w[1:6])
  note(name, "effective_n", tapply(data$w, y, function(w) sum(w)^2 / sum(w^2)))
  fit <- coxph(Surv(time, event) ~ group, data, weights = w, robust = TRUE, control = tight)
  note(name, "log_ratio", coef(fit))
  note(name, "log_ratio_error", sqrt(diag(fit$var)))
  fit <- coxph(Surv(time, event) ~ group, data, weights = w, cluster = facility, control = tight)
  note(name, "log_ratio_error_cluster", sqrt(diag(fit$var)))
  fit <- coxph(Surv(time, event) ~ group + age + grade + er, data, weights = w, robust = TRUE,
               control = tight)
  note(name, "both", coef(fit)[1:2])
  note(name, "both_error", sqrt(diag(fit$var))[1:2])
  fit <- coxph(Surv(entry, time, event) ~ group, data, weights = w, cluster = row, control = tight)
  note(name, "entry", coef(fit))
  note(name, "entry_error", sqrt(diag(fit$var)))
  by_group(name, data, data$w, data$row)
  by_group(paste0(name, "_cluster"), data, data$w, data$facility)
}
# Survey's linearised variance is the robust one times n / (n - 1).
data$w <- weights$truncated
design <- svydesign(ids = ~1, weights = ~w, data = data)
# svycoxph looks its arguments up elsewhere than here: the value itself is handed over.
fit <- eval(bquote(svycoxph(Surv(time, event) ~ group, design = design, control = .(tight))))
note("survey", "log_ratio", coef(fit))
note("survey", "log_ratio_error", sqrt(diag(vcov(fit)) * (n - 1) / n))

# --- balance: number, and category by Yang and Dalton, spread of the unweighted patients -----------
distance <- function(a, b, w) {
  i <- data$group == a
  j <- data$group == b
  number <- abs(weighted.mean(data$age[i], w[i]) - weighted.mean(data$age[j], w[j])) /
    sqrt((var(data$age[i]) + var(data$age[j])) / 2)
  shares <- function(k, w) (tapply(w[k], data$grade[k], sum) / sum(w[k]))[-1]
  spread <- function(k) { p <- shares(k, rep(1, n)); diag(p) - p %o% p }
  d <- shares(i, w) - shares(j, w)
  c(number, sqrt(d %*% solve((spread(i) + spread(j)) / 2, d)))
}
pairs <- list(c("zero", "low"), c("zero", "positive"), c("low", "positive"))
for (name in c("none", "truncated", "ato")) {
  w <- if (name == "none") rep(1, n) else weights[[name]]
  both <- sapply(pairs, function(p) distance(p[1], p[2], w))
  note(name, "smd_age", both[1, ])
  note(name, "smd_grade", both[2, ])
}

# --- matching -------------------------------------------------------------------------------------
matched <- list()
pair <- droplevels(data[data$group != "low", ])
pair$treat <- as.integer(pair$group == "positive")
exact <- glm.control(epsilon = 1e-14, maxit = 100)
logit <- predict(glm(treat ~ age + grade + er, binomial, pair, control = exact))
pooled <- 0.2 * sqrt((var(logit[pair$treat == 1]) + var(logit[pair$treat == 0])) / 2)
one <- function(case, ratio, caliper) {
  # For a propensity alone MatchIt 4.5.1 takes a short way (nn_matchC_vec) that passes over the
  # caliper, whatever it is, and over controls as near as 0; its general routine does neither.
  treat <- setNames(pair$treat, rownames(pair))
  ord <- order(logit[treat == 1], decreasing = TRUE)
  mm <- MatchIt:::nn_matchC(treat, ord, rep(ratio, sum(treat)), rep(FALSE, nrow(pair)), 1L, logit,
                            NULL, NULL, caliper)
  who <- MatchIt:::nummm2charmm(mm, treat)
  for (k in seq_len(ncol(who))) {
    there <- !is.na(who[, k])
    matched[[length(matched) + 1]] <<- data.frame(case = case, round = k,
      treated = as.integer(rownames(who)[there]) - 1L, control = as.integer(who[there, k]) - 1L)
  }
  set <- data.frame(pair, subclass = MatchIt:::mm2subclass(mm, treat),
                    weights = MatchIt:::weights.matrix(mm, treat))
  set <- set[set$weights > 0, ]
  note(case, "n", c(sum(set$treat == 0), sum(set$treat == 1)))
  note(case, "weight", set$weights[set$treat == 0])
  fit <- coxph(Surv(time, event) ~ treat, set, weights = weights, cluster = subclass,
               control = tight)
  note(case, "log_ratio", coef(fit))
  note(case, "log_ratio_error", sqrt(diag(fit$var)))
  by_group(case, set, set$weights, as.integer(set$subclass))
}
one("pairs", 1L, 0.2 * sd(logit))
one("two", 2L, 0.2 * sd(logit))
one("pooled", 1L, pooled)
one("free", 1L, NULL)
note("pairs", "width", 0.2 * sd(logit))

# --- standardised curves: everything refitted with one patient's weight changed --------------------
standardised <- function(w, target, formula, split) {
  data$w <- w
  fit <- coxph(formula, data, weights = w, control = tight, model = TRUE)
  base <- basehaz(fit, centered = FALSE)
  whole <- is.null(target)
  people <- if (whole) data else data[data$group == target, ]
  result <- sapply(levels(data$group), function(g) {
    set <- people
    set$group <- factor(g, levels(data$group))
    r <- exp(predict(fit, set, type = "lp", reference = "zero"))
    layers <- if (split) as.character(set$er) else rep("", nrow(set))
    out <- 0
    for (s in unique(layers)) {
      mine <- if (split) base[sub(".*=", "", base$strata) == s, ] else base
      i <- layers == s
      alive <- function(t) {
        h <- c(0, mine$hazard)[findInterval(t, mine$time) + 1]
        colSums(set$w[i] * exp(-outer(r[i], h)))
      }
      times <- mine$time[mine$time < tau]
      steps <- diff(c(0, times, tau))
      area <- sum(steps * alive(c(0, times)))
      out <- out + c(alive(at), area)
    }
    out / sum(set$w)
  })
  t(result)
}
jackknife <- function(case, target = NULL, formula, split = FALSE) {
  one <- rep(1, n)
  value <- standardised(one, target, formula, split)
  h <- 0.01
  U <- sapply(seq_len(n), function(i) {
    up <- down <- one
    up[i] <- 1 + h
    down[i] <- 1 - h
    (standardised(up, target, formula, split) - standardised(down, target, formula, split)) / (2 * h)
  })
  dim(U) <- c(3, 3, n)  # groups x numbers x patients
  names <- c(paste0("survival_", at), "rmst")
  for (unit in c("row", "facility")) for (q in 1:3) {
    V <- crossprod(rowsum(t(U[, q, ]), data[[unit]]))
    end <- if (unit == "row") "" else "_cluster"
    note(case, paste0(names[q], "_error", end), sqrt(diag(V)))
    note(case, paste0(names[q], "_difference_error", end),
         sqrt(sapply(2:3, function(g) V[g, g] + V[1, 1] - 2 * V[g, 1])))
  }
  for (q in 1:3) note(case, names[q], value[, q])
}
jackknife("g_formula", formula = Surv(time, event) ~ group + age + grade + er)
jackknife("g_formula_att", "low", Surv(time, event) ~ group + age + grade + er)
jackknife("g_formula_entry", formula = Surv(entry, time, event) ~ group + age + grade + er)
jackknife("g_formula_strata", formula = Surv(time, event) ~ group + age + grade + strata(er),
          split = TRUE)
jackknife("g_formula_crossed", formula = Surv(time, event) ~ group * er + age + grade)

write_table(do.call(rbind, rows), "tests/reference/adjustment.csv")
write_table(do.call(rbind, matched), "tests/reference/adjustment_pairs.csv")
