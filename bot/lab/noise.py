"""Common random numbers: every draw is a pure function of a seed and what it is about.

Nothing here has a state, so a sync keeps its luck when the schedule, the knobs or its neighbours
change, and two worlds that differ in one setting differ only by what that setting does.
"""

from collections.abc import Sequence
from hashlib import blake2b
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

_NORMAL: Final = NormalDist()
_MASK: Final = (1 << 64) - 1
_A: Final = 0x9E3779B97F4A7C15
_B: Final = 0xBF58476D1CE4E5B9
_C: Final = 0x94D049BB133111EB
_D: Final = 0xD6E8FEB86659FD93


def key_of(*parts: object) -> int:
    """Return a 64-bit key for `parts`, by their text."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def mix(key: int, a: int, b: int = 0) -> int:
    """Hash a key and two integers to 64 bits (the finaliser of SplitMix64)."""
    z = (key + a * _A + b * _D) & _MASK
    z = ((z ^ (z >> 30)) * _B) & _MASK
    z = ((z ^ (z >> 27)) * _C) & _MASK
    return z ^ (z >> 31)


def mix_arrays(
    keys: NDArray[np.uint64], a: NDArray[np.uint64], b: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    """Hash like `mix`, element by element, to the same bits."""
    z = keys + a * np.uint64(_A) + b * np.uint64(_D)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_B)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(_C)
    mixed: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed


def unit(key: int, a: int = 0, b: int = 0) -> float:
    """Draw from (0, 1)."""
    return ((mix(key, a, b) >> 11) + 0.5) * 2.0**-53


def between(key: int, low: float, high: float, a: int = 0) -> float:
    """Draw evenly from [low, high)."""
    return low + (high - low) * unit(key, a)


def normal_quantiles(bits: int = 16) -> NDArray[np.float64]:
    """Tabulate the standard normal quantile function at the mid-points of 2**bits cells."""
    count = 1 << bits
    return np.asarray([_NORMAL.inv_cdf((cell + 0.5) / count) for cell in range(count)])


def normal(key: int, a: int = 0, b: int = 0) -> float:
    """Draw from the standard normal distribution."""
    return _NORMAL.inv_cdf(unit(key, a, b))


def choose(key: int, weights: Sequence[float], a: int = 0) -> int:
    """Draw an index with the given weights."""
    left = unit(key, a) * sum(weights)
    for index, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return index
    return len(weights) - 1
