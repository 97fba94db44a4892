//! OCI artifacts: files under one manifest in the store, in from files and registries and out to them.
//!
//! Titles are names that strangers give to files. One that is more than a name is refused before anything is written,
//! and none is followed out of the directory that it is written to.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustix::fs::{AtFlags, Mode, OFlags};
use serde_json::Value;

use super::manifest;
use super::policy::Demand;
use super::pull::check_room;
use super::push::Pushed;
use super::reference::{Reference, ReferenceError};
use super::registry::{Client, Part, Source, Sources};
use super::sniff;
use crate::base::digest::{Digest, Hashing};
use crate::base::time;
use crate::oci::image::{
    CONFIG_LIMIT, Descriptor, Document, LAYERS_LIMIT, MANIFEST_LIMIT, Manifest, media_type,
};
use crate::store::artifacts::{Artifact, NewArtifact, VERSION, artifact_directory, take};
use crate::store::locks::{Hold, Locked};
use crate::store::{Kind, Store, StoreError};

/// Annotation of a layer: the name of the file that it is.
pub const TITLE: &str = "org.opencontainers.image.title";
/// Annotation of a manifest: when the artifact was made.
pub const CREATED: &str = "org.opencontainers.image.created";

/// The configuration of what has none (image-spec, manifest.md, "Guidance for an Empty Descriptor").
pub const EMPTY: &[u8] = b"{}";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// Why an artifact is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    #[error("{0}: artifact does not exist")]
    Missing(String),
    #[error("{0}: artifact already exists: --replace or --append it")]
    Exists(String),
    #[error("{0} is the beginning of several digests: give more of it")]
    Ambiguous(String),
    #[error("{0}: an artifact is named in full, as REGISTRY/NAME:TAG")]
    Short(String),
    #[error("{0}: an artifact has a tag or a digest, not both")]
    TagAndDigest(String),
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the name of an artifact.
pub fn name(text: &str) -> Result<Reference, ArtifactError> {
    let reference: Reference = text.strip_prefix("docker://").unwrap_or(text).parse()?;
    if reference.is_short() {
        return Err(ArtifactError::Short(text.to_owned()));
    }
    if reference.tag().is_some() && reference.digest().is_some() {
        return Err(ArtifactError::TagAndDigest(text.to_owned()));
    }
    Ok(reference.or_latest())
}

/// The artifact of a name, or one whose digest begins so.
pub fn find(store: &Store, text: &str) -> Result<Artifact, ArtifactError> {
    let missing = || ArtifactError::Missing(text.to_owned());
    if let Ok(name) = name(text)
        && let Some(artifact) = store.artifact(&name.to_string())?
    {
        return Ok(artifact);
    }
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(missing());
    }
    let mut artifacts = store.artifacts()?.0;
    artifacts.retain(|artifact| artifact.digest.hex().starts_with(digits));
    let first = artifacts.first().cloned().ok_or_else(missing)?;
    match artifacts.iter().all(|other| other.digest == first.digest) {
        true => Ok(first),
        false => Err(ArtifactError::Ambiguous(text.to_owned())),
    }
}

/// How files are added.
#[derive(Debug, Clone, Default)]
pub struct AddOptions {
    /// Of each file.
    pub annotations: BTreeMap<String, String>,
    pub artifact_type: Option<String>,
    /// None: what a file seems to be.
    pub file_type: Option<String>,
    /// To the artifact of the name.
    pub append: bool,
    /// The artifact of the name.
    pub replace: bool,
}

/// The descriptor of what has no configuration.
pub fn empty_config() -> Descriptor {
    let mut config = Descriptor::new(EMPTY_TYPE, Digest::of(EMPTY), EMPTY.len() as u64);
    config.extra.insert("data".into(), BASE64.encode(EMPTY).into());
    config
}

/// A manifest of nothing.
pub fn empty_manifest(artifact_type: Option<String>) -> Manifest {
    Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        artifact_type,
        config: empty_config(),
        layers: Vec::new(),
        annotations: BTreeMap::new(),
        extra: serde_json::Map::new(),
    }
}

/// Takes a file into `directory`; `kind` says what it is, given its name and its beginning.
pub fn take_file(
    directory: BorrowedFd<'_>,
    path: &Path,
    kind: impl FnOnce(&str, &[u8]) -> String,
) -> Result<(String, Descriptor)> {
    let described = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(described)?;
    if !file.metadata().with_context(described)?.is_file() {
        bail!("{} is not a file", path.display());
    }
    let title = path.file_name().and_then(|name| name.to_str());
    let title = title.with_context(|| format!("{}: its name is not UTF-8", path.display()))?;
    let mut begin = Vec::new();
    let mut first = (&mut file).take(sniff::LENGTH as u64);
    first.read_to_end(&mut begin).with_context(described)?;
    file.rewind().with_context(described)?;
    let (digest, size) = take(directory, file, u64::MAX).with_context(described)?;
    Ok((
        title.to_owned(),
        Descriptor::new(&kind(title, &begin), digest, size),
    ))
}

/// Makes an artifact of files, or adds them to one, and gives its digest.
pub fn add(store: &Store, name: &Reference, files: &[PathBuf], options: &AddOptions) -> Result<Digest> {
    let name = name.to_string();
    let known = store.artifact(&name)?;
    match (&known, options.append, options.replace) {
        (None, true, _) => return Err(ArtifactError::Missing(name).into()),
        (Some(_), false, false) => return Err(ArtifactError::Exists(name).into()),
        _ => {}
    }
    let new = store.new_artifact()?;
    let mut layers = Vec::new();
    for path in files {
        let kind = |_: &str, begin: &[u8]| match &options.file_type {
            Some(kind) => kind.clone(),
            None => sniff::content_type(begin).to_owned(),
        };
        let (title, mut layer) = take_file(new.directory(), path, kind)?;
        layer.annotations.clone_from(&options.annotations);
        layer.annotations.entry(TITLE.to_owned()).or_insert(title);
        layers.push(layer);
    }
    let held = match options.append || options.replace {
        true => store.lock_artifact(&name, Hold::Exclusive)?,
        false => None,
    };
    let (mut manifest, old) = match (held, options.append) {
        (Some(held), true) => {
            let manifest = Content::of(store, &held, &name)?.manifest;
            take_over(&new, &held, &manifest, &name)?;
            (manifest, Some(held))
        }
        (None, true) => return Err(ArtifactError::Missing(name).into()),
        (held, false) => {
            let mut manifest = empty_manifest(options.artifact_type.clone());
            manifest.annotations.insert(CREATED.to_owned(), time::now());
            new.take(EMPTY, EMPTY.len() as u64)?;
            (manifest, held)
        }
    };
    manifest.layers.extend(layers);
    check_titles(&manifest)?;
    let bytes = serde_json::to_vec(&manifest).context("the manifest cannot be written")?;
    publish(new, &name, &bytes, old)
}

/// Takes over the files of the artifact that more are added to.
fn take_over(new: &NewArtifact<'_>, old: &Locked, manifest: &Manifest, name: &str) -> Result<()> {
    for blob in manifest.blobs() {
        if !new.link(old.as_fd(), &blob.digest)? {
            bail!("{name} lacks its file {}", blob.digest);
        }
    }
    Ok(())
}

fn check_titles(manifest: &Manifest) -> Result<()> {
    if manifest.layers.len() > LAYERS_LIMIT {
        bail!("an artifact has {LAYERS_LIMIT} files at most");
    }
    let mut seen = HashSet::new();
    for layer in &manifest.layers {
        if let Some(title) = layer.annotations.get(TITLE)
            && !seen.insert(title)
        {
            bail!("two files of an artifact cannot have the title {title:?}");
        }
    }
    Ok(())
}

fn publish(new: NewArtifact<'_>, name: &str, manifest: &[u8], old: Option<Locked>) -> Result<Digest> {
    let artifact = Artifact {
        version: VERSION,
        name: name.to_owned(),
        digest: Digest::of(manifest),
        stored: time::now(),
        extra: serde_json::Map::new(),
    };
    match new.publish(&artifact, manifest, old)? {
        true => Ok(artifact.digest),
        false => Err(ArtifactError::Exists(name.to_owned()).into()),
    }
}

/// What is known of an artifact while it is held: a record that was read before may be of one that was replaced.
struct Content {
    artifact: Artifact,
    manifest: Manifest,
    /// Of the manifest.
    bytes: Vec<u8>,
}

impl Content {
    fn of(store: &Store, held: &Locked, name: &str) -> Result<Self> {
        let artifact = store.artifact(name)?;
        let artifact = artifact.ok_or_else(|| ArtifactError::Missing(name.to_owned()))?;
        let bytes = store.artifact_manifest(held, &artifact, MANIFEST_LIMIT)?;
        match Document::parse(&bytes, "")? {
            Document::Manifest(manifest) => Ok(Self {
                artifact,
                manifest: *manifest,
                bytes,
            }),
            Document::Index(_) => bail!("{name} is an index"),
        }
    }
}

/// Holds the artifact of that name.
fn open(store: &Store, name: &str) -> Result<(Locked, Content)> {
    let held = store.lock_artifact(name, Hold::Shared)?;
    let held = held.ok_or_else(|| ArtifactError::Missing(name.to_owned()))?;
    let content = Content::of(store, &held, name)?;
    Ok((held, content))
}

/// An artifact and what its manifest says.
#[derive(Debug)]
pub struct Described {
    pub artifact: Artifact,
    pub manifest: Manifest,
    /// The same as it was written.
    pub document: Value,
}

impl Described {
    pub fn of(store: &Store, artifact: Artifact) -> Result<Self> {
        let (_held, content) = open(store, &artifact.name)?;
        Ok(Self {
            document: serde_json::from_slice(&content.bytes)?,
            artifact: content.artifact,
            manifest: content.manifest,
        })
    }

    /// Bytes of its files.
    pub fn size(&self) -> u64 {
        let sizes = self.manifest.layers.iter().map(|layer| layer.size);
        sizes.fold(0, u64::saturating_add)
    }

    /// When it was made, or came here where it does not say that.
    pub fn created(&self) -> &str {
        let created = self.manifest.annotations.get(CREATED);
        created.unwrap_or(&self.artifact.stored)
    }
}

/// What is wrong with an artifact: files that are missing, and with `read` those that are spoilt.
pub fn check(store: &Store, artifact: &Artifact, read: bool) -> Result<()> {
    let (held, content) = open(store, &artifact.name)?;
    check_content(store, &held, &content.manifest, read)
}

/// Removes what is in the place of an artifact, by the name of its directory, if there still is something wrong with it.
/// `false`: somebody has it, or has made it sound.
pub fn discard_unsound(store: &Store, directory: &str, read: bool) -> Result<bool, StoreError> {
    let Some(held) = store.try_lock(Kind::Artifacts, directory, Hold::Exclusive)? else {
        return Ok(false);
    };
    let artifacts = store.artifacts()?.0;
    let artifact = artifacts
        .iter()
        .find(|artifact| artifact_directory(&artifact.name) == directory);
    let is_sound = |artifact: &Artifact| {
        let content = Content::of(store, &held, &artifact.name);
        content
            .and_then(|content| check_content(store, &held, &content.manifest, read))
            .is_ok()
    };
    Ok(!artifact.is_some_and(is_sound) && store.discard(Kind::Artifacts, directory)?)
}

fn check_content(store: &Store, held: &Locked, manifest: &Manifest, read: bool) -> Result<()> {
    for blob in manifest.blobs() {
        let file = store.artifact_file(held, &blob.digest)?;
        if file.metadata()?.len() != blob.size {
            bail!("its file {} is not as long as it should be", blob.digest);
        }
        if read {
            let mut hashing = Hashing::new(file);
            io::copy(&mut hashing, &mut io::sink())?;
            manifest::check_blob(blob, (hashing.finish().1, blob.size))?;
        }
    }
    Ok(())
}

/// One file of an artifact.
#[derive(Debug, Clone)]
pub enum Which {
    Digest(Digest),
    Title(String),
}

/// Writes files of an artifact to a directory, or one to a file.
pub fn extract(store: &Store, artifact: &Artifact, which: Option<&Which>, target: &Path) -> Result<()> {
    let (held, Content { manifest, .. }) = open(store, &artifact.name)?;
    let chosen = chosen(&manifest, which)?;
    if !target.is_dir() {
        let [(layer, _)] = chosen[..] else {
            bail!(
                "{} has several files, and {} is not a directory: name one with --title or --digest",
                artifact.name,
                target.display()
            );
        };
        let is_new = !target.exists();
        let mut file = File::create(target).with_context(|| format!("cannot write {}", target.display()))?;
        let copied = copy(store, &held, layer, &mut file);
        if copied.is_err() && is_new {
            let _ = std::fs::remove_file(target);
        }
        return copied.with_context(|| format!("cannot write {}", target.display()));
    }
    let mut files = Vec::new();
    let mut names = HashSet::new();
    for (layer, name) in chosen {
        let name = file_name(name, layer)?;
        if !names.insert(name.clone()) {
            bail!("two files of {} have the title {name:?}", artifact.name);
        }
        files.push((layer, name));
    }
    let directory = File::open(target).with_context(|| format!("cannot open {}", target.display()))?;
    for (layer, name) in files {
        let described = || format!("cannot write {}", target.join(&name).display());
        let mut file = create_in(directory.as_fd(), &name).with_context(described)?;
        if let Err(error) = copy(store, &held, layer, &mut file) {
            let _ = rustix::fs::unlinkat(&directory, &name, AtFlags::empty());
            return Err(error).with_context(described);
        }
    }
    Ok(())
}

/// The layers that are meant, each with the title that counts.
fn chosen<'m>(
    manifest: &'m Manifest,
    which: Option<&Which>,
) -> Result<Vec<(&'m Descriptor, Option<&'m str>)>> {
    fn title(layer: &Descriptor) -> Option<&str> {
        layer.annotations.get(TITLE).map(String::as_str)
    }
    if manifest.layers.is_empty() {
        bail!("the artifact has no files");
    }
    let Some(which) = which else {
        return Ok(manifest
            .layers
            .iter()
            .map(|layer| (layer, title(layer)))
            .collect());
    };
    let mut found: Vec<_> = match which {
        Which::Digest(digest) => {
            let layers = manifest.layers.iter().filter(|layer| layer.digest == *digest);
            layers.map(|layer| (layer, None)).collect()
        }
        Which::Title(wanted) => {
            let layers = manifest
                .layers
                .iter()
                .filter(|layer| title(layer) == Some(wanted));
            layers.map(|layer| (layer, title(layer))).collect()
        }
    };
    match (found.pop(), found.is_empty(), which) {
        (Some(only), true, _) => Ok(vec![only]),
        (Some(_), false, _) => bail!("the artifact has several such files"),
        (None, _, Which::Digest(digest)) => bail!("the artifact has no file with the digest {digest}"),
        (None, _, Which::Title(title)) => bail!("the artifact has no file with the title {title:?}"),
    }
}

/// The name of a layer's file in a directory: its title, which must be a plain name, or its digest.
fn file_name(title: Option<&str>, layer: &Descriptor) -> Result<String> {
    let Some(title) = title.filter(|title| !title.is_empty()) else {
        return Ok(layer.digest.to_string().replace(':', "-"));
    };
    let is_name = !title.contains(['/', '\0']) && !matches!(title, "." | "..") && title.len() <= 255;
    if !is_name {
        let shown: String = title.chars().take(100).collect();
        bail!(
            "the title {shown:?} is not the name of a file: write it by its digest or to a file of your own"
        );
    }
    Ok(title.to_owned())
}

/// Opens a file in a directory to be written anew. A link is not followed, and nothing but a file is written to.
fn create_in(directory: BorrowedFd<'_>, name: &str) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o666);
    let file: OwnedFd = rustix::fs::openat(directory, name, flags, mode)?;
    let file = File::from(file);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a regular file"));
    }
    file.set_len(0)?;
    Ok(file)
}

fn copy(store: &Store, held: &Locked, layer: &Descriptor, file: &mut File) -> Result<()> {
    let mut hashing = Hashing::new(store.artifact_file(held, &layer.digest)?);
    io::copy(&mut hashing, file)?;
    let (_, digest, size) = hashing.finish();
    manifest::check_blob(layer, (digest, size))
}

/// Pulls an artifact, unless it is here as it is there, and gives its digest.
pub fn pull(store: &Store, places: &[Source], name: &Reference, demand: &Demand) -> Result<Digest> {
    let sources = Sources::new(places, &|_, _| ());
    let top = sources.ask(|source| {
        let digest = source.reference.digest();
        let top = source.client.manifest(source.reference.tag(), digest.as_ref())?;
        demand.check(source, &top.digest, name)?;
        Ok(top)
    })?;
    let manifest = match Document::parse(&top.bytes, &top.media_type)? {
        Document::Manifest(manifest) => manifest,
        Document::Index(_) => bail!("{name} is an index of several manifests, not an artifact"),
    };
    let name = name.to_string();
    if store
        .artifact(&name)?
        .is_some_and(|known| known.digest == top.digest)
    {
        return Ok(top.digest);
    }
    let new = store.new_artifact()?;
    let mut missing: Vec<&Descriptor> = Vec::new();
    for blob in manifest.blobs() {
        let is_known = missing.iter().any(|known| known.digest == blob.digest);
        if !is_known && !new.find(&blob.digest, blob.size)? {
            missing.push(blob);
        }
    }
    let need = missing.iter().map(|blob| blob.size);
    check_room(store, need.fold(0, u64::saturating_add))?;
    for blob in missing {
        let (digest, size) = match inline(blob) {
            Some(content) => new.take(content.as_slice(), CONFIG_LIMIT)?,
            None => new.take(sources.part(Part::whole(blob)), blob.size)?,
        };
        manifest::check_blob(blob, (digest, size))?;
    }
    let old = store.lock_artifact(&name, Hold::Exclusive)?;
    publish(new, &name, &top.bytes, old)
}

/// What a descriptor itself holds of its blob, if it is the whole.
fn inline(blob: &Descriptor) -> Option<Vec<u8>> {
    let content = BASE64.decode(blob.extra.get("data")?.as_str()?).ok()?;
    (Digest::of(&content) == blob.digest).then_some(content)
}

/// Pushes an artifact to where its name says.
pub fn push(store: &Store, client: &Client, artifact: &Artifact) -> Result<Pushed> {
    let (held, Content { manifest, bytes, .. }) = open(store, &artifact.name)?;
    for blob in manifest.blobs() {
        if client.has_blob(&blob.digest)? {
            continue;
        }
        let what = format!("blob {}", blob.digest);
        let sent = client.upload_stream(&what, |send| send(store.artifact_file(&held, &blob.digest)?))?;
        manifest::check_blob(blob, sent)?;
    }
    let reference: Reference = artifact.name.parse()?;
    let kind = manifest.media_type.as_deref().unwrap_or(media_type::OCI_MANIFEST);
    let taken = client.put_manifest(reference.tag(), &bytes, kind)?;
    Ok(Pushed::of(taken, bytes.len()))
}

#[cfg(test)]
#[path = "artifact_tests.rs"]
mod tests;
