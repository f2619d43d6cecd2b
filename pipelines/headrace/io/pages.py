"""The pages of Data Docs in a folder: a project of Great Expectations that outlives the run, and the site beside it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from headrace.io.file_lock import lock_file
from headrace.io.offline_pages import index_of, offline, with_warnings_only

__all__ = ["FOLDER", "KEPT", "SITE", "alone", "opened", "published"]

FOLDER = "data_docs"
SITE = "headrace"
KEPT = 50
"""How many runs of a suite the pages keep."""

_STORED = "gx/uncommitted/validations"
_PAGES = "pages"
# Great Expectations knows one project a process at a time.
_one_at_a_time = threading.Lock()


@contextmanager
def alone(folder: Path | None) -> Iterator[None]:
    """While it lasts no other thread runs a suite, and no other process one that writes into the folder."""
    with _one_at_a_time:
        if folder is None:
            yield
            return
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            lock_file(lock)
            yield


def opened(gx: Any, folder: Path, name: str) -> Any:
    """The project in the folder, made if it is not there, with room for one more run of the suite of that name."""
    _forget(folder, name)
    context = gx.get_context(mode="file", project_root_dir=folder)
    if SITE not in context.get_site_names():
        for site in context.get_site_names():
            context.delete_data_docs_site(site)
        # From where the project's own files lie, so that the folder can be moved.
        store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": f"../{_PAGES}/"}
        index = {"class_name": "DefaultSiteIndexBuilder"}
        context.add_data_docs_site(
            SITE,
            {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "store_backend": store,
                "site_index_builder": index,
            },
        )
    return context


def _forget(folder: Path, name: str) -> None:
    """Make room for one more run: every run is a file, and the index lists them all."""
    for runs in (folder / _STORED / name, folder / _PAGES / "validations" / name):
        for old in sorted(runs.glob("*/*"), key=lambda run: run.name)[: -KEPT + 1]:
            shutil.rmtree(old)


def published(context: Any, folder: Path, identifier: Any, *, only_warned: bool) -> Path:
    """The page of a run, once no page needs another server. only_warned: nothing but what warns was broken."""
    (site,) = context.get_docs_sites_urls(resource_identifier=identifier, site_name=SITE)
    page, pages = Path(url2pathname(urlsplit(site["site_url"]).path)).resolve(), folder / _PAGES
    if only_warned:
        page.write_text(with_warnings_only(page.read_text(encoding="utf-8")), encoding="utf-8")
    for path in pages.rglob("*.html"):
        path.write_text(offline(path.read_text(encoding="utf-8")), encoding="utf-8")
    # The library's own is put together by scripts of other servers.
    (pages / "index.html").write_text(index_of(pages), encoding="utf-8")
    return page
