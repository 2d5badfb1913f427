//! A full Solana node for tests; see `Options` for what it does.

mod node;
mod options;
mod time;

use std::{
    env,
    io::{self, Read, Write},
    net::SocketAddr,
    process::ExitCode,
    sync::mpsc,
    thread,
};

use clap::Parser;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{node::Node, options::Options};

fn main() -> ExitCode {
    // Every block counts, also when the power goes: a height that was final must not be reached again.
    // SAFETY: no other thread runs yet.
    unsafe { env::set_var("SURFPOOL_CHECKPOINT_INTERVAL_SLOTS", "1") };
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let stop = listen_for_the_end(options.follow_stdin)?;
    let mut node = Node::start(options)?;
    let rpc = format!("http://{}", SocketAddr::new(options.host, options.rpc_port));
    let ws = format!("ws://{}", SocketAddr::new(options.host, options.ws_port));
    println!("{}", serde_json::json!({ "rpc": rpc, "ws": ws }));
    io::stdout().flush()?;
    if !node.run_until(&stop) {
        return Err("the chain stopped by itself".into());
    }
    node.stop()
}

/// Hears of the first signal to end or, if wanted, of the end of standard input.
fn listen_for_the_end(follow_stdin: bool) -> io::Result<mpsc::Receiver<()>> {
    let (ended, stop) = mpsc::channel();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let by_signal = ended.clone();
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            let _ = by_signal.send(());
        }
    });
    if follow_stdin {
        thread::spawn(move || {
            let _ = io::copy(&mut io::stdin().lock().by_ref(), &mut io::sink());
            let _ = ended.send(());
        });
    }
    Ok(stop)
}
