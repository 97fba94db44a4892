//! `exec`: run a command in a running container.

use std::ffi::OsString;

use clap::Args;

use super::context::Context;
use super::report::{self, Outcome};

/// Run a command in a running container
#[derive(Args, Debug)]
#[command(override_usage = "coracle exec [OPTIONS] CONTAINER COMMAND [ARGUMENT...]")]
pub struct ExecArgs {
    /// Start in the background
    #[arg(short, long)]
    detach: bool,
    /// Keep standard input open
    #[arg(short, long)]
    interactive: bool,
    /// Give the command a terminal
    #[arg(short, long)]
    tty: bool,
    /// Set an environment variable; NAME alone copies it, NAME* copies all that begin so
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    env: Vec<OsString>,
    /// Read environment variables from a file, one a line
    #[arg(long, value_name = "FILE")]
    env_file: Vec<OsString>,
    /// User to run as
    #[arg(short, long, value_name = "USER[:GROUP]")]
    user: Option<String>,
    /// Directory to start in
    #[arg(short, long, value_name = "DIR")]
    workdir: Option<OsString>,
    /// Give all capabilities
    #[arg(long)]
    privileged: bool,
    /// Keys that detach, such as ctrl-p,ctrl-q
    #[arg(long, value_name = "KEYS")]
    detach_keys: Option<String>,
    /// The container made last; all arguments are the command
    #[arg(short, long)]
    latest: bool,
    /// Read the container's identifier from a file; all arguments are the command
    #[arg(long, value_name = "FILE")]
    cidfile: Option<OsString>,
    /// The container, and the command with its arguments
    #[arg(required = true, trailing_var_arg = true, value_name = "CONTAINER")]
    command: Vec<OsString>,
}

pub fn run(_args: ExecArgs, _context: &Context) -> Outcome {
    report::unwired("exec")
}
