//! `healthcheck run`: check the health of a container now.

use clap::{Args, Subcommand};

use super::arguments::Flags;
use super::context::Context;
use super::output::print;
use super::report::Outcome;
use super::select::one;
use crate::store::health::Health;

/// Check the health of containers
#[derive(Args, Debug)]
pub struct HealthcheckArgs {
    #[command(subcommand)]
    command: HealthcheckCommand,
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum HealthcheckCommand {
    Run(Flags<RunArgs>),
}

/// Check the health of a running container now
///
/// Ends with status 0 if the check succeeds, 1 if it fails, and 125 if it cannot be made. The result counts like that of any
/// other check.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// End with status 0 whatever the result is
    #[arg(long)]
    ignore_result: bool,
    /// The container, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    container: String,
}

/// What a failed check ends with.
const FAILED: u8 = 1;

pub fn run(args: HealthcheckArgs, context: &Context) -> Outcome {
    let HealthcheckCommand::Run(Flags(args)) = args.command;
    let engine = context.act_alone()?;
    let id = one(&engine.store, Some(&args.container), false)?;
    let (passed, word) = engine.check_health(&id)?;
    if passed {
        return Ok(0);
    }
    // As Podman: how the container is while failures do not count yet, else what this check found.
    let is_lenient = |health: &Health| health.start_period > 0 || health.startup.is_some();
    let config = engine.store.container(&id)?.config;
    let word = match config.health {
        Some(health) if is_lenient(&health) || word == "stopped" => word,
        _ => "unhealthy".into(),
    };
    print(&format!("{word}\n"))?;
    Ok(if args.ignore_result { 0 } else { FAILED })
}
