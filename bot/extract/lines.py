"""What one line is by itself: code, an output, a command for a shell, or part of a sentence."""

from __future__ import annotations

import ast
import re
from enum import IntEnum
from functools import lru_cache

from bot.extract.legacy import modernised
from bot.source import LONGEST_LINE, parse


class LineKind(IntEnum):
    """What a line looks like. The order has no meaning."""

    BLANK = 0
    PROSE = 1
    CODE = 2  #: cannot be anything else
    WEAK = 3  #: valid Python that people also write in sentences: `x`, `x.grad`, `pass`
    HEAD = 4  #: opens a block, or goes on with one: `for i in range(3):`, `else:`
    COMMENT = 5
    OUTPUT = 6  #: a value that a program printed
    SHELL = 7  #: a command for a shell or a notebook: `pip install`, `%matplotlib inline`
    OPEN = 8  #: a statement that goes on in the next line


_SHELL = re.compile(
    r"^\s*(?:[%!]\s*[A-Za-z]|\$ \w|(?:pip3?|conda|apt(?:-get)?|git|wget|curl|cd|python3?|mkdir|export)\s+[\w./~-])"
)
_OUTPUT = re.compile(
    r"""^\s*(?:
        Out\s*\[\d+\]\s*[:：]
      | \(?\[?(?:tensor|array|Parameter\ containing|Variable\ containing)\s*[(:]
      | torch\.Size\(
      | \[torch\.\w+\ of\ size | \[?torch\.\w*Tensor\ of\ size
      | <(?:function|built-in|bound|torch|\w+Backward\d*)\b
      | [-+]?(?:\d+\.?\d*|\.\d+|nan|inf)(?:[eE][-+]?\d+)?(?:[\s,]+[-+]?(?:\d+\.?\d*|nan|inf)(?:[eE][-+]?\d+)?)*\s*$
      | \[+[-+\d.\s,\[\]einaf]*$
      | (?:None|True|False)\s*$
      | grad_fn=<
      | \w[\w. ]{0,30}[:=]\s*(?:tensor|array)\((?!.*\)\s*[-+*/@.])
    )""",
    re.VERBOSE | re.IGNORECASE,
)
# Two words side by side that are no keywords: no Python outside of strings and comments has them.
_KEYWORD = (
    "if|else|elif|for|in|not|and|or|is|import|from|as|lambda|return|await|yield|print|def|class|with|while|async|assert|del|"
    "raise|global|nonlocal|except|match|case|type"
)
_SENTENCE = re.compile(
    rf"(?<![\w.])(?!(?:{_KEYWORD})\b)[A-Za-z\u3400-\u9fff]+ +(?!(?:{_KEYWORD})\b)[A-Za-z\u3400-\u9fff]+\b"
)
_PROGRESS = re.compile(r"^\s*(?:epoch|step|iter\w*|batch|loss|train|test|acc\w*)\b\W*\d*.{0,24}\d+\.\d+", re.IGNORECASE)
_HEAD = re.compile(
    r"^\s*(?:async\s+)?(?:def|class|for|while|if|elif|with|else|try|except|finally|match|case)\b.*:\s*(?:#.*)?$"
)
_CONTINUES_BLOCK = re.compile(r"^\s*(?:elif\b|else\s*:|except\b|finally\s*:)")
_DECORATOR = re.compile(r"^\s*@[A-Za-z_][\w.]*(?:\(.*\))?\s*$")
_WORD = re.compile(r"^\s*[A-Za-z_]\w*\s*$")
_DOTTED = re.compile(r"^\s*[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+\s*$")
_NAMES = re.compile(r"^\s*[A-Za-z_][\w.]*(?:\s*,\s*[A-Za-z_][\w.]*)+\s*$")
_NO_CODE = re.compile(r"^[^=()\[\].#@:%!$<>*+/-]*$")
_FIRST_SIGN = re.compile(r"^\s*[A-Za-z_@(\[{#'\"~\d.-]")
_KEYWORD_STATEMENT = re.compile(
    r"^\s*(?:import|from|return|yield|pass|break|continue|del|assert|raise|global|nonlocal|print)\b"
)
_MARKUP = re.compile(r"^\s*(?:!\[|\[[^\]]*\]\(|<[a-z]+[ >]|https?://|#{1,6} ?[^\w\s]?\s*$|\|.*\|\s*$)")
_CODE_SIGNS = (ast.Attribute, ast.Call, ast.Subscript, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_TRIPLE_QUOTES = ('"""', "'''")
_HAN = re.compile("[\u3400-\u9fff]")
_PRINTING_CALLS = frozenset({"print", "help", "len", "type", "plot", "display", "repr", "exec", "input", "breakpoint"})


@lru_cache(maxsize=4096)
def kind_of(line: str) -> LineKind:
    """What the line looks like by itself. Its neighbours decide about weak lines."""
    if not line.strip():
        return LineKind.BLANK
    if len(line) > LONGEST_LINE:
        return LineKind.OUTPUT if _OUTPUT.match(line) else LineKind.PROSE
    if _SHELL.match(line):
        return _shell_or_code(line)
    if line.lstrip().startswith("#"):
        return LineKind.COMMENT
    if _OUTPUT.match(line):
        return LineKind.OUTPUT
    if _WORD.match(line) or _DOTTED.match(line) or _NAMES.match(line):
        return LineKind.WEAK
    if line.lstrip().startswith(_TRIPLE_QUOTES) and opens_triple_quote(line) is not None:
        return LineKind.OPEN
    if not _FIRST_SIGN.match(line) or _MARKUP.match(line):
        return LineKind.PROSE
    if _NO_CODE.match(line) and not _KEYWORD_STATEMENT.match(line):
        return LineKind.PROSE
    if _SENTENCE.search(line) and "'" not in line and '"' not in line and "#" not in line:
        return LineKind.OUTPUT if _PROGRESS.match(line) else LineKind.PROSE
    return _by_parsing(line)


def kind_of_statement(text: str) -> LineKind:
    """What a statement over several lines is: code, the head of a block, or a value that was printed."""
    stripped = text.strip()
    tree = parse(stripped) or parse(modernised(stripped).text)
    if tree is None:
        return LineKind.HEAD
    kinds = {_strength(statement) for statement in tree.body}
    return LineKind.OUTPUT if kinds == {LineKind.OUTPUT} else LineKind.CODE


def continues_block(line: str) -> bool:
    """Whether the line goes on with a statement that an `if`, `try` or loop began: `else:`, `except ValueError:`."""
    return _CONTINUES_BLOCK.match(line) is not None


@lru_cache(maxsize=1024)
def open_brackets(text: str) -> int:
    """How many brackets the text leaves open; negative when it closes more than it opens."""
    depth = 0
    for sign in _without_strings(text):
        if sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
    return depth


def opens_triple_quote(text: str) -> str | None:
    """The kind of triple quote that the text leaves open."""
    for quote in ('"""', "'''"):
        if text.count(quote) % 2:
            return quote
    return None


_STRING_OR_COMMENT = re.compile(r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"|#[^\n]*")


def _without_strings(text: str) -> str:
    return _STRING_OR_COMMENT.sub("", text)


def _shell_or_code(line: str) -> LineKind:
    tree = parse(line.strip())
    if tree is not None and tree.body and isinstance(tree.body[0], ast.Assign | ast.AugAssign):
        return LineKind.CODE
    return LineKind.SHELL


def _by_parsing(line: str) -> LineKind:
    stripped = line.strip()
    if _DECORATOR.match(line):
        # `@someone` is a person.
        known = any(sign in stripped for sign in "._") or stripped in ("@staticmethod", "@property")
        return LineKind.HEAD if known else LineKind.PROSE
    if _CONTINUES_BLOCK.match(line):
        return LineKind.HEAD if _head_parses(stripped) else LineKind.PROSE
    if _HEAD.match(line):
        return _head(stripped)
    tree = parse(stripped) or parse(modernised(stripped).text)
    if tree is not None:
        return max((_strength(statement) for statement in tree.body), key=_RANK.__getitem__, default=LineKind.PROSE)
    if _goes_on(stripped):
        return LineKind.OPEN
    if _PROGRESS.match(line):
        return LineKind.OUTPUT
    return LineKind.PROSE


_RANK = {LineKind.PROSE: 0, LineKind.WEAK: 1, LineKind.OUTPUT: 1, LineKind.CODE: 2}


def _head_parses(stripped: str) -> bool:
    opening = "try:\n pass\n" if stripped.startswith(("except", "finally")) else "if x:\n pass\n"
    body = "" if parse(opening + stripped) else " pass"
    return parse(opening + stripped + body) is not None


def _head(stripped: str) -> LineKind:
    """A line that opens a block; `if needed:` alone is a sentence until its neighbours say otherwise."""
    code = stripped.split("#")[0].rstrip() if "#" in stripped else stripped
    tree = parse(code + " pass") or parse(code + "\n case _: pass") or parse(code + "\n pass\nfinally: pass")
    if tree is None:
        return LineKind.PROSE
    match tree.body[0]:
        case (
            ast.If(test=ast.Name())
            | ast.While(test=ast.Name())
            | ast.With(items=[ast.withitem(context_expr=ast.Name())])
        ):
            return LineKind.WEAK
        case _:
            return LineKind.HEAD


_STATEMENT_OPENS = re.compile(r"(?:return\s+|print\s*)?[\w.,\s*\[\]'\":]*?(?:[-+*/@|&]?=\s*|)[\w.\[\]'\"-]*\s?[(\[{]")
_ASSIGNS = re.compile(r"[A-Za-z_][\w.]*(?:\[[^\]]*\])?(?:\s*,\s*[A-Za-z_][\w.]*)*\s*[-+*/@|&]?=(?!=)")
_LONG_STRING_OPENS = re.compile(r"[\w.\s=(\[]*[rbfRBF]?(?:'''|\"\"\")")
_OPENING_WORDS = frozenset({"def", "class", "from", "return", "with", "for", "if"})


def _goes_on(stripped: str) -> bool:
    """Whether the line is the beginning of a statement whose brackets or long string close later."""
    code = _without_strings(stripped)
    if _HAN.search(code) or open_brackets(stripped) <= 0:
        return opens_triple_quote(stripped) is not None and _LONG_STRING_OPENS.match(stripped) is not None
    if _ASSIGNS.match(code):
        return True
    words = re.split(r"[(\[{=]", code, maxsplit=1)[0].split()
    return _STATEMENT_OPENS.match(code) is not None and (len(words) <= 2 or words[0] in _OPENING_WORDS)


def _strength(statement: ast.stmt) -> LineKind:
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.AugAssign() | ast.FunctionDef() | ast.ClassDef():
            return LineKind.CODE
        case ast.Assign(targets=targets):
            return LineKind.CODE if all(_ascii_target(target) for target in targets) else LineKind.WEAK
        case ast.AnnAssign(target=target, annotation=annotation, value=value):
            plain = isinstance(annotation, ast.Name | ast.Attribute | ast.Subscript | ast.BinOp)
            given = value is not None or isinstance(target, ast.Attribute)
            return LineKind.CODE if given and plain else LineKind.PROSE
        case ast.Expr(value=value):
            return _expression(value)
        case ast.Return() | ast.Pass() | ast.Break() | ast.Continue() | ast.Delete() | ast.Raise() | ast.Global():
            return LineKind.WEAK
        case ast.Assert(test=ast.Name()):
            return LineKind.WEAK
        case _:
            return LineKind.CODE


def _expression(value: ast.expr) -> LineKind:
    match value:
        case ast.Call(func=ast.Attribute(value=receiver)):
            return LineKind.CODE if _ascii(receiver) else LineKind.WEAK
        case ast.Call(func=ast.Name(id=name)):
            if not name.isascii():
                return LineKind.PROSE
            return LineKind.CODE if name in _PRINTING_CALLS else LineKind.WEAK
        case ast.Constant(value=constant) if isinstance(constant, str) or constant is ...:
            return LineKind.WEAK
        case ast.Constant() | ast.UnaryOp(operand=ast.Constant()):
            return LineKind.OUTPUT
        case ast.List() | ast.Dict() | ast.Set():
            return LineKind.OUTPUT
        case ast.Tuple(elts=parts):
            kinds = {_expression(part) for part in parts}
            if LineKind.PROSE in kinds or not kinds:
                return LineKind.PROSE
            return LineKind.OUTPUT if kinds == {LineKind.OUTPUT} else LineKind.WEAK
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            return LineKind.WEAK if _has_code_signs(value) else LineKind.PROSE
        case ast.Yield() | ast.YieldFrom() | ast.Await() | ast.Lambda():
            return LineKind.WEAK
        case _:
            return LineKind.WEAK if _ascii(value) else LineKind.PROSE


def _has_code_signs(value: ast.expr) -> bool:
    """`x.grad == 4 * x` yes; `not sure`, `a or b` no."""
    return _ascii(value) and any(isinstance(part, _CODE_SIGNS) for part in ast.walk(value))


def _ascii_target(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple | ast.List):
        return all(_ascii_target(part) for part in target.elts)
    return _ascii(target)


def _ascii(node: ast.AST) -> bool:
    return all(part.id.isascii() for part in ast.walk(node) if isinstance(part, ast.Name))
