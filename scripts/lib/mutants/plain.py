"""Writes this program's own macros out, because what finds mutants sees nothing inside a macro: the checks become the
`if`s that they stand for, and types that a macro makes become ordinary ones. The program means the same.
"""

from __future__ import annotations

import re
from pathlib import Path

CHECK = re.compile(r"\b(ensure|require)!\s*\(")
DEFINITION = re.compile(r"^macro_rules! (\w+) \{\n    \((.+?)\) => \{\n(.*?)\n    \};\n\}\n", re.MULTILINE | re.DOTALL)
WRITTEN_OUT = {"quantity": ["name"], "signature_instruction": ["name", "key_size", "program"]}
CLOSING = {"(": ")", "[": "]", "{": "}"}


def write_out(source: Path) -> None:
    """Every file below a folder, in place."""
    for path in sorted(source.rglob("*.rs")):
        text = path.read_text()
        program, *tests = text.split("#[cfg(test)]\nmod ", 1)
        plain = types(checks(program)) if path.name != "errors.rs" else program
        if plain != program:
            path.write_text("#[cfg(test)]\nmod ".join([plain, *tests]))


def checks(text: str) -> str:
    """`ensure!(holds, Error);` as `if !(holds) { return Err(refusal!(Error)); }`, and `require!` likewise."""
    while found := CHECK.search(text):
        end = closing(text, found.end() - 1)
        holds, error = arguments(text[found.end() : end])
        refusal = f"refusal!({error})" if found[1] == "ensure" else f"({error}).into()"
        text = f"{text[: found.start()]}if !({holds}) {{ return Err({refusal}); }}{text[end + 1 :].removeprefix(';')}"
    # What imports a macro that is not used any more only warns.
    return text


def types(text: str) -> str:
    """The items that `quantity!` and `signature_instruction!` make."""
    for definition in list(DEFINITION.finditer(text)):
        name, _, body = definition.groups()
        if name not in WRITTEN_OUT:
            continue
        body = re.sub(r"\n *\$\(#\[\$\w+\]\)\*", "", "\n" + body)
        text = text.replace(definition[0], "")
        while use := re.search(rf"^{name}! \{{$", text, re.MULTILINE):
            end = closing(text, use.end() - 1)
            given = [line.strip() for line in text[use.end() : end].splitlines() if not line.strip().startswith("//")]
            item = body
            for parameter, value in zip(WRITTEN_OUT[name], ", ".join(filter(None, given)).split(", "), strict=True):
                item = item.replace(f"${parameter}", value)
            text = text[: use.start()] + item + text[end + 1 :]
    return text


def arguments(inside: str) -> tuple[str, str]:
    """What holds, and the error."""
    at, commas = 0, []
    while at < len(inside):
        if inside[at] == ",":
            commas.append(at)
        at = closing(inside, at) + 1 if inside[at] in CLOSING else at + 1
    last = next(comma for comma in reversed(commas) if inside[comma + 1 :].strip())
    return inside[:last].strip(), inside[last + 1 :].strip().rstrip(",")


def closing(text: str, opening: int) -> int:
    """Where the bracket at `opening` closes."""
    depth = 0
    for at in range(opening, len(text)):
        depth += (text[at] in CLOSING) - (text[at] in ")]}")
        if depth == 0:
            return at
    raise ValueError(text[opening : opening + 40])
