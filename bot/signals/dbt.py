"""dbt: what reads the data of each connection, from a manifest and the timings of runs."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final, Literal

from pydantic import Field

from bot.documents.fields import Span
from bot.documents.validation import Strict
from bot.domain.connection import Connection, ConnectionId
from bot.domain.errors import SignalError
from bot.domain.lineage import Downstream, Reader
from bot.domain.signal import Freshness, Reading, Signal
from bot.domain.spans import format_span
from bot.signals.dbt_manifest import Manifest, Node, read_manifest
from bot.signals.dbt_matching import Matched, match
from bot.signals.dbt_runs import Timings, read_timings
from bot.signals.lookout import Scene, Sight, joined

_MOST_NAMED: Final = 3


class Dbt(Strict):
    """A dbt project's artefacts, as `dbt parse`, `build` or `docs generate` leave them in target/.

    `schemas` says which connection fills a schema, by name or id, where names of tables do not.
    """

    type: Literal["dbt"]
    name: str = "dbt"
    manifest: str = Field(description="path of manifest.json")
    run_results: tuple[str, ...] = Field((), description="paths or patterns of run_results.json")
    destination: str | None = Field(None, description="the warehouse it runs on: id or name")
    schemas: dict[str, str] = Field(default_factory=dict)
    stale_after: Span = timedelta(days=7)

    @property
    def secrets(self) -> frozenset[str]:
        """Return nothing: artefacts are files."""
        return frozenset()

    def look(self, scene: Scene) -> Sight:
        """Read what depends on each connection.

        Raises:
            SignalError: the manifest is missing or cannot be read.
        """
        manifest = read_manifest(scene.folder / self.manifest)
        timings = read_timings(scene.folder, self.run_results)
        connections = scene.writing_to(self.destination)
        matched = match(manifest, connections, self._filled_by(connections))
        lineage: dict[ConnectionId, Downstream] = {}
        for node, who in matched.connections.items():
            below = _downstream(manifest, manifest.nodes[node], timings)
            for connection in who:
                known = lineage.get(connection)
                lineage[connection] = _longest(joined(known, below)) if known else below
        age = scene.now - manifest.generated_at
        freshness, reason = self._fresh(age, manifest, timings, matched)
        readings = (*_timed(timings), *_counted(manifest, matched))
        about = frozenset(str(each) for each in lineage)
        return Sight((Signal(self.name, freshness, readings, reason, age, about),), lineage=lineage)

    def _filled_by(self, connections: tuple[Connection, ...]) -> dict[str, ConnectionId]:
        """Return the connection that fills each schema of the settings.

        Raises:
            SignalError: a name is that of no connection, or of several.
        """
        found = {}
        for schema, text in self.schemas.items():
            meant = [each.id for each in connections if text in (each.id, each.name)]
            if len(meant) != 1:
                count = "no connection is" if not meant else f"{len(meant)} connections are"
                raise SignalError(f"schemas.{schema}: {count} named {text!r}")
            found[schema.lower()] = meant[0]
        return found

    def _fresh(
        self, age: timedelta, manifest: Manifest, timings: Timings, matched: Matched
    ) -> tuple[Freshness, str]:
        if age > self.stale_after:
            return Freshness.STALE, f"its manifest is {format_span(age)} old"
        reasons = [*manifest.notes, *timings.notes]
        if matched.unclear:
            reasons.append(_some("may be filled by several connections", matched.unclear))
        if matched.nobody:
            reasons.append(_some("are matched to no connection", matched.nobody))
        if not self.run_results and manifest.exposures:
            reasons.append("no run_results are given, so the time of models is not known")
        return (Freshness.PARTIAL, "; ".join(reasons)) if reasons else (Freshness.FRESH, "")


def _downstream(manifest: Manifest, source: Node, timings: Timings) -> Downstream:
    """Follow the graph from one source table to everything that reads it."""
    reached = manifest.below(source.id, timings.seconds)
    direct = (manifest.nodes[each] for each in manifest.children.get(source.id, ()))
    readers = []
    for node, path in reached.items():
        found = manifest.nodes[node]
        if found.is_exposure or found.deadline is not None or found.is_critical:
            seconds = timedelta(seconds=path)
            readers.append(
                Reader(
                    found.name,
                    found.kind,
                    found.owner,
                    found.is_critical,
                    seconds,
                    found.deadline,
                )
            )
    return Downstream(
        models=tuple(sorted(each.name for each in direct if each.is_model)),
        readers=tuple(sorted(readers, key=lambda each: (each.kind, each.name))),
        max_staleness=source.max_staleness,
    )


def _longest(below: Downstream) -> Downstream:
    """Keep each reader once, with the longest of its paths."""
    longest: dict[tuple[str, str], Reader] = {}
    for each in below.readers:
        known = longest.get((each.kind, each.name))
        if known is None or each.critical_path > known.critical_path:
            longest[each.kind, each.name] = each
    return replace(below, readers=tuple(longest[key] for key in sorted(longest)))


def _timed(timings: Timings) -> Iterator[Reading]:
    for when, node, seconds in timings.runs:
        yield Reading(when, node, seconds, "s")


def _counted(manifest: Manifest, matched: Matched) -> Iterator[Reading]:
    counts: Mapping[str, int] = {
        "source tables": sum(each.is_source for each in manifest.nodes.values()),
        "source tables matched": len(matched.connections),
        "exposures": manifest.exposures,
    }
    for what, count in counts.items():
        yield Reading(manifest.generated_at, what, float(count), what.split()[-1])


def _some(what: str, tables: tuple[str, ...]) -> str:
    named = ", ".join(tables[:_MOST_NAMED])
    more = f" and {len(tables) - _MOST_NAMED} more" if len(tables) > _MOST_NAMED else ""
    return f"{len(tables)} source tables {what}: {named}{more}"
