//! Whether overlayfs takes the content of files from data-only lowers for us, found out by trial.
//!
//! The superuser of a user namespace has that since Linux 6.16. The version says little, as distributions carry such things
//! back, and sandboxes refuse mounts: so a child in a mount namespace of its own mounts one file and looks at it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, XattrFlags};
use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions};

use super::{overlay, rootfs};
use crate::sys::process::{self, Namespaces};

const FILE: &str = "file";
const CONTENT: &[u8] = b"content";

/// Tries it in `place`, an empty directory on the file system that matters, by its absolute path. Called while the
/// process has one thread.
pub fn works(place: &Path) -> bool {
    prepare(place).is_ok() && child_succeeds(place)
}

fn prepare(place: &Path) -> Result<(), Errno> {
    let make = |name: &str| rustix::fs::mkdirat(CWD, place.join(name), Mode::from_raw_mode(0o755));
    make("lower")?;
    make("empty")?;
    make("data")?;
    let file = |path: &str| -> Result<OwnedFd, Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        rustix::fs::open(place.join(path), flags, Mode::from_raw_mode(0o644))
    };
    rustix::io::write(file("data/1")?, CONTENT)?;
    let lower = file("lower/file")?;
    rustix::fs::ftruncate(&lower, CONTENT.len() as u64)?;
    rustix::fs::fsetxattr(&lower, "user.overlay.redirect", b"/1", XattrFlags::empty())?;
    rustix::fs::fsetxattr(&lower, "user.overlay.metacopy", b"", XattrFlags::empty())
}

fn child_succeeds(place: &Path) -> bool {
    let child = process::clone(Namespaces::MOUNT, None, || i32::from(look(place).is_err()));
    let Ok(child) = child else { return false };
    loop {
        match rustix::process::waitid(WaitId::PidFd(child.pidfd.as_fd()), WaitIdOptions::EXITED) {
            Err(Errno::INTR) => {}
            Ok(Some(status)) => return status.exit_status() == Some(0),
            _ => return false,
        }
    }
}

/// Mounts it and reads the file.
fn look(place: &Path) -> Result<(), Errno> {
    rootfs::isolate()?;
    let data = place
        .join("data")
        .into_os_string()
        .into_string()
        .map_err(|_| Errno::INVAL)?;
    // Relative, as the kernel takes short paths alone.
    rustix::process::chdir(place)?;
    let mount = overlay::mount_read_only(&["lower".to_owned()], &[data], "empty")?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&mount, FILE, flags, Mode::empty())?;
    let mut content = [0; CONTENT.len() + 1];
    let length = rustix::io::read(&file, &mut content)?;
    match content[..length] == *CONTENT {
        true => Ok(()),
        false => Err(Errno::IO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_where_nothing_can_be_made_does_not_work() {
        assert!(!works(Path::new("/proc/self/no")));
    }
}
