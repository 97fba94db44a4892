//! `start`: start containers that exist.

use anyhow::bail;
use clap::Args;

use super::context::Context;
use super::descriptors;
use super::foreground::{Foreground, Streams};
use super::options::Connection;
use super::output::print;
use super::report::{self, Outcome};
use super::select::{self, Wanted, one};
use crate::engine::descriptors::Descriptors;
use crate::engine::protocol::Wishes;
use crate::engine::{Engine, EngineError, relay, state};

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

pub fn run(args: StartArgs, context: &Context) -> Outcome {
    let mut descriptors = descriptors::activated()?;
    let engine = context.act_alone()?;
    if args.attach || args.interactive {
        if args.containers.len() > 1 || args.all || !args.filter.is_empty() {
            bail!("--attach and --interactive are for one container");
        }
        let id = one(
            &engine.store,
            args.containers.first().map(String::as_str),
            args.latest,
        )?;
        return attached(&engine, &id, &args, descriptors, context);
    }
    if args.all && !args.containers.is_empty() {
        bail!("either start all containers or the container(s) provided in the arguments");
    }
    let wanted = Wanted {
        names: &args.containers,
        all: args.all,
        latest: args.latest,
        filters: &args.filter,
        ..Wanted::default()
    };
    let mut meant = wanted.resolve(&engine.store)?;
    if args.all {
        select::retain(&engine.store, &mut meant, |condition| !condition.runs());
    }
    if meant.len() > 1 && !descriptors.is_empty() {
        bail!("sockets of $LISTEN_FDS are for one container");
    }
    report::each_meant(&meant, |word, id| {
        let descriptors = std::mem::take(&mut descriptors);
        // As Podman: its own failure, whatever the command would have ended with.
        engine
            .start(id, Wishes::default(), descriptors, &mut report::waiting_on(word))
            .map_err(|error| report::coded(report::FAILED, error))?;
        Ok(print(&format!("{word}\n"))?)
    })
}

/// Starts a container, or joins one that runs, and stays with it.
fn attached(
    engine: &Engine,
    id: &str,
    args: &StartArgs,
    descriptors: Descriptors,
    context: &Context,
) -> Outcome {
    let missing = || EngineError::NoSuchContainer(id.to_owned());
    let config = state::look(&engine.store, id)?
        .ok_or_else(missing)?
        .container
        .config;
    // Where the payload has our own streams there is nothing to relay.
    let is_relayed = !config.log.is_passed();
    let streams = Streams {
        input: is_relayed && args.interactive && config.interactive,
        output: is_relayed,
        error: is_relayed,
        terminal: config.terminal,
        detach_keys: context.detach_keys(args.connection.detach_keys.as_deref())?,
        pass_signals: args.connection.sig_proxy.0,
    };
    let foreground = Foreground::prepare(streams)?;
    let started = engine.start(id, streams.wishes(true), descriptors, &mut || {
        report::say("waiting for another command")
    })?;
    let connection = match started {
        Some(started) => started.connection,
        None => engine.attach(id, streams.wishes(false))?,
    };
    let is_deaf = |signal| engine.is_deaf_to(id, signal);
    foreground.stay(&is_deaf, |caller| relay::relay(&connection, caller))
}
