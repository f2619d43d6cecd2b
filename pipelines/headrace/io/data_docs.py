"""Data Docs: a sample judged by Great Expectations, and the pages it makes of that for people.

The only module that imports great_expectations, and only where a suite is run: that takes seconds.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import InfrastructureError
from headrace.io.pages import SITE, alone, opened, published

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Outcome", "Report", "run"]

_SOURCE = "sample"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one expectation.

    success: whether it held. rows: rows it looked at. unexpected: how many of them broke it. Both are None of one that
    is about the table, or could not be judged: then ``error`` says why.
    share: ``unexpected`` among the rows that have a value, 0 to 1.
    """

    success: bool
    rows: int | None = None
    unexpected: int | None = None
    share: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of each expectation, in the order they were given, and the page that shows them, if there is one."""

    outcomes: tuple[Outcome, ...]
    page: Path | None


def run(
    name: str, suite: Sequence[Mapping[str, Any]], sample: pd.DataFrame, folder: Path | None, *, occasion: str
) -> Report:
    """Judge a sample by a suite, expectations as Great Expectations writes them, and add a page of it to ``folder``.

    name: of the suite; the pages hold its newest ``pages.KEPT`` runs. occasion: what the run was for, shown with it.
    folder: made if it is not there; None makes no page. Processes that share it take turns.
    Raises InfrastructureError where great_expectations is not installed. Nothing is sent or fetched.
    """
    gx = _library()
    with alone(folder):
        context = gx.get_context(mode="ephemeral") if folder is None else opened(gx, folder, name)
        checkpoint = _checkpoint(gx, context, name, suite, publishes=folder is not None)
        ran = checkpoint.run(batch_parameters={"dataframe": sample}, run_id=gx.RunIdentifier(run_name=occasion))
        ((identifier, result),) = ran.run_results.items()
        page = None if folder is None else published(context, folder, identifier, only_warned=_only_warned(result))
    by_place = {each.expectation_config.meta["place"]: _outcome(each) for each in result.results}
    return Report(tuple(by_place[place] for place in range(len(suite))), page)


def _library() -> Any:
    # Read on import: without it the library may report on its use.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    try:
        import great_expectations
    except ImportError as error:
        raise InfrastructureError("great-expectations is not installed: pip install 'headrace[quality]'") from error
    return great_expectations


def _checkpoint(gx: Any, context: Any, name: str, suite: Sequence[Mapping[str, Any]], *, publishes: bool) -> Any:
    from great_expectations.checkpoint import UpdateDataDocsAction
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_or_update_pandas(_SOURCE)
    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe(_SOURCE)
    judged = context.suites.add_or_update(gx.ExpectationSuite(name=name, expectations=_expectations(suite)))
    definition = context.validation_definitions.add_or_update(
        gx.ValidationDefinition(name=name, data=batch, suite=judged)
    )
    actions = [UpdateDataDocsAction(name="pages", site_names=[SITE])] if publishes else []
    return context.checkpoints.add_or_update(
        gx.Checkpoint(
            name=name, validation_definitions=[definition], actions=actions, result_format={"result_format": "SUMMARY"}
        )
    )


def _expectations(suite: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The results come in an order of the library's own, so each expectation carries its place."""
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    return [
        ExpectationConfiguration(**{**each, "meta": {**each.get("meta", {}), "place": place}}).to_domain_obj()
        for place, each in enumerate(suite)
    ]


def _only_warned(result: Any) -> bool:
    broken = [each.expectation_config.severity for each in result.results if not each.success]
    return bool(broken) and all(severity == "warning" for severity in broken)


def _outcome(result: Any) -> Outcome:
    raised = [each for each in (result.exception_info or {}).values() if isinstance(each, dict)]
    if raised:
        return Outcome(
            success=False, error=str(raised[0].get("exception_message", "")).strip() or "could not be judged"
        )
    found = result.result
    rows, unexpected = found.get("element_count"), found.get("unexpected_count")
    return Outcome(bool(result.success), rows, unexpected, None if unexpected is None else _share(found))


def _share(found: Mapping[str, Any]) -> float:
    with_value = found["element_count"] - found.get("missing_count", 0)
    return float(found["unexpected_count"] / with_value) if with_value else 0.0
