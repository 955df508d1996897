"""Patterns of contracts: what Python's engine may take for ever for is asked in linear time, or refused."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookline.data.contract.file import read_contract
from hookline.data.contract.patterns import compile_pattern
from hookline.errors import ConfigError

SAFE = (r"[A-Z]{2}\d+", r"(?i)ab?c", r"[a-z]+@[a-z]+\.[a-z]+", r"a|b|cd{2,4}", r"(?P<x>a)b(?P=x)", "")
RISKY = (r"(a+)+", r"(\w+,)*\w+", r"(a|ab)*c", r"(a*)*b", r"a+b+c+d+e+")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(SAFE + RISKY), st.text("abcdeAB1,@.\n", max_size=12))
def test_a_pattern_says_of_a_text_what_python_says(pattern: str, text: str) -> None:
    assert compile_pattern(pattern).matches(text) == (re.fullmatch(pattern, text) is not None)
    assert compile_pattern(pattern).failing([text]) == ([] if re.fullmatch(pattern, text) else [text])


@pytest.mark.parametrize("pattern", RISKY)
def test_a_pattern_that_repeats_repeats_answers_at_once(pattern: str) -> None:
    begun = time.monotonic()
    assert not compile_pattern(pattern).matches("a" * 40_000 + "!")
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("a{0,19}" * 7 + "b", "a" * 140),
        ("a?" * 26 + "a" * 26, "a" * 25),
        ("(?:a|aa)" * 30 + "b", "a" * 50),
        ("a?" * 13 + "a+" * 3 + "b", "a" * 290),
    ],
)
def test_repeats_with_an_end_and_choices_count_together(pattern: str, text: str) -> None:
    begun = time.monotonic()
    assert not compile_pattern(pattern).matches(text)
    assert time.monotonic() - begun < 0.5


def test_a_long_list_of_words_is_still_asked_of_python() -> None:
    words = [f"{first}{second}x?" for first in "ABCDEFGHIJKLMNOPQRST" for second in "abcdefghij"]
    assert compile_pattern("(?=[A-Z])(?:" + "|".join(words) + ")-?(?:x|yz)").matches("Tj-yz")


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (r"(?=x)(a+)+b", "may take time without end"),
        (r"((a{0,100}){0,100}){0,100}", "may take time without end"),
        (r"(?=a)" + "a?" * 22 + "a" * 22, "may take time without end"),
        ("(?=a)" + "a{0,19}" * 7 + "b", "may take time without end"),
        ("(?=a)" + "(?:ab?|abc?)" * 10, "may take time without end"),
        ("(", "is no regular expression"),
        ("(" * 500 + ")" * 500, "is no regular expression"),
        ("a{1,99999999999999}", "is no regular expression"),
        ("a" * 3_000, "has 3,000 characters"),
    ],
)
def test_a_pattern_that_no_engine_can_tell_in_time_is_refused_where_it_is_written(
    pattern: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        compile_pattern(pattern)
    (tmp_path / "contract.yaml").write_text(f"columns: {{code: {{pattern: '{pattern}'}}}}")
    with pytest.raises(ConfigError, match=re.escape(told)):
        read_contract(tmp_path / "contract.yaml")
