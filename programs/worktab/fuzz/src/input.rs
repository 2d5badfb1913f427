//! Choices read from the fuzzer's bytes. Where the bytes end, every choice is the first one.

/// Reads choices from the front of an input.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.bytes::<1>()[0]
    }

    /// The next bytes, zeros after the end.
    pub fn bytes<const SIZE: usize>(&mut self) -> [u8; SIZE] {
        let mut taken = [0; SIZE];
        let size = SIZE.min(self.0.len());
        let (front, rest) = self.0.split_at(size);
        taken[..size].copy_from_slice(front);
        self.0 = rest;
        taken
    }

    /// A number below `limit`, which is not 0 and at most 256.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    /// Any number; and more often than by chance one of every size, or near an edge.
    pub fn number(&mut self) -> u64 {
        const EDGES: [u32; 12] = [0, 1, 10, 16, 20, 31, 32, 33, 44, 48, 62, 63];
        const TENS: [u64; 6] = [100, 10_000, 999_999, 1_000_000, 1_000_001, u64::MAX / 1_000_000];
        let shape = self.byte();
        match shape >> 5 {
            0 => u64::from(shape),
            1 => (1u64 << EDGES[usize::from(shape) % EDGES.len()])
                .wrapping_add(u64::from(self.byte() % 5))
                .wrapping_sub(2),
            2 => TENS[usize::from(shape) % TENS.len()]
                .wrapping_add(u64::from(self.byte() % 5))
                .wrapping_sub(2),
            3 => u64::MAX - u64::from(self.byte()),
            4 | 5 => u64::from_le_bytes(self.bytes()) >> (shape & 63),
            _ => u64::from(u16::from_le_bytes(self.bytes())),
        }
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}
