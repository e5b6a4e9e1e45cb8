"""Scopes: where an expression is read, and what reading it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.edit import Refusal, RefusalReason
from bot.terraform.address import Key, ModuleStep, Steps, render
from bot.terraform.hcl import Block
from bot.terraform.module import Module
from bot.terraform.syntax import (
    Call,
    Conditional,
    Expression,
    Heredoc,
    Opaque,
    Scalar,
    Template,
)


@dataclass(eq=False)
class Derived(Expression):
    """A value that is worked out (a key, an index, a path), not written as such anywhere."""

    value: Scalar


@dataclass(eq=False)
class Identity(Expression):
    """The id of a source, destination or connection of this root, which only Airbyte knows."""

    address: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Trail:
    """How a value was followed: the names on the way, and the blocks that it went through."""

    names: tuple[str, ...] = ()
    blocks: tuple[tuple[str, Steps], ...] = ()

    def via(self, name: str, path: Steps) -> "Trail":
        """Add a name, with the path that is still to go."""
        return Trail((*self.names, name + render(path)), self.blocks)

    def into(self, address: str, path: Steps) -> "Trail":
        """Add a resource or data source whose argument is followed."""
        return Trail(self.names, (*self.blocks, (address, path)))


@dataclass(eq=False)
class Instance:
    """One instance of a module; `arguments` is where the caller's arguments are read."""

    module: Module
    steps: tuple[ModuleStep, ...] = ()
    call: Block | None = None
    arguments: "Scope | None" = None

    @property
    def prefix(self) -> str:
        """Return `module.a.module.b.`, or nothing for the root."""
        return "".join(f"{step}." for step in self.steps)


@dataclass(eq=False)
class Scope:
    """Where names get their meaning.

    `key` is the instance key of the block around (`each.key`, `count.index`), `for_each` the
    collection behind `each.value`, `names` the variables of the `for` expressions around.
    """

    instance: Instance
    key: Key | None = None
    for_each: Expression | None = None
    names: Mapping[str, "Reached"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reached:
    """An expression that decides a value, and the scope to read it in."""

    expression: Expression
    scope: Scope
    trail: Trail = Trail()


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing is there: `left` steps of the path were still to go, in `where`."""

    where: Expression
    left: int


Outcome = Reached | Missing | Refusal


def refuse(reason: RefusalReason, detail: str, where: Expression) -> Refusal:
    """Say why a value cannot be followed, and the place to edit by hand."""
    return Refusal(reason, detail, where.document.name, where.line)


def undecided(  # noqa: PLR0911  one return per form of expression
    expression: Expression,
) -> Refusal:
    """Say why an expression is not a literal that could be changed."""
    match expression:
        case Template():
            detail = f"the value is put together in {expression.text}"
            return refuse(RefusalReason.INTERPOLATION, detail, expression)
        case Conditional():
            detail = f"a condition chooses the value: {expression.text}"
            return refuse(RefusalReason.CONDITIONAL, detail, expression)
        case Heredoc():
            return refuse(RefusalReason.HEREDOC, "the value is a heredoc", expression)
        case Call(name="merge"):
            return refuse(RefusalReason.MERGE, "the value comes out of merge()", expression)
        case Call(name=name):
            detail = f"the value comes out of {name}()"
            return refuse(RefusalReason.FUNCTION, detail, expression)
        case Identity(address=address, attribute=attribute):
            detail = f"{address}.{attribute} is only known after apply"
            return refuse(RefusalReason.COMPUTED, detail, expression)
        case Opaque(what=what):
            detail = f"trimtab does not follow this {what}"
            return refuse(RefusalReason.COMPUTED, detail, expression)
    return refuse(
        RefusalReason.COMPUTED, f"the value is not a single literal: {expression.text}", expression
    )
