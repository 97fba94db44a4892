//! `port`: list published ports.

use anyhow::bail;
use clap::Args;

use super::context::Context;
use super::report::Outcome;
use super::select::one;
use crate::engine::EngineError;

/// List the published ports of containers
#[derive(Args, Debug)]
pub struct PortArgs {
    /// All containers
    #[arg(short, long)]
    all: bool,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// The container, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    container: Option<String>,
    /// Only this port
    #[arg(value_name = "PORT[/PROTOCOL]")]
    port: Option<String>,
}

/// Nothing is published yet, so there is nothing to list; a port that is asked for is an error, as in Docker.
pub fn run(args: PortArgs, context: &Context) -> Outcome {
    let Some(store) = context.look_alone()? else {
        match args.container {
            Some(name) => return Err(EngineError::NoSuchContainer(name).into()),
            None => return Ok(0),
        }
    };
    if args.all {
        return Ok(0);
    }
    one(&store, args.container.as_deref(), args.latest)?;
    match args.port {
        Some(port) => bail!("port {port} is not published: coracle has no container networks yet"),
        None => Ok(0),
    }
}
