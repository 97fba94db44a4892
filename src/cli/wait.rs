//! `wait`: wait for containers.

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// Wait until containers end, and print their exit codes
#[derive(Args, Debug)]
pub struct WaitArgs {
    /// What to wait for
    #[arg(long, value_name = "STATE")]
    condition: Vec<String>,
    /// Accepted for compatibility: there is no interval, since nothing polls
    #[arg(short, long, value_name = "TIME")]
    interval: Option<String>,
    /// Say nothing of containers that are not there
    #[arg(long)]
    ignore: bool,
    /// End when the first container has reached the state
    #[arg(long)]
    exit_first_match: bool,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// Containers, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(_args: WaitArgs, _context: &Context) -> Outcome {
    report::unwired("wait")
}
