"""Commands killed at any moment on three hosts that share one home, and what of all that was promised is still true."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from random import Random

import httpx

from hookline.errors import HooklineError
from hookline.live.records import records_in
from hookline.packages.manifest import verify
from hookline.packages.settling import settle
from hookline.sweeps.ledger import Ledger
from hookline.workspace.processes.owners import LEASE_SECONDS
from hookline.workspace.workspace import Workspace
from kit.hosts import LONGEST, Host, can_torture, hosts, strike

MODEL = "torture"
RUN = ("source=iris", "trainer=decision_tree", "packager=[skops]", f"name={MODEL}")
SWEEP = ("-m", "source=iris", "trainer=decision_tree", "packager=[]", "deployer=null")
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
ACTS = (("run", "promote"), ("serve", "run"), ("resume", "run"), ("sweep", "promote"))


@dataclass
class Torture:
    """One home under torture, and what was acknowledged meanwhile."""

    home: Path
    hosts: Sequence[Host]
    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    promoted: list[int] = field(default_factory=list)
    """Versions whose promotion ended with 0, in that order."""

    def act(self, what: str, seed: str) -> None:
        """Do one of `run`, `sweep`, `resume`, `serve`, `promote` on some host, and end it at some moment.

        seed: of all that is drawn for it, whatever is done beside it
        """
        dice = Random(seed)
        getattr(self, what)(dice.choice(self.hosts), dice)

    def run(self, host: Host, dice: Random) -> None:
        """Kill a run at one of its stages."""
        given = (f"trainer.max_depth={dice.randint(1, 6)}", f"seed={dice.randint(0, 3)}")
        self._ended(dice, "run", host.start(*RUN, *given), dice.randint(0, 11))

    def sweep(self, host: Host, dice: Random) -> str | None:
        """Kill a sweep of four jobs; returns its id, once it has one."""
        given = ("trainer.max_depth=1,2,3,4", f"seed={dice.randint(0, 10**6)}")
        said = self._ended(dice, "sweep", host.start(*SWEEP, *given), dice.randint(0, 5))
        found = re.search(r"^sweep (\S+):", said, re.MULTILINE)
        return found[1] if found else None

    def resume(self, host: Host, dice: Random) -> None:
        """Kill a sweep, and a resume of it, and have two others end it at once: both with 0."""
        name = self.sweep(host, dice)
        if name is None:
            return
        self._ended(dice, "resume", dice.choice(self.hosts).start("resume", name), dice.randint(0, 4))
        both = [self.hosts[0].start("resume", name), self.hosts[-1].start("resume", name, "--take-over")]
        for process in both:
            said = process.communicate(timeout=LONGEST + LEASE_SECONDS)[1]
            if process.returncode:
                self.faults.append(f"a resume ended with {process.returncode}: {said[-300:]}")

    def serve(self, host: Host, dice: Random) -> None:
        """Kill a server that answers."""
        process = host.start("serve", MODEL, "--port", "0")
        assert process.stderr is not None
        url = next((found[1] for line in process.stderr if (found := re.search(r"answers at (http\S+)", line))), None)
        if url is None:
            self.faults.append("a server did not begin")
            return
        asking = threading.Thread(target=self._ask, args=(url,))
        asking.start()
        self._ended(dice, "serve", process, longest=2.0)
        asking.join(30)

    def promote(self, host: Host, dice: Random) -> None:
        """Kill a promotion, and let one come through."""
        known = [record.version for record in self.workspace.catalog.models.versions(MODEL)]
        self._ended(dice, "promote", host.start("models", "promote", f"{MODEL}:{dice.choice(known)}"), longest=5.0)
        version = dice.choice(known)
        code, said = host.run("models", "promote", f"{MODEL}:{version}")
        if code:
            self.faults.append(f"a promotion ended with {code}: {said[-300:]}")
        else:
            self.promoted.append(version)

    @property
    def workspace(self) -> Workspace:
        """The home, as this process sees it."""
        return Workspace.open(self.home)

    def _ended(
        self, dice: Random, what: str, process: subprocess.Popen[str], lines: int = 0, longest: float = 0.6
    ) -> str:
        """End a command some time after so many lines of what it says, and return them all.

        One signal must never end in a traceback; of several, which come where the first is just being told, one may.
        """
        assert process.stderr is not None
        said = "".join(islice(process.stderr, lines))
        time.sleep(dice.uniform(0.0, longest))
        how = dice.choice(SIGNALS)
        self.kills[what] += strike(process, how)
        try:
            said += process.communicate(timeout=LONGEST)[1]
        except subprocess.TimeoutExpired:
            self.faults.append(f"{what} did not end after {how.name}")
            strike(process, signal.SIGKILL)
            said += process.communicate()[1]
        if "Traceback" in said and how != signal.SIGINT:
            self.faults.append(f"{what} after {how.name}: {said[said.index('Traceback') :][:2000]}")
        return said

    def _ask(self, url: str) -> None:
        with httpx.Client(base_url=url, timeout=20) as client:
            try:
                row = client.get("/example").json()["rows"][0]
                while True:
                    found = client.post("/predict", json={"rows": [row]})
                    if found.status_code == 200:
                        self.answered |= {one["id"] for one in found.json()["predictions"]}
            except httpx.TransportError:
                return

    def verdict(self) -> dict[str, object]:
        """Return what was done, and everything that is not as it was promised."""
        time.sleep(LEASE_SECONDS + 1)
        faults = [*self.faults, *self._of_runs(), *self._of_store(), *self._of_models(), *self._of_answers()]
        ledger = Ledger(self.workspace.catalog)
        jobs = [job for sweep in ledger.sweeps() for job in ledger.jobs(sweep.id)]
        runs = self.workspace.catalog.runs
        return {
            "killed": dict(self.kills),
            "runs": dict(Counter(run.status for run in runs.newest(runs.count()))),
            "jobs": dict(Counter(job.status for job in jobs)),
            "answers": len(self.answered),
            "promotions": len(self.promoted),
            "versions": len(self.workspace.catalog.models.versions(MODEL)),
            "faults": faults,
        }

    def _of_runs(self) -> Iterator[str]:
        """Say which runs are not as they ended, and which sweeps cannot be ended."""
        known = self.workspace.catalog.runs
        for run in known.newest(known.count()):
            whole = (Path(run.path) / "evidence.json").is_file()
            if run.status not in ("finished", "interrupted"):
                yield f"run {run.id} is {run.status}: {run.error}"
            if run.status == "finished" and not whole:
                yield f"run {run.id} is finished and left no evidence"
        for sweep in Ledger(self.workspace.catalog).sweeps():
            code, said = self.hosts[1].run("resume", sweep.id)
            if code:
                yield f"sweep {sweep.id} cannot be ended: {said[-300:]}"

    def _of_store(self) -> Iterator[str]:
        store = self.workspace.store
        for fingerprint in store.entries():
            if problem := store.problem(fingerprint):
                yield f"entry {fingerprint[:12]}: {problem}"
        left = [path for path in (store.root / "tmp").iterdir() if path.is_dir()]
        if left:
            yield f"{len(left)} temporary folders are left in the store"

    def _of_models(self) -> Iterator[str]:
        workspace = self.workspace
        for record in workspace.catalog.models.versions(MODEL):
            try:
                settle(workspace, record)
                verify(Path(record.path))
            except HooklineError as error:
                yield f"{MODEL}:{record.version}: {error}"
        history = [one.version for one in reversed(workspace.catalog.deployments.history(MODEL))]
        rest = iter(history)
        if not all(version in rest for version in self.promoted):
            yield f"promotions {self.promoted} are not all in {history}"

    def _of_answers(self) -> Iterator[str]:
        found = records_in(self.home / "predictions" / MODEL)
        kept = set() if found is None else {record["id"] for record in found.found}
        if lost := self.answered - kept:
            yield f"{len(lost)} answers are not on record"


def torture(home: Path, seconds: float, seed: int) -> dict[str, object]:
    """Do acts on three hosts for a time, two at once, and return the verdict.

    seed: what is drawn for each act, its host, signal and moment, is the same again; what meets it there may not be
    """
    until = time.monotonic() + seconds
    with hosts(home, "red", "green", "blue") as made:
        code, said = made[0].run(*RUN)
        assert code == 0, said
        whole = Torture(home, made)
        for number, pair in enumerate(cycle(ACTS)):
            if time.monotonic() > until:
                break
            both = [threading.Thread(target=whole.act, args=(what, f"{seed} {number} {what}")) for what in pair]
            for one in both:
                one.start()
            for one in both:
                one.join()
            sys.stderr.write(f"{' and '.join(pair)}: {sum(whole.kills.values())} killed, faults: {whole.faults}\n")
        return whole.verdict()


def main() -> int:
    """Torture a new home, print the figures, and return 1 where a promise was broken."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    if not can_torture():
        sys.exit("three hosts take Linux, root, and unshare of util-linux")
    os.environ["HOOKLINE_STORE_KEY"] = "one for all hosts, and for who looks"
    with tempfile.TemporaryDirectory(prefix="hookline-torture-") as folder:
        found = torture(Path(folder) / "home", given.minutes * 60, given.seed)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 1 if found["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
