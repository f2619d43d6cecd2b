"""Files of a source that are to be read and cannot be: logged once, and shown for as long as they lie there."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from headrace.config import FileSource
from headrace.errors import InfrastructureError, SourceMissing
from headrace.flows.project import Project
from headrace.io.source_folder import SourceFolder, look_into

__all__ = ["UnreadFiles", "source_folder", "unread_files"]

log = logging.getLogger("headrace.run")

_LOOK_AGAIN_SECONDS: Final = 60.0


def source_folder(project: Project, signal: str) -> SourceFolder | None:
    """What lies in the folder of a signal's source; None where it has none, or one on another machine.

    Raises SourceMissing where the folder is not there, InfrastructureError where it cannot be listed.
    """
    source = project.settings.signals[signal].source
    if not isinstance(source, FileSource):
        return None
    try:
        return look_into(source)
    except FileNotFoundError as error:
        raise SourceMissing(
            f"the source of {signal} is not there: no folder {source.path}. Make it, or correct source.path, which "
            "names one folder and is never taken for a pattern"
        ) from error
    except OSError as error:
        told = f"the source of {signal}, {source.path}, cannot be listed ({error.strerror}): change its owner or mode"
        raise InfrastructureError(told) from error


def unread_files(project: Project, signal: str) -> list[str]:
    """A line for each file that is to be read and cannot be, with what to do. Raises as ``source_folder`` does."""
    folder = source_folder(project, signal)
    return [] if folder is None else [f"{folder.path}/{name} {fault}" for name, fault in folder.unreadable.items()]


@dataclass(slots=True)
class UnreadFiles:
    """The files of some signals' sources that cannot be read, looked for now and then, and each logged once."""

    project: Project
    signals: Sequence[str]
    logged: set[str] = field(default_factory=set)
    looked: float = float("-inf")

    def look(self, now: float) -> None:
        """Look again if a minute went by. now: seconds on a clock that only goes forward."""
        if now < self.looked + _LOOK_AGAIN_SECONDS:
            return
        self.looked = now
        for signal in self.signals:
            # That a source is not there is what its query fails with.
            with suppress(InfrastructureError):
                folder = source_folder(self.project, signal)
                self._log(signal, [folder.note] if folder and folder.note else [])
                self._log(signal, unread_files(self.project, signal))

    def _log(self, signal: str, lines: Sequence[str]) -> None:
        for line in lines:
            if line not in self.logged:
                log.warning("ingest.%s leaves out: %s", signal, line)
                self.logged.add(line)
