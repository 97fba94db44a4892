//! `unshare`: run a command as containers see the host.

use std::ffi::OsString;

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// Run a command in the user namespace of the containers
///
/// For ordinary users: there, files of containers belong to the users that they belong to in the containers. Without a
/// command the shell is started.
#[derive(Args, Debug)]
pub struct UnshareArgs {
    /// The command and its arguments
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub fn run(_args: UnshareArgs, _context: &Context) -> Outcome {
    report::unwired("unshare")
}
