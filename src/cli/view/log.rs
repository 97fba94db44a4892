//! The log of a container as `inspect` shows it.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::base::units;
use crate::engine::log::LOG;
use crate::store::container::Log;

/// Where it is, for a container with that directory.
pub fn path(log: &Log, directory: &Path) -> String {
    match log {
        Log::JsonFile(file) | Log::K8sFile(file) => match &file.path {
            Some(path) => path.lossy().into_owned(),
            None => directory.join(LOG).to_string_lossy().into_owned(),
        },
        Log::Journald { .. } | Log::Passthrough | Log::PassthroughTty | Log::None => String::new(),
    }
}

/// Driver and options as Docker shows them, and what Podman says beside them.
pub fn configuration(log: &Log, path: &str) -> Value {
    let (word, options) = options(log);
    let (size, tag) = match log {
        Log::JsonFile(file) | Log::K8sFile(file) => (file.max_size, file.tag.as_deref()),
        Log::Journald { tag, .. } => (None, tag.as_deref()),
        Log::Passthrough | Log::PassthroughTty | Log::None => (None, None),
    };
    json!({
        "Type": word,
        "Config": options,
        "Path": path,
        "Tag": tag.unwrap_or_default(),
        "Size": size.map_or_else(|| "-1B".into(), |size| units::size_with_digits(size, 4)),
    })
}

/// The driver of a log, and its options.
fn options(log: &Log) -> (&'static str, Map<String, Value>) {
    let mut options = Map::new();
    let mut add = |key: &str, value: String| options.insert(key.into(), value.into());
    let word = match log {
        Log::JsonFile(_) => "json-file",
        Log::K8sFile(_) => "k8s-file",
        Log::Journald { .. } => "journald",
        Log::Passthrough => "passthrough",
        Log::PassthroughTty => "passthrough-tty",
        Log::None => "none",
    };
    let (tag, details) = match log {
        Log::JsonFile(file) | Log::K8sFile(file) => {
            if let Some(size) = file.max_size {
                add("max-size", size.to_string());
                add("max-file", file.max_files.to_string());
            }
            if let Some(path) = &file.path {
                add("path", path.lossy().into_owned());
            }
            (&file.tag, &file.details)
        }
        Log::Journald { tag, details } => (tag, details),
        Log::Passthrough | Log::PassthroughTty | Log::None => return (word, options),
    };
    if let Some(tag) = tag {
        add("tag", tag.clone());
    }
    for (key, names) in [("labels", &details.labels), ("env", &details.variables)] {
        if !names.is_empty() {
            add(key, names.join(","));
        }
    }
    if !details.given.is_empty() {
        let pairs: Vec<String> = details
            .given
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        add("label", pairs.join(","));
    }
    (word, options)
}
