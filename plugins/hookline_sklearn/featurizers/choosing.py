"""Goes through the methods of a selection, and writes down what each decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hookline import Decision, Features, Finding, report_finding

from . import forests, scores
from .scores import Sample

if TYPE_CHECKING:
    import numpy as np

    from .select import SelectFeaturizer

RANKS = {
    "mutual_information": "mutual information with the target",
    "model_importance": "share of the forest's gain",
    "permutation_importance": "loss that shuffling it adds, as a share of a constant guess's",
    "recursive": "place in recursive elimination, as 1 / place",
}
SCORED = ("mutual_information", "model_importance", "permutation_importance")
"""Methods that have a threshold of their own."""
STABLE = 0.75
"""From here on selections on halves of the rows count as alike (Nogueira, Sechidis and Brown 2018, section 5)."""


@dataclass
class Choice:
    """What has been decided so far. left: places of the features that are still in, in order."""

    names: tuple[str, ...]
    left: list[int]
    decided: dict[int, Decision] = field(default_factory=dict)

    def settle(self, method: str, threshold: float, found: Sequence[tuple[float, bool, str]]) -> None:
        """Take score, verdict and sentence of each feature that is still in."""
        for place, (score, kept, message) in zip(self.left, found, strict=True):
            self.decided[place] = Decision(self.names[place], method, score, threshold, kept, message)
        self.left = [place for place in self.left if self.decided[place].kept]

    def all(self) -> tuple[Decision, ...]:
        """Return one decision a feature, in their order."""
        untouched = (Decision(name, "", None, None, True, "kept: no method was on") for name in self.names)
        return tuple(self.decided.get(place, one) for place, one in enumerate(untouched))


def choose(options: SelectFeaturizer, train: Features) -> tuple[Decision, ...]:
    """Return one decision of each feature of `train`, in order; where a method drops all that were left, it is the last."""
    decisions = _decided(options, train)
    if options.resamples and any(one.kept for one in decisions):
        return _with_stability(options, train, decisions)
    return decisions


def _decided(options: SelectFeaturizer, train: Features) -> tuple[Decision, ...]:
    choice = Choice(train.names, list(range(train.shape[1])))
    if options.variance is not None:
        _by_variance(choice, train, options.variance)
    most = _most(options.keep, train.shape[1])
    on = options.correlation is not None or options.shadows or any(getattr(options, one) is not None for one in SCORED)
    if not choice.left or (not on and len(choice.left) <= most):
        return choice.all()
    sample = scores.sample_of(train, choice.left, options.max_rows, options.seed)
    _go_on(choice, options, sample, most)
    return choice.all()


def _go_on(choice: Choice, options: SelectFeaturizer, sample: Sample, most: int) -> None:
    """Apply the methods that go by a sample of the rows. sample: of the features that are left."""
    columns = {place: column for column, place in enumerate(choice.left)}

    def rest() -> Sample:
        return sample.of_columns([columns[place] for place in choice.left])

    if options.correlation is not None and len(choice.left) > 1:
        _by_correlation(choice, rest(), options.correlation)
    ranks: dict[str, dict[int, float]] = {}
    for method in SCORED:
        threshold: float | None = getattr(options, method)
        if choice.left and threshold is not None:
            found = _score(method, rest(), options)
            ranks[method] = dict(zip(choice.left, found.tolist(), strict=True))
            choice.settle(method, threshold, list(_told(RANKS[method], threshold, found)))
    if options.shadows and choice.left:
        _by_shadows(choice, rest(), options)
    if len(choice.left) > most:
        by = options.rank_by
        if by not in ranks:
            ranks[by] = dict(zip(choice.left, _score(by, rest(), options).tolist(), strict=True))
        _best(choice, by, ranks[by], most)


def _by_shadows(choice: Choice, sample: Sample, options: SelectFeaturizer) -> None:
    """Drop what surely gains a forest no more than shuffled columns do."""
    rounds = options.shadow_rounds
    won = forests.rounds_won(sample, rounds, options.n_estimators, options.seed)
    said = []
    for count, verdict in zip(won.tolist(), forests.verdicts(won, rounds), strict=True):
        told = "surely" if verdict is not None else "open"
        kept = verdict is not False
        text = f"{'kept' if kept else 'dropped'}: it gains more than any shuffled column in {count} of {rounds} rounds"
        said.append((count / rounds, kept, f"{text} ({told})"))
    choice.settle("shadows", 0.5, said)


def _with_stability(
    options: SelectFeaturizer, train: Features, decisions: tuple[Decision, ...]
) -> tuple[Decision, ...]:
    """Select again on halves of the rows, and tell of each feature in how many it is kept (Meinshausen and Buehlmann 2010)."""
    import numpy as np

    rng = np.random.default_rng(options.seed)
    X: Any = train.X
    kept = np.zeros((options.resamples, len(decisions)), dtype=bool)
    for turn in range(options.resamples):
        rows = np.sort(rng.permutation(train.shape[0])[: max(2, train.shape[0] // 2)])
        parts = {name: array[rows] for name in ("y", "sample_weight") if (array := getattr(train, name)) is not None}
        half = replace(train, X=X[rows], row_ids=None, **parts)
        kept[turn] = [one.kept for one in _decided(options, half)]
    _tell_stability(kept)
    counts = kept.sum(axis=0).tolist()
    return tuple(
        replace(one, message=f"{one.message}; kept in {count} of {options.resamples} halves of the rows")
        for one, count in zip(decisions, counts, strict=True)
    )


def _tell_stability(kept: np.ndarray) -> None:
    """Tell how alike the selections are: 1 where all are the same, 0 as by lot (Nogueira, Sechidis and Brown 2018, eq. 4)."""
    rounds = len(kept)
    shares = kept.mean(axis=0)
    mean = float(shares.mean())
    if rounds < 2 or mean in (0.0, 1.0):
        return
    between = float((shares * (1 - shares)).mean()) * rounds / (rounds - 1)
    stability = 1 - between / (mean * (1 - mean))
    report_finding(
        Finding(
            subject="select",
            statistic="stability",
            value=stability,
            threshold=STABLE,
            severity="info" if stability >= STABLE else "warning",
            message=f"selections on {rounds} halves of the rows agree by {stability:.2f} (1: all the same, 0: as by lot)"
            + ("" if stability >= STABLE else "; which features are kept hangs on the rows"),
        )
    )


def _most(keep: float | None, width: int) -> int:
    """Return how many of `width` features may be kept."""
    if keep is None:
        return width
    return min(width, keep if isinstance(keep, int) else max(1, round(keep * width)))


def _by_variance(choice: Choice, train: Features, threshold: float) -> None:
    found = scores.variances(train)
    said = [
        (value, value > threshold, f"{'kept' if value > threshold else 'dropped'}: its variance is {value:.4g}")
        for value in found.tolist()
    ]
    choice.settle("variance", threshold, said)


def _by_correlation(choice: Choice, sample: Sample, threshold: float) -> None:
    """Keep features from the most telling on, but for those that correlate too much with one kept already."""
    import numpy as np

    between = np.abs(scores.correlations(sample))
    telling = scores.telling(sample)
    # Rounded, so that of two that say the same the earlier stays, whatever the last digits are.
    order = np.argsort(-telling.round(6), kind="stable").tolist()
    kept: list[int] = []
    found: dict[int, tuple[float, bool, str]] = {}
    for place in order:
        nearest = kept[int(between[place, kept].argmax())] if kept else None
        score = 0.0 if nearest is None else float(between[place, nearest])
        other = "" if nearest is None else choice.names[choice.left[nearest]]
        if nearest is not None and score >= threshold:
            text = (
                f"dropped: it correlates {score:.4g} with '{other}', which correlates as much or more with the target"
            )
            found[place] = (score, False, text)
            continue
        kept.append(place)
        near = "none more telling is left" if nearest is None else f"it correlates {score:.4g} with '{other}' at most"
        found[place] = (score, True, f"kept: {near}")
    choice.settle("correlation", threshold, [found[place] for place in range(len(choice.left))])


def _score(method: str, sample: Sample, options: SelectFeaturizer) -> np.ndarray:
    if method == "mutual_information":
        return scores.mutual_information(sample, options.seed)
    by_forests = {
        "model_importance": forests.model_importance,
        "permutation_importance": forests.permutation_importance,
        "recursive": forests.recursive_ranks,
    }
    return by_forests[method](sample, options.n_estimators, options.seed)


def _told(what: str, threshold: float, found: np.ndarray) -> Iterator[tuple[float, bool, str]]:
    for value in found.tolist():
        kept = value >= threshold
        yield value, kept, f"{'kept' if kept else 'dropped'}: its {what} is {value:.4g}"


def _best(choice: Choice, method: str, found: dict[int, float], most: int) -> None:
    """Keep the best by a rank, the earlier one of equals."""
    ranked = sorted(choice.left, key=lambda place: -found[place])
    rank = {place: number for number, place in enumerate(ranked, 1)}
    last = found[ranked[most - 1]]
    said: list[tuple[float, bool, Any]] = []
    for place in choice.left:
        kept = rank[place] <= most
        text = f"{'kept' if kept else 'dropped'}: number {rank[place]} by {RANKS[method]}, and {most} are kept"
        said.append((found[place], kept, text))
    choice.settle(method, last, said)
