# Whether R has every package that the reference scripts use; exit code 1 where one is missing.
needed <- c("survival", "cmprsk", "MASS", "MatchIt", "metafor", "mice", "nnet", "relsurv", "survey")
missing <- needed[!sapply(needed, requireNamespace, quietly = TRUE)]
if (length(missing)) message("R lacks ", paste(missing, collapse = ", "))
quit(status = as.integer(length(missing) > 0))
