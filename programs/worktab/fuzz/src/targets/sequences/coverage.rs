//! What the fuzzer is guided by: the jumps that the program took on the chain's virtual machine, and how each
//! instruction ended.

use super::Outcome;
use litesvm::{InvocationInspectCallback, LiteSVM};
use solana_program_runtime::invoke_context::InvokeContext;
use solana_transaction::sanitized::SanitizedTransaction;
use solana_transaction_context::IndexOfAccount;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};

const JUMPS: usize = 1 << 16;
const ENDS: usize = 1 << 13;
/// More instructions than the program has.
const PLACES: usize = 1 << 17;

/// libFuzzer finds them by the name of the section, clears them before each input and reads them after it.
#[link_section = "__libfuzzer_extra_counters"]
#[used]
static COUNTERS: [AtomicU8; JUMPS + ENDS] = [const { AtomicU8::new(0) }; JUMPS + ENDS];

/// Instructions of the program that ever ran.
static SEEN: [AtomicBool; PLACES] = [const { AtomicBool::new(false) }; PLACES];

fn count(place: usize) {
    let counter = &COUNTERS[place];
    counter.store(counter.load(Relaxed).saturating_add(1), Relaxed);
}

/// Counts how an instruction of this number ended.
pub fn ended(kind: u8, outcome: &Outcome) {
    let mut hasher = DefaultHasher::new();
    (kind, outcome).hash(&mut hasher);
    #[allow(clippy::cast_possible_truncation)] // below the bound
    let place = (hasher.finish() % ENDS as u64) as usize;
    count(JUMPS + place);
}

/// What was counted since the last call, as places without their numbers.
pub fn take() -> Vec<usize> {
    let counted = |place: &usize| COUNTERS[*place].swap(0, Relaxed) != 0;
    (0..COUNTERS.len()).filter(counted).collect()
}

/// How many of the program's instructions ever ran.
pub fn places_seen() -> usize {
    SEEN.iter().filter(|seen| seen.load(Relaxed)).count()
}

/// Reads the trace of every invocation of the program.
pub struct Tracer;

impl InvocationInspectCallback for Tracer {
    fn before_invocation(
        &self,
        _: &LiteSVM,
        _: &SanitizedTransaction,
        _: &[IndexOfAccount],
        _: &mut InvokeContext,
        _: bool,
    ) {
    }

    fn after_invocation(
        &self,
        _: &LiteSVM,
        _: &SanitizedTransaction,
        _: &[IndexOfAccount],
        context: &InvokeContext,
        _: bool,
    ) {
        context.iterate_vm_traces(&|instruction, _, trace| {
            if instruction
                .get_program_key()
                .is_ok_and(|key| key.as_array() == worktab::ID.as_array())
            {
                read(trace);
            }
        });
    }
}

/// The program counter stands behind the eleven registers.
fn read(trace: &[[u64; 12]]) {
    let mut before = 0;
    for registers in trace {
        #[allow(clippy::cast_possible_truncation)] // an index into the program
        let place = registers[11] as usize;
        SEEN[place % PLACES].store(true, Relaxed);
        if place != before + 1 {
            let mixed = (before.wrapping_mul(0x9E37_79B1) ^ place).wrapping_mul(0x85EB_CA6B);
            count((mixed >> 8) % JUMPS);
        }
        before = place;
    }
}
