"""Setting changes: what a pull request carries, in the few plain values that outlive the run."""

from dataclasses import dataclass

from bot.pulls.digest import digest


@dataclass(frozen=True, slots=True)
class Interval:
    """A predicted figure: its median and its 90 % interval, exact numbers as text, and a unit.

    The unit is `USD/month`, `seconds/sync` or `missed deadlines/month`.
    """

    low: str
    middle: str
    high: str
    unit: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the change was promised to do; None where nothing was promised."""

    saving: Interval | None = None
    duration: Interval | None = None
    deadlines: Interval | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One setting of one connection."""

    connection: str
    setting: str


@dataclass(frozen=True, slots=True)
class SettingChange:
    """One setting of one connection, from one value to another, through one literal.

    `before` and `after` are the values as Terraform holds them; `file`, `address` and `path` say
    where. `direction` is 1 for more (more syncs, a larger number, resuming), -1 for less and 0
    where there is neither. `fingerprint` covers target, bucket of the value, and what policy asks:
    it stays the same as long as a person would call it the same proposal. `advisor` recommends it, and
    `donors` are connections that stay as they are, against which the outcome is measured.
    """

    connection: str
    setting: str
    before: str
    after: str
    file: str
    address: str
    path: str
    fingerprint: str
    direction: int = 0
    prediction: Prediction = Prediction()
    donors: tuple[str, ...] = ()
    advisor: str = ""

    @property
    def target(self) -> Target:
        """Return what changes, whatever the value."""
        return Target(self.connection, self.setting)

    @property
    def promise(self) -> str:
        """Return a digest of what the branch has to do for it: this literal, from and to."""
        return digest(self.file, self.address, self.path, self.before, self.after)
