"""Ray clusters of two nodes, each of processes of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from ray.cluster_utils import Cluster

OBJECTS = 2**27


@contextmanager
def two_nodes(cores: int = 1, unseen: Path | None = None) -> Iterator[str]:
    """Run a cluster until the block ends, and give its address.

    cores: of each node
    unseen: a folder that is empty for the second node, as on a machine that shares no disk; where `can_hide`
    """
    folder = Path(tempfile.mkdtemp(prefix="hl-", dir="/tmp"))
    (folder / "ray").mkdir()
    told: dict[str, Any] = {"num_cpus": cores, "object_store_memory": OBJECTS}
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        patch.setenv("RAY_TMPDIR", str(folder))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = Cluster(initialize_head=True, head_node_args=told | {"include_dashboard": False})
        stack.callback(cluster.shutdown)
        if unseen is None:
            cluster.add_node(**told)
            cluster.wait_for_nodes()
        else:
            _add_blind(str(cluster.address), cores, unseen, stack)
        yield str(cluster.address)


def can_hide() -> bool:
    """Tell whether a folder can be hidden from a process."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("unshare") is not None


def _add_blind(address: str, cores: int, unseen: Path, stack: ExitStack) -> None:
    start = f"{sys.executable} -m ray.scripts.scripts start --block --address={address} --num-cpus={cores}"
    script = f"mount -t tmpfs none '{unseen}' && exec {start} --object-store-memory={OBJECTS}"
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script]
    node = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(node.wait)
    stack.callback(node.kill)
