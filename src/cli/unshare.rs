//! `unshare`: run a command as containers see the host.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args;

use super::context::{Context, UNSHARED, UNSHARED_LENDERS, UNSHARED_STORE, user, variable};
use super::report::{self, Outcome};

/// Run a command in the user namespace of the containers
///
/// For ordinary users: there, files of containers belong to the users that they belong to in the containers, and what is
/// mounted is seen by the command alone. Without a command the shell is started.
#[derive(Args, Debug)]
pub struct UnshareArgs {
    /// The command and its arguments
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// As a shell does: 127 for a command that is not there, 126 for one that cannot be executed.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

pub fn run(args: UnshareArgs, context: &Context) -> Outcome {
    let shell = || vec![variable("SHELL").unwrap_or_else(|| "/bin/sh".into())];
    let words = if args.command.is_empty() {
        shell()
    } else {
        args.command
    };
    // From here on we are in the namespace, and what we execute is too.
    let user = user();
    let engine = context.act()?;
    engine.settle_in_namespaces()?;
    let lenders = std::env::join_paths(engine.store.shared.iter().map(|store| store.path()))
        // One with a colon in its path cannot be told of.
        .unwrap_or_default();
    let mut command = Command::new(&words[0]);
    if user != 0 {
        command
            .env(UNSHARED, user.to_string())
            .env(UNSHARED_STORE, engine.store.path())
            .env(UNSHARED_LENDERS, lenders);
    }
    let error = command.args(&words[1..]).exec();
    let code = if error.kind() == std::io::ErrorKind::NotFound {
        NOT_FOUND
    } else {
        NOT_EXECUTABLE
    };
    Err(report::coded(
        code,
        format!("cannot execute {:?}: {error}", words[0]),
    ))
}
