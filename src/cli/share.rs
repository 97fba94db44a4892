//! `system share`: let other users of the machine use images.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::context::{Context, user};
use super::lenders::MACHINE;
use super::output::print_line;
use super::report::{self, Outcome};
use super::rmi;
use crate::image::{remove, share};
use crate::store::Store;

/// Let all users of the machine use images
///
/// Puts images into a store that everybody may read and only its owner may write.
#[derive(Args, Debug)]
pub struct ShareArgs {
    /// Directory of the shared store instead of /var/lib/coracle-shared
    #[arg(long, value_name = "DIR")]
    store: Option<OsString>,
    /// Share the images no longer
    #[arg(long = "rm")]
    remove: bool,
    /// Images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

pub fn run(args: ShareArgs, context: &Context) -> Outcome {
    let path = match &args.store {
        Some(path) => std::path::absolute(path).with_context(|| format!("invalid --store {path:?}"))?,
        None if user() == 0 => PathBuf::from(MACHINE),
        None => bail!("{MACHINE} is the superuser's: name a directory of yours with --store"),
    };
    if path.starts_with(context.store_path()?) {
        bail!(
            "{} is in your own store, where nobody else has a way in",
            path.display()
        );
    }
    let engine = context.act()?;
    let shared = Store::open_sharing(&path)?;
    report::each(&args.images, |name| {
        if args.remove {
            let removal = remove::remove(&shared, name, false)?;
            return Ok(super::output::print(&rmi::tell(&removal))?);
        }
        let (id, names) = share::share(&engine.store, name, &shared)
            .with_context(|| format!("cannot share {name} in {}", path.display()))?;
        for name in &names {
            print_line(&format!("Shared image: {name}"))?;
        }
        if names.is_empty() {
            print_line(&format!("Shared image: {id}"))?;
        }
        Ok(())
    })
}
