"""Wrong tokens are counted by address: too many make the next one wait."""

from __future__ import annotations

import ipaddress

FREE_ATTEMPTS = 5  # wrong tokens of one address that cost no time
SECONDS_PER_ATTEMPT = 1.0  # of each one more, and until one is forgotten
REMEMBERED_ADDRESSES = 1024


class Attempts:
    """How many wrong tokens each address has given lately; one is forgotten every second."""

    def __init__(self) -> None:
        # How many there were when, and whether that was told; longest ago first.
        self._wrong: dict[str, tuple[float, float, bool]] = {}

    def _left(self, address: str, now: float) -> float:
        count, when, _ = self._wrong.get(address, (0.0, now, False))
        return max(count - (now - when) / SECONDS_PER_ATTEMPT, 0.0)

    def wait(self, address: str, now: float) -> float:
        """Seconds until a proof from there may be looked at."""
        return max(self._left(address, now) - FREE_ATTEMPTS + 1, 0.0) * SECONDS_PER_ATTEMPT

    def count(self, address: str, now: float) -> bool:
        """Count a wrong token; whether it is to be told that from now on they cost time."""
        left = self._left(address, now)
        *_, told = self._wrong.pop(address, (0.0, now, False))
        too_many = left + 1 > FREE_ATTEMPTS - 1
        self._wrong[address] = left + 1, now, too_many or (told and left > 0)
        for oldest in list(self._wrong):
            if self._left(oldest, now) > 0 and len(self._wrong) <= REMEMBERED_ADDRESSES:
                break
            del self._wrong[oldest]
        return too_many and not (told and left > 0)


def network_of(host: str) -> str:
    """What counts as one address: for IPv6 a /64, which is one customer's or one machine's."""
    address = ipaddress.ip_address(host.split("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
