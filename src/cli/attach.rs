//! `attach`: connect to a running container.

use clap::Args;

use super::context::Context;
use super::foreground::{Foreground, Streams};
use super::options::Connection;
use super::report::Outcome;
use super::select::one;
use crate::engine::{EngineError, relay, state};

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

pub fn run(args: AttachArgs, context: &Context) -> Outcome {
    let engine = context.act_alone()?;
    let id = one(&engine.store, args.container.as_deref(), args.latest)?;
    let found = state::look(&engine.store, &id)?.ok_or_else(|| EngineError::NoSuchContainer(id.clone()))?;
    let config = found.container.config;
    let streams = Streams {
        input: config.interactive && !args.no_stdin,
        output: true,
        error: true,
        terminal: config.terminal,
        detach_keys: context.detach_keys(args.connection.detach_keys.as_deref())?,
        pass_signals: args.connection.sig_proxy.0,
    };
    let foreground = Foreground::prepare(streams)?;
    let connection = engine.attach(&id, streams.wishes(false))?;
    let is_deaf = |signal| engine.is_deaf_to(&id, signal);
    foreground.stay(&is_deaf, |caller| relay::relay(&connection, caller))
}
