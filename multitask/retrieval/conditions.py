"""How does a parsed expression become a condition of SQL, with values as parameters?"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, NoReturn

from multitask.contracts.errors import UserError, nearest
from multitask.retrieval.expression import Expression, comparisons, value

Kind = Literal["number", "text", "yes/no", "empty", "other"]
_SQL = {
    ast.Eq: "=",
    ast.NotEq: "<>",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_MIRRORED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
_HOLDS = {
    "number": "numbers",
    "text": "text",
    "yes/no": "yes (1) or no (0)",
    "other": "neither numbers nor text",
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of answers as SQL: its `value`, and the `probability` of yes if known.

    `is_binary` says that a column of numbers holds only 0 and 1; `example` is a value.
    """

    name: str
    kind: Kind
    value: str
    probability: str = ""
    is_binary: bool = False
    example: Any = None

    @property
    def holds(self) -> str:
        """What is in it, in words."""
        example = f" such as {self.example!r}" if self.kind == "text" else ""
        return f"column {self.name!r} holds {_HOLDS[self.kind]}{example}"


class Condition(NamedTuple):
    """A condition of SQL, and the values that its question marks stand for."""

    sql: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """Compile parts of one expression over columns of these names.

    `texts` collects which text is looked for in which column.

    Conditions have three values, as SQL has them: a missing answer makes a comparison
    neither true nor false, and `not` leaves it so.
    """

    expression: Expression
    columns: Mapping[str, Column]
    texts: list[tuple[Column, str]] = field(default_factory=list)

    def condition(self, node: ast.expr) -> Condition:
        """The condition of a part of the expression.

        Raises UserError if a text is compared with a number, and for what no answer can
        be, such as a yes/no label above 1.
        """
        if isinstance(node, ast.BoolOp):
            word = " AND " if isinstance(node.op, ast.And) else " OR "
            return _joined(word, [self.condition(part) for part in node.values])
        if isinstance(node, ast.UnaryOp):
            sql, values = self.condition(node.operand)
            return Condition(f"(NOT {sql})", values)
        if isinstance(node, ast.Compare):
            parts = [self._comparison(node, *three) for three in comparisons(node)]
            return _joined(" AND ", parts)
        assert isinstance(node, ast.Name)  # as `parse` allows nothing else
        return self._yes(node)

    def _column(self, node: ast.Name) -> Column:
        return self.columns[self.expression.name(node)]

    def _yes(self, node: ast.Name) -> Condition:
        column = self._column(node)
        if column.kind == "empty":
            return Condition("NULL::BOOLEAN")
        if column.kind != "yes/no" and not column.is_binary:
            value = "'...'" if column.kind == "text" else "30"
            name = self.expression.source(node)
            self._refuse(node, column.holds, f"compare it, as in {name} == {value}")
        return Condition(f"({column.value} = 1)")

    def _comparison(
        self, node: ast.Compare, left: ast.expr, operator: ast.cmpop, right: ast.expr
    ) -> Condition:
        if isinstance(operator, ast.Is | ast.IsNot):
            assert isinstance(left, ast.Name)
            word = "NOT NULL" if isinstance(operator, ast.IsNot) else "NULL"
            return Condition(f"({self._column(left).value} IS {word})")
        if isinstance(operator, ast.In | ast.NotIn):
            sql, values = self._membership(node, left, right)
            is_not = isinstance(operator, ast.NotIn)
            return Condition(f"(NOT {sql})" if is_not else sql, values)
        if isinstance(left, ast.Name) and isinstance(right, ast.Name):
            return self._between_columns(node, left, operator, right)
        if isinstance(right, ast.Name):
            mirrored = _MIRRORED.get(type(operator))
            left, operator, right = right, mirrored() if mirrored else operator, left
        assert isinstance(left, ast.Name)
        constant = value(right)
        column = self._column(left)
        is_order = not isinstance(operator, ast.Eq | ast.NotEq)
        place = self._place(node, column, constant, is_order)
        return Condition(f"({place} {_SQL[type(operator)]} ?)", (_safe(constant),))

    def _membership(
        self, node: ast.Compare, left: ast.expr, right: ast.expr
    ) -> Condition:
        if isinstance(right, ast.Name):  # a text in a column
            column, text = self._column(right), value(left)
            if column.kind == "empty":
                return Condition("NULL::BOOLEAN")
            if column.kind != "text":
                self._refuse(node, f"{column.holds}, not text")
            return Condition(f"contains({column.value}, ?)", (text,))
        assert isinstance(left, ast.Name)
        assert isinstance(right, ast.Tuple | ast.List | ast.Set)
        column = self._column(left)
        for each in right.elts:
            if isinstance(each, ast.Name):
                pair = " == ".join(map(self.expression.source, (left, each)))
                what = f"has the column {self._column(each).name!r} among the values"
                self._refuse(node, what, f"write {pair} or ...")
        constants = [value(each) for each in right.elts]
        for constant in constants:
            place = self._place(node, column, constant, is_order=False)
        marks = ", ".join("?" * len(constants))
        return Condition(f"({place} IN ({marks}))", tuple(map(_safe, constants)))

    def _between_columns(
        self, node: ast.Compare, left: ast.Name, operator: ast.cmpop, right: ast.Name
    ) -> Condition:
        one, other = self._column(left), self._column(right)
        kinds = {one.kind, other.kind} - {"empty"}
        if "other" in kinds or len(kinds) > 1:
            self._refuse(node, f"{one.holds}, {other.holds}", "compare like with like")
        if len(kinds) == 0 or "empty" in (one.kind, other.kind):
            return Condition("NULL::BOOLEAN")
        places = [one.value, other.value]
        if kinds == {"yes/no"} and not isinstance(operator, ast.Eq | ast.NotEq):
            places = [one.probability, other.probability]
            if not all(places):
                self._refuse(node, "compares answers without a probability by size")
        return Condition(f"({places[0]} {_SQL[type(operator)]} {places[1]})")

    def _place(
        self, node: ast.Compare, column: Column, constant: Any, is_order: bool
    ) -> str:
        """What of a column is compared with a constant: its value or probability."""
        is_text = isinstance(constant, str)
        if column.kind == "empty":
            return "NULL"
        if column.kind == "yes/no":
            return self._yes_or_no(node, column, constant, is_order)
        if column.kind == "text" and is_text:
            if not is_order:
                self.texts.append((column, constant))
            return column.value
        if column.kind == "number" and not is_text and not isinstance(constant, bool):
            return column.value
        what = f"is compared with the {_kind_of(constant)} {constant!r}"
        self._refuse(node, f"{column.holds}, but {what}", _alike(column, constant))

    def _yes_or_no(
        self, node: ast.Compare, column: Column, constant: Any, is_order: bool
    ) -> str:
        if isinstance(constant, str):
            what = f"{column.holds}, but is compared with the text {constant!r}"
            self._refuse(node, what, _how(column))
        if not is_order:
            if constant not in (0, 1):
                self._refuse(node, f"{column.holds}, never {constant!r}", _how(column))
            return column.value
        if not column.probability:
            what = f"{column.holds}, without a probability"
            self._refuse(node, what, _how(column))
        if isinstance(constant, bool) or not 0 < constant < 1:
            what = f"compares the probability of {column.name!r} with {constant!r}"
            self._refuse(node, f"{what}, must be between 0 and 1", _how(column))
        return column.probability

    def _refuse(self, node: ast.expr, what: str, todo: str = "") -> NoReturn:
        self.expression.refuse(node, what, todo)


def _joined(word: str, parts: list[Condition]) -> Condition:
    values = tuple(value for part in parts for value in part.values)
    return Condition(f"({word.join(part.sql for part in parts)})", values)


def _how(column: Column) -> str:
    name = column.name if column.name.isidentifier() else f"`{column.name}`"
    ways = f"write {name} for yes, not {name} for no"
    return ways + (f", or {name} > 0.8" if column.probability else "")


def _kind_of(constant: Any) -> str:
    if isinstance(constant, bool):
        return "truth value"
    return "text" if isinstance(constant, str) else "number"


def _alike(column: Column, constant: Any) -> str:
    """What to write if only the quotes are wrong."""
    if column.kind == "text":
        return f"write {str(constant)!r} in quotes"
    return "write the number without quotes" if isinstance(constant, str) else ""


def _safe(constant: Any) -> Any:
    """A constant as DuckDB takes it: whole numbers beyond its range as floats."""
    if isinstance(constant, bool):
        return int(constant)
    if isinstance(constant, int) and abs(constant) >= 2**63:
        try:
            return float(constant)
        except OverflowError:
            return float("inf") if constant > 0 else float("-inf")
    return constant


def check_names(
    names: tuple[str, ...],
    known: list[str],
    where: str,
    expression: Expression | None = None,
) -> None:
    """Raise UserError for a column that the answers don't have."""
    for name in names:
        if name not in known:
            todo = nearest(name, known)
            if column := expression and expression.compared_with(name, known):
                todo = f"for a text, write quotes: {column} == {name!r}; {todo}"
            if "status" not in known:  # which all tables of predictions have
                todo += "; this table is not one that predict wrote"
            odd = [k for k in known if not k.isidentifier()]
            if odd and todo.startswith("known"):
                todo += f"; in an expression, write others in backticks: `{odd[0]}`"
            raise UserError(where, f"there is no column {name!r}", todo)
