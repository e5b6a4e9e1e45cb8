"""Common random numbers: every draw is a pure function of a seed and what it is about.

Nothing here has a state, so a sync keeps its luck when the schedule, the knobs or its neighbours
change, and two worlds that differ in one setting differ only by what that setting does.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

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
    """Tabulate the standard normal quantile function at the mid-points of 2**bits cells.

    Acklam's rational approximation (absolute error below 1.2e-9), so that no library is needed.
    """
    count = 1 << bits
    p = (np.arange(count) + 0.5) / count
    return np.asarray([normal_quantile(float(x)) for x in p])


def normal_quantile(p: float) -> float:
    """Return the standard normal quantile of `p` in (0, 1)."""
    a = (-39.69683028665376, 220.9460984245205, -275.9285104469687)
    a += (138.3577518672690, -30.66479806614716, 2.506628277459239)
    b = (-54.47609879822406, 161.5858368580409, -155.6989798598866)
    b += (66.80131188771972, -13.28068155288572, 1.0)
    c = (-0.007784894002430293, -0.3223964580411365, -2.400758277161838)
    c += (-2.549732539343734, 4.374664141464968, 2.938163982698783)
    d = (0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1.0)
    low = 0.02425
    if p < low:
        q = (-2 * float(np.log(p))) ** 0.5
        return _poly(c, q) / _poly(d, q)
    if p > 1 - low:
        return -normal_quantile(1 - p)
    q = p - 0.5
    return _poly(a, q * q) * q / _poly(b, q * q)


def normal(key: int, a: int = 0, b: int = 0) -> float:
    """Draw from the standard normal distribution."""
    return normal_quantile(unit(key, a, b))


def choose(key: int, weights: Sequence[float], a: int = 0) -> int:
    """Draw an index with the given weights."""
    left = unit(key, a) * sum(weights)
    for index, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return index
    return len(weights) - 1


def _poly(coefficients: tuple[float, ...], x: float) -> float:
    value = 0.0
    for coefficient in coefficients:
        value = value * x + coefficient
    return value
