//! Signatures of native programs, read out of the instructions sysvar: one layout passes, every other is refused.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

#[path = "support/signed.rs"]
mod signed;
mod support;

use proptest::{array::uniform32, collection::vec, prelude::*};
use signed::{both_kinds, ours, Signed, HEADER};
use std::ops::Range;
use support::{sysvar, Instruction};
use worktab::wire::key::{Key, ED25519, P256};
use worktab::wire::message::MESSAGE_SIZE;
use worktab::wire::proof::{signed_message, wallet_message};

/// Where the sole signature's instruction begins when it is the first of two.
const START: usize = 2 + 2 * 2;
/// Where the data of an instruction without accounts begins: after u16 accounts, program and u16 length.
const DATA: usize = 36;

/// Where an instruction keeps its signature.
fn signature_at(signed: &Signed) -> Range<usize> {
    let start = DATA + HEADER + signed.key_size();
    start..start + 64
}

/// Where an instruction keeps its message.
fn message_at(signed: &Signed) -> Range<usize> {
    let start = signature_at(signed).end;
    start..start + MESSAGE_SIZE
}

#[test]
fn the_one_layout_passes() {
    for signed in both_kinds() {
        assert_eq!(signed.read_from(signed.instruction()), Some(signed.message));
    }
}

/// Every other value of every byte before the signature: accounts, program, length, header and key.
#[test]
fn no_other_byte_before_the_signature_passes() {
    for signed in both_kinds() {
        let sysvar = sysvar(&[signed.instruction(), ours()], 1);
        for at in START..START + signature_at(&signed).start {
            for change in 1..=u8::MAX {
                let mut other = sysvar.clone();
                other[at] ^= change;
                assert_eq!(
                    signed_message(&other, &signed.key()),
                    None,
                    "byte {} by {change}",
                    at - START
                );
            }
        }
    }
}

/// Comparisons go word by word; two wrong bytes must not make up for each other.
#[test]
fn no_two_wrong_bytes_cancel_out() {
    for signed in both_kinds() {
        let sysvar = sysvar(&[signed.instruction(), ours()], 1);
        let place = START..START + signature_at(&signed).start;
        for first in place.clone() {
            for second in place.start..first {
                let mut other = sysvar.clone();
                other[first] ^= 0x81;
                other[second] ^= 0x81;
                assert_eq!(
                    signed_message(&other, &signed.key()),
                    None,
                    "bytes {second} and {first}"
                );
            }
        }
    }
}

/// The signature is the native program's to judge. A message is read as it was signed, whatever it says.
#[test]
fn signature_and_message_are_taken_as_they_stand() {
    for signed in both_kinds() {
        let sysvar = sysvar(&[signed.instruction(), ours()], 1);
        for at in signature_at(&signed) {
            let mut other = sysvar.clone();
            other[START + at] ^= 0xff;
            assert_eq!(signed_message(&other, &signed.key()), Some(&signed.message));
        }
        for at in message_at(&signed) {
            let mut other = sysvar.clone();
            other[START + at] ^= 0xff;
            let mut message = signed.message;
            message[at - message_at(&signed).start] ^= 0xff;
            assert_eq!(signed_message(&other, &signed.key()), Some(&message));
        }
    }
}

/// A wallet signs as a device with an Ed25519 key does, and no P-256 key is a wallet.
#[test]
fn a_wallets_message_passes_in_the_one_layout() {
    let [wallet, p256] = both_kinds();
    let key = wallet.key.first_chunk().unwrap();
    let sysvar_of = |signed: &Signed| sysvar(&[signed.instruction(), ours()], 1);
    assert_eq!(wallet_message(&sysvar_of(&wallet), key), Some(&wallet.message));
    assert_eq!(wallet_message(&sysvar_of(&p256), p256.key.first_chunk().unwrap()), None);

    let sysvar = sysvar_of(&wallet);
    for at in START..START + signature_at(&wallet).start {
        for change in 1..=u8::MAX {
            let mut other = sysvar.clone();
            other[at] ^= change;
            assert_eq!(wallet_message(&other, key), None, "byte {} by {change}", at - START);
        }
    }
    for at in 0..32 {
        let mut other = *key;
        other[at] ^= 1;
        assert_eq!(wallet_message(&sysvar, &other), None, "byte {at} of the key");
    }
    for length in 0..sysvar.len() {
        assert_eq!(wallet_message(&sysvar[..length], key), None, "the first {length} bytes");
    }
}

#[test]
fn any_other_key_is_refused() {
    for signed in both_kinds() {
        for at in 0..33 {
            for change in 1..=u8::MAX {
                let mut key = signed.key;
                key[at] ^= change;
                // Another key, or none: a P-256 key begins with 2 or 3, an Ed25519 key ends with a zero.
                if let Some(other) = Key::parse(signed.kind, &key) {
                    let sysvar = sysvar(&[signed.instruction(), ours()], 1);
                    assert_eq!(signed_message(&sysvar, &other), None, "byte {at} by {change}");
                }
            }
        }
    }
}

#[test]
fn only_the_instruction_right_before_counts() {
    for signed in both_kinds() {
        let read = |instructions: &[Instruction], running: u16| {
            signed_message(&sysvar(instructions, running), &signed.key()).copied()
        };
        let native = signed.instruction();
        let (passed, refused) = (Some(signed.message), None);
        assert_eq!(read(&[native.clone(), ours()], 1), passed);
        assert_eq!(read(&[ours(), native.clone(), ours()], 2), passed);
        assert_eq!(read(&[native.clone(), native.clone(), ours()], 2), passed);
        // Not two before, not after, not itself, and nothing before the first.
        assert_eq!(read(&[native.clone(), ours(), ours()], 2), refused);
        assert_eq!(read(&[ours(), ours(), native.clone()], 1), refused);
        assert_eq!(read(&[native.clone(), ours()], 0), refused);
        assert_eq!(read(&[ours(), native.clone()], 0), refused);
        // Further than there are instructions.
        for running in [3, 4, 5, 1_000, u16::MAX] {
            assert_eq!(read(&[native.clone(), ours()], running), refused);
        }
        // A second receipt needs a signature of its own, right before it.
        let another = Signed {
            message: [9; MESSAGE_SIZE],
            ..signed.clone()
        };
        let pairs = [native, ours(), another.instruction(), ours()];
        assert_eq!(read(&pairs, 1), passed);
        assert_eq!(read(&pairs, 3), Some(another.message));
        assert_eq!(read(&pairs, 2), refused);
    }
}

#[test]
fn a_sysvar_cut_anywhere_is_refused() {
    for signed in both_kinds() {
        let whole = sysvar(&[signed.instruction(), ours()], 1);
        for length in 0..whole.len() {
            assert_eq!(
                signed_message(&whole[..length], &signed.key()),
                None,
                "the first {length} bytes"
            );
            assert_eq!(
                signed_message(&whole[whole.len() - length..], &signed.key()),
                None,
                "the last {length} bytes"
            );
        }
        assert_eq!(signed_message(&whole, &signed.key()), Some(&signed.message));
    }
}

/// Nothing is read past the end, wherever an offset points.
#[test]
fn an_instruction_that_is_not_all_there_is_refused() {
    for signed in both_kinds() {
        let body = signed.instruction().serialized();
        let sysvar_with = |body: &[u8], running: u16| [&[1, 0, 4, 0], body, &running.to_le_bytes()].concat();
        let read = |sysvar: &[u8]| signed_message(sysvar, &signed.key()).copied();
        assert_eq!(read(&sysvar_with(&body, 1)), Some(signed.message));
        assert_eq!(read(&sysvar_with(&body[..body.len() - 3], 1)), None);
        for offset in [0, 3, 5, 255, u16::MAX] {
            let mut astray = sysvar_with(&body, 1);
            astray[2..4].copy_from_slice(&offset.to_le_bytes());
            assert_eq!(read(&astray), None, "offset {offset}");
        }
    }
}

fn signed() -> impl Strategy<Value = Signed> {
    let kind = prop_oneof![Just(ED25519), Just(P256)];
    let parts = (
        uniform32(any::<u8>()),
        any::<bool>(),
        vec(any::<u8>(), 64),
        vec(any::<u8>(), MESSAGE_SIZE),
    );
    (kind, parts).prop_map(|(kind, (x, odd, signature, message))| {
        let mut key = [0; 33];
        if kind == ED25519 {
            key[..32].copy_from_slice(&x);
        } else {
            key[0] = 2 + u8::from(odd);
            key[1..].copy_from_slice(&x);
        }
        Signed {
            kind,
            key,
            signature: signature.try_into().unwrap(),
            message: message.try_into().unwrap(),
        }
    })
}

fn instruction() -> impl Strategy<Value = Instruction> {
    let accounts = vec((0u8..4, uniform32(any::<u8>())), 0..6);
    (uniform32(any::<u8>()), accounts, vec(any::<u8>(), 0..300)).prop_map(|(program, accounts, data)| Instruction {
        program,
        accounts,
        data,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_passes_wherever_it_stands(
        signed in signed(), before in vec(instruction(), 0..5), after in vec(instruction(), 0..5), own in instruction(),
    ) {
        let running = u16::try_from(before.len()).unwrap() + 1;
        let all = [before, vec![signed.instruction(), own], after].concat();
        for number in 0..u16::try_from(all.len()).unwrap() {
            let sysvar = sysvar(&all, number);
            let expected = (number == running).then_some(&signed.message);
            prop_assert_eq!(signed_message(&sysvar, &signed.key()), expected);
        }
    }

    /// Whatever the sysvar holds, a wallet's signature is found where a device's with the same key is.
    #[test]
    fn a_wallet_is_read_as_a_device_is(
        key in uniform32(any::<u8>()), message in vec(any::<u8>(), MESSAGE_SIZE), at in 0usize..300, change in any::<u8>(),
    ) {
        let mut key33 = [0; 33];
        key33[..32].copy_from_slice(&key);
        let signed = Signed { kind: ED25519, key: key33, message: message.try_into().unwrap(), ..Signed::sample(ED25519) };
        let mut sysvar = sysvar(&[signed.instruction(), ours()], 1);
        if let Some(byte) = sysvar.get_mut(at) {
            *byte ^= change;
        }
        prop_assert_eq!(wallet_message(&sysvar, &key), signed_message(&sysvar, &signed.key()));
    }

    #[test]
    fn random_bytes_never_pass(signed in signed(), bytes in vec(any::<u8>(), 0..1_500)) {
        prop_assert_eq!(signed_message(&bytes, &signed.key()), None);
    }

    /// Random bytes that at least say the first instruction was the previous one, and where it begins.
    #[test]
    fn random_instructions_never_pass(signed in signed(), offset in 0u16..300, bytes in vec(any::<u8>(), 0..600)) {
        let sysvar = [&[2, 0][..], &offset.to_le_bytes(), &bytes, &[1, 0]].concat();
        prop_assert_eq!(signed_message(&sysvar, &signed.key()), None);
    }

    /// One part is replaced by random bytes of the same length: only a signature or a message may be.
    #[test]
    fn a_replaced_part_never_passes(signed in signed(), part in 0usize..5, random in uniform32(any::<u8>())) {
        let parts = [0..2, 2..34, 34..36, DATA..DATA + HEADER, DATA + HEADER..signature_at(&signed).start];
        let mut sysvar = sysvar(&[signed.instruction(), ours()], 1);
        let place = START + parts[part].start..START + parts[part].end;
        let replacement: Vec<_> = random.iter().copied().cycle().take(place.len()).collect();
        prop_assume!(sysvar[place.clone()] != replacement[..]);
        sysvar[place].copy_from_slice(&replacement);
        prop_assert_eq!(signed_message(&sysvar, &signed.key()), None);
    }
}
