//! The child's mounts: the root, everything in it, masks, and the change of root.
//!
//! Runs between clone and exec: nothing here allocates. Below the root every path is resolved by the kernel in-root to
//! a descriptor, and mounts are made on descriptors, so that nothing can be swapped in between (CVE-2021-30465).

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::{Errno, Result};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags,
    UnmountFlags,
};

use super::plan::{DevicePlan, MountPlan, RootPlan, SourcePlan, Target, is_null};
use super::spec::DeviceKind;
use crate::sys::mount::{Attributes, set_attributes};

const PATH: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);
/// Made by us where they are missing.
const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o755);
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);
/// Of mounts that hold data and nothing else.
const PLAIN: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID
    .union(MountAttrFlags::MOUNT_ATTR_NODEV)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC);
/// statfs type of procfs.
const PROC_SUPER_MAGIC: i64 = 0x9fa0;
/// The inode of a procfs's root (linux/proc_fs.h).
const PROC_ROOT_INO: u64 = 1;

/// Stops mounts from spreading to the host, while unmounts there still reach us.
pub fn isolate() -> Result<()> {
    rustix::mount::mount_change(
        c"/",
        MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC,
    )
}

/// Mounts the root file system, attached in this mount namespace, and returns its root. `files` is attached below it, out
/// of sight: before Linux 6.15 only what is attached can be cloned.
pub fn mount_root(root: &RootPlan, files: Option<&Files>) -> Result<OwnedFd> {
    match root {
        RootPlan::Overlay {
            base,
            lowers,
            data,
            joined,
            upper,
            work,
            volatile,
        } => {
            rustix::process::chdir(base)?;
            let mount = match overlay(lowers, data, upper, work, *volatile) {
                // Without `lowerdir+` (before Linux 6.7) all layers go into one option.
                Err(Errno::INVAL) if data.is_empty() => overlay_joined(joined, upper, work, *volatile)?,
                result => result?,
            };
            if let Some(files) = files {
                attach(files.mount.as_fd(), CWD, upper)?;
            }
            attach(mount.as_fd(), CWD, upper)?;
            Ok(mount)
        }
        RootPlan::Directory { path } => {
            // Looked up once: what is copied and what is covered are the same directory.
            let directory = rustix::fs::open(path, PATH | OFlags::DIRECTORY, Mode::empty())?;
            let flags = OpenTreeFlags::OPEN_TREE_CLONE
                | OpenTreeFlags::OPEN_TREE_CLOEXEC
                | OpenTreeFlags::AT_EMPTY_PATH
                | OpenTreeFlags::AT_RECURSIVE;
            let mount = rustix::mount::open_tree(&directory, c"", flags)?;
            if let Some(files) = files {
                attach_on(files.mount.as_fd(), directory.as_fd())?;
            }
            attach_on(mount.as_fd(), directory.as_fd())?;
            Ok(mount)
        }
    }
}

fn open_overlay(upper: &CStr, work: &CStr, volatile: bool) -> Result<OwnedFd> {
    let fs = rustix::mount::fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let set = |key: &CStr, value: &CStr| rustix::mount::fsconfig_set_string(fs.as_fd(), key, value);
    set(c"source", c"coracle")?;
    rustix::mount::fsconfig_set_flag(fs.as_fd(), c"userxattr")?;
    // Said explicitly, since defaults are a matter of the kernel's configuration. A planted redirect is not followed.
    set(c"index", c"off")?;
    set(c"metacopy", c"off")?;
    set(c"redirect_dir", c"nofollow")?;
    if volatile {
        rustix::mount::fsconfig_set_flag(fs.as_fd(), c"volatile")?;
    }
    set(c"upperdir", upper)?;
    set(c"workdir", work)?;
    Ok(fs)
}

fn overlay(
    lowers: &[CString],
    data: &[CString],
    upper: &CStr,
    work: &CStr,
    volatile: bool,
) -> Result<OwnedFd> {
    let fs = open_overlay(upper, work, volatile)?;
    set_layers(fs.as_fd(), lowers, data)?;
    create(fs.as_fd(), MountAttrFlags::empty())
}

fn overlay_joined(joined: &CStr, upper: &CStr, work: &CStr, volatile: bool) -> Result<OwnedFd> {
    let fs = open_overlay(upper, work, volatile)?;
    rustix::mount::fsconfig_set_string(fs.as_fd(), c"lowerdir", joined)?;
    create(fs.as_fd(), MountAttrFlags::empty())
}

/// Names the lowers, uppermost first, and what holds the data of those that have only attributes. Files are found in
/// there by `user.overlay.redirect`, beneath the directory and through no link; for no other layer is that followed.
fn set_layers(fs: BorrowedFd<'_>, lowers: &[CString], data: &[CString]) -> Result<()> {
    for lower in lowers {
        rustix::mount::fsconfig_set_string(fs, c"lowerdir+", lower.as_c_str())?;
    }
    for directory in data {
        rustix::mount::fsconfig_set_string(fs, c"datadir+", directory.as_c_str())?;
    }
    Ok(())
}

fn create(fs: BorrowedFd<'_>, attributes: MountAttrFlags) -> Result<OwnedFd> {
    rustix::mount::fsconfig_create(fs)?;
    rustix::mount::fsmount(fs, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// Attaches a detached mount at a path that was not given by the container.
fn attach(mount: BorrowedFd<'_>, directory: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    rustix::mount::move_mount(
        mount,
        c"",
        directory,
        path,
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )
}

/// Attaches a detached mount on what a descriptor is open on.
pub fn attach_on(mount: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(mount, c"", target, c"", flags)
}

/// What mounting gave that later steps need.
#[derive(Default)]
pub struct Mounted {
    /// The root of /dev and the master of the terminal.
    devices: Option<OwnedFd>,
    pub files: Option<Files>,
    pub terminal: Option<OwnedFd>,
    pub slave: Option<OwnedFd>,
}

impl Mounted {
    /// Makes /dev read-only where its mount is to be so; what is mounted in it stays as it is.
    pub fn seal_devices(&self, mounts: &[MountPlan]) -> Result<()> {
        let is_sealed = |mount: &MountPlan| {
            matches!(mount.source, SourcePlan::Devices { .. }) && mount.set.contains(Attributes::RDONLY)
        };
        match &self.devices {
            Some(devices) if mounts.iter().any(is_sealed) => {
                let none = Attributes::empty();
                set_attributes(devices.as_fd(), Attributes::RDONLY, none, None, false)
            }
            _ => Ok(()),
        }
    }
}

/// Makes one mount in `root`.
pub fn mount(
    root: BorrowedFd<'_>,
    plan: &MountPlan,
    wants_terminal: bool,
    mounted: &mut Mounted,
) -> Result<()> {
    let target = open_target(root, &plan.target)?;
    let mount = match &plan.source {
        SourcePlan::Filesystem {
            kind,
            source,
            options,
        } => new_filesystem(kind, source, options)?,
        SourcePlan::Terminals { options } => new_filesystem(c"devpts", c"devpts", options)?,
        SourcePlan::Devices { options, .. } => new_devices(options)?,
        SourcePlan::File { content } => {
            let files = mounted.files.as_mut().ok_or(Errno::INVAL)?;
            files.add(content)?
        }
        SourcePlan::Bind { path, recursive } => {
            let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
            if *recursive {
                flags |= OpenTreeFlags::AT_RECURSIVE;
            }
            rustix::mount::open_tree(CWD, path, flags)?
        }
    };
    check_proc(target.as_fd(), mount.as_fd(), &plan.target)?;
    let set = match &plan.source {
        // Its nodes and what is mounted in it come first (`Mounted::seal_devices`).
        SourcePlan::Devices { .. } => plan.set - Attributes::RDONLY,
        _ => plan.set,
    };
    if !set.is_empty() || !plan.clear.is_empty() {
        set_attributes(mount.as_fd(), set, plan.clear, None, plan.recursive)?;
    }
    if plan.propagation.is_some() {
        let none = Attributes::empty();
        let recursive = plan.recursive || plan.propagation_recursive;
        set_attributes(mount.as_fd(), none, none, plan.propagation, recursive)?;
    }
    attach_on(mount.as_fd(), target.as_fd())?;
    match &plan.source {
        SourcePlan::Devices { devices, .. } => {
            fill_devices(mount.as_fd(), devices)?;
            mounted.devices = Some(mount);
        }
        SourcePlan::Terminals { .. } if wants_terminal => open_terminal(mount.as_fd(), mounted)?,
        _ => {}
    }
    Ok(())
}

fn new_filesystem(kind: &CStr, source: &CStr, options: &[(CString, Option<CString>)]) -> Result<OwnedFd> {
    let fs = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    rustix::mount::fsconfig_set_string(fs.as_fd(), c"source", source)?;
    for (key, value) in options {
        match value {
            Some(value) => {
                rustix::mount::fsconfig_set_string(fs.as_fd(), key.as_c_str(), value.as_c_str())?;
            }
            None => rustix::mount::fsconfig_set_flag(fs.as_fd(), key.as_c_str())?,
        }
    }
    create(fs.as_fd(), MountAttrFlags::empty())
}

/// Opens a mount's target in the root and makes what is missing: directories, and at its end a directory or a file.
fn open_target(root: BorrowedFd<'_>, target: &Target) -> Result<OwnedFd> {
    let Some(path) = target.path() else {
        return Err(Errno::BUSY);
    };
    let mut resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    if target.strict {
        resolve |= ResolveFlags::NO_SYMLINKS;
    }
    let open = |path: &CStr| rustix::fs::openat2(root, path, PATH, Mode::empty(), resolve);
    match open(path) {
        Err(Errno::NOENT) if target.makes => {}
        result => return result,
    }
    let mut parent = rustix::io::fcntl_dupfd_cloexec(root, 3)?;
    let last = target.prefixes.len() - 1;
    for (index, (prefix, name)) in target.prefixes.iter().zip(&target.names).enumerate() {
        let child = match open(prefix) {
            Err(Errno::NOENT) => {
                // Made by name in a directory that is open, so that no link can lead it elsewhere (CVE-2024-45310).
                match make(parent.as_fd(), name, index < last || target.directory) {
                    Ok(()) | Err(Errno::EXIST) => open(prefix)?,
                    Err(error) => return Err(error),
                }
            }
            result => result?,
        };
        parent = child;
    }
    Ok(parent)
}

fn make(parent: BorrowedFd<'_>, name: &CStr, directory: bool) -> Result<()> {
    if directory {
        return rustix::fs::mkdirat(parent, name, DIRECTORY_MODE);
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, FILE_MODE).map(drop)
}

/// A mount over or below /proc, of whatever kind, could hide what masks and sysctls rely on (CVE-2019-16884,
/// CVE-2025-52881). At /proc itself there may only be a /proc; what stands in for a few of its files, as lxcfs does, is
/// let through.
fn check_proc(target: BorrowedFd<'_>, mount: BorrowedFd<'_>, plan: &Target) -> Result<()> {
    const ALLOWED: [&CStr; 11] = [
        c"proc/cpuinfo",
        c"proc/diskstats",
        c"proc/loadavg",
        c"proc/meminfo",
        c"proc/net/dev",
        c"proc/slabinfo",
        c"proc/stat",
        c"proc/swaps",
        c"proc/sys/crypto/fips_enabled",
        c"proc/sys/kernel/ns_last_pid",
        c"proc/uptime",
    ];
    let is_proc = |fd| rustix::fs::fstatfs(fd).map(|status| status.f_type == PROC_SUPER_MAGIC);
    let path = plan.path().map_or(c"", CString::as_c_str);
    let is_fit = if path == c"proc" {
        is_proc(mount)? && rustix::fs::fstat(mount)?.st_ino == PROC_ROOT_INO
    } else if path.to_bytes().starts_with(b"proc/") || is_proc(target)? {
        ALLOWED.contains(&path)
    } else {
        true
    };
    if is_fit { Ok(()) } else { Err(Errno::PERM) }
}

fn new_devices(options: &[(CString, Option<CString>)]) -> Result<OwnedFd> {
    if !options.is_empty() {
        return new_filesystem(c"tmpfs", c"tmpfs", options);
    }
    let options = [(c"mode", c"755"), (c"size", c"65536k")];
    new_tmpfs(&options, MountAttrFlags::MOUNT_ATTR_NOSUID)
}

/// A tmpfs of ours, attached nowhere yet.
fn new_tmpfs(options: &[(&CStr, &CStr)], attributes: MountAttrFlags) -> Result<OwnedFd> {
    let fs = rustix::mount::fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    rustix::mount::fsconfig_set_string(fs.as_fd(), c"source", c"tmpfs")?;
    for (key, value) in options {
        rustix::mount::fsconfig_set_string(fs.as_fd(), *key, *value)?;
    }
    create(fs.as_fd(), attributes)
}

/// The tmpfs of the files that we give to a container.
pub struct Files {
    mount: OwnedFd,
    count: u8,
}

impl Files {
    pub fn new() -> Result<Self> {
        let options = [(c"mode", c"755"), (c"size", c"1024k")];
        Ok(Self {
            mount: new_tmpfs(&options, PLAIN)?,
            count: 0,
        })
    }

    /// Makes a file with `content` and returns a detached mount of it.
    fn add(&mut self, content: &[u8]) -> Result<OwnedFd> {
        let name = [b'a' + self.count, 0];
        let name = CStr::from_bytes_with_nul(&name).map_err(|_| Errno::INVAL)?;
        self.count += 1;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.mount, name, flags, FILE_MODE)?;
        let mut left = content;
        while !left.is_empty() {
            left = &left[rustix::io::write(&file, left)?..];
        }
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        rustix::mount::open_tree(&self.mount, name, flags)
    }
}

/// Fills /dev by the descriptor of its own tmpfs, so that nothing of the image is met (CVE-2026-41579).
fn fill_devices(dev: BorrowedFd<'_>, devices: &[DevicePlan]) -> Result<()> {
    for device in devices {
        make_device(dev, device)?;
    }
    for (target, name) in [
        (c"/proc/self/fd", c"fd"),
        (c"/proc/self/fd/0", c"stdin"),
        (c"/proc/self/fd/1", c"stdout"),
        (c"/proc/self/fd/2", c"stderr"),
        (c"pts/ptmx", c"ptmx"),
        (c"/proc/kcore", c"core"),
    ] {
        rustix::fs::symlinkat(target, dev, name)?;
    }
    Ok(())
}

/// Makes a node, or binds the host's where this user namespace may not make any.
fn make_device(dev: BorrowedFd<'_>, plan: &DevicePlan) -> Result<()> {
    let device = &plan.device;
    let kind = match device.kind {
        DeviceKind::Character => FileType::CharacterDevice,
        DeviceKind::Block => FileType::BlockDevice,
        DeviceKind::Fifo => FileType::Fifo,
    };
    make_parents(dev, &plan.name)?;
    let number = rustix::fs::makedev(device.major, device.minor);
    match rustix::fs::mknodat(dev, &plan.name, kind, Mode::empty(), number) {
        Ok(()) => {
            rustix::fs::chmodat(
                dev,
                &plan.name,
                Mode::from_raw_mode(device.mode),
                AtFlags::empty(),
            )?;
            let (uid, gid) = (
                rustix::fs::Uid::from_raw(device.uid),
                rustix::fs::Gid::from_raw(device.gid),
            );
            rustix::fs::chownat(dev, &plan.name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
        }
        Err(Errno::PERM) => {
            let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
            let node = rustix::mount::open_tree(CWD, &plan.host, flags)?;
            let status = rustix::fs::fstat(&node)?;
            if FileType::from_raw_mode(status.st_mode) != kind || status.st_rdev != number {
                return Err(Errno::NODEV);
            }
            make(dev, &plan.name, false)?;
            attach(node.as_fd(), dev, &plan.name)
        }
        Err(error) => Err(error),
    }
}

/// Directories above a device such as `net/tun`, one level, which is all that names of devices have.
fn make_parents(dev: BorrowedFd<'_>, name: &CStr) -> Result<()> {
    let bytes = name.to_bytes();
    let Some(slash) = bytes.iter().position(|byte| *byte == b'/') else {
        return Ok(());
    };
    let mut parent = [0u8; 64];
    parent
        .get_mut(..slash)
        .ok_or(Errno::NAMETOOLONG)?
        .copy_from_slice(&bytes[..slash]);
    let parent = CStr::from_bytes_until_nul(&parent).map_err(|_| Errno::NAMETOOLONG)?;
    match rustix::fs::mkdirat(dev, parent, DIRECTORY_MODE) {
        Err(Errno::EXIST) => Ok(()),
        result => result,
    }
}

/// Opens a terminal in the container's own devpts and puts it at /dev/console. The slave is opened by its master,
/// not by a path (CVE-2025-52565).
fn open_terminal(devpts: BorrowedFd<'_>, mounted: &mut Mounted) -> Result<()> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let master = rustix::fs::openat(devpts, c"ptmx", flags, Mode::empty())?;
    rustix::pty::unlockpt(&master)?;
    let slave = rustix::pty::ioctl_tiocgptpeer(
        &master,
        rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY | rustix::pty::OpenptFlags::CLOEXEC,
    )?;
    if let Some(dev) = &mounted.devices {
        let flags =
            OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
        let console = rustix::mount::open_tree(&slave, c"", flags)?;
        make(dev.as_fd(), c"console", false)?;
        attach(console.as_fd(), dev.as_fd(), c"console")?;
    }
    mounted.terminal = Some(master);
    mounted.slave = Some(slave);
    Ok(())
}

/// Opens a terminal in the devpts of a running container, checked to be one.
pub fn open_terminal_of(root: BorrowedFd<'_>, mounted: &mut Mounted) -> Result<()> {
    const DEVPTS_SUPER_MAGIC: i64 = 0x1cd1;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let devpts = rustix::fs::openat2(root, c"dev/pts", flags, Mode::empty(), resolve)?;
    if rustix::fs::fstatfs(&devpts)?.f_type != DEVPTS_SUPER_MAGIC {
        return Err(Errno::NODEV);
    }
    mounted.devices = None;
    open_terminal(devpts.as_fd(), mounted)
}

/// Covers a path: a file by the null device, a directory by an empty read-only tmpfs, the same one for all, which is kept
/// in `empty`. What is not there stays so.
pub fn mask(
    root: BorrowedFd<'_>,
    path: &CStr,
    null: BorrowedFd<'_>,
    empty: &mut Option<OwnedFd>,
) -> Result<()> {
    let Some(target) = open_existing(root, path)? else {
        return Ok(());
    };
    let is_directory = FileType::from_raw_mode(rustix::fs::fstat(&target)?.st_mode) == FileType::Directory;
    let cover = if is_directory {
        let Some(attached) = empty else {
            let cover = empty.insert(new_tmpfs(&[], PLAIN | MountAttrFlags::MOUNT_ATTR_RDONLY)?);
            return attach_on(cover.as_fd(), target.as_fd());
        };
        let flags =
            OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
        rustix::mount::open_tree(&*attached, c"", flags)?
    } else {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let cover = rustix::mount::open_tree(CWD, c"/dev/null", flags)?;
        // The same device that the parent checked.
        let (ours, checked) = (rustix::fs::fstat(&cover)?, rustix::fs::fstat(null)?);
        if !is_null(&ours) || (ours.st_dev, ours.st_ino) != (checked.st_dev, checked.st_ino) {
            return Err(Errno::NODEV);
        }
        cover
    };
    attach_on(cover.as_fd(), target.as_fd())
}

/// Makes a path read-only, with everything mounted below it, by binding it on itself.
pub fn make_read_only(root: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    let Some(target) = open_existing(root, path)? else {
        return Ok(());
    };
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_EMPTY_PATH;
    let copy = rustix::mount::open_tree(&target, c"", flags)?;
    set_attributes(copy.as_fd(), Attributes::RDONLY, Attributes::empty(), None, true)?;
    attach_on(copy.as_fd(), target.as_fd())
}

fn open_existing(root: BorrowedFd<'_>, path: &CStr) -> Result<Option<OwnedFd>> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(root, path, PATH, Mode::empty(), resolve) {
        Ok(target) => Ok(Some(target)),
        // A path through a symbolic link is not the one that was meant.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a file of the container for its parent to read; none where it is not there. Opening cannot block or make
/// a terminal ours, whatever it is.
pub fn open_for_parent(root: BorrowedFd<'_>, path: &CStr) -> Option<OwnedFd> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::openat2(root, path, flags, Mode::empty(), resolve).ok()
}

/// Makes `root` the root of this mount namespace and drops the old one.
pub fn enter(root: BorrowedFd<'_>) -> Result<()> {
    rustix::process::fchdir(root)?;
    // The old root ends up on top of the new one, where "." finds it (pivot_root(2), "pivot_root(".", ".")").
    rustix::process::pivot_root(c".", c".")?;
    rustix::mount::mount_change(
        c".",
        MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC,
    )?;
    rustix::mount::unmount(c".", UnmountFlags::DETACH)?;
    rustix::process::chdir(c"/")
}

/// Opens the working directory, made where it is missing, and goes there.
pub fn change_directory(root: BorrowedFd<'_>, target: &Target) -> Result<()> {
    if target.path().is_none() {
        return rustix::process::chdir(c"/");
    }
    let directory = match open_target(root, target) {
        // On a read-only root what is missing cannot be made.
        Err(Errno::ROFS) => return Err(Errno::NOENT),
        result => result?,
    };
    rustix::process::fchdir(&directory)
}

/// Whether `file` is open on this device and inode.
pub fn is_same(file: BorrowedFd<'_>, (device, inode): (u64, u64)) -> bool {
    rustix::fs::fstat(file).is_ok_and(|status| (status.st_dev, status.st_ino) == (device, inode))
}
