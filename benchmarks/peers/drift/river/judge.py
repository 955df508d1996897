"""Print where river's detectors, as they come, find a drift in streams of errors, a line a stream and detector."""

import json
import sys
import time
from pathlib import Path

from river.drift import ADWIN, KSWIN, PageHinkley
from river.drift.binary import DDM, EDDM, FHDDM, HDDMA, HDDMW

DETECTORS = {
    "ADWIN": ADWIN,
    "KSWIN": lambda: KSWIN(seed=0),
    "PageHinkley": lambda: PageHinkley(mode="up"),
    "DDM": DDM,
    "EDDM": EDDM,
    "FHDDM": FHDDM,
    "HDDM_A": HDDMA,
    "HDDM_W": HDDMW,
}
for stream in json.loads((Path(sys.argv[1]) / "streams.json").read_text()):
    for name, make in DETECTORS.items():
        began = time.perf_counter()
        detector, found = make(), []
        for place, wrong in enumerate(stream["errors"]):
            detector.update(bool(wrong) if name not in ("ADWIN", "KSWIN", "PageHinkley") else wrong)
            if detector.drift_detected:
                found.append(place)
        told = {"stream": stream["name"], "detector": name, "found": found, "seconds": time.perf_counter() - began}
        print(json.dumps(told), flush=True)
