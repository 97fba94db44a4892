//! `manifest push`: a list of manifests with its members to a registry.
//!
//! A member keeps its digest wherever that can be: where the registry has it, where it has the layers or takes them
//! over, and where the registry that it came from gives them. Else an image that is here is packed anew, and the list
//! names what was pushed instead.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, bail};

use super::compression::Compression;
use super::lists::{image_of, index, serialized};
use super::manifest::check_blob;
use super::platform;
use super::policy::Demand;
use super::push::{Format, Journey, PushOptions, Pushed, Step, compression_of, push_member};
use super::reference::Reference;
use super::registry::{Client, Part, Source, Sources};
use crate::base::digest::Digest;
use crate::oci::image::{Descriptor, Document, MANIFEST_LIMIT, media_type};
use crate::store::Store;
use crate::store::images::Image;
use crate::store::lists::Member;

/// How a list is pushed.
pub struct ListOptions {
    /// Members are given as well as the index that names them.
    pub all: bool,
    pub image: PushOptions,
    /// Packings in which each image is to be had as well.
    pub add: Vec<Added>,
}

/// A packing that is added to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    pub compression: Compression,
    /// zstd with tables, so that others fetch only the files that they do not have.
    pub chunked: bool,
}

/// From where a member came, and the signatures that it must have there.
pub struct Origin {
    pub reference: Reference,
    pub places: Vec<Source>,
    pub demand: Demand,
}

/// What happens to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Exists,
    Copied,
    /// The list names another manifest of the same image.
    Replaced(Digest),
    /// The same image in another packing.
    Added(Digest),
}

/// Who is told of each member.
pub type Tell<'a> = dyn Fn(&Descriptor, Event) + 'a;

/// The way of a list to a registry.
pub struct ListJourney<'a> {
    pub store: &'a Store,
    pub client: &'a Client,
    pub list: &'a Image,
    pub target: &'a Reference,
    pub options: &'a ListOptions,
    /// From where members that are not here are fetched.
    pub sources: &'a HashMap<Digest, Origin>,
    pub tell: &'a Tell<'a>,
}

/// Annotates a member in another packing than the usual one, as Podman does.
const PACKED: &str = "io.github.containers.compression.";

impl ListJourney<'_> {
    /// Pushes the list, and with `all` what it names, whose digests are given as well.
    pub fn push(&self) -> Result<(Pushed, Vec<Digest>)> {
        let mut index = index(self.store, self.list)?;
        let (mut more, mut lacks) = (Vec::new(), Vec::new());
        if self.options.all {
            for entry in &mut index.manifests {
                let what = || match &entry.platform {
                    Some(platform) => format!("member {} for {}", entry.digest, platform::display(platform)),
                    None => format!("member {}", entry.digest),
                };
                let described = what();
                let old = entry.clone();
                // What is there and only not attached, say, keeps the others from nothing.
                let mut pushed = self.member(entry).with_context(|| described.clone())?;
                for added in &self.options.add {
                    let added = self.packed(&old, *added, &mut pushed);
                    more.extend(added.with_context(|| described.clone())?);
                }
                lacks.extend(pushed.into_iter().map(|error| error.context(described.clone())));
            }
        }
        index.manifests.extend(more);
        // Two manifests of one image have become one.
        let mut seen = HashSet::new();
        index.manifests.retain(|entry| seen.insert(entry.digest));
        let kind = match self.options.image.format {
            Some(Format::Oci) => media_type::OCI_INDEX,
            Some(Format::Docker) => media_type::DOCKER_LIST,
            None => index_kind(self.list),
        };
        if kind == media_type::DOCKER_LIST {
            let other = index.manifests.iter().find(|entry| entry.artifact_type.is_some());
            if let Some(other) = other {
                bail!(
                    "a list of Docker's cannot name the artifact {}: give --format oci",
                    other.digest
                );
            }
            index.annotations.clear();
            index.extra.clear();
            index
                .manifests
                .iter_mut()
                .for_each(|entry| entry.annotations.clear());
        }
        let bytes = serialized(&mut index, kind);
        let taken = self.client.put_manifest(self.target.tag(), &bytes, kind)?;
        let mut pushed = Pushed::of(taken, bytes.len());
        pushed.lacks.splice(..0, lacks);
        let members = match self.options.all {
            true => index.manifests.iter().map(|entry| entry.digest).collect(),
            false => Vec::new(),
        };
        Ok((pushed, members))
    }

    /// Pushes a member, and writes into its entry what it is at the registry. Gives what failed once it was there.
    fn member(&self, entry: &mut Descriptor) -> Result<Vec<anyhow::Error>> {
        let as_asked = self.keeps(&entry.media_type);
        if as_asked
            && matches!(self.client.resolve(&entry.digest.to_string()), Ok(Some(digest)) if digest == entry.digest)
        {
            (self.tell)(entry, Event::Exists);
            // It may not be listed with its subject, as an earlier push could not do that.
            let bytes = self.store.blob(&entry.digest, MANIFEST_LIMIT)?;
            let unlisted = self.client.list_again(&bytes, &entry.media_type);
            return Ok(unlisted.err().into_iter().collect());
        }
        let image = image_of(self.store, &entry.digest)?;
        let pushed = |anew| match &image {
            Some(image) => self.image(image, &entry.digest, &self.options.image, anew),
            None => Ok(None),
        };
        if as_asked {
            let copied = match pushed(false)? {
                Some((pushed, _)) => Ok(Some(pushed.lacks)),
                None => self.copy(&entry.digest, image.is_none()),
            };
            match copied {
                Ok(Some(lacks)) => {
                    (self.tell)(entry, Event::Copied);
                    return Ok(lacks);
                }
                Err(error) if image.is_none() => return Err(error),
                // Where it came from does not give it, but it is here.
                Ok(None) | Err(_) => {}
            }
        }
        let Some((pushed, media_type)) = pushed(true)? else {
            bail!("it is not here, so that it cannot be packed or written in another way");
        };
        (self.tell)(entry, Event::Replaced(pushed.digest));
        (entry.digest, entry.size, entry.media_type) = (pushed.digest, pushed.size, media_type);
        Ok(pushed.lacks)
    }

    /// Whether a member may stay what it is.
    fn keeps(&self, media_type: &str) -> bool {
        let of_format = match self.options.image.format {
            None => true,
            Some(Format::Oci) => media_type == media_type::OCI_MANIFEST,
            Some(Format::Docker) => media_type == media_type::DOCKER_MANIFEST,
        };
        of_format && !self.options.image.force
    }

    fn image(
        &self,
        image: &Image,
        manifest: &Digest,
        options: &PushOptions,
        anew: bool,
    ) -> Result<Option<(Pushed, String)>> {
        let tell = |_: &Digest, _: Step| ();
        let journey = Journey::new(self.store, self.client, image, self.target, options, &tell);
        push_member(&journey, self.target, manifest, anew)
    }

    /// The same image in another packing, unless it has that already. What failed once it was there goes to `lacks`.
    fn packed(
        &self,
        entry: &Descriptor,
        Added { compression, chunked }: Added,
        lacks: &mut Vec<anyhow::Error>,
    ) -> Result<Option<Descriptor>> {
        let bytes = self.store.blob(&entry.digest, MANIFEST_LIMIT)?;
        let Document::Manifest(manifest) = Document::parse(&bytes, &entry.media_type)? else {
            return Ok(None);
        };
        let mut layers = manifest.layers.iter();
        if !super::manifest::is_image(&manifest)
            || layers.all(|layer| compression_of(&layer.media_type) == compression)
        {
            return Ok(None);
        }
        let Some(image) = image_of(self.store, &entry.digest)? else {
            bail!("it is not here, so that it cannot be packed anew: pull it first");
        };
        let options = PushOptions {
            format: Some(Format::Oci),
            compression: Some(compression),
            chunked,
            force: true,
            ..PushOptions::default()
        };
        let Some((pushed, media_type)) = self.image(&image, &entry.digest, &options, true)? else {
            return Ok(None);
        };
        let mut added = Descriptor::new(&media_type, pushed.digest, pushed.size);
        added.platform.clone_from(&entry.platform);
        if compression == Compression::Zstd {
            added
                .annotations
                .insert(format!("{PACKED}{compression}"), "true".into());
        }
        lacks.extend(pushed.lacks);
        (self.tell)(entry, Event::Added(pushed.digest));
        Ok(Some(added))
    }

    /// Gives a member on as it is: from the files that lie with the list, or from where it came; and then what failed
    /// once it was there. `None`: nobody has it at hand, which is an error where it `must` be.
    fn copy(&self, digest: &Digest, must: bool) -> Result<Option<Vec<anyhow::Error>>> {
        let members = self.list.list.as_ref();
        let member = members.and_then(|list| list.member(digest));
        let member = member.context("the list does not know it")?;
        let bytes = self.store.blob(digest, MANIFEST_LIMIT)?;
        let Document::Manifest(manifest) = Document::parse(&bytes, &member.manifest.media_type)? else {
            bail!("it is an index within an index");
        };
        let origin = self.sources.get(digest);
        if origin.is_none() && member.files.is_empty() {
            if must {
                bail!("it is not here, and nobody knows from where it came: load or pull it first");
            }
            return Ok(None);
        }
        if let Some(origin) = origin {
            let sources = Sources::new(&origin.places, &|_, _| ());
            sources.ask(|source| origin.demand.check(source, digest, &origin.reference))?;
        }
        let places = origin.map_or(&[][..], |origin| &origin.places);
        let from = self.neighbour(places);
        self.client.take_from(&from);
        for blob in manifest.blobs() {
            if self.blob(member, blob, places, &from)? {
                continue;
            }
            if must {
                bail!("blob {} is not at hand", blob.digest);
            }
            return Ok(None);
        }
        let taken = self
            .client
            .put_manifest(None, &bytes, &member.manifest.media_type)?;
        Ok(Some(taken.unlisted.into_iter().collect()))
    }

    /// The repository that something comes from, if it is another one of the same registry.
    fn neighbour(&self, places: &[Source]) -> Vec<String> {
        let own = places.last().map(|place| &place.reference);
        let own = own.filter(|own| own.domain() == self.target.domain() && own.path() != self.target.path());
        own.map(|own| own.path().to_owned()).into_iter().collect()
    }

    fn blob(&self, member: &Member, blob: &Descriptor, places: &[Source], from: &[String]) -> Result<bool> {
        if self.client.has_blob(&blob.digest)? {
            return Ok(true);
        }
        let what = format!("blob {}", blob.digest);
        if member.files.contains(&blob.digest) {
            let id = self.list.id.hex();
            let sent = self
                .client
                .upload_stream(&what, |send| send(self.store.list_file(&id, &blob.digest)?))?;
            return check_blob(blob, sent).map(|()| true);
        }
        if places.is_empty() {
            return Ok(false);
        }
        for source in from {
            if self.client.mount_blob(&blob.digest, source)? {
                return Ok(true);
            }
        }
        let sources = Sources::new(places, &|_, _| ());
        let sent = self
            .client
            .upload_stream(&what, |send| send(sources.part(Part::whole(blob))))?;
        check_blob(blob, sent).map(|()| true)
    }
}

/// The kind of index that a list is.
fn index_kind(list: &Image) -> &str {
    let record = list.manifests.first();
    record.map_or(media_type::OCI_INDEX, |record| record.media_type.as_str())
}
