"""How much memory this process holds, and held at most."""

from __future__ import annotations


def forget_peak() -> None:
    """Begin to measure anew, where the system allows it (Linux); elsewhere the peak is what the process holds now."""
    try:
        with open("/proc/self/clear_refs", "w") as file:  # noqa: PTH123  5 resets the peak of resident memory on Linux
            file.write("5")
    except OSError:
        return


def peak() -> int:
    """Return the most resident memory, in bytes, since `forget_peak`."""
    try:
        with open("/proc/self/status") as file:  # noqa: PTH123
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        import psutil

        return int(psutil.Process().memory_info().rss)
