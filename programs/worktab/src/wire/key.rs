//! Public keys of devices.

/// An Ed25519 key: 32 bytes and a zero.
pub const ED25519: u8 = 1;
/// A P-256 key: 33 bytes, compressed.
pub const P256: u8 = 2;

/// A device's public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    pub kind: u8,
    pub bytes: &'a [u8; 33],
}

impl<'a> Key<'a> {
    /// A key in its one canonical form, or nothing.
    #[inline(always)]
    pub fn parse(kind: u8, bytes: &'a [u8; 33]) -> Option<Self> {
        let canonical = match kind {
            ED25519 => bytes[32] == 0,
            P256 => bytes[0] == 2 || bytes[0] == 3,
            _ => false,
        };
        canonical.then_some(Self { kind, bytes })
    }

    /// The bytes a native signature program sees.
    #[inline(always)]
    pub fn native(&self) -> &'a [u8] {
        if self.kind == ED25519 {
            &self.bytes[..32]
        } else {
            &self.bytes[..]
        }
    }
}
