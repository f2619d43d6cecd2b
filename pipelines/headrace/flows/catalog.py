"""What a project keeps: its tables and views, by what it declares alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from headrace.config import duration_text
from headrace.contracts.column_types import column_type
from headrace.contracts.model import Contract, Field, Kind
from headrace.features.feature import Derived, Feature, Op
from headrace.features.spec import FeatureSet
from headrace.features.value_types import derived_type, feature_type
from headrace.flows.project import Project
from headrace.models.spec import Model
from headrace.tables import (
    BATCH_PLANS,
    DEAD_LETTER_ACTIONS,
    DEAD_LETTERS,
    LEDGER,
    MEASUREMENTS,
    SCHEMA_DRIFT,
    SOURCE_LOG,
    VERDICTS,
    Column,
    Table,
    View,
    all_predictions,
    dead_letters_by_state,
    decision_times,
    delay_view,
    feature_views,
    features_log,
    ledgered,
    predictions,
    signals,
    sources,
)

__all__ = ["feature_table", "input_columns", "prediction_table", "signal_table", "tables", "views"]

# What batches say of themselves; the rows of a batch that is not in the ledger are true all the same.
_LOGS = (SCHEMA_DRIFT, MEASUREMENTS, VERDICTS, SOURCE_LOG, LEDGER, BATCH_PLANS)
_GROWN = "A member its contract does not name."


def tables(project: Project) -> Iterator[Table]:
    """Every table the project's flows write."""
    yield from (
        DEAD_LETTERS,
        DEAD_LETTER_ACTIONS,
        SCHEMA_DRIFT,
        MEASUREMENTS,
        VERDICTS,
        SOURCE_LOG,
        LEDGER,
        BATCH_PLANS,
    )
    for signal, contract in project.contracts.items():
        yield signal_table(signal, contract)
    for feature_set in project.feature_sets.values():
        yield feature_table(feature_set, project.contracts[feature_set.signal])
    for model in project.models.values():
        yield prediction_table(project, model)


def views(project: Project) -> Iterator[View]:
    """Every view analysts are offered on those tables."""
    for feature_set in project.feature_sets.values():
        log = feature_table(feature_set, project.contracts[feature_set.signal])
        yield from feature_views(feature_set.name, log, feature_set.entity)
        yield delay_view(
            feature_set.name, feature_set.signal, int(feature_set.delay.total_seconds()), feature_set.entity
        )
    if project.models:
        yield all_predictions({name: model.output.name for name, model in project.models.items()})
        yield decision_times(tuple(project.models))
    yield from dead_letters_by_state()
    yield sources()
    for table in tables(project):
        if table not in _LOGS:
            yield ledgered(table)


def signal_table(signal: str, contract: Contract, columns: Mapping[str, Kind] | None = None) -> Table:
    """The table of a signal's accepted records; ``columns``: those for members that the contract does not name."""
    grown = [Field(name=name, kind=kind, description=_GROWN) for name, kind in (columns or {}).items()]
    return signals(signal, _columns(contract.fields), _columns(grown))


def _columns(fields: Sequence[Field]) -> list[Column]:
    return [Column(field.name, column_type(field), field.description) for field in fields]


def feature_table(feature_set: FeatureSet, contract: Contract) -> Table:
    """The log of a feature set."""
    entity = [
        Column(name, column_type(contract.field(name)), contract.field(name).description) for name in feature_set.entity
    ]
    features = [
        Column(
            value.name,
            feature_type(value.feature, _type_of(value.feature, contract)),
            _comment(value.feature, value.length if len(feature_set.window.length) > 1 else None),
        )
        for value in feature_set.values
    ]
    features += [Column(name, derived_type(one), _comment(one)) for name, one in feature_set.derived.items()]
    return features_log(feature_set.name, entity, features)


def _type_of(feature: Feature, contract: Contract) -> str | None:
    """The type of what the feature is taken of; None where it is of records. An expression is a DOUBLE."""
    if feature.of is None:
        return None
    return column_type(contract.field(feature.of)) if feature.of in contract.names else "DOUBLE"


def _comment(described: Feature | Derived, length: timedelta | None = None) -> str:
    """What the column says, with its unit, and the length of its window where the set has several."""
    unit = described.unit or ("seconds" if isinstance(described, Feature) and described.op is Op.SINCE_LAST else "")
    parts = [described.description, f"[{unit}]" if unit else "", f"Over {duration_text(length)}." if length else ""]
    return " ".join(part for part in parts if part)


def prediction_table(project: Project, model: Model) -> Table:
    """The table of a model's decisions."""
    return predictions(model.name, input_columns(project, model), model.output.name)


def input_columns(project: Project, model: Model) -> list[Column]:
    """The model's inputs as columns: numbers as DOUBLE, whatever they were, and text as STRING.

    One type for every number means that a null, which a DataFrame of integers cannot hold, changes no type.
    """
    texts = {*_texts(project.contracts[model.signal]), *_text_features(project, model)}
    return [Column(name, "STRING" if name in texts else "DOUBLE") for name in model.inputs.columns]


def _texts(contract: Contract) -> Iterator[str]:
    yield from (field.name for field in contract.fields if field.kind is Kind.STRING)


def _text_features(project: Project, model: Model) -> Iterator[str]:
    for part in model.inputs.features:
        feature_set = project.feature_sets[part.set]
        log = feature_table(feature_set, project.contracts[feature_set.signal])
        texts = {column.name for column in log.columns if column.type == "STRING"}
        yield from (f"{part.name}_{name}" for name in part.take if name in texts)
