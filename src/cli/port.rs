//! `port`: list published ports.

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// List the published ports of containers
#[derive(Args, Debug)]
pub struct PortArgs {
    /// All containers
    #[arg(short, long)]
    all: bool,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// The container, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    container: Option<String>,
    /// Only this port
    #[arg(value_name = "PORT[/PROTOCOL]")]
    port: Option<String>,
}

pub fn run(_args: PortArgs, _context: &Context) -> Outcome {
    report::unwired("port")
}
