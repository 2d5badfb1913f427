//! Keeps a target's corpus: `corpus pack|unpack TARGET FOLDER`. Unpacking adds the inputs made by hand.
//! `corpus tell sequences FILE` plays one sequence, and tells how each step ends.

use std::collections::BTreeSet;
use std::path::Path;
use worktab_fuzz::corpus::{file, pack, unpack};
use worktab_fuzz::targets::sequences::step::{act, field, steps};
use worktab_fuzz::targets::sequences::{self, coverage, idl, play, seeds};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [action, target, folder] = arguments.as_slice() else {
        eprintln!("usage: corpus pack|unpack TARGET FOLDER, or corpus tell sequences FILE");
        std::process::exit(2);
    };
    let (file, folder) = (file(target), Path::new(folder));
    let inputs = match action.as_str() {
        "pack" if target == "sequences" => pack(folder, &file, new_places())?,
        "pack" => pack(folder, &file, |_| true)?,
        "tell" => return tell(folder),
        _ => unpack(&file, folder)? + add_made(target, folder)?,
    };
    println!("{target}: {inputs} inputs");
    Ok(())
}

/// Says of each sequence whether it reaches a place that none before it reached, however often.
fn new_places() -> impl FnMut(&[u8]) -> bool {
    let mut known = BTreeSet::new();
    sequences::run(&[]); // makes the states that sequences start from
    move |input| {
        coverage::take();
        sequences::run(input);
        let before = known.len();
        known.extend(coverage::take());
        known.len() > before
    }
}

/// Writes the sequences made by hand into a folder.
fn add_made(target: &str, folder: &Path) -> std::io::Result<usize> {
    if target != "sequences" {
        return Ok(0);
    }
    let made = seeds::inputs();
    for (number, input) in made.iter().enumerate() {
        std::fs::write(folder.join(format!("made-{number}")), input)?;
    }
    Ok(made.len())
}

fn tell(file: &Path) -> std::io::Result<()> {
    let input = std::fs::read(file)?;
    let all: Vec<_> = steps(&input).collect();
    play(input.first().copied().unwrap_or(0), &all, |step, outcome| {
        let kind = step.get(field::KIND);
        let name = if act::ALL.contains(&kind) {
            "(outside)"
        } else {
            &idl::instruction(kind).name
        };
        println!("{name} {:?} {outcome:?}", step.0);
    });
    Ok(())
}
