"""The options of Spark's Kafka connector, said to kafka-python: one set of options in ``conf/`` serves both."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from headrace.errors import InfrastructureError

__all__ = ["translate"]

_RENAMED: Final[Mapping[str, str]] = {
    "client.id": "client_id",
    "security.protocol": "security_protocol",
    "sasl.kerberos.service.name": "sasl_kerberos_service_name",
    "ssl.truststore.location": "ssl_cafile",
    "ssl.keystore.location": "ssl_certfile",
    "ssl.key.password": "ssl_password",
}
# They shape how records travel; to ask for offsets and identities they mean nothing.
_HARMLESS: Final = re.compile(
    r"acks|auto\.offset\.reset|batch\.size|buffer\.memory|check\.crcs|client\.(dns\.lookup|rack)|compression\.type"
    r"|connections\.max\.idle\.ms|default\.api\.timeout\.ms|delivery\.timeout\.ms|enable\.(auto\.commit|idempotence)"
    r"|fetch\..+|group\.id|heartbeat\.interval\.ms|isolation\.level|linger\.ms|max\..+|metadata\..+"
    r"|receive\.buffer\.bytes|reconnect\.backoff\..+|request\.timeout\.ms|retries|retry\.backoff\..+"
    r"|send\.buffer\.bytes|session\.timeout\.ms|socket\.connection\.setup\..+|ssl\.(truststore|keystore)\.password"
)
_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI")
_JAAS_MODULES: Final = ("PlainLoginModule", "ScramLoginModule")
_JAAS_PAIR: Final = re.compile(r'(username|password)\s*=\s*"((?:[^"\\]|\\.)*)"')


def translate(options: Mapping[str, str]) -> dict[str, object]:
    """kafka-python's arguments for connector options given without their ``kafka.`` prefix.

    An option that only shapes how records travel is left out. Raises InfrastructureError, with the option's name
    and never with its value, for any other that kafka-python has no equal of: to connect without it could
    mean to connect less safely than asked.
    """
    arguments: dict[str, object] = {}
    for name, value in options.items():
        if name in _RENAMED:
            arguments[_RENAMED[name]] = value
        elif name in _PARSED:
            arguments |= _PARSED[name](value)
        elif _HARMLESS.fullmatch(name) is None:
            raise _unusable(name, "headrace cannot use it when it asks the broker for offsets", "Leave it out")
    return arguments | _stores(options)


def _mechanism(value: str) -> dict[str, object]:
    if value not in _MECHANISMS:
        raise _unusable("sasl.mechanism", "headrace cannot log in that way", f"Use one of {', '.join(_MECHANISMS)}")
    return {"sasl_mechanism": value}


def _jaas(value: str) -> dict[str, object]:
    if "Krb5LoginModule" in value:
        return {}
    pairs = {name: re.sub(r"\\(.)", r"\1", text) for name, text in _JAAS_PAIR.findall(value)}
    if pairs.keys() != {"username", "password"} or not any(module in value for module in _JAAS_MODULES):
        remedy = f'Write `… {" or ".join(_JAAS_MODULES)} required username="…" password="…";`'
        raise _unusable("sasl.jaas.config", "no user name and password could be read from it", remedy)
    return {"sasl_plain_username": pairs["username"], "sasl_plain_password": pairs["password"]}


def _hostname_check(value: str) -> dict[str, object]:
    return {"ssl_check_hostname": value.strip().lower() == "https"}


def _pem(name: str) -> Callable[[str], dict[str, object]]:
    def check(value: str) -> dict[str, object]:
        if value.upper() != "PEM":
            raise _unusable(name, "only PEM files can be read outside the JVM", "Set it to PEM and give a PEM file")
        return {}

    return check


def _stores(options: Mapping[str, str]) -> dict[str, object]:
    """Java takes a store without a type for a JKS file, so a PEM file must be declared; its key is in the same file."""
    for store in ("truststore", "keystore"):
        if f"ssl.{store}.location" in options and f"ssl.{store}.type" not in options:
            _pem(f"ssl.{store}.type")("JKS")
    keystore = options.get("ssl.keystore.location")
    return {"ssl_keyfile": keystore} if keystore else {}


def _unusable(name: str, why: str, remedy: str) -> InfrastructureError:
    return InfrastructureError(f"Kafka option {name}: {why}. {remedy}.")


_PARSED: Final[Mapping[str, Callable[[str], dict[str, object]]]] = {
    "sasl.mechanism": _mechanism,
    "sasl.jaas.config": _jaas,
    "ssl.endpoint.identification.algorithm": _hostname_check,
    "ssl.truststore.type": _pem("ssl.truststore.type"),
    "ssl.keystore.type": _pem("ssl.keystore.type"),
}
