//! `pause` and `unpause`: freeze containers and let them go on.

use clap::Args;

use super::context::Context;
use super::options::Selection;
use super::output::print;
use super::report::{self, Outcome};
use super::select;
use crate::engine::Engine;
use crate::engine::state::Condition;

/// Freeze the processes of containers
#[derive(Args, Debug)]
pub struct PauseArgs {
    /// Of the containers that run, those that fit
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    #[command(flatten)]
    selection: Selection,
}

/// Let paused containers go on
#[derive(Args, Debug)]
pub struct UnpauseArgs {
    /// Of the paused containers, those that fit
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    #[command(flatten)]
    selection: Selection,
}

pub fn pause(args: PauseArgs, context: &Context) -> Outcome {
    each(
        &args.selection,
        &args.filter,
        Condition::Running,
        context,
        Engine::pause,
    )
}

pub fn unpause(args: UnpauseArgs, context: &Context) -> Outcome {
    each(
        &args.selection,
        &args.filter,
        Condition::Paused,
        context,
        Engine::unpause,
    )
}

/// Acts on what was named, and of what was not named one by one on what is as it has to be for that.
fn each(
    selection: &Selection,
    filters: &[String],
    before: Condition,
    context: &Context,
    act: impl Fn(&Engine, &str) -> crate::engine::Result<()>,
) -> Outcome {
    let engine = context.act_alone()?;
    let mut meant = selection.wanted(filters).resolve(&engine.store)?;
    if selection.all || !filters.is_empty() {
        select::retain(&engine.store, &mut meant, |condition| condition == before);
    }
    report::each_meant(&meant, |word, id| {
        act(&engine, id)?;
        Ok(print(&format!("{word}\n"))?)
    })
}
