# Writes every expected answer of this folder. From the project's root: Rscript tests/reference/make_reference.R
for (script in sort(list.files("tests/reference", "\\.R$", full.names = TRUE), method = "radix")) if (basename(script) != "make_reference.R") source(script, local = new.env())
writeLines(c(R.version.string, sapply(c("survival", "cmprsk"), function(p) paste(p, packageVersion(p)))), "tests/reference/versions.txt")
