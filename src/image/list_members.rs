//! What is to be in a list of manifests: images that are here, what registries have, and artifacts made of files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::artifact::{EMPTY, TITLE, empty_manifest, take_file};
use super::inspect::config;
use super::lists::{Addition, MEMBERS, index};
use super::manifest::{is_image, is_index, media_type_of, select};
use super::reference::Reference;
use super::registry::Client;
use super::sniff;
use crate::base::digest::Digest;
use crate::oci::config::ImageConfig;
use crate::oci::image::{
    CONFIG_LIMIT, Descriptor, Document, MANIFEST_LIMIT, Platform, media_type, refuse_schema_1,
};
use crate::store::Store;
use crate::store::artifacts::take;
use crate::store::images::Image;
use crate::store::lists::ListFiles;

/// Most bytes of all manifests that are added at once: they are kept until all are there.
const TOTAL_LIMIT: u64 = 64 << 20;

/// An image of this store as a member.
pub fn local_addition(store: &Store, image: &Image) -> Result<Addition> {
    let mut records = image.manifests.iter();
    let record = records.find(|record| !is_index(&record.media_type));
    let record = record.with_context(|| format!("image {} has no manifest", image.id))?;
    let bytes = store.blob(&record.digest, MANIFEST_LIMIT)?;
    let Document::Manifest(manifest) = Document::parse(&bytes, &record.media_type)? else {
        bail!("manifest {} is none of an image", record.digest);
    };
    let kind = media_type_of(&manifest, &record.media_type);
    let mut descriptor = Descriptor::new(&kind, record.digest, bytes.len() as u64);
    descriptor.platform = Some(config(store, image)?.platform());
    let names = image.repo_digests.iter();
    let mut sources = names.filter_map(|name| name.parse::<Reference>().ok());
    let source = sources.find(|source| source.digest() == Some(record.digest));
    Ok(Addition {
        descriptor,
        bytes,
        source,
        files: Vec::new(),
    })
}

/// The members of a list that was made here, as those of another: with `all` every one, else the one for a platform.
pub fn members(store: &Store, list: &Image, all: bool, wanted: &Platform) -> Result<Vec<Addition>> {
    let manifests = index(store, list)?.manifests;
    let chosen = match all {
        true => manifests,
        false => vec![select(&manifests, wanted)?.clone()],
    };
    let known = list.list.as_ref();
    let addition = |descriptor: Descriptor| {
        let member = known.and_then(|list| list.member(&descriptor.digest));
        let member = member.with_context(|| format!("the list does not know {}", descriptor.digest))?;
        if !member.files.is_empty() {
            bail!("{} was made of files for its own list", descriptor.digest);
        }
        Ok(Addition {
            bytes: store.blob(&descriptor.digest, MANIFEST_LIMIT)?,
            source: member.source.as_deref().map(str::parse).transpose()?,
            files: Vec::new(),
            descriptor,
        })
    };
    chosen.into_iter().map(addition).collect()
}

/// What a registry has under a name: one manifest, or with `all` those of an index, or the one of it for a platform.
/// `name` is what it is called, wherever `client` asks for it.
pub fn remote_additions(
    client: &Client,
    asked: &Reference,
    name: &Reference,
    all: bool,
    wanted: &Platform,
) -> Result<Vec<Addition>> {
    let top = client.manifest(asked.tag(), asked.digest().as_ref())?;
    let document = Document::parse(&top.bytes, &top.media_type)?;
    let index = match document {
        Document::Manifest(_) => {
            let descriptor = Descriptor::new(&top.media_type, top.digest, top.bytes.len() as u64);
            return Ok(vec![remote_addition(client, name, descriptor, top.bytes)?]);
        }
        Document::Index(index) => index,
    };
    if index.manifests.len() > MEMBERS {
        bail!("the index has more than {MEMBERS} manifests");
    }
    let chosen = match all {
        true => index.manifests,
        false => vec![select(&index.manifests, wanted)?.clone()],
    };
    let sizes = chosen.iter().map(|descriptor| descriptor.size);
    if sizes.fold(0, u64::saturating_add) > TOTAL_LIMIT {
        bail!(
            "the manifests of the index have more than {} MiB",
            TOTAL_LIMIT >> 20
        );
    }
    let fetch = |descriptor: Descriptor| {
        refuse_schema_1(&descriptor.media_type)?;
        let fetched = client.manifest(None, Some(&descriptor.digest))?;
        if fetched.bytes.len() as u64 != descriptor.size {
            bail!("manifest {} is not as long as the index says", descriptor.digest);
        }
        remote_addition(client, name, descriptor, fetched.bytes)
    };
    chosen.into_iter().map(fetch).collect()
}

fn remote_addition(
    client: &Client,
    name: &Reference,
    mut descriptor: Descriptor,
    bytes: Vec<u8>,
) -> Result<Addition> {
    let Document::Manifest(manifest) = Document::parse(&bytes, &descriptor.media_type)? else {
        bail!("manifest {} is an index within an index", descriptor.digest);
    };
    descriptor.media_type = media_type_of(&manifest, &descriptor.media_type);
    if !is_image(&manifest) {
        let kind = manifest.artifact_type.clone();
        let kind = kind.unwrap_or_else(|| manifest.config.media_type.clone());
        descriptor.artifact_type.get_or_insert(kind);
    } else if descriptor.platform.is_none() {
        let config = ImageConfig::parse(&client.document(&manifest.config)?)?;
        descriptor.platform = Some(config.platform());
    }
    let tag = name.tag().map(|tag| format!(":{tag}")).unwrap_or_default();
    let source = format!("{}{tag}@{}", name.name(), descriptor.digest);
    Ok(Addition {
        descriptor,
        bytes,
        source: Some(source.parse()?),
        files: Vec::new(),
    })
}

/// How files become an artifact.
#[derive(Debug, Clone, Default)]
pub struct ArtifactOptions {
    pub artifact_type: Option<String>,
    pub config: Option<PathBuf>,
    pub config_type: Option<String>,
    pub layer_type: Option<String>,
    pub exclude_titles: bool,
    pub annotations: BTreeMap<String, String>,
    pub subject: Option<Descriptor>,
}

/// What an artifact is where nobody says it.
const UNKNOWN: &str = "application/vnd.unknown.artifact.v1";

/// An artifact made of files, as a member, and the files, which are to come with it.
pub fn file_addition<'a>(
    store: &'a Store,
    files: &[PathBuf],
    options: &ArtifactOptions,
) -> Result<(Addition, ListFiles<'a>)> {
    let staging = store.stage(None)?;
    let directory = staging.directory();
    let artifact_type = options.artifact_type.clone();
    let mut manifest = empty_manifest(Some(artifact_type.unwrap_or_else(|| UNKNOWN.to_owned())));
    manifest.annotations.clone_from(&options.annotations);
    let kind = |title: &str, begin: &[u8]| match &options.layer_type {
        Some(kind) => kind.clone(),
        None => kind_of_file(title, begin),
    };
    for path in files {
        let (title, mut layer) = take_file(directory, path, kind)?;
        if !options.exclude_titles {
            layer.annotations.insert(TITLE.to_owned(), title);
        }
        manifest.layers.push(layer);
    }
    match &options.config {
        Some(path) => {
            let kind = options.config_type.as_deref().unwrap_or(media_type::OCI_CONFIG);
            manifest.config = configuration(directory, path, kind)?;
        }
        None => {
            take(directory, EMPTY, EMPTY.len() as u64)?;
            if let Some(kind) = &options.config_type {
                manifest.config.media_type.clone_from(kind);
            }
        }
    }
    if let Some(subject) = &options.subject {
        manifest
            .extra
            .insert("subject".into(), serde_json::to_value(subject)?);
    }
    let bytes = serde_json::to_vec(&manifest)?;
    // What cannot be read again is not written.
    Document::parse(&bytes, media_type::OCI_MANIFEST)?;
    let mut digests: Vec<Digest> = manifest.layers.iter().map(|layer| layer.digest).collect();
    digests.push(manifest.config.digest);
    digests.sort();
    digests.dedup();
    let mut descriptor = Descriptor::new(media_type::OCI_MANIFEST, Digest::of(&bytes), bytes.len() as u64);
    descriptor.artifact_type = manifest.artifact_type;
    let addition = Addition {
        descriptor,
        bytes,
        source: None,
        files: digests.clone(),
    };
    Ok((addition, ListFiles { staging, digests }))
}

/// What a file is by its name, else by its beginning, without parameters.
fn kind_of_file(title: &str, begin: &[u8]) -> String {
    let kind = sniff::type_of_name(title).unwrap_or_else(|| sniff::content_type(begin));
    kind.split(';').next().unwrap_or(kind).to_owned()
}

fn configuration(directory: std::os::fd::BorrowedFd<'_>, path: &Path, kind: &str) -> Result<Descriptor> {
    let (_, config) = take_file(directory, path, |_, _| kind.to_owned())?;
    if config.size > CONFIG_LIMIT {
        bail!("{} is longer than {CONFIG_LIMIT} bytes", path.display());
    }
    Ok(config)
}
