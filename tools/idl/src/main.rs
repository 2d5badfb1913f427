//! Writes the program's IDL to standard output: `worktab-idl programs/worktab`.
//!
//! Newtypes around a number (amounts, units, times) are written as that number: they are a guard of the program's own
//! source, and clients in other languages gain nothing from a wrapper.

use serde_json::Value;
use std::collections::HashMap;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let program = std::env::args_os().nth(1).ok_or("usage: worktab-idl PROGRAM_FOLDER")?;
    // The builder runs cargo itself and misreads this variable.
    std::env::remove_var("RUSTUP_TOOLCHAIN");
    let idl = anchor_lang_idl::build::IdlBuilder::new()
        .program_path(std::path::PathBuf::from(program).canonicalize()?)
        .cargo_args(vec!["--locked".into(), "--lib".into()])
        .build()?;
    let mut idl = serde_json::to_value(idl)?;
    inline_newtypes(&mut idl);
    println!("{}", serde_json::to_string_pretty(&idl)?);
    Ok(())
}

/// Replaces every type that is one unnamed primitive field by that primitive.
fn inline_newtypes(idl: &mut Value) {
    let Some(types) = idl.get_mut("types").and_then(Value::as_array_mut) else {
        return;
    };
    let mut newtypes = HashMap::new();
    types.retain(|definition| match newtype(definition) {
        Some((name, inner)) => {
            newtypes.insert(name, inner);
            false
        }
        None => true,
    });
    replace(idl, &newtypes);
}

fn newtype(definition: &Value) -> Option<(String, Value)> {
    let fields = definition.get("type")?.get("fields")?.as_array()?;
    match fields.as_slice() {
        [inner] if inner.is_string() => Some((definition.get("name")?.as_str()?.to_owned(), inner.clone())),
        _ => None,
    }
}

fn replace(value: &mut Value, newtypes: &HashMap<String, Value>) {
    let inner = value
        .get("defined")
        .and_then(|defined| defined.get("name"))
        .and_then(Value::as_str)
        .and_then(|name| newtypes.get(name));
    if let Some(inner) = inner {
        *value = inner.clone();
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, newtypes)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, newtypes)),
        _ => {}
    }
}
