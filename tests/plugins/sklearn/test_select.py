"""The `select` featurizer: what it drops, what it says of it, and that every form of it answers alike."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import sparse

import hookline as hl
from hookline import Feature, Features, Selects, Target
from hookline.errors import DataError
from hookline.kinds.fitting import findings_in
from hookline.kinds.plain import from_json, to_json
from hookline_sklearn import SelectFeaturizer
from hookline_sklearn.featurizers.select import FittedSelect

NAMES = ("signal", "constant", "twin", "noise", "weak")
TARGETS = {
    "binary": Target("y", "binary", ("no", "yes")),
    "multiclass": Target("y", "multiclass", ("a", "b", "c")),
    "regression": Target("y", "regression"),
}


def planted(task: str = "binary", rows: int = 600, seed: int = 0, **over: Any) -> Features:
    """Return a signal, a constant, a blurred copy of the signal, noise and a weak signal."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=rows)
    weak = rng.normal(size=rows)
    twin = signal + rng.normal(0, 0.08, rows)
    X = np.column_stack([signal, np.full(rows, 3.0), twin, rng.normal(size=rows), weak]).astype(np.float32)
    score = signal + 0.5 * weak + rng.normal(0, 0.1, rows)
    y = {"binary": (score > 0).astype(int), "multiclass": np.digitize(score, [-0.7, 0.7]), "regression": score}[task]
    features = tuple(Feature(name, "float32", (name,), name, "7") for name in NAMES)
    values: dict[str, Any] = {"X": X, "y": y, "features": features, "target": TARGETS[task]}
    return Features(**(values | over))


def decided(fitted: FittedSelect) -> dict[str, tuple[str, bool]]:
    return {one.feature: (one.method, one.kept) for one in fitted.decisions}


@pytest.mark.parametrize("task", TARGETS)
@pytest.mark.parametrize(
    "last",
    [
        {"mutual_information": 0.03},
        {"model_importance": 0.1},
        {"keep": 2},
        {"keep": 0.4, "rank_by": "mutual_information"},
        {"permutation_importance": 0.02},
        {"shadows": True, "n_estimators": 20},
        {"keep": 2, "rank_by": "permutation_importance"},
        {"keep": 2, "rank_by": "recursive", "n_estimators": 20},
    ],
)
def test_planted_columns_are_found_out_by_the_method_that_is_for_them(task: str, last: Any) -> None:
    fitted = SelectFeaturizer(correlation=0.98, **last).fit(planted(task))
    found = decided(fitted)
    assert fitted.names == ("signal", "weak")
    assert found["constant"] == ("variance", False)
    assert found["twin"] == ("correlation", False)
    assert found["noise"] == (last.get("rank_by", "model_importance") if "keep" in last else next(iter(last)), False)


@pytest.mark.parametrize("task", TARGETS)
def test_of_two_that_say_the_same_the_one_that_tells_more_stays(task: str) -> None:
    train = planted(task)
    turned = replace(train, X=np.asarray(train.X)[:, [2, 1, 0, 3, 4]])
    assert "twin" in SelectFeaturizer(correlation=0.98).fit(turned).names
    assert "signal" not in SelectFeaturizer(correlation=0.98).fit(turned).names


def test_of_exact_copies_the_earlier_stays() -> None:
    train = planted()
    X = np.asarray(train.X).copy()
    X[:, 4] = -2 * X[:, 3]
    fitted = SelectFeaturizer(correlation=0.98).fit(replace(train, X=X))
    assert fitted.names == ("signal", "noise")
    gone = next(one for one in fitted.decisions if one.feature == "weak")
    assert gone.score == pytest.approx(1.0)
    assert "'noise'" in gone.message


def test_defaults_drop_constant_columns_and_repeats_only() -> None:
    train = planted()
    X = np.asarray(train.X).copy()
    X[:, 2] = X[:, 0]
    assert SelectFeaturizer().fit(replace(train, X=X)).names == ("signal", "noise", "weak")


def test_every_feature_has_one_decision_with_its_number_and_a_sentence() -> None:
    train = planted()
    fitted = SelectFeaturizer(model_importance=0.06, correlation=None).fit(train)
    assert isinstance(fitted, Selects)
    assert tuple(one.feature for one in fitted.decisions) == NAMES
    for one in fitted.decisions:
        assert one.score is not None
        assert one.threshold == {"variance": 0.0, "model_importance": 0.06}[one.method]
        assert one.kept == (one.score > one.threshold if one.method == "variance" else one.score >= one.threshold)
        assert one.message.startswith("kept: " if one.kept else "dropped: ")


def test_kept_features_are_the_ones_of_before() -> None:
    train = planted()
    fitted = SelectFeaturizer(correlation=0.98).fit(train)
    assert fitted.features == tuple(feature for feature in train.features if feature.name in fitted.names)


@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_columns_are_sliced_as_they_are(layout: str) -> None:
    train = planted()
    X: Any = train.X
    given = replace(train, X=sparse.csr_matrix(X) if layout == "sparse" else X)
    fitted = SelectFeaturizer(correlation=0.98).fit(given)
    assert fitted.names == ("signal", "noise", "weak")
    made: Any = fitted.transform(given)
    assert made.X.dtype == np.float32
    assert made.X.format == "csr" if layout == "sparse" else made.X.flags.c_contiguous
    np.testing.assert_array_equal(made.dense(), X[:, [0, 3, 4]])
    assert made.names == fitted.names


def test_nothing_is_copied_where_all_are_kept() -> None:
    train = planted()
    fitted = SelectFeaturizer(variance=None, correlation=None).fit(train)
    assert fitted.transform(train).X is train.X


def test_another_matrix_is_refused() -> None:
    train = planted()
    fitted = SelectFeaturizer().fit(train)
    with pytest.raises(DataError, match="has 4 columns, and the selection was made among 5"):
        fitted.transform(replace(train, X=np.asarray(train.X)[:, :4]))


def test_its_state_survives_json() -> None:
    train = planted()
    fitted = SelectFeaturizer(correlation=0.98, mutual_information=0.03).fit(train)
    restored = from_json(FittedSelect, json.loads(json.dumps(to_json(fitted))))
    assert restored == fitted
    np.testing.assert_array_equal(restored.transform(train).dense(), fitted.transform(train).dense())


ALL_ON = SelectFeaturizer(correlation=0.98, mutual_information=0.01, model_importance=0.01, keep=3)


@pytest.mark.parametrize("task", TARGETS)
def test_rows_of_weight_zero_change_nothing(task: str) -> None:
    train = planted(task)
    rng = np.random.default_rng(5)
    weight = rng.random(600) + 0.1
    X, y = np.asarray(train.X), np.asarray(train.y)
    strange = rng.normal(size=(200, 5)).astype(np.float32) * 9
    both = replace(
        train,
        X=np.concatenate([strange, X]),
        y=np.concatenate([y[:200], y]),
        sample_weight=np.concatenate([np.zeros(200), weight]),
    )
    for options in (ALL_ON, replace(ALL_ON, max_rows=300)):
        assert options.fit(both) == options.fit(replace(train, sample_weight=weight))


def test_weights_count_where_the_method_can() -> None:
    train = planted(rows=1_000)
    half = np.repeat([1.0, 0.05], 500)
    X = np.asarray(train.X).copy()
    X[500:, 2] = -X[500:, 2]  # The twin says the contrary in rows of little weight.
    changed = replace(train, X=X)
    assert "twin" in SelectFeaturizer(correlation=0.7).fit(changed).names
    assert "twin" not in SelectFeaturizer(correlation=0.7).fit(replace(changed, sample_weight=half)).names


def test_sparse_columns_that_hold_one_value_everywhere_are_constant() -> None:
    train = planted()
    thin = replace(train, X=sparse.csr_matrix(train.X))
    weight = np.random.default_rng(1).random(600)
    assert decided(SelectFeaturizer().fit(replace(thin, sample_weight=weight)))["constant"] == ("variance", False)
    dense, other = SelectFeaturizer().fit(train), SelectFeaturizer().fit(thin)
    assert [one.kept for one in dense.decisions] == [one.kept for one in other.decisions]
    np.testing.assert_allclose(
        [one.score for one in dense.decisions], [one.score for one in other.decisions], rtol=1e-6
    )


def test_missing_values_are_borne() -> None:
    train = planted()
    X = np.asarray(train.X).copy()
    X[::7, 0] = np.nan
    X[:, 1] = np.nan
    fitted = SelectFeaturizer(variance=None, correlation=0.9, mutual_information=0.02, model_importance=0.001).fit(
        replace(train, X=X)
    )
    assert "constant" not in fitted.names
    assert "weak" in fitted.names


@pytest.mark.parametrize("task", TARGETS)
def test_scaled_codes_share_as_much_information_as_the_codes_themselves(task: str) -> None:
    train = planted(task)
    X = np.asarray(train.X).copy()
    X[:, 0] = np.digitize(X[:, 0], [-1, 0, 1])
    scaled = X.copy()
    scaled[:, 0] = (X[:, 0] - 1.3) / 0.7
    options = SelectFeaturizer(correlation=None, mutual_information=0.001)
    plain, other = (options.fit(replace(train, X=given)).decisions[0] for given in (X, scaled))
    assert plain.score is not None
    assert plain.score > 0.1
    assert other.score == pytest.approx(plain.score)


def test_dropping_everything_is_an_error_that_names_the_field() -> None:
    with pytest.raises(DataError, match="would keep none of 5 features") as caught:
        SelectFeaturizer(mutual_information=5.0).fit(planted())
    assert "featurizer.select.mutual_information" in str(caught.value.hint)
    X = np.ones((600, 5), dtype=np.float32)
    with pytest.raises(DataError, match="would keep none of 5 features"):
        SelectFeaturizer().fit(replace(planted(), X=X))


def test_a_feature_that_only_trees_learn_by_heart_costs_nothing_when_it_is_shuffled() -> None:
    # Impurity takes a number of which every row has its own for telling; held-out rows do not.
    train = planted(rows=300)
    noisy = SelectFeaturizer(correlation=None, permutation_importance=-1.0, n_estimators=30).fit(train)
    scores = {one.feature: one.score for one in noisy.decisions}
    assert scores["noise"] is not None
    assert scores["signal"] is not None
    assert abs(scores["noise"]) < 0.05 < scores["signal"]


def test_shadows_tell_in_how_many_rounds_a_feature_won() -> None:
    fitted = SelectFeaturizer(shadows=True, n_estimators=20).fit(planted())
    told = {one.feature: one for one in fitted.decisions}
    assert told["signal"].message == "kept: it gains more than any shuffled column in 20 of 20 rounds (surely)"
    assert told["noise"].message.startswith("dropped: it gains more than any shuffled column in ")
    assert told["noise"].message.endswith(" of 20 rounds (surely)")


def test_selection_on_halves_of_the_rows_tells_how_stable_it_is() -> None:
    found: list[Any] = []
    with findings_in(found):
        fitted = SelectFeaturizer(keep=2, rank_by="mutual_information", resamples=4).fit(planted())
    told = {one.feature: one.message for one in fitted.decisions}
    assert told["signal"].endswith("; kept in 4 of 4 halves of the rows")
    assert told["constant"].endswith("; kept in 0 of 4 halves of the rows")
    (stability,) = found
    assert (stability.statistic, stability.severity) == ("stability", "info")
    assert stability.value == pytest.approx(1.0)


def table(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    return pl.DataFrame(
        {
            "x": x,
            "twin": x * 3,
            "constant": np.full(rows, 2.0),
            "city": rng.choice(["Oslo", "Lima", "Pune"], rows),
            "noise": rng.normal(size=rows),
            "y": np.where(x + rng.normal(0, 0.2, rows) > 0, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> hl.Run:
    return hl.run(
        "featurizer=[tabular,select]",
        "featurizer.select.keep=3",
        "packager=[onnx,skops]",
        "monitor=[]",
        source=table(400, 0),
        target="y",
        home=tmp_path_factory.mktemp("home"),
    )


def test_packages_answer_as_the_pipeline_does_on_fresh_rows(run: hl.Run) -> None:
    fresh = table(300, 1).drop("y")
    expected = run.predict(fresh)
    for name in ("onnx", "skops"):
        found = hl.load(run.package(name)).predict(fresh)
        assert found.values.tolist() == expected.values.tolist()
        np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)
    assert len(run.evidence["features"]) == 3


def test_a_run_tells_what_was_selected_and_shows_it(run: hl.Run) -> None:
    (told,) = run.evidence["selection"]
    found = {one["feature"]: one for one in told["decisions"]}
    assert told["stage"] == "featurizer.select"
    assert found["twin"]["method"] == "correlation"
    assert not found["constant"]["kept"]
    text = run.report.read_text()
    assert "Which features were kept" in text
    assert found["twin"]["message"].split("'")[0] in text.replace("&#39;", "'")


def test_a_run_without_a_selection_tells_of_none() -> None:
    run = hl.run(source=table(200, 0), target="y", trainer="logistic_regression", evaluator=[], monitor=[], packager=[])
    assert "selection" not in run.evidence
