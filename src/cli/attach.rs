//! `attach`: connect to a running container.

use clap::Args;

use super::context::Context;
use super::options::Connection;
use super::report::{self, Outcome};

/// Connect to a running container
#[derive(Args, Debug)]
pub struct AttachArgs {
    #[command(flatten)]
    connection: Connection,
    /// Leave standard input alone
    #[arg(long)]
    no_stdin: bool,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// The container, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    container: Option<String>,
}

pub fn run(_args: AttachArgs, _context: &Context) -> Outcome {
    report::unwired("attach")
}
