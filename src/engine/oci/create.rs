//! `create`: from a bundle to a first process that waits at its gate.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::bundle::{Bundle, CONFIG};
use super::state::{ANSWER, Record, START, Status};
use super::{Held, Result, Runtime, check_id, hooks, linux, open_directory, refuse, resources};
use crate::base::file::{Durability, replace};
use crate::base::time;
use crate::engine::{EngineError, errno, host, io};
use crate::runtime::cgroup::Cgroup;
use crate::runtime::spawn::{self, Options, SpawnError, Started};
use crate::runtime::spec::{Gate, Spec, User};
use crate::sys::process::{self, Namespaces};

/// What `create` is asked for.
pub struct Request<'a> {
    pub id: &'a str,
    pub bundle: &'a Path,
    /// Where the master of the terminal goes.
    pub console_socket: Option<&'a Path>,
    pub pid_file: Option<&'a Path>,
    /// Descriptors from 3 on that the payload keeps.
    pub preserved_fds: u32,
}

impl Runtime {
    /// Creates a container. Called before the process has any thread, and ends with the process.
    pub fn create(&self, request: &Request<'_>) -> Result<()> {
        // Before anything is opened, which would get one of these numbers.
        let mut descriptors = Vec::new();
        for number in 3..3 + i64::from(request.preserved_fds) {
            match i32::try_from(number) {
                Ok(number) if process::is_open(number) => descriptors.push(number),
                _ => return refuse(format!("--preserve-fds: file descriptor {number} is not open")),
            }
        }
        check_id(request.id)?;
        let bundle = Bundle::read(request.bundle)?;
        hooks::check(bundle.config.hooks().as_ref())?;
        let rootfs = bundle.root()?;
        let spec = linux::spec(&bundle, &rootfs, descriptors)?;
        check_terminal(&spec, request)?;
        let directory = self.make_directory(request.id)?;
        let held = Held::take(&directory, request.id)?;
        let made = make(&bundle, &rootfs, spec, request, &directory);
        if made.is_err() {
            self.remove_directory(request.id);
        }
        drop(held);
        made
    }

    fn make_directory(&self, id: &str) -> Result<OwnedFd> {
        use std::os::unix::fs::DirBuilderExt;
        let mut builder = std::fs::DirBuilder::new();
        builder.mode(0o700).recursive(true);
        let root = || format!("{}", self.root.display());
        builder.create(&self.root).map_err(io(root()))?;
        let path = self.root.join(id);
        match rustix::fs::mkdir(&path, Mode::RWXU) {
            Err(Errno::EXIST) => return refuse(format!("container with id exists: {id}")),
            result => result.map_err(errno(root()))?,
        }
        open_directory(&path).map_err(errno(root()))
    }

    /// Removes a container's directory, which holds files only.
    pub(super) fn remove_directory(&self, id: &str) {
        let _ = std::fs::remove_dir_all(self.root.join(id));
    }
}

fn check_terminal(spec: &Spec, request: &Request<'_>) -> Result<()> {
    match (spec.process.terminal.is_some(), request.console_socket.is_some()) {
        (true, false) => refuse("process.terminal is set: --console-socket must say who gets the terminal"),
        (false, true) => refuse("--console-socket is given, but process.terminal is not set"),
        _ => Ok(()),
    }
}

/// Everything from the gate to the record.
fn make(
    bundle: &Bundle,
    rootfs: &Path,
    mut spec: Spec,
    request: &Request<'_>,
    directory: &OwnedFd,
) -> Result<()> {
    let named = || format!("container {:?}", request.id);
    replace(
        directory.as_fd(),
        Path::new(CONFIG),
        &bundle.text,
        Durability::Transient,
    )
    .map_err(io(named()))?;
    let gate = make_gate(directory.as_fd()).map_err(errno(named()))?;
    let cgroup = make_cgroup(bundle, request.id)?;
    spec.cgroup = cgroup.as_ref().and_then(|cgroup| cgroup.open().ok());
    give_streams(&spec);
    let mut record = Record {
        oci_version: super::VERSION.into(),
        id: request.id.into(),
        pid: 0,
        start_time: 0,
        boot: host::boot(),
        bundle: bundle.path.clone(),
        rootfs: rootfs.into(),
        created: time::now(),
        annotations: annotations(bundle),
        program: spec
            .process
            .arguments
            .first()
            .map(|text| text.lossy().into_owned())
            .unwrap_or_default(),
        cgroup: cgroup.as_ref().map(|cgroup| cgroup.path().into()),
    };
    let undo = |record: &Record| {
        if let Some(cgroup) = &cgroup {
            cgroup.end();
        }
        if record.pid != 0 {
            let list = bundle
                .config
                .hooks()
                .as_ref()
                .and_then(|hooks| hooks.poststop().as_ref());
            let _ = hooks::run(list, &record.view(Status::Stopped), None);
        }
    };
    let started = match spawn(bundle, spec, gate, &mut record) {
        Ok(started) => started,
        Err(error) => {
            undo(&record);
            return Err(refusal(&error));
        }
    };
    record.pid = started.child.pid.as_raw_pid();
    record.start_time = host::start_time(record.pid).unwrap_or(0);
    let published = (|| {
        if let (Some(terminal), Some(socket)) = (&started.terminal, request.console_socket) {
            send_terminal(terminal.as_fd(), socket)
                .map_err(errno(format!("console socket {}", socket.display())))?;
        }
        record.write(directory)?;
        match request.pid_file {
            Some(path) => write_pid(path, record.pid).map_err(io(format!("pid file {}", path.display()))),
            None => Ok(()),
        }
    })();
    if published.is_err() {
        process::kill_and_reap(started.child.pidfd.as_fd());
        undo(&record);
    }
    published
}

fn make_gate(directory: BorrowedFd<'_>) -> rustix::io::Result<Gate> {
    let open = |name: &str| {
        rustix::fs::mknodat(directory, name, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        // Both ways, so that opening waits for nobody and the first process is never without a peer.
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(directory, name, flags, Mode::empty())
    };
    Ok(Gate::Open {
        start: open(START)?,
        answer: open(ANSWER)?,
    })
}

fn make_cgroup(bundle: &Bundle, id: &str) -> Result<Option<Cgroup>> {
    let Some(linux) = bundle.config.linux() else {
        return Ok(None);
    };
    let path = resources::path(linux.cgroups_path().as_deref(), id)?;
    let settings = match linux.resources() {
        Some(listed) => resources::settings(listed)?,
        None => Vec::new(),
    };
    Cgroup::make_at(&path, &settings).map_err(|error| EngineError::Refused(error.to_string()))
}

fn annotations(bundle: &Bundle) -> BTreeMap<String, String> {
    let listed = bundle.config.annotations().iter().flatten();
    listed
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Lets the payload open its standard streams anew by their paths (/dev/stdout), when they are pipes, which are nobody
/// else's.
fn give_streams(spec: &Spec) {
    let (User::Ids { uid, .. }, None) = (&spec.process.user, &spec.id_maps) else {
        return;
    };
    let uid = rustix::fs::Uid::from_raw(*uid);
    for stream in [
        rustix::stdio::stdin(),
        rustix::stdio::stdout(),
        rustix::stdio::stderr(),
    ] {
        let is_pipe = rustix::fs::fstat(stream)
            .is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Fifo);
        if is_pipe {
            // Refused for what is not ours, which is fine.
            let _ = rustix::fs::fchown(stream, Some(uid), None);
        }
    }
}

/// Makes the first process; the hooks of `create` run while it waits between its mounts and its change of root.
fn spawn(
    bundle: &Bundle,
    spec: Spec,
    gate: Gate,
    record: &mut Record,
) -> std::result::Result<Started, SpawnError> {
    let options = Options {
        streams: None,
        die_with_parent: false,
        start_gate: Some(gate),
    };
    let namespaces = spec.namespaces | Namespaces::NETWORK;
    let listed = bundle.config.hooks().as_ref();
    let mut prepared = |pid: i32| {
        let Some(listed) = listed else { return Ok(()) };
        record.pid = pid;
        let view = record.view(Status::Creating);
        // Deprecated in the specification, but what many callers still use.
        #[allow(deprecated)]
        hooks::run(listed.prestart().as_ref(), &view, None)?;
        hooks::run(listed.create_runtime().as_ref(), &view, None)?;
        hooks::run(listed.create_container().as_ref(), &view, Some((pid, namespaces)))
    };
    let prepared: Option<spawn::Prepared<'_>> = if listed.is_some() {
        Some(&mut prepared)
    } else {
        None
    };
    spawn::create(spec, options, prepared)
}

/// In words that callers look for: what makes Docker and Podman exit with 126 and 127.
fn refusal(error: &SpawnError) -> EngineError {
    EngineError::Refused(match error {
        SpawnError::NotFound { program } => {
            format!("exec: {program:?}: executable file not found in $PATH: no such file or directory")
        }
        SpawnError::NotExecutable { program, reason } => format!("exec: {program:?}: {reason}"),
        other => other.to_string(),
    })
}

/// Sends a descriptor over the socket at `path`, as runc's callers expect it: with its name as the data.
fn send_terminal(terminal: BorrowedFd<'_>, path: &Path) -> rustix::io::Result<()> {
    use rustix::net::{
        AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
        SocketType, connect, sendmsg, socket_with,
    };
    let socket = socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = [terminal];
    if !control.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(Errno::INVAL);
    }
    let name = rustix::io::IoSlice::new(b"/dev/ptmx");
    sendmsg(&socket, &[name], &mut control, SendFlags::NOSIGNAL).map(drop)
}

/// Whole or not at all: readers wait for the file to appear.
fn write_pid(path: &Path, pid: i32) -> std::io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = path.file_name().ok_or(std::io::ErrorKind::InvalidInput)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(directory, flags, Mode::empty())?;
    let name = Path::new(name);
    replace(
        &directory,
        name,
        pid.to_string().as_bytes(),
        Durability::Transient,
    )?;
    let mode = Mode::from_raw_mode(0o644);
    Ok(rustix::fs::chmodat(&directory, name, mode, AtFlags::empty())?)
}
