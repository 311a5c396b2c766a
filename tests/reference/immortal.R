# Treatments that start after time zero: landmark, start-stop, and clone-censor-weight by explicit loops.
library(survival)
set.seed(20250131)
n <- 260
age <- round(rnorm(n, 60, 10)); grade <- sample(c("1", "2", "3"), n, TRUE, c(.3, .4, .3))
fit_for <- -0.03 * (age - 60) + 0.4 * (grade == "3")
operated <- ceiling(rexp(n, 1 / 60))
start <- ceiling(rexp(n, 0.004 * exp(fit_for)))
death <- ceiling(rexp(n, 0.0012 * exp(0.03 * (age - 60) + 0.5 * (grade == "3"))))
end <- sample(200:1500, n, TRUE)
time <- pmin(death, end); event <- as.integer(death <= end)
start[1:6] <- time[1:6]                      # starts on the last day
start[7:10] <- 0; start[11] <- -5            # treated by time zero
start[12] <- 120; time[13] <- 120; event[13] <- 1; time[14] <- 120; event[14] <- 0; start[15] <- 120
treated <- as.integer(start <= time)
d <- data.frame(id = 1:n, age, grade, time, event, treated, start = ifelse(treated == 1, start, NA),
                operated = ifelse(operated <= time, operated, NA))
write.csv(d, "tests/reference/immortal_data.csv", row.names = FALSE, na = "")

out <- data.frame(quantity = character(), term = character(), estimate = numeric(), std_error = numeric())
add <- function(q, t, e, s = NA) out[nrow(out) + 1, ] <<- list(q, t, e, s)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)
model <- function(f, data, name, ...) {
  m <- coxph(f, data = data, control = tight, ...)
  for (k in names(coef(m))) add(name, k, coef(m)[[k]], sqrt(diag(vcov(m)))[[k]])
  invisible(m)
}

# start-stop: the covariate changes after the day of the start
m <- tmerge(d[, c("id", "age", "grade")], d, id = id, death = event(time, event))
m <- tmerge(m, transform(d, s = pmax(start, 0)), id = id, on = tdc(s))
add("rows", "", nrow(m))
add("events_treated", "", sum(m$death[m$on == 1])); add("time_treated", "", sum((m$tstop - m$tstart)[m$on == 1]))
model(Surv(tstart, tstop, death) ~ on + age + grade, m, "start_stop")
model(Surv(time, event) ~ treated + age + grade, d, "naive")

# landmark
L <- 120
l <- subset(d, time > L); l$on <- as.integer(!is.na(l$start) & l$start <= L); l$t <- l$time - L
add("landmark_n", "", nrow(l)); add("landmark_treated", "", sum(l$on))
add("landmark_event_before", "", sum(d$time <= L & d$event == 1)); add("landmark_censored_before", "", sum(d$time <= L & d$event == 0))
model(Surv(t, event) ~ on + age + grade, l, "landmark")
s <- summary(survfit(Surv(t, event) ~ on, l, conf.type = "log-log"), times = c(200, 600))
for (i in seq_along(s$surv)) add("landmark_survival", paste(s$strata[i], s$time[i]), s$surv[i], s$std.err[i])

# clone, censor, weight: an explicit loop over event times and clones
G <- 120; tau <- 1000; K <- 4
d$s <- ifelse(is.na(d$start), Inf, pmax(d$start, 0))
d$op <- ifelse(is.na(d$operated), Inf, ifelse(d$operated <= 0, -1, d$operated))
d$started <- d$s <= G & (d$s < d$time | (d$s == d$time & d$event == 0))
for (tv in c("no", "yes")) for (kind in c("cox", "pooled_logistic")) for (cut in c(1, 0.99)) {
  past <- d$time > G
  g <- if (tv == "yes") glm(I(s <= G) ~ age + grade + I(op <= G), binomial, d[past, ], epsilon = 1e-14)
       else glm(I(s <= G) ~ age + grade, binomial, d[past, ], epsilon = 1e-14)
  p_start <- rep(NA, n); p_start[past] <- fitted(g)
  last <- pmin(ifelse(d$started, d$s, d$time), G)
  if (kind == "cox") {
    if (tv == "yes") {
      pieces <- do.call(rbind, lapply(1:n, function(i) {
        b <- unique(c(-1, if (d$op[i] > -1 && d$op[i] < last[i]) d$op[i], last[i]))
        data.frame(i = i, from = head(b, -1), until = tail(b, -1), on = as.integer(d$op[i] < tail(b, -1)))
      }))
      pieces$dead <- d$started[pieces$i] & pieces$until == last[pieces$i]
      pieces <- cbind(pieces, d[pieces$i, c("age", "grade")])
      c1 <- coxph(Surv(from, until, dead) ~ age + grade + on, pieces, control = tight)
    } else {
      c1 <- coxph(Surv(last, started) ~ age + grade, cbind(d, last), control = tight)
    }
    b <- coef(c1); bh <- basehaz(c1, centered = FALSE); v <- bh$time; step <- diff(c(0, bh$hazard))
    lp <- b[["age"]] * d$age + ifelse(d$grade == "2", b[["grade2"]], 0) + ifelse(d$grade == "3", b[["grade3"]], 0)
    H <- function(i, t) { w <- v < t; sum(step[w] * exp(lp[i] + (if (tv == "yes") b[["on"]] * (d$op[i] < v[w]) else 0))) }
  } else {
    e <- seq(0, G, length.out = K + 1)
    exit <- ifelse(d$started, d$s, d$time)
    long <- do.call(rbind, lapply(1:K, function(k) {
      r <- if (k == 1) rep(TRUE, n) else exit > e[k]
      data.frame(k = k, y = (d$started & d$s <= e[k + 1])[r], d[r, c("age", "grade")], on = as.integer(d$op[r] <= e[k]))
    }))
    f <- if (tv == "yes") y ~ factor(k) + age + grade + on else y ~ factor(k) + age + grade
    pl <- glm(f, binomial, long, epsilon = 1e-14)
    P <- sapply(1:K, function(k) predict(pl, data.frame(k = k, d[, c("age", "grade")], on = as.integer(d$op <= e[k])), type = "response"))
    H <- function(i, t) sum(-log(1 - P[i, ]) * pmin(pmax((t - e[1:K]) / diff(e), 0), 1))
  }
  arm <- list(start = list(dev = past & d$s > G), never = list(dev = d$started))
  arm$start$exit <- ifelse(arm$start$dev, G, d$time); arm$never$exit <- ifelse(arm$never$dev, d$s, d$time)
  arm$start$event <- d$event == 1 & !arm$start$dev; arm$never$event <- d$event == 1 & !arm$never$dev
  full <- list(start = 1 / p_start, never = sapply(1:n, function(i) exp(H(i, G + 1e-9))))
  cap <- sapply(names(arm), function(a) quantile(full[[a]][past & !arm[[a]]$dev], cut, names = FALSE))
  weight <- function(a, i, t) if (t > G) min(full[[a]][i], cap[[a]]) else if (a == "start") 1 else min(exp(H(i, t)), cap[[a]])
  U <- sort(unique(c(d$time[arm$start$event], d$time[arm$never$event])))
  rows <- list(); S <- list()
  for (a in names(arm)) {
    surv <- 1; path <- numeric(0)
    for (k in seq_along(U)) {
      t <- U[k]; there <- which(arm[[a]]$exit >= t)
      w <- sapply(there, function(i) weight(a, i, t))
      died <- arm[[a]]$event[there] & arm[[a]]$exit[there] == t
      surv <- surv * (1 - sum(w[died]) / sum(w)); path <- c(path, surv)
      rows[[length(rows) + 1]] <- data.frame(from = k - 1, until = k, died = died, w = w, start = as.integer(a == "start"))
    }
    S[[a]] <- path
  }
  tag <- paste(kind, tv, cut)
  for (a in names(arm)) {
    for (t in c(100, 400, 900)) add("ccw_survival", paste(tag, a, t), S[[a]][max(which(U <= t))])
    x <- c(0, U[U < tau], tau); y <- c(1, S[[a]][U < tau])
    add("ccw_rmst", paste(tag, a), sum(diff(x) * y))
    own <- pmin(full[[a]][past & !arm[[a]]$dev], cap[[a]])
    add("ccw_effective", paste(tag, a), sum(own)^2 / sum(own^2)); add("ccw_n_past", paste(tag, a), length(own))
    add("ccw_deviated", paste(tag, a), sum(arm[[a]]$dev)); add("ccw_events", paste(tag, a), sum(arm[[a]]$event))
  }
  cx <- coxph(Surv(from, until, died) ~ start, do.call(rbind, rows), weights = w, ties = "breslow", control = tight)
  add("ccw_log_hazard_ratio", tag, coef(cx)[[1]])
}
out$estimate <- sprintf("%.15g", out$estimate); out$std_error <- ifelse(is.na(out$std_error), "", sprintf("%.15g", out$std_error))
write.csv(out, "tests/reference/immortal.csv", row.names = FALSE)
