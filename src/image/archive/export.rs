//! `push` into an archive or a directory: one image, with its layers compressed as they would be for a registry.
//!
//! What is in a directory is there whole or not at all, and what names an image comes last. An archive is written beside
//! its place and renamed.

use std::collections::HashMap;
use std::fs::DirBuilder;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::save::{self, Archive, Directory, Item, Target};
use crate::base::digest::Digest;
use crate::image::compression::{Compression, encoder};
use crate::image::layer;
use crate::image::publish::new_manifest;
use crate::image::push::{Format, LEVEL, PushOptions, Pushed, Step, Tell, layer_type};
use crate::image::reference::Reference;
use crate::oci::image::{CONFIG_LIMIT, Descriptor, Index, media_type};
use crate::store::Store;
use crate::store::images::Image;

/// What is written, by the words of containers-transports(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `oci:`, to which the image is added.
    Layout,
    /// `oci-archive:`.
    LayoutArchive,
    /// `docker-archive:`.
    DockerArchive,
    /// `dir:`.
    Directory,
}

/// Writes an image to `path`, under a name where the place has names.
pub fn export(
    store: &Store,
    image: &Image,
    (place, path, name): (Place, &Path, Option<&str>),
    options: &PushOptions,
    tell: &Tell<'_>,
) -> Result<Pushed> {
    let item = Item {
        image: image.clone(),
        names: Vec::new(),
    };
    let _held = save::hold(store, std::slice::from_ref(&item))?;
    let writer = Writer {
        store,
        image,
        options,
        tell,
    };
    match place {
        Place::Layout => {
            let mut target = directory(path)?;
            let index = target.index()?;
            writer.layout(&mut target, index, name)
        }
        Place::LayoutArchive => save::write_file(path, &mut |output| {
            let mut target = Archive { output };
            target.directory("blobs/")?;
            target.directory("blobs/sha256/")?;
            let pushed = writer.layout(&mut target, Index::empty(), name)?;
            target.end()?;
            Ok(pushed)
        }),
        Place::DockerArchive => {
            if path
                .metadata()
                .is_ok_and(|found| found.is_file() && found.len() > 0)
            {
                bail!(
                    "it is there already, and images are not added to archives of Docker: remove it, or give another name"
                );
            }
            let names = match name {
                Some(name) => vec![name.parse::<Reference>()?.or_latest()],
                None => Vec::new(),
            };
            save::write_file(path, &mut |output| {
                let item = Item {
                    names: names.clone(),
                    ..item.clone()
                };
                writer.docker_archive(&item, &mut Archive { output })
            })
        }
        Place::Directory => {
            let is_foreign = path
                .read_dir()
                .is_ok_and(|mut entries| entries.next().is_some() && !path.join("version").exists());
            if is_foreign {
                bail!("there are other files in it");
            }
            writer.directory(&mut directory(path)?)
        }
    }
}

fn directory(path: &Path) -> Result<Directory> {
    DirBuilder::new().recursive(true).mode(0o755).create(path)?;
    Ok(Directory { path: path.into() })
}

struct Writer<'a> {
    store: &'a Store,
    image: &'a Image,
    options: &'a PushOptions,
    tell: &'a Tell<'a>,
}

impl Writer<'_> {
    /// The blobs of the layers, written where `place` says; one descriptor for each layer.
    fn layers(
        &self,
        target: &mut dyn Target,
        (format, compression): (Format, Compression),
        place: &dyn Fn(&Digest) -> String,
    ) -> Result<Vec<Descriptor>> {
        let level = self.options.level.unwrap_or(LEVEL);
        let mut written: HashMap<Digest, Descriptor> = HashMap::new();
        let mut layers = Vec::new();
        for layer in &self.image.layers {
            let diff_id = layer.diff_id;
            if let Some(known) = written.get(&diff_id) {
                layers.push(known.clone());
                continue;
            }
            (self.tell)(&diff_id, Step::Preparing);
            let directory = self
                .store
                .layer(&diff_id.hex())
                .with_context(|| format!("layer {diff_id}"))?;
            let mut write = |output: &mut dyn Write| -> Result<()> {
                let mut output = encoder(compression, level, output)?;
                layer::write_tar(directory.as_fd(), &mut output)?;
                output.finish()?.flush()?;
                Ok(())
            };
            let (digest, size) = target
                .blob(place, &mut write)
                .with_context(|| format!("layer {diff_id}"))?;
            (self.tell)(&diff_id, Step::Pushed);
            let descriptor = Descriptor::new(&layer_type(format, compression), digest, size);
            written.insert(diff_id, descriptor.clone());
            layers.push(descriptor);
        }
        Ok(layers)
    }

    fn config(&self) -> Result<Vec<u8>> {
        Ok(self.store.blob(&self.image.id, CONFIG_LIMIT)?)
    }

    fn layout(&self, target: &mut dyn Target, mut index: Index, name: Option<&str>) -> Result<Pushed> {
        if self.options.format == Some(Format::Docker) {
            bail!("layouts of OCI have manifests of OCI: leave --format out");
        }
        let place = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
        target.document("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        let compression = self.options.compression.unwrap_or(Compression::Gzip);
        let layers = self.layers(target, (Format::Oci, compression), &place)?;
        let config = self.config()?;
        target.document(&place(&self.image.id), &config)?;
        let config = Descriptor::new(media_type::OCI_CONFIG, self.image.id, config.len() as u64);
        let manifest = new_manifest(media_type::OCI_MANIFEST, config, layers);
        let pushed = pushed(&manifest);
        target.document(&place(&pushed.digest), &manifest)?;
        let descriptor = Descriptor::new(media_type::OCI_MANIFEST, pushed.digest, pushed.size);
        save::add_to_index(&mut index, descriptor, name.as_slice());
        // Last, so that a directory names an image once all of it is there.
        target.document("index.json", &serde_json::to_vec(&index)?)?;
        Ok(pushed)
    }

    fn docker_archive(&self, item: &Item, target: &mut Archive<'_>) -> Result<Pushed> {
        if self.options.compression.is_some() || self.options.format == Some(Format::Oci) {
            bail!("archives of Docker have layers that are not compressed, and no manifest of OCI");
        }
        save::docker_archive(self.store, std::slice::from_ref(item), target)?;
        target.end()?;
        let (manifest, _) = save::manifest(self.store, self.image, self.config()?.len() as u64, false)?;
        Ok(pushed(&manifest))
    }

    fn directory(&self, target: &mut dyn Target) -> Result<Pushed> {
        let of_image = || match self.image.manifests.first() {
            Some(first) if first.media_type == media_type::OCI_MANIFEST => Format::Oci,
            _ => Format::Docker,
        };
        let format = self.options.format.unwrap_or_else(of_image);
        let compression = self.options.compression.unwrap_or(Compression::None);
        if format == Format::Docker && compression == Compression::Zstd {
            bail!("Docker's manifests know no zstd: give --format oci");
        }
        target.document("version", b"Directory Transport Version: 1.1\n")?;
        let layers = self.layers(target, (format, compression), &Digest::hex)?;
        let config = self.config()?;
        target.document(&self.image.id.hex(), &config)?;
        let (kind, config_kind) = match format {
            Format::Oci => (media_type::OCI_MANIFEST, media_type::OCI_CONFIG),
            Format::Docker => (media_type::DOCKER_MANIFEST, media_type::DOCKER_CONFIG),
        };
        let config = Descriptor::new(config_kind, self.image.id, config.len() as u64);
        let manifest = new_manifest(kind, config, layers);
        target.document("manifest.json", &manifest)?;
        Ok(pushed(&manifest))
    }
}

fn pushed(manifest: &[u8]) -> Pushed {
    Pushed {
        digest: Digest::of(manifest),
        size: manifest.len() as u64,
        lacks: Vec::new(),
    }
}
