# The sample study as an analyst writes it in R, from the file to a folder of results.
#
# Equal to ours: the same file and the same columns of it as text; HER2 groups; the flow of patients
# left out with counts by group; Table 1 with missing values and standardised differences; curves
# with limits, milestones, medians and reverse Kaplan-Meier; log-rank test, trend and pairs with
# Holm; each term alone and all together, concordance with them; cox.zph with its smoothed curve;
# flow, curves with numbers at risk, forest plot and coefficient over time, each as PDF, SVG and
# PNG of 300 dots an inch; every table and every number as CSV; a digest of the file.
# Ours does besides: codes checked against code books, the full HER2 rules, findings; a typeset PDF
# report (Debian's R has no plain way to one; here the report is a text file of the same tables).
# R's figures are its base graphics, which are faster than those of ggplot2 and survminer, and
# data.table's fread is used where it is installed.

WANTED <- c(
  "PUF_CASE_ID", "AGE", "SEX", "RACE", "CDCC_TOTAL_BEST", "SEQUENCE_NUMBER", "YEAR_OF_DIAGNOSIS",
  "PRIMARY_SITE", "HISTOLOGY", "BEHAVIOR", "GRADE", "GRADE_CLIN", "GRADE_PATH", "TUMOR_SIZE",
  "TUMOR_SIZE_SUMMARY_2016", "REGIONAL_NODES_POSITIVE", "TNM_CLIN_M", "TNM_CLIN_STAGE_GROUP",
  "TNM_PATH_M", "TNM_PATH_STAGE_GROUP", "AJCC_TNM_CLIN_M", "AJCC_TNM_CLIN_STG_GRP",
  "AJCC_TNM_PATH_M", "AJCC_TNM_PATH_STG_GRP", "ANALYTIC_STAGE_GROUP",
  paste0("CS_SITESPECIFIC_FACTOR_", c(1, 2, 7:16, 21)), "ER_SUMMARY", "PR_SUMMARY",
  "HER2_IHC_SUMMARY", "HER2_ISH_SUMMARY", "HER2_ISH_DUAL_NUM", "HER2_ISH_DUAL_RATIO",
  "HER2_ISH_SINGLE_NUM", "HER2_OVERALL_SUMM", "RX_SUMM_SURG_PRIM_SITE", "DX_DEFSURG_STARTED_DAYS",
  "RX_SUMM_CHEMO", "DX_CHEMO_STARTED_DAYS", "RX_SUMM_HORMONE", "DX_HORMONE_STARTED_DAYS",
  "DX_IMMUNO_STARTED_DAYS", "DX_RAD_STARTED_DAYS", "DX_SYSTEMIC_STARTED_DAYS",
  "RX_SUMM_SYSTEMIC_SUR_SEQ", "RSPNS_TO_NEOADJUVT", "DX_LASTCONTACT_DEATH_MONTHS",
  "PUF_VITAL_STATUS")
TERMS <- c("her2", "I(age / 10)", "grade", "stage", "hr", "comorbidity")
COLOURS <- c("#0072B2", "#E69F00", "#009E73")

read_patients <- function(path) {
  if (requireNamespace("data.table", quietly = TRUE)) {
    return(as.data.frame(data.table::fread(
      path, select = WANTED, colClasses = "character", na.strings = "")))
  }
  names <- names(read.csv(path, nrows = 1))
  read.csv(path, colClasses = ifelse(names %in% WANTED, "character", "NULL"), na.strings = "",
           comment.char = "")
}

with_groups <- function(d) {
  d$year <- as.integer(d$YEAR_OF_DIAGNOSIS)
  recent <- d$year >= 2018
  score <- ifelse(recent, d$HER2_IHC_SUMMARY,
                  c("000" = "0", "010" = "1", "020" = "2", "030" = "3")[d$CS_SITESPECIFIC_FACTOR_8])
  ish <- ifelse(recent, d$HER2_ISH_SUMMARY,
                c("010" = "3", "020" = "0")[d$CS_SITESPECIFIC_FACTOR_15])
  d$her2 <- factor(ifelse(score == "3" | (score == "2" & ish == "3"), "positive",
                   ifelse(score == "0", "zero",
                   ifelse(score == "1" | (score == "2" & ish == "0"), "low", NA))),
                   c("zero", "low", "positive"))
  d$age <- as.numeric(d$AGE)
  d$age[which(d$age > 120)] <- NA
  d$grade <- factor(ifelse(d$GRADE %in% c("1", "2", "3"), d$GRADE, NA))
  d$stage <- factor(substr(d$ANALYTIC_STAGE_GROUP, 1, 1))
  er <- ifelse(recent, d$ER_SUMMARY, c("010" = "1", "020" = "0")[d$CS_SITESPECIFIC_FACTOR_1])
  d$hr <- factor(er, c("1", "0"))
  d$comorbidity <- factor(d$CDCC_TOTAL_BEST)
  d$size <- as.numeric(ifelse(d$year >= 2016, d$TUMOR_SIZE_SUMMARY_2016, d$TUMOR_SIZE))
  d$size[which(d$size > 988)] <- NA
  d$nodes <- as.numeric(d$REGIONAL_NODES_POSITIVE)
  d$nodes[which(d$nodes > 90)] <- NA
  d$time <- as.numeric(d$DX_LASTCONTACT_DEATH_MONTHS)
  d$time[which(d$time < 0)] <- NA
  d$event <- as.integer(d$PUF_VITAL_STATUS == "0")
  d$event[which(d$time > 120)] <- 0L
  d$time <- pmin(d$time, 120)
  d
}

selected <- function(d) {
  steps <- list(
    "HER2 score collected in these years" = d$year >= 2010 & d$year <= 2020,
    "Women" = d$SEX == "2", "Only one primary cancer" = d$SEQUENCE_NUMBER == "00",
    "Invasive tumour" = d$BEHAVIOR == "3", "Stage I to III" = d$stage %in% c("1", "2", "3"),
    "HER2 group known" = !is.na(d$her2), "Overall survival known" = !is.na(d$time) & !is.na(d$event))
  left <- rep(TRUE, nrow(d))
  flow <- data.frame()
  for (step in names(steps)) {
    met <- left & steps[[step]] %in% TRUE
    flow <- rbind(flow, data.frame(step = step, removed = sum(left) - sum(met), after = sum(met),
                                   t(unclass(table(d$her2[met])))))
    left <- met
    if (step == "HER2 group known") described <- met
  }
  used <- c("her2", "age", "grade", "stage", "hr", "comorbidity", "size", "nodes", "time", "event",
            "year", "RACE", "HISTOLOGY", "RX_SUMM_CHEMO", "RX_SUMM_HORMONE")
  d <- d[which(described), used]
  d$stage <- droplevels(d$stage)
  list(described = d, followed = d[!is.na(d$time) & !is.na(d$event), ], flow = flow)
}

difference <- function(value, group) {
  apply(combn(levels(group), 2), 2, function(pair) {
    a <- value[which(group == pair[1])]
    b <- value[which(group == pair[2])]
    if (is.numeric(value)) {
      spread <- (var(a, na.rm = TRUE) + var(b, na.rm = TRUE)) / 2
      return((mean(a, na.rm = TRUE) - mean(b, na.rm = TRUE)) / sqrt(spread))
    }
    p <- prop.table(table(a))[-1]
    q <- prop.table(table(b))[-1]
    s <- ((diag(p, length(p)) - p %o% p) + (diag(q, length(q)) - q %o% q)) / 2
    sqrt(drop((p - q) %*% solve(s, p - q)))
  })
}

features <- function(d) {
  rows <- list()
  for (name in c("age", "size", "nodes")) {
    by <- split(d[[name]], d$her2)
    rows[[name]] <- data.frame(
      name, level = c("mean", "sd", "q1", "median", "q3", "missing"),
      sapply(by, function(x) c(mean(x, na.rm = TRUE), sd(x, na.rm = TRUE),
                               quantile(x, c(0.25, 0.5, 0.75), na.rm = TRUE), sum(is.na(x)))),
      smd = max(abs(difference(d[[name]], d$her2))))
  }
  for (name in c("RACE", "year", "HISTOLOGY", "grade", "stage", "hr", "comorbidity",
                 "RX_SUMM_CHEMO", "RX_SUMM_HORMONE")) {
    value <- factor(d[[name]])
    counts <- table(value, d$her2, useNA = "always")[, levels(d$her2)]
    rows[[name]] <- data.frame(
      name, level = rownames(counts), unclass(counts), share = unclass(prop.table(counts, 2)),
      smd = max(abs(difference(value, d$her2))))
  }
  rows
}

drawn <- function(folder, name, width, height, draw) {
  pdf(file.path(folder, paste0(name, ".pdf")), width, height)
  draw()
  dev.off()
  svg(file.path(folder, paste0(name, ".svg")), width, height)
  draw()
  dev.off()
  png(file.path(folder, paste0(name, ".png")), width, height, units = "in", res = 300,
      type = "cairo")
  draw()
  dev.off()
}

draw_flow <- function(flow) {
  plot.new()
  plot.window(c(0, 2), c(nrow(flow), 0))
  for (i in seq_len(nrow(flow))) {
    rect(0, i - 0.9, 0.9, i - 0.5)
    text(0.45, i - 0.7, sprintf("%s\nn = %d", flow$step[i], flow$after[i]), cex = 0.6)
    text(1.1, i - 0.7, sprintf("left out: %d", flow$removed[i]), adj = 0, cex = 0.6)
  }
}

draw_curves <- function(curves, at_risk, times) {
  par(mar = c(8, 6, 1, 1))
  plot(curves, col = COLOURS, conf.int = TRUE, mark.time = FALSE, xlab = "Months", ylab = "Alive")
  for (i in 1:3) mtext(at_risk[[i]], 1, line = 3 + i, at = times, cex = 0.7)
  legend("bottomleft", names(at_risk), col = COLOURS, lty = 1)
}

draw_forest <- function(found) {
  n <- nrow(found)
  par(mar = c(4, 12, 1, 1))
  plot(found[, 1], n:1, log = "x", xlim = range(found[, 3:4]), yaxt = "n", ylab = "", pch = 15)
  segments(found[, 3], n:1, found[, 4], n:1)
  axis(2, n:1, rownames(found), las = 1)
  abline(v = 1, lty = 2)
}

whole_study <- function(path) {
  folder <- tempfile("study")
  dir.create(folder)
  on.exit(unlink(folder, recursive = TRUE))
  keep <- function(name, table) write.csv(table, file.path(folder, paste0(name, ".csv")))
  digest <- tools::md5sum(path)  # R 4.2 has no SHA-256 of its own
  d <- read_patients(path)
  codes <- lapply(d[setdiff(names(d), "PUF_CASE_ID")], table, useNA = "always")
  missing <- sapply(codes, function(n) n[is.na(names(n))])
  parts <- selected(with_groups(d))
  rm(d)
  described <- features(parts$described)
  d <- parts$followed

  curves <- survfit(Surv(time, event) ~ her2, d, conf.type = "log-log")
  times <- seq(0, 120, 24)
  steps <- summary(curves, times = times)
  milestones <- summary(curves, times = c(12, 36, 60))
  medians <- quantile(curves, 0.5)
  follow_up <- quantile(survfit(Surv(time, 1 - event) ~ her2, d, conf.type = "log-log"), 0.5)
  censoring <- survdiff(Surv(time, 1 - event) ~ her2, d)
  test <- survdiff(Surv(time, event) ~ her2, d)
  negative <- d[d$her2 != "positive", ]
  trend <- survdiff(Surv(time, event) ~ her2, droplevels(negative))
  pairs <- sapply(list(1:2, c(1, 3), 2:3), function(pair) {
    survdiff(Surv(time, event) ~ her2, d[as.integer(d$her2) %in% pair, ])$chisq
  })
  adjusted <- p.adjust(pchisq(pairs, 1, lower.tail = FALSE), "holm")

  model <- coxph(as.formula(paste("Surv(time, event) ~", paste(TERMS, collapse = " + "))), d)
  alone <- do.call(rbind, lapply(TERMS, function(term) {
    summary(coxph(as.formula(paste("Surv(time, event) ~", term)), d))$conf.int
  }))
  found <- summary(model)
  tested <- cox.zph(model)

  drawn(folder, "flow", 7, 7, function() draw_flow(parts$flow))
  at_risk <- split(steps$n.risk, steps$strata)
  drawn(folder, "curves", 7, 6, function() draw_curves(curves, at_risk, times))
  drawn(folder, "model", 7, 5, function() draw_forest(rbind(alone, found$conf.int)))
  drawn(folder, "model_over_time", 5, 4, function() plot(tested[1], resid = FALSE))

  keep("flow", parts$flow)
  for (name in names(described)) keep(name, described[[name]])
  keep("curve", data.frame(
    group = rep(names(curves$strata), curves$strata),
    unclass(curves)[c("time", "n.risk", "n.event", "n.censor", "surv", "std.err", "lower", "upper")]))
  keep("milestones", data.frame(milestones[c("strata", "time", "surv", "lower", "upper")]))
  keep("tests", data.frame(test[c("n", "obs", "exp")]))
  keep("pairs", data.frame(pairs, adjusted))
  keep("model", cbind(found$coefficients, found$conf.int))
  keep("alone", alone)
  keep("proportionality", tested$table)
  keep("missing", missing)
  report <- file(file.path(folder, "report.txt"), "w")
  sink(report)
  print(list(digest, parts$flow, described, milestones, medians, follow_up, censoring, test, trend,
             pairs, adjusted, found, alone, tested, missing))
  sink()
  close(report)
  nrow(d)
}
