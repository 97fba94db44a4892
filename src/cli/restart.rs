//! `restart`: stop containers and start them again.

use clap::Args;

use super::context::Context;
use super::options::Selection;
use super::output::print;
use super::report::{self, Outcome};
use super::select;
use super::stop::{parse_signal, patience, stop};
use crate::engine::descriptors::Descriptors;
use crate::engine::protocol::Wishes;
use crate::engine::start::check_streams;
use crate::engine::state::{self, Condition};

/// Restart containers
#[derive(Args, Debug)]
pub struct RestartArgs {
    /// Seconds to wait before killing
    #[arg(
        short = 't',
        long,
        visible_alias = "timeout",
        value_name = "SECONDS",
        allow_negative_numbers = true
    )]
    time: Option<i64>,
    /// Signal to send instead of the container's own
    #[arg(short, long, value_name = "SIGNAL")]
    signal: Option<String>,
    /// Only containers that run
    #[arg(long)]
    running: bool,
    /// Containers that fit
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    #[command(flatten)]
    selection: Selection,
}

pub fn run(args: RestartArgs, context: &Context) -> Outcome {
    let signal = args.signal.as_deref().map(parse_signal).transpose()?;
    let engine = context.act_alone()?;
    let mut wanted = args.selection.wanted(&args.filter);
    wanted.all |= args.running;
    let mut meant = wanted.resolve(&engine.store)?;
    if args.running {
        select::retain(&engine.store, &mut meant, |condition| {
            matches!(condition, Condition::Running | Condition::Restarting)
        });
    }
    report::each_meant(&meant, |word, id| {
        // What could not be started again goes on.
        if let Ok(container) = engine.store.container(id) {
            check_streams(&container.config.log)?;
        }
        // One that waits for its payload is let go.
        let found = state::look(&engine.store, id)?;
        if found.is_none_or(|found| found.condition != Condition::Initialized) {
            stop(&engine, word, id, signal, patience(args.time))?;
        }
        engine.start(
            id,
            Wishes::default(),
            Descriptors::default(),
            &mut report::waiting_on(word),
        )?;
        engine.tell_restart(id);
        Ok(print(&format!("{word}\n"))?)
    })
}
