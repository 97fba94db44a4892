//! `restart`: stop containers and start them again.

use clap::Args;

use super::context::Context;
use super::options::Selection;
use super::report::{self, Outcome};

/// Restart containers
#[derive(Args, Debug)]
pub struct RestartArgs {
    /// Seconds to wait before killing
    #[arg(
        short = 't',
        long,
        visible_alias = "timeout",
        value_name = "SECONDS",
        allow_negative_numbers = true
    )]
    time: Option<i64>,
    /// Signal to send instead of the container's own
    #[arg(short, long, value_name = "SIGNAL")]
    signal: Option<String>,
    /// Only containers that run
    #[arg(long)]
    running: bool,
    /// Containers that fit
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    #[command(flatten)]
    selection: Selection,
}

pub fn run(_args: RestartArgs, _context: &Context) -> Outcome {
    report::unwired("restart")
}
