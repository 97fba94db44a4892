//! Mounts of a bundle (runtime-spec, config.md, "Mounts"; config-linux.md, "Default Filesystems").

use std::path::Path;

use oci_spec::runtime::Mount as Listed;

use super::{Result, refuse};
use crate::base::bytes::ByteString;
use crate::runtime::spec::{Device, Mount, Source};
use crate::sys::mount::{Attributes, Propagation};

/// What the mounts depend on beside themselves.
pub struct Surroundings<'a> {
    /// Relative sources are found here.
    pub bundle: &'a Path,
    /// The nodes of /dev.
    pub devices: Vec<Device>,
    /// A cgroup namespace of its own, without which the tree shows all groups of the host.
    pub own_cgroups: bool,
    /// Device rules are kept by letting no device be opened outside /dev.
    pub keeps_devices: bool,
}

/// All mounts, with a /dev where none is listed.
pub fn mounts(listed: &[Listed], surroundings: &Surroundings<'_>) -> Result<Vec<Mount>> {
    let mut mounts: Vec<Mount> = listed
        .iter()
        .map(|mount| convert(mount, surroundings))
        .collect::<Result<_>>()?;
    if !listed.iter().any(|mount| is_dev(mount.destination())) {
        let devices = Source::Devices {
            devices: surroundings.devices.clone(),
            options: Vec::new(),
        };
        mounts.insert(0, plain("/dev".into(), devices));
    }
    Ok(mounts)
}

fn is_dev(path: &Path) -> bool {
    path.components().eq(Path::new("/dev").components())
}

fn plain(target: ByteString, source: Source) -> Mount {
    Mount {
        target,
        source,
        set: Attributes::empty(),
        clear: Attributes::empty(),
        recursive: false,
        propagation: None,
        propagation_recursive: false,
    }
}

fn convert(listed: &Listed, surroundings: &Surroundings<'_>) -> Result<Mount> {
    let target = listed.destination();
    let shown = target.display();
    let has_maps = |maps: &Option<Vec<_>>| maps.as_ref().is_some_and(|maps| !maps.is_empty());
    if has_maps(listed.uid_mappings()) || has_maps(listed.gid_mappings()) {
        return refuse(format!(
            "mount {shown}: id mappings of a mount are not supported yet"
        ));
    }
    let mut options = Options::default();
    for option in listed.options().iter().flatten() {
        if let Err(why) = options.add(option) {
            return refuse(format!("mount {shown}: option {option:?} {why}"));
        }
    }
    let kind = listed.typ().as_deref().unwrap_or_default();
    let is_bind = options.bind || kind == "bind";
    if is_bind && let Some((key, _)) = options.data.first() {
        return refuse(format!("mount {shown}: option {key:?} is not known for a bind"));
    }
    let source = if is_bind {
        let source = listed.source().as_deref().unwrap_or(Path::new(""));
        bind(&surroundings.bundle.join(source), options.recursive_bind, target)?
    } else {
        filesystem(kind, listed, options.data, surroundings)?
    };
    let mut mount = plain(target.as_path().into(), source);
    mount.set = options.set;
    mount.clear = options.clear;
    mount.recursive = options.recursive;
    mount.propagation = options.propagation;
    mount.propagation_recursive = options.propagation_recursive;
    if kind == "cgroup" && !surroundings.own_cgroups {
        mount.set |= Attributes::RDONLY;
    }
    if surroundings.keeps_devices && !target.starts_with("/dev") {
        mount.set |= Attributes::NODEV;
        mount.clear -= Attributes::NODEV;
    }
    Ok(mount)
}

fn bind(path: &Path, recursive: bool, target: &Path) -> Result<Source> {
    let status = rustix::fs::stat(path).map_err(|error| {
        crate::engine::EngineError::Refused(format!(
            "cannot mount {} at {}: {}",
            path.display(),
            target.display(),
            crate::runtime::spawn::describe(error)
        ))
    })?;
    let kind = rustix::fs::FileType::from_raw_mode(status.st_mode);
    Ok(Source::Bind {
        path: path.into(),
        recursive,
        directory: kind == rustix::fs::FileType::Directory,
    })
}

type Data = Vec<(String, Option<String>)>;

fn filesystem(kind: &str, listed: &Listed, data: Data, surroundings: &Surroundings<'_>) -> Result<Source> {
    // Places of the kernel's own file systems are strict: a link there is an attack (CVE-2023-27561).
    let own = |kind| Source::Filesystem {
        kind,
        options: data.clone(),
    };
    Ok(match kind {
        "" | "none" => {
            return refuse(format!(
                "mount {}: it has no type and is no bind",
                listed.destination().display()
            ));
        }
        "tmpfs" if is_dev(listed.destination()) => Source::Devices {
            devices: surroundings.devices.clone(),
            options: data,
        },
        "proc" => own("proc"),
        "sysfs" => own("sysfs"),
        "mqueue" => own("mqueue"),
        "devpts" => Source::Terminals { options: data },
        // Version 2 has none of the options of version 1.
        "cgroup" | "cgroup2" => Source::Filesystem {
            kind: "cgroup2",
            options: Vec::new(),
        },
        other => Source::Other {
            kind: other.into(),
            source: listed.source().as_deref().unwrap_or(Path::new(other)).into(),
            options: data,
        },
    })
}

/// What the options of one mount come to.
#[derive(Default)]
struct Options {
    set: Attributes,
    clear: Attributes,
    recursive: bool,
    bind: bool,
    recursive_bind: bool,
    propagation: Option<Propagation>,
    propagation_recursive: bool,
    data: Data,
}

impl Options {
    fn add(&mut self, option: &str) -> std::result::Result<(), &'static str> {
        match option {
            "bind" => self.bind = true,
            "rbind" => (self.bind, self.recursive_bind) = (true, true),
            // Nothing differs from the defaults; a tmpfs that copies up what it covers is only a convenience.
            "defaults" | "async" | "nomand" | "loud" | "silent" | "iversion" | "noiversion"
            | "nolazytime" | "nodirsync" | "tmpcopyup" => {}
            "remount" | "move" => return Err("is no mount"),
            "idmap" | "ridmap" => return Err("is not supported yet"),
            _ => {
                if !self.add_attribute(option) && !self.add_propagation(option) {
                    let (key, value) = match option.split_once('=') {
                        Some((key, value)) => (key, Some(value.to_owned())),
                        None => (option, None),
                    };
                    self.data.push((key.to_owned(), value));
                }
            }
        }
        Ok(())
    }

    fn add_attribute(&mut self, option: &str) -> bool {
        let (set, clear, recursive) = match attribute(option) {
            Some((set, clear)) => (set, clear, false),
            None => match option.strip_prefix('r').and_then(attribute) {
                Some((set, clear)) => (set, clear, true),
                None => return false,
            },
        };
        self.set = (self.set - clear) | set;
        self.clear = (self.clear - set) | clear;
        self.recursive |= recursive;
        true
    }

    fn add_propagation(&mut self, option: &str) -> bool {
        let recursive = option.strip_prefix('r').and_then(propagation);
        let Some(found) = propagation(option).or(recursive) else {
            return false;
        };
        self.propagation = Some(found);
        self.propagation_recursive = recursive.is_some();
        true
    }
}

/// The attributes that an option sets and clears.
fn attribute(option: &str) -> Option<(Attributes, Attributes)> {
    use Attributes as A;
    let none = A::empty();
    // The modes of access times exclude each other: the kernel wants all cleared when one is set (mount_setattr(2)).
    Some(match option {
        "ro" => (A::RDONLY, none),
        "rw" => (none, A::RDONLY),
        "nosuid" => (A::NOSUID, none),
        "suid" => (none, A::NOSUID),
        "nodev" => (A::NODEV, none),
        "dev" => (none, A::NODEV),
        "noexec" => (A::NOEXEC, none),
        "exec" => (none, A::NOEXEC),
        "nodiratime" => (A::NODIRATIME, none),
        "diratime" => (none, A::NODIRATIME),
        "nosymfollow" => (A::NOSYMFOLLOW, none),
        "symfollow" => (none, A::NOSYMFOLLOW),
        "noatime" => (A::NOATIME, A::ATIME),
        "strictatime" => (A::STRICTATIME, A::ATIME),
        "relatime" | "atime" | "nostrictatime" | "norelatime" => (none, A::ATIME),
        _ => return None,
    })
}

/// A propagation by the word that `rootfsPropagation` has for it.
pub fn root_propagation(word: &str) -> Result<Option<Propagation>> {
    let plain = word.strip_prefix('r').unwrap_or(word);
    let found = propagation(plain);
    if found.is_none() && !plain.is_empty() {
        return refuse(format!(
            "config.json: linux.rootfsPropagation {word:?} is not known"
        ));
    }
    Ok(found)
}

fn propagation(word: &str) -> Option<Propagation> {
    Some(match word {
        "private" => Propagation::Private,
        "slave" => Propagation::Slave,
        "shared" => Propagation::Shared,
        "unbindable" => Propagation::Unbindable,
        _ => return None,
    })
}

/// Options that we know, for `features`.
pub const KNOWN: [&str; 57] = [
    "async",
    "atime",
    "bind",
    "defaults",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "lazytime",
    "loud",
    "mand",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "nomand",
    "norelatime",
    "nostrictatime",
    "nosuid",
    "nosymfollow",
    "private",
    "ratime",
    "rbind",
    "rdev",
    "rdiratime",
    "relatime",
    "rexec",
    "rnoatime",
    "rnodev",
    "rnodiratime",
    "rnoexec",
    "rnorelatime",
    "rnostrictatime",
    "rnosuid",
    "rnosymfollow",
    "ro",
    "rprivate",
    "rrelatime",
    "rro",
    "rrw",
    "rshared",
    "rslave",
    "rstrictatime",
    "rsuid",
    "rsymfollow",
    "runbindable",
    "rw",
    "shared",
    "silent",
    "slave",
    "strictatime",
    "suid",
    "symfollow",
    "sync",
    "tmpcopyup",
    "unbindable",
    "iversion",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(options: &[&str]) -> Options {
        let mut parsed = Options::default();
        for option in options {
            parsed.add(option).unwrap();
        }
        parsed
    }

    #[test]
    fn options_of_the_specification() {
        use Attributes as A;
        let options = parse(&["rbind", "ro", "nosuid", "suid", "rprivate"]);
        assert!(options.bind && options.recursive_bind && !options.recursive);
        assert_eq!((options.set, options.clear), (A::RDONLY, A::NOSUID));
        assert_eq!(options.propagation, Some(Propagation::Private));
        assert!(options.propagation_recursive && options.data.is_empty());

        let options = parse(&["noatime", "relatime", "strictatime"]);
        assert_eq!(options.set, A::STRICTATIME);
        assert_eq!(options.clear, A::ATIME);

        let options = parse(&["rro", "mode=755", "size=65536k", "sync"]);
        assert!(options.recursive && options.set == A::RDONLY);
        let (text, value) = (str::to_owned, |text: &str| Some(text.to_owned()));
        assert_eq!(
            options.data,
            [
                (text("mode"), value("755")),
                (text("size"), value("65536k")),
                (text("sync"), None)
            ]
        );
        for refused in ["remount", "idmap", "ridmap"] {
            assert!(Options::default().add(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn all_known_options_are_known() {
        for option in KNOWN {
            let parsed = parse(&[option]);
            let is_superblock = ["sync", "dirsync", "lazytime", "mand"].contains(&option);
            assert_eq!(parsed.data.is_empty(), !is_superblock, "{option}");
        }
    }
}
