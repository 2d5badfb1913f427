//! The instructions sysvar, built by hand as the runtime builds it.

/// One instruction of a transaction.
#[derive(Clone, Debug, Default)]
pub struct Instruction {
    pub program: [u8; 32],
    /// Flags (1 signer, 2 writable) and address of each account.
    pub accounts: Vec<(u8, [u8; 32])>,
    pub data: Vec<u8>,
}

impl Instruction {
    pub fn new(program: [u8; 32], data: &[u8]) -> Self {
        Self {
            program,
            accounts: Vec::new(),
            data: data.to_vec(),
        }
    }

    /// u16 number of accounts, the accounts, program, u16 length of data, data.
    pub fn serialized(&self) -> Vec<u8> {
        let mut bytes = word(self.accounts.len()).to_vec();
        for (flags, address) in &self.accounts {
            bytes.push(*flags);
            bytes.extend(address);
        }
        bytes.extend(self.program);
        bytes.extend(word(self.data.len()));
        bytes.extend(&self.data);
        bytes
    }
}

/// The sysvar's data while instruction number `running` runs: u16 number of instructions, the u16 offset of each, the
/// instructions, u16 `running`.
pub fn sysvar(instructions: &[Instruction], running: u16) -> Vec<u8> {
    let bodies: Vec<_> = instructions.iter().map(Instruction::serialized).collect();
    let mut bytes = word(bodies.len()).to_vec();
    let mut offset = 2 + 2 * bodies.len();
    for body in &bodies {
        bytes.extend(word(offset));
        offset += body.len();
    }
    bytes.extend(bodies.concat());
    bytes.extend(running.to_le_bytes());
    bytes
}

fn word(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap().to_le_bytes()
}
