"""Pages of Great Expectations that need no other server, and tell none that they were looked at."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

__all__ = ["index_of", "offline", "with_warnings_only"]

# No browser fetches anything for a page that says this.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
_FETCHED = re.compile(
    r"<link\b[^>]*\bhref=\"https?:[^>]*>|<script\b[^>]*\bsrc=\"https?:[^>]*>\s*</script>|<img\b[^>]*\bsrc=\"https?:[^>]*>"
    r"|url\('https?:[^)]*'\)"
)
_STATUS = re.compile(r"(?<=Status:</span> )<i class=\"fas [^>]*></i> (?P<status>[^<\n]+)")
_WARNED = '<i class="fas fa-exclamation-triangle text-warning" aria-hidden="true"></i> Warnings only'


def offline(page: str) -> str:
    """The page with the style of this package, and without whatever it would fetch. One that is so already stays."""
    if _POLICY in page:
        return page
    head = f'<head><meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_style()}</style>'
    return _FETCHED.sub("", page).replace("<head>", head, 1)


def with_warnings_only(page: str) -> str:
    """The page of a run in which only expectations that warn were broken, which is no failure."""
    return _STATUS.sub(_WARNED, page)


def index_of(pages: Path) -> str:
    """A page that lists every run there is a page of, the newest first."""
    runs = sorted(pages.glob("validations/*/*/*/*.html"), key=lambda run: run.parent.name, reverse=True)
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in _cells(pages, run))}</tr>" for run in runs)
    titles = "".join(f"<th>{title}</th>" for title in ("Status", "Run", "Suite", "Occasion"))
    table = f"<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>"
    head = '<head><meta charset="UTF-8"><title>Data Docs</title></head>'
    return offline(
        f'<!DOCTYPE html><html>{head}<body><div class="container-fluid"><h4>Data Docs</h4>{table}</div></body></html>'
    )


def _cells(pages: Path, run: Path) -> tuple[str, ...]:
    suite, occasion, at = run.relative_to(pages / "validations").parts[:3]
    status = _STATUS.search(run.read_text(encoding="utf-8"))
    time = re.sub(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d).*", r"\1-\2-\3 \4:\5:\6", at)
    link = f'<a href="{quote(run.relative_to(pages).as_posix())}">{escape(time)}</a>'
    return (status[0] if status else "", link, escape(suite), escape(occasion))


@cache
def _style() -> str:
    return (files("headrace.io") / "pages.css").read_text(encoding="utf-8")
