# Table 1 of synthetic patients: moments, quantiles, shares, standardised differences, tests.
source("tests/reference/methods/write.R")
source("tests/reference/methods/rows.R")

out <- list()
add <- function(case, column, quantity, value, group = NA, other = NA, level = NA) {
  out[[length(out) + 1]] <<- data.frame(case = case, column = column, quantity = quantity,
                                        group = group, other = other, level = level,
                                        value = as.double(value))
}
quantile_of <- function(x, w) {  # Hmisc::wtd.quantile, type "quantile", written out
  w <- w / sum(w) * length(x)
  w <- w[order(x)]
  x <- sort(x)
  sapply(c(0.25, 0.5, 0.75), function(p) {
    place <- 1 + (sum(w) - 1) * p
    low <- max(floor(place), 1)
    high <- min(low + 1, sum(w))
    at <- function(edge) x[min(which(cumsum(w) >= edge - 1e-9))]
    (1 - place %% 1) * at(low) + place %% 1 * at(high)
  })
}
moments <- function(case, column, g, x, w) {
  add(case, column, "mean", sum(w * x) / sum(w), g)
  spread <- sum(w * (x - sum(w * x) / sum(w))^2)
  add(case, column, "sd", sqrt(spread * sum(w) / (sum(w)^2 - sum(w^2))), g)
  add(case, column, c("quartile_1", "median", "quartile_3"), quantile_of(x, w), g)
}

NUMBERS <- c("age", "fine")
CATEGORIES <- c("grade", "receptor", "rare", "seldom")
for (g in 1:3) {
  for (column in NUMBERS) {
    own <- rows[rows$group == g & !is.na(rows[[column]]), ]
    add("plain", column, "mean", mean(own[[column]]), g)
    add("plain", column, "sd", sd(own[[column]]), g)
    add("plain", column, c("quartile_1", "median", "quartile_3"),
        quantile(own[[column]], c(0.25, 0.5, 0.75), type = 7), g)
    moments("share", column, g, own[[column]], own$share)
    repeated <- rep(own[[column]], own$whole)
    add("whole", column, "mean", mean(repeated), g)
    add("whole", column, "sd", sd(repeated), g)
    add("whole", column, c("quartile_1", "median", "quartile_3"),
        quantile(repeated, c(0.25, 0.5, 0.75), type = 7), g)
  }
  for (column in CATEGORIES) {
    own <- rows[rows$group == g & !is.na(rows[[column]]), ]
    for (level in sort(unique(na.omit(rows[[column]])))) {
      add("plain", column, "share", mean(own[[column]] == level), g, level = level)
      add("share", column, "share", weighted.mean(own[[column]] == level, own$share), g,
          level = level)
    }
  }
}

# Standardised differences: spread unweighted, one level dropped.
for (case in c("plain", "share")) for (a in 1:2) for (b in (a + 1):3) {
  weight <- if (case == "plain") rep(1, nrow(rows)) else rows$share
  for (column in NUMBERS) {
    value <- lapply(c(a, b), function(g) {
      own <- rows$group == g & !is.na(rows[[column]])
      c(weighted.mean(rows[[column]][own], weight[own]), var(rows[[column]][own]))
    })
    add(case, column, "smd", abs(value[[1]][1] - value[[2]][1]) /
          sqrt((value[[1]][2] + value[[2]][2]) / 2), a, b)
  }
  for (column in CATEGORIES) {
    levels <- sort(unique(na.omit(rows[[column]])))[-1]
    value <- lapply(c(a, b), function(g) {
      own <- rows$group == g & !is.na(rows[[column]])
      x <- outer(rows[[column]][own], levels, "==") * 1
      p <- colMeans(x)
      list(shares = colSums(x * weight[own]) / sum(weight[own]),
           spread = diag(p, length(p)) - outer(p, p))
    })
    d <- value[[1]]$shares - value[[2]]$shares
    s <- (value[[1]]$spread + value[[2]]$spread) / 2
    add(case, column, "smd", sqrt(sum(d * solve(s, d))), a, b)
  }
}

for (column in NUMBERS) {
  test <- kruskal.test(rows[[column]], factor(rows$group))
  add("test", column, c("statistic", "p_value"), c(test$statistic, test$p.value))
}
for (column in c("receptor", "grade")) {
  test <- suppressWarnings(chisq.test(table(rows$group, rows[[column]]), correct = FALSE))
  add("test", column, c("statistic", "p_value"), c(test$statistic, test$p.value))
}
add("test", "rare", "p_value", fisher.test(table(rows$group, rows$rare), workspace = 2e7)$p.value)

write_table(do.call(rbind, out), "tests/reference/table_one.csv")
