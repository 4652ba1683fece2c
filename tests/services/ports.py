"""Free ports on the loopback interface."""

import random
import socket

LOOPBACK = "127.0.0.1"

# Below the range from which systems choose the local ports of outgoing connections. While a server is stopped, a client
# that keeps trying to reach it might otherwise be given that very port, and connect to itself.
_RANGE = range(20_000, 32_000)
_ATTEMPTS = 1_000


def free_port() -> int:
    """A port on which nothing listens now."""
    choose = random.SystemRandom().choice  # several test runs at once must not draw the same ones
    for _ in range(_ATTEMPTS):
        port = choose(_RANGE)
        if _is_free(port):
            return port
    raise OSError(f"no free port between {_RANGE.start} and {_RANGE.stop}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
