//! `rmi`: remove images.

use anyhow::bail;
use clap::Args;

use super::context::Context;
use super::output::print;
use super::report::{self, Outcome};
use crate::image::find::FindError;
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
    /// Images
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
}

/// As Podman: 1 if there is no such image, 2 if it is in use.
const MISSING: u8 = 1;
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
    report::each(&names, |name| {
        match remove::remove(&engine.store, name, args.force || args.all) {
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
