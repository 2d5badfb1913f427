//! The chain's time across restarts.

use std::error::Error;

use solana_clock::Clock;
use surfpool_core::{storage::Storage, surfnet::svm::SurfnetSvm};

const KEY: &str = "worktab_unix_time";

/// Keeps the time in the ledger, so that a chain which was moved ahead of this machine does not fall back.
pub struct Time {
    ledger: Box<dyn Storage<String, u64>>,
    kept: u64,
}

impl Time {
    /// Goes on with the time that the ledger holds, where that is later than this machine's.
    pub fn resume(svm: &mut SurfnetSvm) -> Result<Self, Box<dyn Error>> {
        let ledger = svm.slot_checkpoint.clone_box();
        let kept = ledger.get(&KEY.to_string())?.unwrap_or(0);
        if kept.saturating_mul(1_000) > svm.updated_at {
            svm.updated_at = kept.saturating_mul(1_000);
            // Programs and clients read the time before the first block sets it.
            let mut clock = svm.inner.get_sysvar::<Clock>();
            clock.unix_timestamp = i64::try_from(kept)?;
            svm.inner.set_sysvar(&clock);
        }
        Ok(Self { ledger, kept })
    }

    /// Keeps a time that programs see, in Unix seconds.
    pub fn note(&mut self, unix_time: i64) {
        let Some(seconds) = u64::try_from(unix_time).ok().filter(|&seconds| seconds > self.kept) else {
            return;
        };
        match self.ledger.store(KEY.to_string(), seconds) {
            Ok(()) => self.kept = seconds,
            Err(error) => eprintln!("warning: the chain's time was not kept: {error}"),
        }
    }
}
