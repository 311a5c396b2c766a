# R's side of the benchmark: the same work on the same numbers by survival and cmprsk.
# Rscript bench.R WORK FILE PATIENTS REPEATS answers one line of JSON.
suppressPackageStartupMessages(library(survival))

asked <- commandArgs(trailingOnly = TRUE)
work <- asked[1]
rows <- as.integer(asked[3])
repeats <- as.integer(asked[4])
covariates <- 20L
first <- 4L

if (work != "study") {
  numbers <- matrix(readBin(asked[2], "double", n = rows * (first + covariates)), nrow = rows)
  patients <- as.data.frame(numbers[, first + seq_len(covariates)])
  names(patients) <- paste0("x", seq_len(covariates))
  patients$time <- numbers[, 1]
  patients$event <- numbers[, 2]
  group <- factor(numbers[, 3])
  state <- factor(numbers[, 4], 0:2, c("censored", "cause", "competing"))
  rm(numbers)
}
pairs_of <- function(b, se) as.vector(rbind(b, se))

does <- list(
  cox = function() {
    fit <- coxph(Surv(time, event) ~ ., data = patients, ties = "efron")
    pairs_of(coef(fit), sqrt(diag(vcov(fit))))
  },
  robust = function() {
    fit <- coxph(Surv(time, event) ~ ., data = patients, ties = "efron", robust = TRUE)
    pairs_of(coef(fit), sqrt(diag(vcov(fit))))
  },
  zph = function() cox.zph(fitted, terms = FALSE)$table[, "chisq"],
  survival = function() {
    curves <- survfit(Surv(patients$time, patients$event) ~ group, conf.type = "log-log")
    test <- survdiff(Surv(patients$time, patients$event) ~ group)
    c(test$chisq, test$obs, test$exp, tail(curves$surv, 1))
  },
  crr = function() {
    x <- as.matrix(patients[seq_len(covariates)])
    fit <- cmprsk::crr(patients$time, as.integer(state) - 1L, x, gtol = 1e-12)
    pairs_of(fit$coef, sqrt(diag(fit$var)))
  },
  finegray = function() {
    long <- finegray(Surv(patients$time, state) ~ ., data = patients[seq_len(covariates)],
                     etype = "cause")
    names <- paste(names(patients)[seq_len(covariates)], collapse = " + ")
    fit <- coxph(as.formula(paste("Surv(fgstart, fgstop, fgstatus) ~", names)), data = long,
                 weights = fgwt, ties = "breslow")
    coef(fit)
  },
  study = function() {
    source(file.path(dirname(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))),
                     "study.R"), local = TRUE)
    whole_study(asked[2])
  })
if (work == "zph") fitted <- coxph(Surv(time, event) ~ ., data = patients, ties = "efron")
invisible(gc())

# Linux keeps the highest resident size of a process and lets it be set back.
peak_mb <- function() {
  line <- tryCatch(grep("VmHWM", readLines("/proc/self/status"), value = TRUE),
                   error = function(e) character(0), warning = function(w) character(0))
  if (length(line)) as.numeric(gsub("[^0-9]", "", line)) / 1024 else NA
}
tryCatch(writeLines("5", "/proc/self/clear_refs"),
         error = function(e) NULL, warning = function(w) NULL)
before <- peak_mb()
seconds <- processor <- Inf
for (i in seq_len(repeats)) {
  spent <- system.time(answer <- does[[work]]())
  seconds <- min(seconds, spent[["elapsed"]])
  processor <- min(processor, spent[["user.self"]] + spent[["sys.self"]])
}
number <- function(x) ifelse(is.finite(x), format(x, digits = 17, trim = TRUE), "null")
package <- if (work == "crr") "cmprsk" else "survival"
cat(sprintf(
  '{"seconds": %s, "processor": %s, "extra_mb": %s, "answer": [%s], "version": "%s %s"}\n',
  number(seconds), number(processor), number(peak_mb() - before),
  paste(number(unname(answer)), collapse = ", "), package, packageVersion(package)))
