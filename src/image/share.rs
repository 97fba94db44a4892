//! Images that one user shares and others use (`store::shared`).

use std::os::fd::AsFd;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::find::{Found, find};
use super::layer::{self, UnpackOptions};
use super::list::own_names_of;
use super::publish::{Layers, Stream, Wanted};
use super::reference::Reference;
use crate::base::digest::Digest;
use crate::base::{parallel, time};
use crate::oci::image::{CONFIG_LIMIT, MANIFEST_LIMIT};
use crate::store::images::Image;
use crate::store::layer::Owners;
use crate::store::{Kind, Store};

/// Puts the image that `text` means in `store` into `shared`, with the name that is meant or with all it has. Returns
/// it with those names.
pub fn share(store: &Store, text: &str, shared: &Store) -> Result<(Digest, Vec<Reference>)> {
    let Found { image, name } = find(store, text)?;
    let id = image.id.hex();
    let _held = store
        .hold(Kind::Images, &id)?
        .with_context(|| format!("{text}: image not known"))?;
    let names = match name {
        Some(name) => vec![name],
        None => own_names_of(store, &image)?,
    };
    let options = UnpackOptions {
        owners: Owners::Shared,
        ..UnpackOptions::default()
    };
    let mut layers = Layers::new(shared, options);
    let open = |wanted: &Wanted| -> Result<Stream<'_>> {
        let directory = store.layer(&wanted.diff_id.hex())?;
        Ok(Stream::Tar(Box::new(layer::Recreated::new(directory.as_fd())?)))
    };
    layers.fetch(&wanted(&image), parallel::busy_threads(), &open, &|| ())?;
    let blobs = blobs(store, &image)?;
    let record = Image {
        stored: time::now(),
        known_as: Vec::new(),
        stands_for: None,
        lent: None,
        ..image
    };
    let blobs: Vec<&[u8]> = blobs.iter().map(Vec::as_slice).collect();
    let (record, _held) = layers.publish_copy(record, &blobs)?;
    // What was removed while somebody used it.
    let _ = shared.sweep_unreachable();
    for name in &names {
        shared.set_tag(&name.to_string(), &id)?;
    }
    Ok((record.id, names))
}

/// Sees to it that an image which a store shares with us can be used: what stands for its layers is made in our own
/// store, and a record there keeps it; anew when the sharing store has it anew. Other images are returned as they are.
pub fn adopt(store: &Store, options: &UnpackOptions, image: Image) -> Result<Image> {
    if is_usable(&image) {
        return Ok(image);
    }
    let id = image.id.hex();
    let Some((shared, image)) = store.shared_image(&id)? else {
        let missing = image.data().into_iter().find(|path| !Path::new(path).is_dir());
        bail!(
            "content of the image was lent from {}, which is not there any more: pull the image",
            missing.unwrap_or_default()
        );
    };
    let mut layers = Layers::new(store, options.clone());
    let open = |wanted: &Wanted| -> Result<Stream<'_>> {
        bail!(
            "{} does not have layer {}",
            shared.path().display(),
            wanted.diff_id
        )
    };
    layers.fetch(&wanted(&image), 1, &open, &|| ())?;
    let blobs = blobs(store, &image)?;
    let record = Image {
        stands_for: Some(shared.path().display().to_string()),
        ..image
    };
    let blobs: Vec<&[u8]> = blobs.iter().map(Vec::as_slice).collect();
    let (_, held) = layers.publish_copy(record, &blobs)?;
    drop(held);
    // As it is now: somebody else may have been faster.
    store
        .own_image(&id)?
        .with_context(|| format!("image {id} was removed meanwhile"))
}

/// Whether containers can be made of it.
pub fn is_usable(image: &Image) -> bool {
    !image.is_elsewhere && image.data().iter().all(|path| Path::new(path).is_dir())
}

fn wanted(image: &Image) -> Vec<Wanted> {
    let layers = image.layers.iter();
    let wanted = |layer: &crate::store::images::Layer| Wanted {
        diff_id: layer.diff_id,
        blob: None,
    };
    layers.map(wanted).collect()
}

/// The bytes of the configuration and the manifests.
fn blobs(store: &Store, image: &Image) -> Result<Vec<Vec<u8>>> {
    let mut blobs = vec![store.blob(&image.id, CONFIG_LIMIT)?];
    for manifest in &image.manifests {
        blobs.push(store.blob(&manifest.digest, MANIFEST_LIMIT)?);
    }
    Ok(blobs)
}
