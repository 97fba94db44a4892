//! The document of `image inspect`.

use serde_json::{Value, json};

use crate::base::time::NEVER;
use crate::image::reference::Reference;
use crate::oci::image::{ImageConfig, Keys};
use crate::store::images::Image;

/// Everything about an image. `config` is its whole configuration, `names` are its names.
pub fn document(image: &Image, config: &ImageConfig, names: &[Reference]) -> Value {
    let layers: Vec<String> = image
        .layers
        .iter()
        .map(|layer| layer.diff_id.to_string())
        .collect();
    let history: Vec<Value> = config
        .history
        .iter()
        .filter_map(|step| serde_json::to_value(step).ok())
        .collect();
    let digest = image
        .manifests
        .first()
        .map(|manifest| manifest.digest.to_string());
    let manifest_type = image
        .manifests
        .first()
        .map(|manifest| manifest.media_type.clone());
    let last = config.history.last();
    let annotations = json!({});
    json!({
        // As Docker: with the algorithm.
        "Id": image.id.to_string(),
        "Digest": digest.unwrap_or_default(),
        "RepoTags": names.iter().map(Reference::familiar).collect::<Vec<_>>(),
        "RepoDigests": image.repo_digests,
        "Parent": "",
        "Comment": last.and_then(|step| step.comment.clone()).unwrap_or_default(),
        "Created": image.created.as_deref().unwrap_or(NEVER),
        "Version": "",
        "Author": config.author.clone().unwrap_or_default(),
        "Architecture": image.architecture,
        "Variant": image.variant.clone().unwrap_or_default(),
        "Os": image.os,
        "Size": image.size(),
        "VirtualSize": image.size(),
        "GraphDriver": {"Name": "overlay", "Data": {}},
        "RootFS": {"Type": "layers", "Layers": layers},
        "Metadata": {"LastTagTime": NEVER},
        "Labels": image.config.labels,
        "Annotations": annotations,
        "ManifestType": manifest_type.unwrap_or_default(),
        "User": image.config.user,
        "Config": run_config(image),
        "History": history,
        "NamesHistory": names.iter().map(Reference::to_string).collect::<Vec<_>>(),
    })
}

/// How containers of the image are run, with the fields that are absent.
fn run_config(image: &Image) -> Value {
    let config = &image.config;
    let keys = |keys: &Keys| -> Value { keys.0.iter().map(|key| (key.clone(), json!({}))).collect() };
    json!({
        "User": config.user,
        "ExposedPorts": keys(&config.exposed_ports),
        "Env": config.env,
        "Entrypoint": config.entrypoint,
        "Cmd": config.cmd,
        "Volumes": keys(&config.volumes),
        "WorkingDir": config.working_dir,
        "Labels": config.labels,
        "StopSignal": config.stop_signal.clone().unwrap_or_default(),
        "Healthcheck": config.healthcheck.as_ref().and_then(|check| serde_json::to_value(check).ok()),
        "Shell": config.shell,
        "OnBuild": config.on_build,
    })
}
