//! `wait`: wait for containers.

use anyhow::bail;
use clap::Args;

use super::context::Context;
use super::output::print;
use super::report::{self, Outcome};
use super::select::Wanted;
use crate::engine::pause::Awaited;
use crate::engine::state::Condition;
use crate::engine::{Engine, EngineError};

const PAUSED: &str = "paused";

/// Conditions that come with an exit code.
const ENDS: [&str; 4] = ["stopped", "exited", "not-running", "next-exit"];

/// Conditions that are reached without an end.
const OTHERS: [&str; 10] = [
    PAUSED,
    "healthy",
    "unhealthy",
    "configured",
    "created",
    "initialized",
    "running",
    "stopping",
    "removing",
    "removed",
];

/// Those that a container's record tells.
fn is_recorded(word: &str, condition: Option<Condition>) -> bool {
    match condition {
        Some(Condition::Created) => matches!(word, "configured" | "created"),
        Some(Condition::Starting | Condition::Initialized) => word == "initialized",
        Some(Condition::Running) => word == "running",
        Some(Condition::Exited | Condition::Lost) => {
            // Who waited for the way there is told at its end at the latest.
            matches!(word, "stopped" | "exited" | "not-running" | "stopping")
        }
        None => matches!(word, "removing" | "removed"),
        Some(_) => false,
    }
}

/// Wait until containers end, and print their exit codes
#[derive(Args, Debug)]
pub struct WaitArgs {
    /// What to wait for
    #[arg(long, value_name = "STATE")]
    condition: Vec<String>,
    /// Accepted for compatibility: there is no interval, since nothing polls
    #[arg(short, long, value_name = "TIME")]
    interval: Option<String>,
    /// Say nothing of containers that are not there
    #[arg(long)]
    ignore: bool,
    /// End when the first container has reached the state
    #[arg(long)]
    exit_first_match: bool,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// Containers, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(args: WaitArgs, context: &Context) -> Outcome {
    for condition in &args.condition {
        if !ENDS.contains(&condition.as_str()) && !OTHERS.contains(&condition.as_str()) {
            bail!(
                "--condition={condition} is not supported: there are {}, {}",
                ENDS.join(", "),
                OTHERS.join(", ")
            );
        }
    }
    let engine = context.act_alone()?;
    let wanted = Wanted {
        names: &args.containers,
        latest: args.latest,
        ..Wanted::default()
    };
    let mut meant = wanted.resolve(&engine.store)?;
    if args.ignore {
        // As Podman tells of those that are not there.
        let count = meant.len();
        meant.retain(|meant| meant.id.is_some());
        print(&"-1\n".repeat(count - meant.len()))?;
    }
    if args.exit_first_match && meant.len() > 1 {
        bail!("--exit-first-match is not supported yet for more than one container");
    }
    let health: Vec<&str> = ["healthy", "unhealthy"]
        .into_iter()
        .filter(|word| args.condition.iter().any(|condition| condition == word))
        .collect();
    if !health.is_empty() && health.len() < args.condition.len() {
        bail!(
            "--condition={} is not supported yet together with other conditions",
            health[0]
        );
    }
    let pause = args.condition.iter().any(|condition| condition == PAUSED);
    let end = args.condition.is_empty() || args.condition.iter().any(|condition| condition != PAUSED);
    report::each_meant(&meant, |_, id| {
        if !health.is_empty() {
            // Reached without an end: as for a pause.
            engine.await_health(id, &health)?;
            return Ok(print("-1\n")?);
        }
        if args
            .condition
            .iter()
            .any(|word| OTHERS[3..].contains(&word.as_str()))
        {
            engine.await_condition(id, |condition| {
                args.condition.iter().any(|word| is_recorded(word, condition))
            })?;
            return Ok(print("-1\n")?);
        }
        let code = match pause {
            true => until_paused(&engine, id, end)?,
            false => engine.wait(id)?,
        };
        Ok(print(&format!("{code}\n"))?)
    })
}

/// Waits until a container is paused or, if that is waited for as well, has ended. What is reached without an end has
/// no exit code, for which Podman prints -1.
fn until_paused(engine: &Engine, id: &str, or_ended: bool) -> anyhow::Result<i32> {
    match engine.await_pause(id) {
        Ok(Awaited::Paused) => Ok(-1),
        Ok(Awaited::Ended(code)) if or_ended => Ok(code),
        Ok(Awaited::Ended(_)) => bail!("container {id} has ended without having been paused"),
        Err(EngineError::NotRunning(_)) if or_ended => Ok(engine.wait(id)?),
        Err(error) => Err(error.into()),
    }
}
