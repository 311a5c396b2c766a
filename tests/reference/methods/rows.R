# Synthetic patients by a seeded rule; no real patient is behind any row. Days are coarse, so that
# times tie; `fine` has hardly a tie; entry is empty for those who left at time 0.
set.seed(20250131, kind = "Mersenne-Twister", normal.kind = "Inversion",
         sample.kind = "Rejection")
n <- 96
rows <- data.frame(patient = 1:n, group = rep(1:3, length.out = n))
rows$stratum <- sample(1:4, n, replace = TRUE, prob = c(5, 3, 2, 1))
hazard <- c(0.5, 0.8, 1.3)[rows$group] * c(1, 1.4, 0.7, 2)[rows$stratum]
died <- rexp(n, hazard / 30)
left <- runif(n, 2, 60)
rows$time <- floor(pmin(died, left))
rows$fine <- round(pmin(died, left) * 1.1, 6)
rows$event <- as.integer(died <= left)
rows$entry <- ifelse(rows$time > 0, floor(runif(n) * 0.6 * rows$time), NA)
rows$whole <- sample(1:3, n, replace = TRUE)
rows$share <- round(runif(n, 0.2, 2.5), 3)
rows$age <- ifelse(runif(n) < 0.08, NA, round(rnorm(n, 58 + 3 * rows$group, 11), 1))
rows$grade <- ifelse(runif(n) < 0.1, NA, sample(1:3, n, replace = TRUE, prob = c(2, 5, 4)))
rows$receptor <- ifelse(runif(n) < 0.55 + 0.1 * rows$group, 1, 0)
rows$rare <- sample(1:3, n, replace = TRUE, prob = c(20, 3, 2))
rows$seldom <- as.integer(runif(n) < 0.04 + 0.06 * rows$group)
rows$whole[7] <- 0  # takes no part
