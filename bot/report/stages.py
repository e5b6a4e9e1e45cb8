"""Stages: how long each part of a run took, and when the time that it was given is over."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(slots=True)
class Stages:
    """A stopwatch with a name for each lap; a stage that is entered again adds to its time.

    `budget` is how long the whole may take, None for as long as it needs; `clock` tells seconds.
    """

    budget: timedelta | None = None
    clock: Callable[[], float] = time.monotonic
    seconds: dict[str, float] = field(default_factory=dict)
    _begun: float = field(init=False)

    def __post_init__(self) -> None:
        self._begun = self.clock()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        begun = self.clock()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + self.clock() - begun

    @property
    def is_over(self) -> bool:
        """Tell whether the budget is spent."""
        spent = self.clock() - self._begun
        return self.budget is not None and spent >= self.budget.total_seconds()
