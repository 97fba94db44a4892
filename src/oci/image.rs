//! Image documents: descriptors, manifests and indexes, of OCI image-spec 1.1 and of Docker's image manifest
//! version 2, schema 2. The configurations that they lead to are in `config`.
//!
//! The types keep fields they do not know in `extra`. Still, what came from outside is stored and passed on as
//! the bytes that came, never as a new rendering of these types: the digest covers the bytes.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::base::digest::Digest;

/// The longest manifest or index that is read.
pub const MANIFEST_LIMIT: u64 = 4 << 20;
/// The longest image configuration that is read.
pub const CONFIG_LIMIT: u64 = 8 << 20;
/// More layers than any kernel can stack (overlayfs takes 500 lower directories) are refused.
pub const LAYERS_LIMIT: usize = 500;

/// Media types, by the names that the specifications give them.
pub mod media_type {
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
    pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
    /// Docker's schema 1, with and without signatures, which is refused by name.
    pub const DOCKER_V1: [&str; 2] = [
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    ];

    /// Whether a blob of this type is a layer's tar archive, compressed or not. Layers that a registry does not
    /// hand out ("foreign", "nondistributable") count as well.
    pub fn is_layer(media_type: &str) -> bool {
        let suffixes = ["+gzip", "+zstd", ".gzip", ".zstd"];
        let base = suffixes.iter().find_map(|suffix| media_type.strip_suffix(suffix));
        let base = base.unwrap_or(media_type);
        matches!(
            base,
            OCI_LAYER
                | "application/vnd.oci.image.layer.nondistributable.v1.tar"
                | DOCKER_LAYER
                | "application/vnd.docker.image.rootfs.foreign.diff.tar"
        )
    }
}

/// A document that is not accepted as what it is said to be.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    #[error("{what} is longer than {limit} bytes")]
    TooLong { what: &'static str, limit: u64 },
    #[error("invalid {what}: {source}")]
    Json {
        what: &'static str,
        source: serde_json::Error,
    },
    #[error(
        "its manifest is of Docker's schema version 1, which is not supported: convert it, with skopeo copy --format v2s2 \
         for example, or ask whoever keeps it to push it again with a current tool"
    )]
    SchemaVersion1,
    #[error("ambiguous image manifest: it has the fields of an index and of a manifest (CVE-2021-41190)")]
    Ambiguous,
    #[error("image manifest has the media type {found}, but was announced as {expected}")]
    MediaType { found: String, expected: String },
    #[error("media type {0} is not that of a manifest or an index")]
    Unknown(String),
    #[error("invalid {what}: {problem}")]
    Invalid { what: &'static str, problem: String },
}

pub(super) fn invalid(what: &'static str, problem: impl Into<String>) -> DocumentError {
    DocumentError::Invalid {
        what,
        problem: problem.into(),
    }
}

/// A pointer to a blob.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    #[serde(default, deserialize_with = "nullable")]
    pub media_type: String,
    pub digest: Digest,
    pub size: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub urls: Vec<String>,
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "nullable"
    )]
    pub annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Descriptor {
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            urls: Vec::new(),
            annotations: BTreeMap::new(),
            platform: None,
            artifact_type: None,
            extra: Map::new(),
        }
    }
}

/// What machine an image is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Platform {
    #[serde(default, deserialize_with = "nullable")]
    pub architecture: String,
    #[serde(default, deserialize_with = "nullable")]
    pub os: String,
    #[serde(rename = "os.version", default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// An image manifest: one configuration and its layers, bottom first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    pub config: Descriptor,
    #[serde(default, deserialize_with = "nullable")]
    pub layers: Vec<Descriptor>,
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "nullable"
    )]
    pub annotations: BTreeMap<String, String>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Manifest {
    /// Everything that it names: the configuration and the layers.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        std::iter::once(&self.config).chain(&self.layers)
    }
}

/// An image index: manifests of one image for several platforms, or of several images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    pub schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub manifests: Vec<Descriptor>,
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "nullable"
    )]
    pub annotations: BTreeMap<String, String>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Index {
    /// An index of nothing.
    pub fn empty() -> Self {
        Self {
            schema_version: 2,
            media_type: Some(media_type::OCI_INDEX.into()),
            manifests: Vec::new(),
            annotations: BTreeMap::new(),
            extra: Map::new(),
        }
    }
}

/// What a descriptor of an image can point to.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    Manifest(Box<Manifest>),
    Index(Index),
}

impl Document {
    /// Reads a manifest or an index. `announced` is the media type under which a descriptor or a header gave it,
    /// empty if none did; a document that says otherwise of itself is refused.
    pub fn parse(bytes: &[u8], announced: &str) -> Result<Self, DocumentError> {
        const WHAT: &str = "image manifest";
        if bytes.len() as u64 > MANIFEST_LIMIT {
            return Err(DocumentError::TooLong {
                what: WHAT,
                limit: MANIFEST_LIMIT,
            });
        }
        let shape: Shape = parse_json(WHAT, bytes)?;
        let own = shape.media_type.as_deref().unwrap_or_default();
        refuse_schema_1(announced)?;
        refuse_schema_1(own)?;
        if shape.version_1 {
            return Err(DocumentError::SchemaVersion1);
        }
        if shape.version != Some(2) {
            return Err(invalid(WHAT, "its schema version is not 2"));
        }
        if shape.of_index && shape.of_manifest {
            return Err(DocumentError::Ambiguous);
        }
        if !announced.is_empty() && !own.is_empty() && announced != own {
            return Err(DocumentError::MediaType {
                found: own.to_owned(),
                expected: announced.to_owned(),
            });
        }
        let said = if own.is_empty() { announced } else { own };
        match (said, shape.of_index, shape.of_manifest) {
            ("", true, false) | (media_type::OCI_INDEX | media_type::DOCKER_LIST, _, false) => {
                Ok(Self::Index(parse_json("image index", bytes)?))
            }
            ("", false, true) | (media_type::OCI_MANIFEST | media_type::DOCKER_MANIFEST, false, _) => {
                let manifest: Box<Manifest> = parse_json(WHAT, bytes)?;
                if manifest.layers.len() > LAYERS_LIMIT {
                    return Err(invalid(WHAT, format!("more than {LAYERS_LIMIT} layers")));
                }
                Ok(Self::Manifest(manifest))
            }
            (
                media_type::OCI_INDEX
                | media_type::DOCKER_LIST
                | media_type::OCI_MANIFEST
                | media_type::DOCKER_MANIFEST,
                ..,
            ) => Err(DocumentError::Ambiguous),
            (other, ..) => Err(DocumentError::Unknown(other.chars().take(100).collect())),
        }
    }
}

/// Fails for a media type of Docker's schema 1.
pub fn refuse_schema_1(kind: &str) -> Result<(), DocumentError> {
    match media_type::DOCKER_V1.contains(&kind) {
        true => Err(DocumentError::SchemaVersion1),
        false => Ok(()),
    }
}

/// The keys by which a manifest and an index are told apart. Other readers compare keys without regard to case,
/// so a second reading that differs only in case is ambiguous as well.
struct Shape {
    media_type: Option<String>,
    of_index: bool,
    of_manifest: bool,
    version: Option<u64>,
    version_1: bool,
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Map::<String, Value>::deserialize(deserializer)?;
        let mut shape = Self {
            media_type: None,
            of_index: false,
            of_manifest: false,
            version: None,
            version_1: false,
        };
        for (key, value) in &fields {
            match key.to_ascii_lowercase().as_str() {
                "manifests" => shape.of_index = true,
                "layers" | "config" => shape.of_manifest = true,
                "schemaversion" => {
                    shape.version = value.as_u64();
                    shape.version_1 |= shape.version == Some(1);
                }
                "fslayers" | "history" | "signatures" => shape.version_1 = true,
                "mediatype" => shape.media_type = value.as_str().map(str::to_owned),
                _ => continue,
            }
        }
        Ok(shape)
    }
}

/// Go writes absent lists, maps and structures as null.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads one JSON document, with nothing but white space around it.
pub fn parse_json<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, DocumentError> {
    serde_json::from_slice(bytes).map_err(|source| DocumentError::Json { what, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn manifest(extra: &str) -> String {
        format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"x","digest":"{HEX}","size":2}},"layers":[]{extra}}}"#
        )
    }

    #[test]
    fn manifests_and_indexes_are_told_apart() {
        let index = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"digest":"{HEX}","size":1,"annotations":null}}]}}"#
        );
        for (text, announced, expected) in [
            (manifest(""), "", Some("manifest")),
            (manifest(""), media_type::OCI_MANIFEST, Some("manifest")),
            (manifest(""), media_type::DOCKER_MANIFEST, Some("manifest")),
            (manifest(""), media_type::OCI_INDEX, None),
            (manifest(""), "text/html", None),
            (manifest(r#","manifests":[]"#), "", None),
            (manifest(r#","Manifests":[]"#), media_type::OCI_MANIFEST, None),
            (manifest(r#","layers":[]"#), "", None),
            (
                manifest(&format!(r#","mediaType":"{}""#, media_type::DOCKER_MANIFEST)),
                media_type::OCI_MANIFEST,
                None,
            ),
            (
                manifest(&format!(r#","mediaType":"{}""#, media_type::OCI_INDEX)),
                "",
                None,
            ),
            (index.clone(), "", Some("index")),
            (index.clone(), media_type::DOCKER_LIST, Some("index")),
            (index.clone(), media_type::OCI_MANIFEST, None),
            (
                r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json"}"#.into(),
                "",
                Some("index"),
            ),
            (r#"{"schemaVersion":3,"manifests":[]}"#.into(), "", None),
            (r#"{"manifests":[]}"#.into(), "", None),
            ("[]".into(), "", None),
            (String::new(), "", None),
            (manifest("") + "x", "", None),
            (manifest("").replace("\"size\":2", "\"size\":-2"), "", None),
            (manifest("").replace(HEX, "sha256:../../x"), "", None),
        ] {
            let found = match Document::parse(text.as_bytes(), announced) {
                Ok(Document::Manifest(_)) => Some("manifest"),
                Ok(Document::Index(_)) => Some("index"),
                Err(_) => None,
            };
            assert_eq!(found, expected, "{text} as {announced}");
        }
    }

    #[test]
    fn schema_1_is_refused_by_name() {
        let text = r#"{"schemaVersion":1,"name":"x","fsLayers":[]}"#;
        for announced in ["", media_type::DOCKER_V1[1]] {
            let refused = Document::parse(text.as_bytes(), announced);
            assert!(matches!(refused, Err(DocumentError::SchemaVersion1)));
        }
    }

    #[test]
    fn long_and_deep_documents_are_refused() {
        let long = manifest("") + &" ".repeat(MANIFEST_LIMIT as usize);
        assert!(matches!(
            Document::parse(long.as_bytes(), ""),
            Err(DocumentError::TooLong { .. })
        ));
        let deep = manifest(&format!(r#","x":{}{}"#, "[".repeat(100_000), "]".repeat(100_000)));
        assert!(Document::parse(deep.as_bytes(), "").is_err());
        let layer = format!(r#"{{"digest":"{HEX}","size":1}}"#);
        let layers = vec![layer.as_str(); LAYERS_LIMIT + 1].join(",");
        let many = manifest("").replace("\"layers\":[]", &format!("\"layers\":[{layers}]"));
        assert!(Document::parse(many.as_bytes(), "").is_err());
    }

    #[test]
    fn layer_media_types() {
        for (name, expected) in [
            (media_type::OCI_LAYER, true),
            ("application/vnd.oci.image.layer.v1.tar+zstd", true),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", true),
            ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true),
            ("application/vnd.in-toto+json", false),
            ("", false),
        ] {
            assert_eq!(media_type::is_layer(name), expected, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn parsers_never_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = Document::parse(&bytes, "");
        }
    }
}
