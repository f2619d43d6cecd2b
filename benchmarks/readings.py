"""A project of one signal and one feature set, and batches of readings for it: what benchmarks of flows share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from headrace.flows.project import Project, load

__all__ = ["land", "project"]

START = datetime(2026, 1, 1, tzinfo=UTC)
CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.1.0", "kind": "DataContract", "id": "soak", "name": "soak", "version": "1.0.0",
    "status": "active",
    "schema": [{
        "name": "readings", "logicalType": "object",
        "customProperties": [{"property": "eventTime", "value": "at"}],
        "properties": [
            {"name": "sensor", "logicalType": "string", "required": True},
            {"name": "at", "logicalType": "timestamp", "required": True},
            {"name": "value", "logicalType": "number", "required": True},
        ],
    }],
}  # fmt: skip
SET: dict[str, Any] = {
    "name": "by_sensor", "signal": "readings", "entity": ["sensor"],
    "window": {"length": "1 hour", "slide": "15 minutes"},
    "delay": "10 minutes", "time_to_live": "6 hours",
    "features": {"mean": {"op": "mean", "of": "value"}, "n": {"op": "count"}},
}  # fmt: skip
SETTINGS: dict[str, Any] = {
    "project": "soak",
    "storage": {"root": "tables"},
    "registry": {"tracking_uri": "sqlite:///mlflow.db"},
    "signals": {
        "readings": {
            "contract": "readings",
            "source": {"kind": "files", "path": "landing", "max_files": 1},
            "clock": {"kind": "replay", "max_jump": "1 day"},
        }
    },
    "upstream_batches": 1,
}


def project(
    home: Path,
    *,
    settings: Mapping[str, Any] = SETTINGS,
    feature_set: Mapping[str, Any] = SET,
    model: Mapping[str, Any] | None = None,
) -> Project:
    """One signal, one set, and a model if there is one. JSON is YAML."""
    contents = {
        "base/headrace.yml": settings, "contracts/readings.odcs.yaml": CONTRACT, "features/by_sensor.yml": feature_set,
    }  # fmt: skip
    (home / "conf/models").mkdir(parents=True)
    if model is not None:
        contents[f"models/{model['name']}.yml"] = model
    for name, content in contents.items():
        file = home / "conf" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content), encoding="utf-8")
    return load(home / "conf", None, {})


def land(home: Path, number: int, records: int, sensors: int = 100) -> None:
    """A batch: five minutes of readings of so many sensors in turn, by an atomic rename."""
    begin, step = START + number * timedelta(minutes=5), timedelta(minutes=5) / max(records, 1)
    lines = (
        json.dumps(
            {
                "sensor": f"s{(number * records + each) % sensors}",
                "at": (begin + each * step).isoformat(),
                "value": each % 17 / 4,
            }
        )
        for each in range(records)
    )
    folder = home / "landing"
    folder.mkdir(exist_ok=True)
    file = folder / f".{number:06}.tmp"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    file.rename(folder / f"{number:06}.jsonl")
