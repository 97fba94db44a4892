//! Reading a bundle: its configuration, bounded, and what of it we refuse rather than pass over.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use oci_spec::runtime::{LinuxNamespaceType, Spec};

use super::{Result, refuse};
use crate::base::file::read_bounded;
use crate::engine::{errno, io};

/// The most bytes of a configuration.
const MAX_SIZE: u64 = 16 << 20;
/// The file's name, in the bundle and in our own directory.
pub const CONFIG: &str = "config.json";

/// A bundle as read.
pub struct Bundle {
    /// Absolute, without links.
    pub path: PathBuf,
    /// What was read.
    pub text: Vec<u8>,
    pub config: Spec,
}

impl Bundle {
    pub fn read(path: &Path) -> Result<Self> {
        let named = || format!("bundle {}", path.display());
        let path = path.canonicalize().map_err(io(named()))?;
        let directory = super::open_directory(&path).map_err(errno(named()))?;
        let (text, config) = read(&directory, &format!("{}/{CONFIG}", path.display()))?;
        check(&config)?;
        Ok(Self { path, text, config })
    }

    /// Where the root file system is: a link is resolved here, once.
    pub fn root(&self) -> Result<PathBuf> {
        let Some(root) = self.config.root() else {
            return refuse("config.json: root is missing");
        };
        let path = self.path.join(root.path());
        let resolved = path
            .canonicalize()
            .map_err(io(format!("root file system {}", path.display())))?;
        if !resolved.is_dir() {
            return refuse(format!("root file system {} is not a directory", path.display()));
        }
        if resolved == Path::new("/") {
            return refuse("config.json: root.path leads to the root of the host");
        }
        Ok(resolved)
    }
}

/// The configuration in `directory` with its text.
pub fn read(directory: &OwnedFd, named: &str) -> Result<(Vec<u8>, Spec)> {
    let text = read_bounded(directory.as_fd(), Path::new(CONFIG), MAX_SIZE).map_err(io(named))?;
    match serde_json::from_slice(&text) {
        Ok(config) => Ok((text, config)),
        Err(error) => refuse(format!("{named}: {error}")),
    }
}

/// Refuses what would mean less isolation, or something else than was asked for, if it were passed over.
fn check(config: &Spec) -> Result<()> {
    let version = config.version();
    if !is_version_1(version) {
        return refuse(format!("config.json: ociVersion {version:?} is not 1.x"));
    }
    let Some(linux) = config.linux() else {
        return refuse("config.json: linux is missing");
    };
    let process = config.process().as_ref();
    let named = |label: &Option<String>| label.as_ref().is_some_and(|label| !label.is_empty());
    let apparmor = process.is_some_and(|process| {
        process
            .apparmor_profile()
            .as_ref()
            .is_some_and(|name| !name.is_empty() && name != "unconfined")
    });
    let has_hooks = config.hooks().as_ref().is_some_and(|hooks| {
        hooks
            .start_container()
            .as_ref()
            .is_some_and(|list| !list.is_empty())
    });
    let refused = [
        ("vm", config.vm().is_some()),
        ("hooks.startContainer", has_hooks),
        ("process.apparmorProfile", apparmor),
        (
            "process.selinuxLabel",
            process.is_some_and(|process| named(process.selinux_label())),
        ),
        (
            "process.ioPriority",
            process.is_some_and(|process| process.io_priority().is_some()),
        ),
        (
            "process.scheduler",
            process.is_some_and(|process| process.scheduler().is_some()),
        ),
        ("linux.mountLabel", named(linux.mount_label())),
        ("linux.intelRdt", linux.intel_rdt().is_some()),
        ("linux.memoryPolicy", linux.memory_policy().is_some()),
        (
            "linux.netDevices",
            linux
                .net_devices()
                .as_ref()
                .is_some_and(|devices| !devices.is_empty()),
        ),
        ("linux.personality", linux.personality().is_some()),
        (
            "linux.timeOffsets",
            linux
                .time_offsets()
                .as_ref()
                .is_some_and(|offsets| !offsets.is_empty()),
        ),
        (
            "linux.seccomp.listenerPath",
            linux
                .seccomp()
                .as_ref()
                .is_some_and(|seccomp| seccomp.listener_path().is_some()),
        ),
        (
            "a time namespace",
            linux
                .namespaces()
                .iter()
                .flatten()
                .any(|namespace| namespace.typ() == LinuxNamespaceType::Time),
        ),
    ];
    match refused.iter().find(|(_, is_there)| *is_there) {
        Some((name, _)) => refuse(format!("config.json: {name} is not supported yet")),
        None => Ok(()),
    }
}

/// Whether this is a version of Semantic Versioning 2.0.0 with the major number 1.
fn is_version_1(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    let is_number =
        |text: &&str| !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.len() == 3 && numbers.iter().all(is_number) && numbers[0] == "1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for version in ["1.0.0", "1.0.2-dev", "1.3.0", "1.2.0+x"] {
            assert!(is_version_1(version), "{version}");
        }
        for version in [
            "", "1", "1.0", "2.0.0", "0.9.9", "1.x.0", "1.0.0.0", "nonsense", "1..0",
        ] {
            assert!(!is_version_1(version), "{version}");
        }
    }

    fn refusal(json: &str) -> Option<String> {
        let config = serde_json::from_str(json).unwrap();
        check(&config).err().map(|error| error.to_string())
    }

    #[test]
    fn what_is_not_done_is_not_passed_over() {
        let with = |linux: &str, rest: &str| format!(r#"{{"ociVersion":"1.0.0","linux":{{{linux}}}{rest}}}"#);
        assert_eq!(refusal(&with("", "")), None);
        for (linux, rest, name) in [
            (r#""mountLabel":"x""#, "", "linux.mountLabel"),
            (
                r#""timeOffsets":{"monotonic":{"secs":1}}"#,
                "",
                "linux.timeOffsets",
            ),
            (r#""namespaces":[{"type":"time"}]"#, "", "a time namespace"),
            (r#""personality":{"domain":"LINUX32"}"#, "", "linux.personality"),
            (
                "",
                r#","hooks":{"startContainer":[{"path":"/x"}]}"#,
                "hooks.startContainer",
            ),
            (
                "",
                r#","process":{"user":{},"cwd":"/","apparmorProfile":"x"}"#,
                "process.apparmorProfile",
            ),
        ] {
            let refusal = refusal(&with(linux, rest)).unwrap_or_default();
            assert!(refusal.contains(name), "{name}: {refusal}");
        }
    }
}
