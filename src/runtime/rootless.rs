//! The user namespace of a rootless store: made once, joined by every command that touches layers or containers.
//!
//! Who lives in it is told by POSIX locks on the store's file `userns`, which the kernel gives back with the process and
//! whose holder it names, so there is no record that could lie and no process that only waits:
//!
//! | byte | shared | exclusive |
//! | --- | --- | --- |
//! | 0, the gate | somebody is about to join | somebody makes the namespace |
//! | 1, the members | lives in the namespace | never |
//!
//! A joiner holds the gate shared, asks for one member, joins it by pidfd and becomes a member itself. When there is none
//! it takes the gate alone, asks again, and makes the namespace. So at most one is alive in each store.
//!
//! Only the user namespace is joined, never somebody's mount namespace: the caller's own view of files holds.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};
use rustix::thread::ThreadNameSpaceType;

use super::accounts::{Range, name_of, subordinate_ids};
use crate::sys::lock::{self, Lock};
use crate::sys::process::{self, Namespaces};

const GATE: i64 = 0;
const MEMBERS: i64 = 1;
/// How often a member may die between being named and being joined before we give up.
const TRIES: u32 = 100;
/// How long a member that can no longer be joined may take to end.
const LEAVING: Duration = Duration::from_secs(2);
/// How long a member that cannot be joined is waited for before it is tried again.
const HIDDEN: Duration = Duration::from_millis(1);

/// Membership in the user namespace; it lasts as long as the process, even when this is dropped late.
///
/// The descriptor must stay open: closing any descriptor of the file drops all locks of the process on it.
#[derive(Debug)]
pub struct Member {
    file: OwnedFd,
    /// All ids that are mapped, or the caller's alone.
    pub ids: Ids,
}

/// What the namespace maps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ids {
    /// We are the host's superuser: no namespace was needed.
    All,
    /// The caller as superuser, and subordinate ranges from 1 on.
    Ranges,
    /// The caller as superuser, and nobody else.
    Single,
}

impl Member {
    /// Whether no other process lives in the namespace, as far as can be told at this moment.
    pub fn is_last(&self) -> bool {
        matches!(lock::holder(self.file.as_fd(), MEMBERS), Ok(None))
    }

    /// Makes what this process executes the member in its place: record locks last as long as the descriptor.
    pub fn outlive_execution(&self) -> rustix::io::Result<()> {
        rustix::io::fcntl_setfd(&self.file, rustix::io::FdFlags::empty())
    }
}

/// Why there is no user namespace.
#[derive(Debug, thiserror::Error)]
pub enum RootlessError {
    #[error("{path}: {source}")]
    LockFile { path: std::path::PathBuf, source: Errno },
    #[error(
        "cannot make a user namespace: {0}; the machine may forbid it to ordinary users: look at the sysctls \
         user.max_user_namespaces, kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns"
    )]
    Unshare(Errno),
    #[error("cannot join the user namespace that process {pid} lives in: {source}")]
    Join { pid: i32, source: Errno },
    #[error("{helper} failed for the ranges of /etc/{file}: {reason}")]
    Helper {
        helper: &'static str,
        file: &'static str,
        reason: String,
    },
    #[error("cannot write the id map: {0}")]
    Map(Errno),
}

type Result<T> = std::result::Result<T, RootlessError>;

/// Enters the user namespace of the store at `path`. For ordinary users, in a process without threads.
pub fn enter(path: &Path) -> Result<Member> {
    let file_path = path.join("userns");
    let failed = |source| RootlessError::LockFile {
        path: file_path.clone(),
        source,
    };
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(&file_path, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
    for _ in 0..TRIES {
        lock::set(file.as_fd(), GATE, Lock::Shared, true).map_err(failed)?;
        if let Some(pid) = lock::holder(file.as_fd(), MEMBERS).map_err(failed)? {
            if join(&file, pid)? {
                return become_member(file).map_err(failed);
            }
            continue;
        }
        // A shared lock is not turned into an exclusive one, which two joiners would do to each other for ever.
        lock::set(file.as_fd(), GATE, Lock::None, false).map_err(failed)?;
        lock::set(file.as_fd(), GATE, Lock::Exclusive, true).map_err(failed)?;
        if lock::holder(file.as_fd(), MEMBERS).map_err(failed)?.is_none() {
            make()?;
            return become_member(file).map_err(failed);
        }
    }
    Err(failed(Errno::AGAIN))
}

/// Takes part in the namespace as a process that was born in it: the monitor, whose parent joined or made it. None in a
/// namespace that no command of ours has made, where somebody made our caller the superuser (`unshare --map-root-user`).
pub fn remain(path: &Path) -> Result<Option<Member>> {
    let file_path = path.join("userns");
    let failed = |source| RootlessError::LockFile {
        path: file_path.clone(),
        source,
    };
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::open(&file_path, flags, Mode::empty()) {
        Ok(file) => become_member(file).map(Some).map_err(failed),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn become_member(file: OwnedFd) -> rustix::io::Result<Member> {
    lock::set(file.as_fd(), MEMBERS, Lock::Shared, true)?;
    lock::set(file.as_fd(), GATE, Lock::None, false)?;
    Ok(Member { file, ids: mapped() })
}

/// Joins the namespace of `pid`; `false` when it died meanwhile.
fn join(file: &OwnedFd, pid: i32) -> Result<bool> {
    let failed = |source| RootlessError::Join { pid, source };
    // A holder in another pid namespace is named 0 and cannot be reached from here.
    let number = Pid::from_raw(pid).ok_or(failed(Errno::SRCH))?;
    let member = match rustix::process::pidfd_open(number, PidfdFlags::empty()) {
        Ok(member) => member,
        Err(Errno::SRCH) => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    // Still named now: then the descriptor is of that process and not of one that came after it.
    if !matches!(lock::holder(file.as_fd(), MEMBERS), Ok(Some(_)))
        || rustix::process::test_kill_process(number).is_err()
    {
        return Ok(false);
    }
    let deadline = Instant::now() + LEAVING;
    loop {
        match rustix::thread::move_into_thread_name_spaces(member.as_fd(), ThreadNameSpaceType::USER) {
            Ok(()) => return Ok(true),
            Err(Errno::SRCH) => return Ok(false),
            // Who is not dumpable cannot be joined: for a moment, while it enters a container, or no more, when it has
            // given up its memory but not its locks yet.
            Err(Errno::PERM) if Instant::now() < deadline => {
                if process::ends_within(member.as_fd(), Some(HIDDEN)).unwrap_or(false) {
                    return Ok(false);
                }
            }
            Err(error) => return Err(failed(error)),
        }
    }
}

/// Makes the namespace around this process and maps ids into it.
fn make() -> Result<()> {
    let (uid, gid) = (
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    );
    let passwd = std::fs::read("/etc/passwd").unwrap_or_default();
    let name = name_of(&passwd, uid);
    let ranges = |file: &str| -> Vec<Range> {
        std::fs::read(file)
            .map(|content| subordinate_ids(&content, name, uid))
            .unwrap_or_default()
    };
    let (uids, gids) = (ranges("/etc/subuid"), ranges("/etc/subgid"));
    let helpers = (helper("newuidmap"), helper("newgidmap"));
    let (Some(newuidmap), Some(newgidmap)) = helpers else {
        return make_single(uid, gid);
    };
    if uids.is_empty() || gids.is_empty() {
        return make_single(uid, gid);
    }
    // The helpers work from outside the namespace, so they are forked before it is made, and run at once.
    let uid_helper = MapHelper::fork(&newuidmap, uid, &uids)?;
    let gid_helper = MapHelper::fork(&newgidmap, gid, &gids)?;
    process::unshare(Namespaces::USER).map_err(RootlessError::Unshare)?;
    let uid_helper = uid_helper.release();
    let gid_helper = gid_helper.release();
    uid_helper.finish("newuidmap", "subuid")?;
    gid_helper.finish("newgidmap", "subgid")
}

/// The fallback for users without subordinate ids: themselves as superuser.
fn make_single(uid: u32, gid: u32) -> Result<()> {
    process::unshare(Namespaces::USER).map_err(RootlessError::Unshare)?;
    let write = |file: &str, content: String| {
        std::fs::write(file, content)
            .map_err(|error| RootlessError::Map(Errno::from_io_error(&error).unwrap_or(Errno::IO)))
    };
    write("/proc/self/uid_map", format!("0 {uid} 1\n"))?;
    // Since Linux 3.19 a group map needs this first (user_namespaces(7)).
    write("/proc/self/setgroups", "deny".into())?;
    write("/proc/self/gid_map", format!("0 {gid} 1\n"))
}

/// The helper at a fixed path: never by PATH, which is the caller's.
fn helper(name: &str) -> Option<String> {
    ["/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin"]
        .into_iter()
        .map(|directory| format!("{directory}/{name}"))
        .find(|path| {
            // Only a file of the superuser's can map other users' ids.
            rustix::fs::stat(path.as_str()).is_ok_and(|status| {
                status.st_uid == 0 && status.st_mode & 0o022 == 0 && status.st_mode & 0o111 != 0
            })
        })
}

/// A forked child that will become `newuidmap` or `newgidmap` for its parent.
struct MapHelper {
    pid: Pid,
    release: OwnedFd,
    errors: OwnedFd,
}

/// The same after it was told to go on.
struct RunningHelper {
    pid: Pid,
    errors: OwnedFd,
}

impl MapHelper {
    fn fork(path: &str, own: u32, ranges: &[Range]) -> Result<Self> {
        use rustix::pipe::{PipeFlags, pipe_with};
        let c = |text: String| std::ffi::CString::new(text).expect("paths and numbers hold no NUL byte");
        let mut arguments = vec![path.to_owned(), std::process::id().to_string()];
        let mut inside = 1;
        arguments.extend(["0".into(), own.to_string(), "1".into()]);
        for (first, count) in ranges {
            arguments.extend([inside.to_string(), first.to_string(), count.to_string()]);
            inside += count;
        }
        let mut arguments = process::Strings::new(arguments.into_iter().map(c).collect());
        let mut environment = process::Strings::new(Vec::new());
        let path = c(path.into());
        let (wait, release) = pipe_with(PipeFlags::CLOEXEC).map_err(RootlessError::Map)?;
        let (errors, stderr) = pipe_with(PipeFlags::CLOEXEC).map_err(RootlessError::Map)?;
        let pid = process::fork(|| {
            process::close_copy(release.as_raw_fd());
            // One byte: the namespace is there. End of file: our parent gave up.
            if !matches!(rustix::io::read(&wait, &mut [0; 1]), Ok(1)) {
                return 1;
            }
            let _ = process::place(stderr.as_fd(), 2);
            let error = process::execve(&path, &mut arguments, &mut environment);
            error.raw_os_error()
        })
        .map_err(RootlessError::Map)?;
        Ok(Self { pid, release, errors })
    }

    fn release(self) -> RunningHelper {
        let _ = rustix::io::write(&self.release, b"g");
        RunningHelper {
            pid: self.pid,
            errors: self.errors,
        }
    }
}

impl RunningHelper {
    fn finish(self, helper: &'static str, file: &'static str) -> Result<()> {
        use std::io::Read;
        let status = loop {
            match rustix::process::waitpid(Some(self.pid), rustix::process::WaitOptions::empty()) {
                Err(Errno::INTR) => {}
                Ok(Some((_, status))) => break status,
                _ => return Err(RootlessError::Map(Errno::CHILD)),
            }
        };
        if status.exit_status() == Some(0) {
            return Ok(());
        }
        let mut reason = String::new();
        let _ = std::fs::File::from(self.errors)
            .take(1000)
            .read_to_string(&mut reason);
        let first = reason
            .lines()
            .next()
            .unwrap_or("it was killed, or could not be executed");
        Err(RootlessError::Helper {
            helper,
            file,
            reason: first.into(),
        })
    }
}

/// What this process's user namespace maps.
pub fn mapped() -> Ids {
    let map = crate::base::file::read_proc("/proc/self/uid_map").unwrap_or_default();
    let map = String::from_utf8_lossy(&map);
    let counts = map
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok());
    match counts.sum::<u64>() {
        total if total >= u64::from(u32::MAX) => Ids::All,
        0 | 1 => Ids::Single,
        _ => Ids::Ranges,
    }
}

/// Whether this process may do what needs a superuser: be it, with the right to mount.
pub fn is_privileged() -> bool {
    rustix::process::geteuid().is_root()
        && rustix::thread::capabilities(None)
            .is_ok_and(|sets| sets.effective.contains(rustix::thread::CapabilitySet::SYS_ADMIN))
}
