"""The quick composer means what Hydra means."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf

from hookline.plans.hydra.compose import CONFIG_NAME, initialized, populate
from hookline.registry.registry import load_registry
from hookline.sweeps.hydra.composer import Composer


@pytest.fixture(scope="module")
def composer() -> Iterator[Composer]:
    populate(load_registry())
    with initialized():
        loader = GlobalHydra.instance().config_loader()
        yield Composer(loader, loader.load_configuration(CONFIG_NAME, [], RunMode.MULTIRUN))


@pytest.mark.parametrize(
    "overrides",
    [
        ["trainer=random_forest", "trainer.n_estimators=7", "seed=3"],
        ["trainer.C=0.5", "trainer=logistic_regression"],
        ["transform=[dedupe,impute]", "transform.impute.number=mean"],
        ["experiment=breast_cancer", "trainer.C=2"],
        ["+gates.accuracy=0.9", "roles.ignore=[a,b]"],
        ["~deployer", "trainer=logistic_regression", "trainer.C=3"],
        ["trainer=logistic_regression", "trainer.C=1e-3", "name='a b'", "split.column=null"],
        ["hydra.job.name=other", "trainer=logistic_regression", "trainer.C=4"],
    ],
)
def test_a_job_is_composed_as_hydra_composes_it(composer: Composer, overrides: list[str]) -> None:
    ours = composer.compose(overrides)
    theirs = composer.loader.load_sweep_config(composer.master, overrides)
    assert OmegaConf.to_container(ours) == OmegaConf.to_container(theirs)


@pytest.mark.parametrize("override", ["sed=1", "split.tets=1", "trainer=nobody", "+seed=1"])
def test_what_hydra_refuses_is_refused(composer: Composer, override: str) -> None:
    with pytest.raises(HydraException) as theirs:
        composer.loader.load_sweep_config(composer.master, [override])
    with pytest.raises(type(theirs.value)) as ours:
        composer.compose([override])
    assert str(ours.value) == str(theirs.value)


def test_jobs_do_not_share_what_they_change(composer: Composer) -> None:
    first = composer.compose(["trainer=logistic_regression", "trainer.C=2"])
    second = composer.compose(["trainer=logistic_regression", "trainer.max_iter=5"])
    assert (first.trainer.C, second.trainer.C) == (2, 1.0)
