//! What `images` tells: every image with its names and who uses it.

use std::collections::HashMap;

use super::reference::Reference;
use crate::base::digest::Digest;
use crate::store::container::Root;
use crate::store::images::Image;
use crate::store::tags::Tag;
use crate::store::{Kind, Result, Store, StoreError};

/// One image and what surrounds it.
#[derive(Debug, Clone)]
pub struct Listed {
    pub image: Image,
    /// Sorted; an image without any is dangling.
    pub names: Vec<Reference>,
    /// How many containers are made of it.
    pub containers: usize,
    /// Bytes of layers that other images have, too.
    pub shared_size: u64,
    /// Another store shares it with us.
    pub read_only: bool,
}

/// All images, the newest first, and what is wrong with those that cannot be read.
#[derive(Debug, Default)]
pub struct Listing {
    pub images: Vec<Listed>,
    pub damaged: Vec<StoreError>,
}

impl Listed {
    pub fn is_dangling(&self) -> bool {
        self.names.is_empty()
    }

    /// Bytes that removing it alone would free.
    pub fn unique_size(&self) -> u64 {
        self.image.size().saturating_sub(self.shared_size)
    }

    /// `name@digest` for every name and manifest, and those that registries gave.
    pub fn repo_digests(&self) -> Vec<String> {
        repo_digests(&self.image, &self.names)
    }
}

/// See [`Listed::repo_digests`].
pub fn repo_digests(image: &Image, names: &[Reference]) -> Vec<String> {
    let mut digests = image.repo_digests.clone();
    for name in names {
        digests.extend(
            image
                .manifests
                .iter()
                .map(|manifest| format!("{}@{}", name.name(), manifest.digest)),
        );
    }
    digests.sort();
    digests.dedup();
    digests
}

/// Lists the images of a store.
pub fn list(store: &Store) -> Result<Listing> {
    let (images, damaged) = store.images()?;
    let mut names = names(store)?;
    let mut containers: HashMap<String, usize> = HashMap::new();
    for id in store.names(Kind::Containers)? {
        // One that is being removed, or is damaged, is told about by `ps`.
        if let Ok(container) = store.container(&id)
            && let Root::Image { id, .. } = container.root
        {
            *containers.entry(id).or_default() += 1;
        }
    }
    let mut uses: HashMap<Digest, usize> = HashMap::new();
    for image in &images {
        for layer in distinct_layers(image) {
            *uses.entry(layer).or_default() += 1;
        }
    }
    let shared = |image: &Image| {
        let layers = image.layers.iter().filter(|layer| uses[&layer.diff_id] > 1);
        layers.map(|layer| layer.size).sum()
    };
    let mut listed: Vec<Listed> = images
        .into_iter()
        .map(|image| {
            let id = image.id.hex();
            Listed {
                names: names.remove(&id).unwrap_or_default(),
                containers: containers.get(&id).copied().unwrap_or_default(),
                shared_size: shared(&image),
                read_only: store.is_read_only(&image),
                image,
            }
        })
        .collect();
    listed.sort_by(|one, other| {
        let key = |listed: &Listed| (listed.image.created.clone(), listed.image.id);
        key(other).cmp(&key(one))
    });
    Ok(Listing {
        images: listed,
        damaged,
    })
}

fn distinct_layers(image: &Image) -> std::collections::HashSet<Digest> {
    image.layers.iter().map(|layer| layer.diff_id).collect()
}

/// All names by image.
pub fn names(store: &Store) -> Result<HashMap<String, Vec<Reference>>> {
    Ok(by_image(store.tags()?))
}

fn by_image(tags: Vec<Tag>) -> HashMap<String, Vec<Reference>> {
    let mut names: HashMap<String, Vec<Reference>> = HashMap::new();
    for tag in tags {
        if let Ok(reference) = tag.reference.parse() {
            names.entry(tag.image).or_default().push(reference);
        }
    }
    names
}

/// The names of one image, sorted.
pub fn names_of(store: &Store, image: &Image) -> Result<Vec<Reference>> {
    Ok(names(store)?.remove(&image.id.hex()).unwrap_or_default())
}

/// The same without the names that other stores share with us.
pub fn own_names_of(store: &Store, image: &Image) -> Result<Vec<Reference>> {
    Ok(by_image(store.own_tags()?)
        .remove(&image.id.hex())
        .unwrap_or_default())
}

/// Whether a name fits what follows `images` or `--filter reference=`: a repository, with a tag or without, in which
/// `*`, `?` and `[a-z]` stand for parts of one component. A pattern without a domain fits names of any.
pub fn fits(pattern: &str, name: &Reference) -> bool {
    let tag = name.tag().unwrap_or_default();
    let mut forms = vec![name.name(), name.familiar_name(), name.path().to_owned()];
    // `foo` is the end of `quay.io/project/foo`, as it is when it names an image to run.
    forms.extend(
        name.path()
            .match_indices('/')
            .map(|(slash, _)| name.path()[slash + 1..].to_owned()),
    );
    forms.iter().any(|form| {
        matches(pattern.as_bytes(), form.as_bytes())
            || matches(pattern.as_bytes(), format!("{form}:{tag}").as_bytes())
    })
}

/// Shell patterns as Go's `path.Match` has them; a broken pattern fits nothing.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return text.is_empty();
    };
    match first {
        b'*' => {
            let end = text.iter().position(|byte| *byte == b'/').unwrap_or(text.len());
            (0..=end).any(|length| matches(rest, &text[length..]))
        }
        b'?' => text.first().is_some_and(|byte| *byte != b'/') && matches(rest, &text[1..]),
        b'[' => match (set(rest), text.split_first()) {
            (Some((set, rest)), Some((byte, text))) => {
                *byte != b'/' && set.contains(*byte) && matches(rest, text)
            }
            _ => false,
        },
        b'\\' => match rest.split_first() {
            Some((literal, rest)) => text.first() == Some(literal) && matches(rest, &text[1..]),
            None => false,
        },
        literal => text.first() == Some(literal) && matches(rest, &text[1..]),
    }
}

/// The bytes that a bracket expression stands for.
struct Set {
    ranges: Vec<(u8, u8)>,
    negated: bool,
}

impl Set {
    fn contains(&self, byte: u8) -> bool {
        self.ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&byte))
            != self.negated
    }
}

/// Reads what follows `[`, and gives what follows `]`.
fn set(pattern: &[u8]) -> Option<(Set, &[u8])> {
    let negated = pattern.first() == Some(&b'^');
    let mut rest = &pattern[usize::from(negated)..];
    let mut ranges = Vec::new();
    while *rest.first()? != b']' || ranges.is_empty() {
        let (low, after) = rest.split_first()?;
        if let [b'-', high, after @ ..] = after {
            ranges.push((*low, *high));
            rest = after;
        } else {
            ranges.push((*low, *low));
            rest = after;
        }
    }
    Some((Set { ranges, negated }, &rest[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::testing::{image, store};

    #[test]
    fn the_newest_comes_first_with_its_names() {
        let (_parent, store) = store();
        image(&store, "1", &[]);
        let two = image(&store, "2", &["quay.io/b:1", "docker.io/library/a:1"]);
        let listing = list(&store).unwrap();
        let ids: Vec<_> = listing.images.iter().map(|listed| listed.image.id).collect();
        assert_eq!(ids[0], two.id);
        let names: Vec<_> = listing.images[0].names.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["docker.io/library/a:1", "quay.io/b:1"]);
        assert!(listing.images[1].is_dangling() && listing.damaged.is_empty());
        let digest = two.manifests[0].digest;
        let expected = [
            format!("docker.io/library/a@{digest}"),
            format!("quay.io/b@{digest}"),
        ];
        assert_eq!(listing.images[0].repo_digests(), expected);
        assert_eq!(names_of(&store, &two).unwrap().len(), 2);
    }

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("foo", "quay.io/project/foo:1", true),
            ("foo:1", "quay.io/project/foo:1", true),
            ("foo:2", "quay.io/project/foo:1", false),
            ("project/foo", "quay.io/project/foo:1", true),
            ("quay.io/project/foo", "quay.io/project/foo:1", true),
            ("quay.io/*", "quay.io/project/foo:1", false),
            ("quay.io/*/*", "quay.io/project/foo:1", true),
            ("f*:?", "quay.io/project/foo:1", true),
            ("f[a-o]o", "docker.io/library/foo:1", true),
            ("f[^o]o", "docker.io/library/foo:1", false),
            ("f[", "docker.io/library/foo:1", false),
            ("library/foo", "docker.io/library/foo:1", true),
            ("oo", "docker.io/library/foo:1", false),
            ("", "docker.io/library/foo:1", false),
        ] {
            assert_eq!(
                fits(pattern, &name.parse().unwrap()),
                expected,
                "{pattern} {name}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn matching_never_panics(pattern in ".{0,20}", text in ".{0,20}") {
            matches(pattern.as_bytes(), text.as_bytes());
        }
    }
}
