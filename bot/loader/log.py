"""The log of a run: one line for what a person should notice, in the words of the event."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.documents.redaction import Redactor
from bot.loader.events import Event, Note, ReadFailed, Sized, Started, WriteFailed


@dataclass
class Log:
    """Print notes, failures and every `log_every`-th adjustment of the batch size.

    Args:
        print_line: takes one line.
        redact: hides secrets in it.
        log_every: adjustments per line; 0 for none.
    """

    print_line: Callable[[str], None]
    redact: Redactor
    log_every: int = 50
    _adjustments: int = field(default=0, init=False)

    def __call__(self, event: Event) -> None:
        """Say what there is to say of an event."""
        match event:
            case Started():
                resumed = ", going on from the last bookmark" if event.resumed else ""
                self._say(f"{event.plane.value} plane: {event.plane_reason}{resumed}")
            case Note():
                self._say(f"warning: {event.message}" if event.warning else event.message)
            case WriteFailed(retried=True):
                self._say(
                    f"write failed ({event.kind}: {event.message}); trying again in "
                    f"{event.pause_seconds:.1f} s"
                )
            case ReadFailed(retried=True):
                self._say(f"read failed ({event.kind}: {event.message}); trying again")
            case Sized():
                self._adjusted(event)
            case _:
                pass

    def _adjusted(self, event: Sized) -> None:
        step = event.step
        if step is None or not step.adjusted:
            return
        self._adjustments += 1
        if self.log_every and self._adjustments % self.log_every == 0:
            self._say(
                f"batch size {step.size_before:,} → {step.size_after:,} ({step.reason.value}), "
                f"adjustment {self._adjustments:,}"
            )

    def _say(self, line: str) -> None:
        self.print_line(self.redact(line))
