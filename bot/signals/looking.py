"""Looking around: every lookout once, so that no one of them can end a run."""

from collections.abc import Iterable

from bot.documents.redaction import Redactor
from bot.domain.errors import TrimtabError
from bot.signals.lookout import Lookout, Scene, Sight, merged


def look(lookouts: Iterable[Lookout], scene: Scene) -> Sight:
    """Report what all lookouts see at `scene.now`.

    One that fails is a missing signal with one sentence of why, in which no secret is shown.
    """
    return merged(_one(each, scene) for each in lookouts)


def _one(lookout: Lookout, scene: Scene) -> Sight:
    try:
        return lookout.look(scene)
    except TrimtabError as error:
        reason = error.message
    except Exception as error:  # noqa: BLE001  a plug-in may fail in any way, and the run goes on
        reason = f"it failed: {type(error).__name__}: {error}"
    return Sight.missing(lookout.name, Redactor(lookout.secrets)(" ".join(reason.split())))
