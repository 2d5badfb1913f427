//! A key that signed a message, as an instruction of a native program shows it.

use super::support::{sysvar, Instruction};
use worktab::wire::key::{Key, ED25519, P256};
use worktab::wire::message::MESSAGE_SIZE;
use worktab::wire::proof::{signed_message, ED25519_PROGRAM, SECP256R1_PROGRAM};

/// Size of the header of a native instruction's data.
pub const HEADER: usize = 16;

/// A key, what it signed, and the signature: arbitrary bytes, because only the native program judges them.
#[derive(Clone, Debug)]
pub struct Signed {
    pub kind: u8,
    pub key: [u8; 33],
    pub signature: [u8; 64],
    pub message: [u8; MESSAGE_SIZE],
}

impl Signed {
    pub fn sample(kind: u8) -> Self {
        let mut key = [0x11; 33];
        if kind == ED25519 {
            key[32] = 0;
        } else {
            key[0] = 2;
        }
        let message = std::array::from_fn(|at| u8::try_from(at).unwrap() + 0x80);
        Self {
            kind,
            key,
            signature: [0x22; 64],
            message,
        }
    }

    pub fn key(&self) -> Key<'_> {
        Key::parse(self.kind, &self.key).unwrap()
    }

    pub fn program(&self) -> [u8; 32] {
        if self.kind == ED25519 {
            ED25519_PROGRAM
        } else {
            SECP256R1_PROGRAM
        }
    }

    pub fn key_size(&self) -> usize {
        if self.kind == ED25519 {
            32
        } else {
            33
        }
    }

    /// u16 fields of the header, after the number of signatures and the padding: offset and instruction of the
    /// signature, offset and instruction of the key, offset, size and instruction of the message.
    pub fn header(&self) -> [usize; 7] {
        let signature = HEADER + self.key_size();
        [signature, 0xffff, HEADER, 0xffff, signature + 64, MESSAGE_SIZE, 0xffff]
    }

    pub fn parts(&self) -> Vec<u8> {
        [&self.key[..self.key_size()], &self.signature, &self.message].concat()
    }

    /// The native instruction, with this header before these parts.
    pub fn instruction_of(&self, count: u8, padding: u8, header: [usize; 7], parts: &[u8]) -> Instruction {
        let mut data = vec![count, padding];
        data.extend(
            header
                .iter()
                .flat_map(|field| u16::try_from(*field).unwrap().to_le_bytes()),
        );
        data.extend(parts);
        Instruction::new(self.program(), &data)
    }

    pub fn instruction(&self) -> Instruction {
        self.instruction_of(1, 0, self.header(), &self.parts())
    }

    /// What is read when `instruction` precedes the running one.
    pub fn read_from(&self, instruction: Instruction) -> Option<[u8; MESSAGE_SIZE]> {
        let sysvar = sysvar(&[instruction, ours()], 1);
        signed_message(&sysvar, &self.key()).copied()
    }
}

/// An instruction of this program, like a receipt's.
pub fn ours() -> Instruction {
    Instruction {
        program: [0x33; 32],
        accounts: vec![(2, [0x44; 32]), (2, [0x55; 32]), (0, [0x66; 32])],
        data: vec![20, 0],
    }
}

pub fn both_kinds() -> [Signed; 2] {
    [Signed::sample(ED25519), Signed::sample(P256)]
}
