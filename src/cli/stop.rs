//! `stop`: ask containers to end, and end them.

use clap::Args;

use super::context::Context;
use super::options::Selection;
use super::output::print;
use super::report::{self, Outcome};
use super::select::Wanted;
use super::values::signal;
use crate::engine::Engine;
use crate::engine::stop::{Patience, Stopped};

/// Stop containers
///
/// Sends the stop signal, and kills what still runs after the timeout.
#[derive(Args, Debug)]
pub struct StopArgs {
    /// Seconds to wait before killing; -1 waits for ever
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
    /// Say nothing of containers that are not there
    #[arg(short, long)]
    ignore: bool,
    /// Containers that fit
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    #[command(flatten)]
    selection: Selection,
}

pub fn run(args: StopArgs, context: &Context) -> Outcome {
    let signal = args.signal.as_deref().map(parse_signal).transpose()?;
    let engine = context.act_alone()?;
    let wanted = Wanted {
        ignores: args.ignore,
        ..args.selection.wanted(&args.filter)
    };
    let mut meant = wanted.resolve(&engine.store)?;
    if args.ignore {
        meant.retain(|meant| meant.id.is_some());
    }
    report::each_meant(&meant, |word, id| {
        stop(&engine, word, id, signal, patience(args.time))?;
        Ok(print(&format!("{word}\n"))?)
    })
}

/// A signal named by an option.
pub fn parse_signal(text: &str) -> anyhow::Result<i32> {
    // As kill(1) writes it; and refused in the words of both tools, with nothing behind them.
    let word = text.strip_prefix('-').unwrap_or(text);
    signal::parse(word).map_err(|_| anyhow::anyhow!("invalid signal: {text}"))
}

/// How long to wait, as `--time` says.
pub fn patience(seconds: Option<i64>) -> Patience {
    match seconds {
        None => Patience::Own,
        Some(seconds) => u64::try_from(seconds).map_or(Patience::Unlimited, Patience::Seconds),
    }
}

/// Stops one container and tells what its user should know.
pub fn stop(
    engine: &Engine,
    word: &str,
    id: &str,
    signal: Option<i32>,
    patience: Patience,
) -> anyhow::Result<()> {
    match engine.stop(id, signal, patience)? {
        Stopped::Already | Stopped::Itself | Stopped::Killed { seconds: 0, .. } => {}
        Stopped::Killed { signal, seconds } => report::warn(&format!(
            "StopSignal {} failed to stop container {word} in {seconds} seconds, resorting to SIGKILL",
            signal::name(signal)
        )),
        Stopped::Deaf => report::say(&format!(
            "{word} was killed at once: its first process has no handler for the signal, so it could not have ended by it \
             (--init gives it one that does)"
        )),
    }
    Ok(())
}
