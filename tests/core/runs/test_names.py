"""What names mean: of versions that nobody has, no other is taken."""

from __future__ import annotations

import pytest

import hookline as hl
from hookline.errors import UnknownName
from hookline.runs.names import find, split_model_name

QUICK = ("source=iris", "trainer=decision_tree", "packager=[skops]", "name=flowers")


@pytest.mark.parametrize("name", ["flowers:0", "flowers:7", "flowers:²", "flowers@", "flowers@nobody"])
def test_a_version_that_is_not_there_is_not_the_champion(name: str) -> None:
    hl.run(*QUICK)
    assert find("flowers").version == 1
    with pytest.raises(UnknownName):
        find(name)


def test_only_decimal_digits_are_a_version() -> None:
    assert split_model_name("m:12") == ("m", 12, None)
    assert split_model_name("m:²") == ("m:²", None, None)
    digits = "m:" + 5000 * "9"
    assert split_model_name(digits) == (digits, None, None)
