//! `system …`: the store as a whole.

use clap::{Args, Subcommand};

use super::arguments::Flags;
use super::context::Context;
use super::report::{self, Outcome};
use super::{info, unshare};

/// Manage the store as a whole
#[derive(Args, Debug)]
pub struct SystemArgs {
    #[command(subcommand)]
    command: SystemCommand,
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum SystemCommand {
    Check(Flags<CheckArgs>),
    Df(Flags<DfArgs>),
    Info(Flags<info::InfoArgs>),
    Prune(Flags<PruneArgs>),
    Reset(Flags<ResetArgs>),
    #[command(hide = true)]
    Unshare(Flags<unshare::UnshareArgs>),
}

/// Look for damage in the store
///
/// Ends with a status other than 0 when damage remains.
#[derive(Args, Debug)]
struct CheckArgs {
    /// Repair what can be repaired, and remove the rest
    #[arg(short, long)]
    repair: bool,
    /// With --repair: remove damaged containers too
    #[arg(short, long)]
    force: bool,
    /// How old leftovers must be to be called damage
    #[arg(short, long, value_name = "TIME")]
    max: Option<String>,
    /// Do not read all data
    #[arg(short, long)]
    quick: bool,
}

/// Show what uses the disk
#[derive(Args, Debug)]
struct DfArgs {
    /// Print by a Go template, as "table TEMPLATE", or as "json"
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Show every image, container and volume
    #[arg(short, long)]
    verbose: bool,
}

/// Remove what is not in use
///
/// Removes containers that do not run, and images that have no name.
#[derive(Args, Debug)]
struct PruneArgs {
    /// Remove all images without containers, named or not
    #[arg(short, long)]
    all: bool,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    /// Only what fits: label, label! or until
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Remove volumes without containers too
    #[arg(long)]
    volumes: bool,
    /// Only print what would be removed
    #[arg(long)]
    dry_run: bool,
}

/// Remove everything: containers, images, volumes
#[derive(Args, Debug)]
struct ResetArgs {
    /// Do not ask
    #[arg(short, long)]
    force: bool,
}

pub fn run(args: SystemArgs, context: &Context) -> Outcome {
    match args.command {
        SystemCommand::Check(_) => report::unwired("system check"),
        SystemCommand::Df(_) => report::unwired("system df"),
        SystemCommand::Info(args) => info::run(args.0, context),
        SystemCommand::Prune(_) => report::unwired("system prune"),
        SystemCommand::Reset(_) => report::unwired("system reset"),
        SystemCommand::Unshare(args) => unshare::run(args.0, context),
    }
}
