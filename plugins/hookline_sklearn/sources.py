"""Small real data sets that ship with scikit-learn."""

from __future__ import annotations

from typing import Any

from hookline import Dataset, Roles, Source


class BundledSource(Source):
    """A data set that comes with scikit-learn; nothing is downloaded."""

    extra = "sklearn"

    @classmethod
    def requires(cls) -> tuple[str, ...]:
        """Return the backend."""
        return ("sklearn",)

    def load(self) -> Dataset:
        """Return the rows, class labels by name where the data set names them."""
        import polars as pl
        from sklearn import datasets

        bunch: Any = getattr(datasets, f"load_{self.name}")()
        columns = {_snake(name): bunch.data[:, i] for i, name in enumerate(bunch.feature_names)}
        names = [str(name) for name in getattr(bunch, "target_names", [])]
        target = [names[code] for code in bunch.target] if names and not names[0].isdigit() else bunch.target
        return Dataset(pl.LazyFrame({**columns, "target": target}), name=self.name)

    def fingerprint(self) -> str:
        """Return the data set's name with the version that ships it."""
        from importlib.metadata import version

        return f"{self.name}-{version('scikit-learn')}"

    def roles(self) -> Roles:
        """Return the target's name."""
        return Roles(target="target")


class BreastCancerSource(BundledSource):
    """Breast Cancer Wisconsin (Diagnostic), 569 rows x 30 numbers: malignant or benign (UCI, 1995)."""

    name = "breast_cancer"


class IrisSource(BundledSource):
    """Fisher's iris, 150 rows x 4 numbers: three species (Fisher, 1936)."""

    name = "iris"


class WineSource(BundledSource):
    """Wine recognition, 178 rows x 13 numbers: three cultivars (UCI, 1991)."""

    name = "wine"


class DigitsSource(BundledSource):
    """Optical recognition of handwritten digits, 1,797 rows x 64 pixels: ten digits (UCI, 1998)."""

    name = "digits"


class DiabetesSource(BundledSource):
    """Diabetes progression after one year, 442 rows x 10 standardized numbers: a regression (Efron et al., 2004)."""

    name = "diabetes"


def _snake(name: str) -> str:
    kept = "".join(letter if letter.isalnum() else "_" for letter in str(name).lower())
    return "_".join(part for part in kept.split("_") if part)
