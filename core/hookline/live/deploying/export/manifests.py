"""A policy as the manifests that a cluster takes, in YAML."""

from __future__ import annotations

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


def manifests(
    model: str,
    to: To = "kserve",
    *,
    image: str = Place.image,
    storage: str = Place.storage,
    namespace: str | None = None,
    gateway: str = Place.gateway,
    home: str | Path | None = None,
) -> str:
    """Return the policy in force for a model as manifests of a cluster, YAML.

    to: `kserve`, an InferenceService; `gateway`, an HTTPRoute over services that are called as the model and its versions
    image: the container's, with hookline in it; storage: a URL above the home's folder `models`
    gateway: the Gateway that the route belongs to
    Raises UsageError for a policy that such a manifest has no words for.
    """
    if to not in get_args(To):
        raise UsageError(f"'{to}' is no sort of cluster", hint="--to kserve or --to gateway")
    workspace, place = open_workspace(home), Place(image, storage, namespace, gateway)
    policy = policy_of(workspace, model)
    made = services(workspace, policy, place) if to == "kserve" else routes(policy, place)
    return "---\n".join(map(_text, made))


def policy_of(workspace: Workspace, model: str) -> Deployment:
    """Return what is in force for a model; where no policy ever was, that the newest version answers. Raises UnknownName."""
    catalog = workspace.catalog
    name = model_named(catalog, model, "deploy export")
    found = catalog.deployments.current(name)
    return found or Deployment.single(name, catalog.models.get(name).version, "")


def _text(manifest: Manifest) -> str:
    import yaml

    remarks = "".join(f"# {line}\n" for line in manifest.remarks)
    text: str = yaml.safe_dump(manifest.content, sort_keys=False, default_flow_style=False, width=120)
    return remarks + text
