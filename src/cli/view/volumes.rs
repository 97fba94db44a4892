//! Rows of `volume ls` and the document of `volume inspect`.

use std::path::Path;

use serde_json::{Value, json};

use super::moment::Clock;
use crate::cli::format::Columns;
use crate::store::volumes::Volume;

/// What `volume ls` shows by itself.
pub const COLUMNS: Columns = Columns {
    name: "list",
    template: "{{.Driver}}\t{{.Name}}",
    headings: &[
        ("Driver", "DRIVER"),
        ("Name", "VOLUME NAME"),
        ("Scope", "SCOPE"),
        ("Mountpoint", "MOUNTPOINT"),
        ("Labels", "LABELS"),
        ("CreatedAt", "CREATED AT"),
        ("MountCount", "MOUNT COUNT"),
    ],
};

/// What stands for the driver of a volume whose record cannot be read.
pub const DAMAGED: &str = "damaged";

/// The row that templates see.
pub fn row(volume: &Volume, data: &Path, users: usize, clock: &Clock) -> Value {
    let labels: Vec<String> = volume
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let mut row = document(volume, data, users);
    row["Labels"] = labels.join(",").into();
    row["Label"] = json!(volume.labels);
    row["CreatedAt"] = if volume.driver == DAMAGED {
        "".into()
    } else {
        clock.go_text(&volume.created).into()
    };
    row["Size"] = "N/A".into();
    row["Links"] = "N/A".into();
    row
}

/// Everything about a volume.
pub fn document(volume: &Volume, data: &Path, users: usize) -> Value {
    json!({
        "Name": volume.name,
        "Driver": volume.driver,
        "Mountpoint": data.to_string_lossy(),
        "CreatedAt": volume.created,
        "Labels": volume.labels,
        "Scope": "local",
        "Options": volume.options,
        "Anonymous": volume.anonymous,
        "UID": volume.uid.unwrap_or(0),
        "GID": volume.gid.unwrap_or(0),
        "MountCount": users,
        "NeedsCopyUp": volume.fresh,
        "NeedsChown": volume.fresh,
        "Status": {},
        "Timeout": 0,
        "StorageID": "",
        "LockNumber": 0,
    })
}
