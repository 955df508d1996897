"""A policy as the manifests that a cluster takes, in YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from hookline.errors import UsageError
from hookline.kinds.deployments import Deployment
from hookline.workspace.workspace import Workspace, open_workspace

from ..naming import model_named
from .gateway import routes
from .kserve import services
from .place import Manifest, Place

To = Literal["kserve", "gateway"]
USED: Mapping[To, Sequence[str]] = {"kserve": ("image", "storage"), "gateway": ("gateway",)}
"""What may be said for each alone."""


def manifests(
    model: str,
    to: To = "kserve",
    *,
    image: str | None = None,
    storage: str | None = None,
    namespace: str | None = None,
    gateway: str | None = None,
    home: str | Path | None = None,
) -> str:
    """Return the policy in force for a model as manifests of a cluster, YAML.

    to: `kserve`, an InferenceService; `gateway`, an HTTPRoute over services that are called as the model and its versions
    image: the container's, with hookline in it; storage: a URL above the home's folder `models`; both of `kserve`
    gateway: the Gateway that the route belongs to, of `gateway`
    Raises UsageError for a policy that such a manifest has no words for, and for what is said that it has no use for.
    """
    if to not in get_args(To):
        raise UsageError(f"'{to}' is no sort of cluster", hint="--to kserve or --to gateway")
    said = {"image": image, "storage": storage, "gateway": gateway}
    given = {name: value for name, value in said.items() if value is not None}
    _require_used(given, to)
    workspace, place = open_workspace(home), Place(namespace=namespace, **given)
    policy = policy_of(workspace, model)
    made = services(workspace, policy, place) if to == "kserve" else routes(policy, place)
    return "---\n".join(map(_text, made))


def policy_of(workspace: Workspace, model: str) -> Deployment:
    """Return what is in force for a model; where no policy ever was, that the newest version answers. Raises UnknownName."""
    catalog = workspace.catalog
    name = model_named(catalog, model, "deploy export")
    found = catalog.deployments.current(name)
    return found or Deployment.single(name, catalog.models.get(name).version, "")


def _require_used(given: Iterable[str], to: To) -> None:
    if vain := [name for name in given if name not in USED[to]]:
        other = next(one for one in USED if vain[0] in USED[one])
        raise UsageError(
            f"--to {to} has no use for {' and '.join(f'--{name}' for name in vain)}",
            hint=f"leave that out, or write --to {other}",
        )


def _text(manifest: Manifest) -> str:
    import yaml

    remarks = "".join(f"# {line}\n" for line in manifest.remarks)
    text: str = yaml.safe_dump(manifest.content, sort_keys=False, default_flow_style=False, width=120)
    return remarks + text
