//! Images made up for tests.

use crate::base::digest::Digest;
use crate::oci::config::ContainerConfig;
use crate::store::container::{Config, Container, Root, VERSION as CONTAINER};
use crate::store::images::{Image, ManifestRecord, VERSION};
use crate::store::{Kind, Store};

/// A new store, which lives as long as its parent directory.
pub fn store() -> (tempfile::TempDir, Store) {
    let parent = tempfile::tempdir().unwrap();
    let store = Store::open(&parent.path().join("store")).unwrap();
    (parent, store)
}

/// Publishes an image without layers that differs from others by `seed`.
pub fn image(store: &Store, seed: &str, tags: &[&str]) -> Image {
    let config = format!(r#"{{"architecture":"amd64","os":"linux","author":"{seed}"}}"#);
    let manifest = format!("manifest of {seed}");
    let image = Image {
        version: VERSION,
        id: Digest::of(config.as_bytes()),
        created: Some(format!("2020-01-0{seed}T00:00:00Z")),
        stored: crate::base::time::now(),
        architecture: "amd64".into(),
        os: "linux".into(),
        variant: None,
        config: ContainerConfig::default(),
        layers: Vec::new(),
        fix_up: None,
        lent: None,
        manifests: vec![ManifestRecord {
            digest: Digest::of(manifest.as_bytes()),
            media_type: String::new(),
            size: manifest.len() as u64,
        }],
        repo_digests: Vec::new(),
        list: None,
        known_as: Vec::new(),
        stands_for: None,
        is_elsewhere: false,
        extra: serde_json::Map::new(),
    };
    let held = store
        .publish_image(&image, &[config.as_bytes(), manifest.as_bytes()])
        .unwrap();
    for tag in tags {
        store.set_tag(tag, &image.id.hex()).unwrap();
    }
    drop(held);
    image
}

/// A container of an image, published without anything else in it.
pub fn container(store: &Store, image: &Image) {
    let staging = store.stage(None).unwrap();
    let id = staging.name().to_owned();
    let container = Container {
        version: CONTAINER,
        id: id.clone(),
        name: "user".into(),
        created: crate::base::time::now(),
        root: Root::Image {
            id: image.id.hex(),
            name: String::new(),
            digest: None,
            lowers: image.lowers(),
            data: image.data(),
        },
        config: Config::default(),
        first: None,
        create_command: Vec::new(),
        extra: serde_json::Map::new(),
    };
    store.write_container(staging.directory(), &container).unwrap();
    staging.publish(Kind::Containers, &id).unwrap();
}
