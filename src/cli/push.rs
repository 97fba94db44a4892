//! `push`: give images to registries.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::context::Context;
use super::engines;
use super::manifest::{ListWay, push_list};
use super::options::Expected;
use super::output::{print, write_digest};
use super::registry::TransferOptions;
use super::report::{self, Outcome};
use super::signing::SigningOptions;
use crate::base::digest::Digest;
use crate::base::timing;
use crate::image::archive::export::export;
use crate::image::archive::plan::Which;
use crate::image::archive::save::{self, Item, save_archive};
use crate::image::compression::Compression;
use crate::image::find::{FindError, Found, find, find_on};
use crate::image::lists::{ListError, find_list};
use crate::image::push::{self, Format, PushOptions, Pushed, Step};
use crate::image::push_list::ListOptions;
use crate::image::reference::Reference;
use crate::image::transport::{self, Archive, Engine, Transport};
use crate::store::Store;
use crate::store::events::Event;
use crate::store::images::Image;

/// zstd with tables, so that others fetch only the files that they do not have.
pub const CHUNKED: &str = "zstd:chunked";

/// Give images to registries
#[derive(Args, Debug)]
pub struct PushArgs {
    /// Every tag of the repository that is here
    #[arg(short, long)]
    all_tags: bool,
    #[command(flatten)]
    packing: PackingOptions,
    /// Write the digest of the manifest to a file
    #[arg(long, value_name = "FILE")]
    digestfile: Option<PathBuf>,
    #[command(flatten)]
    expected: Expected,
    /// Print no progress
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    signing: SigningOptions,
    #[command(flatten)]
    transfer: TransferOptions,
    /// Image
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Name at the registry, where it is another one
    #[arg(value_name = "DESTINATION")]
    destination: Option<String>,
}

/// How images are written for a registry.
#[derive(Args, Debug)]
pub struct PackingOptions {
    /// Packing of layers that the registry does not have yet: gzip, zstd or zstd:chunked
    #[arg(long, value_name = "FORMAT")]
    compression_format: Option<String>,
    /// Level of that packing
    #[arg(long, value_name = "LEVEL")]
    compression_level: Option<i32>,
    /// Pack anew what the registry has in another packing
    #[arg(long)]
    force_compression: bool,
    /// Kind of manifest: oci or v2s2 (docker)
    #[arg(short, long, value_name = "FORMAT")]
    format: Option<String>,
}

impl PackingOptions {
    /// Whether anything is asked for.
    fn is_asked(&self) -> bool {
        let words = [&self.compression_format, &self.format];
        words.iter().any(|word| word.is_some()) || self.compression_level.is_some() || self.force_compression
    }

    pub fn options(&self) -> anyhow::Result<PushOptions> {
        let mut format = match self.format.as_deref() {
            None => None,
            Some("oci") => Some(Format::Oci),
            Some("v2s2" | "docker") => Some(Format::Docker),
            Some("v2s1") => bail!("--format v2s1 is not supported: registries have given that kind up"),
            Some(other) => bail!("invalid --format {other:?}: there are oci and v2s2"),
        };
        let compression = match self.compression_format.as_deref() {
            None => None,
            Some("gzip") => Some(Compression::Gzip),
            Some("zstd" | CHUNKED) => Some(Compression::Zstd),
            Some(other) => {
                bail!("invalid --compression-format {other:?}: there are gzip, zstd and {CHUNKED}")
            }
        };
        // Docker's manifests cannot say what zstd is.
        if compression == Some(Compression::Zstd) {
            format.get_or_insert(Format::Oci);
        }
        let level = self.compression_level;
        let levels = if compression == Some(Compression::Zstd) {
            1..=20
        } else {
            1..=9
        };
        if let Some(level) = level.filter(|level| !levels.contains(level)) {
            bail!(
                "invalid --compression-level {level}: there are {} to {}",
                levels.start(),
                levels.end()
            );
        }
        let force = self.force_compression || compression.is_some();
        Ok(PushOptions {
            format,
            compression,
            chunked: self.compression_format.as_deref() == Some(CHUNKED),
            level,
            force,
        })
    }
}

pub fn run(mut args: PushArgs, context: &Context) -> Outcome {
    context.settings()?.fill_transfer(&mut args.transfer);
    let options = args.packing.options()?;
    if let Some(destination) = &args.destination {
        match transport::parse(destination.as_ref())? {
            Transport::Name(_) => {}
            Transport::Archive(archive) => return push_to_archive(&args, archive, &options, context),
            Transport::Engine(engine, name) => return push_to_engine(&args, (engine, name), context),
        }
    }
    if let Some(pushed) = push_as_list(&args, options.clone(), context)? {
        return Ok(pushed);
    }
    let destination = transport::name(args.destination.as_deref().unwrap_or(&args.image));
    let target: Reference = destination.parse()?;
    if target.digest().is_some() {
        bail!("{destination}: an image gets its digest from its content, so it is pushed by a tag");
    }
    let signer = args.signing.signer(&target)?;
    let client = args.transfer.client(&target)?;
    let engine = context.act()?;
    let pairs = if args.all_tags {
        if target.tag().is_some() || args.destination.is_some() {
            bail!("--all-tags takes one name without a tag");
        }
        tagged(&engine.store, &target)?
    } else {
        let target = target.or_latest();
        vec![(wanted(&engine.store, &args.image, &args)?, target)]
    };
    let mut code = 0;
    for (found, target) in pairs {
        let say = |text: &str| {
            if !args.quiet {
                report::say(text);
            }
        };
        say(&format!("The push refers to repository [{}]", target.name()));
        let tell = |diff_id: &Digest, step: Step| {
            let hex = diff_id.hex();
            let what = match step {
                Step::Preparing => "Preparing",
                Step::Exists => "Layer already exists",
                Step::Mounted => "Mounted from another repository",
                Step::Pushed => "Pushed",
            };
            say(&format!("{}: {what}", &hex[..12]));
        };
        let pushed = push::push(&engine.store, &client, &found.image, &target, &options, &tell)
            .with_context(|| format!("cannot push {target}"))?;
        let full = target.to_string();
        record_push(
            &engine.store,
            &found.image,
            args.destination.as_deref().unwrap_or(&full),
        );
        timing::phase("command");
        signer.sign(&client, &target, &pushed.digest, &say)?;
        answer(&args, &target, &pushed)?;
        code = code.max(lacking(&target.to_string(), pushed)?);
    }
    Ok(code)
}

/// Writes an image into an archive or a directory.
fn push_to_archive(args: &PushArgs, archive: Archive, options: &PushOptions, context: &Context) -> Outcome {
    let shown = args.destination.as_deref().unwrap_or_default();
    if args.all_tags {
        bail!("{shown}: --all-tags is for registries");
    }
    if args.signing.is_asked() {
        bail!("{shown}: only what is at a registry is signed");
    }
    if options.chunked {
        bail!("{shown}: zstd:chunked is for registries, of which parts are fetched: zstd is written here");
    }
    let name = match &archive.which {
        Which::Named(name) => Some(name.as_str()),
        Which::Index(_) => bail!("{shown}: a place in the list is only for reading"),
        Which::All | Which::Only => None,
    };
    let engine = context.act()?;
    let found = wanted(&engine.store, &args.image, args)?;
    let tell = |diff_id: &Digest, step: Step| {
        if !args.quiet {
            let what = if step == Step::Preparing {
                "Writing"
            } else {
                "Written"
            };
            report::say(&format!("{}: {what}", &diff_id.hex()[..12]));
        }
    };
    let place = (archive.place, archive.path.as_path(), name);
    let pushed = export(&engine.store, &found.image, place, options, &tell)
        .with_context(|| format!("cannot push to {shown}"))?;
    record_push(&engine.store, &found.image, shown);
    write_digest(args.digestfile.as_deref(), &pushed.digest)?;
    let line = match args.quiet {
        true => format!("{shown}\n"),
        false => format!("digest: {} size: {}\n", pushed.digest, pushed.size),
    };
    print(&line)?;
    Ok(0)
}

/// Gives an image to another engine of this machine, which keeps its layers as it likes.
fn push_to_engine(args: &PushArgs, (to, name): (Engine, &str), context: &Context) -> Outcome {
    let shown = args.destination.as_deref().unwrap_or_default();
    if args.all_tags {
        bail!("{shown}: --all-tags is for registries");
    }
    if args.signing.is_asked() {
        bail!("{shown}: only what is at a registry is signed");
    }
    if args.packing.is_asked() || args.digestfile.is_some() {
        bail!(
            "{shown}: an engine packs what it is given as it likes, so there is no manifest to choose or to know"
        );
    }
    // It is looked for here first, as the other engine is only to be started for what is here.
    let store = context
        .look()?
        .ok_or_else(|| FindError::Missing(args.image.clone()))?;
    wanted(&store, &args.image, args)?;
    let (sink, reference) = engines::offer(to, name)?;
    let transport = to.transport();
    let engine = context.act()?;
    let found = wanted(&engine.store, &args.image, args)?;
    let line = match args.quiet {
        true => format!("{shown}\n"),
        false => format!("Pushed: {transport}:{reference}\n"),
    };
    let item = Item {
        image: found.image.clone(),
        names: vec![reference],
    };
    sink.give(|output| save_archive(&engine.store, &[item], save::Format::DockerArchive, output))
        .with_context(|| format!("cannot push to {shown}"))?;
    record_push(&engine.store, &found.image, shown);
    print(&line)?;
    Ok(0)
}

/// Records that an image was pushed, and where to by what was typed.
pub fn record_push(store: &Store, image: &Image, destination: &str) {
    store.tell([Event::image("push", &image.id.hex(), destination)]);
}

/// Pushes a list of manifests, as `manifest push` does. `None`: it is an image that is meant.
fn push_as_list(args: &PushArgs, image: PushOptions, context: &Context) -> anyhow::Result<Option<u8>> {
    let name = transport::name(&args.image);
    // One platform of a list is an image, and a repository is none of both.
    if args.all_tags || args.expected.platform.is_some() {
        return Ok(None);
    }
    let Some(store) = context.look()? else {
        return Ok(None);
    };
    let list = match find_list(&store, name) {
        Ok(list) => list,
        // What is not here at all is told later.
        Err(ListError::NotAList(_) | ListError::Find(FindError::Missing(_))) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let target = args.destination.as_deref().unwrap_or(name);
    let options = ListOptions {
        all: true,
        image,
        add: Vec::new(),
    };
    let way = ListWay {
        transfer: &args.transfer,
        signing: &args.signing,
        options: &options,
        quiet: args.quiet,
    };
    let (_engine, pushed) = push_list(context, &list, target, &way)?;
    let target = transport::name(target).parse::<Reference>()?.or_latest();
    answer(args, &target, &pushed)?;
    lacking(&target.to_string(), pushed).map(Some)
}

/// Tells what failed once it was at the registry.
pub fn lacking(target: &str, pushed: Pushed) -> Outcome {
    let told = pushed.lacks.into_iter();
    report::conclude(told.map(|error| Err(error.context(format!("{target} is pushed, but not all is done")))))
}

fn answer(args: &PushArgs, target: &Reference, pushed: &Pushed) -> anyhow::Result<()> {
    write_digest(args.digestfile.as_deref(), &pushed.digest)?;
    let tag = target.tag().unwrap_or("latest");
    let line = match args.quiet {
        true => format!("{target}\n"),
        false => format!("{tag}: digest: {} size: {}\n", pushed.digest, pushed.size),
    };
    Ok(print(&line)?)
}

fn wanted(store: &Store, name: &str, args: &PushArgs) -> anyhow::Result<Found> {
    let name = transport::name(name);
    Ok(find_on(store, name, args.expected.wanted()?.as_ref())?)
}

/// All images that have a tag of the repository here, each with its name there.
fn tagged(store: &Store, repository: &Reference) -> anyhow::Result<Vec<(Found, Reference)>> {
    let mut pairs = Vec::new();
    for tag in store.tags()? {
        let Ok(name) = tag.reference.parse::<Reference>() else {
            continue;
        };
        if name.name() == repository.name() {
            pairs.push((find(store, &tag.reference)?, name));
        }
    }
    if pairs.is_empty() {
        return Err(FindError::Missing(repository.to_string()).into());
    }
    pairs.sort_by_key(|(_, name)| name.to_string());
    Ok(pairs)
}
