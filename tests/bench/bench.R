# The peer of bench.py: the same work on the same numbers by R's survival.
# Rscript bench.R FILE ROWS COVARIATES WORK REPEATS; answers lines of `name value`.
suppressPackageStartupMessages(library(survival))

asked <- commandArgs(trailingOnly = TRUE)
rows <- as.integer(asked[2])
covariates <- as.integer(asked[3])
work <- asked[4]
repeats <- as.integer(asked[5])

numbers <- matrix(readBin(asked[1], "double", n = rows * (3 + covariates)), nrow = rows)
patients <- as.data.frame(numbers[, 4:(3 + covariates)])
names(patients) <- paste0("x", seq_len(covariates))
patients$time <- numbers[, 1]
patients$event <- numbers[, 2]
group <- factor(numbers[, 3])
rm(numbers)
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

seconds <- Inf
for (i in seq_len(repeats)) {
  seconds <- min(seconds, system.time({
    if (work == "cox") {
      fit <- coxph(Surv(time, event) ~ ., data = patients, ties = "efron")
      answer <- coef(fit)
    } else {
      curves <- survfit(Surv(patients$time, patients$event) ~ group, conf.type = "log-log")
      test <- survdiff(Surv(patients$time, patients$event) ~ group)
      answer <- c(test$chisq, test$obs, test$exp, tail(curves$surv, 1))
    }
  })[["elapsed"]])
}

cat("seconds", seconds, "\n")
cat("extra_mb", peak_mb() - before, "\n")
cat("version", as.character(packageVersion("survival")), "\n")
cat(paste("answer", format(answer, digits = 15)), sep = "\n")
