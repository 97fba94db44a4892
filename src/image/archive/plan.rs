//! Which images the documents of an archive describe.
//!
//! Every document that is pointed to by a digest is checked against it here; layers are checked when they are
//! unpacked.

use std::collections::HashSet;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::source::Source;
use crate::base::digest::Digest;
use crate::image::manifest;
use crate::image::platform;
use crate::image::reference::Reference;
use crate::oci::config::ImageConfig;
use crate::oci::image::{
    CONFIG_LIMIT, Descriptor, Document, Index, MANIFEST_LIMIT, Manifest, Platform, parse_json,
    refuse_schema_1,
};

/// An image that an archive holds.
#[derive(Debug)]
pub struct Plan {
    /// The bytes of the configuration, whose digest is the image's id.
    pub config_bytes: Vec<u8>,
    pub config: ImageConfig,
    /// The manifest it came by, where the archive has one.
    pub manifest: Option<PlannedManifest>,
    /// Bottom first, as many as the configuration has diff ids.
    pub layers: Vec<PlannedLayer>,
    pub names: Vec<Reference>,
}

/// A manifest as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedManifest {
    pub bytes: Vec<u8>,
    pub media_type: String,
}

/// A layer of an image.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedLayer {
    pub diff_id: Digest,
    /// The member that holds it.
    pub member: String,
    /// What its bytes must be, as the manifest says.
    pub blob: Option<Descriptor>,
}

/// Images of one archive.
const IMAGES_LIMIT: usize = 1000;

/// What is wanted of an archive.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Of an image for several platforms, the one for this; this machine's where none is said.
    pub platform: Option<Platform>,
    /// What the archive must be; where nothing is said it is looked at.
    pub format: Option<Format>,
    pub which: Which,
}

/// How an archive describes its images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An OCI image layout (image-spec, image-layout.md).
    Oci,
    /// What `docker save` writes.
    Docker,
    /// What skopeo writes as `dir:`.
    Directory,
}

/// Which images of an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Which {
    #[default]
    All,
    /// The only one that there is.
    Only,
    Named(String),
    /// By the place in the archive's list.
    Index(usize),
}

/// Finds the images of an archive that are wanted.
pub fn read<L>(source: &Source<L>, choice: &Choice) -> Result<Vec<Plan>> {
    let format = match choice.format {
        Some(format) => format,
        None => detect(source)?,
    };
    let plans = match format {
        Format::Oci => Layout { source, choice }.read().context("OCI image layout")?,
        Format::Docker => docker_archive(source, &choice.which).context("manifest.json")?,
        Format::Directory => vec![directory(source).context("manifest.json")?],
    };
    let Some(first) = plans.first() else {
        bail!("there is no image in the archive")
    };
    // One image may have several names.
    if choice.which == Which::Only && plans.iter().any(|plan| plan.config_bytes != first.config_bytes) {
        bail!(
            "there are several images in it: add :NAME or :@INDEX{}",
            listing(&plans)
        );
    }
    for plan in &plans {
        check_platform(plan, choice.platform.as_ref())?;
    }
    Ok(plans)
}

/// The names in an archive, for whoever has to choose.
fn listing(plans: &[Plan]) -> String {
    let names = plans.iter().flat_map(|plan| &plan.names);
    let names: Vec<_> = names.take(10).map(ToString::to_string).collect();
    match names.as_slice() {
        [] => String::new(),
        names => format!(" ({})", names.join(", ")),
    }
}

fn detect<L>(source: &Source<L>) -> Result<Format> {
    if source.contains("index.json") {
        Ok(Format::Oci)
    } else if source.contains("manifest.json") {
        let bytes = source.document("manifest.json", MANIFEST_LIMIT)?;
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[') => Ok(Format::Docker),
            _ => Ok(Format::Directory),
        }
    } else if source.contains("repositories") {
        bail!("the archive was written by a Docker older than 1.10: save the image again with a newer one")
    } else {
        bail!(
            "no image in it: there is neither manifest.json (docker save) nor index.json (OCI). \
             The files of a container (docker export) are taken by import"
        )
    }
}

fn check_platform(plan: &Plan, wanted: Option<&Platform>) -> Result<()> {
    let have = plan.config.platform();
    match wanted {
        Some(wanted) if !platform::satisfies(&have, wanted) => bail!(
            "the image is for {}, not for {} as asked",
            platform::display(&have),
            platform::display(wanted)
        ),
        _ => Ok(()),
    }
}

/// The list at the head of a docker-archive.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

fn docker_archive<L>(source: &Source<L>, which: &Which) -> Result<Vec<Plan>> {
    let bytes = source.document("manifest.json", MANIFEST_LIMIT)?;
    let mut images: Vec<DockerImage> = parse_json("list of images", &bytes)?;
    if images.len() > IMAGES_LIMIT {
        bail!("more than {IMAGES_LIMIT} images");
    }
    match which {
        Which::All | Which::Only => {}
        Which::Index(index) => {
            let count = images.len();
            if *index >= count {
                bail!("there is no image @{index} in it, but {count} from @0 on");
            }
            images = vec![images.swap_remove(*index)];
        }
        Which::Named(text) => {
            let wanted = text.parse::<Reference>()?.or_latest().to_string();
            let is_wanted = |name: &String| {
                let name = name.parse::<Reference>();
                name.is_ok_and(|name| name.or_latest().to_string() == wanted)
            };
            // The image gets no other name than the one that was asked for.
            images.retain_mut(|image| {
                let names = image.repo_tags.get_or_insert_default();
                names.retain(is_wanted);
                !names.is_empty()
            });
            if images.is_empty() {
                bail!("there is no image {wanted} in it");
            }
        }
    }
    images
        .into_iter()
        .map(|image| docker_image(source, image))
        .collect()
}

fn docker_image<L>(source: &Source<L>, image: DockerImage) -> Result<Plan> {
    let config_bytes = source.document(&image.config, CONFIG_LIMIT)?;
    let stem = image.config.rsplit('/').next().unwrap_or_default();
    if let Ok(named) = Digest::from_hex(stem.strip_suffix(".json").unwrap_or(stem))
        && named != Digest::of(&config_bytes)
    {
        bail!("{} does not have the digest that names it", image.config);
    }
    let config = ImageConfig::parse(&config_bytes).with_context(|| image.config.clone())?;
    let members = image.layers.unwrap_or_default();
    let layers = pair(
        &config,
        members.into_iter().map(|member| (member, None)).collect(),
    )?;
    let names = image.repo_tags.unwrap_or_default();
    let names = names
        .iter()
        .map(|name| Ok(name.parse::<Reference>()?.or_latest()));
    Ok(Plan {
        names: names.collect::<Result<_>>()?,
        config_bytes,
        config,
        manifest: None,
        layers,
    })
}

/// A directory as skopeo's `dir:` writes it: one manifest, and blobs by their digests.
fn directory<L>(source: &Source<L>) -> Result<Plan> {
    let bytes = source.document("manifest.json", MANIFEST_LIMIT)?;
    match Document::parse(&bytes, "")? {
        Document::Manifest(manifest) => image(source, *manifest, bytes, &Digest::hex, Vec::new()),
        Document::Index(_) => {
            bail!("a directory that holds an index is not supported: copy it as an OCI layout")
        }
    }
}

/// Gives every layer the diff id that the configuration has for it.
fn pair(config: &ImageConfig, members: Vec<(String, Option<Descriptor>)>) -> Result<Vec<PlannedLayer>> {
    let layers = manifest::pair(members, config)?;
    Ok(layers
        .map(|(diff_id, (member, blob))| PlannedLayer {
            diff_id,
            member,
            blob,
        })
        .collect())
}

/// The image of a manifest whose blobs lie at `path`.
fn image<L>(
    source: &Source<L>,
    manifest: Manifest,
    bytes: Vec<u8>,
    path: &dyn Fn(&Digest) -> String,
    names: Vec<Reference>,
) -> Result<Plan> {
    manifest::check_kind(&manifest)?;
    let config_bytes = blob(source, &manifest.config, CONFIG_LIMIT, path)?;
    let config = ImageConfig::parse(&config_bytes)?;
    let media_type = manifest::media_type_of(&manifest, "");
    let members = manifest
        .layers
        .into_iter()
        .map(|layer| (path(&layer.digest), Some(layer)));
    Ok(Plan {
        layers: pair(&config, members.collect())?,
        config_bytes,
        config,
        manifest: Some(PlannedManifest { bytes, media_type }),
        names,
    })
}

/// A document by its descriptor, checked.
fn blob<L>(
    source: &Source<L>,
    descriptor: &Descriptor,
    limit: u64,
    path: &dyn Fn(&Digest) -> String,
) -> Result<Vec<u8>> {
    let member = path(&descriptor.digest);
    if descriptor.size > limit {
        bail!("{member} is longer than {limit} bytes");
    }
    let bytes = source.document(&member, limit)?;
    if bytes.len() as u64 != descriptor.size {
        bail!(
            "{member} has {} bytes, not {} as its descriptor says",
            bytes.len(),
            descriptor.size
        );
    }
    if Digest::of(&bytes) != descriptor.digest {
        bail!("{member} does not have the digest that names it");
    }
    Ok(bytes)
}

fn layout_path(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

struct Layout<'a, L> {
    source: &'a Source<L>,
    choice: &'a Choice,
}

impl<L> Layout<'_, L> {
    fn read(&self) -> Result<Vec<Plan>> {
        if self.source.contains("oci-layout") {
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Marker {
                image_layout_version: String,
            }
            let marker: Marker = parse_json("oci-layout", &self.source.document("oci-layout", 4096)?)?;
            if !marker.image_layout_version.starts_with("1.") {
                bail!(
                    "layout version {:?} is not supported",
                    marker.image_layout_version
                );
            }
        }
        let bytes = self.source.document("index.json", MANIFEST_LIMIT)?;
        let Document::Index(index) = Document::parse(&bytes, "").context("index.json")? else {
            bail!("index.json is not an index");
        };
        let mut plans = Vec::new();
        let mut seen = HashSet::new();
        for descriptor in self.entries(&index)? {
            if plans.len() >= IMAGES_LIMIT {
                bail!("more than {IMAGES_LIMIT} images");
            }
            let names = names(descriptor)?;
            // One image may be listed under several names.
            if !seen.insert((descriptor.digest, names.clone())) {
                continue;
            }
            let (manifest, bytes) = self.manifest(descriptor, 0)?;
            // An artifact without a name beside an image, such as a signature, is not asked for.
            if names.is_empty() && index.manifests.len() > 1 && !manifest::is_image(&manifest) {
                continue;
            }
            plans.push(image(self.source, manifest, bytes, &layout_path, names)?);
        }
        Ok(plans)
    }

    /// The entries of the top index that are images of their own. Those that share a name, or have none but tell
    /// their platforms, are one image for several.
    fn entries<'i>(&self, index: &'i Index) -> Result<Vec<&'i Descriptor>> {
        let mut entries = Vec::new();
        let mut grouped: Vec<(Option<&str>, Vec<Descriptor>)> = Vec::new();
        for descriptor in self.chosen(index)? {
            let name = name_of(descriptor);
            if descriptor.platform.is_none() {
                entries.push(descriptor);
            } else if let Some((_, group)) = grouped.iter_mut().find(|(known, _)| *known == name) {
                group.push(descriptor.clone());
            } else {
                grouped.push((name, vec![descriptor.clone()]));
            }
        }
        for (_, group) in grouped {
            let chosen = match group.as_slice() {
                // Alone, it is what the user has, whatever machine it is for.
                [only] => only,
                group => self.select(group)?,
            };
            entries.extend(index.manifests.iter().find(|descriptor| *descriptor == chosen));
        }
        Ok(entries)
    }

    /// The entries of the top index that were asked for.
    fn chosen<'i>(&self, index: &'i Index) -> Result<Vec<&'i Descriptor>> {
        let entries = &index.manifests;
        match &self.choice.which {
            Which::All | Which::Only => Ok(entries.iter().collect()),
            Which::Index(number) => {
                let entry = entries.get(*number).with_context(|| {
                    format!(
                        "there is no image @{number} in it, but {} from @0 on",
                        entries.len()
                    )
                })?;
                Ok(vec![entry])
            }
            // As it is written there, or as what that means.
            Which::Named(text) => {
                let meant = |text: &str| text.parse::<Reference>().ok()?.for_local();
                let is_wanted = |entry: &&Descriptor| {
                    name_of(entry).is_some_and(|name| {
                        name == text || meant(name).is_some_and(|name| Some(name) == meant(text))
                    })
                };
                let chosen: Vec<_> = entries.iter().filter(is_wanted).collect();
                if chosen.is_empty() {
                    bail!("there is no image {text:?} in it");
                }
                Ok(chosen)
            }
        }
    }

    fn select<'i>(&self, group: &'i [Descriptor]) -> Result<&'i Descriptor> {
        let host = platform::host();
        let wanted = self.choice.platform.as_ref().unwrap_or(&host);
        manifest::select(group, wanted)
    }

    /// The manifest that a descriptor leads to, through indexes if need be.
    fn manifest(&self, descriptor: &Descriptor, depth: usize) -> Result<(Manifest, Vec<u8>)> {
        if depth > manifest::DEPTH {
            bail!("more than {} indexes within each other", manifest::DEPTH);
        }
        refuse_schema_1(&descriptor.media_type)?;
        let bytes = blob(self.source, descriptor, MANIFEST_LIMIT, &layout_path)?;
        match Document::parse(&bytes, &descriptor.media_type)
            .with_context(|| descriptor.digest.to_string())?
        {
            Document::Manifest(manifest) => Ok((*manifest, bytes)),
            Document::Index(index) => {
                let chosen = match index.manifests.as_slice() {
                    [only] => only,
                    group => self.select(group)?,
                };
                self.manifest(chosen, depth + 1)
            }
        }
    }
}

/// The name that annotations give an entry of an index. containerd writes whole names; the specification's own
/// annotation holds a whole name or only a tag, which Podman takes for a local name.
fn name_of(descriptor: &Descriptor) -> Option<&str> {
    const CONTAINERD: &str = "io.containerd.image.name";
    const OCI: &str = "org.opencontainers.image.ref.name";
    let annotation = |key: &str| descriptor.annotations.get(key).filter(|name| !name.is_empty());
    let name = annotation(CONTAINERD).or_else(|| annotation(OCI))?;
    Some(name)
}

fn names(descriptor: &Descriptor) -> Result<Vec<Reference>> {
    let Some(text) = name_of(descriptor) else {
        return Ok(Vec::new());
    };
    let name: Reference = text
        .parse()
        .with_context(|| format!("the name of {}", descriptor.digest))?;
    Ok(name.for_local().into_iter().collect())
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
