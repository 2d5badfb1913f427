//! The parser of signature instructions. What it reads out of the instructions sysvar is compared with two slow
//! readings of the same transaction: the one layout there is, field by field, and what the native program would check.

use crate::input::Input;
use worktab::wire::key::{Key, ED25519, P256};
use worktab::wire::message::{self, Message, MESSAGE_SIZE};
use worktab::wire::proof::{signed_message, wallet_message, ED25519_PROGRAM, SECP256R1_PROGRAM};

/// One instruction of a transaction, as the sysvar keeps it.
#[derive(Clone, Debug, Default)]
struct Instruction {
    program: [u8; 32],
    accounts: Vec<(u8, [u8; 32])>,
    data: Vec<u8>,
}

pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (kind, key) = key(&mut input);
    let Some(key) = Key::parse(kind, &key) else {
        assert!(!is_canonical(kind, &key), "a canonical key is refused");
        return;
    };
    assert!(is_canonical(kind, key.bytes), "a key that is not canonical is accepted");
    if input.byte() == 255 {
        // Bytes that no runtime would write: whatever is read, nothing breaks.
        let sysvar = input.rest();
        let read = signed_message(sysvar, &key).copied();
        messages(read.as_ref());
        return;
    }
    let transaction: Vec<Instruction> = (0..input.below(4)).map(|_| instruction(&mut input, &key)).collect();
    let running = u16::from(input.byte() % 5);
    let sysvar = serialized(&transaction, running);
    let read = signed_message(&sysvar, &key).copied();
    let previous = usize::from(running)
        .checked_sub(1)
        .and_then(|place| transaction.get(place));
    assert_eq!(
        read,
        previous.and_then(|found| strict(found, &key)),
        "the one accepted layout"
    );
    if let (Some(message), Some(found)) = (read, previous) {
        assert_eq!(
            checked(found, key.kind),
            Some((key.native().to_vec(), message.to_vec())),
            "what the native program checks"
        );
    }
    if key.kind == ED25519 {
        let wallet = key.bytes.first_chunk().expect("32 of 33 bytes");
        assert_eq!(wallet_message(&sysvar, wallet).copied(), read);
    }
    messages(read.as_ref());
}

fn is_canonical(kind: u8, key: &[u8; 33]) -> bool {
    (kind == 1 && key[32] == 0) || (kind == 2 && matches!(key[0], 2 | 3))
}

/// A key of either kind, or of none.
fn key(input: &mut Input) -> (u8, [u8; 33]) {
    let shape = input.byte();
    let mut key = [0x11; 33];
    key[..32].copy_from_slice(&[input.byte(); 32]);
    if shape & 4 != 0 {
        // What a disguised instruction has for its length: see `disguised`.
        key[15..17].copy_from_slice(&[183 + shape % 2, 0]);
    }
    match shape % 4 {
        0 | 2 => {
            key[32] = 0;
            (ED25519, key)
        }
        1 => {
            key[0] = 2 | (shape >> 7);
            (P256, key)
        }
        _ => (input.byte(), input.bytes()),
    }
}

/// The accepted instruction for this key, changed as the input says.
fn instruction(input: &mut Input, key: &Key) -> Instruction {
    let size = key.native().len();
    let at = |offset: usize| u16::try_from(offset).expect("a small offset").to_le_bytes();
    let mut data = vec![1, 0];
    for field in [
        at(16 + size),
        [255; 2],
        at(16),
        [255; 2],
        at(16 + size + 64),
        at(MESSAGE_SIZE),
        [255; 2],
    ] {
        data.extend(field);
    }
    data.extend(key.native());
    data.extend([input.byte(); 64]);
    data.extend(message(input));
    let program = if key.kind == ED25519 {
        ED25519_PROGRAM
    } else {
        SECP256R1_PROGRAM
    };
    let mut made = Instruction {
        program,
        accounts: Vec::new(),
        data,
    };
    for _ in 0..input.below(4) {
        change(input, &mut made);
    }
    made
}

fn change(input: &mut Input, made: &mut Instruction) {
    let place = usize::from(input.byte()).min(made.data.len());
    match input.byte() % 11 {
        0 => made.data.truncate(place),
        1 => made.data.insert(place, input.byte()),
        2 => made.accounts.push((input.byte(), input.bytes())),
        3 => made.program[place % 32] ^= input.byte(),
        4 => {
            made.program = if made.program == ED25519_PROGRAM {
                SECP256R1_PROGRAM
            } else {
                ED25519_PROGRAM
            }
        }
        5 if place < made.data.len() => drop(made.data.remove(place)),
        6 => made.data.extend(made.data.clone().into_iter().skip(place)),
        // A u16 of the header.
        7 if made.data.len() >= 16 => {
            let field = 2 + 2 * (place % 7);
            made.data[field..field + 2].copy_from_slice(&input.bytes::<2>());
        }
        8 if made.data.len() >= 32 => made.data[16..].rotate_left(place % 16),
        9 if made.data.len() > 33 => *made = disguised(made),
        _ if place < made.data.len() => made.data[place] ^= input.byte(),
        _ => {}
    }
}

/// Another program's instruction that names an account, and has the same bytes from the accounts on: what was the program
/// is the account, and what was the beginning of the data is the program.
fn disguised(made: &Instruction) -> Instruction {
    let mut bytes = made.program.to_vec();
    bytes.extend(u16::try_from(made.data.len()).expect("little data").to_le_bytes());
    bytes.extend(&made.data);
    let (account, rest) = bytes.split_at(33);
    let (program, data) = rest.split_at(32);
    Instruction {
        program: program.try_into().expect("32 bytes"),
        accounts: vec![(account[0], account[1..].try_into().expect("32 bytes"))],
        data: data[2..].to_vec(),
    }
}

/// A message with the head of some kind, or any bytes.
fn message(input: &mut Input) -> [u8; MESSAGE_SIZE] {
    let kind = input.byte();
    let mut bytes = [kind; MESSAGE_SIZE];
    if kind < 8 {
        bytes[..8].copy_from_slice(&[b'W', b'T', b'B', b'1', kind, 0, 0, 0]);
        bytes[40..72].copy_from_slice(&input.bytes::<32>());
        bytes[72..].copy_from_slice(&[input.byte(); 32]);
    }
    bytes
}

/// As the runtime writes the sysvar.
fn serialized(transaction: &[Instruction], running: u16) -> Vec<u8> {
    let word = |number: usize| u16::try_from(number).expect("a small number").to_le_bytes();
    let bodies: Vec<Vec<u8>> = transaction
        .iter()
        .map(|each| {
            let mut body = word(each.accounts.len()).to_vec();
            for (flags, address) in &each.accounts {
                body.push(*flags);
                body.extend(address);
            }
            body.extend(each.program);
            body.extend(word(each.data.len()));
            body.extend(&each.data);
            body
        })
        .collect();
    let mut bytes = word(bodies.len()).to_vec();
    let mut offset = 2 + 2 * bodies.len();
    for body in &bodies {
        bytes.extend(word(offset));
        offset += body.len();
    }
    bytes.extend(bodies.concat());
    bytes.extend(running.to_le_bytes());
    bytes
}

/// The message of the one accepted layout: header, key, signature and message, nothing before, between or after.
fn strict(found: &Instruction, key: &Key) -> Option<[u8; MESSAGE_SIZE]> {
    let (program, header): ([u8; 32], [u8; 16]) = match key.kind {
        1 => (
            ED25519_PROGRAM,
            [1, 0, 48, 0, 255, 255, 16, 0, 255, 255, 112, 0, 104, 0, 255, 255],
        ),
        _ => (
            SECP256R1_PROGRAM,
            [1, 0, 49, 0, 255, 255, 16, 0, 255, 255, 113, 0, 104, 0, 255, 255],
        ),
    };
    let rest = found.data.strip_prefix(&header)?.strip_prefix(key.native())?;
    let message = rest.get(64..)?.try_into().ok()?;
    (found.program == program && found.accounts.is_empty()).then_some(message)
}

/// Key and message that the native program of this kind would check in `found`, if it checks exactly one signature and
/// looks for all parts in this instruction.
fn checked(found: &Instruction, kind: u8) -> Option<(Vec<u8>, Vec<u8>)> {
    let field = |number: usize| {
        let at = 2 + 2 * number;
        Some(usize::from(u16::from_le_bytes(
            found.data.get(at..at + 2)?.try_into().ok()?,
        )))
    };
    let part = |at: usize, size: usize, instruction: usize| {
        (instruction == 0xffff)
            .then(|| found.data.get(at..at + size).map(<[u8]>::to_vec))
            .flatten()
    };
    let key_size = if kind == ED25519 { 32 } else { 33 };
    part(field(0)?, 64, field(1)?)?;
    let key = part(field(2)?, key_size, field(3)?)?;
    let message = part(field(4)?, field(5)?, field(6)?)?;
    (found.data.first() == Some(&1)).then_some((key, message))
}

/// Every field of a message that was read, against its bytes.
fn messages(read: Option<&[u8; MESSAGE_SIZE]>) {
    let Some(bytes) = read else { return };
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    for kind in 0..=u8::MAX {
        let expected = bytes[..5] == [b'W', b'T', b'B', b'1', kind] && bytes[5..8] == [0; 3];
        let parsed = Message::parse(bytes, kind);
        assert_eq!(parsed.is_some(), expected, "kind {kind}");
        let Some(parsed) = parsed else { continue };
        assert_eq!(parsed.context(), &bytes[8..40]);
        assert_eq!(
            (parsed.seq(), parsed.units(), parsed.amount()),
            (word(40), word(48), word(56))
        );
        assert_eq!(parsed.time(), i64::try_from(word(64)).ok());
        assert_eq!(parsed.head(), &bytes[72..104]);
        let bare = bytes[40..64].iter().chain(&bytes[72..]).all(|byte| *byte == 0);
        assert_eq!(parsed.is_bare(), bare);
        let possession = message::key_possession(parsed.context());
        let said = kind == message::KEY_POSSESSION && bytes[40..].iter().all(|byte| *byte == 0);
        assert_eq!(&possession == bytes, said);
    }
}
