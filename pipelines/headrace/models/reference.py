"""What inputs and answers looked like when a version was fitted: what later ones are compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["histograms"]

_BINS = 20
_VALUES = 50


def histograms(columns: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Each column's distribution as plain JSON values.

    Of numbers: ``edges``, at most 20, where each bin begins: the quantiles at 0, 1/20, 2/20 and so on, equal ones once,
    so that a value that is common enough has a bin of its own; ``counts``, as many, of the rows from an edge up to the
    next, the last bin without an end; ``nulls``.
    Of texts: ``values``, the 50 most frequent with their counts; ``others``, the rows with any other; ``nulls``.
    """
    return {
        str(name): _numbers(column) if pd.api.types.is_numeric_dtype(column) else _texts(column)
        for name, column in columns.items()
    }


def _numbers(column: pd.Series[Any]) -> dict[str, Any]:
    values = column.to_numpy(dtype=np.float64)
    seen = values[np.isfinite(values)]
    if not len(seen):
        return {"kind": "numbers", "edges": [], "counts": [], "nulls": len(values)}
    edges = np.unique(np.quantile(seen, np.arange(_BINS) / _BINS, method="higher"))
    counts = np.bincount(np.searchsorted(edges, seen, side="right") - 1, minlength=len(edges))
    nulls = len(values) - len(seen)
    return {"kind": "numbers", "edges": edges.tolist(), "counts": counts.tolist(), "nulls": nulls}


def _texts(column: pd.Series[Any]) -> dict[str, Any]:
    counted = column.value_counts().rename_axis("value").reset_index(name="rows")
    # Equal counts in the order of their values: the same rows give the same document.
    ordered = counted.sort_values(["rows", "value"], ascending=[False, True]).head(_VALUES)
    values = {str(value): int(rows) for value, rows in zip(ordered["value"], ordered["rows"], strict=True)}
    nulls = int(column.isna().sum())
    return {"kind": "texts", "values": values, "others": len(column) - nulls - sum(values.values()), "nulls": nulls}
