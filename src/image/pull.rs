//! `pull`: from a registry into the store.
//!
//! Layers are checked, decompressed and unpacked while they arrive. One process pulls an image that several want; the
//! others wait, and go on from where it was if it dies: the beginnings of large blobs are kept ([`Download`]).

use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

use super::arrival::{Arrival, KEPT_FROM, Kept, in_parts};
use super::find::{FindError, find};
use super::layer::UnpackOptions;
use super::policy::Demand;
use super::publish::{Layers, NewImage, Wanted};
use super::reference::Reference;
use super::registry::{Client, Fetched, Source, Sources};
use super::{manifest, platform, share};
use crate::base::digest::Digest;
use crate::base::{parallel, timing};
use crate::oci::config::ImageConfig;
use crate::oci::image::{CONFIG_LIMIT, Descriptor, Document, Manifest, Platform, refuse_schema_1};
use crate::store::Store;
use crate::store::downloads::Download;
use crate::store::images::Image;

/// Layers that arrive at a time, however few processors there are: the network may be what is waited for.
const DOWNLOADS: usize = 3;
/// Connections over which one image arrives, as long as there are layers left.
const CONNECTIONS: usize = 4;

/// What is to be pulled.
pub struct Wish<'a> {
    /// With a tag, a digest or both.
    pub reference: &'a Reference,
    pub platform: &'a Platform,
    pub unpack: UnpackOptions,
    /// The signatures that it must have.
    pub demand: &'a Demand,
}

/// What was pulled.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulled {
    pub id: Digest,
    /// Of what the name leads to at the registry: a manifest, or an index of several.
    pub digest: Digest,
    /// Whether anything changed here.
    pub is_new: bool,
}

/// What happens meanwhile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// There is such an image at the registry.
    Found,
    /// Another process pulls the same; it is waited for.
    Waiting,
    /// A mirror failed, and the next place is asked.
    Failed {
        host: &'a str,
        reason: &'a str,
    },
    Layer(&'a Digest, Progress),
}

/// How far a layer is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress {
    Exists,
    Begun,
    /// So many bytes of so many, told a few times a second.
    Received(u64, u64),
    Complete,
}

/// Who is told what happens.
pub type Tell<'a> = dyn Fn(Event<'_>) + Sync + 'a;

/// Pulls an image, unless the store has what the name leads to now. It keeps the name that is wished for, wherever it
/// comes from.
pub fn pull(store: &Store, places: &[Source], wish: &Wish<'_>, tell: &Tell<'_>) -> Result<Pulled> {
    timing::phase("resolve");
    let name = wish.reference.name();
    let failed = |host: &str, reason: &str| tell(Event::Failed { host, reason });
    let sources = Sources::new(places, &failed);
    let here = present(store, wish)?;
    let is_known = |image: &Image, digest: &Digest| image.repo_digests.contains(&format!("{name}@{digest}"));
    // What was let in before may have to be signed now.
    if wish.demand.is_empty()
        && let Some(image) = &here
        && let Some(digest) = sources.ask(current)?
        && is_known(image, &digest)
    {
        tell(Event::Found);
        return Ok(Pulled {
            id: image.id,
            digest,
            is_new: false,
        });
    }
    let (digest, resolved) = sources.ask(|source| {
        let (tag, digest) = (source.reference.tag(), source.reference.digest());
        let top = source.client.manifest(tag, digest.as_ref())?;
        let digest = top.digest;
        let resolved = Resolved::of(&source.client, wish.platform, top)?;
        wish.demand.check(source, &resolved.digest, wish.reference)?;
        Ok((digest, resolved))
    })?;
    tell(Event::Found);
    // The very manifest whose signatures were looked at: another member of the same index may serve the platform too.
    let is_checked = |image: &Image| {
        is_known(image, &digest)
            && image
                .manifests
                .iter()
                .any(|known| known.digest == resolved.digest)
    };
    if let Some(image) = here.filter(|image| !wish.demand.is_empty() && is_checked(image)) {
        return Ok(Pulled {
            id: image.id,
            digest,
            is_new: false,
        });
    }
    // Held until the image is published.
    let _claim = loop {
        match store.claim_pull(&resolved.digest)? {
            Some(claim) => break claim,
            None => store.await_pull_claim(&resolved.digest, &mut || tell(Event::Waiting))?,
        }
    };
    let config_bytes = match store.blob(&resolved.manifest.config.digest, CONFIG_LIMIT) {
        Ok(bytes) => bytes,
        Err(_) => sources.ask(|source| source.client.document(&resolved.manifest.config))?,
    };
    let config = ImageConfig::parse(&config_bytes).context("configuration of the image")?;
    if !platform::satisfies(&config.platform(), wish.platform) {
        bail!(
            "{} is for {}, and {} is wanted",
            wish.reference,
            platform::display(&config.platform()),
            platform::display(wish.platform)
        );
    }
    let wanted = resolved.layers(&config)?;
    timing::phase("layers");
    let mut layers = Layers::new(store, wish.unpack.clone());
    let kept = fetch(store, &name, &sources, &mut layers, &wanted, tell)?;
    timing::phase("publish");
    // What is unpacked now is not written to disk with the layers.
    kept.into_iter().try_for_each(Download::remove)?;
    // What an earlier process had of them may have been in a form that did not serve.
    wanted
        .iter()
        .try_for_each(|layer| forget(store, blob_of(layer)))?;
    let mut repo_digests = vec![format!("{name}@{digest}")];
    if resolved.digest != digest {
        repo_digests.push(format!("{name}@{}", resolved.digest));
    }
    let tagged = wish.reference.digest().is_none();
    let published = layers.publish(vec![NewImage {
        config_bytes,
        config,
        manifest: Some((resolved.bytes, resolved.media_type)),
        index: resolved.index,
        names: tagged.then(|| wish.reference.clone()).into_iter().collect(),
        repo_digests,
    }])?;
    let id = published.first().context("no image was published")?.id;
    Ok(Pulled {
        id,
        digest,
        is_new: true,
    })
}

/// The image that has the name here, if it is for the right platform.
fn present(store: &Store, wish: &Wish<'_>) -> Result<Option<Image>> {
    match find(store, &wish.reference.to_string()) {
        // What is lent to us may be gone.
        Ok(found) if !found.image.is_elsewhere && !share::is_usable(&found.image) => Ok(None),
        Ok(found) if platform::satisfies(&found.image.platform(), wish.platform) => Ok(Some(found.image)),
        Ok(_) | Err(FindError::Missing(_) | FindError::NoMember { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What the name leads to at the registry now; a digest leads to itself.
fn current(source: &Source) -> Result<Option<Digest>> {
    match (source.reference.digest(), source.reference.tag()) {
        (Some(digest), _) => Ok(Some(digest)),
        (None, tag) => source.client.resolve(tag.unwrap_or("latest")),
    }
}

/// The manifest that a name leads to.
struct Resolved {
    manifest: Manifest,
    digest: Digest,
    bytes: Vec<u8>,
    media_type: String,
    /// The index in which it was found.
    index: Option<(Vec<u8>, String)>,
}

impl Resolved {
    /// The manifest for a platform, through indexes if need be.
    fn of(client: &Client, wanted: &Platform, mut fetched: Fetched) -> Result<Self> {
        let mut index = None;
        for _ in 0..manifest::DEPTH {
            let document = Document::parse(&fetched.bytes, &fetched.media_type)
                .with_context(|| format!("manifest {} of {}", fetched.digest, client.domain()))?;
            let list = match document {
                Document::Manifest(manifest) => {
                    manifest::check_kind(&manifest)?;
                    return Ok(Self {
                        media_type: manifest::media_type_of(&manifest, &fetched.media_type),
                        manifest: *manifest,
                        digest: fetched.digest,
                        bytes: fetched.bytes,
                        index,
                    });
                }
                Document::Index(list) => list,
            };
            let chosen = select(&list.manifests, wanted)?.clone();
            refuse_schema_1(&chosen.media_type)?;
            let next = client.manifest(None, Some(&chosen.digest))?;
            if next.bytes.len() as u64 != chosen.size {
                bail!(
                    "manifest {} has {} bytes, not {} as the index says",
                    chosen.digest,
                    next.bytes.len(),
                    chosen.size
                );
            }
            let outer = std::mem::replace(&mut fetched, next);
            index.get_or_insert((outer.bytes, outer.media_type));
            if fetched.media_type.is_empty() {
                fetched.media_type = chosen.media_type;
            }
        }
        bail!("more than {} indexes within each other", manifest::DEPTH)
    }

    /// The layers, bottom first, with the diff ids that the configuration has for them.
    fn layers(&self, config: &ImageConfig) -> Result<Vec<Wanted>> {
        let pairs = manifest::pair(self.manifest.layers.clone(), config)?;
        Ok(pairs
            .map(|(diff_id, layer)| Wanted {
                diff_id,
                blob: Some(layer),
            })
            .collect())
    }
}

fn select<'a>(manifests: &'a [Descriptor], wanted: &Platform) -> Result<&'a Descriptor> {
    // An index of one image without a platform is for whatever that image says.
    match manifests {
        [only] if only.platform.is_none() => Ok(only),
        _ => manifest::select(manifests, wanted),
    }
}

/// Fetches and unpacks what is missing; gives the downloads that can be removed then. What was taken from disk and
/// turns out to be wrong is thrown away, and fetched anew once.
fn fetch<'s>(
    store: &'s Store,
    repository: &str,
    sources: &Sources<'_>,
    layers: &mut Layers<'s>,
    wanted: &[Wanted],
    tell: &Tell<'_>,
) -> Result<Vec<Download<'s>>> {
    let (mut need, mut missing) = (0u64, 0);
    for layer in wanted {
        let blob = blob_of(layer);
        let is_here = layers.has(&layer.diff_id)?;
        let progress = if is_here {
            Progress::Exists
        } else {
            Progress::Begun
        };
        tell(Event::Layer(&blob.digest, progress));
        if !is_here {
            need = need.saturating_add(blob.size);
            missing += 1;
        }
    }
    check_room(store, need)?;
    let _ = store.sweep_downloads(false);
    let kept = Kept::default();
    let mut attempt = |is_anew| {
        let connections = match kept.lacks_parts() {
            true => 1,
            false => CONNECTIONS / missing.max(1),
        };
        let result = std::thread::scope(|scope| {
            let journey = Arrival {
                store,
                sources,
                tell,
                scope,
                connections,
                repository,
                is_anew,
                neighbours: OnceLock::new(),
                kept: &kept,
            };
            let open = |wanted: &Wanted| journey.open(blob_of(wanted));
            layers.fetch(wanted, parallel::busy_threads().max(DOWNLOADS), &open, &|| {
                sources.break_off()
            })
        });
        // All that was broken off has ended.
        sources.go_on();
        result
    };
    let mut place = sources.place();
    let mut result = attempt(false);
    if result.is_err() && kept.is_to_blame() {
        kept.take().into_iter().try_for_each(Download::remove)?;
        place = sources.place();
        result = attempt(true);
    }
    // A mirror that sends something else than it should is passed over as one that sends nothing.
    while let Err(error) = &result
        && !kept.is_broken()
        && !is_of_this_machine(error)
        && sources.pass(place, &format!("{error:#}"))
    {
        kept.take().into_iter().try_for_each(Download::remove)?;
        place = sources.place();
        result = attempt(true);
    }
    result?;
    Ok(kept.take())
}

/// Whether something failed here, a disk that is full for example.
fn is_of_this_machine(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let of_system = cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|cause| cause.raw_os_error().is_some());
        of_system || cause.is::<rustix::io::Errno>()
    })
}

/// Removes what there is of a blob whose layer is here.
fn forget(store: &Store, blob: &Descriptor) -> Result<()> {
    if blob.size >= KEPT_FROM {
        store.forget_download(&blob.digest)?;
        store.forget_download(&in_parts(&blob.digest))?;
    }
    Ok(())
}

fn blob_of(wanted: &Wanted) -> &Descriptor {
    wanted.blob.as_ref().expect("a manifest's layers are blobs")
}

/// Whether `need` bytes of compressed layers can fit: their files take at least as much.
pub(super) fn check_room(store: &Store, need: u64) -> Result<()> {
    let room = rustix::fs::fstatvfs(store.root()).context("cannot see how much room there is")?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    if need > free {
        bail!(
            "the image takes more than {}, and only {} is free at {}: make room, or name another place with --root",
            crate::base::units::size(need),
            crate::base::units::size(free),
            store.path().display()
        );
    }
    Ok(())
}
