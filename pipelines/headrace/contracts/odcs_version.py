"""Whether a file is one of the Open Data Contract Standard, in a version that is read."""

from __future__ import annotations

from headrace.contracts.odcs_parts import text
from headrace.documents import Node
from headrace.errors import ConfigError

__all__ = ["refuse_other_standards"]

_VERSIONS = ("v3.0.", "v3.1.", "v3.2.")


def refuse_other_standards(document: Node) -> None:
    """Raises ``ConfigError`` with one line for a file of another standard, whose every key would be a mistake."""
    specification = document.child("dataContractSpecification")
    if specification is not None:
        raise ConfigError(
            [
                specification.mistake(
                    "is that of a Data Contract Specification file, and headrace reads ODCS: convert it with "
                    "datacontract-cli, as in datacontract export odcs datacontract.yaml --output NAME.odcs.yaml"
                )
            ]
        )
    version, kind = text(document, "apiVersion"), text(document, "kind")
    if version and not version.startswith(_VERSIONS):
        read = "must be v3.0.0 to v3.2.0: files of other versions have other keys, and are not read"
        raise ConfigError([document.at("apiVersion").mistake(read)])
    if kind and kind != "DataContract":
        raise ConfigError([document.at("kind").mistake("must be DataContract: other documents are not read")])
