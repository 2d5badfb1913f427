//! A target's corpus in one file: an input a line, in hexadecimal digits, the shortest first.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Error};
use std::path::{Path, PathBuf};

/// The file that holds a target's corpus.
pub fn file(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target)
        .with_extension("hex")
}

/// The inputs in a file; none where there is no file yet.
pub fn read(file: &Path) -> io::Result<Vec<Vec<u8>>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    fs::read_to_string(file)?
        .lines()
        .map(|line| hex::decode(line).map_err(Error::other))
        .collect()
}

/// Writes those inputs of a folder that are worth keeping to one file; asks of the shortest first.
pub fn pack(folder: &Path, file: &Path, mut keep: impl FnMut(&[u8]) -> bool) -> io::Result<usize> {
    let mut inputs = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let input = fs::read(entry?.path())?;
        inputs.insert((input.len(), input));
    }
    inputs.retain(|(_, input)| keep(input));
    let lines: String = inputs.iter().map(|(_, input)| hex::encode(input) + "\n").collect();
    fs::write(file, lines)?;
    Ok(inputs.len())
}

/// Writes the inputs of a file into a folder, a file each.
pub fn unpack(file: &Path, folder: &Path) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    let inputs = read(file)?;
    for (number, input) in inputs.iter().enumerate() {
        fs::write(folder.join(format!("corpus-{number}")), input)?;
    }
    Ok(inputs.len())
}
