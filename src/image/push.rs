//! `push`: from the store to a registry.
//!
//! A manifest that the image came by is given on as it is, where the registry has its blobs already or can take them
//! over from another of its repositories. Else layers are compressed on their way, which gives the same bytes each time;
//! the digest is remembered with the layer, so that the next push need not.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result, bail};

use super::chunked;
use super::compression::{Compression, encoder};
use super::layer;
use super::publish::new_manifest;
use super::reference::Reference;
use super::registry::{Client, Taken};
use crate::base::digest::Digest;
use crate::base::{parallel, timing};
use crate::oci::image::{CONFIG_LIMIT, Descriptor, Document, MANIFEST_LIMIT, media_type};
use crate::store::images::{Image, ManifestRecord};
use crate::store::layer::SeenBlob;
use crate::store::locks::Hold;
use crate::store::{Kind, Store};

/// Level of both packings where none is asked for. Gzip becomes as small as Podman's then, and 7 % larger than at the
/// slowest level, which takes three and a half times as long.
pub const LEVEL: i32 = 3;

/// What kind of manifest is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Oci,
    Docker,
}

/// How an image is pushed.
#[derive(Debug, Clone, Default)]
pub struct PushOptions {
    /// None: the one the image came by, else Docker's.
    pub format: Option<Format>,
    /// None: whatever the registry has, else gzip.
    pub compression: Option<Compression>,
    /// zstd with tables, of which others can fetch parts.
    pub chunked: bool,
    pub level: Option<i32>,
    /// Only blobs that are compressed as asked, even where the registry has others.
    pub force: bool,
}

/// What was pushed.
#[derive(Debug)]
pub struct Pushed {
    pub digest: Digest,
    /// Bytes of the manifest.
    pub size: u64,
    /// What failed once it was there.
    pub lacks: Vec<anyhow::Error>,
}

impl Pushed {
    /// A manifest of so many bytes that a registry has taken.
    pub fn of(taken: Taken, size: usize) -> Self {
        Self {
            digest: taken.digest,
            size: size as u64,
            lacks: taken.unlisted.into_iter().collect(),
        }
    }
}

/// What became of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Preparing,
    Exists,
    Mounted,
    Pushed,
}

/// Who is told of each layer, by its diff id.
pub type Tell<'a> = dyn Fn(&Digest, Step) + Sync + 'a;

/// Pushes an image as `target`, which has a tag.
pub fn push(
    store: &Store,
    client: &Client,
    image: &Image,
    target: &Reference,
    options: &PushOptions,
    tell: &Tell<'_>,
) -> Result<Pushed> {
    let journey = Journey::new(store, client, image, target, options, tell);
    let known = |journey: &Journey<'_>| journey.known_manifest(None);
    let pushed = journey.push(target, target.tag(), known, true)?;
    Ok(pushed.context("a manifest is written where none is known")?.0)
}

/// Pushes an image as the member of a list: by the manifest that the list names, as it is, or with `anew` by a new one
/// that says the same of it. It gets no tag. Gives the media type, too. `None`: the registry lacks layers of that one.
pub fn push_member(
    journey: &Journey<'_>,
    target: &Reference,
    manifest: &Digest,
    anew: bool,
) -> Result<Option<(Pushed, String)>> {
    let known = |journey: &Journey<'_>| match anew {
        true => Ok(None),
        false => journey.known_manifest(Some(manifest)),
    };
    journey.push(target, None, known, anew)
}

/// Other repositories of the registry that have the image.
fn sources(image: &Image, target: &Reference) -> Vec<String> {
    let names = image
        .repo_digests
        .iter()
        .filter_map(|name| name.parse::<Reference>().ok());
    let mut sources: Vec<String> = names
        .filter(|name| name.domain() == target.domain() && name.path() != target.path())
        .map(|name| name.path().to_owned())
        .collect();
    sources.dedup();
    sources.truncate(3);
    sources
}

/// The way of an image to a registry.
pub struct Journey<'a> {
    store: &'a Store,
    client: &'a Client,
    image: &'a Image,
    options: &'a PushOptions,
    tell: &'a Tell<'a>,
    sources: Vec<String>,
}

impl<'a> Journey<'a> {
    pub fn new(
        store: &'a Store,
        client: &'a Client,
        image: &'a Image,
        target: &Reference,
        options: &'a PushOptions,
        tell: &'a Tell<'a>,
    ) -> Self {
        Self {
            store,
            client,
            image,
            options,
            tell,
            sources: sources(image, target),
        }
    }

    /// Pushes the manifest that `known` finds, else with `anew` a new one.
    fn push(
        &self,
        target: &Reference,
        tag: Option<&str>,
        known: impl Fn(&Self) -> Result<Option<(Vec<u8>, String)>>,
        anew: bool,
    ) -> Result<Option<(Pushed, String)>> {
        timing::phase("resolve");
        let id = self.image.id.hex();
        let held = self.store.hold(Kind::Images, &id)?;
        held.as_ref().with_context(|| format!("{id}: image not known"))?;
        self.client.take_from(&self.sources);
        let config = self.store.blob(&self.image.id, CONFIG_LIMIT)?;
        let (manifest, media_type) = match known(self)? {
            Some(known) => known,
            None if anew => {
                timing::phase("layers");
                self.new_manifest(config.len() as u64)?
            }
            None => return Ok(None),
        };
        timing::phase("publish");
        if !self.client.has_blob(&self.image.id)? && !self.mounted(&self.image.id)? {
            self.client.upload(&config)?;
        }
        let taken = self.client.put_manifest(tag, &manifest, &media_type)?;
        drop(held);
        let mut pushed = Pushed::of(taken, manifest.len());
        // The registry has it, whatever becomes of our own record.
        let remembered = self.remember(target, &manifest, &media_type, &config);
        let context = || {
            format!(
                "manifest {} is pushed, but not noted with the image",
                pushed.digest
            )
        };
        pushed.lacks.extend(remembered.with_context(context).err());
        Ok(Some((pushed, media_type)))
    }

    fn is_wanted(&self, media_type: &str) -> bool {
        let wanted = match self.options.format {
            None => return matches!(media_type, media_type::OCI_MANIFEST | media_type::DOCKER_MANIFEST),
            Some(Format::Oci) => media_type::OCI_MANIFEST,
            Some(Format::Docker) => media_type::DOCKER_MANIFEST,
        };
        media_type == wanted
    }

    /// A manifest that the image came by, or the one named, all of whose layers the registry has or takes over.
    fn known_manifest(&self, only: Option<&Digest>) -> Result<Option<(Vec<u8>, String)>> {
        let mut manifests = self.image.manifests.clone();
        manifests.retain(|known| {
            self.is_wanted(&known.media_type) && only.is_none_or(|only| *only == known.digest)
        });
        for known in &manifests {
            let bytes = self.store.blob(&known.digest, MANIFEST_LIMIT)?;
            let Document::Manifest(manifest) = Document::parse(&bytes, &known.media_type)? else {
                continue;
            };
            let fits = |layer: &Descriptor| {
                !self.options.force || self.is_as_asked(&layer.media_type, &layer.annotations)
            };
            // Uncompressed layers are what `load` makes up; they are not worth sending.
            let is_plain = |layer: &Descriptor| compression_of(&layer.media_type) == Compression::None;
            if !manifest.layers.iter().all(fits) || manifest.layers.iter().any(is_plain) {
                continue;
            }
            let layers: Vec<_> = self.image.layers.iter().zip(&manifest.layers).collect();
            let found = parallel::map(layers, 8, |(layer, blob), _| {
                let step = self.find(&blob.digest)?;
                Ok::<_, anyhow::Error>(step.map(|step| (layer.diff_id, step)))
            })?;
            if found.iter().all(Option::is_some) {
                found
                    .into_iter()
                    .flatten()
                    .for_each(|(diff_id, step)| (self.tell)(&diff_id, step));
                return Ok(Some((bytes, known.media_type.clone())));
            }
        }
        Ok(None)
    }

    /// Whether the repository has a blob, or has taken it over.
    fn find(&self, digest: &Digest) -> Result<Option<Step>> {
        Ok(if self.client.has_blob(digest)? {
            Some(Step::Exists)
        } else if self.mounted(digest)? {
            Some(Step::Mounted)
        } else {
            None
        })
    }

    fn mounted(&self, digest: &Digest) -> Result<bool> {
        for source in &self.sources {
            if self.client.mount_blob(digest, source)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_as_asked(&self, media_type: &str, annotations: &BTreeMap<String, String>) -> bool {
        let wanted = self.options.compression;
        wanted.is_none_or(|wanted| compression_of(media_type) == wanted)
            && (!self.options.chunked || annotations.contains_key(chunked::TABLE_PLACE))
    }

    /// Uploads what is missing, and writes a manifest of it.
    fn new_manifest(&self, config_size: u64) -> Result<(Vec<u8>, String)> {
        let format = self.options.format.unwrap_or_else(|| {
            let first = self
                .image
                .manifests
                .first()
                .map(|first| first.media_type.as_str());
            if first == Some(media_type::OCI_MANIFEST) {
                Format::Oci
            } else {
                Format::Docker
            }
        });
        let compression = self.options.compression.unwrap_or(Compression::Gzip);
        if format == Format::Docker && compression == Compression::Zstd {
            bail!("Docker's manifests know no zstd: give --format oci");
        }
        let mut unique: Vec<Digest> = Vec::new();
        for layer in &self.image.layers {
            if !unique.contains(&layer.diff_id) {
                unique.push(layer.diff_id);
            }
        }
        let blobs = parallel::map(unique, parallel::busy_threads(), |diff_id, _| {
            let blob = self
                .layer(&diff_id, compression, format)
                .with_context(|| format!("layer {diff_id}"))?;
            Ok::<_, anyhow::Error>((diff_id, blob))
        })?;
        let blobs: HashMap<Digest, Descriptor> = blobs.into_iter().collect();
        let (kind, config) = match format {
            Format::Oci => (media_type::OCI_MANIFEST, media_type::OCI_CONFIG),
            Format::Docker => (media_type::DOCKER_MANIFEST, media_type::DOCKER_CONFIG),
        };
        let config = Descriptor::new(config, self.image.id, config_size);
        let layers = self
            .image
            .layers
            .iter()
            .map(|layer| blobs[&layer.diff_id].clone());
        Ok((new_manifest(kind, config, layers.collect()), kind.to_owned()))
    }

    /// The blob of a layer at the registry: one that is there, else a new one.
    fn layer(&self, diff_id: &Digest, compression: Compression, format: Format) -> Result<Descriptor> {
        let id = diff_id.hex();
        let own = self.store.lock(Kind::Layers, &id, Hold::Shared, &mut || ())?;
        let is_own = own.is_some();
        let locked = match own {
            Some(own) => Some(own),
            None => self.store.hold(Kind::Layers, &id)?,
        };
        let locked = locked.context("it is not in the store")?;
        let mut record = layer::read_record(locked.as_fd())?;
        for seen in &record.blobs {
            let found = compression_of(&seen.media_type);
            let serves = self.is_as_asked(&seen.media_type, &seen.annotations)
                && (self.options.compression.is_some()
                    || found == Compression::Gzip
                    || (found == Compression::Zstd && format == Format::Oci));
            if serves && let Some(step) = self.find(&seen.digest)? {
                (self.tell)(diff_id, step);
                let mut blob = Descriptor::new(&layer_type(format, found), seen.digest, seen.size);
                blob.annotations = seen.annotations.clone();
                return Ok(blob);
            }
        }
        (self.tell)(diff_id, Step::Preparing);
        let tar = locked.as_fd();
        let mut annotations = BTreeMap::new();
        let (digest, size) = self.client.upload_stream(&format!("layer {diff_id}"), |send| {
            let make = |output| self.write_blob(tar, compression, output);
            let (sent, tables) = piped(make, send)?;
            annotations = tables;
            Ok(sent)
        })?;
        (self.tell)(diff_id, Step::Pushed);
        let mut descriptor = Descriptor::new(&layer_type(format, compression), digest, size);
        descriptor.annotations = annotations;
        record.blobs.retain(|seen| seen.digest != digest);
        let seen = SeenBlob {
            digest,
            size,
            media_type: descriptor.media_type.clone(),
            annotations: descriptor.annotations.clone(),
        };
        record.blobs.insert(0, seen);
        // What cannot be remembered is compressed again the next time; and what is lent to us is not ours to change.
        if is_own {
            let _ = layer::write_record(locked.as_fd(), &record);
        }
        Ok(descriptor)
    }

    /// Compresses the tar of a layer; gives the annotations of zstd:chunked.
    fn write_blob(
        &self,
        layer: BorrowedFd<'_>,
        compression: Compression,
        output: impl Write,
    ) -> Result<BTreeMap<String, String>> {
        let level = self.options.level.unwrap_or(LEVEL);
        if self.options.chunked {
            let tables = chunked::write(layer::Recreated::new(layer)?, output, level)?;
            return Ok(tables.unwrap_or_default());
        }
        let mut output = encoder(compression, level, output)?;
        layer::write_tar(layer, &mut output)?;
        output.finish()?.flush()?;
        Ok(BTreeMap::new())
    }

    /// The image is known by its new manifest from now on, unless it was removed meanwhile.
    fn remember(&self, target: &Reference, manifest: &[u8], media_type: &str, config: &[u8]) -> Result<()> {
        let digest = Digest::of(manifest);
        let record = ManifestRecord {
            digest,
            media_type: media_type.to_owned(),
            size: manifest.len() as u64,
        };
        let image = Image {
            manifests: vec![record],
            repo_digests: vec![format!("{}@{digest}", target.name())],
            ..self.image.clone()
        };
        self.store.update_image(&image, &[config, manifest])?;
        Ok(())
    }
}

pub fn compression_of(media_type: &str) -> Compression {
    match media_type {
        kind if kind.ends_with("gzip") => Compression::Gzip,
        kind if kind.ends_with("zstd") => Compression::Zstd,
        _ => Compression::None,
    }
}

pub fn layer_type(format: Format, compression: Compression) -> String {
    match (format, compression) {
        (Format::Oci, Compression::None) => media_type::OCI_LAYER.to_owned(),
        (Format::Oci, _) => format!("{}+{compression}", media_type::OCI_LAYER),
        (Format::Docker, Compression::None) => media_type::DOCKER_LAYER.to_owned(),
        (Format::Docker, _) => format!("{}.{compression}", media_type::DOCKER_LAYER),
    }
}

/// Sends what `make` writes through a pipe: one thread makes it and this one sends. Gives what `make` gives as well.
fn piped<T: Send>(
    make: impl FnOnce(io::BufWriter<io::PipeWriter>) -> Result<T> + Send,
    send: &mut dyn FnMut(io::PipeReader) -> Result<(Digest, u64)>,
) -> Result<((Digest, u64), T)> {
    let (reader, writer) = io::pipe()?;
    std::thread::scope(|scope| {
        let maker = scope.spawn(move || make(io::BufWriter::with_capacity(64 << 10, writer)));
        let sent = send(reader);
        let made = maker.join().expect("panics abort the process");
        // A layer that could not be read to its end was never whole at the registry: the digest is of less.
        Ok((sent?, made?))
    })
}
