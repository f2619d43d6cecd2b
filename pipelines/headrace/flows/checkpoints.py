"""Where the queries of a project keep their state."""

from __future__ import annotations

from headrace.flows.project import Project

__all__ = ["checkpoint_path"]


def checkpoint_path(project: Project, flow: str, subject: str) -> str:
    """The checkpoint of a query. A feature set has one for each definition: another never meets its state."""
    path = f"{project.settings.storage.checkpoint_root}/{flow}/{subject}"
    return f"{path}/{project.feature_sets[subject].fingerprint[:12]}" if flow == "features" else path
