"""A model whose feature set joins what customers ordered, and the online store beside it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl

import hookline as hl

DAY = dt.datetime(2026, 1, 1)
ORDERS = "orders.csv"
ROW = {"customer": "c3", "age": 30, "at": "2026-01-09T08:00:00"}
"""A row with its key alone."""
WHOLE = {**ROW, "spent": 12.0, "orders": 3}
"""One that brings everything."""
SETS = '''
import hookline as hl

@hl.hookimpl
def register_feature_sets():
    """Return what customers ordered."""
    lately = {
        "component": "join", "right": {"component": "file", "path": "orders.csv"}, "on": ["customer"], "time": "at",
        "right_time": "ordered", "windows": {
            "spent": {"of": "amount", "figure": "sum", "over": "3d"},
            "orders": {"of": "amount", "figure": "count", "over": "3d"},
        },
    }
    mean = {"component": "ratio", "columns": {"mean_order": ["spent", "orders"]}}
    return [hl.FeatureSet(name="orders", fresh="1d", joins={"lately": lately}, definitions={"mean": mean})]
'''


def open_shop(folder: Path) -> None:
    """Write the orders and the set, and train a model, in the folder that one is in, at the home of the environment."""
    orders = [(f"c{i % 20}", DAY + dt.timedelta(hours=i), float(i % 13)) for i in range(400)]
    pl.DataFrame(orders, schema=["customer", "ordered", "amount"], orient="row").write_csv(folder / ORDERS)
    define_orders(folder, SETS, "sets_of_orders_served")
    train_shop("local")


def define_orders(folder: Path, sets: str, module: str) -> None:
    """Let the folder's set be what a module of this name and text says."""
    (folder / f"{module}.py").write_text(sets, "utf-8")
    (folder / "pyproject.toml").write_text(f'[tool.hookline]\nplugins = ["{module}"]\n', "utf-8")


def train_shop(deployer: Any) -> None:
    """Train a version with the set as it is, and deploy it."""
    rows = pl.DataFrame(
        {
            "customer": [f"c{i % 20}" for i in range(300)],
            "at": [DAY + dt.timedelta(hours=100 + i) for i in range(300)],
            "age": [20 + i % 40 for i in range(300)],
            "left": ["yes" if (i % 20 < 9) != (i % 11 == 3) else "no" for i in range(300)],
        }
    )
    hl.run(
        source=rows, target="left", roles={"group": "customer"}, features="orders", split={"method": "random"},
        trainer="decision_tree", packager=["onnx"], deployer=deployer, audit="off", name="churn", monitor=[],
    )  # fmt: skip


def store_orders() -> None:
    """Materialize the set as of a moment that is long ago."""
    hl.materialize("orders", at=DAY + dt.timedelta(hours=200))


def known_of(customer: int) -> tuple[float, int]:
    """Return what the store knows of a customer: what was spent in the last three days before its moment, in how many orders."""
    # Of the hours 3, 23, ... 183 before the moment of the store, those in its last three days.
    amounts = [float(i % 13) for i in range(400) if i % 20 == customer and 128 < i <= 200]
    return sum(amounts), len(amounts)
