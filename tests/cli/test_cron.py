import json

import pytest

from bot.cli.main import main

AFTER = "1774728000"  # 2026-03-28 20:00 UTC


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_next_prints_epoch_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--tz", "America/New_York", "--after", AFTER, "-n", "3", "-o", "json"]
    assert main(["cron", "next", "0 0 12 * * ?", *arguments]) == 0
    assert printed(capsys) == '{"fires": [1774800000, 1774886400, 1774972800]}\n'


def test_an_expression_of_the_past_has_no_next_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cron", "next", "0 0 6 * * ? 2020", "--tz", "UTC", "-o", "json"]) == 0
    assert json.loads(printed(capsys)) == {"fires": []}


@pytest.mark.parametrize("after", ["9" * 30, "99999999999"])
def test_beyond_the_calendar_nothing_fires(after: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cron", "next", "0 0 6 * * ?", "--after", after, "-o", "json"]) == 0
    assert json.loads(printed(capsys)) == {"fires": []}


@pytest.mark.parametrize("expression", ["", "   ", "0 6 * * *", "0 0 6 * * *", "-1 0 6 ? * MON"])
def test_next_refuses_what_is_no_quartz_expression(
    expression: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cron", "next", expression, "--tz", "UTC", "-o", "json"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "field" in captured.err


def test_next_knows_nothing_of_the_rules_of_airbyte(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cron", "next", "*/10 * * * * ?", "--after", AFTER, "-n", "2", "-o", "json"]) == 0
    assert json.loads(printed(capsys)) == {"fires": [1774728010, 1774728020]}


def test_the_zone_at_the_end_counts_where_none_is_given(
    capsys: pytest.CaptureFixture[str],
) -> None:
    expression = "0 0 6 * * ? America/Toronto"
    assert main(["cron", "next", expression, "--after", AFTER, "-n", "1"]) == 0
    assert printed(capsys) == "2026-03-29T06:00:00-04:00\n"


def test_two_zones_are_one_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cron", "next", "0 0 6 * * ? UTC", "--tz", "UTC"]) == 1
    assert "--tz" in capsys.readouterr().err


def test_an_unknown_zone_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cron", "explain", "0 0 6 * * ?", "--tz", "Mars/Phobos"]) == 1
    assert "Mars/Phobos" in capsys.readouterr().err


def test_a_count_below_one_is_a_usage_error() -> None:
    assert main(["cron", "next", "0 0 6 * * ?", "-n", "0"]) == 2


def test_explain_says_words_runs_gaps_and_what_airbyte_refuses(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["cron", "explain", "0 0/15 * ? * MON-FRI/2"]) == 0
    lines = printed(capsys)
    assert "Every 15 minutes" in lines
    assert "shortest 15 min, median 15 min, longest 2 d 15 min" in lines
    assert "note: Quartz does not read '/2'" in lines
    assert "refused: on Cloud: it fires 15 min apart" in lines
    assert "write it as" not in lines


def test_explain_names_the_days_that_the_clock_takes_away(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["cron", "explain", "0 30 2 * * ?", "--tz", "America/New_York"]) == 0
    lines = printed(capsys)
    assert "at 02:30:00: the clock skips that time" in lines
    assert "UTC only" in lines


def test_explain_has_a_stable_machine_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cron", "explain", "0 0 6 ? * 2", "-o", "json"]) == 0
    report = json.loads(printed(capsys))
    assert report["words"] == "At 06:00, only on Monday"
    assert report["gaps_seconds"]["median"] == 7 * 86_400
    assert len(report["fires"]) == 5
    assert report["airbyte"] == []
    assert report["spelling"] == "0 0 6 ? * 2 UTC"


def test_explain_of_what_never_fires_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cron", "explain", "0 0 6 * * ? 2020"]) == 0
    assert "does not fire within a year" in printed(capsys)
