"""Values and texts changed at random places, the same ones under the same seed."""

from __future__ import annotations

import copy
import os
import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0.5"))
"""How long one fuzzer runs; more makes other examples each time."""
ODD: Sequence[Any] = (
    *(None, True, False, 0, -1, 1, 3, 2**31, 2**53 + 1, 2**63, 2**127, -(2**64), 0.5, -0.0, 1e308, 5e-324),
    *(
        "",
        "a",
        "NaN",
        "Infinity",
        "../../x",
        "/etc/passwd",
        "a\nb",
        "\x1b[31m",
        "\0",
        "☃",
        "x" * 300,
        "1e999",
        "(a+)+$",
    ),
    *([], {}, [[]], [None], {"": {}}, [1, "a", None], {"a": {"b": {"c": []}}}, list(range(1_000))),
)
BYTES = b"\0\n\r\t \"'\\{}[]:,=.@/+-~$*?!#%&|<>()aZ09\xc3\xa9\xff\xe2\x98\x83"


def examples() -> Iterator[random.Random]:
    """Yield sources of chance for as long as a fuzzer runs: the seed of the one that fails is told."""
    first = 0 if "FUZZ_SECONDS" not in os.environ else time.time_ns() % 10**9
    end = time.monotonic() + SECONDS
    for seed in range(first, first + 10**9):
        try:
            yield random.Random(seed)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        if time.monotonic() > end:
            return


def mutated(rng: random.Random, value: Any) -> Any:
    """Return JSON data with one to three places changed: another value, a key or an item more, less, moved or twice."""
    value = copy.deepcopy(value)
    for _ in range(rng.randint(1, 3)):
        value = _changed(rng, value)
    return value


def _changed(rng: random.Random, value: Any) -> Any:
    holders = [value] if isinstance(value, (dict, list)) else []
    for holder in holders:
        inner = holder.values() if isinstance(holder, dict) else holder
        holders += [one for one in inner if isinstance(one, (dict, list)) and one]
    if not holders or not holders[0] or rng.random() < 0.01:
        return rng.choice(ODD)
    holder = rng.choice(holders)
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    key, other, act = rng.choice(keys), rng.choice(keys), rng.randrange(6)
    if act == 0:
        del holder[key]
    elif act == 1:
        holder[key], holder[other] = holder[other], holder[key]
    elif act == 2 and isinstance(holder, dict):
        holder[rng.choice(["", "a", "../x", "component", f"{key}x"])] = holder.pop(key)
    elif act == 3 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[other]))
    elif act == 4 and isinstance(holder[key], str):
        holder[key] = mutated_text(rng, holder[key])
    else:
        holder[key] = copy.deepcopy(rng.choice(ODD))
    return value


def mutated_bytes(rng: random.Random, content: bytes) -> bytes:
    """Return bytes with one to four places changed: a bit, a byte, a piece twice or gone."""
    found = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        place, length = rng.randrange(len(found) + 1), rng.randint(1, 8)
        act = rng.randrange(5)
        if act == 0 and place < len(found):
            found[place] ^= 1 << rng.randrange(8)
        elif act == 1:
            del found[place : place + length]
        elif act == 2:
            found[place:place] = found[place : place + length * 4]
        elif act == 3:
            found[place:place] = bytes(rng.choice(BYTES) for _ in range(length))
        else:
            found[place:place] = bytes([rng.choice(BYTES)]) * rng.choice([1, 2, 50, 5_000])
    return bytes(found)


def mutated_text(rng: random.Random, text: str) -> str:
    """Return a text changed as `mutated_bytes` does; what is no UTF-8 after that becomes a mark."""
    return mutated_bytes(rng, text.encode()).decode("utf-8", "replace")
