"""How checks are chosen, named and run, and what an author may say of them beforehand."""

from __future__ import annotations

import itertools
from pathlib import Path

import polars as pl
import pytest

from hookline import Dataset, Deployment, Package, Roles
from hookline.errors import UnknownName, UsageError
from hookline.kinds.kinds import KINDS
from hookline.testing import CheckFailed, checks_for
from hookline.testing.check import CHECKS
from hookline.testing.checks.common import CHECKS as COMMON
from kit.components import Newest, Shifting
from kit.conformance import named


class Broken(Newest):
    """Fails."""

    def deploy(self, package: Package, current: Deployment | None) -> Deployment:
        raise ZeroDivisionError("by zero")


def test_an_expected_failure_that_passes_is_an_error() -> None:
    checks = checks_for(Newest(), expected_failures={"weights_add_up": "not yet"})
    with pytest.raises(CheckFailed, match="expected to fail \\(not yet\\), but it passes"):
        next(check for check in checks if check.name == "weights_add_up")()


def test_an_expected_failure_needs_a_known_check_and_a_reason() -> None:
    with pytest.raises(UnknownName, match="did you mean 'weights_add_up'"):
        checks_for(Newest(), expected_failures={"weight_add_up": "typo"})
    with pytest.raises(UsageError, match="needs a reason"):
        checks_for(Newest(), expected_failures={"weights_add_up": " "})


def test_a_class_is_not_a_component() -> None:
    with pytest.raises(UsageError, match="not the class Newest"):
        checks_for(Newest)  # type: ignore[arg-type]


def test_a_check_says_its_name_and_promise() -> None:
    check = named(Newest(), "weights_add_up")
    assert str(check) == "weights_add_up"
    assert check.doc.startswith("The shares of traffic are between 0 and 1")


def test_every_check_states_its_promise_in_a_sentence() -> None:
    for function in itertools.chain(COMMON, *CHECKS.values()):
        assert (function.__doc__ or "").strip().partition("\n")[0].endswith("."), function.__name__


def test_an_expected_failure_may_be_any_error() -> None:
    checks = checks_for(Broken(), expected_failures={"weights_add_up": "does not deploy yet"})
    next(check for check in checks if check.name == "weights_add_up")()


def test_an_error_of_the_component_keeps_its_type_and_names_the_check() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        named(Broken(), "weights_add_up")()
    assert "in check 'weights_add_up' of deployer 'newest'" in caught.value.__notes__[0]


def test_the_authors_own_rows_are_used() -> None:
    frame = pl.LazyFrame({"income": list(range(40)), "bought": ["no", "yes"] * 20})
    for check in checks_for(Shifting(), sample=Dataset(frame, Roles(target="bought"))):
        if check.name != "import_is_light":
            check()
    with pytest.raises(UsageError, match="sample needs a target"):
        named(Shifting(), "keeps_rows", sample=Dataset(frame))()


def test_every_kind_has_checks_and_a_file_of_their_faults() -> None:
    files = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert list(CHECKS) == list(KINDS)
    assert files >= {"common", *KINDS}
