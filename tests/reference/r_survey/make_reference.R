# Writes what R's package survey gives on its own `api` data, and that data as CSV, into this folder.
# R is not installed in CI: the output is kept beside this script. Run: Rscript make_reference.R (Debian: r-cran-survey).
suppressMessages(library(survey))
data(api)
keep <- c("stype", "dnum", "snum", "api00", "api99", "sch.wide", "awards", "meals", "ell", "mobility", "enroll",
          "api.stu", "pw", "fpc", "fpc1", "fpc2", "lone")
apiclus1$lone <- ifelse(apiclus1$dnum == min(apiclus1$dnum), "z", ifelse(apiclus1$dnum > 500, "a", "b"))  # z: one unit
for (name in c("apistrat", "apiclus1", "apiclus2")) {
  d <- get(name)
  write.csv(d[, intersect(keep, names(d))], paste0(name, ".csv"), row.names = FALSE, na = "")
}
options(survey.lonely.psu = "fail")
strat <- svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = apistrat)
clus1 <- svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc, data = apiclus1)
clus2 <- svydesign(id = ~dnum + snum, fpc = ~fpc1 + fpc2, data = apiclus2)
wr <- svydesign(id = ~dnum, strata = ~lone, weights = ~pw, nest = TRUE, data = apiclus1)
rows <- list()
put <- function(design, measure, variable, category, domain, est, se, lower = NA, upper = NA, interval = "") {
  rows[[length(rows) + 1]] <<- data.frame(design, measure, variable, category, domain,
    estimate = sprintf("%.15g", est), se = sprintf("%.15g", se),
    lower = ifelse(is.na(lower), "", sprintf("%.15g", lower)), upper = ifelse(is.na(upper), "", sprintf("%.15g", upper)),
    interval)
}
both <- function(name, d, measure, variable, fit, domain = "") {
  ci <- confint(fit, df = degf(d))
  put(name, measure, variable, "", domain, coef(fit)[[1]], SE(fit)[[1]], ci[1, 1], ci[1, 2], "t")
}
for (name in c("strat", "clus1", "clus2")) {
  d <- get(name)
  both(name, d, "mean", "api00", svymean(~api00, d))
  both(name, d, "total", "enroll", svytotal(~enroll, d, na.rm = TRUE))
  both(name, d, "ratio", "api.stu/enroll", svyratio(~api.stu, ~enroll, d, na.rm = TRUE))
  for (method in c("logit", "beta")) {
    p <- svyciprop(~I(sch.wide == "Yes"), d, method = method)
    put(name, "proportion", "sch.wide", "Yes", "", coef(p)[[1]], SE(p)[[1]], attr(p, "ci")[[1]], attr(p, "ci")[[2]], method)
  }
  for (value in c("E", "H", "M")) {
    part <- subset(d, stype == value)
    dom <- paste0("stype=", value)
    both(name, part, "mean", "api00", svymean(~api00, part), dom)
    both(name, part, "total", "api.stu", svytotal(~api.stu, part, na.rm = TRUE), dom)
    both(name, part, "ratio", "api.stu/enroll", svyratio(~api.stu, ~enroll, part, na.rm = TRUE), dom)
    p <- svyciprop(~I(awards == "Yes"), part)
    put(name, "proportion", "awards", "Yes", dom, coef(p)[[1]], SE(p)[[1]], attr(p, "ci")[[1]], attr(p, "ci")[[2]], "logit")
  }
}
for (rule in c("certainty", "adjust", "average")) {
  options(survey.lonely.psu = rule)
  fit <- svymean(~api00, wr)
  put(paste0("wr-", rule), "mean", "api00", "", "", coef(fit)[[1]], SE(fit)[[1]])
  if (rule == "adjust") next  # for a total R takes the lonely unit around zero; `centre` is around the mean of all units
  fit <- svytotal(~api.stu, wr)
  put(paste0("wr-", rule), "total", "api.stu", "", "", coef(fit)[[1]], SE(fit)[[1]])
}
write.csv(do.call(rbind, rows), "estimates.csv", row.names = FALSE)
logits <- list()
for (name in c("strat", "clus1", "clus2")) {
  d <- get(name)
  m <- svyglm(I(sch.wide == "Yes") ~ ell + meals + mobility + stype, design = d, family = quasibinomial(),
              control = glm.control(epsilon = 1e-12, maxit = 100))
  X <- model.matrix(m); b <- coef(m); V <- vcov(m); w <- m$prior.weights
  effect <- function(b, term) {   # average marginal effect, weighted by the design
    if (term %in% c("ell", "meals", "mobility")) { p <- plogis(X %*% b); return(sum(w * p * (1 - p)) / sum(w) * b[[term]]) }
    one <- X; one[, c("stypeH", "stypeM")] <- 0; none <- one; one[, term] <- 1
    sum(w * (plogis(one %*% b) - plogis(none %*% b))) / sum(w)
  }
  for (term in names(b)) {
    me <- NA; mse <- NA
    if (term != "(Intercept)") {
      me <- effect(b, term)
      g <- sapply(seq_along(b), function(k) { h <- 1e-6; up <- b; up[k] <- up[k] + h; dn <- b; dn[k] <- dn[k] - h
        (effect(up, term) - effect(dn, term)) / (2 * h) })
      mse <- sqrt(drop(t(g) %*% V %*% g))
    }
    logits[[length(logits) + 1]] <- data.frame(design = name, term, estimate = sprintf("%.12g", b[[term]]),
      se = sprintf("%.12g", SE(m)[[term]]), marginal = ifelse(is.na(me), "", sprintf("%.12g", me)),
      marginal_se = ifelse(is.na(mse), "", sprintf("%.12g", mse)))
  }
}
write.csv(do.call(rbind, logits), "logits.csv", row.names = FALSE)
writeLines(c(R.version.string, paste("survey", packageVersion("survey"))), "versions.txt")
