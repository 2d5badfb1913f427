//! The signed message of 104 bytes.

pub const MESSAGE_SIZE: usize = 104;

pub const RECEIPT: u8 = 1;
pub const VOUCHER: u8 = 2;
pub const KEY_POSSESSION: u8 = 3;
pub const BATCH_VOUCHER: u8 = 4;

/// Magic, kind and the three zero bytes, as one number.
const fn head_word(kind: u8) -> u64 {
    u64::from_le_bytes([b'W', b'T', b'B', b'1', kind, 0, 0, 0])
}

/// A view of a signed message, checked to be of the kind asked for.
#[derive(Clone, Copy)]
pub struct Message<'a>(&'a [u8; MESSAGE_SIZE]);

impl<'a> Message<'a> {
    /// The message, if its first eight bytes are those of `kind`.
    #[inline(always)]
    pub fn parse(bytes: &'a [u8; MESSAGE_SIZE], kind: u8) -> Option<Self> {
        let message = Self(bytes);
        (message.word(0) == head_word(kind)).then_some(message)
    }

    #[inline(always)]
    fn word(&self, at: usize) -> u64 {
        let mut word = [0; 8];
        word.copy_from_slice(&self.0[at..][..8]);
        u64::from_le_bytes(word)
    }

    #[inline(always)]
    pub fn context(&self) -> &'a [u8; 32] {
        self.bytes32(8)
    }

    #[inline(always)]
    pub fn seq(&self) -> u64 {
        self.word(40)
    }

    #[inline(always)]
    pub fn units(&self) -> u64 {
        self.word(48)
    }

    #[inline(always)]
    pub fn amount(&self) -> u64 {
        self.word(56)
    }

    /// Seconds; `None` past the largest signed value.
    #[inline(always)]
    pub fn time(&self) -> Option<i64> {
        i64::try_from(self.word(64)).ok()
    }

    #[inline(always)]
    pub fn head(&self) -> &'a [u8; 32] {
        self.bytes32(72)
    }

    /// Whether nothing is said but kind, context and time, as in a batch voucher.
    #[inline(always)]
    pub fn is_bare(&self) -> bool {
        self.seq() | self.units() | self.amount() == 0 && self.head() == &[0; 32]
    }

    #[inline(always)]
    fn bytes32(&self, at: usize) -> &'a [u8; 32] {
        bytemuck::from_bytes(&self.0[at..][..32])
    }
}

/// The whole message that proves possession of a key: its context, and zeros.
pub fn key_possession(context: &[u8; 32]) -> [u8; MESSAGE_SIZE] {
    let mut message = [0; MESSAGE_SIZE];
    message[..8].copy_from_slice(&head_word(KEY_POSSESSION).to_le_bytes());
    message[8..40].copy_from_slice(context);
    message
}
