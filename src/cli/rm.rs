//! `rm`: remove containers.

use clap::Args;

use super::context::Context;
use super::options::Selection;
use super::output::print;
use super::report::{self, Outcome};
use super::select::Wanted;
use crate::engine::EngineError;
use crate::engine::remove::Removal;

/// Remove containers
#[derive(Args, Debug)]
pub struct RmArgs {
    /// Kill running containers first, and say nothing of those that are not there
    #[arg(short, long)]
    force: bool,
    /// Remove the anonymous volumes of the container too
    #[arg(short, long)]
    volumes: bool,
    /// Remove containers that require these too, as --all does
    #[arg(long)]
    depend: bool,
    /// Say nothing of containers that are not there
    #[arg(short, long)]
    ignore: bool,
    /// With --force: seconds to wait before killing
    #[arg(short = 't', long, value_name = "SECONDS", allow_negative_numbers = true)]
    time: Option<i64>,
    /// Containers that fit
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    #[command(flatten)]
    selection: Selection,
}

/// As Podman: 1 if there is no such container, 2 if it runs or is paused.
const MISSING: u8 = 1;
const RUNNING: u8 = 2;

pub fn run(args: RmArgs, context: &Context) -> Outcome {
    let engine = context.act_alone()?;
    let wanted = Wanted {
        ignores: args.ignore,
        ..args.selection.wanted(&args.filter)
    };
    let meant = wanted.resolve(&engine.store)?;
    let timeout = args
        .time
        .map(|seconds| u64::try_from(seconds).unwrap_or(u64::MAX));
    let removal = Removal {
        force: args.force,
        volumes: args.volumes,
        timeout,
    };
    let mut code = 0;
    for meant in &meant {
        let word = &meant.word;
        let Some(id) = &meant.id else {
            if !args.force && !args.ignore {
                // As Podman, whose other commands have the words the other way round.
                report::complain(&format!(
                    "no container with ID or name {word:?} found: no such container"
                ));
                code = MISSING;
            }
            continue;
        };
        let mut waiting = report::waiting_on(word);
        let removed = match args.depend || args.selection.all {
            true => engine.remove_with_dependents(id, removal, &mut waiting),
            false => engine.remove(id, removal, &mut waiting).map(|_| Vec::new()),
        };
        match removed {
            Ok(removed) => {
                // With --all the others have their own turn.
                let others = removed.iter().filter(|other| *other != id && !args.selection.all);
                for other in others.chain([word]) {
                    print(&format!("{other}\n"))?;
                }
            }
            Err(EngineError::Restarting(id)) => {
                report::complain(&refusal(&id, "restarting"));
                code = RUNNING;
            }
            Err(EngineError::Running(id)) => {
                report::complain(&refusal(&id, "running"));
                code = RUNNING;
            }
            Err(EngineError::Paused { id, .. }) => {
                report::complain(&refusal(&id, "paused"));
                code = RUNNING;
            }
            Err(error) => {
                report::complain(&error.to_string());
                code = report::FAILED;
            }
        }
    }
    Ok(code)
}

/// In the words that scripts look for.
fn refusal(id: &str, condition: &str) -> String {
    format!(
        "cannot remove container {id} as it is {condition} - running or paused containers cannot be removed without force: \
         container state improper"
    )
}
