"""What can be held about the containers without a container engine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker" / "compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PINNED = re.compile(r"[\w./-]+:\d[\w.-]*$")

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())


def copied() -> Iterator[str]:
    for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE):
        yield from line.split()[:-1]


def allowed(path: str) -> bool:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return any(line == f"!{path.split('/')[0]}" for line in lines)


@each_service
def test_a_service_is_built_here_or_names_an_exact_version(service: dict[str, Any]) -> None:
    assert "build" in service or PINNED.match(service["image"])


@each_service
def test_ports_open_on_loopback_only(service: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@each_service
def test_what_keeps_running_has_a_health_check(service: dict[str, Any]) -> None:
    assert ("restart" in service) == ("healthcheck" in service)


@each_service
def test_what_is_waited_for_exists(service: dict[str, Any]) -> None:
    for name, wait in service.get("depends_on", {}).items():
        assert wait["condition"] == "service_completed_successfully" or "healthcheck" in SERVICES[name]


@each_service
def test_volumes_are_declared_or_files_of_the_repository(service: dict[str, Any]) -> None:
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert source in COMPOSE["volumes"] or (ROOT / "docker" / source).is_file()


def test_the_base_image_is_an_exact_version() -> None:
    assert all(PINNED.match(image) for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))


@pytest.mark.parametrize("source", list(copied()))
def test_what_is_copied_exists_and_reaches_the_builder(source: str) -> None:
    assert (ROOT / source).exists()
    assert allowed(source)


def test_the_image_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["headrace"]


def test_nothing_in_compose_is_a_secret() -> None:
    names = [name for service in SERVICES.values() for name in service.get("environment", {})]
    assert not [name for name in names if re.search("PASSWORD|SECRET|TOKEN|KEY", name)]
