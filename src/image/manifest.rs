//! What a manifest must be to be an image, wherever it comes from: a registry or an archive.

use anyhow::{Context, Result, bail};

use super::platform;
use crate::base::digest::Digest;
use crate::oci::config::ImageConfig;
use crate::oci::image::{Descriptor, LAYERS_LIMIT, Manifest, Platform, media_type};

/// Indexes within indexes within …
pub const DEPTH: usize = 4;

/// Whether it is an image at all: its configuration says so.
pub fn is_image(manifest: &Manifest) -> bool {
    matches!(
        manifest.config.media_type.as_str(),
        media_type::OCI_CONFIG | media_type::DOCKER_CONFIG
    )
}

/// Whether a document of this type names several manifests.
pub fn is_index(kind: &str) -> bool {
    matches!(kind, media_type::OCI_INDEX | media_type::DOCKER_LIST)
}

/// Fails unless it is an image made of layers that can be unpacked.
pub fn check_kind(manifest: &Manifest) -> Result<()> {
    if !is_image(manifest) {
        let own = &manifest.config.media_type;
        let kind = manifest.artifact_type.as_ref().unwrap_or(own);
        bail!("it is not an image, but an artifact of the type {kind:?}");
    }
    for layer in &manifest.layers {
        if !media_type::is_layer(&layer.media_type) {
            bail!("a layer of the type {:?} is not supported", layer.media_type);
        }
    }
    Ok(())
}

/// The manifest's media type: its own word, what it was `given` as, or what its configuration implies.
pub fn media_type_of(manifest: &Manifest, given: &str) -> String {
    let kind = match &manifest.media_type {
        Some(own) => own.as_str(),
        None if matches!(given, media_type::DOCKER_MANIFEST | media_type::OCI_MANIFEST) => given,
        None if manifest.config.media_type == media_type::DOCKER_CONFIG => media_type::DOCKER_MANIFEST,
        None => media_type::OCI_MANIFEST,
    };
    kind.to_owned()
}

/// Whether these are the digest and size of a blob that came, or was sent.
pub fn check_blob(blob: &Descriptor, (digest, size): (Digest, u64)) -> Result<()> {
    if (digest, size) != (blob.digest, blob.size) {
        bail!(
            "{size} bytes with the digest {digest} came instead of blob {}",
            blob.digest
        );
    }
    Ok(())
}

/// The entry of an index that fits a platform best.
pub fn select<'a>(manifests: &'a [Descriptor], wanted: &Platform) -> Result<&'a Descriptor> {
    platform::select(manifests, wanted).with_context(|| {
        let have = manifests
            .iter()
            .filter_map(|descriptor| descriptor.platform.as_ref());
        let have: Vec<_> = have
            .filter(|have| have.os != "unknown")
            .map(platform::display)
            .collect();
        format!(
            "there is no image for {}, only for {}",
            platform::display(wanted),
            have.join(", ")
        )
    })
}

/// The layers of a manifest, bottom first, each with the diff id that the configuration has for it.
pub fn pair<T>(layers: Vec<T>, config: &ImageConfig) -> Result<impl Iterator<Item = (Digest, T)>> {
    let diff_ids = &config.rootfs.diff_ids;
    if layers.len() != diff_ids.len() || layers.len() > LAYERS_LIMIT {
        bail!(
            "the manifest has {} layers and the configuration {}",
            layers.len(),
            diff_ids.len()
        );
    }
    Ok(diff_ids.clone().into_iter().zip(layers))
}
