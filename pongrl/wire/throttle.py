"""Slows down guesses at the token: it counts the wrong tokens of each address."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

FREE_ATTEMPTS = 5  # wrong tokens of one address before its attempts take time
SECONDS_PER_ATTEMPT = 1.0  # after which one wrong token is forgotten
REMEMBERED_ADDRESSES = 1024


class _Record(NamedTuple):
    """What one address has done."""

    wrong: float  # tokens at the time `when`; a float, since they are forgotten little by little
    when: float  # the last wrong token came
    is_limited: bool  # its attempts take time, and that was said


class Attempts:
    """The wrong tokens of each address lately; one is forgotten every second.

    `len()` gives the number of addresses.
    """

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}  # the address whose last attempt is longest ago comes first

    def __len__(self) -> int:
        return len(self._records)

    def _remaining(self, address: str, now: float) -> float:
        record = self._records.get(address)
        if record is None:
            return 0.0
        return max(record.wrong - (now - record.when) / SECONDS_PER_ATTEMPT, 0.0)

    def wait(self, address: str, now: float) -> float:
        """Return the seconds until a proof from an address may be looked at."""
        return max(self._remaining(address, now) - FREE_ATTEMPTS + 1, 0.0) * SECONDS_PER_ATTEMPT

    def count(self, address: str, now: float) -> bool:
        """Count a wrong token.

        Returns:
            True if from now on the attempts of this address take time.
        """
        remaining = self._remaining(address, now)
        record = self._records.pop(address, None)
        was_limited = record is not None and record.is_limited and remaining > 0
        is_too_many = remaining + 1 > FREE_ATTEMPTS - 1
        self._records[address] = _Record(remaining + 1, now, is_too_many or was_limited)
        self._forget(now)
        return is_too_many and not was_limited

    def _forget(self, now: float) -> None:
        """Drop the oldest addresses: those with nothing left to count, and those beyond the limit."""
        for oldest in list(self._records):
            if self._remaining(oldest, now) > 0 and len(self._records) <= REMEMBERED_ADDRESSES:
                break
            del self._records[oldest]


def network_of(host: str) -> str:
    """Return what counts as one address: for IPv6 a /64, which belongs to one customer or one machine."""
    address = ipaddress.ip_address(host.split("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
