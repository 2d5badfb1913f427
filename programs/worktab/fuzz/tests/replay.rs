//! Every input of the committed corpus, through the target it belongs to, without the fuzzer.

use worktab_fuzz::corpus::{file, read};
use worktab_fuzz::targets::ALL;

fn replay(target: &str) {
    let run = ALL.iter().find(|each| each.0 == target).expect("a target").1;
    let inputs = read(&file(target)).expect("a corpus");
    assert!(inputs.len() > 50, "{target} has {} inputs only", inputs.len());
    inputs.iter().for_each(|input| run(input));
    println!("{target}: {} inputs replayed", inputs.len());
}

#[test]
fn proof() {
    replay("proof");
    // Another program's instruction that has the bytes of a signature's from its accounts on. Nothing the fuzzer measures
    // tells it from others, so no corpus keeps it.
    worktab_fuzz::targets::proof::run(b"\x75\xcb\xfd\xcd\xcb\xff\xfd\xcb\x2a\x24");
}

#[test]
fn merkle() {
    replay("merkle");
}

#[test]
fn arithmetic() {
    replay("arithmetic");
}

#[test]
fn tokens() {
    replay("tokens");
}

/// Counts as well how much of the program the corpus reaches.
#[test]
#[cfg(feature = "chain")]
fn sequences() {
    use worktab_fuzz::targets::sequences::{binary, coverage};
    replay("sequences");
    let (seen, all) = (coverage::places_seen(), binary::instructions());
    println!("sequences: {seen} of the program's {all} instructions ran");
    assert!(
        seen * 10 > all * 6,
        "the corpus reaches {seen} of {all} instructions: fuzz anew"
    );
}
