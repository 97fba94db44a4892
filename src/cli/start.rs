//! `start`: start containers that exist.

use clap::Args;

use super::context::Context;
use super::options::Connection;
use super::report::{self, Outcome};

/// Start containers
#[derive(Args, Debug)]
pub struct StartArgs {
    /// Stay connected to the container, and end with its exit status
    #[arg(short, long)]
    attach: bool,
    /// Connect standard input too
    #[arg(short, long)]
    interactive: bool,
    #[command(flatten)]
    connection: Connection,
    /// All containers
    #[arg(long)]
    all: bool,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// Containers that fit
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Containers, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(_args: StartArgs, _context: &Context) -> Outcome {
    report::unwired("start")
}
