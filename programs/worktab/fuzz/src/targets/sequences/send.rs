//! Sends an instruction, and judges how it ended.

use super::arguments;
use super::broken;
use super::call::Memory;
use super::coverage;
use super::idl;
use super::ledger;
use super::powers::{self, Happened};
use super::scene::Scene;
use super::step::{field, Step};
use super::universe::{FEE_PAYER, PROGRAM};
use super::world::World;
use anchor_lang::pinocchio::address::Address;
use litesvm::types::FailedTransactionMetadata;
use solana_instruction_error::InstructionError;
use solana_message::{Instruction, Message, VersionedMessage};
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    Done,
    /// An error's number: the program's, or that of a program it called.
    Refused(u32),
    /// Stopped by the runtime, or for an error that all programs share.
    Stopped(String),
    Outside,
}

pub fn instruction(world: &mut World, step: Step) -> Outcome {
    let described = idl::instruction(step.get(field::KIND));
    let scene = Scene::new(world, step, &described.name);
    let call =
        arguments::call(&scene, described.number).unwrap_or_else(|| panic!("no arguments for {}", described.name));
    let mut metas = call.metas(&scene, described);
    let mut data = call.data.clone();
    broken::spoil(&scene, &mut data, &mut metas);
    // A spoilt number may be another instruction's.
    let name = idl::INSTRUCTIONS
        .iter()
        .find(|each| data.first() == Some(&each.number))
        .map_or("", |each| each.name.as_str());
    let mut signed: Vec<Vec<u8>> = metas
        .iter()
        .filter(|meta| meta.is_signer)
        .map(|meta| meta.pubkey.as_ref().to_vec())
        .collect();
    signed.extend(call.shown);
    let (now, slot) = (scene.now, scene.slot);
    // What is broken besides may turn a forgery into something else.
    let (memory, forged) = (call.memory, call.forged && step.get(field::BREAK) == 0);
    let device = scene.device;
    let mut instructions: Vec<Instruction> = call.native.into_iter().collect();
    instructions.push(Instruction {
        program_id: PROGRAM,
        accounts: metas,
        data,
    });
    let happened = Happened {
        name,
        signed: &signed,
        now,
        slot,
    };
    let held = vaults(world);
    let outcome = match send(world, &instructions) {
        Ok(()) => {
            assert!(!forged, "{name} took a message that is meant for something else");
            settle(world, &happened, &held);
            remember(world, device, memory);
            Outcome::Done
        }
        Err(failure) => refusal(name, &failure),
    };
    coverage::ended(described.number, &outcome);
    outcome
}

fn send(world: &mut World, instructions: &[Instruction]) -> Result<(), Box<FailedTransactionMetadata>> {
    world.sent += 1;
    let message = Message::new(instructions, Some(&FEE_PAYER));
    let signatures = vec![Default::default(); usize::from(message.header.num_required_signatures)];
    let transaction = VersionedTransaction {
        signatures,
        message: VersionedMessage::Legacy(message),
    };
    world.svm.send_transaction(transaction).map(|_| ()).map_err(Box::new)
}

/// Checks what an instruction that succeeded left behind.
fn settle(world: &mut World, happened: &Happened, held: &BTreeMap<Address, u64>) {
    let before = Rc::clone(&world.state);
    world.refresh();
    let after = Rc::clone(&world.state);
    ledger::check(&after, |vault| world.balance(vault));
    powers::check(&before, &after, happened);
    for (address, network) in &after.networks {
        let vault = world.balance(&network.vault);
        let Some(old) = before.networks.get(address) else {
            continue;
        };
        if happened.name == "fund_pool" && old.accounted != network.accounted {
            assert_eq!(network.accounted.get(), vault, "a surplus is the pool's");
        } else {
            let moved = i128::from(vault) - i128::from(held[address]);
            let booked = i128::from(network.accounted.get()) - i128::from(old.accounted.get());
            assert_eq!(booked, moved, "accounted of {address} moves as the vault does");
        }
    }
}

fn remember(world: &mut World, device: Address, memory: Memory) {
    if let Some(tree) = memory.tree {
        world.trees.insert(tree.root(), tree);
    }
    world.committed.extend(memory.committed);
    world.disputed.extend(memory.disputed);
    if let Some(head) = world
        .state
        .devices
        .get(&device)
        .map(|device| (device.seq.get(), device.head))
    {
        let jobs = world.jobs.entry(device).or_default();
        jobs.extend(memory.jobs);
        // Only records that lead to the head on chain are known.
        let leads = jobs
            .last()
            .is_some_and(|job| (job.seq, worktab::wire::record::next_head(&job.before, &job.hash)) == head);
        if !leads {
            jobs.clear();
        }
    }
}

/// What each network's vault holds.
fn vaults(world: &World) -> BTreeMap<Address, u64> {
    world
        .state
        .networks
        .iter()
        .map(|(address, network)| (*address, world.balance(&network.vault)))
        .collect()
}

/// What a failure comes to; panics where it is a defect.
fn refusal(name: &str, failure: &FailedTransactionMetadata) -> Outcome {
    use InstructionError as E;
    match &failure.err {
        TransactionError::InstructionError(_, E::Custom(number)) => Outcome::Refused(*number),
        // A panic, an access outside of what is mapped, or an account that only its owner may change so.
        TransactionError::InstructionError(
            _,
            E::ProgramFailedToComplete
            | E::ProgramEnvironmentSetupFailure
            | E::ComputationalBudgetExceeded
            | E::UnbalancedInstruction
            | E::ModifiedProgramId
            | E::ExternalAccountLamportSpend
            | E::ExecutableModified
            | E::GenericError,
        ) => panic!("{name} failed: {:?}\n{}", failure.err, failure.meta.logs.join("\n")),
        TransactionError::InstructionError(_, error) => Outcome::Stopped(format!("{error:?}")),
        TransactionError::InsufficientFundsForRent { .. } => Outcome::Stopped("InsufficientFundsForRent".into()),
        other => panic!("{name} was not even tried: {other:?}"),
    }
}
