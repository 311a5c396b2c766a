# The packages that the reference scripts use; stops where R lacks one.
needed <- c("survival", "cmprsk", "lme4", "MASS", "MatchIt", "metafor", "mice", "nnet", "relsurv", "survey")
missing <- needed[!sapply(needed, requireNamespace, quietly = TRUE)]
if (length(missing)) stop("R lacks ", paste(missing, collapse = ", "), call. = FALSE)
