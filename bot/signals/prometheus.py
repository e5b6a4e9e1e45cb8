"""Prometheus: how busy source systems are, by its HTTP API (also Thanos, Mimir, VictoriaMetrics).

Source: Prometheus' documentation, "HTTP API", range queries.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Self

import httpx
from pydantic import Field, HttpUrl, SecretStr, field_validator, model_validator

from bot.documents.fields import Span
from bot.documents.redaction import Redactor
from bot.documents.validation import Strict
from bot.domain.errors import SignalError
from bot.domain.signal import Freshness, Reading, Signal, SourceLoad
from bot.domain.spans import format_span
from bot.signals.lookout import Scene, Sight, merged
from bot.signals.week import hourly_means, usual_week

_WEEK: Final = timedelta(days=7)
"""One request asks for so much: a server refuses more than 11,000 points of a series."""
_TIMEOUT_SECONDS: Final = 30.0
_LONGEST_ANSWER: Final = 300
"""So many characters of what a server says of an error are passed on."""
Point = tuple[float, float]


class Measure(Strict):
    """One PromQL query: what it measures, of which sources, and where that is full.

    Without `label` the query gives one series, which speaks of all of `sources`. With it, the
    values of that label tell the series apart, and `labels` says which source each one is.
    """

    query: str = Field(min_length=1)
    what: str = Field("cpu", description="cpu, connections, queue depth")
    unit: str = "percent"
    full: float = Field(100.0, gt=0, description="the value at which a source can bear no more")
    sources: tuple[str, ...] = Field((), description="ids or names")
    label: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _speaks_of_something(self) -> Self:
        if self.label is None and (not self.sources or self.labels):
            raise ValueError("name the sources that the query measures under `sources`")
        if self.label is not None and (self.sources or not self.labels):
            raise ValueError("say under `labels` which source each value of `label` is")
        return self

    def sources_of(self, value: str) -> tuple[str, ...]:
        """Return the sources, by id or name, that the series of a label's value speaks of."""
        if self.label is None:
            return self.sources
        return (self.labels[value],) if value in self.labels else ()


class Prometheus(Strict):
    """A Prometheus server, and what to ask it."""

    type: Literal["prometheus"]
    name: str = "prometheus"
    url: HttpUrl = Field(description="the server's address, to which /api/v1 is added")
    token: SecretStr | None = Field(None, description="sent as a bearer token")
    username: str | None = None
    password: SecretStr | None = None
    headers: dict[str, SecretStr] = Field(default_factory=dict, description="such as X-Scope-OrgID")
    weeks: int = Field(4, ge=1, le=12)
    step: Span = Field(timedelta(minutes=10), ge=timedelta(minutes=1), le=timedelta(hours=1))
    stale_after: Span = timedelta(hours=6)
    queries: tuple[Measure, ...] = Field(min_length=1)

    @field_validator("url")
    @classmethod
    def _bare(cls, url: HttpUrl) -> HttpUrl:
        if url.username or url.password:
            raise ValueError("write credentials under `username` and `password`, not into the URL")
        return url

    @model_validator(mode="after")
    def _proves_itself_one_way(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("`username` and `password` go together")
        if self.token is not None and self.username is not None:
            raise ValueError("give either a `token` or a `username` and `password`")
        return self

    @property
    def secrets(self) -> frozenset[str]:
        """Return what must never be shown."""
        found = [self.token, self.password, *self.headers.values()]
        return frozenset(each.get_secret_value() for each in found if each is not None)

    def look(self, scene: Scene) -> Sight:
        """Ask every query over the last weeks; one that fails is a missing signal of its own."""
        redact = Redactor(self.secrets)
        with self._client() as client:
            return merged(self._measure(client, each, scene, redact) for each in self.queries)

    def _client(self) -> httpx.Client:
        headers = {name: value.get_secret_value() for name, value in self.headers.items()}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token.get_secret_value()}"
        auth = None
        if self.username is not None and self.password is not None:
            auth = httpx.BasicAuth(self.username, self.password.get_secret_value())
        return httpx.Client(
            headers=headers,
            auth=auth,
            timeout=_TIMEOUT_SECONDS,
            transport=httpx.HTTPTransport(retries=2),
        )

    def _measure(
        self, client: httpx.Client, measure: Measure, scene: Scene, redact: Redactor
    ) -> Sight:
        name = f"{self.name}: {measure.what}"
        about = _about(measure, scene)
        try:
            series = self._ask(client, measure, scene.now)
            return merged(
                self._series(measure, scene, value, points)
                for value, points in _expected(measure, series)
            )
        except SignalError as error:
            missing = Signal(name, Freshness.MISSING, reason=redact(error.message), about=about)
            return Sight((missing,))

    def _series(self, measure: Measure, scene: Scene, value: str, points: list[Point]) -> Sight:
        """Make one signal, and the loads of its sources, of one series."""
        name = f"{self.name}: {measure.what}" + (f" of {value}" if measure.label else "")
        wanted = measure.sources_of(value)
        found = [source for text in wanted for source in scene.sources_named(text)]
        if not points:
            reason = "Prometheus has nothing of it in the last weeks"
            return Sight((Signal(name, Freshness.MISSING, (), reason, None, frozenset(found)),))
        hours = hourly_means(points)
        readings = tuple(Reading(when, measure.what, mean, measure.unit) for when, mean in hours)
        age = scene.now - datetime.fromtimestamp(points[-1][0], scene.now.tzinfo)
        week = usual_week(hours)
        shares = tuple(
            None if level is None else min(max(level / measure.full, 0.0), 1.0) for level in week
        )
        unknown = [text for text in wanted if not scene.sources_named(text)]
        freshness, reason = _fresh(age, self.stale_after, shares.count(None), unknown)
        signal = Signal(name, freshness, readings, reason, age, frozenset(found))
        return Sight((signal,), {source: SourceLoad(source, shares) for source in found})

    def _ask(self, client: httpx.Client, measure: Measure, now: datetime) -> dict[str, list[Point]]:
        """Return the points of each series by the value of the label; "" without one."""
        series: dict[str, list[Point]] = {}
        for start, end in _weeks(now, self.weeks, self.step):
            seen: set[str] = set()
            for result in self._range(client, measure.query, start, end):
                value = result.labels.get(measure.label, "") if measure.label else ""
                if value in seen:
                    which = f"with {measure.label}={value!r}" if measure.label else "in one answer"
                    raise SignalError(
                        f"the query gives several series {which}: aggregate them, as by avg(…) "
                        "or max(…)"
                    )
                seen.add(value)
                series.setdefault(value, []).extend(result.points)
        return series

    def _range(
        self, client: httpx.Client, query: str, start: datetime, end: datetime
    ) -> list["_Series"]:
        parameters = {
            "query": query,
            "start": str(start.timestamp()),
            "end": str(end.timestamp()),
            "step": str(int(self.step.total_seconds())),
        }
        url = f"{str(self.url).rstrip('/')}/api/v1/query_range"
        try:
            response = client.get(url, params=parameters)
        except httpx.HTTPError as error:
            raise SignalError(f"{self.url.host} does not answer: {error}") from error
        return _read(response, str(self.url.host))


@dataclass(frozen=True, slots=True)
class _Series:
    labels: Mapping[str, str]
    points: list[Point]


def _read(response: httpx.Response, host: str) -> list[_Series]:
    """Read an answer of the HTTP API.

    Raises:
        SignalError: it is an error, or no answer of Prometheus.
    """
    try:
        payload = response.json()
    except ValueError:
        raise SignalError(
            f"{host} answers {response.status_code} with something that is not JSON"
        ) from None
    if not isinstance(payload, dict) or payload.get("status") != "success":
        said = payload.get("error", "") if isinstance(payload, dict) else ""
        raise SignalError(
            f"{host} answers {response.status_code}: {str(said)[:_LONGEST_ANSWER] or 'no reason'}"
        )
    try:
        results: list[dict[str, Any]] = payload["data"]["result"]
        return [_Series(each["metric"], list(_points(each["values"]))) for each in results]
    except (KeyError, TypeError, ValueError) as error:
        raise SignalError(f"{host} answers what is no range of values: {error!r}") from None


def _points(values: list[Any]) -> Iterator[Point]:
    for when, text in values:
        value = float(text)
        if math.isfinite(value):
            yield float(when), value


def _weeks(now: datetime, weeks: int, step: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Cut the last weeks into ranges that share no point: a range has both its ends."""
    seconds = step.total_seconds()
    end = datetime.fromtimestamp(now.timestamp() // seconds * seconds, now.tzinfo)
    for back in range(weeks, 0, -1):
        yield end - back * _WEEK + step, end - (back - 1) * _WEEK


def _expected(
    measure: Measure, series: Mapping[str, list[Point]]
) -> Iterator[tuple[str, list[Point]]]:
    """Yield the series that were asked for, empty where there is none."""
    for value in [""] if measure.label is None else measure.labels:
        yield value, series.get(value, [])


def _about(measure: Measure, scene: Scene) -> frozenset[str]:
    wanted = measure.sources or tuple(measure.labels.values())
    return frozenset(source for text in wanted for source in scene.sources_named(text))


def _fresh(
    age: timedelta, stale_after: timedelta, unmeasured: int, unknown: list[str]
) -> tuple[Freshness, str]:
    if age > stale_after:
        return Freshness.STALE, f"its last reading is {format_span(age)} old"
    if unknown:
        return Freshness.PARTIAL, f"the history knows no source {' or '.join(map(repr, unknown))}"
    if unmeasured:
        return Freshness.PARTIAL, f"{unmeasured} of 168 hours of the week were never measured"
    return Freshness.FRESH, ""
