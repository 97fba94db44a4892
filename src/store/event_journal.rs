//! Events in the journal of systemd (`--events-backend journald`).
//!
//! Fields are called as Podman's, but for the program's name: `CORACLE_EVENT`, `CORACLE_NAME`. With Podman's own names, on a
//! machine that has both, what looks for Podman's containers would find ours.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde::Deserialize;

use super::events::Event;
use crate::base::journal::{self, SOCKET, field};
use crate::base::time::rfc3339;

/// By which events are found, beside the store that they are of.
pub const IDENTIFIER: &str = "SYSLOG_IDENTIFIER=coracle";
/// The field that names the store.
pub const STORE: &str = "CORACLE_STORE";

/// Sends events of the store at `store` that happened at `time`. Those that the journal has no room for are lost.
pub(super) fn send(
    store: &Path,
    events: impl IntoIterator<Item = Event>,
    time: u64,
) -> rustix::io::Result<()> {
    let socket = journal::connect(Path::new(SOCKET))?;
    for event in events {
        journal::send(&socket, &packet(store, &Event { time, ..event }))?;
    }
    Ok(())
}

fn packet(store: &Path, event: &Event) -> Vec<u8> {
    let time = rfc3339(UNIX_EPOCH + Duration::from_nanos(event.time));
    let message = format!("{} {} {} {}", event.kind, event.action, event.id, event.name);
    let exit = event.exit.map(|code| code.to_string());
    let labels = match event.attributes.is_empty() {
        true => String::new(),
        false => serde_json::json!(event.attributes).to_string(),
    };
    let attribute = |key: &str| event.attributes.get(key).map_or("", String::as_str);
    let mut packet = Vec::new();
    for (key, value) in [
        ("SYSLOG_IDENTIFIER", "coracle"),
        // As of syslog: information.
        ("PRIORITY", "6"),
        ("MESSAGE", &message),
        (STORE, &store.to_string_lossy()),
        ("CORACLE_EVENT", &event.action),
        ("CORACLE_TYPE", &event.kind),
        ("CORACLE_TIME", &time),
        ("CORACLE_ID", &event.id),
        ("CORACLE_NAME", &event.name),
        ("CORACLE_IMAGE", &event.image),
        ("CORACLE_EXIT_CODE", exit.as_deref().unwrap_or_default()),
        ("CORACLE_LABELS", &labels),
        ("CORACLE_HEALTH_STATUS", attribute("health_status")),
        ("ERROR", attribute("error")),
    ] {
        if !value.is_empty() {
            field(&mut packet, key, value.as_bytes());
        }
    }
    packet
}

/// An event as `journalctl --output=json` prints it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    #[serde(rename = "CORACLE_EVENT")]
    action: String,
    #[serde(rename = "CORACLE_TYPE")]
    kind: String,
    #[serde(rename = "CORACLE_TIME")]
    time: String,
    #[serde(rename = "CORACLE_ID")]
    id: String,
    #[serde(rename = "CORACLE_NAME")]
    name: String,
    #[serde(rename = "CORACLE_IMAGE")]
    image: String,
    #[serde(rename = "CORACLE_EXIT_CODE")]
    exit: Option<String>,
    #[serde(rename = "CORACLE_LABELS")]
    labels: Option<String>,
}

/// Reads a line of `journalctl --output=json`. None: it is no event of ours.
pub fn parse(line: &[u8]) -> Option<Event> {
    let entry: Entry = serde_json::from_slice(line).ok()?;
    let time: jiff::Timestamp = entry.time.parse().ok()?;
    let time = time.as_nanosecond().try_into().ok()?;
    let mut event = Event::read(entry.kind, entry.action, time);
    (event.id, event.name, event.image) = (entry.id, entry.name, entry.image);
    event.exit = entry.exit.and_then(|code| code.parse().ok());
    let labels = entry.labels.as_deref().unwrap_or("{}");
    event.attributes = serde_json::from_str::<BTreeMap<String, String>>(labels).unwrap_or_default();
    Some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_fields() {
        let event = Event::image("pull-error", "", "x").with("error", "a\nb").exit(3);
        let event = Event {
            time: 1_000_000_007,
            ..event
        };
        let packet = packet(Path::new("/store"), &event);
        let text = String::from_utf8_lossy(&packet);
        for expected in [
            "SYSLOG_IDENTIFIER=coracle\nPRIORITY=6\n",
            "CORACLE_STORE=/store\nCORACLE_EVENT=pull-error\nCORACLE_TYPE=image\n",
            "CORACLE_TIME=1970-01-01T00:00:01.000000007Z\nCORACLE_NAME=x\nCORACLE_EXIT_CODE=3\n",
            "CORACLE_LABELS={\"error\":\"a\\nb\"}\n",
            "ERROR\n\x03\0\0\0\0\0\0\0a\nb\n",
        ] {
            assert!(text.contains(expected), "{expected:?} {text:?}");
        }
        let line = serde_json::json!({
            "CORACLE_EVENT": "pull-error", "CORACLE_TYPE": "image", "CORACLE_NAME": "x", "CORACLE_EXIT_CODE": "3",
            "CORACLE_TIME": "1970-01-01T00:00:01.000000007Z", "CORACLE_LABELS": "{\"error\":\"a\\nb\"}", "_PID": "1",
        });
        assert_eq!(parse(line.to_string().as_bytes()), Some(event));
        assert_eq!(parse(b"{\"MESSAGE\":\"x\"}"), None);
    }
}
