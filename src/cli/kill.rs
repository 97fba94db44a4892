//! `kill`: send a signal to containers.

use clap::Args;

use super::context::Context;
use super::options::Selection;
use super::report::{self, Outcome};

/// Send a signal to running containers
#[derive(Args, Debug)]
pub struct KillArgs {
    /// Signal to send
    #[arg(short, long, value_name = "SIGNAL", default_value = "KILL")]
    signal: String,
    #[command(flatten)]
    selection: Selection,
}

pub fn run(_args: KillArgs, _context: &Context) -> Outcome {
    report::unwired("kill")
}
