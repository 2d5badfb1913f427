//! The few parties there are: wallets, device keys, mints, networks, and where their accounts stand.

use anchor_lang::pinocchio::address::Address;
use std::collections::HashMap;
use std::sync::LazyLock;
use worktab::wire::context::device_seed;

pub const PROGRAM: Address = worktab::ID;
pub const SYSTEM: Address = Address::new_from_array([0; 32]);
pub const TOKEN: Address = Address::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
pub const TOKEN_2022: Address = Address::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
pub const ASSOCIATED_TOKEN: Address = Address::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
pub const NATIVE_MINT: Address = Address::from_str_const("So11111111111111111111111111111111111111112");
pub const INSTRUCTIONS: Address = Address::from_str_const("Sysvar1nstructions1111111111111111111111111");
pub const ED25519: Address = Address::from_str_const("Ed25519SigVerify111111111111111111111111111");
pub const SECP256R1: Address = Address::from_str_const("Secp256r1SigVerify1111111111111111111111111");
/// Pays the fees of all transactions, and is nobody else.
pub const FEE_PAYER: Address = Address::new_from_array([0xfe; 32]);
/// Stands for token accounts that the universe does not have.
const NOWHERE: Address = Address::new_from_array([0xfd; 32]);

pub const WALLETS: usize = 8;
pub const NETWORKS: usize = 4;
pub const KEYS: usize = 5;
/// Who the wallets are in the states that sequences start from.
pub mod who {
    pub const AUTHORITY: usize = 0;
    pub const GUARDIAN: usize = 1;
    pub const ATTESTORS: [usize; 3] = [2, 3, 4];
    pub const DELEGATE: usize = 4;
    pub const CONSUMER: usize = 5;
    pub const OWNER: usize = 7;
}

/// Mints, each with its token program.
pub const MINTS: [(Address, Address); 3] = [
    (Address::new_from_array([0xa0; 32]), TOKEN),
    (Address::new_from_array([0xa1; 32]), TOKEN_2022),
    (NATIVE_MINT, TOKEN),
];

pub fn wallet(number: usize) -> Address {
    Address::new_from_array([0x40 + u8::try_from(number % WALLETS).expect("few wallets"); 32])
}

/// A device's key: Ed25519, but for the fourth; the last one is a consumer's wallet as well.
pub fn key(number: usize) -> (u8, [u8; 33]) {
    let mut bytes = [0x60 + u8::try_from(number % KEYS).expect("few keys"); 33];
    match number % KEYS {
        3 => {
            bytes[0] = 2;
            (2, bytes)
        }
        4 => {
            bytes[..32].copy_from_slice(wallet(who::CONSUMER).as_ref());
            bytes[32] = 0;
            (1, bytes)
        }
        _ => {
            bytes[32] = 0;
            (1, bytes)
        }
    }
}

/// The address of an account of the program.
pub fn derived(seeds: &[&[u8]]) -> Address {
    Address::find_program_address(seeds, &PROGRAM).0
}

/// Addresses that are worked out once.
pub struct Universe {
    pub networks: Vec<Address>,
    devices: HashMap<(usize, usize), Address>,
    tabs: HashMap<(usize, usize), Address>,
    token_accounts: HashMap<(Address, Address), (Address, u8)>,
}

pub static UNIVERSE: LazyLock<Universe> = LazyLock::new(Universe::new);

impl Universe {
    fn new() -> Self {
        let networks: Vec<Address> = (0..NETWORKS as u64)
            .map(|id| derived(&[b"network", wallet(who::AUTHORITY).as_ref(), &id.to_le_bytes()]))
            .collect();
        let (mut devices, mut tabs, mut token_accounts) = (HashMap::new(), HashMap::new(), HashMap::new());
        for (place, network) in networks.iter().enumerate() {
            for number in 0..KEYS {
                let (kind, bytes) = key(number);
                let seed = device_seed(kind, &bytes);
                devices.insert((place, number), derived(&[b"device", network.as_ref(), &seed]));
            }
            for number in 0..WALLETS {
                tabs.insert(
                    (place, number),
                    derived(&[b"tab", network.as_ref(), wallet(number).as_ref()]),
                );
            }
        }
        for (mint, program) in MINTS {
            for holder in (0..WALLETS).map(wallet).chain(networks.iter().cloned()) {
                let seeds: [&[u8]; 3] = [holder.as_ref(), program.as_ref(), mint.as_ref()];
                let found = Address::find_program_address(&seeds, &ASSOCIATED_TOKEN);
                token_accounts.insert((holder, mint.clone()), found);
            }
        }
        Self {
            networks,
            devices,
            tabs,
            token_accounts,
        }
    }

    pub fn device(&self, network: usize, key: usize) -> Address {
        self.devices[&(network % NETWORKS, key % KEYS)].clone()
    }

    pub fn tab(&self, network: usize, wallet: usize) -> Address {
        self.tabs[&(network % NETWORKS, wallet % WALLETS)].clone()
    }

    /// The associated token account of a wallet or network, and its bump; for others any address.
    pub fn token_account(&self, holder: &Address, mint: &Address) -> (Address, u8) {
        let known = self.token_accounts.get(&(holder.clone(), mint.clone()));
        known.cloned().unwrap_or((NOWHERE, 0))
    }

    /// Every address there is, to be put in another's place.
    pub fn any(&self, place: usize) -> Address {
        let fixed = [
            PROGRAM,
            SYSTEM,
            TOKEN,
            TOKEN_2022,
            ASSOCIATED_TOKEN,
            INSTRUCTIONS,
            ED25519,
        ];
        let wallets = (0..WALLETS).map(wallet);
        let mints = MINTS.map(|(mint, _)| mint);
        let mut all: Vec<Address> = fixed.into_iter().chain(wallets).chain(mints).collect();
        all.extend(self.networks.iter().cloned());
        for network in 0..NETWORKS {
            all.extend((0..KEYS).map(|key| self.device(network, key)));
            all.extend((who::CONSUMER..WALLETS).map(|number| self.tab(network, number)));
            all.extend(MINTS.map(|(mint, _)| self.token_account(&self.networks[network], &mint).0));
        }
        for number in 0..WALLETS {
            all.extend(MINTS.map(|(mint, _)| self.token_account(&wallet(number), &mint).0));
        }
        all[place % all.len()].clone()
    }
}
