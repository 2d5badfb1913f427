//! Reads a signature that a native program has checked, out of the instructions sysvar.
//!
//! The native programs accept many layouts: several signatures, parts kept in other instructions, gaps between parts.
//! Each would let somebody show a signature over other bytes than those read here, so exactly one layout is accepted:
//! the instruction right before the running one, without accounts, one signature, header, key, signature and message
//! in that order, every instruction index 0xFFFF, and nothing else.

use super::hash::same;
use super::key::{Key, ED25519};
use super::message::MESSAGE_SIZE;

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
const SIGNATURE_SIZE: usize = 64;

/// The one accepted header for a key of `key_size` bytes.
const fn header(key_size: u8) -> [u8; HEADER_SIZE] {
    let signature = HEADER_SIZE as u8 + key_size;
    let message = signature + SIGNATURE_SIZE as u8;
    [
        1, 0, signature, 0, 0xff, 0xff, HEADER_SIZE as u8, 0, 0xff, 0xff, message, 0, MESSAGE_SIZE as u8, 0, 0xff, 0xff,
    ]
}

const ED25519_HEADER: [u8; HEADER_SIZE] = header(32);
const SECP256R1_HEADER: [u8; HEADER_SIZE] = header(33);

/// The message that `key` signed in the instruction right before the running one; `None` for anything but the one
/// accepted layout. `sysvar` must be the data of the true instructions sysvar.
#[inline(always)]
pub fn signed_message<'a>(sysvar: &'a [u8], key: &Key) -> Option<&'a [u8; MESSAGE_SIZE]> {
    let current = u16_at(sysvar, sysvar.len().checked_sub(2)?)?;
    let previous = usize::from(current.checked_sub(1)?);
    let start = usize::from(u16_at(sysvar, previous.checked_mul(2)?.checked_add(2)?)?);
    let instruction = sysvar.get(start..)?;
    let (program, header, key_size) = if key.kind == ED25519 {
        (&ED25519_PROGRAM, &ED25519_HEADER, 32)
    } else {
        (&SECP256R1_PROGRAM, &SECP256R1_HEADER, 33)
    };
    // u16 number of accounts, then the program, u16 length of data, data.
    const DATA: usize = 2 + 32 + 2;
    #[allow(clippy::arithmetic_side_effects)] // key_size is 32 or 33
    let (signature, message, end) = (
        DATA + HEADER_SIZE + key_size,
        DATA + HEADER_SIZE + key_size + SIGNATURE_SIZE,
        DATA + HEADER_SIZE + key_size + SIGNATURE_SIZE + MESSAGE_SIZE,
    );
    let instruction = instruction.get(..end)?;
    let exact = u16_at(instruction, 0)? == 0
        && same(instruction.get(2..34)?, program)
        && usize::from(u16_at(instruction, 34)?) == end.checked_sub(DATA)?
        && same(instruction.get(DATA..DATA + HEADER_SIZE)?, header)
        && same(instruction.get(DATA + HEADER_SIZE..signature)?, key.native());
    if !exact {
        return None;
    }
    instruction.get(message..end)?.try_into().ok()
}

#[inline(always)]
fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes([bytes[0], bytes[1]]))
}

