"""Puts many mutants into one program, each switched by its number, so that one build serves them all."""

from __future__ import annotations

import bisect
from collections.abc import Iterable

from .find import Mutant

MODULE = """
/// Which mutant is on.
pub mod mutants {
    #[repr(C)]
    pub struct Switch([u8; 16], u32);
    /// On chain the number is written into the binary, behind these bytes.
    #[used]
    pub static SWITCH: Switch = Switch(*b"MUTANT SWITCH  =", 0);

    #[cfg(target_os = "solana")]
    #[inline(always)]
    pub fn on(number: u32) -> bool {
        // SAFETY: a reference to a static. Volatile, so that the number is not taken for a constant.
        unsafe { core::ptr::read_volatile(&SWITCH.1) == number }
    }

    #[cfg(not(target_os = "solana"))]
    pub fn on(number: u32) -> bool {
        use std::sync::OnceLock;
        static ON: OnceLock<u32> = OnceLock::new();
        number == *ON.get_or_init(|| std::env::var("MUTANT").map_or(0, |number| number.parse().unwrap_or(0)))
    }
}
"""
MARK = b"MUTANT SWITCH  ="


class Planted:
    """A file with its mutants, and what of its text belongs to which of them."""

    def __init__(self, code: bytes, mutants: Iterable[tuple[int, Mutant]]) -> None:
        self._code = code
        self._out: list[bytes] = []
        self._size = 0
        # Where each part of the text begins, and the mutants around it, the innermost last.
        self._starts: list[int] = []
        self._owners: list[tuple[int, ...]] = []
        spans: dict[tuple[int, int], list[tuple[int, Mutant]]] = {}
        for number, mutant in mutants:
            spans.setdefault((mutant.start, mutant.end), []).append((number, mutant))
        self._spans = sorted(spans.items(), key=lambda item: (item[0][0], -item[0][1]))
        self._render(0, len(code), 0, len(self._spans), ())
        self.text = b"".join(self._out)

    def owners(self, offset: int) -> tuple[int, ...]:
        """Mutants whose switches stand around a byte of the text, the innermost last."""
        return self._owners[bisect.bisect_right(self._starts, offset) - 1]

    def _write(self, text: bytes, owners: tuple[int, ...]) -> None:
        self._starts.append(self._size)
        self._owners.append(owners)
        self._out.append(text)
        self._size += len(text)

    def _render(self, start: int, end: int, first: int, last: int, owners: tuple[int, ...]) -> None:
        at, place = start, first
        while place < last:
            (left, right), here = self._spans[place]
            inner = place + 1
            while inner < last and self._spans[inner][0][0] < right:
                inner += 1
            self._write(self._code[at:left], owners)
            self._switch(left, right, here, place + 1, inner, owners)
            at, place = right, inner
        self._write(self._code[at:end], owners)

    def _switch(
        self, left: int, right: int, here: list[tuple[int, Mutant]], first: int, last: int, owners: tuple[int, ...]
    ) -> None:
        around = (*owners, *(number for number, _ in here))
        match here[0][1].kind:
            case "body":
                for number, mutant in here:
                    text = f" if crate::mutants::on({number}) {{ return {mutant.text}; }}"
                    self._write(text.encode(), (*owners, number))
            case "arm":
                rest = self._code[right:].lstrip()
                number = here[0][0]
                if rest.startswith(b"if "):
                    raise NotImplementedError("an arm with a guard")
                self._write(f" if !crate::mutants::on({number})".encode(), around)
            case "statement":
                self._write(f"if !crate::mutants::on({here[0][0]}) {{ ".encode(), around)
                self._render(left, right, first, last, around)
                self._write(b" }", around)
            case _:
                self._write(b"(", around)
                for number, mutant in here:
                    text = f"if crate::mutants::on({number}) {{ {mutant.text} }} else "
                    self._write(text.encode(), (*owners, number))
                self._write(b"{ ", around)
                self._render(left, right, first, last, around)
                self._write(b" })", around)
