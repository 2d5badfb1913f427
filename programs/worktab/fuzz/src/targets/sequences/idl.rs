//! Instructions and their accounts, out of the program's IDL: a new one is known at once.

use anchor_lang::pinocchio::address::Address;
use serde::Deserialize;
use std::str::FromStr;
use std::sync::LazyLock;

#[derive(Deserialize)]
struct Idl {
    instructions: Vec<RawInstruction>,
}

#[derive(Deserialize)]
struct RawInstruction {
    name: String,
    discriminator: Vec<u8>,
    accounts: Vec<RawAccount>,
}

#[derive(Deserialize)]
struct RawAccount {
    name: String,
    #[serde(default)]
    signer: bool,
    #[serde(default)]
    writable: bool,
    #[serde(default)]
    optional: bool,
    address: Option<String>,
}

pub struct Account {
    pub name: String,
    pub signer: bool,
    pub writable: bool,
    pub optional: bool,
    pub address: Option<Address>,
}

pub struct Instruction {
    pub number: u8,
    pub name: String,
    pub accounts: Vec<Account>,
}

/// All instructions of the program.
pub static INSTRUCTIONS: LazyLock<Vec<Instruction>> = LazyLock::new(|| {
    let idl: Idl = serde_json::from_str(include_str!("../../../../../../sdk/worktab/program/worktab.json"))
        .expect("the IDL is well");
    let account = |raw: RawAccount| Account {
        name: raw.name,
        signer: raw.signer,
        writable: raw.writable,
        optional: raw.optional,
        address: raw
            .address
            .map(|address| Address::from_str(&address).expect("an address")),
    };
    let instruction = |raw: RawInstruction| Instruction {
        number: raw.discriminator[0],
        name: raw.name,
        accounts: raw.accounts.into_iter().map(account).collect(),
    };
    idl.instructions.into_iter().map(instruction).collect()
});

/// The instruction of this number; of a number that none has, some instruction.
pub fn instruction(number: u8) -> &'static Instruction {
    let found = INSTRUCTIONS.iter().find(|each| each.number == number);
    found.unwrap_or(&INSTRUCTIONS[usize::from(number) % INSTRUCTIONS.len()])
}

/// The number of the instruction of this name.
pub fn number(name: &str) -> u8 {
    INSTRUCTIONS
        .iter()
        .find(|each| each.name == name)
        .unwrap_or_else(|| panic!("no instruction {name}"))
        .number
}
