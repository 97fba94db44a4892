//! `rmi`: remove images.

use anyhow::bail;
use clap::Args;

use super::context::Context;
use super::options::asked_platform;
use super::output::print;
use super::report::{self, Outcome};
use crate::image::find::{FindError, find_any, find_on};
use crate::image::list::list;
use crate::image::remove::{self, Removal, RemoveError};

/// Remove images
#[derive(Args, Debug)]
pub struct RmiArgs {
    /// All images
    #[arg(short, long)]
    all: bool,
    /// Remove an image even if it has several names, containers of it exist or it is mounted, and say nothing of images
    /// that are not there
    #[arg(short, long)]
    force: bool,
    /// Say nothing of images that are not there
    #[arg(short, long)]
    ignore: bool,
    /// Accepted for compatibility: images have no parents
    #[arg(long)]
    no_prune: bool,
    /// Platforms that the images are expected to be for
    #[arg(
        long,
        value_name = "OS/ARCH[/VARIANT]",
        value_delimiter = ',',
        conflicts_with = "all"
    )]
    platform: Vec<String>,
    /// Images
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
}

/// As Podman: 1 if there is no such image, 2 if it is in use.
pub const MISSING: u8 = 1;
const IN_USE: u8 = 2;

pub fn run(args: RmiArgs, context: &Context) -> Outcome {
    if args.images.is_empty() && !args.all {
        bail!("name an image, or use --all");
    }
    let engine = context.act()?;
    let names: Vec<String> = if args.all {
        list(&engine.store)?
            .images
            .iter()
            .filter(|listed| !listed.read_only)
            .map(|listed| listed.image.id.hex())
            .collect()
    } else {
        args.images.clone()
    };
    let platforms = args.platform.iter().map(|text| asked_platform(text));
    let platforms = platforms.collect::<anyhow::Result<Vec<_>>>()?;
    report::each(&names, |name| {
        let is_list = || find_any(&engine.store, name).is_ok_and(|found| found.image.list.is_some());
        if !platforms.is_empty() && is_list() {
            bail!("{name} is a list of manifests: remove its images by their own names");
        }
        let expected = platforms
            .iter()
            .try_for_each(|platform| find_on(&engine.store, name, Some(platform)).map(drop));
        let removal = expected
            .map_err(RemoveError::from)
            .and_then(|()| remove::remove(&engine.store, name, args.force || args.all));
        match removal {
            Ok(removal) => Ok(print(&tell(&removal))?),
            Err(RemoveError::Find(FindError::Missing(_))) if args.ignore || args.force => Ok(()),
            Err(error) => Err(with_code(error)),
        }
    })
}

fn with_code(error: RemoveError) -> anyhow::Error {
    match error {
        RemoveError::Find(FindError::Missing(_)) => report::coded(MISSING, error),
        RemoveError::InUse { .. } | RemoveError::Mounted { .. } | RemoveError::SeveralNames { .. } => {
            report::coded(IN_USE, error)
        }
        error => error.into(),
    }
}

/// What went, in Docker's words.
pub fn tell(removal: &Removal) -> String {
    let mut text = String::new();
    for name in &removal.untagged {
        text.push_str(&format!("Untagged: {name}\n"));
    }
    if let Some(id) = removal.deleted {
        text.push_str(&format!("Deleted: {id}\n"));
    }
    if let Some(error) = &removal.left_over {
        report::warn(&format!("layers that nobody needs are left over: {error}"));
    }
    text
}
