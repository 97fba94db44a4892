//! The parent's side of a container's start: clones the first process, looks up its user, and learns whether it became
//! the payload.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Signal};
use rustix::thread::ThreadNameSpaceType;

use super::accounts::{self, AccountError};
use super::init::{self, Surroundings};
use super::plan::{MountPlan, Plan, PlanError, SourcePlan};
use super::spec::{Gate, IdMaps, Network, Process, Spec, Target};
use super::step::{Failure, Step};
use super::sync::{self, Kind, Message};
use super::waiting::Waiting;
use crate::base::timing;
use crate::sys::credentials::Credentials;
use crate::sys::memory::Shared;
use crate::sys::process::{self, Child, Namespaces};

/// How the child is connected to its parent.
#[derive(Default)]
pub struct Options {
    /// Standard input, output and error; not used when the process has a terminal.
    pub streams: Option<[OwnedFd; 3]>,
    /// The container dies with this process.
    pub die_with_parent: bool,
    /// Where the child waits before the exec.
    pub start_gate: Option<Gate>,
}

/// What [`create`] calls with the child's pid while the child waits, its mounts made and its root not yet changed.
pub type Prepared<'a> = &'a mut dyn FnMut(i32) -> std::result::Result<(), String>;

/// A container that runs, or waits at its gate.
#[derive(Debug)]
pub struct Started {
    pub child: Child,
    /// Its root directory. As long as this is open the root stays mounted, so that the exit status can be read before
    /// the kernel unmounts everything.
    pub root: OwnedFd,
    /// The master side of its terminal.
    pub terminal: Option<OwnedFd>,
    /// It waits for us ([`Gate::Parent`]).
    pub waiting: Option<Waiting>,
}

/// Why there is no container.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The program is not there.
    #[error("{program:?}: {}", missing(program))]
    NotFound { program: String },
    /// The program is there but cannot be run.
    #[error("exec {program:?}: {reason}")]
    NotExecutable { program: String, reason: String },
    #[error("{what}: {reason}")]
    Step { what: String, reason: String },
    #[error("cannot make the container's process: {0}")]
    Clone(Errno),
    #[error("cannot make a network namespace: {0}")]
    Network(Errno),
    #[error("the container's first process was killed before it had started")]
    Died,
    #[error("cannot talk to the container's first process: {0}")]
    Talk(Errno),
}

type Result<T> = std::result::Result<T, SpawnError>;

/// What is not there: a name is looked for, a path is not.
fn missing(program: &str) -> &'static str {
    if program.contains('/') {
        "no such file or directory"
    } else {
        "executable file not found in $PATH"
    }
}

/// What error messages need to know about a spec after it has become a plan.
#[derive(Default)]
struct Words {
    program: String,
    mounts: Vec<(String, String)>,
    masked: Vec<String>,
    read_only_paths: Vec<String>,
    working_directory: String,
    user: String,
    sysctls: Vec<String>,
    own_root: bool,
}

/// Starts `spec`. Returns when the payload has been executed, or waits at the gate if it has one.
pub fn spawn(spec: Spec, options: Options) -> Result<Started> {
    let words = Words::new(&spec);
    run(Plan::new(spec)?, &words, options, Around::default())
}

/// Starts what an OCI bundle describes: in namespaces that are there already, in a user namespace of its own, with
/// something to be done before the root is changed. Afterwards this process makes its children in the joined pid
/// namespace.
pub fn create(mut spec: Spec, options: Options, prepared: Option<Prepared<'_>>) -> Result<Started> {
    let words = Words::new(&spec);
    let around = Around {
        pid_namespace: spec.joined_pid.take(),
        id_maps: spec.id_maps.take(),
        prepared,
        waits_for_helper: true,
    };
    let mut plan = Plan::new(spec)?;
    plan.pauses = around.prepared.is_some();
    run(plan, &words, options, around)
}

/// Bytes of what a child writes at a [`Gate::Open`].
pub const ANSWER_SIZE: usize = sync::SIZE;

/// The sentence for what a child wrote at a [`Gate::Open`]; `program` is what it could not execute.
pub fn explain_answer(answer: [u8; ANSWER_SIZE], program: &str) -> SpawnError {
    let words = Words {
        program: program.into(),
        ..Words::default()
    };
    match Message::parse(answer) {
        Some(message) => explain(&words, &[], message),
        None => SpawnError::Talk(Errno::PROTO),
    }
}

/// What only [`create`] needs.
#[derive(Default)]
struct Around<'a> {
    pid_namespace: Option<OwnedFd>,
    id_maps: Option<IdMaps>,
    prepared: Option<Prepared<'a>>,
    /// Nobody of ours is left to wait for the helper when this process has ended.
    waits_for_helper: bool,
}

/// Starts a process in a running container. Afterwards this process makes its children in the container's pid
/// namespace, so that it is for commands that do just this.
pub fn join(target: Target, process: Process, cgroup: Option<OwnedFd>, options: Options) -> Result<Started> {
    let words = Words::of_process(&process);
    if target.namespaces.contains(Namespaces::PID) {
        rustix::thread::move_into_thread_name_spaces(target.init.as_fd(), ThreadNameSpaceType::PROCESS_ID)
            .map_err(SpawnError::Clone)?;
    }
    run(
        Plan::join(target, process, cgroup)?,
        &words,
        options,
        Around::default(),
    )
}

fn run(mut plan: Plan, words: &Words, options: Options, around: Around<'_>) -> Result<Started> {
    let awaits_parent = matches!(options.start_gate, Some(Gate::Parent));
    plan.start_gate = options.start_gate;
    timing::phase("namespaces");
    let credentials = Shared::<Credentials>::new().map_err(SpawnError::Clone)?;
    // Before the socket: a copy of the child's end in the helper would keep it from ending.
    let maker = match plan.network {
        Network::Loopback => Some(NetworkMaker::start()?),
        Network::Born | Network::Host | Network::Joined => None,
    };
    if let Some(namespace) = &around.pid_namespace {
        // Takes effect for children only.
        let kind = Some(rustix::thread::LinkNameSpaceType::ProcessID);
        rustix::thread::move_into_link_name_space(namespace.as_fd(), kind).map_err(SpawnError::Clone)?;
    }
    let (ours, theirs) = sync::pair().map_err(SpawnError::Clone)?;
    let cgroup = plan.cgroup.take();
    let namespaces = plan.namespaces;
    // With the child in a pid namespace of its own nobody sees it. One with a map of ids is written to by the parent, and
    // the files for that of whoever is not dumpable are the superuser's.
    let is_seen = !namespaces.contains(Namespaces::PID);
    let is_hidden = is_seen && (around.id_maps.is_none() || rustix::process::geteuid().is_root());
    let hidden = is_hidden
        .then(Hidden::new)
        .transpose()
        .map_err(SpawnError::Clone)?;
    let child = {
        let (plan, credentials, maker) = (&mut plan, &credentials, &maker);
        let (streams, theirs, ours) = (options.streams.as_ref(), &theirs, ours.as_fd());
        process::clone(namespaces, cgroup.as_ref().map(AsFd::as_fd), move || {
            // Our copy of the parent's end would keep the socket from ever ending.
            process::close_copy(ours.as_raw_fd());
            let surroundings = Surroundings {
                socket: theirs.as_fd(),
                credentials,
                streams,
                network_maker: maker.as_ref().map(|maker| maker.child.pidfd.as_fd()),
                die_with_parent: options.die_with_parent,
            };
            init::run(plan, &surroundings)
        })
        .map_err(SpawnError::Clone)?
    };
    drop(hidden);
    drop(theirs);
    timing::phase("mounts");
    let mut parent = Parent {
        plan: &plan,
        words,
        credentials,
        socket: ours,
        maker,
        mounted: None,
        pid: child.pid.as_raw_pid(),
        prepared: around.prepared,
    };
    let outcome = parent
        .map_ids(around.id_maps.as_ref())
        .and_then(|()| parent.attend());
    if let Some(maker) = parent.maker.take()
        && around.waits_for_helper
    {
        maker.end();
    }
    match outcome {
        Ok((root, terminal)) => Ok(Started {
            child,
            root,
            terminal,
            waiting: awaits_parent.then(|| Waiting::new(parent.socket, words.program.clone())),
        }),
        Err(error) => {
            // Whatever it is doing, it must not go on without us.
            let _ = rustix::process::pidfd_send_signal(&child.pidfd, Signal::KILL);
            let _ = rustix::process::waitid(
                rustix::process::WaitId::PidFd(child.pidfd.as_fd()),
                rustix::process::WaitIdOptions::EXITED,
            );
            Err(error)
        }
    }
}

/// This process is not dumpable as long as this lives. A child that is born meanwhile is not either, until its exec:
/// nobody may trace it or look at what it has open from its first moment on, in a pid namespace that others live in
/// (CVE-2016-9962, CVE-2019-5736). Not for longer, since whoever is not dumpable cannot be joined in its user namespace.
struct Hidden(DumpableBehavior);

impl Hidden {
    fn new() -> rustix::io::Result<Self> {
        let before = rustix::process::dumpable_behavior()?;
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Fails for what only the kernel may set, which then was more than we have set.
        let _ = rustix::process::set_dumpable_behavior(self.0);
    }
}

/// A process that makes a network namespace with loopback up and stays until the container has joined it. The monitor
/// itself must not: a rootless process cannot come back to the host's.
struct NetworkMaker {
    child: Child,
    /// Gives the error number, 0 for none.
    outcome: OwnedFd,
    /// It ends when this closes.
    _release: OwnedFd,
}

impl NetworkMaker {
    fn start() -> Result<Self> {
        use rustix::pipe::{PipeFlags, pipe_with};
        let (outcome, tell) = pipe_with(PipeFlags::CLOEXEC).map_err(SpawnError::Network)?;
        let (wait, release) = pipe_with(PipeFlags::CLOEXEC).map_err(SpawnError::Network)?;
        let child = process::clone(Namespaces::empty(), None, || {
            process::close_copy(release.as_raw_fd());
            let errno = match make_network() {
                Ok(()) => 0,
                Err(errno) => errno.raw_os_error(),
            };
            let _ = rustix::io::write(&tell, &errno.to_ne_bytes());
            let _ = rustix::io::read(&wait, &mut [0; 1]);
            0
        })
        .map_err(SpawnError::Network)?;
        Ok(Self {
            child,
            outcome,
            _release: release,
        })
    }

    /// Ends it, and waits for that. It is killed: the container's process has copies of what it waits for.
    fn end(self) {
        process::kill_and_reap(self.child.pidfd.as_fd());
    }

    /// What came of it.
    fn outcome(&self) -> Result<()> {
        let mut bytes = [0; 4];
        match rustix::io::read(&self.outcome, &mut bytes) {
            Ok(4) => match i32::from_ne_bytes(bytes) {
                0 => Ok(()),
                errno => Err(SpawnError::Network(Errno::from_raw_os_error(errno))),
            },
            Ok(_) => Err(SpawnError::Network(Errno::CHILD)),
            Err(errno) => Err(SpawnError::Network(errno)),
        }
    }
}

fn make_network() -> rustix::io::Result<()> {
    process::unshare(Namespaces::NETWORK)?;
    loopback_up()
}

/// Sets loopback up in the network namespace of this process. Allocates nothing.
pub(super) fn loopback_up() -> rustix::io::Result<()> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType};
    let socket =
        rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    crate::sys::net::loopback_up(socket.as_fd())
}

struct Parent<'a, 'hooks> {
    plan: &'a Plan,
    words: &'a Words,
    credentials: Shared<Credentials>,
    socket: OwnedFd,
    maker: Option<NetworkMaker>,
    mounted: Option<(OwnedFd, Option<OwnedFd>)>,
    pid: i32,
    prepared: Option<Prepared<'hooks>>,
}

impl Parent<'_, '_> {
    /// Maps the ids of the child's user namespace, if it has one of its own.
    fn map_ids(&self, maps: Option<&IdMaps>) -> Result<()> {
        let Some(maps) = maps else { return Ok(()) };
        let write = |file: &str, content: &str| {
            let path = format!("/proc/{}/{file}", self.pid);
            std::fs::write(&path, content).map_err(|error| SpawnError::Step {
                what: format!("cannot write the id map {file} of the container's user namespace"),
                reason: describe(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
            })
        };
        write("uid_map", &maps.users)?;
        write("gid_map", &maps.groups).or_else(|_| {
            // An ordinary user maps its own group only without the right to drop any (user_namespaces(7)).
            write("setgroups", "deny").and_then(|()| write("gid_map", &maps.groups))
        })?;
        self.say(sync::MAPPED);
        Ok(())
    }

    /// Answers the child until it has become the payload, waits at its gate, or has failed.
    fn attend(&mut self) -> Result<(OwnedFd, Option<OwnedFd>)> {
        let mut awaits_network = self.maker.is_some();
        loop {
            let (network, message) = self.wait(awaits_network)?;
            if network {
                awaits_network = false;
                self.maker.as_ref().map_or(Ok(()), NetworkMaker::outcome)?;
                self.say(sync::NETWORK_READY);
            }
            if message && self.hear()? {
                return self.mounted.take().ok_or(SpawnError::Died);
            }
        }
    }

    /// Waits for the network or for a message; which of them is there.
    fn wait(&self, awaits_network: bool) -> Result<(bool, bool)> {
        let network = self.maker.as_ref().filter(|_| awaits_network);
        let mut fds = vec![PollFd::new(&self.socket, PollFlags::IN)];
        fds.extend(network.map(|maker| PollFd::new(&maker.outcome, PollFlags::IN)));
        match poll(&mut fds, None) {
            Ok(_) => {
                let is_up = |fd: &PollFd<'_>| !fd.revents().is_empty();
                Ok((fds.get(1).is_some_and(is_up), is_up(&fds[0])))
            }
            Err(Errno::INTR) => Ok((false, false)),
            Err(errno) => Err(SpawnError::Talk(errno)),
        }
    }

    /// One message of the child; whether it needs nothing more.
    fn hear(&mut self) -> Result<bool> {
        match sync::receive(self.socket.as_fd()).map_err(SpawnError::Talk)? {
            None if self.mounted.is_some() => Ok(true),
            None => Err(SpawnError::Died),
            Some((message, fds)) => match message.kind {
                Kind::Mounted => self.mounted(message, fds).map(|()| false),
                Kind::Ready => Ok(true),
                Kind::Failed => Err(self.explain(message)),
            },
        }
    }

    fn mounted(&mut self, message: Message, fds: Vec<OwnedFd>) -> Result<()> {
        let mut fds = fds.into_iter();
        let mut next = |bit: u32| {
            if message.index & bit != 0 {
                fds.next()
            } else {
                None
            }
        };
        timing::phase("exec");
        let root = next(sync::ROOT).ok_or(SpawnError::Talk(Errno::PROTO))?;
        let (passwd, group) = (next(sync::PASSWD), next(sync::GROUP));
        self.mounted = Some((root, next(sync::TERMINAL)));
        let (passwd, group) = (accounts::read(passwd, "passwd")?, accounts::read(group, "group")?);
        let account = accounts::resolve(&self.plan.process.user, &passwd, &group)?;
        // An unbounded home directory is no path; the process then starts with `HOME=/`.
        let home = account.home.unwrap_or_default();
        let home = if home.len() < crate::sys::credentials::MAX_HOME {
            home
        } else {
            Vec::new()
        };
        self.credentials
            .set(account.uid, account.gid, &account.groups, &home)
            .ok_or_else(|| AccountError::TooManyGroups(self.words.user.clone()))?;
        if let Some(prepared) = &mut self.prepared {
            prepared(self.pid).map_err(|reason| SpawnError::Step {
                what: "hook".into(),
                reason,
            })?;
        }
        self.say(sync::PROCEED);
        Ok(())
    }

    /// A child that has died meanwhile is noticed by the end of its socket.
    fn say(&self, byte: u8) {
        let _ = rustix::net::send(&self.socket, &[byte], rustix::net::SendFlags::NOSIGNAL);
    }

    /// The sentence for a failed step.
    fn explain(&self, message: Message) -> SpawnError {
        explain(self.words, &self.plan.mounts, message)
    }
}

fn explain(words: &Words, mounts: &[MountPlan], message: Message) -> SpawnError {
    let Some(step) = Step::ALL.into_iter().find(|step| *step as u32 == message.step) else {
        return SpawnError::Talk(Errno::PROTO);
    };
    let errno = Errno::from_raw_os_error(message.errno);
    let failure = Failure {
        step,
        index: message.index,
        errno,
    };
    words.explain(mounts, failure)
}

impl Words {
    fn new(spec: &Spec) -> Self {
        Self {
            mounts: spec
                .mounts
                .iter()
                .map(|mount| (mount.source.describe(), mount.target.lossy().into_owned()))
                .collect(),
            masked: texts(&spec.masked),
            read_only_paths: texts(&spec.read_only_paths),
            sysctls: spec
                .sysctls
                .iter()
                .map(|(name, _)| name.lossy().into_owned())
                .collect(),
            own_root: matches!(spec.root, super::spec::Root::Overlay(_)),
            ..Self::of_process(&spec.process)
        }
    }

    fn of_process(process: &Process) -> Self {
        Self {
            program: process
                .arguments
                .first()
                .map(|program| program.lossy().into_owned())
                .unwrap_or_default(),
            working_directory: process.working_directory.lossy().into_owned(),
            user: process.user.describe(),
            ..Self::default()
        }
    }

    fn explain(&self, mounts: &[MountPlan], failure: Failure) -> SpawnError {
        let item = |items: &[String]| items.get(failure.index as usize).cloned().unwrap_or_default();
        let program = || self.program.clone();
        let reason = || describe(failure.errno);
        let step = |what: String| SpawnError::Step {
            what,
            reason: reason(),
        };
        match failure.step {
            Step::Execute => match failure.errno {
                Errno::NOENT => SpawnError::NotFound { program: program() },
                Errno::ACCESS => SpawnError::NotExecutable {
                    program: program(),
                    reason: "permission denied: it is a directory, or not executable for this user".into(),
                },
                Errno::NOEXEC => SpawnError::NotExecutable {
                    program: program(),
                    reason: "exec format error: not a program for this machine, or a script without a #! line".into(),
                },
                _ => SpawnError::NotExecutable { program: program(), reason: reason() },
            },
            Step::OwnBinary => SpawnError::NotExecutable {
                program: program(),
                reason: "leads to the container engine's own program, which a container may not execute".into(),
            },
            Step::WorkingDirectory => step(format!("working directory {:?}", self.working_directory)),
            Step::OutsideRoot => SpawnError::Step {
                what: format!("working directory {:?}", self.working_directory),
                reason: "it lies outside the container's root file system".into(),
            },
            Step::Mount => self.explain_mount(mounts, failure),
            Step::Root if self.own_root => step("cannot mount the container's overlay file system".into()),
            Step::Root => step("cannot take the given directory as root file system".into()),
            Step::Mask => step(format!("cannot mask {}", item(&self.masked))),
            Step::ReadOnlyPath => step(format!("cannot make {} read-only", item(&self.read_only_paths))),
            Step::Sysctl => step(format!("cannot set the sysctl {}", item(&self.sysctls))),
            Step::Credentials if failure.errno == Errno::INVAL => SpawnError::Step {
                what: format!("user {:?}", self.user),
                reason: "its ids are not mapped in our user namespace: a bigger range in /etc/subuid and /etc/subgid \
                         is needed"
                    .into(),
            },
            Step::Credentials => step(format!("cannot become user {:?}", self.user)),
            Step::Limit => step("cannot set a resource limit: raising one above the caller's needs privileges".into()),
            Step::Seccomp => step("cannot load the seccomp filter".into()),
            Step::Parent => SpawnError::Died,
            other => step(format!("setting the container up failed at the step {other:?}")),
        }
    }

    fn explain_mount(&self, mounts: &[MountPlan], failure: Failure) -> SpawnError {
        let index = failure.index as usize;
        let (source, target) = self.mounts.get(index).cloned().unwrap_or_default();
        let is_bind = mounts
            .get(index)
            .is_some_and(|mount| matches!(mount.source, SourcePlan::Bind { .. }));
        let reason = match failure.errno {
            Errno::PERM if is_bind && target.starts_with("/proc") => {
                "mounts inside /proc are refused, since they could hide what protects the host".into()
            }
            Errno::LOOP => "the image has a symbolic link there".into(),
            Errno::NOTDIR => "one of the two is a directory and the other is not".into(),
            Errno::INVAL if is_bind => {
                "the source has mounts below it that only a recursive bind can take along".into()
            }
            errno => describe(errno),
        };
        SpawnError::Step {
            what: format!("cannot mount {source} at {target}"),
            reason,
        }
    }
}

fn texts(paths: &[crate::base::bytes::ByteString]) -> Vec<String> {
    paths.iter().map(|path| path.lossy().into_owned()).collect()
}

/// An error number in words, lower case as the rest of our sentences.
pub fn describe(errno: Errno) -> String {
    let text = std::io::Error::from(errno).to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_lowercase().chain(characters).collect())
        .unwrap_or_default()
}
