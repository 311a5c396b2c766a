# Writes every expected answer of this folder. From the project's root: Rscript tests/reference/make_reference.R
source("tests/reference/packages.R")
topics <- setdiff(sort(list.files("tests/reference", "\\.R$"), method = "radix"), c("make_reference.R", "packages.R"))
for (topic in topics) source(file.path("tests/reference", topic), local = new.env())
writeLines(c(R.version.string, sapply(needed, function(p) paste(p, packageVersion(p)))), "tests/reference/versions.txt")
