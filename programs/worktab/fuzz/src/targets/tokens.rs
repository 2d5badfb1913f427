//! Token accounts and mints, read by hand in the program: compared with the token program's own reader.

use crate::input::Input;
use anchor_lang::pinocchio::account::{AccountView, RuntimeAccount};
use anchor_lang::pinocchio::address::Address;
use solana_program_pack::Pack;
use spl_token_2022_interface::extension::memo_transfer::MemoTransfer;
use spl_token_2022_interface::extension::{BaseState, BaseStateWithExtensions, ExtensionType, StateWithExtensions};
use spl_token_2022_interface::state::{Account, AccountState, Mint};
use worktab::token::{is_payable, require_safe_mint};

const TOKEN: Address = Address::new_from_array([
    6, 221, 246, 225, 215, 101, 161, 147, 217, 203, 225, 70, 206, 235, 121, 172, 28, 180, 133, 237, 95, 91, 55, 145,
    58, 140, 245, 133, 126, 255, 0, 169,
]);
const TOKEN_2022: Address = Address::new_from_array([
    6, 221, 246, 225, 238, 117, 143, 222, 24, 66, 93, 188, 228, 108, 205, 218, 182, 26, 252, 77, 131, 185, 13, 39, 254,
    189, 249, 40, 216, 161, 139, 252,
]);
/// Size of a multisig account, which is never an associated token account and so never looked at.
const MULTISIG_SIZE: usize = 355;
const PLAIN_ACCOUNT: usize = 165;
const PLAIN_MINT: usize = 82;

pub fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    if input.byte() & 1 == 0 {
        account(&mut input);
    } else {
        mint(&mut input);
    }
}

/// Runs `act` on an account that holds `data`.
fn with_account<T>(owner: &Address, data: &[u8], act: impl FnOnce(&AccountView) -> T) -> T {
    const HEAD: usize = size_of::<RuntimeAccount>();
    let mut memory = vec![0u64; (HEAD + data.len()).div_ceil(8)];
    let start = memory.as_mut_ptr().cast::<RuntimeAccount>();
    // SAFETY: the memory is aligned, and has room for the head and the data; it outlives the view.
    unsafe {
        (*start).borrow_state = u8::MAX;
        (*start).owner = owner.clone();
        (*start).data_len = data.len() as u64;
        std::ptr::copy_nonoverlapping(data.as_ptr(), start.cast::<u8>().add(HEAD), data.len());
        act(&AccountView::new_unchecked(start))
    }
}

fn program(input: &mut Input) -> Address {
    if input.byte() & 1 == 0 {
        TOKEN
    } else {
        TOKEN_2022
    }
}

/// Extensions as type, length and value; the last may be cut short, and anything may follow.
fn extensions(input: &mut Input, data: &mut Vec<u8>) {
    for _ in 0..input.below(5) {
        let kind = u16::from(input.byte()) % 40;
        let size = input.below(70);
        data.extend(kind.to_le_bytes());
        data.extend(u16::try_from(size).expect("a byte").to_le_bytes());
        data.extend(vec![input.byte(); size]);
    }
    match input.byte() % 8 {
        0 => data.truncate(data.len() - input.below(8)),
        1 => data.extend(input.rest()),
        _ => {}
    }
}

fn account(input: &mut Input) {
    let owner = program(input);
    let mut data = vec![0; PLAIN_ACCOUNT];
    data[..32].fill(input.byte() % 3);
    data[32..64].fill(input.byte() % 3);
    data[64..72].copy_from_slice(&input.number().to_le_bytes());
    data[108] = input.byte() % 4;
    match input.byte() % 4 {
        0 => {}
        1 => data.truncate(usize::from(input.byte())),
        _ => {
            data.push(input.byte() % 4);
            extensions(input, &mut data);
        }
    }
    if data.len() - stump(&data) == MULTISIG_SIZE || (owner == TOKEN && data.len() > PLAIN_ACCOUNT) {
        return; // no such token accounts exist
    }
    if !is_possible(&walk(&data).0) {
        return;
    }
    let one = Address::new_from_array([1; 32]);
    let program = program(input);
    let found = with_account(&owner, &data, |view| is_payable(view, &program, &one, &one));
    assert_eq!(
        found,
        owner == program && takes_transfers(&data),
        "{}",
        hex::encode(&data)
    );
}

/// What the token program's reader sees, and the extensions; nothing where it can't read all of them.
fn read<S: BaseState + Pack>(data: &[u8]) -> Option<(StateWithExtensions<'_, S>, Vec<ExtensionType>)> {
    let read = StateWithExtensions::<S>::unpack(&data[..data.len() - stump(data)]).ok()?;
    let kinds = read.get_extension_types().ok()?;
    Some((read, kinds))
}

/// Bytes at the end that are too few for an extension: the token program never leaves any, and they say nothing.
fn stump(data: &[u8]) -> usize {
    walk(data).1
}

/// Kind and size of each extension, and how many bytes are left that are too few for one.
fn walk(data: &[u8]) -> (Vec<(u16, u16)>, usize) {
    let (mut at, mut found) = (PLAIN_ACCOUNT + 1, Vec::new());
    let word = |at: usize| u16::from_le_bytes([data[at], data[at + 1]]);
    while at + 4 <= data.len() && word(at) != 0 {
        found.push((word(at), word(at + 2)));
        at += 4 + usize::from(word(at + 2));
    }
    (found, data.len().checked_sub(at).filter(|left| *left < 4).unwrap_or(0))
}

/// Whether the reader knows all kinds, and the one that counts is of its size and there once.
fn is_possible(extensions: &[(u16, u16)]) -> bool {
    let memo = extensions
        .iter()
        .filter(|(kind, _)| *kind == u16::from(ExtensionType::MemoTransfer));
    extensions
        .iter()
        .all(|(kind, _)| ExtensionType::try_from(*kind).is_ok())
        && memo.clone().all(|(_, size)| *size == 1)
        && memo.count() < 2
}

/// Whether the token program's reader sees an open account of mint and owner one, without a memo required.
fn takes_transfers(data: &[u8]) -> bool {
    let Some((read, kinds)) = read::<Account>(data) else {
        return false;
    };
    let one = [1; 32];
    let memo = kinds.contains(&ExtensionType::MemoTransfer)
        && read
            .get_extension::<MemoTransfer>()
            .map_or(true, |memo| bool::from(memo.require_incoming_transfer_memos));
    read.base.state == AccountState::Initialized
        && read.base.mint.to_bytes() == one
        && read.base.owner.to_bytes() == one
        && !memo
}

fn mint(input: &mut Input) {
    let owner = program(input);
    let mut data = vec![0; PLAIN_MINT];
    data[44] = input.byte();
    data[45] = input.byte() % 3;
    match input.byte() % 4 {
        0 => {}
        1 => data.truncate(usize::from(input.byte())),
        _ => {
            data.resize(PLAIN_ACCOUNT, 0);
            data.push(input.byte() % 4);
            extensions(input, &mut data);
        }
    }
    if data.len() - stump(&data) == MULTISIG_SIZE || (owner == TOKEN && data.len() > PLAIN_MINT) {
        return; // no such mints exist
    }
    let found = with_account(&owner, &data, |view| require_safe_mint(view).ok());
    assert_eq!(
        found,
        is_harmless(&data).then_some(*data.get(44).unwrap_or(&0)),
        "{}",
        hex::encode(&data)
    );
}

/// Whether the token program's reader sees a mint with nothing but extensions that describe it.
fn is_harmless(data: &[u8]) -> bool {
    let Some((read, kinds)) = read::<Mint>(data) else {
        return false;
    };
    read.base.is_initialized
        && kinds.iter().all(|kind| {
            matches!(
                kind,
                ExtensionType::InterestBearingConfig
                    | ExtensionType::MetadataPointer
                    | ExtensionType::TokenMetadata
                    | ExtensionType::GroupPointer
                    | ExtensionType::TokenGroup
                    | ExtensionType::GroupMemberPointer
                    | ExtensionType::TokenGroupMember
                    | ExtensionType::ScaledUiAmount
            )
        })
}
