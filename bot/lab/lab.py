"""The lab: a world behind a web server, started in one line.

with Lab.start(seed=1, connections=20, days=30) as lab:
    client = connect(lab.url, lab.client_id, lab.client_secret)
    assert mine(client) == lab.truth.syncs()
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event, RLock
from types import TracebackType
from typing import Any, Final, Self

from bot.lab import constants as known
from bot.lab.authority import AuthMode, Authority, Credentials
from bot.lab.clocktext import java_time
from bot.lab.config_api import ConfigApi
from bot.lab.description import Description, fleet_of
from bot.lab.faults import NONE, Faults
from bot.lab.fleet import uuid_of
from bot.lab.generate import draw_fleet
from bot.lab.http import Answer, Refusal, Request, anonymous_error, ok, problem
from bot.lab.jobpages import JobPages
from bot.lab.people import draw_people
from bot.lab.public_api import PublicApi
from bot.lab.run import Deployment
from bot.lab.server import LabServer
from bot.lab.truth import Truth
from bot.lab.world import Beginning, World

UNTIL: Final = datetime(2026, 11, 2, tzinfo=UTC)
"""The lab's present unless it is told another: fixed, so that tests repeat."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What kind of lab to start.

    `fleet` is a number of connections to draw, with people who meddle, or a description of given
    ones, which nobody touches. History begins `days` before `until` (rounded down to a UTC
    midnight).
    """

    seed: int = 1
    fleet: int | Description = 20
    days: int = 30
    until: datetime = UNTIL
    deployment: Deployment = field(default_factory=Deployment)
    auth: AuthMode = AuthMode.TOKEN
    faults: Faults = NONE
    port: int = 0


def world_of(setup: Setup, start: int) -> World:
    """Make the world of a setup as it is at `start` (epoch seconds), before anything ran."""
    beginning = Beginning(setup.seed, start, setup.days, setup.deployment)
    if not isinstance(setup.fleet, int):
        return World(fleet_of(setup.fleet, setup.seed, start), beginning)
    fleet = draw_fleet(setup.seed, setup.fleet, start)
    return World(fleet, beginning, draw_people(setup.seed, fleet, start, setup.days))


class Lab:
    """A simulated Airbyte that answers on `url`; use it as a context manager, or close it.

    `url` is the public API's root, `configuration_url` that of the Configuration API. Time
    stands still unless `advance` moves it; with `follows_the_clock` it goes on by itself too.

    Raises:
        OSError: the port cannot be had.
    """

    def __init__(self, setup: Setup, *, follows_the_clock: bool = False) -> None:
        self.setup = setup
        self._lock = RLock()
        self._ready = Event()
        self.server = LabServer(
            self._respond, setup.faults, lambda: int(self.now.timestamp()), setup.port
        )
        until = int(setup.until.timestamp())
        start = until - until % known.DAY - setup.days * known.DAY
        try:
            self.world = world_of(setup, start)
            self.world.advance(until)
        except BaseException:
            self.server.close()
            raise
        self.truth = Truth(self.world)
        self.credentials = Credentials(
            uuid_of(setup.seed, "client id"), f"secret-{uuid_of(setup.seed, 'client secret')}"
        )
        self.authority = Authority(setup.auth, self.credentials, setup.faults.token_life)
        self._follows_the_clock = follows_the_clock
        self._ahead = until - int(time.time())
        self._pages = JobPages(self.world, setup.faults)
        cloud = setup.deployment.cloud
        floor = known.FLOOR_CLOUD if cloud else known.FLOOR_SELF_MANAGED
        host = known.CLOUD_HOST if cloud else known.WRONG_HOST
        self._public = PublicApi(self.world, self._pages, host, floor)
        self._configuration = ConfigApi(self.world, self._pages)
        self._ready.set()

    @classmethod
    def start(  # noqa: PLR0913  the one-liner of every test; each argument is a field of `Setup`
        cls,
        *,
        seed: int = 1,
        connections: int = 20,
        days: int = 30,
        fleet: Description | None = None,
        until: datetime = UNTIL,
        deployment: Deployment | None = None,
        auth: AuthMode = AuthMode.TOKEN,
        faults: Faults = NONE,
    ) -> Self:
        """Start a lab with `connections` drawn from the seed, or with the given `fleet`."""
        setup = Setup(
            seed=seed,
            fleet=fleet or connections,
            days=days,
            until=until,
            deployment=deployment or Deployment(),
            auth=auth,
            faults=faults,
        )
        return cls(setup)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving."""
        self.server.close()

    @property
    def url(self) -> str:
        """Return the public API's root."""
        path = "/v1" if self.setup.deployment.cloud else "/api/public/v1"
        return f"http://127.0.0.1:{self.server.port}{path}"

    @property
    def configuration_url(self) -> str:
        """Return the Configuration API's root."""
        return f"http://127.0.0.1:{self.server.port}/api/v1"

    @property
    def client_id(self) -> str:
        """Return the application's id."""
        return self.credentials.client_id

    @property
    def client_secret(self) -> str:
        """Return the application's secret."""
        return self.credentials.client_secret

    @property
    def now(self) -> datetime:
        """Return the lab's present."""
        return datetime.fromtimestamp(self.world.now, UTC)

    def advance(self, by: timedelta) -> datetime:
        """Let time pass and return the new present."""
        with self._lock:
            self.world.advance(self.world.now + int(by.total_seconds()))
        return self.now

    def wait(self) -> None:
        """Serve until the process is interrupted."""
        Event().wait()

    def _respond(self, request: Request) -> Answer:
        self._ready.wait()
        with self._lock:
            if self._follows_the_clock:
                self.world.advance(int(time.time()) + self._ahead)
            try:
                return self._route(request)
            except Refusal as refusal:
                return refusal.answer
            except (KeyError, TypeError, ValueError, AttributeError):
                # A body of the wrong shape: the real server answers so too.
                return anonymous_error(500, request.number)

    def _route(self, request: Request) -> Answer:
        path = request.path
        for root in ("/api/public/v1", "/v1"):
            if path.startswith(f"{root}/"):
                below = path.removeprefix(root)
                if below == "/applications/token" and request.method == "POST":
                    return self.authority.token(request, public=True)
                if below != "/health":
                    self.authority.check(request)
                return self._public.answer(_at(request, below))
        if path == "/api/v1/applications/token" and request.method == "POST":
            return self.authority.token(request, public=False)
        if path.startswith("/api/v1/") and self.setup.faults.configuration_api:
            if path != "/api/v1/health":
                self.authority.check(request)
            return self._configuration.answer(_at(request, path.removeprefix("/api/v1")))
        if path == "/lab/advance" and request.method == "POST":
            return self._advance_by(request.json())
        return problem(404, "resource-not-found", f"No route for {path}.")

    def _advance_by(self, body: dict[str, Any]) -> Answer:
        """Let time pass on request: what a script in a shell has instead of `advance`."""
        by = timedelta(days=float(body.get("days", 0)), hours=float(body.get("hours", 0)))
        self._ahead += int(by.total_seconds())
        return ok({"now": java_time(int(self.advance(by).timestamp()))})


def _at(request: Request, path: str) -> Request:
    return Request(
        request.method, path, request.query, request.body, request.headers, request.number
    )
