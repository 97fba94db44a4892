//! What the store takes on the disk, counted as `du` counts: blocks, each file once however many names it has.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::super::state::Condition;
use super::super::volumes::Users;
use super::super::{Result, list};
use crate::base::digest::Digest;
use crate::image::list::Listed;
use crate::store::container::Container;
use crate::store::volumes::Volume;
use crate::store::{Kind, Store};

/// Files with several names that were counted already, by device and inode.
pub type Seen = HashSet<(u64, u64)>;

/// Bytes that everything at `path` takes, itself included. What vanishes meanwhile counts nothing.
pub fn measure(path: &Path) -> u64 {
    measure_once(path, &mut Seen::new())
}

/// The same, without what was counted before.
pub fn measure_once(path: &Path, seen: &mut Seen) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let mut total = 0;
    let mut pending = vec![path.to_path_buf()];
    while let Some(path) = pending.pop() {
        let Ok(status) = std::fs::symlink_metadata(&path) else {
            continue;
        };
        if !status.is_dir() && status.nlink() > 1 && !seen.insert((status.dev(), status.ino())) {
            continue;
        }
        total += status.blocks() * 512;
        if status.is_dir()
            && let Ok(entries) = std::fs::read_dir(&path)
        {
            pending.extend(entries.flatten().map(|entry| entry.path()));
        }
    }
    total
}

/// One image and the bytes of its layers.
pub struct ImageUsage {
    pub listed: Listed,
    pub size: u64,
    /// Of layers that other images have, too.
    pub shared: u64,
}

/// One container and the bytes of its own files.
pub struct ContainerUsage {
    pub container: Container,
    pub condition: Condition,
    pub size: u64,
}

/// One volume, its bytes and how many containers use it.
pub struct VolumeUsage {
    pub volume: Volume,
    pub size: u64,
    pub users: usize,
}

/// A kind of thing as `system df` sums it up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub total: usize,
    pub active: usize,
    pub size: u64,
    pub reclaimable: u64,
}

/// Everything that the store takes.
pub struct Usage {
    pub images: Vec<ImageUsage>,
    pub containers: Vec<ContainerUsage>,
    pub volumes: Vec<VolumeUsage>,
    pub image_sum: Sum,
    pub container_sum: Sum,
    pub volume_sum: Sum,
    /// Directories of the store itself, and what lies in staging and trash.
    pub other_sum: Sum,
    /// What cannot be read; its bytes are counted with its kind.
    pub damaged: Vec<String>,
}

/// Looks through the whole store.
pub fn usage(store: &Store) -> Result<Usage> {
    let mut damaged = Vec::new();
    let mut seen = Seen::new();
    let (containers, container_sum) = container_usage(store, &mut seen, &mut damaged)?;
    let (volumes, volume_sum) = volume_usage(store, &mut seen, &mut damaged)?;
    let reached = containers
        .iter()
        .flat_map(|used| used.container.root.layers().map(str::to_owned))
        .collect();
    let (images, image_sum) = image_usage(store, &mut seen, reached, &mut damaged)?;
    let (mut left, mut count) = (0, 0);
    for kind in [Kind::Downloads, Kind::Staging, Kind::Trash] {
        for name in store.names(kind)? {
            left += measure_once(&store.path_of(kind, &name), &mut seen);
            count += 1;
        }
    }
    // So that everything together is the whole.
    let known = container_sum.size + volume_sum.size + image_sum.size;
    Ok(Usage {
        images,
        containers,
        volumes,
        image_sum,
        container_sum,
        volume_sum,
        other_sum: Sum {
            total: count,
            active: 0,
            size: measure(store.path()).saturating_sub(known),
            reclaimable: left,
        },
        damaged,
    })
}

fn container_usage(
    store: &Store,
    seen: &mut Seen,
    damaged: &mut Vec<String>,
) -> Result<(Vec<ContainerUsage>, Sum)> {
    let (containers, unreadable) = list::all(store)?;
    let mut sum = Sum {
        total: containers.len() + unreadable.len(),
        size: own_size(&store.path().join("containers")) + measure_once(&store.path().join("names"), seen),
        ..Sum::default()
    };
    for container in unreadable {
        sum.size += measure_once(&store.path_of(Kind::Containers, &container.id), seen);
        damaged.push(container.reason);
    }
    let mut measured = Vec::new();
    for found in containers {
        let size = measure_once(&store.path_of(Kind::Containers, &found.container.id), seen);
        sum.size += size;
        if found.condition.is_spare() {
            sum.reclaimable += size;
        } else {
            sum.active += 1;
        }
        measured.push(ContainerUsage {
            container: found.container,
            condition: found.condition,
            size,
        });
    }
    Ok((measured, sum))
}

/// Of a directory without what is in it.
fn own_size(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::symlink_metadata(path).map_or(0, |status| status.blocks() * 512)
}

fn volume_usage(
    store: &Store,
    seen: &mut Seen,
    damaged: &mut Vec<String>,
) -> Result<(Vec<VolumeUsage>, Sum)> {
    let users = Users::of(store)?;
    let (volumes, unreadable) = store.volumes()?;
    let mut sum = Sum {
        total: volumes.len() + unreadable.len(),
        size: own_size(&store.path().join("volumes")),
        ..Sum::default()
    };
    for volume in unreadable {
        sum.size += measure_once(&store.path_of(Kind::Volumes, &volume.name), seen);
        damaged.push(volume.reason.to_string());
    }
    let mut measured = Vec::new();
    for volume in volumes {
        let size = measure_once(&store.path_of(Kind::Volumes, &volume.name), seen);
        let users = users.of_volume(&volume.name).len();
        sum.size += size;
        if users > 0 {
            sum.active += 1;
        } else {
            sum.reclaimable += size;
        }
        measured.push(VolumeUsage { volume, size, users });
    }
    Ok((measured, sum))
}

/// `reached`: names of layers that containers need.
fn image_usage(
    store: &Store,
    seen: &mut Seen,
    mut reached: HashSet<String>,
    damaged: &mut Vec<String>,
) -> Result<(Vec<ImageUsage>, Sum)> {
    let listing = crate::image::list::list(store)?;
    let mut sum = Sum {
        total: listing.images.len() + listing.damaged.len(),
        ..Sum::default()
    };
    damaged.extend(listing.damaged.iter().map(ToString::to_string));
    let mut layers: HashMap<String, u64> = HashMap::new();
    for name in store.names(Kind::Layers)? {
        let size = measure_once(&store.path_of(Kind::Layers, &name), seen);
        sum.size += size;
        layers.insert(name, size);
    }
    for name in ["layers", "blobs/sha256", "images", "tags"] {
        let path = store.path().join(name);
        sum.size += if name == "layers" {
            own_size(&path)
        } else {
            measure_once(&path, seen)
        };
    }
    let mut uses: HashMap<Digest, usize> = HashMap::new();
    for listed in &listing.images {
        let distinct: HashSet<Digest> = listed.image.layers.iter().map(|layer| layer.diff_id).collect();
        distinct
            .into_iter()
            .for_each(|layer| *uses.entry(layer).or_default() += 1);
        if listed.containers > 0 {
            sum.active += 1;
            reached.extend(listed.image.fix_up.clone());
            reached.extend(listed.image.layers.iter().map(|layer| layer.diff_id.hex()));
        }
    }
    sum.reclaimable = layers
        .iter()
        .filter(|(name, _)| !reached.contains(*name))
        .map(|(_, size)| size)
        .sum();
    let images = listing.images.into_iter().map(|listed| {
        let distinct: HashSet<Digest> = listed.image.layers.iter().map(|layer| layer.diff_id).collect();
        let of = |layer: &Digest| layers.get(&layer.hex()).copied().unwrap_or(0);
        ImageUsage {
            size: distinct.iter().map(of).sum(),
            shared: distinct.iter().filter(|layer| uses[layer] > 1).map(of).sum(),
            listed,
        }
    });
    Ok((images.collect(), sum))
}
