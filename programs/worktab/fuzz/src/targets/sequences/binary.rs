//! The program's binary, as a virtual machine that traces can load it.

use std::path::Path;

const SECTION_HEADER: usize = 64;
const NAMES: &[u8] = b"\0.shstrtab\0";

/// The binary in the package, with an empty table of sections: a machine that traces asks for one, and the binary has
/// none. What runs is not touched.
pub fn read() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../sdk/worktab/program/worktab.so");
    let mut elf = std::fs::read(path).expect("the program's binary");
    assert_eq!(elf[60..64], [0; 4], "the binary has sections of its own");
    let names_at = elf.len() as u64;
    elf.extend(NAMES);
    elf.resize(elf.len().next_multiple_of(8), 0);
    let table_at = elf.len() as u64;
    elf[40..48].copy_from_slice(&table_at.to_le_bytes());
    // Size of a header, two of them, and names are in the second.
    for (at, number) in [(58, SECTION_HEADER), (60, 2), (62, 1)] {
        elf[at] = u8::try_from(number).expect("a byte");
    }
    let mut names = [0; SECTION_HEADER];
    names[0] = 1;
    names[4] = 3; // a table of strings
    names[24..32].copy_from_slice(&names_at.to_le_bytes());
    names[32] = u8::try_from(NAMES.len()).expect("a byte");
    elf.extend([0; SECTION_HEADER]);
    elf.extend(names);
    elf
}

/// How many instructions the program has: those of its one executable segment.
pub fn instructions() -> usize {
    let elf = read();
    let number = |at: usize, size: usize| {
        elf[at..at + size]
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let (table, count) = (number(32, 8), number(56, 2));
    let segments = (0..count).map(|place| table + 56 * place);
    segments
        .filter(|at| number(at + 4, 4) & 1 != 0)
        .map(|at| number(at + 32, 8))
        .sum::<usize>()
        / 8
}
