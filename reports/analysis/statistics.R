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

welch_anova <- function(x, group) {
    found <- oneway.test(x ~ factor(group), var.equal = FALSE)
    parts <- split(x, group)
    effect <- partial_eta_squared(lengths(parts), sapply(parts, mean), sapply(parts, var))
    c(found$statistic, found$parameter, found$p.value, effect)
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
        half <- if (df < 2) NA else studentized_quantile(k, df) / sqrt(2) * error
        c(difference, difference - half, difference + half, t, df, studentized_tail(abs(t), k, df))
    }
    c(apply(combn(k, 2), 2, function(of) pair(of[1], of[2])))
}

# P(studentized range of k > sqrt(2) t). ptukey computes the lower tail and subtracts it from 1, so that nothing is left
# below about 1e-13; there stands the bound by Boole, which the value nears in the tail from below.
studentized_tail <- function(t, k, df) {
    bound <- min(1, k * (k - 1) * pt(t, df, lower.tail = FALSE))
    if (k == 2) return(bound)
    if (df < 2) return(NA)
    p <- ptukey(sqrt(2) * t, k, df, lower.tail = FALSE)
    if (p > 1e-10) p else min(bound, 1e-10)
}

# qtukey stops at an error of 1e-4.
studentized_quantile <- function(k, df) {
    if (k == 2) return(sqrt(2) * qt((1 + level) / 2, df))
    near <- qtukey(level, k, df)
    away <- function(q) ptukey(q, k, df) - level
    uniroot(away, c(0.99, 1.01) * near, extendInt = "upX", tol = 1e-11)$root
}

# difference, low, high, t, df, p
welch_t <- function(a, b) {
    found <- t.test(a, b)
    c(mean(a) - mean(b), found$conf.int, found$statistic, found$parameter, found$p.value)
}

paired_t <- function(a, b) {
    found <- t.test(a, b, paired = TRUE)
    c(mean(a - b), found$conf.int, found$statistic, found$parameter, found$p.value)
}

# Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987) 657, with Welch's degrees of freedom: low and high of the 90 %
# interval, p.
equivalence <- function(difference, error, df, margin) {
    half <- qt(level, df) * error
    p <- max(pt((difference - margin) / error, df), pt((difference + margin) / error, df, lower.tail = FALSE))
    c(difference - half, difference + half, p)
}

welch_equivalence <- function(a, b, margin) {
    found <- t.test(a, b)
    equivalence(mean(a) - mean(b), found$stderr, found$parameter, margin)
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

kruskal <- function(x, group) {
    found <- kruskal.test(x, factor(group))
    c(found$statistic, found$parameter, found$p.value)
}

# Dunn, Technometrics 6 (1964) 241, with the variance corrected for ties; p by Holm. One row a pair: difference of mean
# ranks, z, p.
dunn <- function(x, group) {
    n <- length(x)
    ties <- table(x)
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

# In how many orders of y the sum of x y is 0, 1, 2, ...; x and y are whole numbers. Column m + 1 holds the orders in
# which the first places are taken by the items whose bits are set in m.
counts_of_sums <- function(x, y) {
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
    among <- qr(cbind(1, matrix(controls, nrow = length(x))))
    left_x <- qr.resid(among, x)
    left_y <- qr.resid(among, y)
    left <- c(sum(left_x^2) / sum((x - mean(x))^2), sum(left_y^2) / sum((y - mean(y))^2))
    if (min(left) < 1e-20) return(c(NA, NA, NA, NA, left))
    c(correlation(left_x, left_y, side, among$rank - 1), left)
}

fisher_interval <- function(r, error) tanh(atanh(r) + c(-1, 1) * qnorm((1 + level) / 2) * error)

# --- effects -----------------------------------------------------------------------------------------------------

# Cliff, Ordinal methods for behavioral data analysis (1996), through placements, so that no table of all pairs is
# needed; the interval is that of Feng and Cliff, J. Mod. Appl. Stat. Methods 3 (2004) 322. delta, low, high.
cliffs_delta <- function(a, b) {
    n <- length(a)
    m <- length(b)
    sorted_a <- sort(a)
    sorted_b <- sort(b)
    below <- findInterval(a, sorted_b, left.open = TRUE)
    upto <- findInterval(a, sorted_b)
    of_a <- (below - (m - upto)) / m
    of_b <- ((n - findInterval(b, sorted_a)) - findInterval(b, sorted_a, left.open = TRUE)) / n
    delta <- mean(of_a)
    if (n < 2 || m < 2) return(c(delta, NA, NA))
    all <- n * m - sum(upto - below) - n * m * delta^2
    variance <- (m^2 * sum((of_a - delta)^2) + n^2 * sum((of_b - delta)^2) - all) / (n * m * (n - 1) * (m - 1))
    variance <- max(variance, (1 - delta^2) / (n * m - 1))
    t <- qt((1 + level) / 2, n + m - 2)
    if (abs(delta) > 1 - 1e-12) {
        least <- (min(n, m) - t^2) / (min(n, m) + t^2)
        return(c(delta, sort(c(sign(delta) * least, delta))))
    }
    half <- t * sqrt(variance) * sqrt((1 - delta^2)^2 + t^2 * variance)
    c(delta, (delta - delta^3 + c(-1, 1) * half) / (1 - delta^2 + t^2 * variance))
}

# Hedges' g: the difference in pooled standard deviations, times the exact correction for small samples (J. Educ. Stat.
# 6 (1981) 107); interval by the noncentral t. g, low, high.
hedges_g <- function(a, b) {
    n <- length(a)
    m <- length(b)
    df <- n + m - 2
    pooled <- sqrt(((n - 1) * var(a) + (m - 1) * var(b)) / df)
    unbiased <- exp(lgamma(df / 2) - lgamma((df - 1) / 2)) / sqrt(df / 2)
    d <- (mean(a) - mean(b)) / pooled
    scale <- sqrt(1 / n + 1 / m)
    c(d * unbiased, noncentral_t(d / scale, df) * scale * unbiased)
}

# The noncentralities under which t is the upper and the lower end of what could be seen; pt is exact to 37.62 only.
noncentral_t <- function(t, df) {
    end <- function(p) {
        away <- function(ncp) pt(t, df, ncp) - p
        near <- t + c(-1, 1) * 4 * sqrt(1 + t^2 / (2 * df))
        if (max(abs(near)) > 37) return(NA)
        suppressWarnings(uniroot(away, near, extendInt = "downX", tol = 1e-11))$root # pt warns where it nears 1e-12
    }
    c(end((1 + level) / 2), end((1 - level) / 2))
}

# Vangel, Am. Stat. 50 (1996) 21, for normal values: the modified interval of McKay. cv, low, high.
variation <- function(x) {
    n <- length(x)
    cv <- sd(x) / mean(x)
    ends <- qchisq(c((1 + level) / 2, (1 - level) / 2), n - 1)
    under <- ((ends + 2) / n - 1) * cv^2 + ends / (n - 1)
    c(cv, ifelse(under > 0, cv / sqrt(abs(under)), NA))
}

# --- intervals ---------------------------------------------------------------------------------------------------

t_interval <- function(x) c(t.test(x)$conf.int)

replicates <- 9999

# Efron, JASA 82 (1987) 171: ends of the bootstrap distribution, corrected for bias and acceleration. The distribution
# first (`replicates` values), then low and high.
bca <- function(x, median_wanted, seed) {
    set.seed(seed, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
    of <- if (median_wanted) median else mean
    n <- length(x)
    drawn <- vapply(seq_len(replicates), function(i) of(x[sample.int(n, n, replace = TRUE)]), 0)
    without <- if (median_wanted) medians_without(x) else (sum(x) - x) / (n - 1)
    c(bca_ends(of(x), drawn, without), drawn)
}

bca_ends <- function(value, drawn, without) {
    bias <- qnorm((mean(drawn < value) + mean(drawn <= value)) / 2)
    away <- mean(without) - without
    acceleration <- sum(away^3) / (6 * sum(away^2)^1.5)
    z <- bias + c(-1, 1) * qnorm((1 + level) / 2)
    quantile(drawn, pnorm(bias + z / (1 - acceleration * z)), names = FALSE)
}

# The median of all but each one.
medians_without <- function(x) {
    n <- length(x)
    sorted <- sort(x)
    place <- rank(x, ties.method = "first")
    low <- floor(n / 2)
    high <- ceiling(n / 2)
    at <- function(k) sorted[k + (place <= k)]
    (at(low) + at(high)) / 2
}
