"""Options of MLflow tracking."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt

from hookline import Settings


class MlflowSettings(Settings):
    """Where runs are logged; off unless `settings.mlflow.enabled=true`."""

    name = "mlflow"
    enabled: bool = False
    """Whether to log runs."""
    tracking_uri: str | None = None
    """Such as http://localhost:5000 or sqlite:///mlflow.db; null means MLFLOW_TRACKING_URI, else MLflow's own default."""
    experiment: str | None = None
    """The experiment's name; null means the run's name."""
    log_package: bool = True
    """Whether to upload the packages."""
    timeout: Annotated[float, Gt(0)] = 60.0
    """Seconds after which logging is given up; the run is kept as it is, waits in the outbox, and is sent with the next one."""
