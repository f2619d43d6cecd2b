from __future__ import annotations

import pytest

from headrace.errors import InfrastructureError
from headrace.io.kafka_options import translate

SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="ann" password="a\\"b;c";'


def test_a_login_over_tls_is_translated_whole() -> None:
    assert translate(
        {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": SCRAM,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": "/certs/ca.pem",
        }
    ) == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "ann",
        "sasl_plain_password": 'a"b;c',
        "ssl_cafile": "/certs/ca.pem",
    }


def test_a_keystore_gives_certificate_and_key() -> None:
    found = translate({"ssl.keystore.type": "PEM", "ssl.keystore.location": "/certs/me.pem", "ssl.key.password": "p"})
    assert found == {"ssl_certfile": "/certs/me.pem", "ssl_keyfile": "/certs/me.pem", "ssl_password": "p"}


def test_host_names_are_checked_unless_switched_off() -> None:
    assert translate({"ssl.endpoint.identification.algorithm": ""}) == {"ssl_check_hostname": False}
    assert translate({"ssl.endpoint.identification.algorithm": "https"}) == {"ssl_check_hostname": True}


@pytest.mark.parametrize("name", ["fetch.max.bytes", "max.poll.records", "isolation.level", "request.timeout.ms"])
def test_what_only_shapes_the_transport_is_left_out(name: str) -> None:
    assert translate({name: "1"}) == {}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"sasl.mechanism": "OAUTHBEARER"}, "sasl.mechanism"),
        ({"sasl.login.callback.handler.class": "secret"}, "sasl.login.callback.handler.class"),
        ({"sasl.jaas.config": 'Plain required user="secret";'}, "sasl.jaas.config"),
        ({"ssl.truststore.location": "secret.jks"}, "ssl.truststore.type"),
        ({"ssl.keystore.type": "JKS", "ssl.keystore.location": "secret.jks"}, "ssl.keystore.type"),
        ({"ssl.cipher.suites": "secret"}, "ssl.cipher.suites"),
    ],
)
def test_what_has_no_equal_is_refused_by_name_and_not_by_value(options: dict[str, str], named: str) -> None:
    with pytest.raises(InfrastructureError, match=f"Kafka option {named}: ") as told:
        translate(options)
    assert "secret" not in str(told.value)
