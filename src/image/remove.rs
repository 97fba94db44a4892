//! `tag`, `untag`, `rmi` and `image prune`.

use std::collections::HashSet;
use std::path::PathBuf;

use super::find::{FindError, find_any};
use super::list::{Listed, list, own_names_of, repo_digests};
use super::reference::Reference;
use crate::base::digest::Digest;
use crate::base::id;
use crate::store::events::Event;
use crate::store::images::Image;
use crate::store::lists::List;
use crate::store::locks::{Hold, Locked};
use crate::store::{Kind, Store, StoreError};

/// Why an image keeps what was to be taken from it.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(
        "image {} is in use by {}: remove them first, or use --force",
        id::short(&image.hex()),
        containers.join(", ")
    )]
    InUse { image: Digest, containers: Vec<String> },
    #[error(
        "image {} is mounted at {}: unmount it first, or use --force",
        id::short(&image.hex()),
        paths.join(", ")
    )]
    Mounted { image: Digest, paths: Vec<String> },
    #[error(
        "image {} has several names ({}): name the one to be removed, or use --force for all",
        id::short(&image.hex()),
        names.join(", ")
    )]
    SeveralNames { image: Digest, names: Vec<String> },
    #[error("{0} cannot be a tag: an image gets its digests from its content")]
    DigestAsTag(String),
    #[error("{name}: tag not known")]
    NotItsName { name: String, image: Digest },
    #[error(
        "cannot remove read-only image {}: it is shared by {}",
        id::short(&image.hex()),
        store.display()
    )]
    ReadOnly { image: Digest, store: PathBuf },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<super::reference::ReferenceError> for RemoveError {
    fn from(error: super::reference::ReferenceError) -> Self {
        Self::Find(error.into())
    }
}

/// What a removal has done.
#[derive(Debug, Default)]
pub struct Removal {
    pub untagged: Vec<Reference>,
    /// The image, if it is gone.
    pub deleted: Option<Digest>,
    /// Why layers that nobody needs any more are still there, if so. They go with a later removal.
    pub left_over: Option<StoreError>,
}

/// Gives the image that `source` means further names, and returns them as they are now.
pub fn tag(store: &Store, source: &str, names: &[String]) -> Result<Vec<Reference>, RemoveError> {
    let mut parsed = Vec::new();
    for name in names {
        let reference: Reference = name.parse()?;
        parsed.push(
            reference
                .for_local()
                .ok_or_else(|| RemoveError::DigestAsTag(name.clone()))?,
        );
    }
    let image = find_any(store, source)?.image;
    // One that is lent to us is removed by whoever lends it, and then the name leads nowhere.
    let mut held = match store.is_read_only(&image) {
        true => None,
        false => Some(hold(store, &image.id, source, Hold::Shared)?),
    };
    for (name, written) in parsed.iter().zip(names) {
        store.set_tag(&name.to_string(), &image.id.hex())?;
        store.tell([Event::image("tag", &image.id.hex(), written)]);
    }
    let known_as: Vec<String> = parsed.iter().rev().map(ToString::to_string).collect();
    let is_news = known_as.iter().any(|name| !image.known_as.contains(name));
    // Held exclusively for that, and so no longer shared.
    if held.take().is_some() && is_news {
        store.update_image(&Image { known_as, ..image }, &[])?;
    }
    Ok(parsed)
}

/// Takes names from the image that `source` means: those given, or all with the digests that it has at registries. The
/// image stays. Gives the names of which it has lost one.
pub fn untag(store: &Store, source: &str, names: &[String]) -> Result<Vec<Reference>, RemoveError> {
    let image = find_any(store, source)?.image;
    let known = own_names_of(store, &image)?;
    let read_only = match store.is_read_only(&image) {
        true => Some(read_only(store, &image)?),
        false => None,
    };
    let references = names.iter().map(|name| name.parse());
    let references: Vec<Reference> = references.collect::<Result<_, _>>()?;
    let of_digests = references.iter().any(|name| name.digest().is_some());
    let how = match of_digests || names.is_empty() && !image.repo_digests.is_empty() {
        true => Hold::Exclusive,
        false => Hold::Shared,
    };
    let held = match read_only {
        Some(_) => None,
        None => Some(hold(store, &image.id, source, how)?),
    };
    let (mut taken, mut digests) = (Vec::new(), Vec::new());
    for (name, reference) in names.iter().zip(&references) {
        let candidates = reference.candidates();
        if let (Some(digest), Some(_)) = (reference.digest(), &held) {
            let known = repo_digests(&image, &known);
            let mut written = candidates.iter().map(|name| format!("{}@{digest}", name.name()));
            if let Some(written) = written.find(|written| known.contains(written)) {
                digests.push(written);
                continue;
            }
        }
        let found = known.iter().find(|known| candidates.contains(known));
        if let (None, Some(store)) = (found, &read_only) {
            return Err(RemoveError::ReadOnly {
                image: image.id,
                store: store.clone(),
            });
        }
        taken.push(found.cloned().ok_or_else(|| RemoveError::NotItsName {
            name: name.clone(),
            image: image.id,
        })?);
    }
    let taken = match names.is_empty() {
        true => {
            digests.clone_from(&image.repo_digests);
            known
        }
        false => taken,
    };
    if let Some(held) = held.filter(|_| !digests.is_empty()) {
        store.forget_repo_digests(&held, &image.id.hex(), &digests)?;
    }
    for name in &taken {
        store.remove_tag(&name.to_string(), &image.id.hex())?;
        store.tell([Event::image("untag", &image.id.hex(), name)]);
    }
    Ok(taken)
}

fn hold(store: &Store, image: &Digest, text: &str, hold: Hold) -> Result<Locked, RemoveError> {
    let locked = store.lock(Kind::Images, &image.hex(), hold, &mut || ())?;
    Ok(locked.ok_or_else(|| FindError::Missing(text.into()))?)
}

/// The store that shares an image with us.
fn read_only(store: &Store, image: &Image) -> Result<PathBuf, RemoveError> {
    let shared = store.shared_image(&image.id.hex())?;
    Ok(shared.map_or_else(PathBuf::new, |(shared, _)| shared.path().to_owned()))
}

/// Removes what `text` means: one name of an image that has several, else the image with its last name and with the
/// layers that no other image or container needs.
///
/// Without `force` an image that containers are made of or that is mounted is kept, and so is one with several names that
/// is meant by its id. With `force` it is unmounted, and its containers keep the layers they need; removing them is up to
/// the caller.
pub fn remove(store: &Store, text: &str, force: bool) -> Result<Removal, RemoveError> {
    let found = find_any(store, text)?;
    let id = found.image.id;
    if store.is_read_only(&found.image) {
        return match found.name {
            // A name that we gave it ourselves goes.
            Some(name) if store.remove_tag(&name.to_string(), &id.hex())? => Ok(untagged(store, &id, name)),
            _ => Err(RemoveError::ReadOnly {
                image: id,
                store: read_only(store, &found.image)?,
            }),
        };
    }
    // Commands that make a container hold the image shared until the container is there to be seen.
    let held = hold(store, &id, text, Hold::Exclusive)?;
    let mut names = own_names_of(store, &found.image)?;
    // The name that was given last goes first, as with Podman.
    let known_as = &found.image.known_as;
    names.sort_by_cached_key(|name| {
        let name = name.to_string();
        known_as
            .iter()
            .position(|known| *known == name)
            .unwrap_or(usize::MAX)
    });
    let meant = found.name.as_ref().map_or_else(|| id.hex(), ToString::to_string);
    if let Some(name) = found.name {
        if !names.contains(&name) {
            // Moved to another image since it was found.
            return Err(FindError::Missing(text.into()).into());
        }
        if names.len() > 1 {
            store.remove_tag(&name.to_string(), &id.hex())?;
            return Ok(untagged(store, &id, name));
        }
    } else if names.len() > 1 && !force {
        return Err(RemoveError::SeveralNames {
            image: id,
            names: names.iter().map(ToString::to_string).collect(),
        });
    }
    if !force {
        check_unused(store, &id)?;
    }
    let mut removal = delete(store, &id, names, &meant, held)?;
    removal.left_over = store.sweep_unreachable().err();
    Ok(removal)
}

fn check_unused(store: &Store, id: &Digest) -> Result<(), RemoveError> {
    let mounts = store.mounts(Kind::Images, &id.hex())?;
    if !mounts.is_empty() {
        return Err(RemoveError::Mounted {
            image: *id,
            paths: mounts
                .iter()
                .map(|mounted| mounted.path.display().to_string())
                .collect(),
        });
    }
    let containers = store.containers_of_image(&id.hex())?;
    if containers.is_empty() {
        return Ok(());
    }
    let described = |container: crate::store::container::Container| {
        format!("container {} ({})", container.name, id::short(&container.id))
    };
    Err(RemoveError::InUse {
        image: *id,
        containers: containers.into_iter().map(described).collect(),
    })
}

fn untagged(store: &Store, id: &Digest, name: Reference) -> Removal {
    store.tell([Event::image("untag", &id.hex(), &name)]);
    Removal {
        untagged: vec![name],
        ..Removal::default()
    }
}

/// Names first, so that none is left that leads nowhere. `meant`: what the image was called when it was to be removed.
fn delete(
    store: &Store,
    id: &Digest,
    names: Vec<Reference>,
    meant: &str,
    held: Locked,
) -> Result<Removal, RemoveError> {
    store.unmount_everywhere(&held, Kind::Images, &id.hex())?;
    for name in &names {
        store.remove_tag(&name.to_string(), &id.hex())?;
    }
    store.discard(Kind::Images, &id.hex())?;
    drop(held);
    let hex = id.hex();
    let untags = names.iter().map(|name| Event::image("untag", &hex, name));
    store.tell(untags.chain([Event::image("remove", &hex, meant)]));
    Ok(Removal {
        untagged: names,
        deleted: Some(*id),
        left_over: None,
    })
}

/// What pruning has done.
#[derive(Debug, Default)]
pub struct Pruned {
    pub removed: Vec<Removal>,
    /// Bytes of the layers that went.
    pub reclaimed: u64,
    pub left_over: Option<StoreError>,
}

/// The images that `prune` would remove: those without a name, or with `all` every one that no container is made of.
/// `fits` is what the user's filters say.
pub fn prunable(
    store: &Store,
    all: bool,
    fits: &mut dyn FnMut(&Listed) -> bool,
) -> Result<Vec<Listed>, StoreError> {
    let mut images = list(store)?.images;
    // What a list with a name holds is wanted, though it has no name of its own.
    let lists = images.iter().filter(|listed| !listed.is_dangling());
    let members: HashSet<String> = lists
        .filter_map(|listed| listed.image.list.as_ref())
        .flat_map(List::blobs)
        .collect();
    let is_member = |listed: &Listed| {
        let mut manifests = listed.image.manifests.iter();
        manifests.any(|manifest| members.contains(&manifest.digest.hex()))
    };
    images.retain(|listed| {
        !listed.read_only
            && listed.containers == 0
            && (all || listed.is_dangling() && !is_member(listed))
            && fits(listed)
    });
    Ok(images)
}

/// Removes those images.
pub fn prune(store: &Store, all: bool, fits: &mut dyn FnMut(&Listed) -> bool) -> Result<Pruned, RemoveError> {
    let mut pruned = Pruned::default();
    let mut gone = Vec::new();
    for listed in prunable(store, all, fits)? {
        let id = listed.image.id;
        // One that somebody uses at this moment is not unused.
        let Some(held) = store.try_lock(Kind::Images, &id.hex(), Hold::Exclusive)? else {
            continue;
        };
        let names = own_names_of(store, &listed.image)?;
        if check_unused(store, &id).is_err() || (!all && !names.is_empty()) {
            continue;
        }
        pruned.removed.push(delete(store, &id, names, &id.hex(), held)?);
        gone.push(listed.image);
    }
    let (kept, _damaged) = store.own_images()?;
    let kept: HashSet<Digest> = kept
        .iter()
        .flat_map(|image| &image.layers)
        .map(|layer| layer.diff_id)
        .collect();
    let mut counted = HashSet::new();
    for layer in gone.iter().flat_map(|image| &image.layers) {
        if !kept.contains(&layer.diff_id) && counted.insert(layer.diff_id) {
            pruned.reclaimed += layer.size;
        }
    }
    pruned.left_over = store.sweep_unreachable().err();
    store.tell([Event::prune("image", pruned.reclaimed)]);
    Ok(pruned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::find::find;
    use crate::image::testing::{container, image, store};

    fn names(references: &[Reference]) -> Vec<String> {
        references.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn tags_come_and_go() {
        let (_parent, store) = store();
        let one = image(&store, "1", &["localhost/foo:latest"]);
        let given = ["bar".to_owned(), "quay.io/x:1".to_owned()];
        let now = tag(&store, "foo", &given).unwrap();
        assert_eq!(names(&now), ["localhost/bar:latest", "quay.io/x:1"]);
        assert_eq!(find(&store, "bar").unwrap().image.id, one.id);
        let with_digest = format!("x@{}", one.id);
        assert!(matches!(
            tag(&store, "foo", &[with_digest]),
            Err(RemoveError::DigestAsTag(_))
        ));
        // One bad name, and none is given.
        assert!(tag(&store, "foo", &["good".into(), "BAD".into()]).is_err());
        assert!(find(&store, "good").is_err());
        assert!(matches!(
            untag(&store, "foo", &["none".into()]),
            Err(RemoveError::NotItsName { .. })
        ));
        assert_eq!(
            names(&untag(&store, "foo", &["bar".into()]).unwrap()),
            ["localhost/bar:latest"]
        );
        assert_eq!(untag(&store, "foo", &[]).unwrap().len(), 2);
        assert!(find(&store, "foo").is_err());
        assert!(store.image(&one.id.hex()).unwrap().is_some());
    }

    #[test]
    fn the_last_name_takes_the_image_along() {
        let (_parent, store) = store();
        let one = image(&store, "1", &["localhost/a:1", "localhost/b:1"]);
        let removal = remove(&store, "a:1", false).unwrap();
        assert_eq!(
            (names(&removal.untagged), removal.deleted),
            (vec!["localhost/a:1".into()], None)
        );
        let removal = remove(&store, "b:1", false).unwrap();
        assert_eq!(removal.deleted, Some(one.id));
        assert!(removal.left_over.is_none());
        assert!(store.names(Kind::Blobs).unwrap().is_empty());
        assert!(matches!(
            remove(&store, "b:1", false),
            Err(RemoveError::Find(FindError::Missing(_)))
        ));
    }

    #[test]
    fn by_id_several_names_need_force() {
        let (_parent, store) = store();
        let one = image(&store, "1", &["localhost/a:1", "localhost/b:1"]);
        let id = one.id.hex();
        assert!(matches!(
            remove(&store, &id[..12], false),
            Err(RemoveError::SeveralNames { .. })
        ));
        let removal = remove(&store, &id[..12], true).unwrap();
        assert_eq!((removal.untagged.len(), removal.deleted), (2, Some(one.id)));
        assert!(store.tags().unwrap().is_empty());
    }

    #[test]
    fn an_image_in_use_stays() {
        let (_parent, store) = store();
        let one = image(&store, "1", &["localhost/a:1", "localhost/b:1"]);
        container(&store, &one);
        assert!(remove(&store, "a:1", false).unwrap().deleted.is_none());
        let error = remove(&store, "b:1", false).unwrap_err();
        assert!(matches!(error, RemoveError::InUse { .. }) && error.to_string().contains("container"));
        assert!(prune(&store, true, &mut |_| true).unwrap().removed.is_empty());
        assert_eq!(remove(&store, "b:1", true).unwrap().deleted, Some(one.id));
    }

    #[test]
    fn prune_takes_what_has_no_name_and_with_all_the_rest() {
        let (_parent, store) = store();
        image(&store, "1", &["localhost/a:1"]);
        let two = image(&store, "2", &[]);
        assert!(prune(&store, false, &mut |_| false).unwrap().removed.is_empty());
        let held = store.try_lock(Kind::Images, &two.id.hex(), Hold::Shared).unwrap();
        assert!(prune(&store, false, &mut |_| true).unwrap().removed.is_empty());
        drop(held);
        assert_eq!(
            prune(&store, false, &mut |_| true).unwrap().removed[0].deleted,
            Some(two.id)
        );
        assert_eq!(prune(&store, true, &mut |_| true).unwrap().removed.len(), 1);
        assert!(store.names(Kind::Images).unwrap().is_empty());
    }

    #[test]
    fn removing_at_once_and_again_loses_nothing_else() {
        let (_parent, store) = store();
        let kept = image(&store, "9", &["localhost/kept:1"]);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let store = &store;
                scope.spawn(move || {
                    for _ in 0..20 {
                        image(store, "1", &["localhost/a:1"]);
                        match remove(store, "a:1", thread % 2 == 0) {
                            Ok(_) | Err(RemoveError::Find(FindError::Missing(_))) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
        });
        assert_eq!(find(&store, "kept:1").unwrap().image, kept);
        let left = prune(&store, true, &mut |_| true).unwrap();
        assert!(left.left_over.is_none());
        assert!(store.names(Kind::Blobs).unwrap().is_empty());
    }
}
