"""What goes wrong between a client and a real Airbyte, seeded so that a test can repeat it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.lab import constants as known
from bot.lab.noise import key_of, unit


class Mishap(StrEnum):
    """How one request may end instead of with its answer."""

    TOO_MANY = "429 without Retry-After"
    SERVER_ERROR = "500 with an error id"
    UNAVAILABLE = "503 page of a proxy"
    TIMEOUT = "408 after the server gave up"
    PROXY_PAGE = "200 with HTML"
    DISCONNECT = "connection closed without an answer"
    CUT_OFF = "connection closed in the middle of the answer"


@dataclass(frozen=True, slots=True)
class Faults:
    """The chances of each mishap per request, and the traps of the data itself.

    After `at_most_in_a_row` mishaps the next request is answered, so that a client which tries
    often enough always gets through. `late_stats` is the share of jobs whose rows and bytes
    arrive up to twelve hours after their status, without a new update time. `unknown_status` is
    the share of jobs with a status from a newer release. `shuffled_ties` orders jobs of one
    second differently in each answer. `token_life` is in seconds, `clock_skew` is added to the
    `Date` header.
    """

    seed: int = 0
    too_many: float = 0.0
    server_error: float = 0.0
    unavailable: float = 0.0
    timeout: float = 0.0
    proxy_page: float = 0.0
    disconnect: float = 0.0
    cut_off: float = 0.0
    at_most_in_a_row: int = 3
    late_stats: float = 0.0
    unknown_status: float = 0.0
    shuffled_ties: bool = False
    token_life: float = known.TOKEN_LIFE
    clock_skew: int = 0
    delay: float = 0.0
    configuration_api: bool = True

    @classmethod
    def harsh(cls, seed: int = 0, rate: float = 0.03) -> "Faults":
        """Return every mishap at `rate` per request, and every trap of the data."""
        return cls(
            seed=seed,
            too_many=rate,
            server_error=rate,
            unavailable=rate,
            timeout=rate,
            proxy_page=rate,
            disconnect=rate,
            cut_off=rate,
            late_stats=0.02,
            shuffled_ties=True,
        )

    def mishap(self, request: int) -> Mishap | None:
        """Decide how request number `request` goes wrong, if it does."""
        if all(self._drawn(request - back) for back in range(1, self.at_most_in_a_row + 1)):
            return None
        return self._drawn(request)

    def _drawn(self, request: int) -> Mishap | None:
        left = unit(key_of("mishap", self.seed), request)
        for mishap, chance in zip(Mishap, self._chances(), strict=True):
            left -= chance
            if left < 0:
                return mishap
        return None

    def _chances(self) -> tuple[float, ...]:
        return (
            self.too_many,
            self.server_error,
            self.unavailable,
            self.timeout,
            self.proxy_page,
            self.disconnect,
            self.cut_off,
        )


NONE: Final = Faults()
LATE_STATS_SECONDS: Final = 12 * known.HOUR
NEWER_STATUS: Final = "awaiting_approval"
