//! `save`: write images to an archive.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Args;

use super::context::Context;
use super::options::asked_platform;
use super::report::Outcome;
use crate::image::archive::save::{self, Format, Item};
use crate::image::find::{Found, find_on};
use crate::oci::image::Platform;
use crate::store::Store;
use crate::store::events::Event;

/// Save images to an archive
#[derive(Args, Debug)]
pub struct SaveArgs {
    /// File to write instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<OsString>,
    /// Format: docker-archive, oci-archive, oci-dir or docker-dir
    #[arg(long, value_name = "FORMAT", default_value = "docker-archive")]
    format: String,
    /// Accepted for compatibility: several images may always be saved to one archive
    #[arg(short, long)]
    multi_image_archive: bool,
    /// Platforms that the images are expected to be for; of lists, those whose images are saved
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", value_delimiter = ',')]
    platform: Vec<String>,
    /// Print no progress
    #[arg(short, long)]
    quiet: bool,
    /// Images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
}

pub fn run(args: SaveArgs, context: &Context) -> Outcome {
    let format = Format::parse(&args.format).with_context(|| {
        format!(
            "invalid --format {:?}: there are docker-archive, oci-archive, oci-dir and docker-dir",
            args.format
        )
    })?;
    let engine = context.act()?;
    let mut items: Vec<Item> = Vec::new();
    let platforms = args.platform.iter().map(|text| asked_platform(text).map(Some));
    let mut platforms: Vec<Option<Platform>> = platforms.collect::<anyhow::Result<_>>()?;
    if platforms.is_empty() {
        platforms.push(None);
    }
    let wanted = args
        .images
        .iter()
        .flat_map(|name| platforms.iter().map(move |platform| (name, platform.as_ref())));
    for (name, platform) in wanted {
        let Found { image, name } = find_on(&engine.store, name, platform)?;
        match items.iter_mut().find(|item| item.image.id == image.id) {
            Some(item) => item.names.extend(name),
            None => items.push(Item {
                image,
                names: name.into_iter().collect(),
            }),
        }
    }
    match &args.output {
        Some(path) if format.is_directory() => {
            save::save_directory(&engine.store, &items, format, Path::new(path))?;
        }
        None if format.is_directory() => bail!(
            "--format {} writes a directory: name it with --output",
            args.format
        ),
        Some(path) if path != "-" => to_file(&engine.store, &items, format, Path::new(path))?,
        _ if io::stdout().is_terminal() => {
            bail!("standard output is a terminal: name a file with --output, or redirect it");
        }
        _ => save::save_archive(&engine.store, &items, format, &mut io::stdout().lock())?,
    }
    let path = args.output.filter(|path| path != "-");
    let path = path.as_deref().unwrap_or("/dev/stdout".as_ref()).display();
    let saved = items
        .iter()
        .map(|item| Event::image("save", &item.image.id.hex(), &path));
    engine.store.tell(saved);
    Ok(0)
}

fn to_file(store: &Store, items: &[Item], format: Format, path: &Path) -> anyhow::Result<()> {
    save::write_file(path, &mut |output| {
        save::save_archive(store, items, format, output)
    })
    .with_context(|| format!("cannot write {path:?}"))
}
