//! `image mount` and `image unmount`: the files of images where the user's programs see them.

use std::path::Path;

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::context::{Context, adopt};
use super::format::{is_json, pretty_by};
use super::output::print;
use super::report::{self, Outcome};
use crate::engine::Engine;
use crate::image::find::find;
use crate::image::list::{list, names};
use crate::image::reference::Reference;
use crate::store::images::Image;

/// Mount the files of images, read-only, and print where
///
/// Without an image, lists those that are mounted. Ordinary users mount inside "coracle unshare".
#[derive(Args, Debug)]
pub struct MountArgs {
    /// All images
    #[arg(short, long)]
    all: bool,
    /// Print as "json"
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Images
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
}

/// Unmount images
///
/// An image that was mounted several times stays until it was unmounted as often.
#[derive(Args, Debug)]
pub struct UnmountArgs {
    /// All images that are mounted
    #[arg(short, long)]
    all: bool,
    /// However often they were mounted
    #[arg(short, long)]
    force: bool,
    /// Images
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
}

/// A mounted image.
struct Mounted {
    image: Image,
    names: Vec<Reference>,
    path: String,
}

pub fn mount(args: MountArgs, context: &Context) -> Outcome {
    check_all(args.all, &args.images)?;
    let as_json = is_json(args.format.as_deref())?;
    let engine = context.act_on_mounts("image mount")?;
    let mut mounted = Vec::new();
    let mut code = 0;
    if args.images.is_empty() && !args.all {
        mounted = all_mounted(&engine)?;
    } else {
        let run = context.run_path()?;
        let words = if args.all {
            all_images(&engine)?
        } else {
            args.images.clone()
        };
        let names = names(&engine.store)?;
        code = report::each(&words, |word| {
            let image = adopt(&engine, find(&engine.store, word)?.image)?;
            let names = names.get(&image.id.hex()).cloned().unwrap_or_default();
            let path = engine.mount_image(&image, &run, &mut report::waiting_on(word))?;
            mounted.push(Mounted::new(image, names, &path));
            Ok(())
        })?;
    }
    let text = match (as_json, args.images.len(), mounted.as_slice()) {
        (true, _, mounted) => document(mounted),
        (false, 1, [only]) => format!("{}\n", only.path),
        (false, _, mounted) => table(mounted),
    };
    print(&text)?;
    Ok(code)
}

pub fn unmount(args: UnmountArgs, context: &Context) -> Outcome {
    check_all(args.all, &args.images)?;
    if args.images.is_empty() && !args.all {
        bail!("name an image, or use --all");
    }
    let engine = context.act_on_mounts("image unmount")?;
    let words = if args.all {
        let mounted = all_mounted(&engine)?;
        mounted.iter().map(|one| one.image.id.hex()).collect()
    } else {
        args.images
    };
    report::each(&words, |word| {
        let image = find(&engine.store, word)?.image;
        // As in Podman, nothing is said of what is not mounted.
        if engine.unmount_image(&image, args.force, &mut report::waiting_on(word))? {
            print(&format!("{}\n", image.id.hex()))?;
        }
        Ok(())
    })
}

fn check_all(all: bool, images: &[String]) -> anyhow::Result<()> {
    if all && !images.is_empty() {
        bail!("--all goes without names of images");
    }
    Ok(())
}

/// Those that have files.
fn all_images(engine: &Engine) -> anyhow::Result<Vec<String>> {
    let mut images = list(&engine.store)?.images;
    images.retain(|listed| !listed.image.layers.is_empty());
    Ok(images.iter().map(|listed| listed.image.id.hex()).collect())
}

fn all_mounted(engine: &Engine) -> anyhow::Result<Vec<Mounted>> {
    let mut mounted = Vec::new();
    for listed in list(&engine.store)?.images {
        if let Some(path) = engine.image_mount(&listed.image)? {
            mounted.push(Mounted::new(listed.image, listed.names, &path));
        }
    }
    Ok(mounted)
}

impl Mounted {
    fn new(image: Image, names: Vec<Reference>, path: &Path) -> Self {
        Self {
            names,
            image,
            path: path.display().to_string(),
        }
    }
}

/// Two columns without a heading, as Podman has them; tools cut them at white space.
fn table(mounted: &[Mounted]) -> String {
    let first = |one: &Mounted| {
        one.names
            .first()
            .map_or_else(|| one.image.id.hex(), ToString::to_string)
    };
    let width = mounted.iter().map(|one| first(one).len()).max().unwrap_or(0);
    mounted
        .iter()
        .map(|one| format!("{:width$}  {}\n", first(one), one.path))
        .collect()
}

/// Podman's document, with its indentation and its ways of writing the fields.
fn document(mounted: &[Mounted]) -> String {
    let documents: Vec<_> = mounted
        .iter()
        .map(|one| {
            let digest = one.image.manifests.first();
            json!({
                "id": one.image.id.hex(),
                "Names": digest.iter().map(|manifest| manifest.digest).collect::<Vec<_>>(),
                "Repositories": one.names.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "mountpoint": one.path,
            })
        })
        .collect();
    pretty_by(&documents, b" ") + "\n"
}
