//! `runtime …`: the command line of an OCI runtime, for containerd, CRI-O, Podman and Docker.
//!
//! There is no standard for it but what runc does (opencontainers/runc, `man/`), which callers rely on.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::arguments::Flags;
use super::context::Context;
use super::report::{self, Outcome};

/// Work as an OCI runtime
///
/// The same under the name coracle-runtime.
#[derive(Args, Debug)]
pub struct RuntimeArgs {
    /// Directory for the state of containers
    #[arg(long, value_name = "DIR")]
    root: Option<OsString>,
    /// File for messages
    #[arg(long, value_name = "FILE")]
    log: Option<OsString>,
    /// Format of messages: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: String,
    /// Accepted for compatibility
    #[arg(long, hide = true)]
    debug: bool,
    /// Accepted for compatibility: control groups are always made directly
    #[arg(long)]
    systemd_cgroup: bool,
    /// Accepted for compatibility
    #[arg(long, hide = true, value_name = "MODE")]
    rootless: Option<String>,
    #[command(subcommand)]
    command: RuntimeCommand,
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum RuntimeCommand {
    Create(Flags<CreateArgs>),
    Delete(Flags<DeleteArgs>),
    Features(Flags<FeaturesArgs>),
    Kill(Flags<KillArgs>),
    Spec(Flags<SpecArgs>),
    Start(Flags<IdArgs>),
    State(Flags<StateArgs>),
}

/// Make a container of a bundle
#[derive(Args, Debug)]
struct CreateArgs {
    /// Directory with config.json
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    bundle: OsString,
    /// Socket to send the master side of the terminal to
    #[arg(long, value_name = "SOCKET")]
    console_socket: Option<OsString>,
    /// File for the process identifier
    #[arg(long, value_name = "FILE")]
    pid_file: Option<OsString>,
    /// Move the root instead of pivoting, for a root on a RAM disk
    #[arg(long)]
    no_pivot: bool,
    /// Accepted for compatibility: no session keyring is made
    #[arg(long)]
    no_new_keyring: bool,
    /// Pass this many more file descriptors on
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    preserve_fds: u32,
    /// Identifier of the container
    #[arg(value_name = "ID")]
    id: String,
}

/// Start a container that was created
#[derive(Args, Debug)]
struct IdArgs {
    /// Identifier of the container
    #[arg(value_name = "ID")]
    id: String,
}

/// Print the state of a container
#[derive(Args, Debug)]
struct StateArgs {
    /// Identifier of the container
    #[arg(value_name = "ID")]
    id: String,
}

/// Send a signal to a container
#[derive(Args, Debug)]
struct KillArgs {
    /// Send it to all processes of the container
    #[arg(short, long)]
    all: bool,
    /// Identifier of the container
    #[arg(value_name = "ID")]
    id: String,
    /// Signal
    #[arg(value_name = "SIGNAL", default_value = "SIGTERM")]
    signal: String,
}

/// Delete a container that has ended
#[derive(Args, Debug)]
struct DeleteArgs {
    /// Kill it first, and say nothing if it is not there
    #[arg(short, long)]
    force: bool,
    /// Identifier of the container
    #[arg(value_name = "ID")]
    id: String,
}

/// Write an example of config.json
#[derive(Args, Debug)]
struct SpecArgs {
    /// Directory to write it to
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    bundle: OsString,
    /// Make it fit for an ordinary user
    #[arg(long)]
    rootless: bool,
}

/// Print what the runtime can do
#[derive(Args, Debug)]
struct FeaturesArgs {}

pub fn run(args: RuntimeArgs, _context: &Context) -> Outcome {
    match args.command {
        RuntimeCommand::Create(_) => report::unwired("runtime create"),
        RuntimeCommand::Delete(_) => report::unwired("runtime delete"),
        RuntimeCommand::Features(_) => report::unwired("runtime features"),
        RuntimeCommand::Kill(_) => report::unwired("runtime kill"),
        RuntimeCommand::Spec(_) => report::unwired("runtime spec"),
        RuntimeCommand::Start(_) => report::unwired("runtime start"),
        RuntimeCommand::State(_) => report::unwired("runtime state"),
    }
}
