//! `runtime …`: the command line of an OCI runtime, for containerd, CRI-O, Podman and Docker.
//!
//! There is no standard for it but what runc does (opencontainers/runc, `man/`), which callers rely on.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use super::arguments::Flags;
use super::context::{Context, variable};
use super::report::{self, Outcome};
use super::{output, values};
use crate::engine::oci::{self, Request, Runtime};
use crate::runtime::rootless::{Ids, mapped};

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
    /// Print the version and that of the specification
    #[arg(short = 'v', long)]
    version: bool,
    #[command(subcommand)]
    command: Option<RuntimeCommand>,
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

/// The exit code of a failure, as of runc.
const FAILED: u8 = 1;

pub fn run(args: RuntimeArgs, _context: &Context) -> Outcome {
    if args.version {
        output::print_line(&format!("coracle-runtime version {}", env!("CARGO_PKG_VERSION")))?;
        output::print_line(&format!("spec: {}", oci::VERSION))?;
        return Ok(0);
    }
    let Some(command) = &args.command else {
        bail!("runtime: name a command: create, start, state, kill, delete, spec or features");
    };
    match execute(command, &args) {
        Ok(()) => Ok(0),
        Err(error) => {
            let message = super::report::sentence(&error);
            log(&args, "error", &message);
            Err(report::coded(FAILED, message))
        }
    }
}

fn execute(command: &RuntimeCommand, args: &RuntimeArgs) -> anyhow::Result<()> {
    let runtime = || anyhow::Ok(Runtime::new(root(args.root.as_deref())?));
    match command {
        RuntimeCommand::Create(create) => {
            if create.no_pivot {
                bail!("--no-pivot is refused: a root that was only moved can be left again");
            }
            let request = Request {
                id: &create.id,
                bundle: Path::new(&create.bundle),
                console_socket: create.console_socket.as_deref().map(Path::new),
                pid_file: create.pid_file.as_deref().map(Path::new),
                preserved_fds: create.preserve_fds,
            };
            Ok(runtime()?.create(&request)?)
        }
        RuntimeCommand::Delete(delete) => {
            let mut warn = |message: String| {
                log(args, "warning", &message);
                report::warn(&message);
            };
            Ok(runtime()?.delete(&delete.id, delete.force, &mut warn)?)
        }
        RuntimeCommand::Features(_) => print_json(&oci::features()),
        RuntimeCommand::Kill(kill) => {
            let number = values::signal::parse(&kill.signal)
                .map_err(|why| anyhow::anyhow!("invalid signal {:?}: {why}", kill.signal))?;
            Ok(runtime()?.kill(&kill.id, number, kill.all)?)
        }
        RuntimeCommand::Spec(spec) => write_sample(spec),
        RuntimeCommand::Start(start) => Ok(runtime()?.start(&start.id)?),
        RuntimeCommand::State(state) => print_json(&serde_json::to_value(runtime()?.state(&state.id)?)?),
    }
}

/// Where containers are kept: the superuser's directory is not that of a superuser in a user namespace only.
fn root(given: Option<&OsStr>) -> anyhow::Result<PathBuf> {
    if let Some(given) = given {
        return std::path::absolute(given).with_context(|| format!("invalid --root {given:?}"));
    }
    let is_superuser = rustix::process::geteuid().is_root() && mapped() == Ids::All;
    match variable("XDG_RUNTIME_DIR").filter(|_| !is_superuser) {
        Some(directory) => Ok(PathBuf::from(directory).join("coracle-runtime")),
        None => Ok("/run/coracle-runtime".into()),
    }
}

fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    output::print_line(&serde_json::to_string_pretty(value)?)?;
    Ok(())
}

fn write_sample(args: &SpecArgs) -> anyhow::Result<()> {
    let ids = args.rootless.then(|| {
        (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        )
    });
    let path = Path::new(&args.bundle).join("config.json");
    let mut text = serde_json::to_string_pretty(&oci::sample(ids))?;
    text.push('\n');
    let mut options = std::fs::OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("{}", path.display()))
}

/// Adds a message to the file that the caller reads. A log that cannot be written must not hide the failure itself.
fn log(args: &RuntimeArgs, level: &str, message: &str) {
    let Some(path) = &args.log else { return };
    let time = crate::base::time::now();
    let line = if args.log_format == "json" {
        serde_json::json!({ "level": level, "msg": message, "time": time }).to_string()
    } else {
        format!("time={time:?} level={level} msg={message:?}")
    };
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    let _ = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
}
