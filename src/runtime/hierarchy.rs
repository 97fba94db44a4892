//! The hierarchy of control groups: where cgroup2 is, which of its groups are ours to divide, and how controllers get
//! there.
//!
//! A group of systemd's belongs to systemd alone, below it is only ours where the unit says so (`Delegate=`), which systemd
//! marks with an extended attribute. There a container counts to its unit, keeps to the unit's limits and ends
//! with it. Without such a unit a group beside our own is taken, if it can be written; a login session's cannot, and
//! there the user's service manager is asked for one, when there are limits to keep.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, Mode};
use rustix::io::Errno;

use super::cgroup::CgroupError;
use super::scope;

/// statfs type of cgroup2.
const CGROUP2_SUPER_MAGIC: i64 = 0x6367_7270;
/// Where the processes go that were in a group which got groups with limits below it.
const LEAF: &str = "coracle-supervisor";
/// Between a group of systemd's and those with limits. systemd takes controllers away from its groups when none of its
/// units wants them any more, and the limits of a foreign group vanish without a word; the kernel refuses that
/// while a group directly below uses them for others.
const SHIELD: &str = "coracle";
/// How often what others can thwart is tried: processes are born while they are moved, shields removed when made.
const ROUNDS: usize = 16;

/// A group below which containers' groups are made.
#[derive(Debug)]
pub struct Place {
    pub path: PathBuf,
    mount: PathBuf,
    /// All of it is ours, so that the processes in it may be moved.
    pub is_ours: bool,
    is_shielded: bool,
}

/// The places, best first: the unit that was delegated to us, the group above our own, our own, and for the superuser the
/// root of the hierarchy.
pub fn places() -> Vec<Place> {
    let Some(mount) = mount_point() else {
        return Vec::new();
    };
    let own = own_group(&mount);
    let is_root = rustix::process::geteuid().is_root();
    let place = |path: &Path, is_ours: bool| Place {
        path: path.into(),
        mount: mount.clone(),
        is_ours,
        is_shielded: false,
    };
    let mut places = Vec::new();
    places.extend(delegated(&mount, &own).map(|path| place(path, true)));
    if own != mount {
        if let Some(parent) = own.parent().filter(|parent| *parent != mount) {
            places.push(place(parent, false));
        }
        places.push(place(&own, false));
    }
    if is_root {
        // In a cgroup namespace the root is a group like others, and whole: only the real one has no type.
        let is_ours = has_type(&mount);
        places.push(place(&mount, is_ours));
    }
    // Both, as clone3 with CLONE_INTO_CGROUP needs the second (cgroups(7), "Delegation containment").
    places.retain(|place| is_writable(&place.path) && is_writable(&place.path.join("cgroup.procs")));
    places
}

/// A place from the user's service manager, into which we move; none where there is no such. Only out of a session: what
/// runs in a service is to end with it.
pub fn ask_for_place(name: &str) -> std::io::Result<Option<Place>> {
    let Some(mount) = mount_point() else {
        return Ok(None);
    };
    let is_scope = |group: &Path| group.extension().is_some_and(|kind| kind == "scope");
    if !is_scope(&own_group(&mount)) {
        return Ok(None);
    }
    // Two processes can care for one container after another: the id alone may be taken yet.
    let name = format!("{name}-{}.scope", std::process::id());
    match scope::enter(&name) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        result => result?,
    }
    let path = own_group(&mount);
    // Another process may have our number in the pid namespace of the service manager.
    if path.file_name() != Some(name.as_ref()) {
        let text = format!("the service manager has made {name}, but without us");
        return Err(std::io::Error::other(text));
    }
    Ok(Some(Place {
        path,
        mount,
        is_ours: true,
        is_shielded: false,
    }))
}

/// Whether a child of ours can be born in `group`: the nearest group above both must be writable (cgroups(7),
/// "Delegation containment"), which that of a session and one of the user's service manager is not.
pub fn is_reachable(group: &Path) -> bool {
    let Some(mount) = mount_point() else {
        return false;
    };
    let own = own_group(&mount);
    let common: PathBuf = own
        .components()
        .zip(group.components())
        .take_while(|(one, other)| one == other)
        .map(|(one, _)| one)
        .collect();
    is_writable(&common.join("cgroup.procs"))
}

impl Place {
    /// Prepares for limits that nobody else may take away.
    pub fn shield(&mut self) {
        if !self.is_ours {
            self.path.push(SHIELD);
            self.is_shielded = true;
        }
    }

    /// Makes the group `name` here, if that is possible.
    pub fn make_group(&self, name: &str) -> Option<PathBuf> {
        let path = self.path.join(name);
        for _ in 0..ROUNDS {
            if self.is_shielded {
                make(&self.path).ok()?;
            }
            match make(&path) {
                Ok(()) => return Some(path),
                // The end of another container has removed the shield just now.
                Err(Errno::NOENT) if self.is_shielded => {}
                Err(_) => return None,
            }
        }
        None
    }

    /// Lets the groups below use a controller.
    pub fn enable(&self, controller: &'static str) -> Result<(), CgroupError> {
        let levels: Vec<&Path> = self
            .path
            .ancestors()
            .take_while(|level| level.starts_with(&self.mount))
            .collect();
        let missing = |level: &Path| CgroupError::Missing {
            controller,
            level: delegator(&levels, level).into(),
        };
        for (index, level) in levels.iter().enumerate().rev() {
            if !lists(&level.join("cgroup.controllers"), controller) {
                return Err(missing(level));
            }
            let control = level.join("cgroup.subtree_control");
            if lists(&control, controller) {
                continue;
            }
            let below = index.checked_sub(1).map(|below| levels[below]);
            if below.is_none() && self.is_ours {
                self.vacate()?;
            }
            // Some controllers the kernel enables above processes all the same, but then only for threads: no process
            // could be made in the groups below any more (cgroups(7), "Thread mode"). The real root is exempt.
            if has_type(level) && has_processes(level) {
                return Err(CgroupError::Busy {
                    controller,
                    path: level.to_path_buf(),
                });
            }
            std::fs::write(&control, format!("+{controller}"))
                .map_err(|_| missing(below.unwrap_or(level)))?;
        }
        Ok(())
    }

    /// Moves the processes of the group into a leaf below it. Several rounds, as some are born meanwhile.
    fn vacate(&self) -> Result<(), CgroupError> {
        let leaf = self.path.join(LEAF);
        for _ in 0..ROUNDS {
            let processes = std::fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
            if processes.is_empty() {
                break;
            }
            make(&leaf).map_err(|errno| CgroupError::Write {
                path: leaf.clone(),
                source: errno.into(),
            })?;
            for process in processes.lines() {
                // One that has ended meanwhile cannot be moved, and need not be.
                let _ = std::fs::write(leaf.join("cgroup.procs"), process);
            }
        }
        Ok(())
    }
}

/// Which of `levels`, the lowest first, decides whether the controller comes to the lowest one, when it is missing from `level`
/// on: systemd gives it to no group above a unit that does not ask for it.
fn delegator<'a>(levels: &[&'a Path], level: &'a Path) -> &'a Path {
    let below = levels
        .iter()
        .rev()
        .filter(|below| below.starts_with(level) && levels.last() != Some(&level));
    let mut units = below.filter(|group| {
        let kind = group.extension().unwrap_or_default();
        kind == "service" || kind == "scope"
    });
    units.next().copied().unwrap_or(level)
}

fn has_type(level: &Path) -> bool {
    level.join("cgroup.type").exists()
}

/// Whether there are processes in the group itself.
pub fn has_processes(level: &Path) -> bool {
    std::fs::read_to_string(level.join("cgroup.procs")).is_ok_and(|processes| !processes.is_empty())
}

/// Removes the shield above a group that has been removed, unless it shields others.
pub fn lift_shield(group: &Path) {
    if let Some(parent) = group.parent().filter(|parent| parent.ends_with(SHIELD)) {
        let _ = rustix::fs::rmdir(parent);
    }
}

/// Makes a group, unless it is there.
pub fn make(group: &Path) -> rustix::io::Result<()> {
    match rustix::fs::mkdir(group, Mode::from_raw_mode(0o755)) {
        Err(Errno::EXIST) => Ok(()),
        result => result,
    }
}

/// Whether a file of controllers names this one.
pub fn lists(file: &Path, controller: &str) -> bool {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.split_whitespace().any(|name| name == controller)
}

/// The nearest group of ours or above that its owner left to us.
fn delegated<'a>(mount: &Path, own: &'a Path) -> Option<&'a Path> {
    own.ancestors()
        .take_while(|level| level.starts_with(mount) && *level != mount)
        .find(|level| is_marked(level))
        // What was delegated to another service manager is divided by that one.
        .filter(|level| !level.join("init.scope").exists())
}

/// Whether systemd has marked a group as delegated: the first mark is since version 251, the second only root can see.
fn is_marked(level: &Path) -> bool {
    ["user.delegate", "trusted.delegate"].into_iter().any(|name| {
        let mut value = [0_u8; 8];
        rustix::fs::getxattr(level, name, &mut value).is_ok_and(|length| value[..length] == *b"1")
    })
}

/// The group that we are in; the root where it is outside of what is mounted.
fn own_group(mount: &Path) -> PathBuf {
    let table = crate::base::file::read_proc("/proc/self/cgroup").unwrap_or_default();
    mount.join(path_in(&table))
}

/// The group that a table such as `/proc/self/cgroup` names, relative to the root of version 2; empty where it lies outside.
pub fn path_in(table: &[u8]) -> &Path {
    let own = table
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"0::/"))
        .map_or(Path::new(""), |path| Path::new(OsStr::from_bytes(path)));
    let is_below = own
        .components()
        .all(|component| matches!(component, Component::Normal(_)));
    if is_below { own } else { Path::new("") }
}

fn is_writable(path: &Path) -> bool {
    rustix::fs::accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).is_ok()
}

/// Whether the limits of a group that is the root of a namespace are kept from those inside (cgroups(7), nsdelegate).
pub fn guards_namespaces() -> bool {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    table.lines().any(|line| {
        let kind = line
            .split_once(" - ")
            .and_then(|(_, kind)| kind.strip_prefix("cgroup2 "));
        kind.is_some_and(|kind| kind.split([' ', ',']).any(|option| option == "nsdelegate"))
    })
}

/// Where cgroup2 is mounted: the two usual places by their file system type, else what the mount table says.
pub fn mount_point() -> Option<PathBuf> {
    for path in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
        if rustix::fs::statfs(path).is_ok_and(|status| status.f_type == CGROUP2_SUPER_MAGIC) {
            return Some(path.into());
        }
    }
    let table = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    table.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        after
            .starts_with("cgroup2 ")
            .then(|| before.split(' ').nth(4).map(PathBuf::from))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_controller_is_for_a_unit_to_delegate() {
        let levels = [
            "/c/u.slice/user@1.service/app.slice/x.scope",
            "/c/u.slice/user@1.service/app.slice",
        ]
        .into_iter()
        .chain(["/c/u.slice/user@1.service", "/c/u.slice", "/c"])
        .map(Path::new)
        .collect::<Vec<_>>();
        for (level, expected) in [
            ("/c", "/c"),
            ("/c/u.slice", "/c/u.slice/user@1.service"),
            ("/c/u.slice/user@1.service", "/c/u.slice/user@1.service"),
            (
                "/c/u.slice/user@1.service/app.slice",
                "/c/u.slice/user@1.service/app.slice/x.scope",
            ),
        ] {
            assert_eq!(delegator(&levels, Path::new(level)), Path::new(expected));
        }
        let slice = [Path::new("/c/x.slice"), Path::new("/c")];
        assert_eq!(delegator(&slice, slice[0]), slice[0]);
    }

    #[test]
    fn own_group_is_of_version_2_and_below_the_root() {
        for (table, expected) in [
            ("0::/a/b.service\n", "a/b.service"),
            ("5:memory:/x\n0::/a\n", "a"),
            ("5:memory:/x\n", ""),
            ("0::/\n", ""),
            ("0::/../other\n", ""),
            ("0::/a/../../b\n", ""),
            ("", ""),
        ] {
            assert_eq!(path_in(table.as_bytes()), Path::new(expected), "{table}");
        }
    }
}
