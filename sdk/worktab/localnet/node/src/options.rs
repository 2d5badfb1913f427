//! What the command line asks for.

use std::{net::IpAddr, path::PathBuf};

use clap::Parser;
use solana_hash::Hash;

/// A full Solana node for tests: JSON-RPC and websocket over a chain of its own, with no peers.
///
/// Once it answers, it prints one line of JSON with both addresses. It stops on SIGTERM, SIGINT, or, with
/// --follow-stdin, when its standard input closes.
#[derive(Parser)]
#[command(version, about)]
pub struct Options {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port for JSON-RPC over HTTP.
    #[arg(long, default_value_t = 8899)]
    pub rpc_port: u16,
    /// Port for subscriptions over websocket.
    #[arg(long, default_value_t = 8900)]
    pub ws_port: u16,
    /// SQLite file to keep the chain in, made where it is missing. Without it the chain lives in memory.
    #[arg(long)]
    pub ledger: Option<PathBuf>,
    /// Milliseconds from block to block, in real time as on the chain's own clock.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub slot_time: u64,
    /// The cluster's genesis hash, in base58.
    #[arg(long)]
    pub genesis_hash: Option<Hash>,
    /// Stop when standard input closes, so that the node ends with whoever started it.
    #[arg(long)]
    pub follow_stdin: bool,
}
