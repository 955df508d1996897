"""The script of table W as a Hydra application, as people sweep scripts; runs what it always runs, with another C."""

from __future__ import annotations

import runpy
import sys
from dataclasses import dataclass
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig

SCRIPT = str(Path(__file__).with_name("w_script.py"))


@dataclass
class Settings:
    path: str
    C: float = 1.0


ConfigStore.instance().store(name="w", node=Settings)


@hydra.main(version_base="1.3", config_path=None, config_name="w")
def main(config: Settings) -> None:
    out = Path(HydraConfig.get().runtime.output_dir) / "model.joblib"
    sys.argv = [SCRIPT, config.path, str(out), str(config.C)]
    runpy.run_path(SCRIPT, run_name="__main__")


if __name__ == "__main__":
    main()
