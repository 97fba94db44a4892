//! Events as they are printed and chosen: Podman's line and JSON, the fields of Podman's and Docker's templates, and
//! filters that know the words of both.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::base::id::short;
use crate::cli::values::filter::Filters;
use crate::image::list;
use crate::image::reference::Reference;
use crate::store::events::Event;

/// The keys of `--filter`.
pub const KEYS: &[&str] = &[
    "artifact",
    "container",
    "daemon",
    "event",
    "image",
    "label",
    "label!",
    "network",
    "pod",
    "scope",
    "secret",
    "status",
    "type",
    "volume",
];

/// The kinds of objects that are chosen by name or identifier.
const OBJECTS: [&str; 7] = [
    "artifact",
    "container",
    "image",
    "network",
    "pod",
    "secret",
    "volume",
];

/// The caller's time zone.
pub struct Zone(TimeZone);

impl Zone {
    pub fn new() -> Self {
        Self(TimeZone::system())
    }

    /// As Go prints a time.
    fn text(&self, nanoseconds: u64) -> String {
        let time = Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or_default();
        let time = time.to_zoned(self.0.clone());
        time.strftime("%Y-%m-%d %H:%M:%S%.f %z %Z").to_string()
    }
}

/// The event as one line, as Podman prints it.
pub fn line(event: &Event, zone: &Zone, no_trunc: bool) -> String {
    let id = if no_trunc { &event.id } else { short(&event.id) };
    let mut words = vec![
        zone.text(event.time),
        event.kind.to_string(),
        event.action.to_string(),
    ];
    match event.kind.as_ref() {
        "container" => {
            let mut details = format!("(image={}, name={}", event.image, event.name);
            for (key, value) in &event.attributes {
                details.push_str(&format!(", {key}={value}"));
            }
            words.extend([id.to_owned(), details + ")"]);
        }
        "image" => {
            // Podman's scripts count on the place of an identifier that there is none of.
            words.push(format!("{id} {}", event.name).trim_end().to_owned());
            words.extend(event.attributes.get("error").cloned());
        }
        _ => words.push(event.name.clone()),
    }
    words.retain(|word| !word.is_empty());
    // One event is one line, whatever a label says.
    words.join(" ").replace(char::is_control, "\u{FFFD}")
}

/// The event in JSON: Podman's keys, and those of Docker's that do not differ from them in letter case alone.
pub fn document(event: &Event) -> Value {
    let mut fields = Map::new();
    if let Some(code) = event.exit {
        fields.insert("ContainerExitCode".into(), code.into());
    }
    for (key, value) in [("ID", &event.id), ("Image", &event.image), ("Name", &event.name)] {
        if !value.is_empty() {
            fields.insert(key.into(), value.as_str().into());
        }
    }
    for (key, value) in [("Status", &event.action), ("Type", &event.kind)] {
        fields.insert(key.into(), value.as_ref().into());
    }
    fields.insert("time".into(), seconds(event).into());
    fields.insert("timeNano".into(), event.time.into());
    for (key, name) in [("health_status", "health_status"), ("Error", "error")] {
        if let Some(value) = event.attributes.get(name) {
            fields.insert(key.into(), value.as_str().into());
        }
    }
    fields.insert("Attributes".into(), json!(event.attributes));
    fields.insert("Action".into(), docker_action(event).into());
    fields.insert("Actor".into(), actor(event));
    fields.insert("scope".into(), "local".into());
    fields.into()
}

/// The fields of templates.
pub fn row(event: &Event) -> Value {
    let attribute = |key: &str| event.attributes.get(key).map_or("", String::as_str);
    json!({
        "Action": docker_action(event),
        "Actor": actor(event),
        "Attributes": event.attributes,
        "ContainerExitCode": event.exit,
        "ContainerInspectData": "",
        "Error": attribute("error"),
        "From": event.image,
        "HealthStatus": attribute("health_status"),
        "ID": event.id,
        "Image": event.image,
        "Name": event.name,
        "Network": "",
        "PodID": "",
        "Scope": "local",
        "Status": event.action,
        "Time": seconds(event),
        "TimeNano": event.time,
        "Type": event.kind,
    })
}

fn seconds(event: &Event) -> u64 {
    event.time / 1_000_000_000
}

/// What Docker calls it.
fn docker_action(event: &Event) -> &str {
    match (event.kind.as_ref(), event.action.as_ref()) {
        ("container", "died") => "die",
        ("container", "exec") => "exec_start",
        ("container", "exec_died") => "exec_die",
        ("container" | "volume", "remove") => "destroy",
        ("image", "remove") => "delete",
        ("image", "loadfromarchive") => "load",
        (_, other) => other,
    }
}

/// Docker's actor: whom it happened to, with everything else as attributes.
fn actor(event: &Event) -> Value {
    let mut attributes = event.attributes.clone();
    for (key, value) in [("image", &event.image), ("name", &event.name)] {
        if !value.is_empty() {
            attributes.insert(key.into(), value.clone());
        }
    }
    if let Some(code) = event.exit {
        attributes.insert("exitCode".into(), code.to_string());
    }
    let id = if event.id.is_empty() {
        &event.name
    } else {
        &event.id
    };
    json!({ "ID": id, "Attributes": attributes })
}

/// Whether an event is one of those that were asked for.
pub fn fits(event: &Event, filters: &Filters) -> bool {
    let objects = OBJECTS
        .iter()
        .all(|kind| filters.any(kind, |wanted| is_about(event, kind, wanted)));
    objects
        && filters.any("event", |wanted| is_action(event, wanted))
        && filters.any("status", |wanted| is_action(event, wanted))
        && filters.any("type", |wanted| event.kind == wanted)
        && filters.any("scope", |wanted| wanted == "local")
        && filters.any("daemon", |_| false)
        && filters.labels(|key| event.attributes.get(key).map(String::as_str))
}

fn is_action(event: &Event, wanted: &str) -> bool {
    // Docker's first half of an exec is the same moment here.
    let is_exec = event.kind == "container" && event.action == "exec" && wanted == "exec_create";
    event.action == wanted || docker_action(event) == wanted || is_exec
}

fn is_about(event: &Event, kind: &str, wanted: &str) -> bool {
    let wanted_id = wanted.strip_prefix("sha256:").unwrap_or(wanted);
    // A volume has no identifier: the beginning of its name stands for it, as with Podman.
    let is_volume = event.kind == "volume" && event.name.starts_with(wanted);
    let is_it = event.name == wanted || is_volume || !wanted_id.is_empty() && event.id.starts_with(wanted_id);
    match kind {
        // As with Docker, containers of the image too.
        "image" if event.kind == "container" => is_named(&event.image, wanted),
        "image" => event.kind == "image" && (is_it || is_named(&event.name, wanted)),
        _ => event.kind == kind && is_it,
    }
}

/// Whether an image's name is what somebody calls `wanted`.
fn is_named(name: &str, wanted: &str) -> bool {
    let fits = |name: Reference| list::fits(wanted, &name.or_latest());
    name == wanted || name.parse().is_ok_and(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the record's own format, as the file has it.
    fn event(record: Value) -> Event {
        let mut record = record;
        record["v"] = 1.into();
        record["time"] = 1_796_000_000_120_000_000_u64.into();
        serde_json::from_value(record).unwrap()
    }

    fn died() -> Event {
        event(
            json!({"type": "container", "action": "died", "id": "0123456789abcdef", "name": "web", "exit": 3,
                     "image": "docker.io/library/alpine:latest", "attributes": {"a": "1", "b": "x\ny"}}),
        )
    }

    #[test]
    fn lines() {
        let zone = Zone(TimeZone::UTC);
        let pull = event(json!({"type": "image", "action": "pull", "id": "abc", "name": "quay.io/x/y:1"}));
        let failed = event(
            json!({"type": "image", "action": "pull-error", "name": "x", "attributes": {"error": "no"}}),
        );
        let volume = event(json!({"type": "volume", "action": "create", "name": "data"}));
        let time = "2026-11-30 00:53:20.12 +0000 UTC";
        for (event, no_trunc, expected) in [
            (
                died(),
                false,
                "container died 0123456789ab (image=docker.io/library/alpine:latest, name=web, a=1, b=x\u{FFFD}y)",
            ),
            (pull, true, "image pull abc quay.io/x/y:1"),
            (failed, true, "image pull-error  x no"),
            (volume, true, "volume create data"),
        ] {
            assert_eq!(line(&event, &zone, no_trunc), format!("{time} {expected}"));
        }
        assert!(line(&died(), &zone, true).contains(" 0123456789abcdef "));
    }

    #[test]
    fn documents() {
        let document = document(&died());
        for (pointer, expected) in [
            ("/ContainerExitCode", json!(3)),
            ("/Status", json!("died")),
            ("/Action", json!("die")),
            ("/time", json!(1_796_000_000)),
            ("/Actor/Attributes/exitCode", json!("3")),
            ("/Actor/Attributes/name", json!("web")),
            ("/Attributes/a", json!("1")),
        ] {
            assert_eq!(document.pointer(pointer), Some(&expected), "{pointer}");
        }
    }

    #[test]
    fn filters_know_the_words_of_both() {
        let exec = event(json!({"type": "container", "action": "exec", "id": "01", "name": "web"}));
        let remove = event(json!({"type": "image", "action": "remove", "id": "cd", "name": "localhost/x:1"}));
        for (event, words, expected) in [
            (died(), &["event=die"][..], true),
            (died(), &["event=died", "type=container"], true),
            (died(), &["event=start"], false),
            (died(), &["event=start", "event=die"], true),
            (died(), &["container=web"], true),
            (died(), &["container=0123"], true),
            (died(), &["container=we"], false),
            (died(), &["container=web", "event=start"], false),
            (died(), &["image=alpine"], true),
            (died(), &["image=alpine:latest"], true),
            (died(), &["image=busybox"], false),
            (died(), &["volume=web"], false),
            (died(), &["label=a"], true),
            (died(), &["label=a=2"], false),
            (died(), &["type=image"], false),
            (exec.clone(), &["event=exec_create"], true),
            (exec, &["status=exec_start"], true),
            (remove.clone(), &["event=delete"], true),
            (remove.clone(), &["event=destroy"], false),
            (remove.clone(), &["image=x"], true),
            (remove, &["image=sha256:cd"], true),
        ] {
            let given: Vec<String> = words.iter().map(|word| (*word).into()).collect();
            let filters = Filters::parse(&given, KEYS).unwrap();
            assert_eq!(fits(&event, &filters), expected, "{words:?} {event:?}");
        }
    }
}
