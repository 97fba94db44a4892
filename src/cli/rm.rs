//! `rm`: remove containers.

use clap::Args;

use super::context::Context;
use super::options::Selection;
use super::report::{self, Outcome};

/// Remove containers
#[derive(Args, Debug)]
pub struct RmArgs {
    /// Kill running containers first, and say nothing of those that are not there
    #[arg(short, long)]
    force: bool,
    /// Remove the anonymous volumes of the container too
    #[arg(short, long)]
    volumes: bool,
    /// Remove containers that depend on these too
    #[arg(long)]
    depend: bool,
    /// Say nothing of containers that are not there
    #[arg(short, long)]
    ignore: bool,
    /// With --force: seconds to wait before killing
    #[arg(short = 't', long, value_name = "SECONDS", allow_negative_numbers = true)]
    time: Option<i64>,
    /// Containers that fit
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    #[command(flatten)]
    selection: Selection,
}

pub fn run(_args: RmArgs, _context: &Context) -> Outcome {
    report::unwired("rm")
}
