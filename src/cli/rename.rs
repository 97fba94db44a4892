//! `rename`: give a container another name.

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// Give a container another name
#[derive(Args, Debug)]
pub struct RenameArgs {
    /// The container, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    container: String,
    /// The new name
    #[arg(value_name = "NAME")]
    name: String,
}

pub fn run(_args: RenameArgs, _context: &Context) -> Outcome {
    report::unwired("rename")
}
