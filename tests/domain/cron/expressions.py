"""Hypothesis strategies for cron expressions: well-formed ones, and text that resembles them."""

from hypothesis import strategies as st

_MONTHS = ["JAN", "feb", "Mar", "DEC"]
_WEEKDAYS = ["SUN", "mon", "Fri", "SAT"]
_ALPHABET = "0123456789 */-,?LW#MONFRIJAfebx\t\n"

zones = st.sampled_from(
    [
        "UTC",
        "America/New_York",
        "America/Santiago",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "Europe/Berlin",
        "Africa/Cairo",
    ]
)


def _field(low: int, high: int, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    number = st.integers(low, high).map(str)
    step = st.integers(1, high).map(str)
    one = st.one_of(number, st.sampled_from(names)) if names else number
    span = st.tuples(number, number).map("-".join)
    term = st.one_of(
        one,
        span,
        st.tuples(st.one_of(number, span, st.just("*")), step).map("/".join),
    )
    return st.one_of(st.just("*"), st.lists(term, min_size=1, max_size=3).map(",".join))


_month_days = st.one_of(
    _field(1, 31),
    st.sampled_from(["L", "LW"]),
    st.integers(1, 27).map(lambda day: f"L-{day}"),
    st.integers(1, 27).map(lambda day: f"L-{day}W"),
    st.integers(1, 28).map(lambda day: f"{day}W"),
)
_weekdays = st.one_of(
    _field(1, 7, tuple(_WEEKDAYS)),
    st.integers(1, 7).map(lambda day: f"{day}L"),
    st.tuples(st.sampled_from(_WEEKDAYS), st.integers(1, 5)).map(
        lambda pair: f"{pair[0]}#{pair[1]}"
    ),
)
_days = st.one_of(
    _month_days.map(lambda days: (days, "?")), _weekdays.map(lambda weekdays: ("?", weekdays))
)
_times = st.tuples(st.integers(0, 59).map(str), _field(0, 59), _field(0, 23)).map(" ".join)

expressions = st.builds(
    lambda time, days, months: f"{time} {days[0]} {months} {days[1]}",
    _times,
    _days,
    _field(1, 12, tuple(_MONTHS)),
)

nonsense = st.one_of(
    st.text(max_size=40),
    st.text(alphabet=_ALPHABET, max_size=40),
    st.lists(st.text(alphabet=_ALPHABET, min_size=1, max_size=6), min_size=6, max_size=8).map(
        " ".join
    ),
    st.builds(
        lambda text, place, extra: text[:place] + extra + text[place + 1 :],
        expressions,
        st.integers(0, 30),
        st.text(alphabet=_ALPHABET, max_size=2),
    ),
)
