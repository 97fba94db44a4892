//! Memory that a parent and its forked child share.

use std::ops::{Deref, DerefMut};

use rustix::io::Result;

use super::process::last_error;

/// A type for which all bytes zero is a value, and which holds no pointer, so that it may be shared with a forked child.
///
/// # Safety
/// Zero must be a valid value of it, and it must own nothing outside itself.
pub unsafe trait Plain {}

/// One zeroed value in a mapping that stays shared across a fork. Pages that are never touched cost nothing.
pub struct Shared<T: Plain>(*mut T);

impl<T: Plain> Shared<T> {
    pub fn new() -> Result<Self> {
        // SAFETY: a new anonymous mapping, placed by the kernel, aliases nothing.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size_of::<T>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if address == libc::MAP_FAILED {
            Err(last_error())
        } else {
            Ok(Self(address.cast()))
        }
    }
}

impl<T: Plain> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: mapped and aligned (a page is), zero is a value (`Plain`), unmapped only by drop. Parent and child
        // take turns by messages, so nobody writes while the other reads.
        unsafe { &*self.0 }
    }
}

impl<T: Plain> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`.
        unsafe { &mut *self.0 }
    }
}

impl<T: Plain> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and nothing borrows from it any more.
        unsafe { libc::munmap(self.0.cast(), size_of::<T>()) };
    }
}
