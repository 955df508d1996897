"""Policies as a cluster's manifests, held against what the published definitions say of the fields that are written.

The schemas below say, in JSON Schema and for these fields alone, what two custom resource definitions say: version v1 in
`config/crd/standard/gateway.networking.k8s.io_httproutes.yaml` of kubernetes-sigs/gateway-api, and version v1beta1 in
`config/crd/full/serving.kserve.io_inferenceservices.yaml` of kserve/kserve.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import hookline as hl
from hookline.errors import UnknownName, UsageError
from hookline.live.deploying.export.manifests import To
from hookline.live.deploying.export.place import dns_name, shares_in
from hookline.workspace.workspace import Workspace, open_workspace


def closed(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def listed(items: Any, most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": most}


def whole(low: int, high: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high}


TEXT = {"type": "string"}
NAME = {"type": "string", "minLength": 1, "maxLength": 63, "pattern": r"^[a-z]([-a-z0-9]*[a-z0-9])?$"}
TEXTS = {"type": "object", "additionalProperties": TEXT}
METADATA = closed(("name",), name=NAME, namespace=NAME, labels=TEXTS, annotations=TEXTS)
BACKEND = closed(("name", "port"), name=NAME, port=whole(1, 65535))
MIRROR = closed(
    ("backendRef",),
    backendRef=BACKEND,
    percent=whole(0, 100),
    fraction=closed(("numerator",), numerator=whole(0, 2**31 - 1), denominator=whole(1, 2**31 - 1)),
)
RULE = closed(
    ("backendRefs",),
    matches=listed(closed((), path=closed((), type={"enum": ["Exact", "PathPrefix"]}, value=TEXT)), 64),
    filters=listed(closed(("type",), type={"const": "RequestMirror"}, requestMirror=MIRROR), 16),
    backendRefs=listed(closed(("name",), name=NAME, port=whole(1, 65535), weight=whole(0, 1_000_000)), 16),
)
ROUTE = closed(
    ("apiVersion", "kind", "metadata", "spec"),
    apiVersion={"const": "gateway.networking.k8s.io/v1"},
    kind={"const": "HTTPRoute"},
    metadata=METADATA,
    spec=closed((), parentRefs=listed(closed(("name",), name=NAME), 32), rules=listed(RULE, 16)),
)
CONTAINER = closed(
    ("name",),
    name=NAME,
    image=TEXT,
    command={"type": "array", "items": TEXT},
    env={"type": "array", "items": closed(("name",), name=TEXT, value=TEXT)},
    ports={
        "type": "array",
        "items": closed(("containerPort",), name=NAME, containerPort=whole(1, 65535), protocol=TEXT),
    },
    readinessProbe=closed((), httpGet=closed(("port",), path=TEXT, port=whole(1, 65535))),
)
SERVICE = closed(
    ("apiVersion", "kind", "metadata", "spec"),
    apiVersion={"const": "serving.kserve.io/v1beta1"},
    kind={"const": "InferenceService"},
    metadata=METADATA,
    spec=closed(
        ("predictor",),
        predictor=closed((), canaryTrafficPercent=whole(0, 100), containers={"type": "array", "items": CONTAINER}),
    ),
)


@pytest.fixture
def workspace() -> Workspace:
    """Three versions of a model whose packages nobody reads."""
    made = open_workspace()
    for version in (1, 2, 3):
        path = made.home / "models" / "Shop_2" / f"v{version}"
        made.catalog.models.register("Shop_2", f"run-{version}", str(path), "onnx", {}, f"f{version}")
    return made


def record(workspace: Workspace, *routes: hl.Route, key: str | None = None) -> None:
    policy = hl.Deployment("Shop_2", routes[0].version, routes, "rollout", key=key)
    workspace.catalog.deployments.record(policy, "for a cluster")


def read(text: str, schema: dict[str, Any]) -> list[Any]:
    found = list(yaml.safe_load_all(text))
    for one in found:
        jsonschema.validate(one, schema)
    return found


def test_a_version_alone_is_an_inference_service_that_serves_its_package(workspace: Workspace) -> None:
    record(workspace, hl.Route(2, 1.0))
    (service,) = read(hl.manifests("Shop_2", namespace="ml", storage="s3://bucket/place/"), SERVICE)
    predictor = service["spec"]["predictor"]
    assert "canaryTrafficPercent" not in predictor
    (container,) = predictor["containers"]
    assert container["env"] == [{"name": "STORAGE_URI", "value": "s3://bucket/place/models/Shop_2/v2"}]
    assert container["command"][:3] == ["hookline", "serve", "/mnt/models"]
    assert (service["metadata"]["name"], service["metadata"]["namespace"]) == ("shop-2", "ml")


def test_a_canary_is_the_version_in_charge_and_then_the_new_one_with_its_percent(workspace: Workspace) -> None:
    record(workspace, hl.Route(1, 0.95), hl.Route(3, 0.05, arm="canary"))
    text = hl.manifests("Shop_2")
    old, new = read(text, SERVICE)
    assert "canaryTrafficPercent" not in old["spec"]["predictor"]
    assert new["spec"]["predictor"]["canaryTrafficPercent"] == 5
    assert new["spec"]["predictor"]["containers"][0]["env"][0]["value"].endswith("/v3")
    assert old["metadata"] == new["metadata"]
    assert "# Apply this first, and wait until it is ready: v1 is in charge." in text


@pytest.mark.parametrize(
    "routes",
    [
        (hl.Route(1, 1.0), hl.Route(2, 1.0, shadow=True, arm="shadow")),
        (hl.Route(1, 0.4, arm="A"), hl.Route(2, 0.3, arm="B"), hl.Route(3, 0.3, arm="C")),
    ],
)
def test_what_an_inference_service_has_no_words_for_is_refused(
    workspace: Workspace, routes: tuple[hl.Route, ...]
) -> None:
    record(workspace, *routes)
    with pytest.raises(UsageError, match="an InferenceService has no words for") as error:
        hl.manifests("Shop_2", "kserve")
    assert error.value.hint == "hookline deploy export Shop_2 --to gateway"
    assert len(read(hl.manifests("Shop_2", "gateway"), ROUTE)) == 1


def test_arms_are_weights_of_services_that_add_up(workspace: Workspace) -> None:
    record(workspace, hl.Route(1, 1 / 3, arm="A"), hl.Route(2, 1 / 3, arm="B"), hl.Route(3, 1 / 3, arm="C"), key="user")
    text = hl.manifests("Shop_2", "gateway", gateway="edge")
    (route,) = read(text, ROUTE)
    (rule,) = route["spec"]["rules"]
    assert [backend["name"] for backend in rule["backendRefs"]] == ["shop-2-v1", "shop-2-v2", "shop-2-v3"]
    assert sum(backend["weight"] for backend in rule["backendRefs"]) == 1000
    assert route["spec"]["parentRefs"] == [{"name": "edge"}]
    assert "that rows of one user stay together is lost" in text


@pytest.mark.parametrize(
    ("weight", "part"),
    [(1.0, {}), (0.25, {"percent": 25}), (0.005, {"fraction": {"numerator": 5, "denominator": 1000}})],
)
def test_a_shadow_is_a_mirror_of_its_share(workspace: Workspace, weight: float, part: dict[str, Any]) -> None:
    record(workspace, hl.Route(1, 1.0), hl.Route(2, weight, shadow=True, arm="shadow"))
    (route,) = read(hl.manifests("Shop_2", "gateway"), ROUTE)
    (rule,) = route["spec"]["rules"]
    (mirror,) = rule["filters"]
    assert mirror["requestMirror"] == {"backendRef": {"name": "shop-2-v2", "port": 8080}, **part}
    assert rule["backendRefs"] == [{"name": "shop-2-v1", "port": 8080, "weight": 1000}]


def test_a_model_that_was_never_deployed_is_its_newest_version(workspace: Workspace) -> None:
    (service,) = read(hl.manifests("Shop_2"), SERVICE)
    assert service["spec"]["predictor"]["containers"][0]["env"][0]["value"].endswith("/v3")
    with pytest.raises(UnknownName, match="no model named 'shop'"):
        hl.manifests("shop")
    with pytest.raises(UsageError, match="'nomad' is no sort of cluster"):
        hl.manifests("Shop_2", "nomad")  # type: ignore[arg-type]


def test_shares_become_whole_numbers_and_none_is_lost() -> None:
    assert shares_in([0.95, 0.05], 100) == [95, 5]
    assert shares_in([1 / 3, 1 / 3, 1 / 3], 100) == [34, 33, 33]
    assert shares_in([0.9999, 0.0001], 100) == [99, 1]


@pytest.mark.parametrize(("model", "name"), [("churn", "churn"), ("Shop_2.eu", "shop-2-eu"), ("2nd", "model-2nd")])
def test_names_are_as_a_cluster_takes_them(model: str, name: str) -> None:
    assert dns_name(model) == name


def test_manifests_are_written_to_a_file(workspace: Workspace, tmp_path: Path, hookline: Any) -> None:
    record(workspace, hl.Route(2, 1.0))
    path = tmp_path / "service.yaml"
    code, out, err = hookline("deploy", "export", "Shop_2", "--to", "kserve", "--output", str(path))
    assert (code, out) == (0, "")
    assert str(path) in err
    assert len(read(path.read_text(), SERVICE)) == 1
    code, out, _ = hookline("deploy", "export", "Shop_2", "--to", "gateway")
    assert code == 0
    assert len(read(out, ROUTE)) == 1


@pytest.mark.parametrize(
    ("to", "said", "words", "hint"),
    [
        ("kserve", {"gateway": "edge"}, "--to kserve has no use for --gateway", "--to gateway"),
        ("gateway", {"image": "a:1", "storage": "s3://b"}, "no use for --image and --storage", "--to kserve"),
    ],
)
def test_what_a_manifest_has_no_use_for_is_refused(
    workspace: Workspace, to: To, said: dict[str, str], words: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=words) as error:
        hl.manifests("Shop_2", to, **said)
    assert error.value.hint == f"leave that out, or write {hint}"


def test_a_file_may_be_called_as_a_field_of_the_deployer_is(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hookline: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert hookline("deploy", "export", "Shop_2", "--to", "kserve", "--output", "deployer.yaml")[0] == 0
    assert len(read(Path("deployer.yaml").read_text(), SERVICE)) == 1
