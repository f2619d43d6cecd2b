"""What the jars must be: an Ivy file and the digest of every jar it resolves to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from headrace.errors import InfrastructureError
from headrace.io.file_lock import lock_file

__all__ = ["Lock", "exclusive"]


@dataclass(frozen=True, slots=True)
class Lock:
    """One version of the jar set. ``digests`` maps ``<conf>/<file>.jar`` to its SHA-256."""

    ivy: bytes
    digests: Mapping[str, str]
    settings: Path | None
    origin: str

    @classmethod
    def read(cls, conf_dir: Path | None) -> Lock:
        """The user's own files in ``conf_dir/jars`` if ``ivy.xml`` is there, else those of the package.

        Raises InfrastructureError when an ``ivy.xml`` stands there without its ``digests.sha256``.
        """
        own = conf_dir / "jars" if conf_dir else None
        packaged = resources.files("headrace.io.jars")
        folder: Traversable = own if own and (own / "ivy.xml").is_file() else packaged
        settings = own / "ivysettings.xml" if own else None
        digests = folder / "digests.sha256"
        if not digests.is_file():
            raise InfrastructureError(
                f"{digests} is missing beside ivy.xml. Make an empty one: the next run prints the lines it needs."
            )
        return cls(
            ivy=(folder / "ivy.xml").read_bytes(),
            digests=_parse(digests.read_text(encoding="utf-8"), str(digests)),
            settings=settings if settings and settings.is_file() else None,
            origin=str(digests),
        )

    @property
    def name(self) -> str:
        """A folder name that changes whenever the Ivy file does."""
        return hashlib.sha256(self.ivy).hexdigest()[:16]

    def count(self, conf: str) -> int:
        """How many jars of a configuration are locked."""
        return len(self._of(conf))

    def differences(self, conf: str, found: Mapping[str, str]) -> list[str]:
        """What is wrong with the jars ``found`` (name to digest), a line each: missing, not listed, or altered."""
        locked = self._of(conf)
        lines = [f"  {jar}: missing" for jar in sorted(locked.keys() - found.keys())]
        for jar, got in sorted(found.items()):
            expected = locked.get(jar)
            if expected is None:
                lines.append(f"  {jar}: not listed; if you trust it, add the line: {got}  {conf}/{jar}")
            elif got != expected:
                lines.append(f"  {jar}: expected {expected}, got {got}")
        return lines

    def _of(self, conf: str) -> dict[str, str]:
        prefix = f"{conf}/"
        return {path.removeprefix(prefix): digest for path, digest in self.digests.items() if path.startswith(prefix)}


def _parse(text: str, origin: str) -> dict[str, str]:
    digests: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        digest, _, path = line.partition("  ")
        if len(digest) != 64 or not path:
            raise InfrastructureError(f"{origin}:{number}: write `<sha256>  <configuration>/<file>.jar`")
        digests[path] = digest
    return digests


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock on a file; others wait. The kernel gives it back when its holder dies, however it dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        lock_file(file)
        yield
