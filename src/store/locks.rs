//! Locks: `flock(2)` for exclusion, POSIX record locks for liveness.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::{DIRECTORY, Kind, Result, Store};

/// How a lock is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hold {
    /// Together with other readers: the object is relied on.
    Shared,
    /// Alone: the object is being changed or removed.
    Exclusive,
}

/// The directory of an object, locked until this is dropped.
#[derive(Debug)]
pub struct Locked {
    directory: OwnedFd,
    /// What excludes others where the directory itself cannot (see [`Store::lock`]).
    _exclusion: Option<OwnedFd>,
}

impl From<OwnedFd> for Locked {
    /// A directory on which the lock is held already, as after publishing.
    fn from(directory: OwnedFd) -> Self {
        Self {
            directory,
            _exclusion: None,
        }
    }
}

impl AsFd for Locked {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// After this long the user is told what is being waited for.
const PATIENCE: Duration = Duration::from_secs(1);

impl Store {
    /// Opens and locks an object, waiting for whoever holds it; `waiting` is called once after a second.
    /// `None`: the object is not there, or was removed while we waited.
    ///
    /// Whoever can read a directory can lock it. In a store that everybody reads nobody is therefore waited for: who
    /// relies on an object only asks for it to stay, and who changes one excludes others by a file that they cannot open.
    pub fn lock(
        &self,
        kind: Kind,
        name: &str,
        hold: Hold,
        waiting: &mut dyn FnMut(),
    ) -> Result<Option<Locked>> {
        let exclusion = match hold {
            Hold::Exclusive if self.is_public => Some(self.lock_group(kind.path().replace('/', "-"), name)?),
            _ => None,
        };
        loop {
            let Some(directory) = self.open_for_lock(kind, name)? else {
                return Ok(None);
            };
            let locked = match (self.is_public, hold) {
                (false, _) => flock_patiently(directory.as_fd(), hold, waiting),
                (true, Hold::Exclusive) => Ok(()),
                (true, Hold::Shared) => ask_to_stay(directory.as_fd()),
            };
            locked.map_err(|error| self.io(kind.path(), error.into()))?;
            if self.is_current(kind, name, directory.as_fd()) {
                return Ok(Some(Locked {
                    directory,
                    _exclusion: exclusion,
                }));
            }
        }
    }

    /// The same without waiting. `None`: somebody holds it, or it is not there.
    pub fn try_lock(&self, kind: Kind, name: &str, hold: Hold) -> Result<Option<Locked>> {
        let Some(directory) = self.open_for_lock(kind, name)? else {
            return Ok(None);
        };
        match flock(directory.as_fd(), hold, false) {
            Ok(()) if self.is_current(kind, name, directory.as_fd()) => Ok(Some(directory.into())),
            Ok(()) | Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(self.io(kind.path(), error.into())),
        }
    }

    fn open_for_lock(&self, kind: Kind, name: &str) -> Result<Option<OwnedFd>> {
        match self.object(kind, name) {
            Ok(directory) => Ok(Some(directory)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the path still leads to the directory that was locked.
    pub fn is_current(&self, kind: Kind, name: &str, locked: BorrowedFd<'_>) -> bool {
        let path = format!("{}/{name}", kind.path());
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        match (
            rustix::fs::fstat(locked),
            rustix::fs::statat(&self.root, path.as_str(), flags),
        ) {
            (Ok(ours), Ok(path)) => (ours.st_dev, ours.st_ino) == (path.st_dev, path.st_ino),
            _ => false,
        }
    }

    /// Exclusion over one of 64 groups of names, so that a stale one can be judged and replaced at once.
    pub(super) fn lock_bucket(&self, name: &str) -> Result<OwnedFd> {
        self.lock_group(String::new(), name)
    }

    /// The same over groups of their own, whose files begin with `kind`.
    fn lock_group(&self, kind: String, name: &str) -> Result<OwnedFd> {
        let hash = name
            .bytes()
            .fold(5381u32, |hash, byte| hash.wrapping_mul(33) ^ u32::from(byte));
        let path = format!("{}/{kind}{:02x}", Kind::Locks.path(), hash % 64);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.root, path.as_str(), flags, Mode::RUSR | Mode::WUSR)
            .and_then(|file| flock(file.as_fd(), Hold::Exclusive, true).map(|()| file));
        file.map_err(|error| self.io(&path, error.into()))
    }
}

/// Locks a directory shared, unless somebody keeps us from it.
pub(super) fn ask_to_stay(directory: BorrowedFd<'_>) -> rustix::io::Result<()> {
    match flock(directory, Hold::Shared, false) {
        Err(Errno::WOULDBLOCK) => Ok(()),
        result => result,
    }
}

/// Takes a lock on an open directory or file.
pub(super) fn flock(file: BorrowedFd<'_>, hold: Hold, wait: bool) -> rustix::io::Result<()> {
    let operation = match (hold, wait) {
        (Hold::Shared, true) => FlockOperation::LockShared,
        (Hold::Shared, false) => FlockOperation::NonBlockingLockShared,
        (Hold::Exclusive, true) => FlockOperation::LockExclusive,
        (Hold::Exclusive, false) => FlockOperation::NonBlockingLockExclusive,
    };
    loop {
        match rustix::fs::flock(file, operation) {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// Waits for the lock and tells after [`PATIENCE`]. The kernel has no lock with a time limit, so the first second is
/// spent in growing steps; after it the wait is the kernel's own.
fn flock_patiently(file: BorrowedFd<'_>, hold: Hold, waiting: &mut dyn FnMut()) -> rustix::io::Result<()> {
    let begin = Instant::now();
    let mut step = Duration::from_micros(100);
    loop {
        match flock(file, hold, false) {
            Err(Errno::WOULDBLOCK) if begin.elapsed() < PATIENCE => {
                std::thread::sleep(step);
                step = (step * 2).min(Duration::from_millis(20));
            }
            Err(Errno::WOULDBLOCK) => break,
            result => return result,
        }
    }
    waiting();
    flock(file, hold, true)
}

/// A POSIX lock on one byte of a file, which only this process holds and which ends with it.
///
/// Closing *any* descriptor of the same file in this process drops the lock (POSIX), so a process opens such a
/// file once.
#[derive(Debug)]
pub struct Liveness {
    _held: OwnedFd,
}

/// The file in a container's directory on which its monitor holds the liveness lock.
pub const LIVE: &str = "live";

impl Liveness {
    /// Makes the lock file `name` where it is missing and locks it. `None`: another process holds it.
    pub fn take(directory: BorrowedFd<'_>, name: &str) -> rustix::io::Result<Option<Self>> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?;
        match rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { _held: file })),
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same, waiting for another process to end or to give it up.
    pub fn wait(directory: BorrowedFd<'_>, name: &str) -> rustix::io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?;
        crate::sys::lock::set(file.as_fd(), 0, crate::sys::lock::Lock::Exclusive, true)?;
        Ok(Self { _held: file })
    }

    /// The pid that holds the lock file `name`, if any. A holder in another pid namespace is told as pid 0.
    pub fn holder(directory: BorrowedFd<'_>, name: &str) -> rustix::io::Result<Option<i32>> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(directory, name, flags, Mode::empty()) {
            Ok(file) => crate::sys::lock::holder(file.as_fd(), 0),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Reopens a directory, so that a lock on it can be taken apart from the first descriptor's.
pub(super) fn reopen(directory: BorrowedFd<'_>) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(directory, ".", DIRECTORY, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let parent = tempfile::tempdir().unwrap();
        let store = Store::open(&parent.path().join("store")).unwrap();
        std::fs::create_dir(store.path_of(Kind::Volumes, "v")).unwrap();
        (parent, store)
    }

    #[test]
    fn exclusion() {
        let (_parent, store) = store();
        let shared = store.try_lock(Kind::Volumes, "v", Hold::Shared).unwrap().unwrap();
        assert!(
            store
                .try_lock(Kind::Volumes, "v", Hold::Shared)
                .unwrap()
                .is_some()
        );
        assert!(
            store
                .try_lock(Kind::Volumes, "v", Hold::Exclusive)
                .unwrap()
                .is_none()
        );
        drop(shared);
        assert!(
            store
                .lock(Kind::Volumes, "v", Hold::Exclusive, &mut || ())
                .unwrap()
                .is_some()
        );
        assert!(
            store
                .lock(Kind::Volumes, "none", Hold::Exclusive, &mut || ())
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn an_object_removed_while_waiting_is_not_locked() {
        let (_parent, store) = store();
        let held = store
            .try_lock(Kind::Volumes, "v", Hold::Exclusive)
            .unwrap()
            .unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                store
                    .lock(Kind::Volumes, "v", Hold::Exclusive, &mut || ())
                    .unwrap()
            });
            std::fs::rename(store.path_of(Kind::Volumes, "v"), store.path_of(Kind::Trash, "v")).unwrap();
            drop(held);
            assert!(waiter.join().unwrap().is_none());
        });
    }

    #[test]
    fn liveness_names_the_holder_and_ends_with_it() {
        let (_parent, store) = store();
        let directory = store.object(Kind::Volumes, "v").unwrap();
        assert_eq!(Liveness::holder(directory.as_fd(), LIVE).unwrap(), None);
        // The holder is another process: a lock of our own is never reported to us.
        let (taken, tell) = rustix::pipe::pipe().unwrap();
        let (wait, _release) = rustix::pipe::pipe().unwrap();
        let holder = crate::sys::process::fork(|| {
            let held = Liveness::take(directory.as_fd(), LIVE);
            let _ = rustix::io::write(&tell, &[u8::from(matches!(held, Ok(Some(_))))]);
            let _ = rustix::io::read(&wait, &mut [0; 1]);
            0
        })
        .unwrap();
        let mut byte = [0];
        rustix::io::read(&taken, &mut byte).unwrap();
        assert_eq!(byte, [1]);
        let named = Liveness::holder(directory.as_fd(), LIVE).unwrap();
        assert_eq!(named, Some(holder.as_raw_nonzero().get()));
        assert!(Liveness::take(directory.as_fd(), LIVE).unwrap().is_none());
        rustix::process::kill_process(holder, rustix::process::Signal::KILL).unwrap();
        rustix::process::waitpid(Some(holder), rustix::process::WaitOptions::empty()).unwrap();
        assert_eq!(Liveness::holder(directory.as_fd(), LIVE).unwrap(), None);
        assert!(Liveness::take(directory.as_fd(), LIVE).unwrap().is_some());
    }
}
