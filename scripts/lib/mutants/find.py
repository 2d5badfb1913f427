"""The mutants of a Rust file: those that cargo-mutants lists, and some that it does not make.

limit      `<` for `<=`, `>` for `>=` and the other way round
clause     one side of an `&&` or `||` left out
check      an `if` that returns at once, not taken
opposite   a sum for a difference, a minimum for a maximum and the like
statement  an assignment, or a call whose result is not used, left out
number     a constant, one larger
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import tree_sitter_rust
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_rust.language()))

OPPOSITE = {
    "plus": "minus",
    "minus": "plus",
    "plus_within_limit": "less",
    "minus_part": "saturating_plus",
    "saturating_plus": "less",
    "less": "saturating_plus",
    "min": "max",
    "max": "min",
    "wrapping_add": "wrapping_sub",
    "wrapping_sub": "wrapping_add",
    "checked_add": "checked_sub",
    "checked_sub": "checked_add",
    "saturating_add": "saturating_sub",
    "saturating_sub": "saturating_add",
}
LIMITS = {"<=": "<", ">=": ">"}


@dataclass(frozen=True)
class Mutant:
    """What stands at the bytes `start` to `end` of `file`, and what would stand there.

    `kind` says how: `expression`, `statement` (left out), `body` (returns the text at once), `arm` (never taken, or its
    guard replaced), `number` (of a constant). `name` has no line numbers, so that it outlives edits elsewhere.
    """

    file: str
    name: str
    kind: str
    start: int
    end: int
    text: str
    line: int

    @property
    def key(self) -> str:
        return f"{self.file.removeprefix('programs/worktab/src/')}: {self.name}"

    @property
    def change(self) -> tuple[str, int, int, str, str]:
        """What tells one change from another, whoever found it."""
        return self.file, self.start, self.end, self.kind, " ".join(self.text.split())


def parse(code: bytes) -> Node:
    return PARSER.parse(code).root_node


def walk(node: Node) -> Iterator[Node]:
    """All nodes but those of tests."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        children = node.children
        tests = {
            after.id
            for before, after in pairwise(children)
            if before.type == "attribute_item" and before.text == b"#[cfg(test)]"
        }
        pending.extend(child for child in reversed(children) if child.id not in tests)


def named(file: str, code: bytes, node: Node, kind: str, rule: str, text: str, span: Node | None = None) -> Mutant:
    span = span or node
    within = node
    while within and within.type not in ("function_item", "const_item"):
        within = within.parent
    where = ""
    if within is not None:
        where = (within.child_by_field_name("name") or within).text.decode()
    line = code.count(b"\n", 0, span.start_byte) + 1
    old = " ".join(span.text.decode().split())
    new = " ".join(text.split()) or "nothing"
    statement = node
    while statement.parent and statement.parent.type not in ("block", "match_block", "declaration_list", "source_file"):
        statement = statement.parent
    context = " ".join(statement.text.decode().split())[:120]
    name = f"{where}: {rule} {old} -> {new}" + (f"  in  {context}" if len(old) < 40 and old != context else "")
    return Mutant(file, name, kind, span.start_byte, span.end_byte, text, line)


def own(file: str, code: bytes) -> Iterator[Mutant]:
    """What this module's rules find."""
    for node in walk(parse(code)):
        match node.type:
            case "binary_expression":
                yield from _of_binary(file, code, node)
            case "if_expression":
                yield from _of_check(file, code, node)
            case "call_expression":
                yield from _of_call(file, code, node)
            case "expression_statement":
                yield from _of_statement(file, code, node)
            case "const_item":
                yield from _of_constant(file, code, node)


def _of_binary(file: str, code: bytes, node: Node) -> Iterator[Mutant]:
    left, right, operator = (node.child_by_field_name(name) for name in ("left", "right", "operator"))
    sides = left.text.decode(), right.text.decode()
    if limit := LIMITS.get(operator.text.decode()):
        yield named(file, code, node, "expression", "limit", f"{sides[0]} {limit} {sides[1]}")
    if operator.text in (b"&&", b"||"):
        for side in sides:
            yield named(file, code, node, "expression", "clause", side)


def _of_check(file: str, code: bytes, node: Node) -> Iterator[Mutant]:
    condition, then = node.child_by_field_name("condition"), node.child_by_field_name("consequence")
    if condition.type != "let_condition" and then.text.lstrip(b"{ \n").startswith(b"return"):
        yield named(file, code, condition, "expression", "check", "false")


def _of_call(file: str, code: bytes, node: Node) -> Iterator[Mutant]:
    function = node.child_by_field_name("function")
    field = function.child_by_field_name("field") if function and function.type == "field_expression" else None
    if field and (opposite := OPPOSITE.get(field.text.decode())):
        start, end = field.start_byte - node.start_byte, field.end_byte - node.start_byte
        text = node.text[:start] + opposite.encode() + node.text[end:]
        yield named(file, code, node, "expression", "opposite", text.decode())


def _of_statement(file: str, code: bytes, node: Node) -> Iterator[Mutant]:
    inside = node.children[0]
    if inside.type == "try_expression":
        inside = inside.children[0]
    if inside.type in ("assignment_expression", "compound_assignment_expr", "call_expression"):
        yield named(file, code, node, "statement", "statement", "")


def _of_constant(file: str, code: bytes, node: Node) -> Iterator[Mutant]:
    value = node.child_by_field_name("value")
    numbers = [each for each in walk(value) if each.type == "integer_literal"] if value else []
    if numbers and not any(each.type in ("array_expression", "block") for each in walk(value)):
        number = numbers[-1]
        larger = str(int(number.text.decode().replace("_", "")) + 1)
        yield named(file, code, node, "number", "number", larger, span=number)


def listed(listing: str, sources: dict[str, bytes]) -> Iterator[Mutant]:
    """What `cargo mutants --list --json` found in these files."""
    trees = {file: {(n.start_byte, n.end_byte, n.type): n for n in walk(parse(code))} for file, code in sources.items()}
    for item in json.loads(listing):
        file = item["file"]
        if file not in sources:
            continue
        code, nodes = sources[file], trees[file]
        lines = code.split(b"\n")

        def at(place: dict[str, int], lines: list[bytes] = lines) -> int:
            before = sum(len(line) + 1 for line in lines[: place["line"] - 1])
            return before + len(lines[place["line"] - 1].decode()[: place["column"] - 1].encode())

        start, end = at(item["span"]["start"]), at(item["span"]["end"])
        name = item["name"].split(": ", 1)[-1]
        line = lines[item["span"]["start"]["line"] - 1].decode().strip()
        if item["genre"] != "FnValue":
            name += f"  in  {line}"

        def mutant(kind: str, start: int, end: int, text: str, item: dict = item, name: str = name) -> Mutant:
            return Mutant(item["file"], name, kind, start, end, text, item["span"]["start"]["line"])

        match item["genre"]:
            case "FnValue":
                body = min(
                    (n for n in nodes.values() if n.type == "block" and n.start_byte < start and end < n.end_byte),
                    key=lambda n: n.end_byte - n.start_byte,
                )
                while body.parent.type != "function_item":
                    body = body.parent
                yield mutant("body", body.start_byte + 1, body.start_byte + 1, item["replacement"])
            case "BinaryOperator":
                parent = next(n for (s, e, _), n in nodes.items() if (s, e) == (start, end)).parent
                text = code[parent.start_byte : start] + item["replacement"].encode() + code[end : parent.end_byte]
                yield mutant("expression", parent.start_byte, parent.end_byte, text.decode())
            case "UnaryOperator":
                parent = next(n for (s, e, _), n in nodes.items() if (s, e) == (start, end)).parent
                yield mutant("expression", parent.start_byte, parent.end_byte, code[end : parent.end_byte].decode())
            case "MatchArm" | "MatchArmGuard":
                arms = [n for n in nodes.values() if n.type == "match_arm" and n.start_byte <= start < n.end_byte]
                arm = min(arms, key=lambda n: n.end_byte - n.start_byte)
                pattern = arm.child_by_field_name("pattern")
                if item["genre"] == "MatchArm":
                    yield mutant("arm", pattern.end_byte, pattern.end_byte, "")
                else:
                    yield mutant("expression", start, end, item["replacement"])
            case "StructField":
                pass  # a field left to `..default()`: `statement` and `opposite` find what that would
            case genre:
                raise ValueError(genre)


# Where the compiler computes, or where a switch would change a type.
COMPUTED = ("const_item", "static_item", "array_type", "enum_variant")


def in_constant(code: bytes, mutant: Mutant) -> bool:
    """Whether a mutant stands in a constant or a constant function, or returns a type without a name."""
    if mutant.kind == "number" or (mutant.kind == "body" and "-> impl" in mutant.name):
        return True
    at = mutant.start - 1 if mutant.kind == "body" else mutant.start
    node = parse(code).descendant_for_byte_range(at, max(at, mutant.end - 1))
    while node is not None:
        modifiers = [child.text for child in node.children if child.type == "function_modifiers"]
        if node.type in COMPUTED or (node.type == "function_item" and any(b"const" in words for words in modifiers)):
            return True
        node = node.parent
    return False
