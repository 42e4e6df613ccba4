# The statistics of wattlab: small functions of numeric vectors, each of which returns a numeric vector.
#
# Knows the formulae, where R's own function does not already give them, and their sources. Knows no labels (groups are
# numbers from 1), no files and no words. What can be computed is checked before, in statistics.py.
# Evaluated inside R's namespace `stats`; no package besides those that R brings.

level <- 0.95

two_sided_t <- function(t, df) 2 * pt(abs(t), df, lower.tail = FALSE)

# --- assumptions -------------------------------------------------------------------------------------------------

shapiro <- function(x) {
    found <- shapiro.test(x)
    c(found$statistic, found$p.value)
}

# The line through the quartiles, as qqline draws it.
qq <- function(x) {
    theoretical <- qnorm(ppoints(length(x)))
    ends <- quantile(x, c(0.25, 0.75), names = FALSE)
    slope <- diff(ends) / diff(qnorm(c(0.25, 0.75)))
    c(ends[1] - slope * qnorm(0.25), slope, theoretical)
}

# Brown and Forsythe, JASA 69 (1974) 364: an analysis of variance of the distances from each group's median.
levene <- function(x, group) {
    group <- factor(group)
    away <- abs(x - ave(x, group, FUN = median))
    found <- oneway.test(away ~ group, var.equal = TRUE)
    c(found$statistic, found$parameter, found$p.value)
}

# --- means -------------------------------------------------------------------------------------------------------

partial_eta_squared <- function(n, means, variances) {
    between <- sum(n * (means - sum(n * means) / sum(n))^2)
    between / (between + sum((n - 1) * variances))
}

welch_anova <- function(x, group, symmetric) {
    found <- oneway.test(x ~ factor(group), var.equal = FALSE)
    parts <- split(x, group)
    effect <- partial_eta_squared(lengths(parts), sapply(parts, mean), sapply(parts, var))
    c(found$statistic, found$parameter, found$p.value, effect, eta_interval(parts, symmetric))
}

# Games and Howell, J. Educ. Stat. 1 (1976) 113. One row a pair: difference, low, high, t, df, p.
games_howell <- function(x, group) {
    parts <- split(x, group)
    k <- length(parts)
    squared <- sapply(parts, var) / lengths(parts)
    means <- sapply(parts, mean)
    pair <- function(i, j) {
        error <- sqrt(squared[[i]] + squared[[j]])
        df <- error^4 / (squared[[i]]^2 / (length(parts[[i]]) - 1) + squared[[j]]^2 / (length(parts[[j]]) - 1))
        difference <- means[[i]] - means[[j]]
        t <- difference / error
        half <- studentized_quantile(k, df) / sqrt(2) * error
        c(difference, difference - half, difference + half, t, df, studentized_tail(abs(t), k, df))
    }
    c(apply(combn(k, 2), 2, function(of) pair(of[1], of[2])))
}

# P(studentized range of k > sqrt(2) t). R's own ptukey computes 1 - p and, below 10 degrees of freedom, loses the tail:
# for k = 3, df = 2 it gives 3e-6 where 6e-4 is right. Here the tail of the range itself, which holds, is integrated over
# the logarithm of the standard deviation.
studentized_tail <- function(t, k, df) {
    if (k == 2 || t == 0) return(2 * pt(t, df, lower.tail = FALSE))
    q <- sqrt(2) * t
    scale <- log(2) + df / 2 * log(df / 2) - lgamma(df / 2)
    logarithm <- function(u) scale + df * u - df / 2 * exp(2 * u) + log_range_tail(q * exp(u), k)
    wide <- sqrt(40 / df) + 40 / df
    whole <- seq(min(0, -log(q)) - wide, wide, length.out = 100)
    found <- logarithm(whole)
    matters <- range(which(found > max(found) - 40)) + c(-1, 1)
    # The trapezium rule, because what it sums falls to nothing at both ends: it converges faster than any power.
    u <- seq(whole[max(1, matters[1])], whole[min(100, matters[2])], length.out = 400)
    min(1, sum(exp(logarithm(u))) * (u[2] - u[1]))
}

# log P(range of k standard normal values > w); where 1 - p has lost it the bound by Boole, which is as good there.
log_range_tail <- function(w, k) {
    p <- ptukey(w, k, Inf, lower.tail = FALSE)
    ifelse(p < 1e-9, log(k * (k - 1)) + pnorm(w / sqrt(2), lower.tail = FALSE, log.p = TRUE), log(pmax(p, 1e-9)))
}

# Between one comparison's quantile and Bonferroni's.
studentized_quantile <- function(k, df) {
    single <- qt((1 - level) / 2, df, lower.tail = FALSE)
    if (k == 2) return(sqrt(2) * single)
    every <- qt((1 - level) / (k * (k - 1)), df, lower.tail = FALSE)
    away <- function(x) log(studentized_tail(exp(x), k, df)) - log(1 - level)
    sqrt(2) * exp(uniroot(away, log(c(single, every)), tol = 1e-12)$root)
}

# Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987) 657, with Welch's degrees of freedom: low and high of the 90 %
# interval, p.
equivalence <- function(a, b, margin) {
    found <- t.test(a, b)
    difference <- mean(a) - mean(b)
    df <- found$parameter
    half <- qt(level, df) * found$stderr
    p <- max(
        pt((difference - margin) / found$stderr, df), pt((difference + margin) / found$stderr, df, lower.tail = FALSE)
    )
    c(difference - half, difference + half, p)
}

power_of <- function(n, difference, sd) {
    power.t.test(n = n, delta = difference, sd = sd, sig.level = 1 - level, strict = TRUE)$power
}

# The fewest n, by bisection; Inf where `most` are not enough.
required_n <- function(difference, sd, power, most) {
    if (power_of(most, difference, sd) < power) return(Inf)
    few <- 1
    enough <- most
    while (enough - few > 1) {
        middle <- floor((few + enough) / 2)
        if (power_of(middle, difference, sd) < power) few <- middle else enough <- middle
    }
    enough
}

detectable <- function(n, sd, power) {
    error <- sd * sqrt(2 / n)
    away <- function(t) power_of(n, t * error, sd) - power
    uniroot(away, c(0.01, 30), tol = 1e-11)$root * error
}

# --- ranks -------------------------------------------------------------------------------------------------------

# Of the ranks, for R counts ties of x itself among 15 digits, its ranks among all: p would be 0 of values that differ
# beyond.
kruskal <- function(x, group) {
    found <- kruskal.test(rank(x), factor(group))
    c(found$statistic, found$parameter, found$p.value)
}

# Dunn, Technometrics 6 (1964) 241, with the variance corrected for ties; p by Holm. One row a pair: difference of mean
# ranks, z, p.
dunn <- function(x, group) {
    n <- length(x)
    ties <- table(rank(x))
    ranks <- split(rank(x), group)
    variance <- n * (n + 1) / 12 - sum(ties^3 - ties) / (12 * (n - 1))
    pair <- function(of) {
        difference <- mean(ranks[[of[1]]]) - mean(ranks[[of[2]]])
        z <- difference / sqrt(variance * (1 / length(ranks[[of[1]]]) + 1 / length(ranks[[of[2]]])))
        c(difference, z, 2 * pnorm(abs(z), lower.tail = FALSE))
    }
    rows <- apply(combn(length(ranks), 2), 2, pair)
    rows[3, ] <- p.adjust(rows[3, ], "holm")
    c(rows)
}

# --- correlation -------------------------------------------------------------------------------------------------

tail_of_t <- function(t, df, side) {
    switch(side + 2, pt(t, df), two_sided_t(t, df), pt(t, df, lower.tail = FALSE))
}

# r, t, df, p; `side` is -1 (less), 0 (two-sided) or 1 (greater).
correlation <- function(x, y, side, controls = 0) {
    r <- max(-1, min(1, cor(x, y)))
    df <- length(x) - 2 - controls
    t <- r * sqrt(df / ((1 - r) * (1 + r)))
    c(r, t, df, tail_of_t(t, df, side))
}

pearson <- function(x, y, side) correlation(x, y, side)

# Below ten pairs the p value counts all orders, ties or not; else it is that of Student's t.
spearman <- function(x, y, side) {
    x <- rank(x)
    y <- rank(y)
    found <- correlation(x, y, side)
    if (length(x) < 10) found[4] <- exact_tail(x, y, side)
    else if (abs(cor(x, y)) > 1 - 1e-12) found[4] <- perfect_tail(x, side, sign(found[1]))
    found
}

exact_tail <- function(x, y, side) {
    here <- 4 * sum(x * y)
    middle <- 4 * length(x) * mean(x) * mean(y)
    counts <- counts_of_sums(2 * x, 2 * y)
    sums <- seq_along(counts) - 1
    as_far <- switch(side + 2, sums <= here, abs(sums - middle) >= abs(here - middle), sums >= here)
    sum(counts[as_far]) / sum(counts)
}

counted <- new.env()

# In how many orders of y the sum of x y is 0, 1, 2, ...; x and y are whole numbers. Ranks without ties are the same
# numbers again and again, so what was counted is kept.
counts_of_sums <- function(x, y) {
    x <- sort(x)
    y <- sort(y)
    key <- paste(c(x, "and", y), collapse = " ")
    if (is.null(counted[[key]])) assign(key, counts_of_orders(x, y), counted)
    counted[[key]]
}

# Column m + 1 holds the orders in which the first places are taken by the items whose bits are set in m.
counts_of_orders <- function(x, y) {
    n <- length(x)
    size <- sum(sort(x) * sort(y)) + 1
    counts <- matrix(0, size, 2^n)
    counts[1, 1] <- 1
    for (taken in seq_len(2^n - 1) - 1) {
        free <- which(bitwAnd(taken, 2^(seq_len(n) - 1)) == 0)
        place <- n - length(free) + 1
        for (item in free) {
            to <- taken + 2^(item - 1) + 1
            by <- x[place] * y[item]
            above <- seq_len(size - by)
            counts[above + by, to] <- counts[above + by, to] + counts[above, taken + 1]
        }
    }
    counts[, 2^n]
}

# A perfect correlation of ten or more: the share of the orders that are as perfect.
perfect_tail <- function(x, side, direction) {
    share <- exp(sum(lfactorial(table(x))) - lfactorial(length(x)))
    switch(side + 2, if (direction < 0) share else 1, min(1, 2 * share), if (direction > 0) share else 1)
}

# Correlation of what a straight line through the controls leaves of x and of y. `controls` holds them one after the
# other. Also the share of x and of y that is left.
partial <- function(x, y, controls, side) {
    # Each control by its largest magnitude: qr cannot take the norm of a column of denormal numbers.
    by_magnitude <- function(column) column / max(abs(column), .Machine$double.xmin * .Machine$double.eps)
    among <- qr(cbind(1, apply(matrix(controls, nrow = length(x)), 2, by_magnitude)))
    left_x <- qr.resid(among, x)
    left_y <- qr.resid(among, y)
    left <- c(sum(left_x^2) / sum((x - mean(x))^2), sum(left_y^2) / sum((y - mean(y))^2))
    if (min(left) < 1e-20) return(c(NA, NA, NA, NA, left))
    c(correlation(left_x, left_y, side, among$rank - 1), left)
}

fisher_interval <- function(r, error) tanh(atanh(r) + c(-1, 1) * qnorm((1 + level) / 2) * error)

# --- effects -----------------------------------------------------------------------------------------------------

# Cliff's delta through placements, so that no table of all pairs is needed; the interval is the wider at each end of
# two, because each is too short where the other is not. delta, low, high.
cliffs_delta <- function(a, b) {
    sorted_a <- sort(a)
    sorted_b <- sort(b)
    below <- findInterval(a, sorted_b, left.open = TRUE)
    upto <- findInterval(a, sorted_b)
    of_a <- (below + upto) / length(b) - 1
    of_b <- 1 - (findInterval(b, sorted_a) + findInterval(b, sorted_a, left.open = TRUE)) / length(a)
    delta <- mean(of_a)
    if (min(length(a), length(b)) < 2) return(c(delta, NA, NA))
    ends <- rbind(cliff_interval(of_a, of_b, sum(upto - below)), newcombe_interval(delta, length(a), length(b)))
    c(delta, min(ends[, 1]), max(ends[, 2]))
}

# Feng and Cliff, J. Mod. Appl. Stat. Methods 3 (2004) 322, with the degrees of freedom of Brunner and Munzel, Biom. J.
# 42 (2000) 17.
cliff_interval <- function(of_a, of_b, ties) {
    n <- length(of_a)
    m <- length(of_b)
    delta <- mean(of_a)
    parts <- c(var(of_a) / n, var(of_b) / m)
    df <- if (sum(parts) > 0) sum(parts)^2 / sum(parts^2 / c(n - 1, m - 1)) else 0
    t <- qt((1 + level) / 2, max(df, min(n, m) - 1))
    if (abs(delta) > 1 - 1e-12) {
        least <- (min(n, m) - t^2) / (min(n, m) + t^2)
        return(sort(sign(delta) * c(least, 1)))
    }
    of_pairs <- n * m - ties - n * m * delta^2
    variance <- (m^2 * sum((of_a - delta)^2) + n^2 * sum((of_b - delta)^2) - of_pairs) / (n * m * (n - 1) * (m - 1))
    variance <- max(variance, (1 - delta^2) / (n * m - 1))
    half <- t * sqrt(variance) * sqrt((1 - delta^2)^2 + t^2 * variance)
    (delta - delta^3 + c(-1, 1) * half) / (1 - delta^2 + t^2 * variance)
}

# Newcombe, Stat. Med. 25 (2006) 559, method 5, of p = (1 + delta) / 2: the p that are no further from the one found
# than their own standard error allows.
newcombe_interval <- function(delta, n, m) {
    found <- (1 + delta) / 2
    more <- (n + m) / 2 - 1
    away <- function(p) {
        variance <- p * (1 - p) * (1 + more * (1 - p) / (2 - p) + more * p / (1 + p)) / (n * m)
        (found - p)^2 - qnorm((1 + level) / 2)^2 * variance
    }
    end <- function(edge) if (away(edge) <= 0) edge else uniroot(away, sort(c(edge, found)), tol = 1e-13)$root
    2 * c(end(0), end(1)) - 1
}

# Skewness and excess kurtosis without bias for normal values; the kurtosis is taken as 1.5 or more (a gamma
# distribution of shape 4), because a small sample says little of it.
shape <- function(x) {
    n <- length(x)
    away <- x - mean(x)
    squared <- mean(away^2)
    skew <- mean(away^3) / squared^1.5 * sqrt(n * (n - 1)) / (n - 2)
    peak <- mean(away^4) / squared^2 - 3
    peak <- if (n > 3) (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * peak + 6) else 0
    if (squared > 0) c(skew, max(peak, 1.5)) else c(0, 1.5)
}

# Variance of the sample variance, and its covariance with the mean.
of_variance <- function(x) {
    form <- shape(x)
    n <- length(x)
    c(var(x)^2 * (form[2] / n + 2 / (n - 1)), form[1] * var(x)^1.5 / n)
}

satterthwaite <- function(parts, df) sum(parts)^2 / sum(parts^2 / df)

# Distribution of the noncentral t at t > 0. Above 37 R has an approximation only; there the chi distribution is taken
# at each normal deviate.
noncentral <- function(t, df, nc) {
    if (abs(nc) < 37) return(suppressWarnings(pt(t, df, nc)))
    z <- seq(-8, 8, by = 0.02)
    sum(dnorm(z) * pchisq(df * (pmax(0, z + nc) / t)^2, df, lower.tail = FALSE)) * 0.02
}

# The noncentralities of which t is the lower and the upper 2.5 % point.
noncentralities <- function(t, df) {
    if (t < 0) return(-rev(noncentralities(-t, df)))
    most <- 9 + t * sqrt(qchisq(0.9999, df) / df)
    end <- function(p) uniroot(function(nc) noncentral(t, df, nc) - p, c(-9, most), tol = 1e-9 * most)$root
    c(end((1 + level) / 2), end((1 - level) / 2))
}

# Hedges' g: the difference in pooled standard deviations, times the exact correction for small samples (J. Educ. Stat.
# 6 (1981) 107). Its interval supposes neither normal values nor equal variances. Of groups of about one size: by the
# noncentral t, with the degrees of freedom that the variances of both means and of the pooled variance leave. Otherwise,
# and where `propagated`: propagation of the variances of both means and both variances. g, low, high.
hedges_g <- function(a, b, propagated) {
    df <- c(length(a), length(b)) - 1
    weight <- df / sum(df)
    variances <- c(var(a), var(b))
    pooled <- sum(weight * variances)
    unbiased <- exp(lgamma(sum(df) / 2) - lgamma((sum(df) - 1) / 2)) / sqrt(sum(df) / 2)
    difference <- mean(a) - mean(b)
    g <- unbiased * difference / sqrt(pooled)
    if (min(df) < 2 || max(df + 1) > 5 * min(df + 1)) return(c(g, NA, NA))
    moments <- cbind(of_variance(a), of_variance(b))
    of_means <- variances / (df + 1)
    of_pooled <- sum(weight^2 * moments[1, ])
    if (!propagated && max(df + 1) <= 1.5 * min(df + 1)) {
        error <- sqrt(sum(of_means))
        least_df <- min(satterthwaite(of_means, df), 2 * pooled^2 / of_pooled)
        return(c(g, noncentralities(difference / error, least_df) * error / sqrt(pooled)))
    }
    variance <- sum(of_means) / pooled + difference^2 * of_pooled / (4 * pooled^3) -
        difference * sum(weight * c(1, -1) * moments[2, ]) / pooled^2
    least_df <- min(satterthwaite(of_means, df), satterthwaite(weight * variances, df))
    c(g, g + c(-1, 1) * qt((1 + level) / 2, least_df) * sqrt(variance))
}

# Ends of an interval on the scale on which the variance a + b x + c x^2 of a value x is 1 everywhere,
# log(2 sqrt(c (a + b x + c x^2)) + 2 c x + b) / sqrt(c): about sqrt(x) where x is small, log(x) where it is large. An
# end that would lie below 0 is 0.
stabilised <- function(value, a, b, c, t) {
    at <- function(x) 2 * sqrt(c * (a + b * x + c * x^2)) + 2 * c * x + b
    w <- at(value) * exp(c(-1, 1) * t * sqrt(c))
    ifelse(w <= at(0), 0, ((w - (4 * a * c - b^2) / w) / 2 - b) / (2 * c))
}

# Interval of partial eta^2 = f^2 / (1 + f^2), f^2 freed from what chance adds to it, by the variance that f^2 has where
# the means lie apart as they do, or less far. The covariance of means and variances takes no more than half of what the
# variances add. `symmetric`: about f^2, as it was before. low, high.
eta_interval <- function(parts, symmetric) {
    n <- lengths(parts)
    if (min(n) < 3 || max(n) > 2 * min(n)) return(c(NA, NA))
    share <- n / sum(n)
    means <- sapply(parts, mean)
    of_means <- sapply(parts, var) / n
    away <- means - sum(share * means)
    moments <- sapply(parts, of_variance)
    within <- sum(share * n * of_means)
    f2 <- max(0, sum(share * away^2) - sum(share * (1 - share) * of_means)) / within
    of_between <- 4 * sum(share^2 * away^2 * of_means) + 2 * sum((share * of_means)^2)
    t <- qt((1 + level) / 2, min(n) - 1)
    of_within <- sum(share^2 * moments[1, ])
    both <- 4 * sum(share^2 * away * moments[2, ])
    if (symmetric) {
        ends <- pmax(0, f2 + c(-1, 1) * t * sqrt(of_between + f2^2 * of_within - f2 * both) / within)
    } else {
        found <- sum(share * away^2) / within
        a <- 2 * sum((share * of_means)^2) / within^2
        b <- if (found > 0) 4 * sum(share^2 * away^2 * of_means) / within^2 / found else 0
        c <- if (f2 > 0) max(of_within - both / f2, of_within / 2) else of_within
        ends <- stabilised(f2, a, b, c / within^2, t)
    }
    ends / (1 + ends)
}

# Interval of the coefficient of variation, by propagation to its logarithm. cv, low, high.
variation <- function(x) {
    n <- length(x)
    cv <- sd(x) / mean(x)
    if (n < 3) return(c(cv, NA, NA))
    form <- shape(x)
    variance <- (form[2] / n + 2 / (n - 1)) / 4 + cv^2 / n - form[1] * cv / n
    c(cv, cv * exp(c(-1, 1) * qt((1 + level) / 2, n - 1) * sqrt(max(0, variance))))
}

# --- intervals ---------------------------------------------------------------------------------------------------

t_interval <- function(x) c(t.test(x)$conf.int)

# Efron, JASA 82 (1987) 171: ends of the bootstrap distribution of the mean, corrected for bias and acceleration.
bca <- function(x, seed, samples) {
    bca_ends(mean(x), bootstrap(x, seed, samples), (sum(x) - x) / (length(x) - 1))
}

bootstrap <- function(x, seed, samples) {
    set.seed(seed, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
    n <- length(x)
    sorted <- sort(x)
    colMeans(matrix(sorted[sample.int(n, n * samples, replace = TRUE)], n))
}

bca_ends <- function(value, drawn, without) {
    bias <- qnorm((mean(drawn < value) + mean(drawn <= value)) / 2)
    away <- mean(without) - without
    acceleration <- sum(away^3) / (6 * sum(away^2)^1.5)
    z <- bias + c(-1, 1) * qnorm((1 + level) / 2)
    quantile(drawn, pnorm(bias + z / (1 - acceleration * z)), names = FALSE)
}
