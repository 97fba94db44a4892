//! `load`: from an archive into the store.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::plan::{self, Choice, Format, Plan};
use super::source::Source;
use crate::base::digest::Digest;
use crate::base::parallel;
use crate::image::layer::UnpackOptions;
use crate::image::policy::{Origin, Policy};
use crate::image::publish::{Layers, NewImage, Published, Stream, Unpacked, Wanted, check};
use crate::image::reference::Reference;
use crate::store::Store;

/// Where the archive comes from.
pub enum Input<'a> {
    Path(&'a Path),
    /// Standard input, for example. A file is read in place, a pipe as it comes.
    File(File),
    /// From another engine, whose policy is asked for by its transport and the name there.
    Engine {
        reader: Box<dyn Read + Send>,
        transport: &'static str,
        name: Option<Reference>,
    },
}

/// How an archive is loaded.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    pub choice: Choice,
    pub unpack: UnpackOptions,
    /// What may come in.
    pub policy: Policy,
}

/// A layer met in a stream.
enum Streamed {
    /// By its name it is one that the store has, so its bytes were not looked at.
    Known(Digest),
    /// A place in the list of those unpacked.
    Unpacked(usize),
}

/// Loads the images of an archive that are wanted.
pub fn load(store: &Store, input: Input<'_>, options: &LoadOptions) -> Result<Vec<Published>> {
    if let Input::Engine { transport, name, .. } = &input {
        let name = name.as_ref();
        options
            .policy
            .check(Origin::Engine { transport, name }, transport)?;
    }
    let mut layers = Layers::new(store, options.unpack.clone());
    let mut unpacked: Vec<Option<Unpacked<'_>>> = Vec::new();
    let mut sink = |name: &[u8], _size: u64, reader: &mut (dyn std::io::Read + Send)| {
        if let Some(digest) = digest_in(name)
            && layers.has(&digest)?
        {
            return Ok(Streamed::Known(digest));
        }
        let layer = layers.unpack_unknown(reader);
        unpacked.push(Some(
            layer.with_context(|| String::from_utf8_lossy(name).into_owned())?,
        ));
        Ok(Streamed::Unpacked(unpacked.len() - 1))
    };
    let is_of_engine = matches!(input, Input::Engine { .. });
    let (source, path) = match input {
        Input::Path(path) => (Source::open(path, &mut sink)?, Some(path)),
        Input::File(file) => (Source::read(file, &mut sink)?, None),
        Input::Engine { reader, .. } => (Source::stream(reader, &mut sink)?, None),
    };
    if !is_of_engine {
        permit(&source, path, options)?;
    }
    let plans = plan::read(&source, &options.choice)?;
    for layer in plans.iter().flat_map(|plan| &plan.layers) {
        source.require(&layer.member)?;
    }
    if let Source::Stream(_) = source {
        take_streamed(&source, &plans, &mut layers, &mut unpacked)?;
    } else {
        fetch(&source, &plans, &mut layers)?;
    }
    drop(unpacked);
    layers.publish(plans.into_iter().map(new_image).collect())
}

/// Whether the policy lets an archive's images in.
fn permit(source: &Source<Streamed>, path: Option<&Path>, options: &LoadOptions) -> Result<()> {
    let is_directory = matches!(source, Source::Directory(_));
    let is_layout = match options.choice.format {
        Some(format) => format == Format::Oci,
        None => source.contains("index.json"),
    };
    let transport = match (is_layout, is_directory) {
        (true, true) => "oci",
        (true, false) => "oci-archive",
        (false, true) => "dir",
        (false, false) => "docker-archive",
    };
    let path = path.map(std::fs::canonicalize).transpose()?;
    // As with other tools, the place of an archive of docker save does not matter.
    let path = path.as_deref().filter(|_| transport != "docker-archive");
    options
        .policy
        .check(Origin::Local { transport, path }, transport)?;
    Ok(())
}

fn new_image(plan: Plan) -> NewImage {
    NewImage {
        config_bytes: plan.config_bytes,
        config: plan.config,
        manifest: plan
            .manifest
            .map(|manifest| (manifest.bytes, manifest.media_type)),
        index: None,
        names: plan.names,
        repo_digests: Vec::new(),
    }
}

/// The diff id that a member's name speaks of, in the ways of `save`: `<hex>.tar`, `<hex>/layer.tar`, `blobs/sha256/<hex>`.
fn digest_in(name: &[u8]) -> Option<Digest> {
    let name = std::str::from_utf8(name).ok()?;
    let name = name
        .strip_suffix("/layer.tar")
        .or_else(|| name.strip_suffix(".tar"))
        .unwrap_or(name);
    Digest::from_hex(name.rsplit('/').next()?).ok()
}

/// Unpacks layers from a source that can be read at any place.
fn fetch(source: &Source<Streamed>, plans: &[Plan], layers: &mut Layers<'_>) -> Result<()> {
    let planned = || plans.iter().flat_map(|plan| &plan.layers);
    let wanted: Vec<Wanted> = planned()
        .map(|layer| Wanted {
            diff_id: layer.diff_id,
            blob: layer.blob.clone(),
        })
        .collect();
    let open = |wanted: &Wanted| {
        let layer = planned().find(|layer| layer.diff_id == wanted.diff_id && layer.blob == wanted.blob);
        let (reader, size) = source.reader(&layer.expect("every wanted layer is planned").member)?;
        Ok(Stream::Blob(reader, size))
    };
    layers.fetch(&wanted, parallel::busy_threads(), &open, &|| ())
}

/// Takes the layers that were unpacked while the stream passed.
fn take_streamed<'s>(
    source: &Source<Streamed>,
    plans: &[Plan],
    layers: &mut Layers<'s>,
    unpacked: &mut [Option<Unpacked<'s>>],
) -> Result<()> {
    for layer in plans.iter().flat_map(|plan| &plan.layers) {
        if layers.has(&layer.diff_id)? {
            continue;
        }
        let described = || format!("layer {}", layer.diff_id);
        let wanted = Wanted {
            diff_id: layer.diff_id,
            blob: layer.blob.clone(),
        };
        match source.streamed(&layer.member)? {
            Some(Streamed::Unpacked(index)) => {
                let mut found = unpacked[*index].take().with_context(described)?;
                check(&mut found, &wanted).with_context(described)?;
                layers.add(found)?;
            }
            Some(Streamed::Known(digest)) => {
                bail!(
                    "{} holds layer {digest}, not {} as the configuration says",
                    layer.member,
                    layer.diff_id
                )
            }
            None => bail!("{} is missing", layer.member),
        }
    }
    Ok(())
}
