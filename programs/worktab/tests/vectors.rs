//! The vectors in `tests/vectors`, which the Python core is tested against as well: both sides are equal.
//!
//! Left out are memos, of which the chain only ever sees the hash.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

mod support;

use anchor_lang::prelude::Address;
use serde_json::Value;
use std::{fmt::Debug, fs, str::FromStr};
use support::{sysvar, Instruction};
use worktab::domain::fees::{charge, Carries, Charge};
use worktab::domain::{reward, Amount, Capacity, Carry, EpochIndex, Overflow, Rate, Seconds, Timestamp, Units};
use worktab::state::{Commitment, DEVICE_SEED, DISPUTE_SEED, INVOICE_SEED, NETWORK_SEED, SLA_SEED, TAB_SEED};
use worktab::token::is_associated_account;
use worktab::wire::key::{Key, ED25519, P256};
use worktab::wire::merkle::{is_depth, Leaf};
use worktab::wire::message::{key_possession, Message, BATCH_VOUCHER, KEY_POSSESSION, RECEIPT, VOUCHER};
use worktab::wire::proof::{signed_message, ED25519_PROGRAM, SECP256R1_PROGRAM};
use worktab::wire::record::{self, RECORD_SIZE};
use worktab::wire::{context, message::MESSAGE_SIZE};

/// One case of a file: numbers are text there, except small ones, and bytes are hexadecimal.
struct Case(Value);

impl Case {
    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap()
    }

    fn number<T: FromStr<Err: Debug>>(&self, field: &str) -> T {
        match &self.0[field] {
            Value::String(text) => text.parse().unwrap(),
            number => number.to_string().parse().unwrap(),
        }
    }

    fn data(&self, field: &str) -> Vec<u8> {
        hex::decode(self.text(field)).unwrap()
    }

    fn bytes<const N: usize>(&self, field: &str) -> [u8; N] {
        self.data(field).try_into().unwrap()
    }
}

/// The cases of one part of a file; a part without cases would prove nothing.
fn cases(file: &str, part: &str) -> Vec<Case> {
    let path = format!("{}/../../tests/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let contents: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let cases = contents[part].as_array().unwrap();
    assert!(!cases.is_empty());
    cases.iter().cloned().map(Case).collect()
}

#[test]
fn valid_messages_are_read_as_their_fields() {
    for case in cases("messages", "valid") {
        let bytes = case.bytes::<MESSAGE_SIZE>("encoded");
        let kind = case.number::<u8>("kind");
        for other in 0..=u8::MAX {
            assert_eq!(Message::parse(&bytes, other).is_some(), other == kind);
        }
        let message = Message::parse(&bytes, kind).unwrap();
        assert_eq!(message.context(), &case.bytes("context"));
        assert_eq!(message.seq(), case.number::<u64>("seq"));
        assert_eq!(message.units(), case.number::<u64>("units"));
        assert_eq!(message.amount(), case.number::<u64>("amount"));
        assert_eq!(message.time(), Some(case.number("time")));
        assert_eq!(message.head(), &case.bytes("head"));
        if kind == KEY_POSSESSION {
            assert_eq!(key_possession(message.context()), bytes);
        }
    }
}

#[test]
fn invalid_messages_are_refused_for_their_reason() {
    const KINDS: [u8; 4] = [RECEIPT, VOUCHER, KEY_POSSESSION, BATCH_VOUCHER];
    for case in cases("messages", "invalid") {
        let reason = case.text("reason");
        let Ok(bytes) = <[u8; MESSAGE_SIZE]>::try_from(case.data("encoded")) else {
            assert_eq!(reason, "length");
            continue;
        };
        let read = KINDS
            .iter()
            .find_map(|kind| Some((*kind, Message::parse(&bytes, *kind)?)));
        match (read, reason) {
            (None, "magic" | "kind" | "zero") => {}
            (Some((KEY_POSSESSION, message)), _) => assert_ne!(key_possession(message.context()), bytes),
            (Some((RECEIPT | VOUCHER | BATCH_VOUCHER, message)), "time") => assert_eq!(message.time(), None),
            (Some((RECEIPT, message)), "amount") => assert_ne!(message.amount(), 0),
            (Some((BATCH_VOUCHER, message)), "seq" | "units" | "amount" | "head") => assert!(!message.is_bare()),
            _ => panic!(
                "{} passes, or fails for another reason than {reason}",
                case.text("description")
            ),
        }
    }
}

#[test]
fn contexts_are_equal() {
    for case in cases("contexts", "domains") {
        let domain = context::domain(
            &case.bytes("genesis_hash"),
            &case.bytes("program_id"),
            &case.bytes("network"),
        );
        assert_eq!(domain, case.bytes("domain"));
    }
    for case in cases("contexts", "receipts") {
        let receipt = context::receipt(&case.bytes("domain"), &case.bytes("device"), case.number("index"));
        assert_eq!(receipt, case.bytes("context"));
    }
    for case in cases("contexts", "keys") {
        let key33 = case.bytes("key33");
        let possession = context::key_possession(
            &case.bytes("domain"),
            &case.bytes("device"),
            Key::parse(case.number("key_kind"), &key33).unwrap(),
            &case.bytes("owner"),
        );
        assert_eq!(possession, case.bytes("context"));
    }
    for case in cases("contexts", "vouchers") {
        let mut lane = [0; 8];
        lane[..4].copy_from_slice(&case.number::<u32>("index").to_le_bytes());
        lane[4..].copy_from_slice(&case.number::<u32>("lane_nonce").to_le_bytes());
        let voucher = context::voucher(&case.bytes("domain"), &case.bytes("tab"), &case.bytes("device"), &lane);
        assert_eq!(voucher, case.bytes("context"));
    }
    for case in cases("contexts", "batches") {
        let entries = case.data("encoded_entries");
        let batch = context::batch(&case.bytes("domain"), &case.bytes("tab"), &entries);
        assert_eq!(batch, case.bytes("context"));
    }
    for case in cases("contexts", "invoices") {
        let numbers = ["amount", "units", "due", "created_slot"].map(|field| case.number(field));
        let terms = context::invoice_terms(
            &case.bytes("domain"),
            &case.bytes("invoice"),
            &case.bytes("consumer"),
            numbers,
            &case.bytes("head"),
            &case.bytes("memo"),
        );
        assert_eq!(terms, case.bytes("terms"));
    }
}

/// The program judges the layout; whether the signature is good, only the native program does, and one that is not
/// ends the transaction before this program runs. So the valid cases are the ones to read here.
#[test]
fn native_instructions_carry_the_message_that_the_key_signed() {
    let mut kinds = Vec::new();
    for case in cases("keys", "cases").iter().filter(|case| case.0["valid"] == true) {
        let (kind, key33) = (case.number::<u8>("kind"), case.bytes("key33"));
        let key = Key::parse(kind, &key33).unwrap();
        let (name, program, other_kind) = match kind {
            ED25519 => ("Ed25519SigVerify111111111111111111111111111", ED25519_PROGRAM, P256),
            P256 => (
                "Secp256r1SigVerify1111111111111111111111111",
                SECP256R1_PROGRAM,
                ED25519,
            ),
            _ => panic!("an unknown kind"),
        };
        assert_eq!(case.text("native_program"), name);
        assert_eq!(Address::from_str_const(name), Address::new_from_array(program));
        assert!(Key::parse(other_kind, &key33).is_none());

        let native = Instruction::new(program, &case.data("instruction_data"));
        let sysvar = sysvar(&[native, Instruction::default()], 1);
        assert_eq!(signed_message(&sysvar, &key), Some(&case.bytes("message")));
        kinds.push(kind);
    }
    assert_eq!(kinds, [ED25519, P256]);
}

/// A dispute sees records: what they hash to, where that leads, who owes for them and how much.
#[test]
fn the_published_chain_of_records_is_read_as_its_fields() {
    let mut head = [0; 32];
    for case in cases("records", "chain") {
        let encoded = case.bytes::<RECORD_SIZE>("encoded");
        let hash = record::record_hash(&case.bytes("salt"), &encoded);
        assert_eq!(hash, case.bytes("record_hash"));
        head = record::next_head(&head, &hash);
        assert_eq!(head, case.bytes("head"));
        assert_eq!(record::amount(&encoded), case.number::<u64>("amount"));
        assert_eq!(record::tab(&encoded), case.bytes("tab"));
    }
}

#[test]
fn rewards_are_equal() {
    for case in cases("rewards", "rewards") {
        let earned = reward::reward(
            Carry(case.number("carry")),
            Units(case.number("units")),
            Rate(case.number("rate")),
        );
        let expected = match u64::try_from(case.number::<u128>("reward")) {
            Ok(amount) => Ok(reward::Reward {
                amount: Amount(amount),
                carry: Carry(case.number("new_carry")),
            }),
            Err(_) => Err(Overflow),
        };
        assert_eq!(earned, expected, "{}", case.text("description"));
    }
}

#[test]
fn charges_are_equal() {
    for case in cases("rewards", "charges") {
        let carries = Carries {
            fee: case.number("fee_carry"),
            burn: case.number("burn_carry"),
        };
        let charged = charge(
            Amount(case.number("earnings")),
            case.number("fee_bps"),
            case.number("burn_bps"),
            carries,
        );
        let expected = Charge {
            fee: Amount(case.number("fee")),
            burn: Amount(case.number("burn")),
            carries: Carries {
                fee: case.number("new_fee_carry"),
                burn: case.number("new_burn_carry"),
            },
        };
        assert_eq!(charged, Ok(expected), "{}", case.text("description"));
    }
}

#[test]
fn shares_are_equal() {
    for case in cases("rewards", "shares") {
        let share = reward::share(
            Amount(case.number("budget")),
            Capacity(case.number("capacity")),
            Capacity(case.number("total")),
        );
        assert_eq!(share, Ok(Amount(case.number("share"))), "{}", case.text("description"));
    }
}

#[test]
fn epochs_are_equal() {
    for case in cases("rewards", "epochs") {
        let epoch = EpochIndex::at(
            Timestamp(case.number("now")),
            Timestamp(case.number("created")),
            Seconds(case.number("length")),
        );
        assert_eq!(
            epoch,
            Ok(EpochIndex(case.number("index"))),
            "{}",
            case.text("description")
        );
    }
}

#[test]
fn addresses_are_derived_from_the_same_seeds() {
    let first_seed = |account: &str| -> Vec<u8> {
        let cases = cases("addresses", "accounts");
        let case = cases.iter().find(|case| case.text("account") == account).unwrap();
        hex::decode(case.0["seeds"][0].as_str().unwrap()).unwrap()
    };
    assert_eq!(first_seed("network"), NETWORK_SEED);
    assert_eq!(first_seed("device"), DEVICE_SEED);
    assert_eq!(first_seed("tab"), TAB_SEED);
    assert_eq!(first_seed("invoice"), INVOICE_SEED);
    assert_eq!(first_seed("sla"), SLA_SEED);
    assert_eq!(first_seed("dispute"), DISPUTE_SEED);

    let mut last_seeds = cases("addresses", "accounts")
        .into_iter()
        .filter(|case| case.text("account") == "device")
        .map(|case| case.0["seeds"][2].as_str().unwrap().to_string());
    for key in cases("keys", "cases").iter().filter(|case| case.0["valid"] == true) {
        let seed = context::device_seed(key.number("kind"), &key.bytes("key33"));
        assert_eq!(last_seeds.next().unwrap(), hex::encode(seed));
    }
    assert_eq!(last_seeds.next(), None);
}

#[test]
fn associated_token_accounts_are_recognised_by_address_and_bump() {
    let address = |case: &Case, field: &str| Address::new_from_array(case.bytes(field));
    for case in cases("addresses", "associated_token_accounts") {
        let recognised = |bump: u8| {
            is_associated_account(
                &address(&case, "address"),
                &address(&case, "wallet"),
                &address(&case, "token_program"),
                &address(&case, "mint"),
                bump,
            )
        };
        let bump: u8 = case.number("bump");
        for other in 0..=u8::MAX {
            assert_eq!(recognised(other), other == bump);
        }
    }
}

#[test]
fn a_payees_leaf_alone_is_the_root() {
    for case in cases("roots", "payees") {
        let leaf = Leaf {
            domain: &case.bytes("domain"),
            epoch: case.number("epoch"),
            position: case.number("position"),
            payout: &case.bytes("payout"),
            lifetime_reward: case.number("lifetime_reward"),
            devices_root: &case.bytes("devices_root"),
        };
        let mut root = case.bytes("leaf");
        assert!(leaf.leads_to(&root, &[]), "{}", case.text("description"));
        root[0] ^= 1;
        assert!(!leaf.leads_to(&root, &[]));
    }
}

#[test]
fn trees_have_their_depths() {
    for case in cases("roots", "depths") {
        let (count, depth) = (case.number("count"), case.number::<usize>("depth"));
        for levels in 0..=64 {
            assert_eq!(is_depth(levels, count), levels == depth);
        }
    }
}

#[test]
fn commitments_have_their_hashes() {
    for case in cases("roots", "commitments") {
        let commitment = Commitment {
            epoch: case.number("epoch"),
            root: case.bytes("root"),
            count: case.number("count"),
            total: case.number("total"),
            units: case.number("units"),
            records_checked: case.number("records_checked"),
            records_failed: case.number("records_failed"),
            check_ms: case.number("check_ms"),
            data: case.bytes("data"),
        };
        assert_eq!(commitment.hash(), case.bytes("hash"), "{}", case.text("description"));
    }
}
