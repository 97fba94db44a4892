//! `doctor`: what of this machine keeps containers from working as well as they could, and what mends it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::configuration;
use super::context::{Context, user, variable};
use super::format;
use super::output::print;
use super::report::Outcome;
use crate::base::units::size;
use crate::runtime::hierarchy;
use crate::store::remote::remote;

/// Ids that a range of subordinate ones should have: images use them up to nobody's.
const IDS: u64 = 65536;
/// Bytes that should be free.
const ROOM: u64 = 1 << 30;

/// Look for what keeps containers from working well
///
/// Says of each part of the machine whether it is as it should be, what lacks otherwise, and what mends it. Ends with 1 when
/// something lacks that containers need; what only takes something from them is a note.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Print by a Go template, or as "json"
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    /// Containers work, with less.
    Note,
    Bad,
}

/// What was found of one part.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    cure: String,
}

impl Finding {
    fn new(what: &'static str, state: State, found: impl Into<String>, cure: impl Into<String>) -> Self {
        let (found, cure) = (found.into(), cure.into());
        Self {
            what,
            state,
            found,
            cure,
        }
    }

    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self::new(what, State::Ok, found, "")
    }
}

pub fn run(args: DoctorArgs, context: &Context) -> Outcome {
    let mut findings = vec![
        store(context)?,
        overlay(),
        seccomp(),
        cgroups(),
        settings(context),
    ];
    if user() != 0 {
        findings.extend([
            user_namespaces(),
            subordinates(),
            helpers(),
            run_directory(),
            lingering(),
        ]);
    }
    let is_well = findings.iter().all(|finding| finding.state != State::Bad);
    let document = json!({"healthy": is_well, "checks": findings});
    let text = format::document("doctor", args.format.as_deref(), &document, || plain(&findings))?;
    print(&text)?;
    Ok(if is_well { 0 } else { 1 })
}

fn plain(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let state = match finding.state {
            State::Ok => "ok",
            State::Note => "note",
            State::Bad => "bad",
        };
        text += &format!("{state:<5} {:<16} {}\n", finding.what, finding.found);
        if !finding.cure.is_empty() {
            text += &format!("{:<22} cure: {}\n", "", finding.cure);
        }
    }
    text
}

fn store(context: &Context) -> anyhow::Result<Finding> {
    const WHAT: &str = "store";
    let path = context.store_path()?;
    let shown = path.display();
    let there = path
        .ancestors()
        .find(|path| path.exists())
        .unwrap_or(Path::new("/"));
    if rustix::fs::access(there, rustix::fs::Access::WRITE_OK).is_err() {
        let cure = "name another place with --root, or make it the user's own";
        return Ok(Finding::new(
            WHAT,
            State::Bad,
            format!("{} is not writable for us", there.display()),
            cure,
        ));
    }
    if let Some(kind) = remote(there) {
        let cure = "name a directory of this machine with --root";
        return Ok(Finding::new(
            WHAT,
            State::Bad,
            format!("{shown} is on {kind}, which cannot hold layers"),
            cure,
        ));
    }
    let status = rustix::fs::statvfs(there)?;
    let free = status.f_bavail.saturating_mul(status.f_frsize);
    Ok(match free < ROOM {
        true => Finding::new(
            WHAT,
            State::Note,
            format!("{shown} has {} left", size(free)),
            "`coracle system df` shows what uses the disk, `coracle system prune` frees it",
        ),
        false => Finding::ok(WHAT, format!("{shown}, with {} free", size(free))),
    })
}

fn overlay() -> Finding {
    const WHAT: &str = "overlay";
    let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    match known.lines().any(|line| line.ends_with("\toverlay")) {
        true => Finding::ok(WHAT, "the kernel has overlayfs"),
        false => Finding::new(
            WHAT,
            State::Note,
            "overlayfs is not loaded; the kernel may load it when it is first needed",
            "modprobe overlay, as root, and its name in /etc/modules-load.d",
        ),
    }
}

fn seccomp() -> Finding {
    const WHAT: &str = "seccomp";
    let actions = fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    match actions.split_whitespace().any(|action| action == "errno") {
        true => Finding::ok(WHAT, "the kernel filters system calls"),
        false => Finding::new(
            WHAT,
            State::Bad,
            "the kernel does not filter system calls, or /proc/sys is hidden from us",
            "a kernel with CONFIG_SECCOMP_FILTER; without one --security-opt seccomp=unconfined",
        ),
    }
}

fn cgroups() -> Finding {
    const WHAT: &str = "control groups";
    let cure =
        "start from a login session or a unit with Delegate=yes: systemd-run --user --scope -p Delegate=yes";
    if hierarchy::mount_point().is_none() {
        let cure = "boot with systemd.unified_cgroup_hierarchy=1";
        return Finding::new(
            WHAT,
            State::Note,
            "there is no cgroup2: no limits, no pause",
            cure,
        );
    }
    let is_writable =
        |place: &hierarchy::Place| rustix::fs::access(&place.path, rustix::fs::Access::WRITE_OK).is_ok();
    match hierarchy::places().into_iter().find(is_writable) {
        Some(place) => Finding::ok(WHAT, format!("groups are made below {}", place.path.display())),
        None => Finding::new(
            WHAT,
            State::Note,
            "none is ours to write: no limits, no pause",
            cure,
        ),
    }
}

fn settings(context: &Context) -> Finding {
    const WHAT: &str = "configuration";
    let read = context
        .settings()
        .and_then(|settings| configuration::registries().map(|_| settings))
        .and_then(|settings| configuration::policy(None).map(|_| settings));
    match read {
        Err(error) => Finding::new(WHAT, State::Bad, format!("{error:#}"), "mend that file"),
        Ok(settings) if settings.ignored.is_empty() => Finding::ok(WHAT, "all files can be read"),
        Ok(settings) => {
            let keys: Vec<&str> = settings.ignored.iter().map(String::as_str).collect();
            Finding::ok(
                WHAT,
                format!("all files can be read; not used: {}", keys.join(", ")),
            )
        }
    }
}

fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn user_namespaces() -> Finding {
    const WHAT: &str = "user namespaces";
    for (path, cure) in [
        (
            "/proc/sys/user/max_user_namespaces",
            "sysctl -w user.max_user_namespaces=28633, as root",
        ),
        (
            "/proc/sys/kernel/unprivileged_userns_clone",
            "sysctl -w kernel.unprivileged_userns_clone=1, as root",
        ),
    ] {
        if number(path) == Some(0) {
            return Finding::new(
                WHAT,
                State::Bad,
                format!("{path} is 0: ordinary users may make none"),
                cure,
            );
        }
    }
    let restricted = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
    match number(restricted) {
        Some(0) | None => Finding::ok(WHAT, "ordinary users may make them"),
        Some(_) => Finding::new(
            WHAT,
            State::Note,
            format!("{restricted} is on: programs without a profile get no rights in theirs"),
            "an AppArmor profile with \"userns,\" for this program, or sysctl -w \
             kernel.apparmor_restrict_unprivileged_userns=0, as root",
        ),
    }
}

/// The name of a user (passwd(5)).
fn account(accounts: &str, user: u32) -> Option<&str> {
    let line = accounts
        .lines()
        .find(|line| line.split(':').nth(2) == Some(&user.to_string()));
    line?.split(':').next()
}

/// How many subordinate ids a user has (subuid(5)).
fn subordinate_ids(file: &str, name: &str, user: u32) -> u64 {
    let number = user.to_string();
    let ranges = file.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        let count: u64 = fields.nth(1)?.parse().ok()?;
        (owner == name || owner == number).then_some(count)
    });
    ranges.fold(0, u64::saturating_add)
}

fn subordinates() -> Finding {
    const WHAT: &str = "subordinate ids";
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = account(&accounts, user()).unwrap_or_default();
    let count = |path| subordinate_ids(&fs::read_to_string(path).unwrap_or_default(), name, user());
    let (users, groups) = (count("/etc/subuid"), count("/etc/subgid"));
    let found = format!("{users} users and {groups} groups");
    if users.min(groups) >= IDS {
        return Finding::ok(WHAT, found);
    }
    let who = if name.is_empty() { "NAME" } else { name };
    let cure = format!("usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {who}, as root");
    Finding::new(
        WHAT,
        State::Note,
        format!("{found}: images with more users cannot be unpacked as they are"),
        cure,
    )
}

fn helpers() -> Finding {
    const WHAT: &str = "newuidmap";
    let cure = "install uidmap (Debian, Ubuntu) or shadow-utils (Fedora)";
    for name in ["newuidmap", "newgidmap"] {
        let places =
            ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin"].map(|place| PathBuf::from(place).join(name));
        let Some(path) = places.iter().find(|path| path.exists()) else {
            return Finding::new(
                WHAT,
                State::Note,
                format!("there is no {name}: one user in containers"),
                cure,
            );
        };
        let is_setuid = fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o4000 != 0);
        let has_rights = rustix::fs::getxattr(path, "security.capability", &mut [0u8; 64]).is_ok();
        if !is_setuid && !has_rights {
            let cure = format!("chmod u+s {}, as root", path.display());
            let found = format!("{} has lost its rights: one user in containers", path.display());
            return Finding::new(WHAT, State::Note, found, cure);
        }
    }
    Finding::ok(WHAT, "newuidmap and newgidmap are there")
}

fn run_directory() -> Finding {
    const WHAT: &str = "run directory";
    match variable("XDG_RUNTIME_DIR").map(PathBuf::from) {
        Some(path) if path.is_dir() => Finding::ok(WHAT, path.display().to_string()),
        _ => Finding::new(
            WHAT,
            State::Note,
            "there is no XDG_RUNTIME_DIR: the user's service manager cannot be asked for control groups",
            "log in instead of su: machinectl shell USER@, or ssh",
        ),
    }
}

fn lingering() -> Finding {
    const WHAT: &str = "lingering";
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = account(&accounts, user()).unwrap_or_default();
    if !Path::new("/run/systemd/system").exists() {
        return Finding::ok(
            WHAT,
            "nothing ends containers with a session: systemd does not run",
        );
    }
    match Path::new("/var/lib/systemd/linger").join(name).exists() {
        true => Finding::ok(WHAT, "units of the user run without a session"),
        false => Finding::new(
            WHAT,
            State::Note,
            "units of the user end with the last session, and do not start with the machine",
            format!("loginctl enable-linger {name}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_found_by_name_and_number() {
        let file = "ann:100000:65536\n# x\n1000:300000:10\nann:1:2:3\nbob:1:many\nann\n";
        for (name, user, count) in [("ann", 1, 65538), ("bob", 2, 0), ("cy", 1000, 10), ("", 5, 0)] {
            assert_eq!(subordinate_ids(file, name, user), count, "{name}");
        }
        assert_eq!(account("root:x:0:0::/:/bin/sh\nann:x:7:7:::\n", 7), Some("ann"));
        assert_eq!(account("x", 7), None);
    }

    #[test]
    fn cures_stand_below() {
        let findings = [
            Finding::ok("a", "fine"),
            Finding::new("b", State::Bad, "wrong", "mend it"),
        ];
        assert_eq!(
            plain(&findings),
            "ok    a                fine\nbad   b                wrong\n                       cure: mend it\n"
        );
    }
}
