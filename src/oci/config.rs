//! Image configurations, of OCI image-spec 1.1 and of Docker, whose names OCI took over.

use std::collections::BTreeMap;

use serde::de::Deserializer;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::image::{CONFIG_LIMIT, DocumentError, LAYERS_LIMIT, Platform, invalid, nullable, parse_json};
use crate::base::digest::Digest;

/// An image configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImageConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub architecture: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub os: String,
    #[serde(rename = "os.version", default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub config: ContainerConfig,
    #[serde(default, deserialize_with = "nullable")]
    pub rootfs: RootFs,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub history: Vec<History>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ImageConfig {
    /// Reads an image configuration.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        const WHAT: &str = "image configuration";
        if bytes.len() as u64 > CONFIG_LIMIT {
            return Err(DocumentError::TooLong {
                what: WHAT,
                limit: CONFIG_LIMIT,
            });
        }
        let config: Self = parse_json(WHAT, bytes)?;
        if !matches!(config.rootfs.kind.as_str(), "layers" | "") {
            return Err(invalid(
                WHAT,
                format!("root file system of type {:?}", config.rootfs.kind),
            ));
        }
        if config.rootfs.diff_ids.len() > LAYERS_LIMIT {
            return Err(invalid(WHAT, format!("more than {LAYERS_LIMIT} layers")));
        }
        Ok(config)
    }

    /// The platform the image is for.
    pub fn platform(&self) -> Platform {
        Platform {
            architecture: self.architecture.clone(),
            os: self.os.clone(),
            os_version: self.os_version.clone(),
            variant: self.variant.clone(),
            extra: Map::new(),
        }
    }
}

/// How a container of an image is to be run. The names are Docker's, which OCI took over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerConfig {
    #[serde(
        default,
        skip_serializing_if = "String::is_empty",
        deserialize_with = "nullable"
    )]
    pub user: String,
    #[serde(
        default,
        skip_serializing_if = "Keys::is_empty",
        deserialize_with = "nullable"
    )]
    pub exposed_ports: Keys,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub env: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "words")]
    pub entrypoint: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "words")]
    pub cmd: Option<Vec<String>>,
    #[serde(
        default,
        skip_serializing_if = "Keys::is_empty",
        deserialize_with = "nullable"
    )]
    pub volumes: Keys,
    #[serde(
        default,
        skip_serializing_if = "String::is_empty",
        deserialize_with = "nullable"
    )]
    pub working_dir: String,
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "nullable"
    )]
    pub labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "words")]
    pub shell: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub on_build: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args_escaped: Option<bool>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A command that tells whether a container is well; durations in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Healthcheck {
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub test: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_period: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_interval: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<i64>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The layers, bottom first, by the digests of their uncompressed archives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RootFs {
    #[serde(rename = "type", default, deserialize_with = "nullable")]
    pub kind: String,
    #[serde(default, deserialize_with = "nullable")]
    pub diff_ids: Vec<Digest>,
}

impl Default for RootFs {
    fn default() -> Self {
        Self {
            kind: "layers".into(),
            diff_ids: Vec::new(),
        }
    }
}

/// One step of how an image was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    #[serde(
        default,
        skip_serializing_if = "std::ops::Not::not",
        deserialize_with = "nullable"
    )]
    pub empty_layer: bool,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A set of names, which JSON writes as an object with empty values: `{"80/tcp": {}}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keys(pub Vec<String>);

impl Keys {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds `key` unless it is there.
    pub fn insert(&mut self, key: &str) {
        if !self.0.iter().any(|known| known == key) {
            self.0.push(key.to_owned());
        }
    }
}

impl Serialize for Keys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sorted: Vec<&String> = self.0.iter().collect();
        sorted.sort();
        serializer.collect_map(sorted.into_iter().map(|key| (key, Value::Object(Map::new()))))
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = BTreeMap::<String, serde::de::IgnoredAny>::deserialize(deserializer)?;
        Ok(Self(map.into_keys().collect()))
    }
}

/// A command: a list of words, or one word as some old images have it.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        One(String),
        Many(Vec<String>),
    }
    Ok(Option::deserialize(deserializer)?.map(|words| match words {
        Words::One(word) => vec![word],
        Words::Many(words) => words,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_keep_every_field() {
        let text = r#"{"architecture":"amd64","os":"linux","docker_version":"1","config":{"User":"a","ExposedPorts":{"80/tcp":{}},"Env":["A=b"],"Entrypoint":["/x"],"Cmd":["y"],"Volumes":{"/v":{}},"WorkingDir":"/w","Labels":{"l":"m"},"StopSignal":"9","Healthcheck":{"Test":["NONE"],"Interval":5},"Shell":["s"],"OnBuild":["RUN x"],"ArgsEscaped":true,"Memory":7},"rootfs":{"type":"layers","diff_ids":[]},"history":[{"created_by":"x","empty_layer":true,"y":1}],"moby.buildkit.x":"z"}"#;
        let config = ImageConfig::parse(text.as_bytes()).unwrap();
        let printed = serde_json::to_value(&config).unwrap();
        assert_eq!(printed, serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn nulls_and_old_spellings() {
        let text = r#"{"config":{"Cmd":null,"Env":null,"Entrypoint":"/one word","Volumes":null,"Labels":null,"Healthcheck":null},"history":null,"rootfs":null}"#;
        let config = ImageConfig::parse(text.as_bytes()).unwrap();
        assert_eq!(config.config.entrypoint, Some(vec!["/one word".into()]));
        assert_eq!(config.config.cmd, None);
        assert!(ImageConfig::parse(br#"{"config":null}"#).is_ok());
        assert!(ImageConfig::parse(br#"{"rootfs":{"type":"squash"}}"#).is_err());
        assert!(ImageConfig::parse(br#"{"config":{"Env":"A=b"}}"#).is_err());
    }

    #[test]
    fn deep_configurations_are_refused() {
        let config = format!(r#"{{"x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(ImageConfig::parse(config.as_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn parsing_never_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = ImageConfig::parse(&bytes);
        }
    }
}
