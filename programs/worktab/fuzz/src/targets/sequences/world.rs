//! The chain with its parties, and what they remember: trees behind roots, and records behind heads.

use super::binary;
use super::coverage::Tracer;
use super::state::State;
use super::universe::{wallet, ED25519, FEE_PAYER, MINTS, PROGRAM, SECP256R1, SYSTEM, UNIVERSE, WALLETS};
use crate::tree::Tree;
use anchor_lang::pinocchio::address::Address;
use litesvm::LiteSVM;
use solana_account::Account;
use solana_clock::Clock;
use solana_program_runtime::{declare_process_instruction, solana_sbpf::program::BuiltinFunctionDefinition};
use std::collections::HashMap;
use std::rc::Rc;

/// When every sequence begins, Unix seconds.
pub const START: i64 = 1_800_000_000;
const LAMPORTS: u64 = 1 << 50;

// The native signature programs check nothing here: their own tests do. A sequence says whose signature is there.
declare_process_instruction!(Unchecked, 1, |_context| { Ok(()) });

/// A job record that a device put into its chain.
#[derive(Clone)]
pub struct Job {
    pub salt: [u8; 32],
    pub record: [u8; 168],
    pub hash: [u8; 32],
    /// Chain head before it.
    pub before: [u8; 32],
    pub seq: u64,
}

/// A commitment that somebody made.
#[derive(Clone)]
pub struct Committed {
    pub network: Address,
    pub address: Address,
}

/// A dispute that somebody opened.
#[derive(Clone)]
pub struct Disputed {
    pub device: Address,
    pub address: Address,
    pub job: Job,
}

/// Cloned for every input.
#[derive(Clone)]
pub struct World {
    pub svm: LiteSVM,
    pub state: Rc<State>,
    pub trees: HashMap<[u8; 32], Rc<Tree>>,
    pub committed: Vec<Committed>,
    pub disputed: Vec<Disputed>,
    /// Each device's newest records, without a gap, up to the head on chain.
    pub jobs: HashMap<Address, Vec<Job>>,
    /// How many transactions were sent: makes each another one.
    pub sent: u64,
}

impl World {
    /// A chain with the program, mints, and wallets that hold tokens; nothing of the program's yet.
    pub fn new() -> Self {
        let mut svm = LiteSVM::new_debuggable(true)
            .with_sigverify(false)
            .with_blockhash_check(false)
            .with_transaction_history(0);
        svm.set_invocation_inspect_callback(Tracer);
        svm.add_builtin(ED25519, Unchecked::register);
        svm.add_builtin(SECP256R1, Unchecked::register);
        svm.add_program(PROGRAM, &binary::read()).expect("the program loads");
        let mut world = Self {
            svm,
            state: Rc::default(),
            trees: HashMap::new(),
            committed: Vec::new(),
            disputed: Vec::new(),
            jobs: HashMap::new(),
            sent: 0,
        };
        for holder in (0..WALLETS).map(wallet).chain([FEE_PAYER]) {
            world.put(&holder, SYSTEM, LAMPORTS, Vec::new());
        }
        for (mint, program) in MINTS {
            world.put(&mint, program, LAMPORTS, mint_data(1 << 63));
            for number in 0..WALLETS {
                let amount = if number == 5 { 1 << 62 } else { 1 << 50 };
                world.open(&wallet(number), &mint, amount);
            }
        }
        world.set_time(START, 1_000);
        world
    }

    pub fn put(&mut self, address: &Address, owner: Address, lamports: u64, data: Vec<u8>) {
        let account = Account {
            lamports,
            data,
            owner,
            executable: false,
            rent_epoch: u64::MAX,
        };
        self.svm.set_account(*address, account).expect("an account");
    }

    /// Writes an open token account of this holder.
    pub fn open(&mut self, holder: &Address, mint: &Address, amount: u64) {
        let program = MINTS.iter().find(|each| &each.0 == mint).map_or(SYSTEM, |each| each.1);
        let mut data = vec![0; 165];
        data[..32].copy_from_slice(mint.as_ref());
        data[32..64].copy_from_slice(holder.as_ref());
        data[64..72].copy_from_slice(&amount.to_le_bytes());
        data[108] = 1;
        let mut lamports: u64 = 3_000_000;
        if mint == &MINTS[2].0 {
            // Wrapped: the lamports beyond the rent are the amount.
            data[109] = 1;
            data[113..121].copy_from_slice(&lamports.to_le_bytes());
            lamports += amount;
        }
        let (address, _) = UNIVERSE.token_account(holder, mint);
        self.put(&address, program, lamports, data);
    }

    pub fn data(&self, address: &Address) -> Vec<u8> {
        self.svm
            .get_account(address)
            .map(|account| account.data)
            .unwrap_or_default()
    }

    /// Base units in a token account; 0 where there is none.
    pub fn balance(&self, address: &Address) -> u64 {
        let data = self.data(address);
        data.get(64..72)
            .map_or(0, |amount| u64::from_le_bytes(amount.try_into().expect("eight bytes")))
    }

    pub fn clock(&self) -> Clock {
        self.svm.get_sysvar()
    }

    pub fn set_time(&mut self, time: i64, slot: u64) {
        let clock = Clock {
            unix_timestamp: time,
            slot,
            ..self.clock()
        };
        self.svm.set_sysvar(&clock);
    }

    /// Reads the program's accounts anew.
    pub fn refresh(&mut self) {
        self.state = Rc::new(State::read(&self.svm));
        // A head on chain that is not the newest record's: the chain begins anew there.
        for (address, jobs) in &mut self.jobs {
            let known = self.state.devices.get(address).map(|device| device.seq.get());
            jobs.retain(|job| known.is_some_and(|seq| job.seq <= seq));
        }
    }
}

fn mint_data(supply: u64) -> Vec<u8> {
    let mut data = vec![0; 82];
    data[36..44].copy_from_slice(&supply.to_le_bytes());
    data[44] = 6;
    data[45] = 1;
    data
}
