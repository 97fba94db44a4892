//! `manifest …`: what lies behind the name of an image, and lists of manifests that are made here.

mod edit;
mod inspect;
mod push;

use clap::{Args, Subcommand};

use super::arguments::Flags;
use super::context::Context;
use super::output::print;
use super::report::{self, Outcome};
use super::rmi;
use crate::image::find::{FindError, find_any};
use crate::image::lists::{ListError, find_list};
use crate::image::manifest::is_index;
use crate::image::remove;

pub use edit::pairs;
pub use push::{ListWay, push_list};

/// Make, look at and push lists of manifests
#[derive(Args, Debug)]
pub struct ManifestArgs {
    #[command(subcommand)]
    command: ManifestCommand,
}

#[derive(Subcommand, Debug)]
#[command(defer = true)]
enum ManifestCommand {
    Add(Flags<edit::AddArgs>),
    Annotate(Flags<edit::AnnotateArgs>),
    Create(Flags<edit::CreateArgs>),
    Exists(Flags<ExistsArgs>),
    Inspect(Flags<inspect::InspectArgs>),
    Push(Flags<push::PushArgs>),
    Remove(Flags<edit::RemoveArgs>),
    Rm(Flags<RmArgs>),
}

/// End with status 0 if there is a list, or an image that came by an index for several platforms, and 1 if not
#[derive(Args, Debug)]
pub struct ExistsArgs {
    /// The list or image
    #[arg(value_name = "NAME")]
    name: String,
}

/// Remove lists
///
/// The images that they name stay.
#[derive(Args, Debug)]
pub struct RmArgs {
    /// Say nothing of lists that are not there
    #[arg(short, long)]
    ignore: bool,
    /// Lists
    #[arg(required = true, value_name = "LIST")]
    lists: Vec<String>,
}

pub fn run(args: ManifestArgs, context: &Context) -> Outcome {
    use ManifestCommand as M;
    match args.command {
        M::Add(args) => edit::add(&args.0, context),
        M::Annotate(args) => edit::annotate(&args.0, context),
        M::Create(args) => edit::create(&args.0, context),
        M::Exists(args) => exists(&args.0, context),
        M::Inspect(args) => inspect::run(args.0, context),
        M::Push(args) => push::run(&args.0, context),
        M::Remove(args) => edit::remove(&args.0, context),
        M::Rm(args) => rm(&args.0, context),
    }
}

fn exists(args: &ExistsArgs, context: &Context) -> Outcome {
    let Some(store) = context.look()? else {
        return Ok(1);
    };
    match find_any(&store, &args.name) {
        Ok(found) => {
            let mut kinds = found.image.manifests.iter();
            let is_list = found.image.list.is_some() || kinds.any(|manifest| is_index(&manifest.media_type));
            Ok(u8::from(!is_list))
        }
        Err(FindError::Missing(_)) => Ok(1),
        Err(error) => Err(error.into()),
    }
}

fn rm(args: &RmArgs, context: &Context) -> Outcome {
    let engine = context.act()?;
    report::each(&args.lists, |name| {
        match find_list(&engine.store, name) {
            Ok(_) => {}
            Err(ListError::Find(FindError::Missing(_))) if args.ignore => return Ok(()),
            Err(error @ ListError::Find(FindError::Missing(_))) => {
                return Err(report::coded(rmi::MISSING, error));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(print(&rmi::tell(&remove::remove(&engine.store, name, false)?))?)
    })
}
