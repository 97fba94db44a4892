//! `save`: from the store into an archive or a directory.
//!
//! The same images give the same bytes everywhere: nothing of the machine or the time goes in. Configurations are
//! written as they came, so that the image's id stays; layers are written uncompressed, as their diff ids name them.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::base::digest::{Digest, Hashing};
use crate::base::file;
use crate::image::layer;
use crate::image::publish::plain_manifest;
use crate::image::reference::Reference;
use crate::oci::image::{CONFIG_LIMIT, Descriptor, Document, Index, MANIFEST_LIMIT, media_type};
use crate::store::images::{Image, Layer, ManifestRecord};
use crate::store::locks::Locked;
use crate::store::{Kind, Store};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A tar as `docker save` writes it.
    DockerArchive,
    /// An OCI image layout in a tar.
    OciArchive,
    /// An OCI image layout.
    OciDirectory,
    /// The `dir:` of skopeo, with a Docker manifest.
    DockerDirectory,
}

impl Format {
    /// By Podman's names.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "docker-archive" => Self::DockerArchive,
            "oci-archive" => Self::OciArchive,
            "oci-dir" => Self::OciDirectory,
            "docker-dir" => Self::DockerDirectory,
            _ => return None,
        })
    }

    pub fn is_directory(self) -> bool {
        matches!(self, Self::OciDirectory | Self::DockerDirectory)
    }
}

/// An image to be saved, and the names it is to have in the archive.
#[derive(Debug, Clone)]
pub struct Item {
    pub image: Image,
    pub names: Vec<Reference>,
}

/// Writes images as a tar archive.
pub fn save_archive(store: &Store, items: &[Item], format: Format, output: &mut dyn Write) -> Result<()> {
    let _held = hold(store, items)?;
    let mut target = Archive { output };
    match format {
        Format::DockerArchive => docker_archive(store, items, &mut target)?,
        Format::OciArchive => {
            // Named and not only implied: skopeo 1.9, as an ordinary user, cannot unpack an archive without them.
            target.directory("blobs/")?;
            target.directory("blobs/sha256/")?;
            layout(store, items, &mut target, Index::empty())?;
        }
        Format::OciDirectory | Format::DockerDirectory => bail!("a directory cannot be written to a stream"),
    }
    target.end()
}

/// Writes a file, of which what was there stays until the new one is whole. What is no file, a pipe for example, is
/// written as it is.
pub fn write_file<T>(path: &Path, write: &mut dyn FnMut(&mut dyn Write) -> Result<T>) -> Result<T> {
    // The file that a link leads to is replaced, and not the link.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return write(&mut io::BufWriter::new(File::options().write(true).open(path)?));
    }
    write_beside(path, write)
}

/// Writes a file beside its place and renames it.
fn write_beside<T>(path: &Path, write: &mut dyn FnMut(&mut dyn Write) -> Result<T>) -> Result<T> {
    let mut name = path.file_name().context("it is no file")?.to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let temporary = path.with_file_name(name);
    let _ = std::fs::remove_file(&temporary);
    let written = File::create_new(&temporary).map_err(Into::into).and_then(|file| {
        let mut output = io::BufWriter::with_capacity(256 << 10, file);
        let written = write(&mut output)?;
        output.flush()?;
        std::fs::rename(&temporary, path)?;
        Ok(written)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// Writes images into a directory, which is made where it is missing.
pub fn save_directory(store: &Store, items: &[Item], format: Format, path: &Path) -> Result<()> {
    let _held = hold(store, items)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(path)
        .with_context(|| path.display().to_string())?;
    let mut target = Directory { path: path.into() };
    let written = match format {
        Format::OciDirectory => {
            let index = target.index()?;
            layout(store, items, &mut target, index)
        }
        Format::DockerDirectory => docker_directory(store, items, &mut target),
        Format::DockerArchive | Format::OciArchive => bail!("{}: is a directory", path.display()),
    };
    written.with_context(|| path.display().to_string())
}

/// Holds the images, so that none is removed meanwhile.
pub(super) fn hold(store: &Store, items: &[Item]) -> Result<Vec<Locked>> {
    let mut held = Vec::new();
    for item in items {
        let id = item.image.id.hex();
        let locked = store.hold(Kind::Images, &id)?;
        held.push(locked.with_context(|| format!("{id}: image not known"))?);
    }
    Ok(held)
}

/// Where members are written.
pub(super) trait Target {
    /// Begins a member, whose content of `size` bytes `write` writes.
    fn member(
        &mut self,
        name: &str,
        size: u64,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<()>;

    fn document(&mut self, name: &str, content: &[u8]) -> Result<()> {
        self.member(name, content.len() as u64, &mut |output| {
            Ok(output.write_all(content)?)
        })
    }

    /// Writes a blob that `write` makes, to the place that its digest has. The same bytes come each time, so that it can
    /// be measured before.
    fn blob(
        &mut self,
        place: &dyn Fn(&Digest) -> String,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<(Digest, u64)> {
        let mut measured = Hashing::new(io::sink());
        write(&mut measured)?;
        let (_, digest, size) = measured.finish();
        self.member(&place(&digest), size, write)?;
        Ok((digest, size))
    }

    fn layer(&mut self, store: &Store, name: &str, layer: &Layer) -> Result<()> {
        let described = || format!("layer {}", layer.diff_id);
        let directory = store.layer(&layer.diff_id.hex()).with_context(described)?;
        // The digest is checked at the end of writing.
        self.member(name, layer.archive_size, &mut |output| {
            layer::write_tar(directory.as_fd(), output)?;
            Ok(())
        })
        .with_context(described)
    }
}

const BLOCK: usize = 512;

pub(super) struct Archive<'a> {
    pub output: &'a mut dyn Write,
}

impl Archive<'_> {
    /// Two blocks of zeros end a tar archive.
    pub fn end(&mut self) -> Result<()> {
        self.output.write_all(&[0; 2 * BLOCK])?;
        self.output.flush().context("cannot write the archive")
    }

    pub fn directory(&mut self, name: &str) -> Result<()> {
        self.header(name, tar::EntryType::Directory, 0o755, 0)
    }

    fn header(&mut self, name: &str, kind: tar::EntryType, mode: u32, size: u64) -> Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_path(name).with_context(|| name.to_owned())?;
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(mode);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_cksum();
        self.output
            .write_all(header.as_bytes())
            .context("cannot write the archive")
    }
}

impl Target for Archive<'_> {
    fn member(
        &mut self,
        name: &str,
        size: u64,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        self.header(name, tar::EntryType::Regular, 0o644, size)?;
        let mut exact = Exact {
            output: self.output,
            left: size,
        };
        write(&mut exact)?;
        if exact.left != 0 {
            bail!("{name} is {} bytes shorter than its record says", exact.left);
        }
        let padding = (size.next_multiple_of(BLOCK as u64) - size) as usize;
        self.output
            .write_all(&[0; BLOCK][..padding])
            .context("cannot write the archive")
    }
}

/// Takes just as many bytes as were announced.
struct Exact<'a> {
    output: &'a mut dyn Write,
    left: u64,
}

impl Write for Exact<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if buffer.len() as u64 > self.left {
            return Err(io::Error::other("it is longer than its record says"));
        }
        let length = self.output.write(buffer)?;
        self.left -= length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

pub(super) struct Directory {
    pub path: PathBuf,
}

impl Directory {
    /// The index of the layout that is there already, to which images are added.
    pub fn index(&self) -> Result<Index> {
        match file::read_bounded(File::open(&self.path)?, Path::new("index.json"), MANIFEST_LIMIT) {
            Ok(bytes) => match Document::parse(&bytes, "").context("index.json")? {
                Document::Index(index) => Ok(index),
                Document::Manifest(_) => bail!("index.json is not an index"),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Index::empty()),
            Err(error) => Err(error).context("index.json"),
        }
    }
}

impl Target for Directory {
    /// Once: it gets its name when that is known.
    fn blob(
        &mut self,
        place: &dyn Fn(&Digest) -> String,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<(Digest, u64)> {
        let name = format!("new-{}", std::process::id());
        let mut found = None;
        self.member(&name, 0, &mut |output| {
            let mut hashing = Hashing::new(output);
            write(&mut hashing)?;
            let (_, digest, size) = hashing.finish();
            found = Some((digest, size));
            Ok(())
        })?;
        let (digest, size) = found.context("nothing was written")?;
        let path = self.path.join(place(&digest));
        if let Some(parent) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
        }
        std::fs::rename(self.path.join(name), path)?;
        Ok((digest, size))
    }

    fn member(
        &mut self,
        name: &str,
        _size: u64,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let path = self.path.join(name);
        if let Some(parent) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
        }
        // What other images of the directory share is never half there.
        write_beside(&path, write)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// The documents come first, so that who reads the archive as a stream knows what is to come.
pub(super) fn docker_archive(store: &Store, items: &[Item], target: &mut dyn Target) -> Result<()> {
    let layer_name = |layer: &Layer| format!("{}.tar", layer.diff_id.hex());
    let mut list: Vec<(Digest, DockerImage)> = Vec::new();
    for item in items {
        let tags: Vec<String> = item.names.iter().map(ToString::to_string).collect();
        if let Some((_, known)) = list.iter_mut().find(|(id, _)| *id == item.image.id) {
            let known = known.repo_tags.get_or_insert_default();
            known.extend(
                tags.into_iter()
                    .filter(|tag| !known.contains(tag))
                    .collect::<Vec<_>>(),
            );
            continue;
        }
        let entry = DockerImage {
            config: format!("{}.json", item.image.id.hex()),
            repo_tags: (!tags.is_empty()).then_some(tags),
            layers: item.image.layers.iter().map(layer_name).collect(),
        };
        list.push((item.image.id, entry));
    }
    let (ids, list): (Vec<_>, Vec<_>) = list.into_iter().unzip();
    target.document("manifest.json", &serde_json::to_vec(&list)?)?;
    for id in ids {
        target.document(&format!("{}.json", id.hex()), &store.blob(&id, CONFIG_LIMIT)?)?;
    }
    let mut written = BTreeSet::new();
    for layer in items.iter().flat_map(|item| &item.image.layers) {
        if written.insert(layer.diff_id) {
            target.layer(store, &layer_name(layer), layer)?;
        }
    }
    Ok(())
}

fn layout(store: &Store, items: &[Item], target: &mut dyn Target, mut index: Index) -> Result<()> {
    let blob_name = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
    let mut written = BTreeSet::new();
    target.document("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    for item in items {
        let config = store.blob(&item.image.id, CONFIG_LIMIT)?;
        let (manifest, digest) = manifest(store, &item.image, config.len() as u64, true)?;
        let descriptor = Descriptor::new(media_type::OCI_MANIFEST, digest, manifest.len() as u64);
        let names: Vec<String> = item.names.iter().map(ToString::to_string).collect();
        add_to_index(&mut index, descriptor, &names);
        if written.insert(digest) {
            target.document(&blob_name(&digest), &manifest)?;
        }
        if written.insert(item.image.id) {
            target.document(&blob_name(&item.image.id), &config)?;
        }
        for layer in &item.image.layers {
            if written.insert(layer.diff_id) {
                target.layer(store, &blob_name(&layer.diff_id), layer)?;
            }
        }
    }
    // Last, so that a directory names an image once all of it is there.
    target.document("index.json", &serde_json::to_vec(&index)?)
}

pub(super) fn add_to_index<T: ToString>(index: &mut Index, descriptor: Descriptor, names: &[T]) {
    const NAME: &str = "org.opencontainers.image.ref.name";
    let mut add = |name: Option<String>| {
        let same = |known: &Descriptor| match &name {
            Some(name) => known.annotations.get(NAME) == Some(name),
            None => known.digest == descriptor.digest && !known.annotations.contains_key(NAME),
        };
        let place = index.manifests.iter().position(same);
        let mut entry = descriptor.clone();
        entry.annotations.extend(name.map(|name| (NAME.to_owned(), name)));
        match place {
            Some(place) => index.manifests[place] = entry,
            None => index.manifests.push(entry),
        }
    };
    if names.is_empty() {
        add(None);
    }
    names.iter().for_each(|name| add(Some(name.to_string())));
}

fn docker_directory(store: &Store, items: &[Item], target: &mut dyn Target) -> Result<()> {
    let [item] = items else {
        bail!("a directory of this format holds one image only");
    };
    let config = store.blob(&item.image.id, CONFIG_LIMIT)?;
    let (manifest, _) = manifest(store, &item.image, config.len() as u64, false)?;
    target.document("version", b"Directory Transport Version: 1.1\n")?;
    target.document(&item.image.id.hex(), &config)?;
    let mut written = BTreeSet::new();
    for layer in &item.image.layers {
        if written.insert(layer.diff_id) {
            target.layer(store, &layer.diff_id.hex(), layer)?;
        }
    }
    target.document("manifest.json", &manifest)
}

/// A manifest of the wanted kind over uncompressed layers: one that the image came by if it is such, else a new one.
pub(super) fn manifest(
    store: &Store,
    image: &Image,
    config_size: u64,
    oci: bool,
) -> Result<(Vec<u8>, Digest)> {
    let (kind, config, layer) = if oci {
        (
            media_type::OCI_MANIFEST,
            media_type::OCI_CONFIG,
            media_type::OCI_LAYER,
        )
    } else {
        (
            media_type::DOCKER_MANIFEST,
            media_type::DOCKER_CONFIG,
            media_type::DOCKER_LAYER,
        )
    };
    for known in image.manifests.iter().filter(|known| known.media_type == kind) {
        if let Some(bytes) = plain(store, image, known)? {
            return Ok((bytes, known.digest));
        }
    }
    let config = Descriptor::new(config, image.id, config_size);
    let bytes = plain_manifest(kind, layer, config, &image.layers);
    let digest = Digest::of(&bytes);
    Ok((bytes, digest))
}

/// The bytes of a manifest, if its layers are those that we can write.
fn plain(store: &Store, image: &Image, known: &ManifestRecord) -> Result<Option<Vec<u8>>> {
    let bytes = store.blob(&known.digest, MANIFEST_LIMIT)?;
    let Document::Manifest(manifest) = Document::parse(&bytes, &known.media_type)? else {
        return Ok(None);
    };
    let diff_ids = image.layers.iter().map(|layer| layer.diff_id);
    Ok(manifest
        .layers
        .iter()
        .map(|layer| layer.digest)
        .eq(diff_ids)
        .then_some(bytes))
}
