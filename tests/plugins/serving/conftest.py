"""What the tests of the server share."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.serving import train_churn


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of a small model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKLINE_HOME", str(tmp_path_factory.mktemp("churn")))
        return train_churn()
