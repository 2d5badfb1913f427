//! The node: a chain, the threads that serve it, and how both end.

use std::{
    error::Error,
    net::{IpAddr, SocketAddr, TcpListener},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, unbounded};
use solana_clock::Clock;
use surfpool_core::{
    runloops::start_local_surfnet_runloop,
    surfnet::{
        locker::SurfnetSvmLocker,
        svm::{SurfnetSvm, SurfnetSvmConfig},
    },
};
use surfpool_types::{RpcConfig, SimnetCommand, SimnetConfig, SimnetEvent, SurfpoolConfig};

use crate::options::Options;

/// HTTP and websocket each report that they have let go of their port.
const SERVERS: usize = 2;
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// A node that answers.
pub struct Node {
    commands: Sender<SimnetCommand>,
    events: Receiver<SimnetEvent>,
    chain: JoinHandle<Result<(), String>>,
}

impl Node {
    /// Starts the node and waits until it answers.
    pub fn start(options: &Options) -> Result<Self, Box<dyn Error>> {
        for port in [options.rpc_port, options.ws_port] {
            check_port(options.host, port)?;
        }
        let ledger = options.ledger.as_ref().map(|path| path.display().to_string());
        let svm_config = SurfnetSvmConfig {
            slot_time: options.slot_time,
            // Profiles of every transaction would be kept for a tool that nobody asks for here.
            instruction_profiling_enabled: false,
            log_bytes_limit: None,
            ..SurfnetSvmConfig::default()
        };
        let (mut svm, events, geyser) = SurfnetSvm::new_with_db(ledger.as_deref(), svm_config)?;
        keep_time(&mut svm)?;
        let config = SurfpoolConfig {
            simnets: vec![SimnetConfig {
                offline_mode: true,
                remote_rpc_url: None,
                slot_time: options.slot_time,
                instruction_profiling_enabled: false,
                log_bytes_limit: None,
                genesis_hash: options.genesis_hash,
                ..SimnetConfig::default()
            }],
            rpc: RpcConfig {
                bind_host: options.host.to_string(),
                bind_port: options.rpc_port,
                ws_port: options.ws_port,
                ..RpcConfig::default()
            },
            ..SurfpoolConfig::default()
        };
        let (commands, inbox) = unbounded();
        let own_commands = commands.clone();
        let locker = SurfnetSvmLocker::new(svm);
        let chain = thread::Builder::new().name("chain".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
            let run = start_local_surfnet_runloop(locker, config, own_commands, inbox, geyser);
            runtime
                .map_err(|error| error.to_string())?
                .block_on(run)
                .map_err(|error| error.to_string())
        })?;
        let node = Self {
            commands,
            events,
            chain,
        };
        node.wait_until_ready()?;
        Ok(node)
    }

    /// Passes what the node has to say to standard error until `stop` is heard; true if it was heard, false if the
    /// chain ended by itself.
    pub fn run_until(&self, stop: &mpsc::Receiver<()>) -> bool {
        loop {
            match self.events.recv_timeout(Duration::from_millis(100)) {
                Ok(event) => report(&event),
                Err(crossbeam_channel::RecvTimeoutError::Timeout) => {}
                Err(crossbeam_channel::RecvTimeoutError::Disconnected) => return false,
            }
            if stop.try_recv().is_ok() {
                return true;
            }
            if self.chain.is_finished() {
                return false;
            }
        }
    }

    /// Writes the ledger, closes both ports, and waits for both to be done.
    pub fn stop(self) -> Result<(), Box<dyn Error>> {
        self.commands.send(SimnetCommand::Terminate(None))?;
        let mut closed = 0;
        while closed < SERVERS {
            match self.events.recv_timeout(SHUTDOWN_LIMIT) {
                Ok(SimnetEvent::Shutdown) => closed += 1,
                Ok(event) => report(&event),
                Err(_) => return Err("the node's ports did not close in time".into()),
            }
        }
        self.chain.join().map_err(|_| "the chain's thread panicked")??;
        Ok(())
    }

    fn wait_until_ready(&self) -> Result<(), Box<dyn Error>> {
        loop {
            match self.events.recv_timeout(Duration::from_millis(100)) {
                Ok(SimnetEvent::CoreStarted(_)) => return Ok(()),
                Ok(SimnetEvent::Aborted(reason)) => return Err(reason.into()),
                Ok(event) => report(&event),
                Err(_) if self.chain.is_finished() => return Err("the chain did not start".into()),
                Err(_) => {}
            }
        }
    }
}

/// A chain that was moved ahead of the wall clock does not fall back when it is opened again.
fn keep_time(svm: &mut SurfnetSvm) -> Result<(), Box<dyn Error>> {
    let newest = svm.blocks.into_iter()?.map(|(_, block)| block.block_time).max();
    let Some(after) = newest.and_then(|seconds| u64::try_from(seconds + 1).ok()) else {
        return Ok(());
    };
    svm.updated_at = svm.updated_at.max(after.saturating_mul(1_000));
    // Programs and clients read the time before the first block sets it.
    let mut clock = svm.inner.get_sysvar::<Clock>();
    clock.unix_timestamp = i64::try_from(svm.updated_at / 1_000)?;
    svm.inner.set_sysvar(&clock);
    Ok(())
}

fn check_port(host: IpAddr, port: u16) -> Result<(), Box<dyn Error>> {
    match TcpListener::bind(SocketAddr::new(host, port)) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("cannot listen on {host}:{port}: {error}").into()),
    }
}

fn report(event: &SimnetEvent) {
    match event {
        SimnetEvent::ErrorLog(_, text) => eprintln!("error: {text}"),
        SimnetEvent::WarnLog(_, text) => eprintln!("warning: {text}"),
        _ => {}
    }
}
