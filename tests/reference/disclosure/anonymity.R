# An implementation of its own, in base R, of what khana_methods.disclosure.anonymity counts:
#   Rscript anonymity.R   (in this folder; R 4.2, no package)  writes anonymity-by-r.csv and risk-by-r.csv
# The risk is summed from its definition, E[1/F | f], with F - f negative binomial, not from a closed form.
rows <- read.csv("survey.csv", colClasses = "character", na.strings = character(0))
keys <- c("district", "age", "sex", "size")
class_of <- do.call(paste, c(rows[keys], sep = "\r"))
f <- ave(rep(1, nrow(rows)), class_of, FUN = sum)
weight <- as.numeric(rows$weight)
population <- ave(weight, class_of, FUN = sum)
risk_of <- function(f, F) {
  p <- f / F
  if (p >= 1) return(1 / f)
  h <- 0:60000
  sum(dnbinom(h, size = f, prob = p) / (f + h))
}
pairs <- unique(data.frame(f = f, F = population))
pairs$risk <- mapply(risk_of, pairs$f, pairs$F)
risk <- pairs$risk[match(paste(f, population), paste(pairs$f, pairs$F))]
diverse <- tapply(rows$illness, class_of, function(x) length(unique(x)))
entropy <- tapply(rows$illness, class_of, function(x) { q <- table(x) / length(x); q <- q[q > 0]; exp(-sum(q * log(q))) })
below <- sum(tapply(rows$illness, class_of, function(x) if (length(unique(x)) < 2) length(x) else 0))
without <- sapply(keys, function(k) {
  c2 <- do.call(paste, c(rows[setdiff(keys, k)], sep = "\r"))
  sum(ave(rep(1, nrow(rows)), c2, FUN = sum) < 3)
})
out <- c(rows = nrow(rows), classes = length(unique(class_of)), smallest = min(f), uniques = sum(f == 1),
         below_2 = sum(f < 2), below_3 = sum(f < 3), below_5 = sum(f < 5), distinct = min(diverse),
         entropy = min(entropy), rows_below_2 = below, largest = max(risk), mean = mean(risk), expected = sum(risk),
         high = sum(risk > 0.05), setNames(without, paste0("without_", keys)))
write.csv(data.frame(what = names(out), value = format(out, digits = 15, scientific = FALSE, trim = TRUE)),
          "anonymity-by-r.csv", row.names = FALSE, quote = FALSE)
pairs <- pairs[order(pairs$f, pairs$F), ]
write.csv(data.frame(f = pairs$f, population = format(pairs$F, digits = 15, trim = TRUE),
                     risk = format(pairs$risk, digits = 12, trim = TRUE, scientific = FALSE)),
          "risk-by-r.csv", row.names = FALSE, quote = FALSE)
