"""What stands on the machine where a training was begun, for its workers: an actor, which needs no PyTorch."""

from __future__ import annotations

from pathlib import Path


class Home:
    """An actor on the machine where training was begun: hands out its files, and keeps what workers bring.

    checkpoint: the file that training goes on from; None keeps it in memory alone, for as long as this one training
    """

    def __init__(self, checkpoint: Path | None) -> None:
        self.file = checkpoint
        self.checkpoint = checkpoint.read_bytes() if checkpoint is not None and checkpoint.exists() else None
        self.learned: bytes | None = None
        self.error: bytes | None = None

    def part(self, file: Path, start: int, size: int) -> bytes:
        """Return bytes of a file of this machine."""
        with file.open("rb") as opened:
            opened.seek(start)
            return opened.read(size)

    def last(self) -> bytes | None:
        """Return the last checkpoint."""
        return self.checkpoint

    def keep(self, checkpoint: bytes) -> None:
        """Take a checkpoint in place of the last; whoever reads the file sees one of both, whole."""
        self.checkpoint = checkpoint
        if self.file is not None:
            partial = self.file.with_suffix(".partial")
            partial.write_bytes(checkpoint)
            partial.replace(self.file)

    def bring(self, learned: bytes) -> None:
        """Take what the first worker has learned."""
        self.learned = learned

    def tell(self, error: bytes) -> None:
        """Take what went wrong; what others suffer from it comes later."""
        self.error = self.error or error

    def forget(self) -> None:
        """Forget what went wrong, before another try."""
        self.error = None

    def found(self) -> tuple[bytes | None, bytes | None]:
        """Return what was learned, and what went wrong."""
        return self.learned, self.error
