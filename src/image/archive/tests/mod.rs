//! Whole archives, in and out: of our own making, of other tools, and of people who mean harm.

mod hostile;
mod interoperability;
mod round_trip;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::load::{Input, LoadOptions, load};
use super::save::{Format, Item, save_archive, save_directory};
use crate::base::digest::Digest;
use crate::image::find::find;
use crate::image::publish::Published;
use crate::store::{Kind, Store};

/// Names and contents.
type Members = Vec<(String, Vec<u8>)>;

/// A store and a place for files.
struct Fixture {
    directory: tempfile::TempDir,
    store: Store,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("store")).unwrap();
        Self { directory, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn load(&self, path: &Path) -> Result<Vec<Published>> {
        load(&self.store, Input::Path(path), &LoadOptions::default())
    }

    /// Loads by way of a pipe, as from standard input.
    fn load_piped(&self, content: Vec<u8>) -> Result<Vec<Published>> {
        let (reader, mut writer) = std::io::pipe().unwrap();
        std::thread::scope(|scope| {
            // The reader may have had enough before the end.
            scope.spawn(move || writer.write_all(&content));
            let file = std::fs::File::from(std::os::fd::OwnedFd::from(reader));
            load(&self.store, Input::File(file), &LoadOptions::default())
        })
    }

    fn item(&self, name: &str) -> Item {
        let found = find(&self.store, name).unwrap();
        Item {
            names: found.name.into_iter().collect(),
            image: found.image,
        }
    }

    fn save(&self, names: &[&str], format: Format, to: &str) -> PathBuf {
        let items: Vec<_> = names.iter().map(|name| self.item(name)).collect();
        let path = self.path(to);
        if format.is_directory() {
            save_directory(&self.store, &items, format, &path).unwrap();
        } else {
            let mut file = std::fs::File::create(&path).unwrap();
            save_archive(&self.store, &items, format, &mut file).unwrap();
        }
        path
    }

    /// Nothing is in the store and nothing is left half done.
    fn assert_empty(&self) {
        for kind in [
            Kind::Images,
            Kind::Layers,
            Kind::Blobs,
            Kind::Tags,
            Kind::Staging,
            Kind::Trash,
        ] {
            assert_eq!(self.store.names(kind).unwrap(), Vec::<String>::new(), "{kind:?}");
        }
    }

    fn assert_no_leftovers(&self) {
        for kind in [Kind::Staging, Kind::Trash] {
            assert_eq!(self.store.names(kind).unwrap(), Vec::<String>::new(), "{kind:?}");
        }
    }
}

/// A tar archive of files and links (`name -> target`).
fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_mtime(1);
        if let Some((name, target)) = name.split_once(" -> ") {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, name, target).unwrap();
        } else {
            header.set_size(content.len() as u64);
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            builder.append(&header, *content).unwrap();
        }
    }
    builder.into_inner().unwrap()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// An image of given layers, to be put into archives of all shapes.
struct Sample {
    layers: Vec<Vec<u8>>,
    config: Vec<u8>,
}

impl Sample {
    fn new(layers: &[Vec<u8>]) -> Self {
        let diff_ids: Vec<_> = layers.iter().map(|layer| Digest::of(layer)).collect();
        let history: Vec<_> = layers
            .iter()
            .map(|_| serde_json::json!({"created_by": "test"}))
            .collect();
        let config = serde_json::json!({
            "architecture": "amd64", "os": "linux", "created": "2020-01-01T00:00:00Z",
            "config": {"Cmd": ["/bin/true"], "Healthcheck": {"Test": ["NONE"]}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": history, "unknown": 1,
        });
        Self {
            layers: layers.to_vec(),
            config: serde_json::to_vec(&config).unwrap(),
        }
    }

    /// Two layers, the upper one of which changes a file of the lower.
    fn usual() -> Self {
        Self::new(&[
            tar(&[("bin/true", b"one"), ("etc/motd", b"hello")]),
            tar(&[("etc/motd", b"changed"), ("usr/.wh.share", b"")]),
        ])
    }

    fn id(&self) -> Digest {
        Digest::of(&self.config)
    }

    /// A docker-archive whose members are sorted by name, as in those that newer Dockers write: layers come before the
    /// list that names them.
    fn docker(&self, tags: &[&str]) -> Vec<u8> {
        let names: Vec<String> = (0..self.layers.len())
            .map(|number| format!("{number}/layer.tar"))
            .collect();
        let list = serde_json::json!([{"Config": "config.json", "RepoTags": tags, "Layers": names}]);
        let list = serde_json::to_vec(&list).unwrap();
        let mut members: Vec<(&str, &[u8])> = Vec::new();
        for (name, layer) in names.iter().zip(&self.layers) {
            members.push((name, layer));
        }
        members.push(("config.json", &self.config));
        members.push(("manifest.json", &list));
        tar(&members)
    }

    /// The members of an OCI layout, with layers passed through `compress`.
    fn layout(&self, name: &str, suffix: &str, compress: &dyn Fn(&[u8]) -> Vec<u8>) -> Members {
        let blob = |content: &[u8]| {
            (
                format!("blobs/sha256/{}", Digest::of(content).hex()),
                content.to_vec(),
            )
        };
        let descriptor = |kind: &str, content: &[u8]| serde_json::json!({"mediaType": kind, "digest": Digest::of(content), "size": content.len()});
        let layers: Vec<_> = self.layers.iter().map(|layer| compress(layer)).collect();
        let kind = format!("application/vnd.oci.image.layer.v1.tar{suffix}");
        let manifest = serde_json::to_vec(&serde_json::json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("application/vnd.oci.image.config.v1+json", &self.config),
            "layers": layers.iter().map(|layer| descriptor(&kind, layer)).collect::<Vec<_>>(),
        }))
        .unwrap();
        let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
        entry["annotations"] = serde_json::json!({"org.opencontainers.image.ref.name": name});
        let index =
            serde_json::to_vec(&serde_json::json!({"schemaVersion": 2, "manifests": [entry]})).unwrap();
        let mut members: Vec<_> = layers.iter().map(|layer| blob(layer)).collect();
        members.push(blob(&self.config));
        members.push(blob(&manifest));
        members.push(("index.json".into(), index));
        members.push(("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()));
        members
    }
}

fn tar_of(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let members: Vec<_> = members
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    tar(&members)
}
