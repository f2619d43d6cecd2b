"""Formats of texts, beside what Python's library says of the same."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.contracts.formats import FORMATS

PARTS = st.sampled_from(["", "0", "1", "ffff", "FE80", "12345", "1.2.3.4", "01.2.3.4", "256.1.1.1", "g", ":"])


def is_address(text: str, kind: type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address]) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return "%" not in text  # a zone is of one machine


@given(st.one_of(st.ip_addresses().map(str), st.lists(PARTS, max_size=10).map(":".join)))
def test_addresses(text: str) -> None:
    assert bool(re.fullmatch(FORMATS["ipv6"], text)) == is_address(text, ipaddress.IPv6Address)
    assert bool(re.fullmatch(FORMATS["ipv4"], text)) == is_address(text, ipaddress.IPv4Address)


@pytest.mark.parametrize("text", ["1::2::3", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8:9", ":::", ":1", "1:", "::1.2.3"])
def test_what_is_no_address(text: str) -> None:
    assert not re.fullmatch(FORMATS["ipv6"], text)
