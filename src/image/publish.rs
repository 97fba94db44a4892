//! Brings new images into the store: layers are found there or unpacked, then everything is published in the order
//! that `store::images` asks for.
//!
//! One process unpacks a layer that several want at once; the others wait for it. Nobody waits while others may wait
//! for it: what was unpacked so far is published first.

mod borrow;

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use rustix::fs::Mode;

use crate::base::digest::{Digest, Hashing};
use crate::base::{parallel, time};
use crate::image::chunked;
use crate::image::compression::{self, Compression, Growth};
use crate::image::layer::{self, UnpackOptions};
use crate::image::reference::Reference;
use crate::oci::config::ImageConfig;
use crate::oci::image::{Descriptor, Manifest, media_type};
use crate::store::events::Event;
use crate::store::images::{Image, Layer, Lent, ManifestRecord, VERSION};
use crate::store::layer::{LayerRecord, Owners, SeenBlob};
use crate::store::locks::{Hold, Locked};
use crate::store::staging::{Staging, make_directory};
use crate::store::{Kind, Store};

/// An image that is to be published; its layers are given apart.
#[derive(Debug, Clone)]
pub struct NewImage {
    /// The bytes of the configuration, whose digest is the image's id.
    pub config_bytes: Vec<u8>,
    pub config: ImageConfig,
    /// The manifest's bytes and media type, where the image came by one.
    pub manifest: Option<(Vec<u8>, String)>,
    /// The same of the index in which a registry had it.
    pub index: Option<(Vec<u8>, String)>,
    pub names: Vec<Reference>,
    /// `name@digest`, as a registry gave it.
    pub repo_digests: Vec<String>,
}

/// An image that is now in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    pub id: Digest,
    pub names: Vec<Named>,
}

impl Published {
    /// That it came into the store, and how.
    pub fn event(&self, action: &'static str) -> Event {
        let id = self.id.hex();
        match self.names.first() {
            Some(name) => Event::image(action, &id, &name.reference),
            None => Event::image(action, &id, &id),
        }
    }
}

/// A name that an image was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    pub reference: Reference,
    /// The image that lost this name.
    pub replaced: Option<Digest>,
}

/// A layer that an image needs.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub diff_id: Digest,
    /// The compressed blob it comes as, where that is known and to be checked.
    pub blob: Option<Descriptor>,
}

/// A layer unpacked in staging.
pub struct Unpacked<'s> {
    pub staging: Staging<'s>,
    pub record: LayerRecord,
    /// Digest and length of the bytes as they came.
    pub digest: Digest,
    pub size: u64,
}

/// How a layer comes.
pub enum Stream<'a> {
    /// As its blob, of so many bytes.
    Blob(Box<dyn Read + Send + 'a>, u64),
    /// As its tar, made of parts of its blob and of what is here: the diff id shows whether it is right.
    Tar(Box<dyn Read + Send + 'a>),
}

/// Opens a layer.
pub type Open<'a> = dyn Fn(&Wanted) -> Result<Stream<'a>> + Sync + 'a;
/// Is told that a layer failed.
pub type Failed<'a> = dyn Fn() + Sync + 'a;

/// The layers of images on their way into the store. They cannot be swept while this lives.
pub struct Layers<'s> {
    store: &'s Store,
    options: UnpackOptions,
    /// By the names of their directories.
    held: HashMap<String, Held<'s>>,
}

enum Held<'s> {
    Stored(Locked),
    Staged(Staging<'s>),
    /// In a store that is shared with us, at this path.
    Lent(Locked, PathBuf),
}

impl Held<'_> {
    fn directory(&self) -> BorrowedFd<'_> {
        match self {
            Self::Stored(locked) => locked.as_fd(),
            Self::Staged(staging) => staging.directory(),
            Self::Lent(locked, _) => locked.as_fd(),
        }
    }
}

impl<'s> Layers<'s> {
    pub fn new(store: &'s Store, options: UnpackOptions) -> Self {
        // What loads that were killed have left may be the room that this one needs. What cannot be removed now is
        // left to the next sweep.
        let _ = store.sweep();
        Self {
            store,
            options,
            held: HashMap::new(),
        }
    }

    /// Whether the layer is in the store already, or in one that is shared with us; if so it is held from now on.
    pub fn has(&mut self, diff_id: &Digest) -> Result<bool> {
        let name = diff_id.hex();
        if self.held.contains_key(&name) {
            return Ok(true);
        }
        let found = self.store.lock(Kind::Layers, &name, Hold::Shared, &mut || ())?;
        if let Some(locked) = found {
            self.held.insert(name, Held::Stored(locked));
            return Ok(true);
        }
        for shared in self.store.shared.iter() {
            if let Some(theirs) = shared.lock(Kind::Layers, &name, Hold::Shared, &mut || ())? {
                let at = shared.path_of(Kind::Layers, &name);
                self.held.insert(name, Held::Lent(theirs, at));
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds a layer that was unpacked already, unless it is there.
    pub fn add(&mut self, unpacked: Unpacked<'s>) -> Result<()> {
        if !self.has(&unpacked.record.diff_id)? {
            let name = unpacked.record.diff_id.hex();
            self.held.insert(name, Held::Staged(unpacked.staging));
        }
        Ok(())
    }

    /// Unpacks a layer of which nothing is known yet, as it comes.
    pub fn unpack_unknown(&self, reader: impl Read + Send) -> Result<Unpacked<'s>> {
        let staging = self.store.stage(None)?;
        unpack(reader, staging, &self.options)
    }

    /// Sees to it that all layers are there: what is not in the store is unpacked, up to `threads` at a time. As soon as
    /// one fails, `failed` is called, so that the others need not be waited for.
    pub fn fetch(
        &mut self,
        wanted: &[Wanted],
        threads: usize,
        open: &Open<'_>,
        failed: &Failed<'_>,
    ) -> Result<()> {
        loop {
            let mut seen = HashSet::new();
            let (mut claimed, mut foreign) = (Vec::new(), None);
            for layer in wanted.iter().filter(|layer| seen.insert(layer.diff_id)) {
                if self.has(&layer.diff_id)? {
                    continue;
                }
                match self.store.claim_layer(&layer.diff_id.hex())? {
                    // Published between the look and the claim, perhaps.
                    Some(claim) if !self.has(&layer.diff_id)? => claimed.push((layer, claim)),
                    Some(_) => {}
                    None => foreign = Some(layer.diff_id),
                }
            }
            for unpacked in unpack_all(claimed, threads, open, failed, &self.options)? {
                let name = unpacked.record.diff_id.hex();
                self.held.insert(name, Held::Staged(unpacked.staging));
            }
            let Some(foreign) = foreign else { return Ok(()) };
            self.publish_layers()?;
            self.store.await_layer_claim(&foreign.hex())?;
        }
    }

    /// The directory that has to lie on top of these layers, bottom first, if they need one.
    fn fix_up(&mut self, diff_ids: &[Digest], lent: Option<&Lent>) -> Result<Option<String>> {
        let Some(mut chain) = chain_id(diff_ids) else {
            return Ok(None);
        };
        // Links into what is lent are made in what stands for it.
        if let Some(lent) = lent {
            chain = Digest::of(format!("{chain} {}", lent.name).as_bytes());
        }
        let name = format!("{}.fix", chain.hex());
        if self.held.contains_key(&name) {
            return Ok(Some(name));
        }
        if let Some(locked) = self.store.lock(Kind::Layers, &name, Hold::Shared, &mut || ())? {
            self.held.insert(name.clone(), Held::Stored(locked));
            return Ok(Some(name));
        }
        let mut names = mounted(diff_ids);
        if let Some(lent) = lent {
            names.splice(..lent.layers.len(), [lent.name.clone()]);
        }
        let lowers: Vec<BorrowedFd<'_>> = names.iter().map(|name| self.held[name].directory()).collect();
        let staging = self.store.stage(None)?;
        let tree = make_directory(staging.directory(), layer::TREE, Mode::from(0o755))
            .with_context(|| format!("layers/{name}"))?;
        let is_needed =
            layer::build_fix_up(&lowers, tree.as_fd()).context("cannot fit the layers together")?;
        if is_needed {
            self.held.insert(name.clone(), Held::Staged(staging));
        }
        Ok(is_needed.then_some(name))
    }

    /// Publishes what is staged, once its data is on disk.
    fn publish_layers(&mut self) -> Result<()> {
        let staged = self.held.values().find_map(|held| match held {
            Held::Staged(staging) => Some(staging),
            Held::Stored(_) | Held::Lent(..) => None,
        });
        let Some(first) = staged else { return Ok(()) };
        first.sync()?;
        for (name, held) in std::mem::take(&mut self.held) {
            let held = match held {
                Held::Staged(staging) => Held::Stored(self.store.publish_layer(staging, &name)?),
                held => held,
            };
            self.held.insert(name, held);
        }
        Ok(())
    }

    /// Publishes images all of whose layers are here.
    pub fn publish(mut self, images: Vec<NewImage>) -> Result<Vec<Published>> {
        let mut prepared = Vec::new();
        for image in images {
            let diff_ids = &image.config.rootfs.diff_ids;
            let lent = self.borrow(diff_ids)?;
            let fix_up = self.fix_up(diff_ids, lent.as_ref())?;
            let (mut record, manifest) = self.record(&image, fix_up)?;
            record.lent = lent;
            prepared.push(((record, manifest), image));
        }
        self.publish_layers()?;
        let mut published = Vec::new();
        for ((record, manifest), image) in prepared {
            let mut blobs = vec![image.config_bytes.as_slice(), &manifest];
            blobs.extend(image.index.as_ref().map(|(bytes, _)| bytes.as_slice()));
            let held = self.publish_record(&record, &blobs)?;
            let id = record.id.hex();
            let mut names = Vec::new();
            for reference in image.names {
                let replaced = self.store.set_tag(&reference.to_string(), &id)?;
                let replaced = replaced
                    .and_then(|id| Digest::from_hex(&id).ok())
                    .filter(|other| *other != record.id);
                names.push(Named { reference, replaced });
            }
            drop(held);
            published.push(Published { id: record.id, names });
        }
        Ok(published)
    }

    fn publish_record(&self, record: &Image, blobs: &[&[u8]]) -> Result<Locked> {
        let before = self.store.own_image(&record.id.hex()).ok().flatten();
        let held = self.store.publish_image(record, blobs)?;
        if before.is_some_and(|before| before.lent.is_some() && before.lent != record.lent) {
            // What stood for layers that are lent no more. What cannot be removed now goes with a later sweep.
            let _ = self.store.sweep_unreachable();
        }
        Ok(held)
    }

    /// Publishes the image of another store, all of whose layers are here, under no name. `blobs` are the bytes of its
    /// configuration and manifests. It is returned held exclusively.
    pub fn publish_copy(mut self, mut image: Image, blobs: &[&[u8]]) -> Result<(Image, Locked)> {
        let diff_ids: Vec<Digest> = image.layers.iter().map(|layer| layer.diff_id).collect();
        (image.lent, image.fix_up) = match self.options.owners {
            // Layers for sharing are not mounted, so that nothing has to lie on them.
            Owners::Shared => (None, None),
            Owners::AsWritten | Owners::Single => {
                let lent = self.borrow(&diff_ids)?;
                let fix_up = self.fix_up(&diff_ids, lent.as_ref())?;
                (lent, fix_up)
            }
        };
        self.publish_layers()?;
        image.is_elsewhere = false;
        let held = self.publish_record(&image, blobs)?;
        Ok((image, held))
    }

    /// The record of an image, and the bytes of its manifest.
    fn record(&self, image: &NewImage, fix_up: Option<String>) -> Result<(Image, Vec<u8>)> {
        let config = &image.config;
        let mut layers = Vec::new();
        for diff_id in &config.rootfs.diff_ids {
            let held = self
                .held
                .get(&diff_id.hex())
                .with_context(|| format!("layer {diff_id} is missing"))?;
            let record = layer::read_record(held.directory()).with_context(|| format!("layer {diff_id}"))?;
            layers.push(Layer {
                diff_id: *diff_id,
                size: record.content,
                archive_size: record.size,
                hides_lower: record.hides_lower,
            });
        }
        let id = Digest::of(&image.config_bytes);
        let (manifest, media_type) = image.manifest.clone().unwrap_or_else(|| {
            let config = Descriptor::new(media_type::DOCKER_CONFIG, id, image.config_bytes.len() as u64);
            let manifest = plain_manifest(
                media_type::DOCKER_MANIFEST,
                media_type::DOCKER_LAYER,
                config,
                &layers,
            );
            (manifest, media_type::DOCKER_MANIFEST.into())
        });
        let documents = [
            Some((&manifest, &media_type)),
            image.index.as_ref().map(|(bytes, kind)| (bytes, kind)),
        ];
        let manifests = documents
            .into_iter()
            .flatten()
            .map(|(bytes, media_type)| ManifestRecord {
                digest: Digest::of(bytes),
                media_type: media_type.clone(),
                size: bytes.len() as u64,
            });
        let record = Image {
            version: VERSION,
            id,
            created: config.created.clone(),
            stored: time::now(),
            architecture: config.architecture.clone(),
            os: config.os.clone(),
            variant: config.variant.clone(),
            config: config.config.clone(),
            layers,
            fix_up,
            lent: None,
            manifests: manifests.collect(),
            repo_digests: image.repo_digests.clone(),
            list: None,
            known_as: known_as(&image.names),
            stands_for: None,
            is_elsewhere: false,
            extra: serde_json::Map::new(),
        };
        Ok((record, manifest))
    }
}

/// Names for a record, the latest first.
fn known_as(names: &[Reference]) -> Vec<String> {
    names.iter().rev().map(ToString::to_string).collect()
}

/// The names of layers, bottom first, as they are mounted: a repeated one counts at its highest place.
fn mounted(diff_ids: &[Digest]) -> Vec<String> {
    let mut seen = HashSet::new();
    let distinct = diff_ids.iter().rev().filter(|id| seen.insert(**id));
    let mut names: Vec<String> = distinct.map(Digest::hex).collect();
    names.reverse();
    names
}

/// A manifest whose layers are not compressed: what the store can write without any blob at hand.
pub fn plain_manifest(kind: &str, layer_kind: &str, config: Descriptor, layers: &[Layer]) -> Vec<u8> {
    let plain = |layer: &Layer| Descriptor::new(layer_kind, layer.diff_id, layer.archive_size);
    new_manifest(kind, config, layers.iter().map(plain).collect())
}

/// A manifest of ours.
pub fn new_manifest(kind: &str, config: Descriptor, layers: Vec<Descriptor>) -> Vec<u8> {
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(kind.to_owned()),
        artifact_type: None,
        config,
        layers,
        annotations: Default::default(),
        extra: serde_json::Map::new(),
    };
    serde_json::to_vec(&manifest).expect("a manifest of ours holds only what JSON can")
}

/// The identity of a stack of layers, bottom first (image-spec, config.md, "Layer ChainID").
pub fn chain_id(diff_ids: &[Digest]) -> Option<Digest> {
    let (first, rest) = diff_ids.split_first()?;
    Some(rest.iter().fold(*first, |chain, diff_id| {
        Digest::of(format!("{chain} {diff_id}").as_bytes())
    }))
}

/// Unpacks one layer from bytes as they come, and hashes them.
fn unpack<'s>(
    reader: impl Read + Send,
    staging: Staging<'s>,
    options: &UnpackOptions,
) -> Result<Unpacked<'s>> {
    let mut hashing = Hashing::new(reader);
    let (compression, decoded) = compression::limited_decoder(&mut hashing, Growth::default())?;
    let record = layer::unpack(decoded, staging.directory(), options)?;
    // What follows the compressed stream belongs to the blob as well.
    io::copy(&mut hashing, &mut io::sink())?;
    let (_, digest, size) = hashing.finish();
    if compression == Compression::None && digest != record.diff_id {
        bail!("the archive was not read to its end");
    }
    Ok(Unpacked {
        staging,
        record,
        digest,
        size,
    })
}

/// Whether what was unpacked is what was wanted; the blob it came as is noted in the layer's record.
pub fn check(unpacked: &mut Unpacked<'_>, wanted: &Wanted) -> Result<()> {
    check_diff_id(&unpacked.record, wanted)?;
    let Some(blob) = &wanted.blob else { return Ok(()) };
    if unpacked.size != blob.size {
        bail!(
            "the layer's blob has {} bytes, not {} as the manifest says",
            unpacked.size,
            blob.size
        );
    }
    if unpacked.digest != blob.digest {
        bail!(
            "the layer's blob has the digest {}, not {} as the manifest says",
            unpacked.digest,
            blob.digest
        );
    }
    if blob.digest != wanted.diff_id {
        unpacked.record.blobs.push(SeenBlob {
            digest: blob.digest,
            size: blob.size,
            media_type: blob.media_type.clone(),
            annotations: chunked::kept(&blob.annotations),
        });
        layer::write_record(unpacked.staging.directory(), &unpacked.record)?;
    }
    Ok(())
}

fn check_diff_id(record: &LayerRecord, wanted: &Wanted) -> Result<()> {
    if record.diff_id != wanted.diff_id {
        bail!(
            "the layer has the digest {}, not {} as the configuration says",
            record.diff_id,
            wanted.diff_id
        );
    }
    Ok(())
}

/// Unpacks claimed layers on a few threads, which have ended when this returns.
fn unpack_all<'s>(
    claimed: Vec<(&Wanted, Staging<'s>)>,
    threads: usize,
    open: &Open<'_>,
    failed: &Failed<'_>,
    options: &UnpackOptions,
) -> Result<Vec<Unpacked<'s>>> {
    let unpack = |(wanted, staging), stop: &_| unpack_wanted(wanted, staging, open, options, stop);
    parallel::map_or(claimed, threads, unpack, failed)
}

fn unpack_wanted<'s>(
    wanted: &Wanted,
    staging: Staging<'s>,
    open: &Open<'_>,
    options: &UnpackOptions,
    stop: &AtomicBool,
) -> Result<Unpacked<'s>> {
    let unpack = || {
        let (reader, size) = match open(wanted)? {
            Stream::Blob(reader, size) => (reader, size),
            Stream::Tar(inner) => return unpack_tar(Stoppable { inner, stop }, wanted, staging, options),
        };
        if let Some(blob) = wanted.blob.as_ref().filter(|blob| blob.size != size) {
            return Err(anyhow!(
                "the layer's blob has {size} bytes, not {} as the manifest says",
                blob.size
            ));
        }
        let inner = reader.take(size);
        let mut unpacked = unpack(Stoppable { inner, stop }, staging, options)?;
        check(&mut unpacked, wanted)?;
        Ok(unpacked)
    };
    unpack().with_context(|| format!("layer {}", wanted.diff_id))
}

/// Unpacks a tar whose blob was not seen whole, so that the layer is not known by it.
fn unpack_tar<'s>(
    tar: impl Read + Send,
    wanted: &Wanted,
    staging: Staging<'s>,
    options: &UnpackOptions,
) -> Result<Unpacked<'s>> {
    let size = wanted.blob.as_ref().map_or(0, |blob| blob.size);
    let record = layer::unpack(
        compression::limited(tar, Growth::default(), size),
        staging.directory(),
        options,
    )?;
    check_diff_id(&record, wanted)?;
    Ok(Unpacked {
        digest: record.diff_id,
        size: record.size,
        staging,
        record,
    })
}

/// Fails as soon as another layer has failed.
struct Stoppable<'a, R> {
    inner: R,
    stop: &'a AtomicBool,
}

impl<R: Read> Read for Stoppable<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("stopped, as another layer failed"));
        }
        self.inner.read(buffer)
    }
}
