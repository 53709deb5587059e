"""What does an expression such as `Smiling > 0.8 and not Eyeglasses` compare?

It is written as in Python and parsed by Python's own parser, but never run: whatever is
not a comparison is an error.
"""

import ast
import keyword
import re
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, NoReturn

from multitask.contracts.errors import UserError

LONGEST = 10_000  # letters of an expression
_SHOWN = 60  # letters of what an error quotes
_HOW = "write comparisons such as age < 30, joined by and, or, not"
_MISSING = "missing"
# Text in quotes, as it is; or the name of a column in backticks.
_TOKEN = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`([^`]*)`""", re.DOTALL)
_KEYWORDS = {*keyword.kwlist} - {"and", "or", "not", "in", "is", "if", "else", "lambda"}
_HINTS = (  # of expressions that are no Python: what they contain, and what to write
    (r"(?<![=!<>])=(?!=)", "write == for equal, and names of classes in quotes"),
    (r"<>", "write != for not equal"),
    (r"&&|\|\||!(?!=)", "write and, or, not"),
    (
        r"\b(?:AND|OR|NOT|IN|IS|NULL|LIKE|BETWEEN)\b",
        "write and, or, not, in, is missing",
    ),
    (r"`", "close the backtick"),
    (
        rf"\b(?:{'|'.join(sorted(_KEYWORDS))})\b",
        r"put the column in backticks: `\g<0>`",
    ),
)
_WHAT = {  # what is not allowed, in words
    ast.Call: "calls a function",
    ast.Attribute: "asks for an attribute",
    ast.Subscript: "asks for an item",
    ast.Lambda: "is a function",
    ast.NamedExpr: "is an assignment",
    ast.BinOp: "is arithmetic",
    ast.IfExp: "is a condition",
    ast.JoinedStr: "is formatted text",
    ast.Dict: "is a dictionary",
    ast.Await: "waits for something",
}
_JOINED = {ast.BitAnd: ("&", "and"), ast.BitOr: ("|", "or")}
Operand = ast.Name | ast.Constant
Comparison = tuple[ast.expr, ast.cmpop, ast.expr]


@dataclass(frozen=True, kw_only=True)
class Expression:
    """A parsed expression, which holds comparisons, and, or, not and nothing else.

    `tree` has an identifier in place of each name in backticks; `quoted` are these
    names.
    """

    text: str
    tree: ast.expr
    quoted: dict[str, str]

    def name(self, node: ast.Name) -> str:
        """The column that a name stands for."""
        return self.quoted.get(node.id, node.id)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns, in the order of the text."""
        nodes = (n for n in ast.walk(self.tree) if isinstance(n, ast.Name))
        nodes = (n for n in nodes if not _is_marker(n))
        in_order = sorted(nodes, key=lambda n: (n.lineno, n.col_offset))
        return tuple(dict.fromkeys(map(self.name, in_order)))

    @property
    def parts(self) -> tuple[ast.expr, ...]:
        """What `and` joins, or else `or`; the whole expression if neither does."""
        if isinstance(self.tree, ast.BoolOp):
            return tuple(_flat(self.tree, type(self.tree.op)))
        return (self.tree,)

    def compared_with(self, name: str, known: Collection[str]) -> str:
        """The known column, as it is written, that a name is compared with; or ""."""
        nodes = [node for node in ast.walk(self.tree) if isinstance(node, ast.Compare)]
        for left, _, right in chain.from_iterable(map(comparisons, nodes)):
            for one, other in ((left, right), (right, left)):
                is_known = isinstance(one, ast.Name) and self.name(one) in known
                if is_known and self._holds(other, name):
                    return self.source(one)
        return ""

    def _holds(self, operand: ast.expr, name: str) -> bool:
        """Whether an operand is a name, or a list of values with it."""
        values = [operand, *getattr(operand, "elts", ())]
        return any(isinstance(v, ast.Name) and self.name(v) == name for v in values)

    def source(self, node: ast.expr) -> str:
        """A part of the expression as it was written."""
        return self._written(ast.unparse(node))

    def _written(self, text: str) -> str:
        for identifier, name in self.quoted.items():
            text = text.replace(identifier, f"`{name}`")
        return text

    def refuse(self, node: ast.AST, what: str, todo: str = _HOW) -> NoReturn:
        """Raise the UserError of a part of the expression."""
        raise UserError(
            f"expression {_short(self._written(ast.unparse(node)))!r}", what, todo
        )


def parse(text: str) -> Expression:
    """Parse an expression.

    Raises UserError, which quotes the part that is wrong, for anything but comparisons
    of columns with numbers, texts and each other, `in`, `is missing`, `and`, `or` and
    `not`.

    >>> parse("Smiling > 0.8 and not `East Asian`").names
    ('Smiling', 'East Asian')
    """
    if not text.strip():
        raise UserError("expression", "is empty", _HOW)
    if len(text) > LONGEST:
        what = f"has {len(text):,} letters, must have at most {LONGEST:,}"
        raise UserError("expression", what)
    try:
        plain, quoted = _without_backticks(" ".join(text.split("\n")))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of odd escapes in texts
            tree = ast.parse(plain.strip(), mode="eval").body
        expression = Expression(text=text, tree=tree, quoted=quoted)
        _check(expression, tree)
    except (SyntaxError, ValueError) as error:
        raise _no_expression(text, error) from None
    except (RecursionError, MemoryError):
        raise UserError("expression", "is nested too deeply") from None
    return expression


def _without_backticks(text: str) -> tuple[str, dict[str, str]]:
    """The text with an identifier for each name in backticks, and these names."""
    prefix = "_column"
    while prefix in text:
        prefix += "_"
    quoted: dict[str, str] = {}

    def replaced(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        identifier = f"{prefix}{len(quoted)}_"
        quoted[identifier] = match[1]
        return f" {identifier} "

    return _TOKEN.sub(replaced, text), quoted


def _no_expression(text: str, error: Exception) -> UserError:
    bare = _TOKEN.sub(" ", text)
    hints = [
        match.expand(hint)
        for pattern, hint in _HINTS
        if (match := re.search(pattern, bare))
    ]
    reason = getattr(error, "msg", "") or str(error)
    where = f"expression {_short(text)!r}"
    return UserError(where, f"can't be read ({reason})", "; ".join(hints[:1]) or _HOW)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _flat(node: ast.expr, kind: type[ast.boolop]) -> Iterator[ast.expr]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, kind):
        for value in node.values:
            yield from _flat(value, kind)
    else:
        yield node


def _check(expression: Expression, node: ast.expr) -> None:
    """Refuse whatever is neither true nor false by comparing something."""
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            _check(expression, value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check(expression, node.operand)
    elif isinstance(node, ast.Compare):
        for comparison in comparisons(node):
            _check_comparison(expression, node, *comparison)
    elif not isinstance(node, ast.Name) or _is_marker(node):
        _refuse_other(expression, node)


def comparisons(node: ast.Compare) -> Iterator[Comparison]:
    """What a chain such as `20 <= age < 30` compares, two by two."""
    operands = [node.left, *node.comparators]
    yield from zip(operands, node.ops, operands[1:], strict=False)


def _check_comparison(
    expression: Expression,
    node: ast.Compare,
    left: ast.expr,
    operator: ast.cmpop,
    right: ast.expr,
) -> None:
    if isinstance(operator, ast.Is | ast.IsNot):
        if not (isinstance(left, ast.Name) and is_missing(right)):
            todo = "write == for equal, or COLUMN is missing"
            expression.refuse(node, "compares by is", todo)
        return
    operands = [left, right]
    if isinstance(operator, ast.In | ast.NotIn):
        if isinstance(right, ast.Tuple | ast.List | ast.Set):
            operands = [left, *right.elts]
            if not right.elts or not isinstance(left, ast.Name):
                todo = "write COLUMN in ('a', 'b')"
                expression.refuse(node, "must look for a column in values", todo)
        elif not (isinstance(right, ast.Name) and isinstance(value(left), str)):
            todo = "write COLUMN in ('a', 'b'), or 'text' in COLUMN"
            expression.refuse(node, "must look for a column in values", todo)
    for operand in operands:
        if _is_marker(operand):
            todo = f"write {expression.source(left)} is missing, or is not missing"
            expression.refuse(node, "compares with missing", todo)
        if not isinstance(operand, ast.Name) and value(operand) is None:
            _refuse_other(expression, operand)
    if not any(isinstance(operand, ast.Name) for operand in operands):
        expression.refuse(node, "compares no column", "name a column of the answers")


def _refuse_other(expression: Expression, node: ast.expr) -> NoReturn:
    if isinstance(node, ast.BinOp) and type(node.op) in _JOINED:
        sign, word = _JOINED[type(node.op)]
        expression.refuse(node, f"joins by {sign}", f"write {word}")
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        expression.refuse(node, "begins with ~", "write not")
    for kind, what in _WHAT.items():
        if isinstance(node, kind):
            expression.refuse(node, what)
    what = "is no comparison"
    if isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp):
        what = "is compared like a number or a text"
    expression.refuse(node, what)


def value(node: ast.expr) -> Any:
    """The number, text or truth value of a constant; None if it is something else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        number = value(node.operand)
        if isinstance(number, int | float) and not isinstance(number, bool):
            return -number if isinstance(node.op, ast.USub) else number
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
        return node.value
    return None


def is_missing(node: ast.expr) -> bool:
    """Whether something is the word `missing`, or None."""
    is_none = isinstance(node, ast.Constant) and node.value is None
    return _is_marker(node) or is_none


def _is_marker(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == _MISSING
