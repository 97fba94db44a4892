//! Which local image is meant by what the user typed.
//!
//! In this order: a digest or a full id; a name as it stands, a short one first of `localhost` and then of Docker
//! Hub; the beginning of an id; at last, for a short name, the one image of another registry whose name ends so.

use super::embedded::HELLO;
use super::lists::{self, Chosen};
use super::platform;
use super::reference::{Reference, ReferenceError};
use crate::base::digest::Digest;
use crate::base::id;
use crate::oci::image::Platform;
use crate::store::images::Image;
use crate::store::{Kind, Store, StoreError};

/// A local image.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub image: Image,
    /// The name by which it was found, if it was by one.
    pub name: Option<Reference>,
}

/// Why no image was found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error("{0}: image not known")]
    Missing(String),
    #[error("{text} may be any of {}: give more of its name or id", candidates.join(", "))]
    Ambiguous { text: String, candidates: Vec<String> },
    #[error("the list {list} has no image for {platform} here: pull the one that is meant")]
    NoMember { list: String, platform: String },
    // In Docker's words, which scripts look for.
    #[error(
        "image with reference {text} was found but does not provide the specified platform ({wanted}): it is for {have}"
    )]
    OtherPlatform {
        text: String,
        wanted: String,
        have: String,
    },
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The image that `text` means: a name, an id or its beginning, or a name with a digest. Of a list of manifests it is
/// the member for this machine.
pub fn find(store: &Store, text: &str) -> Result<Found, FindError> {
    find_for(store, text, &platform::host())
}

/// The same where it has to be for a platform, if one is given.
pub fn find_on(store: &Store, text: &str, wanted: Option<&Platform>) -> Result<Found, FindError> {
    let Some(wanted) = wanted else {
        return find(store, text);
    };
    let found = find_for(store, text, wanted)?;
    let have = found.image.platform();
    match platform::satisfies(&have, wanted) {
        true => Ok(found),
        false => Err(FindError::OtherPlatform {
            text: text.into(),
            wanted: platform::display(wanted),
            have: platform::display(&have),
        }),
    }
}

/// The same where of a list the member for another platform is meant.
pub fn find_for(store: &Store, text: &str, wanted: &Platform) -> Result<Found, FindError> {
    let found = find_any(store, text)?;
    if found.image.list.is_none() {
        return Ok(found);
    }
    match lists::choose(store, &found.image, wanted)? {
        Some(Chosen::Here(image)) => Ok(Found {
            image: *image,
            name: found.name,
        }),
        _ => Err(FindError::NoMember {
            list: text.into(),
            platform: platform::display(wanted),
        }),
    }
}

/// The image that `text` is a name of in our own store: what stores of others have changes nothing about it.
pub fn find_own(store: &Store, text: &str) -> Option<Found> {
    let reference: Reference = text.parse().ok()?;
    let is_id = text.starts_with("sha256:") || text.len() == 64 && id::is_prefix(text);
    let is_name = reference.digest().is_none() && !is_id;
    let mut names = reference.candidates().into_iter().filter(|_| is_name);
    names.find_map(|name| {
        let image = tagged(store, store, &name).ok()??;
        let name = Some(name);
        Some(Found { image, name })
    })
}

/// The same, with a list of manifests as it is.
pub fn find_any(store: &Store, text: &str) -> Result<Found, FindError> {
    if let Some(prefix) = text.strip_prefix("sha256:") {
        return by_id(store, text, prefix);
    }
    if text.len() == 64 && id::is_prefix(text) {
        return by_id(store, text, text);
    }
    let reference: Reference = text.parse()?;
    if let Some(digest) = reference.digest() {
        return by_digest(store, text, &reference, &digest);
    }
    for tags in std::iter::once(store).chain(store.shared.iter()) {
        for name in reference.candidates() {
            if let Some(image) = tagged(store, tags, &name)? {
                return Ok(Found {
                    image,
                    name: Some(name),
                });
            }
        }
    }
    if id::is_prefix(text) {
        match by_id(store, text, text) {
            Err(FindError::Missing(_)) => {}
            result => return result,
        }
    }
    by_ending(store, text, &reference)
}

/// The image that a full name is a tag of in the store `tags`, ours or a shared one. A tag whose image is gone counts as
/// none.
fn tagged(store: &Store, tags: &Store, name: &Reference) -> Result<Option<Image>, StoreError> {
    match tags.own_tag(&name.to_string())? {
        Some(id) => store.image(&id),
        None => Ok(None),
    }
}

fn by_id(store: &Store, text: &str, prefix: &str) -> Result<Found, FindError> {
    let missing = || FindError::Missing(text.into());
    if !id::is_prefix(prefix) {
        return Err(missing());
    }
    let ids = if prefix.len() == 64 {
        vec![prefix.to_owned()]
    } else {
        let mut ids = store.names(Kind::Images)?;
        for shared in store.shared.iter() {
            ids.extend(shared.names(Kind::Images)?);
        }
        ids.retain(|id| id.starts_with(prefix));
        ids.sort();
        ids.dedup();
        ids
    };
    if ids.len() > 1 {
        return Err(FindError::Ambiguous {
            text: text.into(),
            candidates: ids.iter().map(|id| id[..16].to_owned()).collect(),
        });
    }
    let image = store.image(ids.first().ok_or_else(missing)?)?;
    Ok(Found {
        image: image.ok_or_else(missing)?,
        name: None,
    })
}

/// `name@digest`: the image must have come by that manifest, and under that name or be called so now.
fn by_digest(store: &Store, text: &str, reference: &Reference, digest: &Digest) -> Result<Found, FindError> {
    let (images, _damaged) = store.images()?;
    let tags = store.tags()?;
    let names: Vec<String> = reference.candidates().iter().map(Reference::name).collect();
    for image in images {
        if !image.manifests.iter().any(|manifest| manifest.digest == *digest) {
            continue;
        }
        let id = image.id.hex();
        let tagged = tags.iter().filter(|tag| tag.image == id);
        let tagged = tagged
            .filter_map(|tag| tag.reference.parse::<Reference>().ok())
            .map(|tag| tag.name());
        let pulled = image
            .repo_digests
            .iter()
            .filter_map(|name| Some(name.split_once('@')?.0.to_owned()));
        if tagged.chain(pulled).any(|name| names.contains(&name)) {
            return Ok(Found { image, name: None });
        }
    }
    Err(FindError::Missing(text.into()))
}

fn by_ending(store: &Store, text: &str, reference: &Reference) -> Result<Found, FindError> {
    let mut found: Vec<Found> = Vec::new();
    for tag in store.tags()? {
        let Ok(name) = tag.reference.parse::<Reference>() else {
            continue;
        };
        if reference.is_end_of(&name)
            && let Some(image) = store.image(&tag.image)?
        {
            found.push(Found {
                image,
                name: Some(name),
            });
        }
    }
    // What comes with this program gives way to everything of the user's.
    if found.len() > 1 {
        found.retain(|found| found.name.as_ref().is_none_or(|name| name.to_string() != HELLO));
    }
    if found.len() > 1 {
        return Err(FindError::Ambiguous {
            text: text.into(),
            candidates: found
                .iter()
                .filter_map(|found| Some(found.name.as_ref()?.to_string()))
                .collect(),
        });
    }
    found.pop().ok_or_else(|| FindError::Missing(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::testing::{image, store};

    #[test]
    fn names_ids_and_digests() {
        let (_parent, store) = store();
        let one = image(&store, "1", &["localhost/foo:latest"]);
        let two = image(
            &store,
            "2",
            &[
                "docker.io/library/foo:latest",
                "quay.io/project/bar:1",
                "quay.io/other/bar:2",
            ],
        );
        let three = image(
            &store,
            "3",
            &["quay.io/project/baz:latest", "docker.io/u/app:latest"],
        );
        let four = image(&store, "4", &["ghcr.io/x/baz:latest"]);
        let find = |text: &str| find(&store, text).map(|found| found.image.id);
        let digest = one.manifests[0].digest;
        for (text, expected) in [
            ("foo", &one),
            ("foo:latest", &one),
            ("localhost/foo", &one),
            ("docker.io/foo", &two),
            ("docker.io/library/foo", &two),
            ("bar:1", &two),
            ("other/bar:2", &two),
            ("u/app", &three),
            ("project/baz", &three),
            (&four.id.hex(), &four),
            (&four.id.hex()[..12], &four),
            (&format!("sha256:{}", &three.id.hex()[..6]), &three),
            (&three.id.to_string(), &three),
            (&format!("foo@{digest}"), &one),
            (&format!("localhost/foo:other@{digest}"), &one),
        ] {
            assert_eq!(find(text).unwrap(), expected.id, "{text}");
        }
        for text in [
            "none",
            "bar",
            "foo:1",
            "docker.io/project/baz",
            "sha256:",
            "sha256:../../x",
            &"0".repeat(64),
        ] {
            assert!(matches!(find(text), Err(FindError::Missing(_))), "{text}");
        }
        assert!(matches!(
            find(&format!("docker.io/foo@{digest}")),
            Err(FindError::Missing(_))
        ));
        assert!(matches!(find("baz"), Err(FindError::Ambiguous { .. })));
        assert!(matches!(find("FOO"), Err(FindError::Reference(_))));
        assert!(matches!(find(""), Err(FindError::Reference(_))));
    }

    #[test]
    fn a_tag_without_its_image_counts_as_none() {
        let (_parent, store) = store();
        let one = image(&store, "1", &["localhost/foo:latest"]);
        let two = image(&store, "2", &["docker.io/library/foo:latest"]);
        assert!(store.discard(Kind::Images, &one.id.hex()).unwrap());
        assert_eq!(find(&store, "foo").unwrap().image.id, two.id);
    }
}
