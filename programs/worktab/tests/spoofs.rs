//! Every layout of a native instruction but one is refused, each for its own case.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

#[path = "support/signed.rs"]
mod signed;
mod support;

use signed::{both_kinds, Signed, HEADER};
use support::Instruction;
use worktab::wire::key::{Key, ED25519, P256};
use worktab::wire::message::MESSAGE_SIZE;
use worktab::wire::proof::{ED25519_PROGRAM, SECP256R1_PROGRAM};

#[test]
fn keys_have_one_form() {
    for kind in 0..=u8::MAX {
        for first in 0..=u8::MAX {
            for last in [0, 1, 0xff] {
                let mut bytes = [7; 33];
                (bytes[0], bytes[32]) = (first, last);
                let canonical = (kind == ED25519 && last == 0) || (kind == P256 && (first == 2 || first == 3));
                let key = Key::parse(kind, &bytes);
                assert_eq!(key.is_some(), canonical);
                if let Some(key) = key {
                    assert_eq!(key.native(), &bytes[..if kind == ED25519 { 32 } else { 33 }]);
                }
            }
        }
    }
}

#[test]
fn the_program_of_another_kind_is_refused() {
    let [ed25519, p256] = both_kinds();
    for (signed, program) in [(&ed25519, SECP256R1_PROGRAM), (&p256, ED25519_PROGRAM)] {
        let mut native = signed.instruction();
        native.program = program;
        assert_eq!(signed.read_from(native), None);
    }
    assert_eq!(ed25519.read_from(p256.instruction()), None);
    assert_eq!(p256.read_from(ed25519.instruction()), None);
    // The same 32 bytes as a key of either kind.
    let twin = Signed {
        kind: P256,
        key: {
            let mut key = ed25519.key;
            key[0] = 2;
            key
        },
        ..ed25519
    };
    assert_eq!(twin.read_from(twin.instruction()), Some(twin.message));
    let shorter = twin.instruction_of(1, 0, Signed::sample(ED25519).header(), &twin.parts()[1..]);
    assert_eq!(twin.read_from(shorter), None);
}

/// Layouts that the native programs accept, or once did, and that would show a signature over other bytes.
#[test]
fn spoofed_layouts_are_refused() {
    for signed in both_kinds() {
        let (header, parts) = (signed.header(), signed.parts());
        let with = |field: usize, value: usize| {
            let mut header = header;
            header[field] = value;
            signed.instruction_of(1, 0, header, &parts)
        };
        let moved = |by: usize| {
            header.map(|field| {
                if field == 0xffff || field == MESSAGE_SIZE {
                    field
                } else {
                    field + by
                }
            })
        };
        let key_last = {
            let parts = [&parts[signed.key_size()..], &parts[..signed.key_size()]].concat();
            let key_at = HEADER + 64 + MESSAGE_SIZE;
            signed.instruction_of(
                1,
                0,
                [HEADER, 0xffff, key_at, 0xffff, HEADER + 64, MESSAGE_SIZE, 0xffff],
                &parts,
            )
        };
        let two_headers = {
            let mut both = signed.instruction_of(2, 0, moved(14), &[]).data;
            both.extend(signed.instruction_of(0, 0, moved(14), &parts).data.split_off(2));
            Instruction::new(signed.program(), &both)
        };
        let mut with_account = signed.instruction();
        with_account.accounts.push((0, [0x77; 32]));
        let without_message = &parts[..parts.len() - MESSAGE_SIZE];
        let long_message = [&parts[..], &[0]].concat();
        let other_signature = [&parts[..], &signed.signature].concat();

        let spoofs = [
            ("no signature", signed.instruction_of(0, 0, header, &parts)),
            ("two signatures claimed", signed.instruction_of(2, 0, header, &parts)),
            ("two signatures", two_headers),
            ("padding", signed.instruction_of(1, 1, header, &parts)),
            ("signature elsewhere in the data", with(0, header[0] - 1)),
            ("signature in the first instruction", with(1, 0)),
            ("signature in the running instruction", with(1, 1)),
            ("signature in the last instruction there could be", with(1, 0xfffe)),
            ("key elsewhere in the data", with(2, HEADER + 1)),
            ("key in the first instruction", with(3, 0)),
            ("key in the running instruction", with(3, 1)),
            ("message elsewhere in the data", with(4, header[4] - 1)),
            ("message at the beginning", with(4, 0)),
            ("a shorter message", with(5, MESSAGE_SIZE - 1)),
            ("no message", with(5, 0)),
            ("message in the first instruction", with(6, 0)),
            ("message in the running instruction", with(6, 1)),
            ("a longer message", {
                let mut header = header;
                header[5] = MESSAGE_SIZE + 1;
                signed.instruction_of(1, 0, header, &long_message)
            }),
            ("a trailing byte", signed.instruction_of(1, 0, header, &long_message)),
            (
                "a trailing signature",
                signed.instruction_of(1, 0, header, &other_signature),
            ),
            (
                "a gap after the header",
                signed.instruction_of(1, 0, moved(1), &[&[0], &parts[..]].concat()),
            ),
            ("the key last", key_last),
            (
                "a missing byte",
                signed.instruction_of(1, 0, header, &parts[..parts.len() - 1]),
            ),
            (
                "a missing message",
                signed.instruction_of(1, 0, header, without_message),
            ),
            ("nothing but a header", signed.instruction_of(1, 0, header, &[])),
            ("no data", Instruction::new(signed.program(), &[])),
            ("an account", with_account),
        ];
        for (name, spoof) in spoofs {
            assert_eq!(signed.read_from(spoof), None, "{name}");
        }
    }
}
