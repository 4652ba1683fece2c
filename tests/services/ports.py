"""Free ports on the loopback interface."""

import os
import random
import socket

LOOPBACK = "127.0.0.1"

# Below the range from which systems choose the local ports of outgoing connections. While a server is stopped, a client
# that keeps trying to reach it might otherwise be given that very port, and connect to itself.
_RANGE = range(20_000, 32_000)
_ATTEMPTS = 1_000
_given: set[int] = set()


def free_port() -> int:
    """A port on which nothing listens now.

    No other process of the same test run is given it, nor this one again: it may be a while until it is listened on.
    """
    choose = random.SystemRandom().choice  # several test runs at once must not draw the same ones
    process, processes = os.environ.get("PYTEST_XDIST_WORKER", "gw0"), os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
    share = share_of(process, int(processes))
    for _ in range(_ATTEMPTS):
        port = choose(share)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise OSError(f"no free port between {_RANGE.start} and {_RANGE.stop}")


def share_of(process: str, processes: int) -> range:
    """The ports of one of several processes of a test run, which pytest-xdist calls gw0, gw1, …"""
    return _RANGE[int(process.removeprefix("gw")) :: processes]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
