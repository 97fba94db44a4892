//! `container clone`: the configuration of a container as that of another one.

use super::create::host_name;
use crate::base::id;
use crate::store::container::{Config, Container, Log, MountSource};

/// What a clone has of `container`: all that was asked for, but what can belong to one container only.
pub fn configuration(container: &Container) -> Config {
    let mut config = container.config.clone();
    if config.hostname == id::short(&container.id) {
        config.hostname.clear();
    } else if config.hostname == host_name(&container.name) {
        config.hostname.clear();
        config.is_named_host = true;
    }
    for mount in &mut config.mounts {
        if let MountSource::Volume {
            name,
            anonymous: true,
            ..
        } = &mut mount.source
        {
            *name = id::random();
        }
    }
    // Two that write one file make it worthless.
    config.cidfile = None;
    config.pidfile = None;
    config.monitor_pidfile = None;
    config.exit_report = None;
    if let Log::JsonFile(file) | Log::K8sFile(file) = &mut config.log {
        file.path = None;
    }
    // The manager of a service knows one main process.
    config.notify = None;
    config.remove_image = false;
    config
}

/// The names that a clone of the container of this name may have, the first of them first: as Podman counts.
pub fn names(original: &str) -> impl Iterator<Item = String> {
    let (base, first) = match original.split_once("-clone") {
        None => (format!("{original}-clone"), 0),
        Some((before, number)) => match number.parse::<u64>() {
            Ok(number) => (format!("{before}-clone"), number.saturating_add(1)),
            Err(_) => (original.to_owned(), 1),
        },
    };
    (first..).map(move |number| match number {
        0 => base.clone(),
        number => format!("{base}{number}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted() {
        for (original, expected) in [
            ("web", ["web-clone", "web-clone1", "web-clone2"]),
            ("web-clone", ["web-clone1", "web-clone2", "web-clone3"]),
            ("web-clone1", ["web-clone2", "web-clone3", "web-clone4"]),
            ("web-clone-x", ["web-clone-x1", "web-clone-x2", "web-clone-x3"]),
        ] {
            assert_eq!(names(original).take(3).collect::<Vec<_>>(), expected);
        }
    }
}
