//! `top`: list the processes of a container.

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// List the processes of a container
///
/// Columns are named by descriptors such as pid, user or args; arguments that begin with a hyphen are taken as
/// options of ps and give its usual columns.
#[derive(Args, Debug)]
#[command(override_usage = "coracle top [OPTIONS] CONTAINER [DESCRIPTOR...]")]
pub struct TopArgs {
    /// The container made last; all arguments are descriptors
    #[arg(short, long)]
    latest: bool,
    /// The container, and what to show of its processes
    #[arg(trailing_var_arg = true, value_name = "CONTAINER")]
    arguments: Vec<String>,
}

pub fn run(_args: TopArgs, _context: &Context) -> Outcome {
    report::unwired("top")
}
