//! `image …`: the commands for images under their long names, and those that have only a long name.

use clap::{Args, Subcommand};

use super::arguments::Flags;
use super::context::Context;
use super::report::{self, Outcome};
use super::{history, images, import, load, rmi, save, tag, untag};

/// Manage images
#[derive(Args, Debug)]
pub struct ImageArgs {
    #[command(subcommand)]
    command: ImageCommand,
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum ImageCommand {
    Exists(Flags<ExistsArgs>),
    History(Flags<history::HistoryArgs>),
    Import(Flags<import::ImportArgs>),
    Inspect(Flags<InspectArgs>),
    Load(Flags<load::LoadArgs>),
    #[command(visible_alias = "list")]
    Ls(Flags<images::ImagesArgs>),
    Prune(Flags<PruneArgs>),
    #[command(visible_alias = "remove")]
    Rm(Flags<rmi::RmiArgs>),
    Save(Flags<save::SaveArgs>),
    Tag(Flags<tag::TagArgs>),
    Untag(Flags<untag::UntagArgs>),
}

/// End with status 0 if an image exists, and 1 if it does not
#[derive(Args, Debug)]
pub struct ExistsArgs {
    /// The image
    #[arg(value_name = "IMAGE")]
    image: String,
}

/// Print everything about images
#[derive(Args, Debug)]
pub struct InspectArgs {
    /// Print by a Go template
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// Images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

/// Remove images that have no name
#[derive(Args, Debug)]
pub struct PruneArgs {
    /// Remove all images without containers, named or not
    #[arg(short, long)]
    all: bool,
    /// Do not ask
    #[arg(short, long)]
    force: bool,
    /// Only images that fit: label, label! or until
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Only print what would be removed
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: ImageArgs, context: &Context) -> Outcome {
    use ImageCommand as I;
    match args.command {
        I::Exists(args) => exists(args.0, context),
        I::History(args) => history::run(args.0, context),
        I::Import(args) => import::run(args.0, context),
        I::Inspect(args) => inspect(args.0, context),
        I::Load(args) => load::run(args.0, context),
        I::Ls(args) => images::run(args.0, context),
        I::Prune(args) => prune(args.0, context),
        I::Rm(args) => rmi::run(args.0, context),
        I::Save(args) => save::run(args.0, context),
        I::Tag(args) => tag::run(args.0, context),
        I::Untag(args) => untag::run(args.0, context),
    }
}

fn exists(_args: ExistsArgs, _context: &Context) -> Outcome {
    report::unwired("image exists")
}

fn inspect(_args: InspectArgs, _context: &Context) -> Outcome {
    report::unwired("image inspect")
}

fn prune(_args: PruneArgs, _context: &Context) -> Outcome {
    report::unwired("image prune")
}
