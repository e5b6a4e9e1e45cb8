"""Policies in words: what was read, what holds for one connection, how tests went."""

import json
from collections.abc import Sequence
from typing import Any

from bot.advise.registry import installed
from bot.cases import conflicts_of, rule
from bot.cli.advice_json import spell_change
from bot.cli.survey import Survey
from bot.domain.subject import Subject
from bot.domain.verdict import label
from bot.policy.case import Ruling
from bot.policy.explanation import in_force, matching, verdict_lines
from bot.policy.fixtures import Result
from bot.policy.judging import Judge
from bot.policy.rules import Rules


def overview(rules: Rules) -> str:
    """Write one line a policy, in the order in which they are merged."""
    lines = [f"{each.where()}: {each.name}" for each in (*rules.policies, *rules.fallbacks)]
    return "\n".join([*lines, f"{len(rules.policies)} policies, {rules.digest}"])


def explain_text(survey: Survey, judge: Judge, subject: Subject) -> str:
    """Write the evaluation tree of one connection."""
    standing = judge.standing(subject)
    lines = [f"{subject.connection.name} ({subject.connection.id})", "", "policies:"]
    lines += [f"  {'  ' * depth}{text}" for depth, text in matching(judge, standing)]
    lines += ["", "in force:"]
    for each in in_force(standing):
        note = "" if each.counts else "   (another one is tighter)"
        lines.append(f"  {each.key}: {each.written}   {each.policy}, {each.where}{note}")
    for conflict in conflicts_of(judge, survey.situation, [subject]):
        lines.append(f"conflict: {conflict}")
    lines += ["", "advice of today:"]
    rulings = _rulings(survey, judge, subject)
    for ruling in rulings:
        setting, before, after = spell_change(ruling.recommendation.change)
        lines.append(f"  {ruling.recommendation.advisor}: {setting}: {before} → {after}")
        lines += [f"    {'  ' * depth}{text}" for depth, text in verdict_lines(judge, ruling)]
    return "\n".join(lines if rulings else [*lines, "  nothing is recommended"])


def explain_json(survey: Survey, judge: Judge, subject: Subject) -> str:
    """Write the same as one object."""
    standing = judge.standing(subject)
    made: dict[str, Any] = {
        "version": 1,
        "connection_id": subject.connection.id,
        "name": subject.connection.name,
        "policies": [
            {"policy": each.name, "where": each.where(), "matches": each.matches(subject)}
            for each in judge.rules.policies
        ],
        "in_force": [
            {
                "key": each.key,
                "written": each.written,
                "policy": each.policy,
                "where": each.where,
                "counts": each.counts,
            }
            for each in in_force(standing)
        ],
        "conflicts": [str(each) for each in conflicts_of(judge, survey.situation, [subject])],
        "verdicts": [_verdict_json(each) for each in _rulings(survey, judge, subject)],
    }
    return json.dumps(made, indent=2)


def results(found: Sequence[Result], uncovered: Sequence[str]) -> str:
    """Write how tests went, what failed, and what no test decides."""
    lines = []
    for each in found:
        lines.append(f"{'FAILED' if each.failures else 'ok':6}  {each.where}  {each.name}")
        lines += [f"        {failure}" for failure in each.failures]
        if each.failures:
            lines += [
                f"        {cited.sentence} ({cited.policy}, {cited.where})"
                for cited in each.ruling.verdict.citations
            ]
    lines += [f"no test decides {each}" for each in uncovered]
    failed = sum(bool(each.failures) for each in found)
    return "\n".join([*lines, f"{len(found)} tests, {failed} failed, {len(uncovered)} not covered"])


def _rulings(survey: Survey, judge: Judge, subject: Subject) -> list[Ruling]:
    """Judge what is advised of the whole fleet, since some limits count it, and keep one's own."""
    advice = [each for of_one in survey.advice(installed()).values() for each in of_one]
    ruled = rule(judge, survey.situation, advice)
    return [each for each in ruled if each.case.subject.connection.id == subject.connection.id]


def _verdict_json(ruling: Ruling) -> dict[str, Any]:
    setting, before, after = spell_change(ruling.recommendation.change)
    return {
        "advisor": ruling.recommendation.advisor,
        "setting": setting,
        "before": before,
        "after": after,
        "verdict": label(ruling.verdict),
        "citations": [
            {
                "policy": each.policy,
                "where": each.where,
                "sentence": each.sentence,
                "inputs": dict(each.inputs),
            }
            for each in ruling.verdict.citations
        ],
    }
