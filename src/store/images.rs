//! The record of an image (`image.json`), how it is published, and the sweep of what no record reaches.
//!
//! Order of publishing, so that a kill at any moment leaves nothing that is half there: layers, synced to disk, then
//! the manifest's and configuration's bytes, then the record, then the names. Removing goes the other way.
//!
//! Two kinds of lock guard it. Whoever reads an image's layers holds the image shared, and who removes or changes it
//! holds it exclusively; layers without a record yet are held shared by who made or found them. The catalogue, which
//! is the directory of all images, is held shared for the moments in which something new becomes reachable, and
//! exclusively while the sweep looks at all records: so nothing is judged in between. It is locked last.

use std::collections::HashSet;
use std::os::fd::{AsFd, OwnedFd};

use serde::{Deserialize, Serialize};

use super::container::{Container, Root};
use super::lists::List;
use super::locks::{Hold, Locked, flock};
use super::staging::Staging;
use super::{Kind, Result, Store, StoreError};
use crate::base::digest::Digest;
use crate::base::file::Durability;
use crate::oci::config::ContainerConfig;
use crate::oci::image::Platform;

/// The version of the record.
pub const VERSION: u32 = 1;

pub(super) const RECORD: &str = "image.json";
/// How many of an image's names are kept in memory of.
const NAMES_KEPT: usize = 20;

/// `image.json`: everything that running an image takes, in one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Image {
    pub version: u32,
    /// The digest of the configuration, whose bytes are among the blobs.
    pub id: Digest,
    /// When the image was made, as its configuration says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// When it came into this store.
    pub stored: String,
    pub architecture: String,
    pub os: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// How its containers are to be run.
    pub config: ContainerConfig,
    /// Bottom first.
    pub layers: Vec<Layer>,
    /// The directory below `layers/` that has to lie on top of the layers, where they need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix_up: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lent: Option<Lent>,
    /// The manifests it came by, whose bytes are among the blobs: the latest one first.
    pub manifests: Vec<ManifestRecord>,
    /// `name@digest`, as registries gave it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repo_digests: Vec<String>,
    /// The last names that it was given, whether it has them still: the latest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known_as: Vec<String>,
    /// Of a list of manifests, which is no image that could run: its one manifest is its index. See `lists`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<List>,
    /// The store that shares it with us, by its path: this record only keeps the layers that were made for using it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<String>,
    /// The record was read in a store that is shared with us, and there is none in our own.
    #[serde(skip)]
    pub is_elsewhere: bool,
    /// What a newer program wrote and we do not know.
    #[serde(flatten)]
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// One layer of an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    pub diff_id: Digest,
    /// Bytes of its files' contents.
    pub size: u64,
    /// Bytes of its uncompressed archive.
    pub archive_size: u64,
    /// It marks `/` as opaque: nothing of the layers below it is seen. Overlayfs ignores the mark on the root of a
    /// lower, so those layers are not mounted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hides_lower: bool,
}

/// What stands for the undermost layers of an image, which stores of others share with us: one tree of all of them
/// together, with everything but the content of files. Overlayfs takes that from elsewhere for the undermost layer
/// alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lent {
    /// The directory below `layers/`.
    pub name: String,
    pub layers: Vec<Digest>,
    /// Where the content lies, by absolute paths.
    pub data: Vec<String>,
}

/// One manifest of an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManifestRecord {
    pub digest: Digest,
    pub media_type: String,
    pub size: u64,
}

impl Image {
    /// The trees that make up the root file system, relative to the root of the store, uppermost first.
    ///
    /// A layer that occurs several times is taken once, at its highest place: whatever it holds covers the same in
    /// its lower occurrences, and overlayfs refuses one directory twice.
    pub fn lowers(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        let hidden = self
            .layers
            .iter()
            .rposition(|layer| layer.hides_lower)
            .unwrap_or(0);
        let seen_layers = &self.layers[hidden..];
        let is_lent = |layer: &Layer| {
            let lent = self.lent.as_ref();
            lent.is_some_and(|lent| lent.layers.contains(&layer.diff_id))
        };
        let layers = seen_layers.iter().rev();
        let layers = layers
            .filter(|layer| !is_lent(layer))
            .map(|layer| layer.diff_id.hex());
        let lent = self.lent.iter().filter(|_| seen_layers.iter().any(is_lent));
        let names = self.fix_up.iter().cloned().chain(layers);
        let names = names.chain(lent.map(|lent| lent.name.clone()));
        names
            .filter(|name| seen.insert(name.clone()))
            .map(|name| format!("{}/{name}/tree", Kind::Layers.path()))
            .collect()
    }

    /// The directories that hold content which the trees of [`Image::lowers`] lack.
    pub fn data(&self) -> Vec<String> {
        self.lent
            .as_ref()
            .map(|lent| lent.data.clone())
            .unwrap_or_default()
    }

    /// The sum of its layers' contents.
    pub fn size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size).sum()
    }

    pub fn platform(&self) -> Platform {
        Platform {
            architecture: self.architecture.clone(),
            os: self.os.clone(),
            variant: self.variant.clone(),
            ..Platform::default()
        }
    }
}

/// What the sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub layers: usize,
    pub blobs: usize,
}

impl Store {
    /// The record of the image whose identifier has the hexadecimal digits `id`, from the first store that has it.
    pub fn image(&self, id: &str) -> Result<Option<Image>> {
        match self.own_image(id)? {
            Some(image) => Ok(Some(image)),
            None => Ok(self.shared_image(id)?.map(|(_, image)| image)),
        }
    }

    /// The image in the stores that are shared with us, and in which.
    pub fn shared_image(&self, id: &str) -> Result<Option<(&Store, Image)>> {
        for shared in self.shared.iter() {
            if let Some(mut image) = shared.own_image(id)? {
                image.is_elsewhere = true;
                return Ok(Some((shared, image)));
            }
        }
        Ok(None)
    }

    /// Whether an image is only lent to us: a store that is shared with us has it, and we have nothing of it but what
    /// was made for using it.
    pub fn is_read_only(&self, image: &Image) -> bool {
        let is_there = |shared: &Store| shared.object(Kind::Images, &image.id.hex()).is_ok();
        image.is_elsewhere || image.stands_for.is_some() && self.shared.iter().any(is_there)
    }

    /// The record of an image in this store alone.
    pub fn own_image(&self, id: &str) -> Result<Option<Image>> {
        let directory = match self.object(Kind::Images, id) {
            Ok(directory) => directory,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error),
        };
        match self.read_record::<Image>(directory.as_fd(), &image_path(id), RECORD) {
            Ok(image) if image.id.hex() == id && image.version <= VERSION => Ok(Some(image)),
            Ok(image) => Err(StoreError::Damaged {
                path: self.path_of(Kind::Images, id).join(RECORD),
                reason: format!("it is of version {} and for image {}", image.version, image.id),
            }),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All images, our own before those that are shared with us, and what is wrong with those that cannot be read.
    pub fn images(&self) -> Result<(Vec<Image>, Vec<StoreError>)> {
        let (mut images, mut damaged) = self.own_images()?;
        for shared in self.shared.iter() {
            let known: HashSet<Digest> = images.iter().map(|image| image.id).collect();
            let (theirs, broken) = shared.own_images()?;
            let theirs = theirs.into_iter().filter(|image| !known.contains(&image.id));
            images.extend(theirs.map(|mut image| {
                image.is_elsewhere = true;
                image
            }));
            damaged.extend(broken);
        }
        Ok((images, damaged))
    }

    /// All images of this store alone.
    pub fn own_images(&self) -> Result<(Vec<Image>, Vec<StoreError>)> {
        let (mut images, mut damaged) = (Vec::new(), Vec::new());
        for name in self.names(Kind::Images)? {
            match self.own_image(&name) {
                Ok(image) => images.extend(image),
                Err(error) => damaged.push(error),
            }
        }
        Ok((images, damaged))
    }

    /// Locks the catalogue: shared while something is made reachable, exclusively while that is judged.
    pub fn lock_catalogue(&self, hold: Hold) -> Result<OwnedFd> {
        // Everybody can lock what everybody can open.
        let kind = match self.is_public {
            true => Kind::Locks,
            false => Kind::Images,
        };
        let directory = self.directory(kind)?;
        flock(directory.as_fd(), hold, true).map_err(|error| self.io(Kind::Images.path(), error.into()))?;
        Ok(directory)
    }

    /// Makes the staging directory in which one process at a time makes the layer `name`. `None`: another does.
    pub fn claim_layer(&self, name: &str) -> Result<Option<Staging<'_>>> {
        self.claim(&claim_name(name))
    }

    /// Makes the staging directory `claim`, which only one living process has. `None`: another does.
    pub(super) fn claim(&self, claim: &str) -> Result<Option<Staging<'_>>> {
        loop {
            match self.stage(Some(claim)) {
                Err(StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::AlreadyExists => {}
                result => return result.map(Some),
            }
            match self.try_lock(Kind::Staging, claim, Hold::Exclusive)? {
                // Its maker is dead.
                Some(_dead) => self.discard(Kind::Staging, claim)?,
                None => return Ok(None),
            };
        }
    }

    /// Waits until nobody makes the layer `name` any more: it is published by then, or its maker failed.
    pub fn await_layer_claim(&self, name: &str) -> Result<()> {
        self.lock(Kind::Staging, &claim_name(name), Hold::Shared, &mut || ())?;
        Ok(())
    }

    /// Makes us the one process that pulls the image of this manifest. `None`: another does.
    pub fn claim_pull(&self, manifest: &Digest) -> Result<Option<Staging<'_>>> {
        self.claim(&pull_claim(manifest))
    }

    /// Waits until nobody pulls the image of this manifest any more; `waiting` is called once after a second.
    pub fn await_pull_claim(&self, manifest: &Digest, waiting: &mut dyn FnMut()) -> Result<()> {
        self.lock(Kind::Staging, &pull_claim(manifest), Hold::Shared, waiting)?;
        Ok(())
    }

    /// Publishes a layer that was made in `staging`, whose data is on disk already, or takes the one that is there
    /// by now; it stays, held shared, until the returned lock is dropped.
    pub fn publish_layer(&self, staging: Staging<'_>, name: &str) -> Result<Locked> {
        let _catalogue = self.lock_catalogue(Hold::Shared)?;
        let (_, exclusive) = staging.publish(Kind::Layers, name)?;
        // The maker's lock is given up for a shared one; nobody sweeps meanwhile.
        drop(exclusive);
        let held = self.lock(Kind::Layers, name, Hold::Shared, &mut || ())?;
        held.ok_or_else(|| StoreError::Damaged {
            path: self.path_of(Kind::Layers, name),
            reason: "the layer vanished as soon as it was made".into(),
        })
    }

    /// Makes an image known, or adds what is new of it to the record that is there. The caller holds all its layers;
    /// `blobs` are the bytes of its configuration and manifest. The image is returned held exclusively, so that it
    /// can be given its names.
    pub fn publish_image(&self, image: &Image, blobs: &[&[u8]]) -> Result<Locked> {
        let id = image.id.hex();
        let path = image_path(&id);
        loop {
            if let Some(held) = self.change_image(image, blobs, true)? {
                return Ok(held);
            }
            let staging = self.stage(None)?;
            let _catalogue = self.lock_catalogue(Hold::Shared)?;
            for blob in blobs {
                self.put_blob(blob)?;
            }
            let directory = staging.directory();
            self.write_record(directory, &path, RECORD, image, Durability::Synced)?;
            if let (true, Some(held)) = staging.publish(Kind::Images, &id)? {
                let all = self.directory(Kind::Images)?;
                rustix::fs::fsync(all).map_err(|error| self.io(&path, error.into()))?;
                return Ok(held.into());
            }
        }
    }

    /// Adds what is new of an image to the record that is there. `None`: there is none, and whoever does not hold the
    /// image's layers cannot make it known again.
    pub fn update_image(&self, image: &Image, blobs: &[&[u8]]) -> Result<Option<Locked>> {
        self.change_image(image, blobs, false)
    }

    /// `has_layers`: the caller holds the layers that the image is to have from now on.
    fn change_image(&self, image: &Image, blobs: &[&[u8]], has_layers: bool) -> Result<Option<Locked>> {
        let id = image.id.hex();
        // The image is locked before the catalogue, as everywhere.
        let Some(held) = self.lock(Kind::Images, &id, Hold::Exclusive, &mut || ())? else {
            return Ok(None);
        };
        let _catalogue = self.lock_catalogue(Hold::Shared)?;
        for blob in blobs {
            self.put_blob(blob)?;
        }
        let known = self.own_image(&id).ok().flatten();
        let merged = known.map_or_else(|| image.clone(), |known| merge(known, image, has_layers));
        self.write_record(
            held.as_fd(),
            &image_path(&id),
            RECORD,
            &merged,
            Durability::Synced,
        )?;
        Ok(Some(held))
    }

    /// Removes layers and blobs that no image's and no container's record reaches and nobody holds, and what the
    /// dead have left in staging.
    pub fn sweep_unreachable(&self) -> Result<Swept> {
        let mut swept = Swept::default();
        let catalogue = self.lock_catalogue(Hold::Exclusive)?;
        let reached = self.reached()?;
        for name in self.names(Kind::Layers)? {
            if reached.contains(&name) {
                continue;
            }
            // Held until it is gone: somebody may want it at this moment.
            if let Some(_held) = self.try_lock(Kind::Layers, &name, Hold::Exclusive)?
                && self.discard(Kind::Layers, &name)?
            {
                swept.layers += 1;
            }
        }
        for name in self.names(Kind::Blobs)? {
            if !reached.contains(&name) {
                self.remove_blob(&name)?;
                swept.blobs += 1;
            }
        }
        drop(catalogue);
        self.sweep()?;
        Ok(swept)
    }

    /// Paths of the layers and blobs that no record reaches and nobody holds.
    pub fn unreachable(&self) -> Result<Vec<String>> {
        let _catalogue = self.lock_catalogue(Hold::Exclusive)?;
        let reached = self.reached()?;
        let mut unreachable = Vec::new();
        for name in self.names(Kind::Layers)? {
            if !reached.contains(&name) && self.try_lock(Kind::Layers, &name, Hold::Exclusive)?.is_some() {
                unreachable.push(format!("{}/{name}", Kind::Layers.path()));
            }
        }
        let blobs = self.names(Kind::Blobs)?.into_iter();
        unreachable.extend(
            blobs
                .filter(|name| !reached.contains(name))
                .map(|name| format!("{}/{name}", Kind::Blobs.path())),
        );
        Ok(unreachable)
    }

    /// The names of all layers and blobs that records name. A record that cannot be read might name any, so it is an
    /// error here.
    fn reached(&self) -> Result<HashSet<String>> {
        let (images, damaged) = self.own_images()?;
        if let Some(error) = damaged.into_iter().next() {
            return Err(error);
        }
        let mut reached = HashSet::new();
        for image in images {
            reached.extend(image.fix_up);
            reached.extend(image.lent.map(|lent| lent.name));
            reached.insert(image.id.hex());
            reached.extend(image.layers.iter().map(|layer| layer.diff_id.hex()));
            reached.extend(image.manifests.iter().map(|manifest| manifest.digest.hex()));
            reached.extend(image.list.iter().flat_map(List::blobs));
        }
        for container in self.containers()? {
            reached.extend(container.root.layers().map(str::to_owned));
        }
        Ok(reached)
    }

    /// The containers whose root file system is of the image `id`.
    pub fn containers_of_image(&self, id: &str) -> Result<Vec<Container>> {
        let mut containers = self.containers()?;
        containers.retain(|container| matches!(&container.root, Root::Image { id: of, .. } if of == id));
        Ok(containers)
    }

    fn containers(&self) -> Result<Vec<Container>> {
        let mut containers = Vec::new();
        for id in self.names(Kind::Containers)? {
            match self.container(&id) {
                Ok(container) => containers.push(container),
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(containers)
    }
}

fn claim_name(layer: &str) -> String {
    format!("layer-{layer}")
}

fn pull_claim(manifest: &Digest) -> String {
    format!("pull-{}", manifest.hex())
}

pub(super) fn image_path(id: &str) -> String {
    format!("{}/{id}", Kind::Images.path())
}

/// The record of an image that came once more.
fn merge(mut known: Image, new: &Image, has_layers: bool) -> Image {
    for manifest in new.manifests.iter().rev() {
        known.manifests.retain(|other| other.digest != manifest.digest);
        known.manifests.insert(0, manifest.clone());
    }
    for name in &new.repo_digests {
        if !known.repo_digests.contains(name) {
            known.repo_digests.push(name.clone());
        }
    }
    known.known_as.retain(|name| !new.known_as.contains(name));
    known.known_as.splice(..0, new.known_as.iter().cloned());
    known.known_as.truncate(NAMES_KEPT);
    if has_layers && new.stands_for.is_none() {
        known.stands_for = None;
    }
    // What was lent may be gone, and whoever comes with the image once more has all its layers.
    if has_layers && known.lent.is_some() {
        known.lent.clone_from(&new.lent);
        known.fix_up.clone_from(&new.fix_up);
    }
    known
}

#[cfg(test)]
#[path = "images_tests.rs"]
mod tests;
