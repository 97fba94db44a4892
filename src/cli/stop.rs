//! `stop`: ask containers to end, and end them.

use clap::Args;

use super::context::Context;
use super::options::Selection;
use super::report::{self, Outcome};

/// Stop containers
///
/// Sends the stop signal, and kills what still runs after the timeout.
#[derive(Args, Debug)]
pub struct StopArgs {
    /// Seconds to wait before killing; -1 waits for ever
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
    /// Say nothing of containers that are not there
    #[arg(short, long)]
    ignore: bool,
    /// Containers that fit
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    #[command(flatten)]
    selection: Selection,
}

pub fn run(_args: StopArgs, _context: &Context) -> Outcome {
    report::unwired("stop")
}
