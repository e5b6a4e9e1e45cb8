import pytest

from bot.domain.sync import Failure
from bot.domain.trouble import Cause, cause_of


@pytest.mark.parametrize(
    ("kind", "message", "cause"),
    [
        ("system_error", "The source ran out of memory.", Cause.OUT_OF_MEMORY),
        ("system_error", "java.lang.OutOfMemoryError: Java heap space", Cause.OUT_OF_MEMORY),
        ("system_error", "Source process exited with exit code 137", Cause.OUT_OF_MEMORY),
        ("transient_error", "Rate limit exceeded by the Stripe API.", Cause.RATE_LIMITED),
        ("config_error", "HTTP 429 after 5 retries", Cause.RATE_LIMITED),
        ("transient_error", "The database did not answer in time.", Cause.TIMED_OUT),
        ("heartbeat_timeout", "Airbyte detected that it is stuck.", Cause.TIMED_OUT),
        ("system_error", "The credentials have expired or were revoked.", Cause.CONFIGURATION),
        ("config_error", "The table is gone.", Cause.CONFIGURATION),
        ("manual_cancellation", "The sync was cancelled.", Cause.CANCELLED),
        ("transient_error", "The source closed the connection.", Cause.OTHER),
        ("system_error", "4290 rows were not written", Cause.OTHER),
    ],
)
def test_airbytes_words_tell_the_cause(kind: str, message: str, cause: Cause) -> None:
    assert cause_of(Failure("source", kind, message)) is cause


def test_only_what_less_load_could_avoid_is_of_load() -> None:
    of_load = {cause for cause in Cause if cause.is_of_load}
    assert of_load == {Cause.OUT_OF_MEMORY, Cause.RATE_LIMITED, Cause.TIMED_OUT}
