# The log-rank family on synthetic patients: survdiff where it is defined (rho, strata), explicit
# loops for entry, gamma, whole weights, trend and a group never at risk; pairs by p.adjust.
source("tests/reference/methods/write.R")
source("tests/reference/methods/rows.R")
source("tests/reference/methods/logrank.R")

plain <- rows[c("group", "time", "event")]
strata <- rows[c("group", "time", "event", "stratum")]
late <- na.omit(rows[c("group", "time", "event", "entry")])
late_strata <- na.omit(rows[c("group", "time", "event", "entry", "stratum")])
whole <- data.frame(strata, w = rows$whole)
for (rho in c(0, 0.5, 1)) {
  same_answer(logrank_survdiff(plain, rho), logrank_loop(plain, rho))
  same_answer(logrank_survdiff(strata, rho), logrank_loop(strata, rho))
}
repeated <- strata[rep(seq_len(nrow(strata)), rows$whole), ]
same_answer(logrank_survdiff(repeated, 1), logrank_loop(whole, 1))

# Group 3 leaves before the first event of the others, and all its patients are censored.
absent <- plain
absent$time[absent$group == 3] <- 0
absent$event[absent$group == 3] <- 0
absent$event[absent$time == 0] <- 0

write_table(rbind(
  test_table("plain", logrank_survdiff(plain)),
  test_table("rho_1", logrank_survdiff(plain, 1)),
  test_table("rho_half", logrank_survdiff(plain, 0.5)),
  test_table("strata", logrank_survdiff(strata)),
  test_table("strata_rho_1", logrank_survdiff(strata, 1)),
  test_table("gamma_1", logrank_loop(plain, 0, 1)),
  test_table("rho_1_gamma_half", logrank_loop(plain, 1, 0.5)),
  test_table("entry", logrank_loop(late)),
  test_table("entry_strata_gamma_1", logrank_loop(late_strata, 0, 1)),
  test_table("whole_strata", logrank_loop(whole)),
  test_table("trend", logrank_loop(plain, scores = c(0, 1, 2))),
  test_table("trend_scores_strata_rho_1", logrank_loop(strata, 1, scores = c(0, 1, 5))),
  test_table("gehan", logrank_loop(plain, power = 1)),
  test_table("gehan_entry_strata", logrank_loop(late_strata, power = 1)),
  test_table("tarone_ware_whole_strata", logrank_loop(whole, power = 0.5)),
  test_table("tarone_ware_trend", logrank_loop(plain, scores = c(0, 1, 2), power = 0.5)),
  test_table("never_at_risk", logrank_survdiff(absent))), "tests/reference/logrank.csv")

pairs <- data.frame(first = c(1, 1, 2), second = c(2, 3, 3))
pairs$p_value <- apply(pairs, 1, function(pair) {
  logrank_survdiff(transform(plain[plain$group %in% pair, ]))$p_value
})
for (method in c("holm", "BH", "bonferroni")) {
  pairs[[tolower(method)]] <- p.adjust(pairs$p_value, method)
}
write_table(pairs, "tests/reference/logrank_pairs.csv")

# The data sets that come with survival: answers only.
real <- list(
  veteran = survdiff(Surv(time, status) ~ celltype, veteran),
  veteran_strata = survdiff(Surv(time, status) ~ celltype + strata(trt), veteran),
  lung_rho_1 = survdiff(Surv(time, status) ~ sex, lung, rho = 1),
  colon = survdiff(Surv(time, status) ~ rx, colon, subset = etype == 2),
  mgus2 = survdiff(Surv(futime, death) ~ sex, mgus2),
  pbc_strata = survdiff(Surv(time, status == 2) ~ edema + strata(sex), pbc))
write_table(data.frame(case = names(real), statistic = sapply(real, function(f) f$chisq),
                       p_value = sapply(real, function(f) f$pvalue)),
            "tests/reference/logrank_real.csv")
