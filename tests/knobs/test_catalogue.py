from pathlib import Path

import pytest

from bot.domain.errors import ConfigError
from bot.domain.knob import Bounds, Direction, KnobKind
from bot.knobs.catalogue import load

CATALOGUE = load()
_ROW = '{"connector":"source-a","path":"p","type":"integer","kind":"window","effect":"x"}'


def test_a_knob_is_found_by_connector_and_path_only() -> None:
    days = CATALOGUE.find("source-dixa", "batch_size")
    rows = CATALOGUE.find("source-google-sheets", "batch_size")
    assert days is not None
    assert days.kind is KnobKind.WINDOW
    assert rows is not None
    assert rows.kind is KnobKind.BATCH_SIZE
    assert CATALOGUE.find("source-stripe", "batch_size") is None


@pytest.mark.parametrize(
    "name", ["source-stripe", "stripe", "airbyte/source-stripe", "source_stripe", "Stripe"]
)
def test_a_connector_goes_by_each_of_its_names(name: str) -> None:
    knob = CATALOGUE.find(name, "num_workers")
    assert knob is not None
    assert (knob.connector, knob.spec) == ("source-stripe", Bounds(1, 20))


def test_a_short_name_that_fits_two_connectors_finds_only_what_one_of_them_has() -> None:
    assert {knob.connector for knob in CATALOGUE.of("kafka")} == {
        "source-kafka",
        "destination-kafka",
    }
    assert CATALOGUE.find("kafka", "linger_ms") is not None
    assert CATALOGUE.find("kafka", "receive_buffer_bytes") is None
    assert CATALOGUE.find("source-kafka", "receive_buffer_bytes") is not None


def test_a_typed_path_leads_to_the_same_knob() -> None:
    typed = "replication_method.read_changes_using_write_ahead_log_cdc.queue_size"
    knob = CATALOGUE.find_typed("source-postgres", typed)
    assert knob == CATALOGUE.find("postgres", "replication_method.queue_size")
    assert knob is not None
    assert knob.requires == {"replication_method.method": "CDC"}


def test_options_that_decide_which_data_arrives_are_kept_apart_with_a_reason() -> None:
    assert CATALOGUE.find("source-kafka", "max_records_process") is None
    assert "which rows arrive" in str(
        CATALOGUE.why_untouched("source-kafka", "max_records_process")
    )
    assert CATALOGUE.why_untouched("source-kafka", "max_poll_records") is None


@pytest.mark.parametrize(
    "path",
    [
        "lookback_window_days",
        "insights_lookback_window",
        "attribution_window",
        "conversion_window_days",
        "processing.chunk_size",
        "max_records",
        "start_date",
        "api_key",
        "custom_insights[].page_size",
    ],
)
def test_nobody_can_list_what_is_never_touched(path: str, tmp_path: Path) -> None:
    team = tmp_path / "team.jsonl"
    team.write_text(_ROW.replace("source-a", "source-own").replace('"p"', f'"{path}"'))
    catalogue = load(team)
    assert catalogue.of("source-own") == ()
    assert catalogue.find("source-own", path) is None
    assert catalogue.why_untouched("source-own", path)


def test_every_knob_can_be_turned_and_holds_its_own_default() -> None:
    assert len(CATALOGUE) > 100
    for knob in CATALOGUE:
        low, high = knob.bounds.low, knob.bounds.high
        assert low is not None, knob
        assert high is not None or knob.kind is KnobKind.RATE_LIMIT, knob
        assert high is None or low <= high, knob
        if knob.default is not None:
            assert knob.objection(knob.default) is None, knob
        assert knob.effect, knob
        assert knob.provenance, knob


def test_our_own_limits_are_marked_and_never_replace_a_stated_one() -> None:
    for knob in CATALOGUE:
        assert bool(knob.caution) == (knob.safe != Bounds()), knob
        if knob.spec.low is not None and knob.spec.high is not None:
            assert knob.bounds == knob.spec, knob


def test_a_timeout_is_never_shortened_and_a_quota_never_raised() -> None:
    directions = {knob.kind: knob.direction for knob in CATALOGUE}
    assert directions[KnobKind.TIMEOUT] is Direction.UP
    assert directions[KnobKind.RATE_LIMIT] is Direction.DOWN


def test_the_queue_in_the_heap_of_a_change_reader_is_never_made_longer_than_its_default() -> None:
    knob = CATALOGUE.find("source-postgres", "replication_method.queue_size")
    assert knob is not None
    assert knob.objection(10_001) is not None


def test_a_definition_id_leads_to_its_connector() -> None:
    assert CATALOGUE.connector_of("decd338e-5647-4c0b-adf4-da0e75f5a750") == "source-postgres"
    assert CATALOGUE.connector_of("nobody") is None


def test_a_team_row_adds_to_the_catalogue_or_replaces_a_built_in_row(tmp_path: Path) -> None:
    team = tmp_path / "team.jsonl"
    team.write_text(
        "# our own\n"
        '{"connector":"source-own","path":"page_size","type":"integer","kind":"batch_size",'
        '"default":10,"max":50,"effect":"rows a page"}\n\n'
        '{"connector":"source-stripe","path":"num_workers","type":"integer",'
        '"kind":"parallelism","default":10,"min":1,"max":4,"effect":"fewer here"}\n'
    )
    catalogue = load(team)
    own = catalogue.find("own", "page_size")
    assert own is not None
    assert own.bounds == Bounds(1, 50)
    assert own.provenance == f"{team}:2"
    stripe = catalogue.find("stripe", "num_workers")
    assert stripe is not None
    assert stripe.spec.high == 4
    assert len(catalogue) == len(CATALOGUE) + 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "Invalid JSON"),
        ('{"connector":"stripe"}', "connector"),
        ('{"connector":"source-a","path":"p","type":"integer","effect":"x"}', "needs `kind`"),
        (_ROW.replace("}", ',"safe_max":3}'), "safe_why"),
        (_ROW.replace("}", ',"min":3,"max":2}'), "above"),
    ],
)
def test_a_bad_row_is_refused_with_its_file_and_line(line: str, said: str, tmp_path: Path) -> None:
    team = tmp_path / "team.jsonl"
    team.write_text(f"\n{line}\n")
    with pytest.raises(ConfigError, match=said) as caught:
        load(team)
    assert str(caught.value).startswith(f"{team}:2: ")


def test_a_row_listed_twice_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "twice.jsonl").write_text(f"{_ROW}\n{_ROW}\n")
    with pytest.raises(ConfigError, match=r"twice\.jsonl:2: .* listed twice"):
        load(tmp_path / "twice.jsonl")
    with pytest.raises(ConfigError, match=r"nowhere\.jsonl"):
        load(tmp_path / "nowhere.jsonl")
