"""Quality for people's eyes: samples of a signal's accepted records, judged by its contract as a suite.

The contract itself decides about every record. A sample shows that the two agree, in pages anybody can read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.config import Storage
from headrace.contracts.expectations import Expectation, suite
from headrace.contracts.model import Contract, Criticality
from headrace.io import data_docs, pages
from headrace.io.local_path import local_path

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Assessment", "Finding", "assess"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation and what came of it."""

    expectation: Expectation
    outcome: data_docs.Outcome

    @property
    def fails(self) -> bool:
        """Whether it is broken, or could not be judged, and is of severity error."""
        return not self.outcome.success and self.expectation.severity is Criticality.ERROR


@dataclass(frozen=True, slots=True)
class Assessment:
    """A sample judged: every expectation with its outcome, the size of the sample, and the page, if one was made."""

    findings: tuple[Finding, ...]
    rows: int
    page: Path | None


def assess(signal: str, contract: Contract, sample: pd.DataFrame, storage: Storage, *, occasion: str) -> Assessment:
    """Judge a sample by the contract's suite; a page of it is made where tables are folders of this machine.

    Raises InfrastructureError where great-expectations is not installed.
    """
    expectations = suite(contract).expectations
    folder = None if storage.root is None else local_path(f"{storage.root}/{pages.FOLDER}")
    given = [each.configuration for each in expectations]
    report = data_docs.run(signal, given, sample, folder, occasion=occasion)
    return Assessment(tuple(map(Finding, expectations, report.outcomes)), len(sample), report.page)
