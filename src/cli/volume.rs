//! `volume …`: data that outlives containers.

use clap::{Args, Subcommand};

use super::arguments::Flags;
use super::context::Context;
use super::report::{self, Outcome};

/// Manage volumes
#[derive(Args, Debug)]
pub struct VolumeArgs {
    #[command(subcommand)]
    command: VolumeCommand,
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum VolumeCommand {
    Create(Flags<CreateArgs>),
    Exists(Flags<ExistsArgs>),
    Inspect(Flags<InspectArgs>),
    #[command(visible_alias = "list")]
    Ls(Flags<LsArgs>),
    #[command(visible_alias = "remove")]
    Rm(Flags<RmArgs>),
}

/// Make a volume
#[derive(Args, Debug)]
struct CreateArgs {
    /// Driver; there is only local
    #[arg(short, long, value_name = "DRIVER", default_value = "local")]
    driver: String,
    /// Be content if the volume exists already
    #[arg(long)]
    ignore: bool,
    /// Add a label
    #[arg(short, long, value_name = "KEY=VALUE")]
    label: Vec<String>,
    /// Name of the volume; one is made up if none is given
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

/// End with status 0 if a volume exists, and 1 if it does not
#[derive(Args, Debug)]
struct ExistsArgs {
    /// The volume
    #[arg(value_name = "VOLUME")]
    volume: String,
}

/// Print everything about volumes
#[derive(Args, Debug)]
struct InspectArgs {
    /// All volumes
    #[arg(short, long)]
    all: bool,
    /// Print by a Go template
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Volumes
    #[arg(value_name = "VOLUME")]
    volumes: Vec<String>,
}

/// List volumes
#[derive(Args, Debug)]
struct LsArgs {
    /// Only volumes that fit
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Print by a Go template, as "table TEMPLATE", or as "json"
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Print no heading
    #[arg(short, long)]
    noheading: bool,
    /// Print names only
    #[arg(short, long)]
    quiet: bool,
}

/// Remove volumes
#[derive(Args, Debug)]
struct RmArgs {
    /// All volumes
    #[arg(short, long)]
    all: bool,
    /// Say nothing of volumes that are not there
    #[arg(short, long)]
    force: bool,
    /// Volumes
    #[arg(value_name = "VOLUME")]
    volumes: Vec<String>,
}

pub fn run(args: VolumeArgs, _context: &Context) -> Outcome {
    match args.command {
        VolumeCommand::Create(_) => report::unwired("volume create"),
        VolumeCommand::Exists(_) => report::unwired("volume exists"),
        VolumeCommand::Inspect(_) => report::unwired("volume inspect"),
        VolumeCommand::Ls(_) => report::unwired("volume ls"),
        VolumeCommand::Rm(_) => report::unwired("volume rm"),
    }
}
