# The sample study as an analyst writes it in R: read, recode, select, describe, test, model, draw.
# HER2 groups by the usual short rules; our own classification looks at more evidence than these.
whole_study <- function(path) {
  d <- read.csv(path, colClasses = "character", na.strings = "")
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
  d$grade <- factor(ifelse(d$GRADE %in% c("1", "2", "3"), d$GRADE, NA))
  d$stage <- factor(substr(d$ANALYTIC_STAGE_GROUP, 1, 1))
  er <- ifelse(recent, d$ER_SUMMARY, c("010" = "1", "020" = "0")[d$CS_SITESPECIFIC_FACTOR_1])
  d$hr <- factor(er, c("1", "0"))
  d$comorbidity <- factor(d$CDCC_TOTAL_BEST)
  d$time <- as.numeric(d$DX_LASTCONTACT_DEATH_MONTHS)
  d$event <- as.integer(d$PUF_VITAL_STATUS == "0")
  late <- d$time > 120
  d$event[which(late)] <- 0L
  d$time <- pmin(d$time, 120)
  keep <- d$year >= 2010 & d$year <= 2020 & d$SEX == "2" & d$SEQUENCE_NUMBER == "00" &
    d$BEHAVIOR == "3" & d$stage %in% c("1", "2", "3") & !is.na(d$her2) & !is.na(d$time)
  d <- d[which(keep), ]
  d$stage <- droplevels(d$stage)
  for (name in c("RACE", "year", "HISTOLOGY", "grade", "stage", "hr", "comorbidity", "RX_SUMM_CHEMO",
                 "RX_SUMM_HORMONE")) {
    counts <- table(d[[name]], d$her2)
    prop.table(counts, 2)
    suppressWarnings(chisq.test(counts))
  }
  for (name in c("age", "TUMOR_SIZE", "REGIONAL_NODES_POSITIVE")) {
    value <- as.numeric(d[[name]])
    tapply(value, d$her2, quantile, na.rm = TRUE)
    kruskal.test(value, d$her2)
  }
  curves <- survfit(Surv(time, event) ~ her2, d, conf.type = "log-log")
  summary(curves, times = c(12, 36, 60))
  survdiff(Surv(time, event) ~ her2, d)
  for (pair in list(1:2, c(1, 3), 2:3)) {
    survdiff(Surv(time, event) ~ her2, d[as.integer(d$her2) %in% pair, ])
  }
  model <- coxph(Surv(time, event) ~ her2 + I(age / 10) + grade + stage + hr + comorbidity, d)
  for (term in c("her2", "I(age / 10)", "grade", "stage", "hr", "comorbidity")) {
    summary(coxph(as.formula(paste("Surv(time, event) ~", term)), d))
  }
  made <- tempfile(fileext = ".pdf")
  pdf(made)
  plot(curves, col = 1:3, conf.int = TRUE, mark.time = FALSE)
  s <- summary(model)$conf.int
  plot(s[, 1], seq_len(nrow(s)), log = "x", xlim = range(s[, 3:4]))
  segments(s[, 3], seq_len(nrow(s)), s[, 4], seq_len(nrow(s)))
  dev.off()
  unlink(made)
  nrow(d)
}
