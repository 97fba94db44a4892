//! `mkimg`: writes images without any container tool, honest ones and ones that lie.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::tar::{self, Entry};

/// How a layer or a whole archive is packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
    Xz,
    Bzip2,
}

/// What an image is written as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A directory with `oci-layout`, `index.json` and `blobs/`.
    OciLayout,
    /// The same in a tar.
    OciArchive,
    /// What `docker save` wrote for ten years: `manifest.json` and plain layers.
    DockerArchive,
}

type Edit = Box<dyn Fn(&mut Value)>;

/// An image to be written. Without edits it is a valid one for this machine.
pub struct Image {
    layers: Vec<(Vec<u8>, Compression)>,
    config: Value,
    names: Vec<String>,
    edits: BTreeMap<Document, Vec<Edit>>,
    blobs: BTreeMap<String, Option<Vec<u8>>>,
}

/// The documents that a test may falsify.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Document {
    Config,
    Manifest,
    Index,
    /// `manifest.json` of a docker-archive.
    DockerManifest,
}

impl Image {
    pub fn new() -> Self {
        Self {
            layers: Vec::new(),
            config: json!({
                "created": "2024-01-02T03:04:05Z",
                "architecture": architecture(),
                "os": "linux",
                "config": { "Env": ["PATH=/bin:/usr/bin:/sbin:/usr/sbin"] },
            }),
            names: Vec::new(),
            edits: BTreeMap::new(),
            blobs: BTreeMap::new(),
        }
    }

    /// An image of busybox: all its applets, `root` and `nobody`, `sh` as the command.
    pub fn busybox() -> Self {
        Self::new()
            .layer(&busybox_entries())
            .configure(json!({ "Cmd": ["sh"] }))
            .name("localhost/busybox:latest")
    }

    pub fn layer(self, entries: &[Entry]) -> Self {
        self.raw_layer(tar::archive(entries), Compression::None)
    }

    pub fn compressed_layer(self, entries: &[Entry], compression: Compression) -> Self {
        self.raw_layer(tar::archive(entries), compression)
    }

    /// A layer of any bytes, packed as said; `tar` is what its diff id is computed from.
    pub fn raw_layer(mut self, tar: Vec<u8>, compression: Compression) -> Self {
        self.layers.push((tar, compression));
        self
    }

    /// Sets members of the config's `config` object.
    pub fn configure(mut self, members: Value) -> Self {
        for (key, value) in members.as_object().expect("an object") {
            self.config["config"][key] = value.clone();
        }
        self
    }

    pub fn name(mut self, name: &str) -> Self {
        self.names.push(name.to_string());
        self
    }

    /// Changes a document before it is written; what refers to it refers to the changed bytes.
    pub fn edit(mut self, document: Document, edit: impl Fn(&mut Value) + 'static) -> Self {
        self.edits.entry(document).or_default().push(Box::new(edit));
        self
    }

    /// Puts a blob under a name of the test's choice, or over one that is there.
    pub fn blob(mut self, hex: &str, bytes: &[u8]) -> Self {
        self.blobs.insert(hex.to_string(), Some(bytes.to_vec()));
        self
    }

    /// Leaves a blob out.
    pub fn without_blob(mut self, hex: &str) -> Self {
        self.blobs.insert(hex.to_string(), None);
        self
    }

    pub fn diff_ids(&self) -> Vec<String> {
        self.layers.iter().map(|(tar, _)| digest(tar)).collect()
    }

    /// The digest of the config's bytes: the image's id.
    pub fn id(&self) -> String {
        digest(&self.config_bytes())
    }

    /// The digest of a layer as packed.
    pub fn layer_digest(&self, index: usize) -> String {
        let (tar, compression) = &self.layers[index];
        digest(&compress(tar, *compression))
    }

    /// Writes the image to `path`: a directory or a file, by format.
    pub fn write(&self, path: &Path, format: Format) {
        let files = match format {
            Format::DockerArchive => self.docker_files(),
            Format::OciLayout | Format::OciArchive => self.oci_files(),
        };
        if format == Format::OciLayout {
            for (name, bytes) in &files {
                let file = path.join(name);
                fs::create_dir_all(file.parent().expect("below the layout"))
                    .expect("make the layout's directories");
                fs::write(file, bytes).expect("write a file of the layout");
            }
            return;
        }
        let mut entries = Vec::new();
        let mut directories = BTreeSet::new();
        for (name, bytes) in &files {
            // Directories first: older tools, as an ordinary user, refuse an archive that only implies them.
            for (end, _) in name.match_indices('/') {
                if directories.insert(&name[..=end]) {
                    entries.push(Entry::directory(&name[..=end]));
                }
            }
            entries.push(Entry::file(name, bytes));
        }
        fs::write(path, tar::archive(&entries)).expect("write the archive");
    }

    fn edited(&self, document: Document, mut value: Value) -> Vec<u8> {
        for edit in self.edits.get(&document).into_iter().flatten() {
            edit(&mut value);
        }
        serde_json::to_vec(&value).expect("a document is JSON")
    }

    fn config_bytes(&self) -> Vec<u8> {
        let mut config = self.config.clone();
        config["rootfs"] = json!({ "type": "layers", "diff_ids": self.diff_ids() });
        config["history"] = self
            .layers
            .iter()
            .map(|_| json!({ "created": config["created"], "created_by": "mkimg" }))
            .collect();
        self.edited(Document::Config, config)
    }

    fn oci_files(&self) -> Vec<(String, Vec<u8>)> {
        let mut blobs = BTreeMap::new();
        let mut layers = Vec::new();
        for (tar, compression) in &self.layers {
            let packed = compress(tar, *compression);
            layers.push(descriptor(layer_type(*compression), &packed));
            blobs.insert(hex(&packed), packed);
        }
        let config = self.config_bytes();
        let manifest = self.edited(
            Document::Manifest,
            json!({
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
                "layers": layers,
            }),
        );
        let mut manifests = Vec::new();
        for name in self
            .names
            .iter()
            .map(Some)
            .chain(self.names.is_empty().then_some(None))
        {
            let mut entry = descriptor("application/vnd.oci.image.manifest.v1+json", &manifest);
            if let Some(name) = name {
                entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
            }
            manifests.push(entry);
        }
        let index = self.edited(
            Document::Index,
            json!({
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.index.v1+json",
                "manifests": manifests,
            }),
        );
        blobs.insert(hex(&config), config);
        blobs.insert(hex(&manifest), manifest);
        for (name, bytes) in &self.blobs {
            match bytes {
                Some(bytes) => blobs.insert(name.clone(), bytes.clone()),
                None => blobs.remove(name),
            };
        }
        let mut files = vec![
            (
                "oci-layout".to_string(),
                br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
            ),
            ("index.json".to_string(), index),
        ];
        files.extend(
            blobs
                .into_iter()
                .map(|(name, bytes)| (format!("blobs/sha256/{name}"), bytes)),
        );
        files
    }

    fn docker_files(&self) -> Vec<(String, Vec<u8>)> {
        let config = self.config_bytes();
        let mut files = Vec::new();
        let mut layers = Vec::new();
        for (index, (tar, compression)) in self.layers.iter().enumerate() {
            let name = format!("{index:03}-{}/layer.tar", &hex(tar)[..12]);
            layers.push(name.clone());
            files.push((name, compress(tar, *compression)));
        }
        let config_name = format!("{}.json", hex(&config));
        let manifest = self.edited(
            Document::DockerManifest,
            json!([{ "Config": config_name, "RepoTags": self.names, "Layers": layers }]),
        );
        files.push((config_name, config));
        files.push(("manifest.json".to_string(), manifest));
        files
    }
}

/// This machine's, as images name it.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// The entries of the busybox image's one layer.
pub fn busybox_entries() -> Vec<Entry> {
    let program = ["/bin/busybox", "/usr/bin/busybox"]
        .iter()
        .find_map(|path| fs::read(path).ok())
        .expect("busybox is installed (Debian: busybox-static)");
    let listed = Command::new("busybox")
        .arg("--list")
        .output()
        .expect("busybox runs");
    let mut entries = vec![Entry::directory("bin/"), Entry::program("bin/busybox", program)];
    for applet in String::from_utf8(listed.stdout)
        .expect("applet names are ASCII")
        .lines()
    {
        if applet != "busybox" {
            entries.push(Entry::symlink(format!("bin/{applet}"), "busybox"));
        }
    }
    entries.extend([
        Entry::directory("etc/"),
        Entry::file(
            "etc/passwd",
            "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
        ),
        Entry::file("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
        Entry::directory("root/").mode(0o700),
        Entry::directory("tmp/").mode(0o1777),
    ]);
    entries
}

pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}

pub fn compress(bytes: &[u8], compression: Compression) -> Vec<u8> {
    match compression {
        Compression::None => bytes.to_vec(),
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).expect("memory");
            encoder.finish().expect("memory")
        }
        Compression::Zstd => zstd::encode_all(bytes, 1).expect("memory"),
        Compression::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(bytes).expect("memory");
            encoder.finish().expect("memory")
        }
        Compression::Xz => filter(&["xz", "-1", "-c"], bytes),
    }
}

/// Pipes bytes through a program.
fn filter(command: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new(command[0])
        .args(&command[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{} is installed: {error}", command[0]));
    let mut input = child.stdin.take().expect("piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(bytes).expect("the program reads its input"));
        child.wait_with_output().expect("the program ends")
    });
    assert!(output.status.success(), "{} failed", command[0]);
    output.stdout
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
}

fn layer_type(compression: Compression) -> &'static str {
    match compression {
        Compression::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
        Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        Compression::None | Compression::Xz | Compression::Bzip2 => "application/vnd.oci.image.layer.v1.tar",
    }
}
