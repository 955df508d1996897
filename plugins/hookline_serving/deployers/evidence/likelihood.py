"""Evidence from counts that holds however often one looks: likelihood ratios, mixed over what might be the case.

Of two arms that are alike, each request that something happened to was one arm's with the probability of its share of the
requests. How much more likely the counts are under a mixture of other probabilities is, then, a test martingale (Robbins 1970,
"Statistical methods related to the law of the iterated logarithm"), which ever exceeds 1 / risk with at most that risk (Ville
1939). The share that is put in is that of the requests there were, and not the policy's weight: so counts as they are do not
accuse an arm of the requests that heavy keys brought it. Of answers, where every request falls into one bin, that share is
the one under which the counts are likeliest, and the ratio is one of universal inference (Wasserman, Ramdas and Balakrishnan
2020, PNAS 117:16880), valid whatever the true share.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

RATIOS = (1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, math.inf)
"""How many times as often something may happen in the new arm as in the live one: what is mixed over, in equal parts."""
PSEUDO = 10.0
"""How many answers of the new arm a bin's prior is worth: differences of about a third are looked for first."""


def log_excess(new: float, live: float, share: float) -> float:
    """Return the log of the evidence that something happens more often in the new arm.

    new, live: how often it happened in each; share: of all requests, those of the new arm, between 0 and 1
    """
    terms = []
    for ratio in RATIOS:
        if math.isinf(ratio):
            terms.append(-math.inf if live else -new * math.log(share))
        else:
            terms.append(new * math.log(ratio) - (new + live) * math.log(1 + share * (ratio - 1)))
    return log_mean(terms)


def log_unlike(counts: Iterable[tuple[float, float]]) -> float:
    """Return the log of the evidence that two distributions over the same bins differ.

    counts: of each bin, those of the new arm and of the live one
    """
    pairs = [pair for pair in counts if sum(pair)]
    new, live = (sum(side) for side in zip(*pairs, strict=True)) if pairs else (0.0, 0.0)
    if not new or not live:
        return 0.0
    share = new / (new + live)
    prior = (PSEUDO, PSEUDO * (1 - share) / share)
    mixed = sum(_log_beta(prior[0] + one, prior[1] + other) - _log_beta(*prior) for one, other in pairs)
    return mixed - new * math.log(share) - live * math.log(1 - share)


def log_other_shares(counts: Sequence[float], weights: Sequence[float]) -> float:
    """Return the log of the evidence that requests do not fall to arms by their weights.

    A Dirichlet-multinomial Bayes factor (Lindon and Malek 2022, "Anytime-valid inference for multinomial count data"), its
    prior worth 100 requests around the weights.
    """
    whole = sum(weights)
    shares = [weight / whole for weight in weights]
    prior = [100 * share for share in shares]
    mixed = math.lgamma(sum(prior)) - math.lgamma(sum(prior) + sum(counts))
    mixed += sum(math.lgamma(a + n) - math.lgamma(a) for a, n in zip(prior, counts, strict=True))
    return mixed - sum(n * math.log(share) for n, share in zip(counts, shares, strict=True))


def log_mean(terms: Sequence[float]) -> float:
    """Return the log of the mean of numbers of which the logs are given."""
    most = max(terms)
    if math.isinf(most):
        return most
    return most + math.log(sum(math.exp(term - most) for term in terms) / len(terms))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
