"""A crew: a few questions asked of Airbyte side by side."""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from bot.airbyte.transport import MOST_IN_FLIGHT

Answer = TypeVar("Answer")


def ask_all(questions: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Ask in parallel and return the answers in the order of the questions.

    The threads are daemons, so that Ctrl-C never waits for an answer.

    Raises:
        Exception: what the first failing question raised.
    """
    waiting = queue.SimpleQueue[tuple[int, Callable[[], Answer]]]()
    answered = queue.SimpleQueue[tuple[int, Answer] | BaseException]()
    for numbered in enumerate(questions):
        waiting.put(numbered)

    def work() -> None:
        while True:
            try:
                place, question = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                answered.put((place, question()))
            except BaseException as error:  # noqa: BLE001  handed over to the thread that asked
                answered.put(error)

    for _ in range(min(MOST_IN_FLIGHT, len(questions))):
        threading.Thread(target=work, daemon=True).start()
    answers: dict[int, Answer] = {}
    for _ in questions:
        outcome = answered.get()
        if isinstance(outcome, BaseException):
            raise outcome
        answers[outcome[0]] = outcome[1]
    return [answers[place] for place in range(len(questions))]
