"""No test leaves this machine."""

from __future__ import annotations

import socket

import pytest
from pytest_socket import SocketConnectBlockedError


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_an_address_elsewhere_is_refused_before_anything_is_sent() -> None:
    with socket.socket() as client, pytest.raises(SocketConnectBlockedError):
        client.connect(("192.0.2.1", 443))


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_this_machine_may_be_talked_to(family: socket.AddressFamily, host: str) -> None:
    if family is socket.AF_INET6 and not socket.has_ipv6:
        pytest.skip("this Python has no IPv6")
    with socket.socket(family) as server, socket.socket(family) as client:
        server.bind((host, 0))
        server.listen()
        client.connect(server.getsockname())
