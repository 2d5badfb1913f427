//! An instruction of the program as a transaction carries it.

use super::idl::Instruction as Described;
use super::scene::Scene;
use super::step::{field, flag};
use super::universe::{wallet, who, ED25519, INSTRUCTIONS, PROGRAM, SECP256R1, SYSTEM, UNIVERSE};
use super::world::{Committed, Disputed, Job};
use crate::tree::Tree;
use anchor_lang::pinocchio::address::Address;
use anchor_lang::AccountMeta;
use solana_message::Instruction;
use std::collections::HashMap;
use std::rc::Rc;
use worktab::wire::key::ED25519 as ED25519_KEY;
use worktab::wire::message::MESSAGE_SIZE;

/// What is to be remembered once the instruction succeeded.
#[derive(Default)]
pub struct Memory {
    pub tree: Option<Rc<Tree>>,
    pub committed: Option<Committed>,
    pub disputed: Option<Disputed>,
    pub jobs: Vec<Job>,
}

/// Data and accounts of an instruction.
#[derive(Default)]
pub struct Call {
    pub data: Vec<u8>,
    /// Accounts by the names that the IDL gives them, where they do not follow from the scene.
    pub named: HashMap<&'static str, Address>,
    /// Addresses that sign though the IDL does not ask for it.
    pub signers: Vec<Address>,
    /// Accounts after the declared ones.
    pub more: Vec<AccountMeta>,
    /// The native signature instruction before this one.
    pub native: Option<Instruction>,
    /// Keys whose signature it shows.
    pub shown: Vec<Vec<u8>>,
    /// Whether the signed message is meant for something else: then it must fail.
    pub forged: bool,
    pub memory: Memory,
}

impl Call {
    pub fn new(number: u8) -> Self {
        Self {
            data: vec![number],
            ..Self::default()
        }
    }

    pub fn put(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.data.extend(bytes.as_ref());
        self
    }

    pub fn number(&mut self, number: u64) -> &mut Self {
        self.put(number.to_le_bytes())
    }

    /// Bytes behind their number.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.put(u32::try_from(bytes.len()).expect("few bytes").to_le_bytes())
            .put(bytes)
    }

    /// Shows that a key signed a message: in a native instruction, or by signing the transaction with the message as the
    /// last argument.
    pub fn prove(&mut self, scene: &Scene, (kind, key): (u8, [u8; 33]), message: &[u8; MESSAGE_SIZE]) {
        if scene.step.has(flag::SHOWN) && kind == ED25519_KEY {
            let address = Address::new_from_array(*key.first_chunk().expect("32 of 33 bytes"));
            self.put([1]).put(message);
            self.named.insert("proof", address);
            self.signers.push(address);
            return;
        }
        self.put([0]);
        self.named.insert("proof", INSTRUCTIONS);
        let (program, size) = if kind == ED25519_KEY {
            (ED25519, 32)
        } else {
            (SECP256R1, 33)
        };
        let mut data = vec![1, 0];
        let header = [16 + size, 0xffff, 16, 0xffff, 80 + size, 104, 0xffff];
        data.extend(header.iter().flat_map(|field: &u16| field.to_le_bytes()));
        data.extend(&key[..usize::from(size)]);
        data.extend([7; 64]);
        data.extend(message);
        if scene.step.has(flag::SPOILED) {
            let at = scene.step.place(field::WHERE);
            match data.get_mut(at) {
                Some(byte) => *byte ^= 1 << (scene.step.get(field::VARIANT) & 7),
                None => return, // no instruction at all
            }
            // Signature and message are for the native program to judge, which checks nothing here; header and key are not.
            if at >= 16 + usize::from(size) {
                self.shown.push(key[..usize::from(size)].to_vec());
            }
        } else {
            self.shown.push(key[..usize::from(size)].to_vec());
        }
        self.native = Some(Instruction {
            program_id: program,
            accounts: Vec::new(),
            data,
        });
    }

    /// All accounts, as the IDL lists them.
    pub fn metas(&self, scene: &Scene, described: &Described) -> Vec<AccountMeta> {
        let mut metas: Vec<AccountMeta> = described
            .accounts
            .iter()
            .map(|account| {
                let found = match self.named.get(account.name.as_str()) {
                    Some(address) => Some(*address),
                    None => resolve(scene, &account.name),
                };
                // Where something is burnt, the mint must be writable; the IDL leaves that to the caller.
                let burns = scene.name == "claim" && account.name == "mint" && !scene.step.has(flag::OTHER);
                AccountMeta {
                    // An optional account that is left out is the program itself.
                    pubkey: account.address.or(found).unwrap_or(PROGRAM),
                    is_signer: (account.signer && found.is_some())
                        || found.is_some_and(|found| self.signers.contains(&found)),
                    is_writable: burns || (account.writable && (found.is_some() || !account.optional)),
                }
            })
            .collect();
        metas.extend(self.more.iter().cloned());
        metas
    }
}

/// The account of this name; nothing for an optional one that is left out.
fn resolve(scene: &Scene, name: &str) -> Option<Address> {
    let token_account = |holder: &Address| UNIVERSE.token_account(holder, &scene.mint).0;
    let state = &scene.world.state;
    Some(match name {
        "network" => scene.network,
        "vault" => scene.vault,
        "mint" => scene.mint,
        "token_program" => scene.token_program,
        "system_program" => SYSTEM,
        "payer" => wallet(who::AUTHORITY),
        "creator" => wallet(who::AUTHORITY),
        "authority" => scene.authority(),
        "new_authority" => scene.actor(scene.net.map_or(SYSTEM, |net| net.pending_authority)),
        "owner" if scene.name == "void_invoice" => scene.actor(scene.bill.map_or(scene.owner(), |bill| bill.issuer)),
        "owner" => scene.owner(),
        "consumer" | "challenger" => scene.actor(scene.consumer),
        "funder" | "depositor" => scene.actor(scene.consumer),
        "source" if scene.name == "deposit_bond" => token_account(&scene.owner()),
        "source" => token_account(&scene.actor(scene.consumer)),
        "destination" if scene.name == "withdraw_pool" => {
            scene.net.map_or(SYSTEM, |net| Address::new_from_array(net.pending.key))
        }
        "destination" if scene.name == "withdraw_bond" => token_account(&scene.owner()),
        "destination" => token_account(&scene.consumer),
        "attestor" => scene.attestor(),
        "voter" if scene.step.has(flag::OTHER) => scene.actor(scene.net.map_or(SYSTEM, |net| net.guardian)),
        "voter" => scene.attestor(),
        "signer" if scene.name == "set_pause" && scene.step.has(flag::OTHER) => {
            scene.actor(scene.net.map_or(SYSTEM, |net| net.guardian))
        }
        "signer" if scene.name == "set_pause" => scene.authority(),
        "signer" if scene.name == "close_lane" && scene.step.has(flag::CONSENT) => scene.owner(),
        "signer" => scene.spender(),
        "admission" if scene.step.has(flag::OTHER) => return None,
        "admission" => scene.net.map_or(SYSTEM, |net| net.authority),
        "device" if scene.name == "close_lane" && !scene.step.has(flag::CONSENT) => return None,
        "device" => scene.device,
        "tab" => scene.tab,
        "invoice" => scene.invoice,
        "sla" => scene.sla.map_or_else(|| scene.any(), |(address, _)| address),
        "dispute" => scene.dispute.map_or_else(|| scene.any(), |dispute| dispute.address),
        "payout" => scene.payout(),
        "payout_account" => token_account(&scene.payout()),
        "proof" => INSTRUCTIONS,
        "rent_payer" => match scene.name {
            "retire_device" => scene.dev.map(|device| device.rent_payer),
            "close_tab" | "close_lane" => scene.tab_of.map(|tab| tab.rent_payer),
            "void_invoice" => scene.bill.map(|bill| bill.rent_payer),
            "enforce_sla" => scene.sla.map(|(_, sla)| sla.rent_payer),
            _ => scene
                .dispute
                .and_then(|each| state.disputes.get(&each.address))
                .map(|each| each.rent_payer),
        }
        .unwrap_or(wallet(who::AUTHORITY)),
        _ => scene.any(),
    })
}
