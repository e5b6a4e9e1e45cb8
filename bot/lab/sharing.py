"""Syncs that read one source at the same time share it: a processor-sharing queue.

While the demand on a source exceeds its capacity, everybody on it slows down by the same factor.
With a virtual clock that runs at that factor, a finishing time is fixed when an attempt begins,
and an arrival or a departure costs one heap operation (Kleinrock 1967; the virtual-time method of
weighted fair queueing).
"""

from heapq import heappop, heappush
from math import ceil
from typing import Generic, TypeVar

Item = TypeVar("Item")
_TINY = 1e-6


class SharedSource(Generic[Item]):
    """One source and the attempts that read it now; times are whole epoch seconds."""

    __slots__ = ("_heap", "_serial", "_since", "_virtual", "capacity", "demand", "next_at")

    def __init__(self, capacity: float) -> None:
        self.capacity = capacity
        self.demand = 0.0
        self.next_at = 0
        self._virtual = 0.0
        self._since = 0
        self._serial = 0
        self._heap: list[tuple[float, int, float, Item]] = []

    def join(self, now: int, work: float, demand: float, item: Item) -> None:
        """Begin an attempt that takes `work` seconds when alone."""
        self._advance(now)
        self._serial += 1
        heappush(self._heap, (self._virtual + work, self._serial, demand, item))
        self.demand += demand

    def leave_finished(self, now: int) -> list[Item]:
        """End and return every attempt that is done at `now`."""
        self._advance(now)
        heap = self._heap
        done = []
        edge = self._virtual + _TINY
        while heap and heap[0][0] <= edge:
            _, _, demand, item = heappop(heap)
            self.demand -= demand
            done.append(item)
        if not heap:
            self.demand = self._virtual = 0.0
        return done

    def remove(self, now: int, item: Item) -> None:
        """End an attempt early."""
        self._advance(now)
        kept = [entry for entry in self._heap if entry[3] is not item]
        self.demand = sum(entry[2] for entry in kept)
        self._heap = sorted(kept)

    def find_next_end(self, now: int) -> int:
        """Set `next_at`, when the next attempt ends if nobody comes or goes (0: none runs).

        Returns it when it is another than before, else 0.
        """
        if not self._heap:
            self.next_at = 0
            return 0
        left = self._heap[0][0] - self._virtual
        if self.demand > self.capacity:
            left *= self.demand / self.capacity
        end = now + max(1, ceil(left - _TINY))
        if end == self.next_at:
            return 0
        self.next_at = end
        return end

    def _advance(self, now: int) -> None:
        passed = now - self._since
        if passed:
            if self.demand > self.capacity:
                self._virtual += passed * (self.capacity / self.demand)
            else:
                self._virtual += passed
            self._since = now
