//! `kill`: send a signal to containers.

use clap::Args;

use super::context::Context;
use super::options::Selection;
use super::output::print;
use super::report::{self, Outcome};
use super::stop::parse_signal;

/// Send a signal to running containers
#[derive(Args, Debug)]
pub struct KillArgs {
    /// Signal to send
    #[arg(
        short,
        long,
        value_name = "SIGNAL",
        default_value = "KILL",
        allow_hyphen_values = true
    )]
    signal: String,
    #[command(flatten)]
    selection: Selection,
}

pub fn run(args: KillArgs, context: &Context) -> Outcome {
    let signal = parse_signal(&args.signal)?;
    let engine = context.act_alone()?;
    let mut wanted = args.selection.wanted(&[]);
    let running = ["status=running".to_owned(), "status=restarting".to_owned()];
    if wanted.all {
        wanted.filters = &running;
    }
    let meant = wanted.resolve(&engine.store)?;
    report::each_meant(&meant, |word, id| {
        engine.kill(id, signal)?;
        Ok(print(&format!("{word}\n"))?)
    })
}
