# Reference values of poverty, inequality and targeting with design-based standard errors, by R's survey and laeken.
#   Rscript tests/reference/r_targeting/make_reference.R tests/reference/r_targeting
# Writes targeting_data.csv (rows of eusilc, shipped by laeken, with a made-up score, units and transfer) and
# targeting.csv (measure, estimate, standard error). R is not needed by the tests: they read both files.
suppressMessages({library(survey); library(laeken)})
args <- commandArgs(TRUE); out <- if (length(args)) args[1] else "."
data(eusilc)
set.seed(20260701)
hh <- eusilc[!duplicated(eusilc$db030), ]
hh <- hh[hh$eqIncome > 0, ]
hh <- hh[sample(nrow(hh), 1500), ]
d <- data.frame(
  stratum = as.integer(factor(hh$db040)),
  psu = as.integer(factor(hh$db040)) * 100 + sample(1:12, nrow(hh), TRUE),
  weight = hh$db090, size = hh$hsize, welfare = round(hh$eqIncome, 2),
  score = round(log(hh$eqIncome) + rnorm(nrow(hh), 0, 0.4), 2),
  transfer = ifelse(runif(nrow(hh)) < plogis((9000 - hh$eqIncome) / 3000), 600, 0))
write.csv(d, file.path(out, "targeting_data.csv"), row.names = FALSE)
line <- 10000; cut <- 9.3
d$m <- d$weight * d$size
d$poor <- as.numeric(d$welfare <= line); d$other <- 1 - d$poor
d$chosen <- as.numeric(d$score <= cut); d$paid <- as.numeric(d$transfer > 0)
des <- svydesign(ids = ~psu, strata = ~stratum, weights = ~m, data = d, nest = TRUE)
rows <- list()
put <- function(name, est) rows[[length(rows) + 1]] <<- data.frame(measure = name, estimate = as.numeric(coef(est)), se = as.numeric(SE(est)))
rat <- function(name, a, b) { d2 <- des; d2$variables$a <- a; d2$variables$b <- b; put(name, svyratio(~a, ~b, d2)) }
one <- rep(1, nrow(d)); y <- d$welfare; after <- y + d$transfer / d$size; b <- d$transfer / d$size
rat("exclusion_error", d$poor * (1 - d$chosen), d$poor)
rat("inclusion_error", d$other * d$chosen, d$chosen)
rat("leakage_iris", d$other * d$chosen, d$poor)
rat("total_accuracy", d$poor * d$chosen + d$other * (1 - d$chosen), one)
rat("poverty_incidence_error", d$chosen - d$poor, one)
rat("coverage", d$chosen, one)
rat("poor_share", d$poor, one)
for (a in 0:2) rat(c("headcount", "poverty_gap", "squared_gap")[a + 1], ifelse(y < line, ((line - y) / line)^a, 0), one)
rat("watts", ifelse(y < line, log(line / y), 0), one)
rat("mean", y, one)
rat("leakage_by_amount", d$other * b, b)
rat("share_to_poor", d$poor * b, b)
rat("benefit_cost_ratio", pmax(line - y, 0) - pmax(line - after, 0), b)
# smooth functions of totals by the delta method of svycontrast
tot <- function(...) { d2 <- des; v <- list(...); for (n in names(v)) d2$variables[[n]] <- v[[n]]
  svytotal(as.formula(paste("~", paste(names(v), collapse = "+"))), d2) }
con <- function(name, total, expr) put(name, svycontrast(total, expr))
t1 <- tot(P = d$poor, TP = d$poor * d$chosen, FP = d$other * d$chosen, N = one)
con("targeting_differential", t1, quote(TP / P - FP / (N - P)))
con("bpac", t1, if ((1 - coef(t1)["TP"] / coef(t1)["P"]) >= coef(t1)["FP"] / coef(t1)["P"]) quote(TP / P - ((P - TP) / P - FP / P)) else quote(TP / P + ((P - TP) / P - FP / P)))
t2 <- tot(P = d$poor, N = one, B = b, PB = d$poor * b)
con("normalised_differential", t2, quote((PB / P - (B - PB) / (N - P)) / (B / N)))
g1 <- ifelse(y < line, (line - y) / line, 0); g2 <- ifelse(after < line, (line - after) / line, 0)
con("poverty_gap_reduction", tot(G1 = g1, G2 = g2), quote((G1 - G2) / G1))
con("headcount_reduction", tot(G1 = as.numeric(y < line), G2 = as.numeric(after < line)), quote((G1 - G2) / G1))
con("mean_log_deviation", tot(N = one, Y = y, L = log(y)), quote(log(Y / N) - L / N))
# measures of ranks: the estimate by laeken, the standard error by a delete-one-unit jackknife of survey
jk <- as.svrepdesign(des, type = "JKn")
rep <- function(name, f) { e <- withReplicates(jk, function(w, data) f(w, data)); put(name, e) }
gin <- function(x, w) { o <- order(x); x <- x[o]; w <- w[o]; cw <- cumsum(w); (2 * sum(w * x * cw) - sum(w^2 * x)) / (sum(w) * sum(w * x)) - 1 }
stopifnot(abs(gin(d$welfare, d$m) - gini(d$welfare, weights = d$m)$value / 100) < 1e-10)
rep("gini", function(w, data) { k <- w > 0; gin(data$welfare[k], w[k]) })
auc <- function(w, data) { k <- w > 0; w <- w[k]; s <- data$score[k]; p <- data$poor[k] == 1
  o <- order(s); s <- s[o]; w <- w[o]; p <- p[o]; P <- tapply(w * p, s, sum); Q <- tapply(w * !p, s, sum)
  sum(Q * (cumsum(P) - P / 2)) / (sum(P) * sum(Q)) }
rep("auc", auc)
conc <- function(w, data) { k <- w > 0; w <- w[k]; x <- data$welfare[k]; bb <- data$transfer[k] / data$size[k]
  W <- tapply(w, x, sum); B <- tapply(w * bb, x, sum); r <- (cumsum(W) - W / 2) / sum(W); -(2 * sum(B * r) / sum(B) - 1) }
rep("concentration_index", conc)
cgh <- function(p) function(w, data) { k <- w > 0; w <- w[k]; x <- data$welfare[k]; bb <- data$transfer[k] / data$size[k]
  o <- order(x); w <- w[o]; bb <- bb[o]; cw <- cumsum(w) / sum(w); ins <- pmin(1, pmax(0, (p - (cw - w / sum(w))) / (w / sum(w))))
  sum(w * bb * ins) / sum(w * bb) / p }
# a share up to a quantile: the jackknife does not hold for it; its standard error is an order of magnitude only
rep("cgh_20", cgh(0.2)); rep("cgh_40", cgh(0.4))
res <- do.call(rbind, rows)
res$estimate <- signif(res$estimate, 10); res$se <- signif(res$se, 10)
write.csv(res, file.path(out, "targeting.csv"), row.names = FALSE, quote = FALSE)
# coefficients of a weighted regression under the design: svyglm
desw <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = d, nest = TRUE)
fit <- svyglm(log(welfare) ~ size + factor(stratum), design = desw)
write.csv(data.frame(term = names(coef(fit)), estimate = signif(coef(fit), 10), se = signif(SE(fit), 10)),
          file.path(out, "regression.csv"), row.names = FALSE, quote = FALSE)
cat(R.version.string, "survey", as.character(packageVersion("survey")), "laeken", as.character(packageVersion("laeken")), "\n",
    file = file.path(out, "versions.txt"))
