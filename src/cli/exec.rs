//! `exec`: run a command in a running container.

use std::ffi::OsString;

use anyhow::{Context as _, bail};
use clap::Args;

use super::context::Context;
use super::descriptors::Preserved;
use super::foreground::{Foreground, Streams, terminal_size};
use super::report::{self, Outcome};
use super::resolve::asked_variables;
use super::run::read_bounded;
use super::select::one;
use super::values::environment;
use crate::engine::EngineError;
use crate::engine::exec::Request;
use crate::store::Store;

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
    #[command(flatten)]
    preserved: Preserved,
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

/// As Podman where the container does not run.
const NOT_RUNNING: u8 = 255;

pub fn run(args: ExecArgs, context: &Context) -> Outcome {
    let descriptors = args.preserved.take()?;
    let asked = asked_variables(&args.env_file, &args.env, &context.environment(), &read_bounded)?;
    let mut env = Vec::new();
    environment::apply(&mut env, &asked);
    let streams = Streams {
        input: args.interactive && !args.detach,
        output: true,
        error: true,
        terminal: args.tty,
        detach_keys: context.detach_keys(args.detach_keys.as_deref())?,
        pass_signals: true,
    };
    let foreground = if args.detach {
        None
    } else {
        Some(Foreground::prepare(streams)?)
    };
    let engine = context.act_alone()?;
    let (id, command) = target(&engine.store, &args)?;
    if command.is_empty() {
        bail!("must provide a non-empty command to start an exec session: name it behind the container");
    }
    let request = Request {
        arguments: command.iter().map(|word| word.as_os_str().into()).collect(),
        env,
        working_directory: args.workdir.as_deref().map(Into::into).unwrap_or_default(),
        user: args.user.clone(),
        terminal: args.tty,
        interactive: args.interactive && !args.detach,
        privileged: args.privileged || context.settings()?.containers.privileged == Some(true),
        size: if args.tty { terminal_size() } else { None },
        detached: args.detach,
        descriptors: descriptors.numbers(),
        ..Request::default()
    };
    let refused = |error| match error {
        // As Podman, whose words scripts look for too.
        EngineError::NotRunning(_) => report::coded(
            NOT_RUNNING,
            format!("{error}: can only create exec sessions on running containers: container state improper"),
        ),
        error => error.into(),
    };
    let Some(foreground) = foreground else {
        // As Docker: a detached process has no identifier by which it could be asked for. As Podman: whatever keeps it from
        // starting is our failure, as its own code would be told to nobody.
        return match engine.exec_in_background(&id, &request) {
            Err(EngineError::Start { message, .. }) => Err(report::coded(report::FAILED, message)),
            result => Ok(result.map(|()| 0).map_err(refused)?),
        };
    };
    let session = engine.exec(&id, &request).map_err(refused)?;
    // Whoever reads at the other end of one is not to wait for us.
    drop(descriptors);
    foreground.stay(&|_| false, |caller| session.relay(&engine.store, caller))
}

/// The container, by the first word, `--latest` or `--cidfile`, and the command.
fn target<'a>(store: &Store, args: &'a ExecArgs) -> anyhow::Result<(String, &'a [OsString])> {
    if let Some(file) = &args.cidfile {
        let content = read_bounded(file.as_ref()).with_context(|| format!("cannot read {file:?}"))?;
        let word = String::from_utf8_lossy(&content).trim().to_owned();
        return Ok((one(store, Some(&word), false)?, &args.command));
    }
    if args.latest {
        return Ok((one(store, None, true)?, &args.command));
    }
    let (first, command) = args.command.split_first().context("name a container")?;
    let word = first
        .to_str()
        .with_context(|| format!("{first:?} is not the name of a container"))?;
    Ok((one(store, Some(word), false)?, command))
}
