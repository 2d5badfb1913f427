//! One step of a sequence, 16 bytes. Zeros stand for what an honest party would do next.

/// Bytes of a step.
pub const SIZE: usize = 16;

/// What each byte of a step chooses.
pub mod field {
    /// An instruction's number, or one of `act`.
    pub const KIND: usize = 0;
    pub const NETWORK: usize = 1;
    /// Who signs: 0 whoever may, else a wallet.
    pub const ACTOR: usize = 2;
    /// A wallet that an instruction names.
    pub const WALLET: usize = 3;
    pub const DEVICE: usize = 4;
    pub const CONSUMER: usize = 5;
    /// Which lane, invoice, page, commitment, payee, SLA or dispute.
    pub const NUMBER: usize = 6;
    pub const AMOUNT: usize = 7;
    pub const UNITS: usize = 8;
    pub const TIME: usize = 9;
    pub const FLAGS: usize = 10;
    /// The place, from 1 on, of an account that is replaced by another.
    pub const WRONG: usize = 11;
    pub const WITH: usize = 12;
    /// What else is wrong: see `broken`.
    pub const BREAK: usize = 13;
    pub const WHERE: usize = 14;
    pub const VARIANT: usize = 15;
}

/// Steps that are no instructions of the program.
pub mod act {
    pub const PASS_TIME: u8 = 100;
    pub const SET_TIME: u8 = 101;
    pub const GIVE_TOKENS: u8 = 102;
    pub const GIVE_LAMPORTS: u8 = 103;
    pub const FREEZE: u8 = 104;
    pub const CLOSE_TOKENS: u8 = 105;
    pub const ALL: [u8; 6] = [PASS_TIME, SET_TIME, GIVE_TOKENS, GIVE_LAMPORTS, FREEZE, CLOSE_TOKENS];
}

/// Bits of `field::FLAGS`.
pub mod flag {
    /// The key itself signs the transaction, in place of a native instruction.
    pub const SHOWN: u8 = 1;
    /// A delegate acts, or the guardian; a lane's end is signed by the device's owner; what may be left out is left out.
    pub const OTHER: u8 = 2;
    /// The device's owner signs as well.
    pub const CONSENT: u8 = 4;
    /// The signature instruction has a byte that is wrong, or is missing.
    pub const SPOILED: u8 = 8;
    /// A proof or a total lies.
    pub const LIE: u8 = 16;
    /// All of a consumer's devices or lanes, not one.
    pub const MANY: u8 = 32;
}

/// A step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step(pub [u8; SIZE]);

impl Step {
    pub fn new(kind: u8) -> Self {
        Self::default().with(field::KIND, kind)
    }

    #[must_use]
    pub fn with(mut self, field: usize, value: u8) -> Self {
        self.0[field] = value;
        self
    }

    pub fn get(&self, field: usize) -> u8 {
        self.0[field]
    }

    pub fn place(&self, field: usize) -> usize {
        usize::from(self.0[field])
    }

    pub fn has(&self, flag: u8) -> bool {
        self.0[field::FLAGS] & flag != 0
    }

    /// An amount: 0 is all of `there`; then what lies beside it, and the edges of every width.
    pub fn amount(&self, field: usize, there: u64) -> u64 {
        match self.0[field] {
            0 => there,
            1 => 1,
            2 => there / 2,
            3 => there.saturating_add(1),
            4 => there.saturating_sub(1),
            5 => 0,
            6 => 10,
            7 => 100,
            8 => 999,
            9 => 1_000,
            10 => 10_000,
            11 => 999_999,
            12 => 1_000_000,
            13 => 1_000_000_000,
            14 => u64::from(u32::MAX),
            15 => 1 << 48,
            16 => (1 << 48) + 1,
            17 => 1 << 63,
            18 => u64::MAX - 1,
            19 => u64::MAX,
            20 => there / 3,
            21 => there.saturating_mul(2),
            other => u64::from(other) * 7,
        }
    }

    /// A length of time in seconds: 0 is `usual`.
    pub fn seconds(&self, field: usize, usual: u32) -> u32 {
        const LENGTHS: [u32; 15] = [
            1,
            2,
            50,
            60,
            99,
            100,
            101,
            600,
            1_200,
            3_599,
            3_600,
            7_200,
            86_400,
            31_536_000,
            u32::MAX,
        ];
        match self.0[field] {
            0 => usual,
            place => LENGTHS[usize::from(place - 1) % LENGTHS.len()],
        }
    }
}

/// The steps of an input, after its first byte, which names the state they start from.
pub fn steps(input: &[u8]) -> impl Iterator<Item = Step> + '_ {
    input
        .get(1..)
        .unwrap_or(&[])
        .as_chunks::<SIZE>()
        .0
        .iter()
        .copied()
        .map(Step)
}

/// An input of these steps, from this state on.
pub fn input(start: u8, steps: &[Step]) -> Vec<u8> {
    let mut bytes = vec![start];
    bytes.extend(steps.iter().flat_map(|step| step.0));
    bytes
}
