//! Lists of manifests that are made here: their index, their members, and which of them a machine runs.
//!
//! The index is written anew with each change. It is OCI's unless its members say what only Docker's can hold, as
//! Podman decides; a list of nothing is Docker's, whose documents alone say what they are without a member.

use std::collections::BTreeMap;

use serde_json::json;

use super::find::{FindError, find_any};
use super::platform;
use super::reference::Reference;
use crate::base::digest::Digest;
use crate::base::{id, time};
use crate::oci::config::ContainerConfig;
use crate::oci::image::{Descriptor, DocumentError, Index, MANIFEST_LIMIT, Platform, media_type, parse_json};
use crate::store::images::{Image, ManifestRecord, VERSION};
use crate::store::lists::{List, ListFiles, Member};
use crate::store::{Store, StoreError};

/// Most members of a list.
pub const MEMBERS: usize = 500;

/// Why a list stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error(transparent)]
    Find(#[from] FindError),
    #[error("{0} is an image, not a list of manifests")]
    NotAList(String),
    #[error(
        "the name {name} is already in use by {what} {}: remove that first, or use --amend for a list",
        id::short(id)
    )]
    NameInUse {
        name: String,
        what: &'static str,
        id: String,
    },
    #[error("{member} is not in the list {list}")]
    NoSuchMember { list: String, member: String },
    #[error("a list holds {MEMBERS} manifests at most")]
    TooMany,
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A manifest that is to be in a list.
#[derive(Debug, Clone)]
pub struct Addition {
    /// As it stands in the index.
    pub descriptor: Descriptor,
    pub bytes: Vec<u8>,
    /// Where a registry has it.
    pub source: Option<Reference>,
    /// Blobs of it that come with the list.
    pub files: Vec<Digest>,
}

/// What is to be said of a member, or of a list itself. What is empty stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Annotation {
    pub architecture: Option<String>,
    pub os: Option<String>,
    pub os_version: Option<String>,
    pub variant: Option<String>,
    pub features: Vec<String>,
    pub os_features: Vec<String>,
    pub annotations: BTreeMap<String, String>,
}

impl Annotation {
    pub fn is_empty(&self) -> bool {
        let mut descriptor = Descriptor::new("", Digest::of(b""), 0);
        self.apply(&mut descriptor);
        descriptor.platform.is_none() && descriptor.annotations.is_empty()
    }

    /// Says it of a member.
    pub fn apply(&self, descriptor: &mut Descriptor) {
        let of_platform = [&self.architecture, &self.os, &self.os_version, &self.variant];
        if of_platform.into_iter().any(Option::is_some)
            || !self.features.is_empty()
            || !self.os_features.is_empty()
        {
            let platform = descriptor.platform.get_or_insert_default();
            if let Some(architecture) = &self.architecture {
                platform.architecture.clone_from(architecture);
                // A variant is one of its architecture.
                platform.variant = None;
            }
            if let Some(variant) = &self.variant {
                platform.variant = Some(variant.clone()).filter(|variant| !variant.is_empty());
            }
            if let Some(os) = &self.os {
                platform.os.clone_from(os);
            }
            if let Some(version) = &self.os_version {
                platform.os_version = Some(version.clone());
            }
            for (key, values) in [("features", &self.features), ("os.features", &self.os_features)] {
                if !values.is_empty() {
                    platform.extra.insert(key.into(), json!(values));
                }
            }
        }
        descriptor.annotations.extend(self.annotations.clone());
    }
}

/// The list that `text` means.
pub fn find_list(store: &Store, text: &str) -> Result<Image, ListError> {
    let image = find_any(store, text)?.image;
    match image.list {
        Some(_) => Ok(image),
        None => Err(ListError::NotAList(text.to_owned())),
    }
}

/// The index of a list as it is now.
pub fn index(store: &Store, list: &Image) -> Result<Index, StoreError> {
    let damaged = |reason: String| StoreError::Damaged {
        path: store.path_of(crate::store::Kind::Images, &list.id.hex()),
        reason,
    };
    let record = list.manifests.first();
    let record = record.ok_or_else(|| damaged("the list has no index".into()))?;
    let bytes = store.blob(&record.digest, MANIFEST_LIMIT)?;
    parse_json("image index", &bytes).map_err(|error| damaged(error.to_string()))
}

/// The bytes of an index, which says what kind it is.
pub fn serialized(index: &mut Index, kind: &str) -> Vec<u8> {
    index.media_type = Some(kind.to_owned());
    serde_json::to_vec(index).expect("an index of ours holds only what JSON can")
}

/// The kind of index that can say what is said of the members.
fn kind_of(index: &Index) -> &'static str {
    let of_oci = |descriptor: &Descriptor| {
        !descriptor.annotations.is_empty()
            || !descriptor.urls.is_empty()
            || descriptor.artifact_type.is_some()
            || descriptor.extra.contains_key("data")
    };
    let of_docker = |descriptor: &Descriptor| {
        let platform = descriptor.platform.as_ref();
        platform.is_some_and(|platform| platform.extra.contains_key("features"))
    };
    if !index.annotations.is_empty() || !index.extra.is_empty() || index.manifests.iter().any(of_oci) {
        media_type::OCI_INDEX
    } else if index.manifests.is_empty() || index.manifests.iter().any(of_docker) {
        media_type::DOCKER_LIST
    } else {
        media_type::OCI_INDEX
    }
}

/// Makes a list that holds `additions`, under a name that is free; with `amend` a list that has it is added to.
pub fn create(
    store: &Store,
    name: &Reference,
    additions: Vec<Addition>,
    annotations: BTreeMap<String, String>,
    amend: bool,
) -> Result<Digest, ListError> {
    let mut index = Index {
        annotations,
        ..Index::empty()
    };
    let mut image = empty();
    let mut blobs = insert(&mut image, &mut index, additions.clone())?;
    blobs.push(conclude(&mut image, &mut index));
    let contents: Vec<&[u8]> = blobs.iter().map(Vec::as_slice).collect();
    let held = store.publish_image(&image, &contents)?;
    let taken = store.set_free_tag(&name.to_string(), &image.id.hex());
    drop(held);
    if !matches!(taken, Ok(None)) {
        store.discard(crate::store::Kind::Images, &image.id.hex())?;
        store.sweep_unreachable()?;
    }
    let Some(other) = taken? else {
        return Ok(image.id);
    };
    let what = match store.image(&other)? {
        Some(known) if known.list.is_some() => "list",
        _ => "image",
    };
    if !amend || what != "list" {
        return Err(ListError::NameInUse {
            name: name.to_string(),
            what,
            id: other,
        });
    }
    change(store, &other, &name.to_string(), None, |image, listed| {
        listed.annotations.extend(index.annotations);
        insert(image, listed, additions)
    })
}

/// The record of a list of nothing.
fn empty() -> Image {
    Image {
        version: VERSION,
        id: Digest::from_hex(&id::random()).expect("an identifier has the digits of a digest"),
        created: Some(time::now()),
        stored: time::now(),
        architecture: String::new(),
        os: String::new(),
        variant: None,
        config: ContainerConfig::default(),
        layers: Vec::new(),
        fix_up: None,
        lent: None,
        manifests: Vec::new(),
        repo_digests: Vec::new(),
        list: Some(List::default()),
        known_as: Vec::new(),
        stands_for: None,
        is_elsewhere: false,
        extra: serde_json::Map::new(),
    }
}

/// Puts manifests into a list; one that is there already is said anew. Gives the documents to be kept.
fn insert(image: &mut Image, index: &mut Index, additions: Vec<Addition>) -> Result<Vec<Vec<u8>>, ListError> {
    let list = image.list.get_or_insert_default();
    let mut blobs = Vec::new();
    for addition in additions {
        let digest = addition.descriptor.digest;
        let member = Member {
            manifest: ManifestRecord {
                digest,
                media_type: addition.descriptor.media_type.clone(),
                size: addition.descriptor.size,
            },
            source: addition.source.map(|source| source.to_string()),
            files: addition.files,
        };
        replace(&mut list.members, member, |one| one.manifest.digest == digest);
        replace(&mut index.manifests, addition.descriptor, |one| {
            one.digest == digest
        });
        blobs.push(addition.bytes);
    }
    if index.manifests.len() > MEMBERS {
        return Err(ListError::TooMany);
    }
    Ok(blobs)
}

fn replace<T>(all: &mut Vec<T>, new: T, is_same: impl Fn(&T) -> bool) {
    match all.iter_mut().find(|one| is_same(one)) {
        Some(old) => *old = new,
        None => all.push(new),
    }
}

/// Writes the index, and records it.
fn conclude(image: &mut Image, index: &mut Index) -> Vec<u8> {
    let kind = kind_of(index);
    let bytes = serialized(index, kind);
    image.manifests = vec![ManifestRecord {
        digest: Digest::of(&bytes),
        media_type: kind.to_owned(),
        size: bytes.len() as u64,
    }];
    bytes
}

/// Changes the list `id`, which the user calls `text`, and gives its identifier.
fn change(
    store: &Store,
    id: &str,
    text: &str,
    files: Option<&ListFiles<'_>>,
    act: impl FnOnce(&mut Image, &mut Index) -> Result<Vec<Vec<u8>>, ListError>,
) -> Result<Digest, ListError> {
    let changed = store.change_list(id, files, |image| {
        let mut index = index(store, image)?;
        let mut blobs = act(image, &mut index)?;
        blobs.push(conclude(image, &mut index));
        Ok::<_, ListError>((image.id, blobs))
    })?;
    let id = changed.ok_or_else(|| FindError::Missing(text.to_owned()))?;
    // The index of before.
    store.sweep_unreachable()?;
    Ok(id)
}

/// Adds manifests to the list that `text` means, and gives its identifier.
pub fn add(
    store: &Store,
    text: &str,
    additions: Vec<Addition>,
    files: Option<&ListFiles<'_>>,
) -> Result<Digest, ListError> {
    let id = find_list(store, text)?.id.hex();
    change(store, &id, text, files, |image, index| {
        insert(image, index, additions)
    })
}

/// Says something of a member of the list that `text` means, or of the list itself.
pub fn annotate(
    store: &Store,
    text: &str,
    member: Option<&str>,
    annotation: &Annotation,
    subject: Option<Descriptor>,
) -> Result<Digest, ListError> {
    let id = find_list(store, text)?.id.hex();
    change(store, &id, text, None, |image, index| {
        match member {
            Some(member) => {
                let digest = member_of(store, image, text, member)?;
                let mut entries = index.manifests.iter_mut();
                let entry = entries.find(|entry| entry.digest == digest);
                annotation.apply(entry.ok_or_else(|| no_such_member(text, member))?);
            }
            None => index.annotations.extend(annotation.annotations.clone()),
        }
        if let Some(subject) = subject {
            let subject = serde_json::to_value(subject).expect("a descriptor is JSON");
            index.extra.insert("subject".into(), subject);
        }
        Ok(Vec::new())
    })
}

/// Takes members from the list that `text` means.
pub fn remove(store: &Store, text: &str, members: &[String]) -> Result<Digest, ListError> {
    let id = find_list(store, text)?.id.hex();
    change(store, &id, text, None, |image, index| {
        for member in members {
            let digest = member_of(store, image, text, member)?;
            index.manifests.retain(|entry| entry.digest != digest);
            let list = image.list.get_or_insert_default();
            list.members.retain(|known| known.manifest.digest != digest);
        }
        Ok(Vec::new())
    })
}

fn no_such_member(list: &str, member: &str) -> ListError {
    ListError::NoSuchMember {
        list: list.to_owned(),
        member: member.to_owned(),
    }
}

/// The member that a digest means, as Podman names them, or an image, as Docker does.
fn member_of(store: &Store, list: &Image, text: &str, member: &str) -> Result<Digest, ListError> {
    let members = list.list.as_ref().map(|list| list.members.as_slice());
    let members = members.unwrap_or_default();
    let has = |digest: &Digest| members.iter().any(|known| known.manifest.digest == *digest);
    let missing = || no_such_member(text, member);
    if let Ok(digest) = member.parse::<Digest>() {
        return has(&digest).then_some(digest).ok_or_else(missing);
    }
    let name = member.strip_prefix("docker://").unwrap_or(member);
    let reference: Reference = name.parse().map_err(FindError::from)?;
    if let Some(digest) = reference.digest() {
        return has(&digest).then_some(digest).ok_or_else(missing);
    }
    if let Ok(found) = find_any(store, name)
        && let Some(record) = found.image.manifests.iter().find(|record| has(&record.digest))
    {
        return Ok(record.digest);
    }
    let candidates = reference.candidates();
    let is_meant = |known: &&Member| {
        let source = known
            .source
            .as_deref()
            .and_then(|source| source.parse::<Reference>().ok());
        source.is_some_and(|source| {
            candidates
                .iter()
                .any(|name| name.name() == source.name() && name.tag() == source.tag())
        })
    };
    let mut found = members.iter().filter(is_meant);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only.manifest.digest),
        _ => Err(missing()),
    }
}

/// The member of a list that a machine runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Chosen {
    Here(Box<Image>),
    /// It is not here, and this is what a registry calls it.
    At(Reference),
}

/// The member of a list for a platform. `None`: there is none, or nobody knows where it is.
pub fn choose(store: &Store, list: &Image, wanted: &Platform) -> Result<Option<Chosen>, StoreError> {
    let index = index(store, list)?;
    let Some(entry) = platform::select(&index.manifests, wanted) else {
        return Ok(None);
    };
    if let Some(image) = image_of(store, &entry.digest)? {
        return Ok(Some(Chosen::Here(Box::new(image))));
    }
    let known = list.list.as_ref().and_then(|list| list.member(&entry.digest));
    let source = known.and_then(|member| member.source.as_deref()?.parse::<Reference>().ok());
    Ok(source.map(Chosen::At))
}

/// The image here that has a manifest.
pub fn image_of(store: &Store, manifest: &Digest) -> Result<Option<Image>, StoreError> {
    let (images, _damaged) = store.images()?;
    let mut images = images.into_iter();
    Ok(images
        .find(|image| image.list.is_none() && image.manifests.iter().any(|known| known.digest == *manifest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::testing::{image, store};

    fn addition(seed: &str, architecture: &str) -> Addition {
        let bytes = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","config":{{"digest":"{}","size":1}},"layers":[],"seed":"{seed}"}}"#,
            media_type::OCI_MANIFEST,
            Digest::of(b"config")
        )
        .into_bytes();
        let mut descriptor =
            Descriptor::new(media_type::OCI_MANIFEST, Digest::of(&bytes), bytes.len() as u64);
        descriptor.platform = platform::parse(architecture);
        let source = format!("reg.example/{seed}:1@{}", descriptor.digest);
        Addition {
            source: Some(source.parse().unwrap()),
            descriptor,
            bytes,
            files: Vec::new(),
        }
    }

    fn name() -> Reference {
        "localhost/list:1".parse().unwrap()
    }

    #[test]
    fn made_added_to_annotated_and_taken_from() {
        let (_parent, store) = store();
        let none = BTreeMap::new;
        let id = create(&store, &name(), Vec::new(), none(), false).unwrap();
        let list = find_list(&store, "list:1").unwrap();
        assert_eq!(
            (list.id, list.manifests[0].media_type.as_str()),
            (id, media_type::DOCKER_LIST)
        );
        let taken = create(&store, &name(), Vec::new(), none(), false);
        assert!(matches!(taken, Err(ListError::NameInUse { what: "list", .. })));
        let (one, two) = (addition("one", "amd64"), addition("two", "arm64"));
        let amended = create(&store, &name(), vec![one.clone()], none(), true).unwrap();
        assert_eq!(amended, id);
        assert_eq!(add(&store, "list:1", vec![two.clone()], None).unwrap(), id);
        let said = Annotation {
            os: Some("windows".into()),
            os_version: Some("10".into()),
            features: vec!["sse4".into()],
            ..Annotation::default()
        };
        annotate(&store, "list:1", Some("reg.example/two:1"), &said, None).unwrap();
        let list = find_list(&store, "list:1").unwrap();
        let index = self::index(&store, &list).unwrap();
        assert_eq!(index.manifests.len(), 2);
        let platform = serde_json::to_value(&index.manifests[1].platform).unwrap();
        assert_eq!(
            platform,
            json!({"architecture": "arm64", "os": "windows", "os.version": "10", "features": ["sse4"]})
        );
        assert_eq!(list.manifests[0].media_type, media_type::DOCKER_LIST);
        let digest = two.descriptor.digest.to_string();
        remove(&store, "list:1", std::slice::from_ref(&digest)).unwrap();
        let gone = remove(&store, "list:1", &[digest]);
        assert!(matches!(gone, Err(ListError::NoSuchMember { .. })));
        let list = find_list(&store, "list:1").unwrap();
        assert_eq!(list.manifests[0].media_type, media_type::OCI_INDEX);
        assert_eq!(list.list.unwrap().members.len(), 1);
        assert_eq!(store.names(crate::store::Kind::Blobs).unwrap().len(), 2);
    }

    #[test]
    fn an_image_is_no_list_and_keeps_its_name() {
        let (_parent, store) = store();
        image(&store, "1", &["localhost/list:1"]);
        assert!(matches!(find_list(&store, "list:1"), Err(ListError::NotAList(_))));
        for amend in [false, true] {
            let taken = create(&store, &name(), Vec::new(), BTreeMap::new(), amend);
            assert!(matches!(taken, Err(ListError::NameInUse { what: "image", .. })));
        }
        assert_eq!(store.names(crate::store::Kind::Images).unwrap().len(), 1);
        let many = (0..=MEMBERS).map(|number| addition(&format!("m{number}"), "amd64"));
        let other: Reference = "localhost/many:1".parse().unwrap();
        let refused = create(&store, &other, many.collect(), BTreeMap::new(), false);
        assert!(matches!(refused, Err(ListError::TooMany)));
    }

    #[test]
    fn a_machine_runs_the_member_for_it() {
        let (_parent, store) = store();
        let local = image(&store, "1", &[]);
        let mut here = addition("one", "amd64");
        here.descriptor.digest = local.manifests[0].digest;
        here.bytes = b"manifest of 1".to_vec();
        let there = addition("two", "arm64");
        create(&store, &name(), vec![here, there], BTreeMap::new(), false).unwrap();
        let list = find_list(&store, "list:1").unwrap();
        let choose = |text: &str| choose(&store, &list, &platform::parse(text).unwrap()).unwrap();
        assert_eq!(choose("amd64"), Some(Chosen::Here(Box::new(local))));
        assert!(
            matches!(choose("arm64"), Some(Chosen::At(at)) if at.path() == "two" && at.digest().is_some())
        );
        assert_eq!(choose("s390x"), None);
    }

    #[test]
    fn adding_at_once_loses_nothing() {
        let (_parent, store) = store();
        create(&store, &name(), Vec::new(), BTreeMap::new(), false).unwrap();
        std::thread::scope(|scope| {
            for number in 0..8 {
                let store = &store;
                scope.spawn(move || {
                    let new = vec![addition(&format!("m{number}"), "amd64")];
                    add(store, "list:1", new, None).unwrap();
                });
            }
        });
        let list = find_list(&store, "list:1").unwrap();
        assert_eq!(index(&store, &list).unwrap().manifests.len(), 8);
        assert!(store.unreachable().unwrap().is_empty());
    }
}
