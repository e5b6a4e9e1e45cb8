"""Order statistics over a whole fleet at once: medians and quantiles of many small groups."""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

_SIGN: Final = np.uint32(0x8000_0000)
_ALL: Final = np.uint32(0xFFFF_FFFF)


def median(values: Floats) -> Floats:
    """Return the median along the last axis; NaN is "no value", and all NaN gives NaN."""
    ordered = np.sort(values, axis=-1)
    count = (~np.isnan(ordered)).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0), axis=-1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, values.shape[-1] - 1), axis=-1)
    middle = ((low + high) / 2)[..., 0]
    return np.where(count[..., 0] > 0, middle, np.float32(np.nan)).astype(np.float32)


def grouped_quantiles(
    group: NDArray[Any], values: Floats, groups: int, levels: Sequence[float]
) -> tuple[Floats, Ints]:
    """Return the quantiles of each group, and how many values it has.

    Args:
        group: the group of each value, from 0 to `groups` - 1.
        values: one finite number each, in any order.
        groups: how many groups there are; one without values gets NaN.
        levels: quantile levels; the one at q is interpolated at rank q·(n + 1), as conformal
            prediction wants it, which is the middle for q = 1/2.

    Returns:
        An array (groups, levels) and an array (groups).
    """
    # One sort of group and value packed into an integer is several times faster than sorting
    # by two keys: the bits of a float, with the negatives turned over, sort as the float does.
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    ordered = np.where(bits & _SIGN, bits ^ _ALL, bits ^ _SIGN).astype(np.uint64)
    packed = np.sort((group.astype(np.uint64) << np.uint64(32)) | ordered)
    low_bits = (packed & np.uint64(_ALL)).astype(np.uint32)
    sorted_values = np.where(low_bits & _SIGN, low_bits ^ _SIGN, low_bits ^ _ALL).view(np.float32)
    counts = np.bincount(group, minlength=groups)
    first = np.cumsum(counts) - counts
    result = np.full((groups, len(levels)), np.nan, np.float32)
    some = counts > 0
    for column, level in enumerate(levels):
        rank = np.clip(level * (counts[some] + 1) - 1, 0, counts[some] - 1)
        below = np.floor(rank).astype(np.int64)
        above = np.minimum(below + 1, counts[some] - 1)
        share = (rank - below).astype(np.float32)
        start = first[some]
        result[some, column] = (
            sorted_values[start + below] * (1 - share) + sorted_values[start + above] * share
        )
    return result, counts.astype(np.int64)


def grouped_median(group: NDArray[Any], values: Floats, groups: int) -> Floats:
    """Return the median of each group; NaN where there is no value."""
    return grouped_quantiles(group, values, groups, (0.5,))[0][:, 0]
