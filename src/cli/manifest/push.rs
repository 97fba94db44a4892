//! `manifest push`: give a list and what it names to a registry.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::edit::RemoteOptions;
use crate::base::digest::Digest;
use crate::cli::context::Context;
use crate::cli::options::Boolean;
use crate::cli::output::{print_line, write_digest};
use crate::cli::push::{CHUNKED, PackingOptions, lacking, record_push};
use crate::cli::registry::{RegistryOptions, Remote, TransferOptions};
use crate::cli::report::{self, Outcome};
use crate::cli::signing::SigningOptions;
use crate::engine::Engine;
use crate::image::compression::Compression;
use crate::image::lists::find_list;
use crate::image::platform;
use crate::image::push::Pushed;
use crate::image::push_list::{Added, Event, ListJourney, ListOptions, Origin};
use crate::image::reference::Reference;
use crate::image::remove;
use crate::image::transport::{self, Transport};
use crate::oci::image::Descriptor;
use crate::store::images::Image;

/// Give a list to a registry, with the images that it names
///
/// Images keep their digests where the registry has their layers or they can be fetched from where they came. Others are
/// packed anew, and the list names what was pushed. Prints the digest of the list.
#[derive(Args, Debug)]
pub struct PushArgs {
    /// Give the images, too
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_value = "true", default_missing_value = "true", hide_default_value = true)]
    all: Boolean,
    /// Give each image in another packing as well: gzip, zstd or zstd:chunked
    #[arg(long, value_name = "FORMAT")]
    add_compression: Vec<String>,
    #[command(flatten)]
    packing: PackingOptions,
    /// Write the digest of the list to a file
    #[arg(long, value_name = "FILE")]
    digestfile: Option<PathBuf>,
    /// Remove the list afterwards
    #[arg(short = 'p', long, visible_alias = "purge")]
    rm: bool,
    /// Print nothing
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    signing: SigningOptions,
    #[command(flatten)]
    remote: RemoteOptions,
    /// The list
    #[arg(value_name = "LIST")]
    list: String,
    /// Name at the registry, where it is another one
    #[arg(value_name = "DESTINATION")]
    destination: Option<String>,
}

pub fn run(args: &PushArgs, context: &Context) -> Outcome {
    let destination = args.destination.as_deref().unwrap_or(&args.list);
    let compressions = args.add_compression.iter().map(|name| {
        let compression = match name.as_str() {
            "gzip" => Compression::Gzip,
            "zstd" | CHUNKED => Compression::Zstd,
            other => bail!("invalid --add-compression {other:?}: there are gzip, zstd and {CHUNKED}"),
        };
        Ok(Added {
            compression,
            chunked: name == CHUNKED,
        })
    });
    let options = ListOptions {
        all: args.all.0,
        image: args.packing.options()?,
        add: compressions.collect::<anyhow::Result<_>>()?,
    };
    if options.image.format == Some(crate::image::push::Format::Docker)
        && options
            .add
            .iter()
            .any(|added| added.compression == Compression::Zstd)
    {
        bail!("Docker's manifests know no zstd: give --format oci");
    }
    let store = context.look()?;
    let missing = || crate::image::find::FindError::Missing(args.list.clone());
    let list = find_list(store.as_ref().ok_or_else(missing)?, &args.list)?;
    let way = ListWay {
        transfer: &context.settings()?.filled(&args.remote.transfer()),
        signing: &args.signing,
        options: &options,
        quiet: args.quiet,
    };
    let (engine, pushed) = push_list(context, &list, destination, &way)?;
    write_digest(args.digestfile.as_deref(), &pushed.digest)?;
    // Where something is left to do, it can be done again.
    if args.rm && pushed.lacks.is_empty() {
        remove::remove(&engine.store, &list.id.hex(), true)?;
    }
    if !args.quiet {
        print_line(&pushed.digest.to_string())?;
    }
    lacking(destination, pushed)
}

/// How a list is pushed, and what is told of it.
pub struct ListWay<'a> {
    pub transfer: &'a TransferOptions,
    pub signing: &'a SigningOptions,
    pub options: &'a ListOptions,
    pub quiet: bool,
}

/// Pushes a list as `destination`, and tells of its members. The engine is given back, as it can be opened but once.
pub fn push_list(
    context: &Context,
    list: &Image,
    destination: &str,
    way: &ListWay<'_>,
) -> anyhow::Result<(Engine, Pushed)> {
    let ListWay {
        transfer,
        signing,
        options,
        quiet,
    } = *way;
    let Transport::Name(_) = transport::parse(OsStr::new(destination))? else {
        bail!("{destination}: a list is pushed to registries only, its transport is not supported");
    };
    let written = destination;
    let destination = transport::name(destination);
    let target = destination.parse::<Reference>()?.or_latest();
    if target.digest().is_some() {
        bail!("{destination}: a list gets its digest from its content, so it is pushed by a tag");
    }
    let signer = signing.signer(&target)?;
    let (client, sources) = match options.all {
        true => {
            let remote = Remote::new(transfer)?;
            let sources = sources(list, &target, transfer, &remote)?;
            (remote.own_client(&target)?, sources)
        }
        false => (transfer.client(&target)?, HashMap::new()),
    };
    let engine = context.act()?;
    let say = |text: &str| {
        if !quiet {
            report::say(text);
        }
    };
    say(&format!("The push refers to repository [{}]", target.name()));
    let tell = |member: &Descriptor, event: Event| {
        let platform = member.platform.as_ref().map(platform::display);
        let platform = platform.unwrap_or_else(|| "artifact".into());
        let hex = member.digest.hex();
        let what = match event {
            Event::Exists => "Manifest already exists".to_owned(),
            Event::Copied => "Pushed".to_owned(),
            Event::Replaced(digest) => format!("Pushed as {digest}"),
            Event::Added(digest) => format!("Pushed in another packing as {digest}"),
        };
        say(&format!("{platform} {}: {what}", &hex[..12]));
    };
    let journey = ListJourney {
        store: &engine.store,
        client: &client,
        list,
        target: &target,
        options,
        sources: &sources,
        tell: &tell,
    };
    let (pushed, members) = journey.push().with_context(|| format!("cannot push {target}"))?;
    // Whoever takes an image of the list looks for the signature of that image.
    for digest in members.iter().chain([&pushed.digest]) {
        signer.sign(&client, &target, digest, &say)?;
    }
    record_push(&engine.store, list, written);
    Ok((engine, pushed))
}

/// From where members may be fetched. Called before the user namespace is entered.
fn sources(
    list: &Image,
    target: &Reference,
    transfer: &TransferOptions,
    same: &Remote<'_>,
) -> anyhow::Result<HashMap<Digest, Origin>> {
    let members = list.list.iter().flat_map(|list| &list.members);
    let members: Vec<(Digest, Reference)> = members
        .filter_map(|member| {
            let reference = member.source.as_deref()?.parse().ok()?;
            Some((member.manifest.digest, reference))
        })
        .collect();
    if members.is_empty() {
        return Ok(HashMap::new());
    }
    // What is said of the registry that is pushed to is not meant for others.
    let of_others = TransferOptions {
        registry: RegistryOptions {
            authfile: transfer.registry.authfile.clone(),
            ..RegistryOptions::default()
        },
        creds: None,
        ..transfer.clone()
    };
    let others = same.with(&of_others);
    let mut sources = HashMap::new();
    for (digest, reference) in members {
        let remote = match reference.domain() == target.domain() {
            true => same,
            false => &others,
        };
        if let Some(candidate) = remote.candidates(&reference)?.pop() {
            let origin = Origin {
                reference: candidate.reference,
                places: candidate.sources,
                demand: candidate.demand,
            };
            sources.insert(digest, origin);
        }
    }
    Ok(sources)
}
