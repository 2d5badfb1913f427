//! The node: a chain, the threads that serve it, and how both end.

use std::{
    error::Error,
    net::{IpAddr, SocketAddr, TcpListener},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, unbounded};
use surfpool_core::{
    runloops::start_local_surfnet_runloop,
    surfnet::{
        locker::SurfnetSvmLocker,
        svm::{SurfnetSvm, SurfnetSvmConfig},
    },
};
use surfpool_types::{RpcConfig, SimnetCommand, SimnetConfig, SimnetEvent, SurfpoolConfig};

use crate::{options::Options, time::Time};

/// HTTP and websocket each report that they have let go of their port.
const SERVERS: usize = 2;
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// A node that answers.
pub struct Node {
    commands: Sender<SimnetCommand>,
    events: Receiver<SimnetEvent>,
    chain: JoinHandle<Result<(), String>>,
    time: Time,
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
        let time = Time::resume(&mut svm)?;
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
        let mut node = Self {
            commands,
            events,
            chain,
            time,
        };
        node.wait_until_ready()?;
        Ok(node)
    }

    /// Passes what the node has to say to standard error until `stop` is heard; true if it was heard, false if the
    /// chain ended by itself.
    pub fn run_until(&mut self, stop: &mpsc::Receiver<()>) -> bool {
        loop {
            match self.events.recv_timeout(Duration::from_millis(100)) {
                Ok(event) => self.take(&event),
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
    pub fn stop(mut self) -> Result<(), Box<dyn Error>> {
        self.commands.send(SimnetCommand::Terminate(None))?;
        let mut closed = 0;
        while closed < SERVERS {
            match self.events.recv_timeout(SHUTDOWN_LIMIT) {
                Ok(SimnetEvent::Shutdown) => closed += 1,
                Ok(event) => self.take(&event),
                Err(_) => return Err("the node's ports did not close in time".into()),
            }
        }
        self.chain.join().map_err(|_| "the chain's thread panicked")??;
        Ok(())
    }

    fn take(&mut self, event: &SimnetEvent) {
        match event {
            SimnetEvent::SystemClockUpdated(clock) => self.time.note(clock.unix_timestamp),
            SimnetEvent::ErrorLog(_, text) => eprintln!("error: {text}"),
            SimnetEvent::WarnLog(_, text) => eprintln!("warning: {text}"),
            _ => {}
        }
    }

    fn wait_until_ready(&mut self) -> Result<(), Box<dyn Error>> {
        loop {
            match self.events.recv_timeout(Duration::from_millis(100)) {
                Ok(SimnetEvent::CoreStarted(_)) => return Ok(()),
                Ok(SimnetEvent::Aborted(reason)) => return Err(reason.into()),
                Ok(event) => self.take(&event),
                Err(_) if self.chain.is_finished() => return Err("the chain did not start".into()),
                Err(_) => {}
            }
        }
    }
}

fn check_port(host: IpAddr, port: u16) -> Result<(), Box<dyn Error>> {
    match TcpListener::bind(SocketAddr::new(host, port)) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("cannot listen on {host}:{port}: {error}").into()),
    }
}
