//! Reads a signature that a native program has checked, out of the instructions sysvar.
//!
//! The native programs accept many layouts: several signatures, parts kept in other instructions, gaps between parts.
//! Each would let somebody show a signature over other bytes than those read here, so exactly one layout is accepted:
//! the instruction right before the running one, without accounts, one signature, header, key, signature and message
//! in that order, every instruction index 0xFFFF, and nothing else.

use super::hash::{same, same_header};
use super::key::{Key, ED25519};
use super::message::MESSAGE_SIZE;
use bytemuck::{Pod, Zeroable};

/// Ed25519SigVerify111111111111111111111111111
pub const ED25519_PROGRAM: [u8; 32] = [
    0x03, 0x7d, 0x46, 0xd6, 0x7c, 0x93, 0xfb, 0xbe, 0x12, 0xf9, 0x42, 0x8f, 0x83, 0x8d, 0x40, 0xff, 0x05, 0x70, 0x74,
    0x49, 0x27, 0xf4, 0x8a, 0x64, 0xfc, 0xca, 0x70, 0x44, 0x80, 0x00, 0x00, 0x00,
];
/// Secp256r1SigVerify1111111111111111111111111
pub const SECP256R1_PROGRAM: [u8; 32] = [
    0x06, 0x92, 0x0d, 0xec, 0x2f, 0xea, 0x71, 0xb5, 0xb7, 0x23, 0x81, 0x4d, 0x74, 0x2d, 0xa9, 0x03, 0x1c, 0x83, 0xe7,
    0x5f, 0xdb, 0x79, 0x5d, 0x56, 0x8e, 0x75, 0x47, 0x80, 0x20, 0x00, 0x00, 0x00,
];

const HEADER_SIZE: usize = 16;

/// The one accepted header for a key of `key_size` bytes: one signature, a zero, then offset and instruction index of
/// signature and key, and offset, size and instruction index of the message.
#[allow(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)] // at compile time: 16 + 33 + 64 fit
const fn header(key_size: u8) -> [u8; HEADER_SIZE] {
    let key = HEADER_SIZE as u8;
    let signature = key + key_size;
    let message = signature + 64;
    [
        1,
        0,
        signature,
        0,
        0xff,
        0xff,
        key,
        0,
        0xff,
        0xff,
        message,
        0,
        MESSAGE_SIZE as u8,
        0,
        0xff,
        0xff,
    ]
}

macro_rules! signature_instruction {
    ($(#[$doc:meta])* $name:ident, $key_size:literal, $program:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Pod, Zeroable)]
        #[repr(C)]
        struct $name {
            accounts: [u8; 2],
            program: [u8; 32],
            data_size: [u8; 2],
            header: [u8; HEADER_SIZE],
            key: [u8; 32],
            /// The last byte of a key that has 33.
            key_end: [u8; $key_size - 32],
            signature: [u8; 64],
            message: [u8; MESSAGE_SIZE],
        }

        impl $name {
            #[allow(clippy::cast_possible_truncation)] // 217 bytes at most
            const DATA_SIZE: u16 = (HEADER_SIZE + $key_size + 64 + MESSAGE_SIZE) as u16;
            const HEADER: [u8; HEADER_SIZE] = header($key_size);

            /// The signed message, if `bytes` begin with this instruction and the key is `key`.
            #[inline(always)]
            fn message<'a>(
                bytes: &'a [u8],
                key: &[u8; 32],
                key_end: &[u8; $key_size - 32],
            ) -> Option<&'a [u8; MESSAGE_SIZE]> {
                let found: &Self = bytemuck::from_bytes(bytes.get(..core::mem::size_of::<Self>())?);
                let exact = found.accounts == [0, 0]
                    && same(&found.program, &$program)
                    && u16::from_le_bytes(found.data_size) == Self::DATA_SIZE
                    && same_header(&found.header, &Self::HEADER)
                    && same(&found.key, key)
                    && &found.key_end == key_end;
                exact.then_some(&found.message)
            }
        }
    };
}

signature_instruction! {
    /// An instruction of the Ed25519 program as the sysvar keeps it, in the one accepted layout.
    Ed25519Instruction, 32, ED25519_PROGRAM
}
signature_instruction! {
    /// An instruction of the secp256r1 program as the sysvar keeps it, in the one accepted layout.
    Secp256r1Instruction, 33, SECP256R1_PROGRAM
}

/// The message that `key` signed in the instruction right before the running one; `None` for anything but the one
/// accepted layout. `sysvar` must be the data of the true instructions sysvar.
#[inline(always)]
pub fn signed_message<'a>(sysvar: &'a [u8], key: &Key) -> Option<&'a [u8; MESSAGE_SIZE]> {
    let instruction = previous_instruction(sysvar)?;
    let start = key.bytes.first_chunk()?;
    if key.kind == ED25519 {
        Ed25519Instruction::message(instruction, start, &[])
    } else {
        Secp256r1Instruction::message(instruction, start, &[key.bytes[32]])
    }
}

/// As `signed_message`, for the key of a wallet.
#[inline(always)]
pub fn wallet_message<'a>(sysvar: &'a [u8], wallet: &[u8; 32]) -> Option<&'a [u8; MESSAGE_SIZE]> {
    Ed25519Instruction::message(previous_instruction(sysvar)?, wallet, &[])
}

/// The sysvar from the instruction before the running one on.
#[inline(always)]
fn previous_instruction(sysvar: &[u8]) -> Option<&[u8]> {
    // The sysvar: u16 number of instructions, a u16 offset of each, the instructions, u16 number of the running one.
    let running = u16_at(sysvar, sysvar.len().checked_sub(2)?)?;
    let previous = usize::from(running.checked_sub(1)?);
    let offset = u16_at(sysvar, previous.checked_mul(2)?.checked_add(2)?)?;
    sysvar.get(usize::from(offset)..)
}

#[inline(always)]
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes([bytes[0], bytes[1]]))
}
