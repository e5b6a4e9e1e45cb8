import pytest

from bot.domain.connection import Basic, Manual
from bot.domain.lineage import Downstream, Reader
from bot.domain.subject import Subject
from bot.policy.expression import VARIABLES, compile_when, variables
from tests.policy.cases import judge_of, subject

ADA = subject("sandbox-clicks", "analytical", "erp", owner="@ada")


def matches(match: str, of: Subject) -> bool | None:
    judge = judge_of(f"{{name: x, match: {match}}}")
    return judge.rules.policies[0].matches(of)


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("{}", True),
        ("{tag: analytical}", True),
        ("{tag: Analytical}", False),
        ("{tag: [financial, erp]}", True),
        ('{tag: "anal*"}', True),
        ('{name: "sandbox-*"}', True),
        ('{name: "sandbox"}', False),
        ('{name: "sandbox-c?icks"}', True),
        ("{workspace: main}", True),
        ("{workspace: w}", True),
        ("{workspace: other}", False),
        ("{source: stripe}", True),
        ("{source: snowflake}", False),
        ("{source: source-stripe}", True),
        ("{source: airbyte/source-stripe}", True),
        ('{destination: "destination-snow*"}', True),
        ("{connector: [source-mysql, destination-snowflake]}", True),
        ("{destination: snowflake}", True),
        ("{connector: snowflake}", True),
        ('{owner: "@ada"}', True),
        ("{schedule: cron}", True),
        ("{schedule: [manual, interval]}", False),
        ("{tag: analytical, source: postgres}", False),
        ("{all: [{tag: erp}, {tag: analytical}]}", True),
        ("{all: [{tag: erp}, {tag: none}]}", False),
        ("{any: [{tag: none}, {source: stripe}]}", True),
        ("{any: []}", False),
        ("{not: {tag: none}}", True),
        ("{not: {any: [{tag: none}, {tag: erp}]}}", False),
    ],
)
def test_a_match_speaks_of_what_it_says(match: str, *, expected: bool) -> None:
    assert matches(match, ADA) is expected


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("{owner: '@ada'}", None),
        ("{not: {owner: '@ada'}}", None),
        ("{source: stripe}", None),
        ("{owner: '@ada', tag: none}", False),
        ("{any: [{owner: '@ada'}, {tag: erp}]}", True),
        ("{any: [{owner: '@ada'}, {tag: none}]}", None),
        ("{connector: snowflake}", True),
        ("{connector: stripe}", None),
    ],
)
def test_what_is_not_on_record_is_not_known_unless_something_else_decides(
    match: str, *, expected: bool | None
) -> None:
    unknown = Subject(
        ADA.connection, source=None, destination=ADA.destination, workspace="main", owner=None
    )
    assert matches(match, unknown) is expected


@pytest.mark.parametrize(
    ("schedule", "kind"), [(Manual(), "manual"), (Basic(24, "hours"), "interval")]
)
def test_a_match_tells_kinds_of_schedules_apart(schedule: Manual | Basic, kind: str) -> None:
    assert matches(f"{{schedule: {kind}}}", subject(schedule=schedule)) is True


# Conditions in CEL.


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('name.startsWith("sandbox")', True),
        ('"erp" in tags && streams < 5', True),
        ('source == "stripe" && destination == "snowflake"', True),
        ("critical_readers > 0", True),
        ('schedule == "manual"', False),
        ('cron.matches("^0 0 6")', True),
        ("size(tags) == 2", True),
    ],
)
def test_a_condition_reads_what_is_on_record(expression: str, *, expected: bool) -> None:
    readers = (Reader("board", "dashboard", critical=True),)
    of = subject("sandbox-a", "erp", "x", downstream=Downstream(readers=readers))
    assert compile_when(expression)(of) is expected


@pytest.mark.parametrize(
    "expression",
    [
        'owner == "@ada"',
        'owner != "@ada"',
        'streams > 100 && owner == "@ada"',
        'streams == 0 || owner == "@ada"',
    ],
)
def test_what_is_missing_is_never_true_and_never_false_by_luck(expression: str) -> None:
    assert compile_when(expression)(subject(owner=None)) is None


def test_a_condition_that_fails_while_it_runs_is_not_known() -> None:
    assert compile_when("1 / streams > 0")(subject()) is None


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("ownr == 'x'", "undeclared reference to 'ownr'"),
        ("streams > 'a'", "no matching overload"),
        ("streams + 1", "is not a condition: it comes to INT"),
        ("[true]", "is not a condition: it comes to LIST<BOOL>"),
        ("streams >", "does not compile"),
    ],
)
def test_a_condition_is_checked_when_the_file_is_read(expression: str, why: str) -> None:
    from bot.domain.errors import ConfigError

    with pytest.raises(ConfigError) as caught:
        judge_of(f'{{name: x, match: {{when: "{expression}"}}}}')
    assert why in caught.value.message
    assert "rules.yaml:4:" in caught.value.message


def test_every_variable_has_a_value_or_none() -> None:
    assert set(variables(subject())) == set(VARIABLES)


def test_without_the_engine_a_condition_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from bot.domain.errors import ConfigError

    monkeypatch.setattr("bot.policy.expression.installed", lambda: False)
    with pytest.raises(ConfigError, match=r"pip install 'trimtab\[cel\]'"):
        judge_of("{name: x, match: {when: 'streams > 3'}}")
