"""The resolver: follow an expression down a path to the one place that decides the value."""

from dataclasses import replace

from bot.domain.edit import Refusal, RefusalReason
from bot.terraform import calls, constants, elements, references
from bot.terraform.address import Step, Steps, Subscript
from bot.terraform.configuration import Configuration
from bot.terraform.scope import (
    Derived,
    Identity,
    Missing,
    Outcome,
    Reached,
    Scope,
    Trail,
    refuse,
    undecided,
)
from bot.terraform.syntax import (
    Attribute,
    Call,
    Conditional,
    Expression,
    For,
    Heredoc,
    Index,
    Literal,
    Name,
    Object,
    Operation,
    Template,
    Tuple,
)

_DEPTH = 120
NOWHERE = Trail()


class Resolver:
    """Follows expressions of one configuration; what it has worked out once, it keeps."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.tables: dict[tuple[Expression, Scope], elements.Table | None] = {}
        self._depth = 0

    def reach(
        self, expression: Expression, scope: Scope, path: Steps, trail: Trail = NOWHERE
    ) -> Outcome:
        """Follow `path` into an expression.

        Returns what decides the value (a literal, or a container when the path ends above the
        leaves), that there is nothing, or why it cannot be told.
        """
        self._depth += 1
        try:
            if self._depth > _DEPTH:
                return refuse(RefusalReason.COMPUTED, "it refers to itself", expression)
            return self._reach(expression, scope, path, trail)
        finally:
            self._depth -= 1

    def _reach(  # noqa: PLR0911  one case per form of expression
        self, expression: Expression, scope: Scope, path: Steps, trail: Trail
    ) -> Outcome:
        match expression:
            case Literal() | Derived() | Heredoc():
                return self._leaf(expression, scope, path, trail)
            case Object() | Tuple() | For() | Identity() if not path:
                return Reached(expression, scope, trail)
            case Object():
                return self._entry(expression, scope, path, trail)
            case Tuple():
                return self._item(expression, scope, path, trail)
            case For():
                return self._generated(expression, scope, path, trail)
            case Name() | Attribute() | Index():
                return self._chain(expression, scope, path, trail)
            case Call():
                return calls.reach(self, expression, scope, path, trail)
            case Template(parts=(Expression() as only,)):
                return self.reach(only, scope, path, trail)
            case Template() | Conditional() | Operation() if not path:
                return Reached(expression, scope, trail)
        return undecided(expression)

    def _leaf(self, expression: Expression, scope: Scope, path: Steps, trail: Trail) -> Outcome:
        if not path:
            return Reached(expression, scope, trail)
        if isinstance(expression, Heredoc):
            return refuse(RefusalReason.HEREDOC, "the value is inside a heredoc", expression)
        value = getattr(expression, "value", None)
        if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
            return refuse(
                RefusalReason.JSON_TEXT, "the value is inside JSON written as text", expression
            )
        return Missing(expression, len(path))

    def _entry(self, expression: Object, scope: Scope, path: Steps, trail: Trail) -> Outcome:
        key = str(path[0])
        found = expression.known.get(key, [])
        for entry in expression.computed:
            constant = self.constant(entry.key, scope)
            if constant is constants.UNKNOWN:
                return refuse(
                    RefusalReason.COMPUTED,
                    f"the key {entry.key.text} beside it is not a constant",
                    entry.key,
                )
            if constants.text(constant) == key:
                found = [*found, entry.value]
        if len(found) > 1:
            return refuse(RefusalReason.AMBIGUOUS, f"the key {key!r} is written twice", found[1])
        if not found:
            return Missing(expression, len(path))
        return self.reach(found[0], scope, path[1:], trail)

    def _item(self, expression: Tuple, scope: Scope, path: Steps, trail: Trail) -> Outcome:
        step = path[0]
        items = expression.items
        if isinstance(step, str):
            matches = [i for i in items if constants.text(self.constant(i, scope)) == step]
            if len(matches) == 1:
                return self.reach(matches[0], scope, path[1:], trail)
            return Missing(expression, len(path))
        if step < len(items):
            return self.reach(items[step], scope, path[1:], trail)
        return Missing(expression, len(path))

    def _generated(self, expression: For, scope: Scope, path: Steps, trail: Trail) -> Outcome:
        table = elements.table(self, expression, scope)
        if isinstance(table, Refusal):
            return table
        key = path[0] if expression.key is None else Subscript(path[0])
        found = table.get(key)
        if found is None:
            return Missing(expression, len(path))
        return self.reach(found.expression, found.scope, path[1:], trail)

    def _chain(self, expression: Expression, scope: Scope, path: Steps, trail: Trail) -> Outcome:
        """Follow `name.a["b"].c`: split it into its root and its steps."""
        steps: list[Step] = []
        at = expression
        while isinstance(at, Attribute | Index):
            if isinstance(at, Attribute):
                steps.append(at.name)
            else:
                key = self.constant(at.key, scope)
                if isinstance(key, str):
                    steps.append(Subscript(key))
                elif isinstance(key, int) and not isinstance(key, bool):
                    steps.append(key)
                else:
                    return refuse(
                        RefusalReason.COMPUTED, f"the key {at.key.text} is not a constant", at.key
                    )
            at = at.base
        whole = (*reversed(steps), *path)
        if isinstance(at, Name):
            return references.reach(self, at, scope, whole, trail)
        return self.reach(at, scope, whole, trail)

    def constant(self, expression: Expression, scope: Scope) -> constants.Constant:
        """Work out the value of an expression, or return `UNKNOWN`."""
        return constants.constant(self, expression, scope)

    def elements(self, expression: Expression, scope: Scope) -> elements.Elements | Refusal:
        """List what a collection holds, with the keys, or say why that cannot be told."""
        return elements.elements(self, expression, scope)

    def bind(self, scope: Scope, names: dict[str, Reached]) -> Scope:
        """Open a scope inside a `for`."""
        return replace(scope, names={**scope.names, **names})
