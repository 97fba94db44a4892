//! `init`: make containers up to their payload.

use anyhow::bail;
use clap::Args;

use super::context::Context;
use super::descriptors;
use super::output::print;
use super::report::{self, Outcome};
use super::select::Wanted;

/// Make containers ready to start
///
/// Everything is made that a start makes, namespaces, mounts and control group among it, so that it can be looked at; only
/// the program is not executed until the container is started.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// All containers; those that run stay as they are
    #[arg(short, long)]
    all: bool,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// Containers, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(args: InitArgs, context: &Context) -> Outcome {
    let mut descriptors = descriptors::activated()?;
    let engine = context.act_alone()?;
    let wanted = Wanted {
        names: &args.containers,
        all: args.all,
        latest: args.latest,
        ..Wanted::default()
    };
    let meant = wanted.resolve(&engine.store)?;
    if meant.len() > 1 && !descriptors.is_empty() {
        bail!("sockets of $LISTEN_FDS are for one container");
    }
    report::each_meant(&meant, |word, id| {
        let descriptors = std::mem::take(&mut descriptors);
        let is_new = engine
            .initialize(id, descriptors, &mut report::waiting_on(word))
            .map_err(|error| report::coded(report::FAILED, error))?;
        if !is_new && !args.all {
            bail!("container {id} has already been created in runtime: container state improper");
        }
        Ok(print(&format!("{word}\n"))?)
    })
}
