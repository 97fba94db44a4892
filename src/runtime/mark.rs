//! `/run/.containerenv`: the file by which programs know that they are in a container, where the layer that the store has for it
//! would not be seen or is not enough.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::{Errno, Result};

use super::spec::Mark;

const DIRECTORY: &CStr = c"run";
const NAME: &CStr = c".containerenv";
const PATH: &CStr = c"run/.containerenv";

/// Makes the file, anew if there is one. Nothing of the image or of the user's leads elsewhere: no link is followed, and no
/// mount is entered but the one it is for, which must be the last that was made.
pub fn make(root: BorrowedFd<'_>, mark: &Mark) -> Result<()> {
    let mut resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    resolve.set(ResolveFlags::NO_XDEV, mark.mount.is_none());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o644);
    let open = || rustix::fs::openat2(root, PATH, flags, mode, resolve);
    let file = match open() {
        Err(Errno::NOENT) => {
            rustix::fs::mkdirat(root, DIRECTORY, Mode::from_raw_mode(0o755))?;
            open()?
        }
        // Of an earlier start, or the image's, which may be anything.
        Err(Errno::EXIST) => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let directory = rustix::fs::openat2(root, DIRECTORY, flags, Mode::empty(), resolve)?;
            rustix::fs::unlinkat(&directory, NAME, AtFlags::empty())?;
            open()?
        }
        result => result?,
    };
    if !mark.content.is_empty() {
        rustix::io::write(&file, &mark.content)?;
    }
    Ok(())
}
