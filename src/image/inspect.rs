//! What `image inspect` and `history` tell, in the fields of Docker and Podman.

use std::collections::BTreeMap;

use serde::Serialize;

use super::list::{names_of, repo_digests};
use super::reference::Reference;
use crate::base::digest::Digest;
use crate::oci::config::{ContainerConfig, Healthcheck, History, ImageConfig, Keys};
use crate::oci::image::{CONFIG_LIMIT, MANIFEST_LIMIT};
use crate::store::images::Image;
use crate::store::{Result, Store, StoreError};

/// Everything about an image.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inspected {
    pub id: Digest,
    pub digest: Option<Digest>,
    pub repo_tags: Vec<String>,
    pub repo_digests: Vec<String>,
    pub parent: String,
    pub comment: String,
    pub created: String,
    pub config: Config,
    pub version: String,
    pub docker_version: String,
    pub author: String,
    pub architecture: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    pub os: String,
    pub size: u64,
    pub virtual_size: u64,
    pub graph_driver: GraphDriver,
    #[serde(rename = "RootFS")]
    pub root_fs: RootFs,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub manifest_type: String,
    pub user: String,
    pub history: Vec<History>,
    pub names_history: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    pub metadata: Metadata,
}

/// The part of the configuration that containers take over; the fields that scripts ask for are always there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Config {
    pub hostname: String,
    pub user: String,
    #[serde(skip_serializing_if = "Keys::is_empty")]
    pub exposed_ports: Keys,
    pub env: Vec<String>,
    pub entrypoint: Option<Vec<String>>,
    pub cmd: Option<Vec<String>>,
    pub image: String,
    #[serde(serialize_with = "keys_or_null")]
    pub volumes: Keys,
    pub working_dir: String,
    pub on_build: Option<Vec<String>>,
    pub labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args_escaped: Option<bool>,
}

fn keys_or_null<S: serde::Serializer>(keys: &Keys, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    (!keys.is_empty()).then_some(keys).serialize(serializer)
}

/// Where the files are.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GraphDriver {
    pub name: &'static str,
    /// `UpperDir` and `LowerDir`, the latter a list with colons, uppermost first.
    pub data: BTreeMap<&'static str, String>,
}

/// The layers, bottom first.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RootFs {
    #[serde(rename = "Type")]
    pub kind: &'static str,
    pub layers: Vec<Digest>,
}

/// What only this store knows.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metadata {
    /// When the image came into the store.
    pub last_tag_time: String,
}

/// Reads the whole configuration of an image.
pub fn config(store: &Store, image: &Image) -> Result<ImageConfig> {
    let bytes = store.blob(&image.id, CONFIG_LIMIT)?;
    ImageConfig::parse(&bytes).map_err(|error| StoreError::Damaged {
        path: store.path_of(crate::store::Kind::Blobs, &image.id.hex()),
        reason: error.to_string(),
    })
}

/// Everything about an image, its names printed by `show`.
pub fn inspect(store: &Store, image: &Image, show: &dyn Fn(&Reference) -> String) -> Result<Inspected> {
    let config = config(store, image)?;
    let names = names_of(store, image)?;
    let text = |key: &str| {
        config
            .extra
            .get(key)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let manifest = image.manifests.first();
    let comment = match text("comment") {
        comment if comment.is_empty() => config
            .history
            .last()
            .and_then(|step| step.comment.clone())
            .unwrap_or_default(),
        comment => comment,
    };
    Ok(Inspected {
        id: image.id,
        digest: manifest.map(|manifest| manifest.digest),
        repo_tags: names.iter().map(show).collect(),
        repo_digests: repo_digests(image, &names),
        parent: text("parent"),
        comment,
        created: image.created.clone().unwrap_or_default(),
        version: text("docker_version"),
        docker_version: text("docker_version"),
        author: config.author.clone().unwrap_or_default(),
        architecture: image.architecture.clone(),
        variant: image.variant.clone(),
        os: image.os.clone(),
        size: image.size(),
        virtual_size: image.size(),
        graph_driver: graph_driver(store, image),
        root_fs: RootFs {
            kind: "layers",
            layers: config.rootfs.diff_ids.clone(),
        },
        labels: config.config.labels.clone(),
        annotations: annotations(store, image),
        manifest_type: manifest
            .map(|manifest| manifest.media_type.clone())
            .unwrap_or_default(),
        user: config.config.user.clone(),
        names_history: names.iter().map(ToString::to_string).collect(),
        healthcheck: config.config.healthcheck.clone(),
        metadata: Metadata {
            last_tag_time: image.stored.clone(),
        },
        config: container_config(config.config),
        history: config.history,
    })
}

/// The annotations of the manifest, as far as it can be read.
fn annotations(store: &Store, image: &Image) -> BTreeMap<String, String> {
    #[derive(serde::Deserialize)]
    struct Annotated {
        #[serde(default)]
        annotations: Option<BTreeMap<String, String>>,
    }
    let manifest = image.manifests.first();
    let bytes = manifest.and_then(|manifest| store.blob(&manifest.digest, MANIFEST_LIMIT).ok());
    let parsed = bytes.and_then(|bytes| serde_json::from_slice::<Annotated>(&bytes).ok());
    parsed.and_then(|parsed| parsed.annotations).unwrap_or_default()
}

fn container_config(config: ContainerConfig) -> Config {
    Config {
        hostname: String::new(),
        user: config.user,
        exposed_ports: config.exposed_ports,
        env: config.env,
        entrypoint: config.entrypoint,
        cmd: config.cmd,
        image: String::new(),
        volumes: config.volumes,
        working_dir: config.working_dir,
        on_build: (!config.on_build.is_empty()).then_some(config.on_build),
        labels: (!config.labels.is_empty()).then_some(config.labels),
        stop_signal: config.stop_signal,
        healthcheck: config.healthcheck,
        shell: config.shell,
        args_escaped: config.args_escaped,
    }
}

fn graph_driver(store: &Store, image: &Image) -> GraphDriver {
    let lowers = image.lowers();
    let paths: Vec<_> = lowers
        .iter()
        .map(|lower| store.path().join(lower).display().to_string())
        .collect();
    let mut data = BTreeMap::new();
    if let Some((top, rest)) = paths.split_first() {
        data.insert("UpperDir", top.clone());
        if !rest.is_empty() {
            data.insert("LowerDir", rest.join(":"));
        }
    }
    GraphDriver {
        name: "overlay",
        data,
    }
}

/// One line of `history`.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The image, for its last step; the others have no image any more.
    pub id: Option<Digest>,
    pub created: Option<String>,
    pub created_by: String,
    pub size: u64,
    pub comment: String,
    pub tags: Vec<Reference>,
}

/// How an image was made, the last step first.
pub fn history(store: &Store, image: &Image) -> Result<Vec<Step>> {
    let config = config(store, image)?;
    let mut steps = steps(&config.history, image);
    if let Some(last) = steps.last_mut() {
        last.id = Some(image.id);
        last.tags = names_of(store, image)?;
    }
    steps.reverse();
    Ok(steps)
}

/// Pairs the steps that made a layer with the layers. Layers that no step tells of get a line of their own.
fn steps(history: &[History], image: &Image) -> Vec<Step> {
    let told = history.iter().filter(|step| !step.empty_layer).count();
    let untold = image.layers.len().saturating_sub(told);
    let mut layers = image.layers.iter();
    let mut steps: Vec<Step> = Vec::new();
    for layer in layers.by_ref().take(untold) {
        steps.push(Step {
            id: None,
            created: None,
            created_by: String::new(),
            size: layer.size,
            comment: String::new(),
            tags: Vec::new(),
        });
    }
    for step in history {
        let layer = if step.empty_layer { None } else { layers.next() };
        steps.push(Step {
            id: None,
            created: step.created.clone(),
            created_by: step.created_by.clone().unwrap_or_default(),
            size: layer.map_or(0, |layer| layer.size),
            comment: step.comment.clone().unwrap_or_default(),
            tags: Vec::new(),
        });
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::testing::{image, store};
    use crate::store::images::Layer;

    #[test]
    fn fields_that_scripts_ask_for_are_there() {
        let (_parent, store) = store();
        let one = image(&store, "1", &["docker.io/library/a:1"]);
        let inspected = inspect(&store, &one, &Reference::familiar).unwrap();
        let json = serde_json::to_value(&inspected).unwrap();
        assert_eq!(json["Id"], one.id.to_string());
        assert_eq!(json["RepoTags"][0], "a:1");
        assert_eq!(
            json["RepoDigests"][0],
            format!("docker.io/library/a@{}", one.manifests[0].digest)
        );
        assert_eq!(json["Author"], "1");
        for pointer in [
            "/Config/Env",
            "/Config/Cmd",
            "/Config/Entrypoint",
            "/Config/Labels",
            "/Config/Volumes",
            "/Config/WorkingDir",
            "/RootFS/Layers",
            "/RootFS/Type",
            "/GraphDriver/Name",
            "/GraphDriver/Data",
            "/VirtualSize",
            "/Architecture",
            "/Os",
            "/Parent",
            "/Digest",
            "/NamesHistory",
        ] {
            assert!(json.pointer(pointer).is_some(), "{pointer}");
        }
    }

    #[test]
    fn steps_and_layers_meet() {
        let (_parent, store) = store();
        let mut one = image(&store, "1", &["localhost/a:1"]);
        let steps_of =
            |text: &str, image: &Image| steps(&serde_json::from_str::<Vec<History>>(text).unwrap(), image);
        one.layers = [10, 20]
            .map(|size| Layer {
                diff_id: one.id,
                size,
                archive_size: 0,
                hides_lower: false,
            })
            .to_vec();
        let text = r#"[{"created_by":"a"},{"created_by":"b","empty_layer":true},{"created_by":"c"}]"#;
        let sizes: Vec<_> = steps_of(text, &one)
            .iter()
            .map(|step| (step.created_by.clone(), step.size))
            .collect();
        assert_eq!(sizes, [("a".into(), 10), ("b".into(), 0), ("c".into(), 20)]);
        let sizes: Vec<_> = steps_of(r#"[{"created_by":"c"}]"#, &one)
            .iter()
            .map(|step| step.size)
            .collect();
        assert_eq!(sizes, [10, 20]);
        assert_eq!(
            steps_of(
                text,
                &Image {
                    layers: Vec::new(),
                    ..one.clone()
                }
            )
            .len(),
            3
        );
        assert!(history(&store, &image(&store, "2", &[])).unwrap().is_empty());
    }
}
