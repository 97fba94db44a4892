//! The container's first process, from clone to exec.
//!
//! It walks a [`Plan`] with system calls only: no allocation, no lock, no formatting. What fails is told to the parent
//! as a step, the index of the item and the error number; the parent has the plan and writes the sentence.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::Signal;
use rustix::thread::{CapabilitySet as RawSet, CapabilitySets, LinkNameSpaceType, ThreadNameSpaceType};

use super::capabilities::CapabilitySet;
use super::execute::{execute, find_program};
use super::plan::{HOME, MountPlan, Plan, SourcePlan};
use super::rootfs::{self, Mounted};
use super::spec::{Capabilities, Gate, Network};
use super::step::{Result, Step, at, at_index};
use super::sync::{self, Kind, Message};
use crate::sys::credentials::Credentials;
use crate::sys::memory::Shared;
use crate::sys::mount::{Attributes, Propagation};
use crate::sys::{process, signal};

/// What the child is given beside its plan, all made before the clone.
pub struct Surroundings<'a> {
    pub socket: BorrowedFd<'a>,
    /// Filled in by the parent before it says to proceed.
    pub credentials: &'a Shared<Credentials>,
    /// Standard streams; not used when the process has a terminal.
    pub streams: Option<&'a [OwnedFd; 3]>,
    /// The process that made the network namespace.
    pub network_maker: Option<BorrowedFd<'a>>,
    /// Die when the parent dies.
    pub die_with_parent: bool,
}

/// Walks the plan. Returns the exit status of a child that could not become the payload; its parent knows why.
pub fn run(plan: &mut Plan, surroundings: &Surroundings<'_>) -> i32 {
    let mut init = Init {
        plan,
        surroundings,
        network_ready: false,
        mapped: false,
        proceed: false,
    };
    let failure = match init.prepare().and_then(|mounted| init.become_payload(mounted)) {
        Ok(status) => return status,
        Err(failure) => failure,
    };
    // When the parent is gone nobody is left to be told.
    let _ = sync::send(surroundings.socket, failure.message(), &[]);
    127
}

struct Init<'a> {
    plan: &'a mut Plan,
    surroundings: &'a Surroundings<'a>,
    network_ready: bool,
    mapped: bool,
    proceed: bool,
}

impl Init<'_> {
    /// Everything up to the change of root.
    fn prepare(&mut self) -> Result<Mounted> {
        if self.plan.target.is_some() {
            return self.enter_target();
        }
        // By the host's /proc, which the container has no hand in.
        if let Some(value) = &self.plan.process.oom_score_adj {
            write(CWD, c"/proc/self/oom_score_adj", value).map_err(at(Step::OomScore))?;
        }
        if self.plan.namespaces.contains(process::Namespaces::USER) {
            self.become_superuser()?;
        }
        rootfs::isolate().map_err(at(Step::Isolate))?;
        for (index, namespace) in self.plan.joined.iter().enumerate() {
            rustix::thread::move_into_link_name_space(namespace.as_fd(), None::<LinkNameSpaceType>)
                .map_err(at_index(Step::Join, index))?;
        }
        let mut mounted = Mounted::default();
        let is_file = |mount: &MountPlan| matches!(mount.source, SourcePlan::File { .. });
        if self.plan.mounts.iter().any(is_file) {
            mounted.files = Some(rootfs::Files::new().map_err(at(Step::Root))?);
        }
        let root = rootfs::mount_root(&self.plan.root, mounted.files.as_ref()).map_err(at(Step::Root))?;
        let wants_terminal = self.plan.process.terminal.is_some();
        for index in 0..self.plan.mounts.len() {
            if self.plan.mounts[index].source.needs_network() {
                self.join_network()?;
            }
            rootfs::mount(
                root.as_fd(),
                &self.plan.mounts[index],
                wants_terminal,
                &mut mounted,
            )
            .map_err(at_index(Step::Mount, index))?;
            self.mark(root.as_fd(), Some(index));
        }
        self.report_mounts(root.as_fd(), &mounted)?;
        while self.plan.pauses && !self.proceed {
            self.await_parent()?;
        }
        self.restrict(root.as_fd())?;
        mounted
            .seal_devices(&self.plan.mounts)
            .map_err(at(Step::ReadOnlyRoot))?;
        rootfs::enter(root.as_fd()).map_err(at(Step::Enter))?;
        if let Some(propagation) = self
            .plan
            .root_propagation
            .filter(|kind| *kind != Propagation::Slave)
        {
            let none = Attributes::empty();
            crate::sys::mount::set_attributes(root.as_fd(), none, none, Some(propagation), true)
                .map_err(at(Step::Enter))?;
        }
        Ok(mounted)
    }

    /// Takes on the superuser of the new user namespace, when its ids are mapped: files of the host's superuser, whom it
    /// may not know, could not be made.
    fn become_superuser(&mut self) -> Result<()> {
        while !self.mapped {
            self.await_parent()?;
        }
        // One id without the right to set groups, or no id 0: then we stay who we are.
        let _ = rustix::thread::set_thread_groups(&[]);
        let (uid, gid) = (rustix::fs::Uid::ROOT, rustix::fs::Gid::ROOT);
        match rustix::thread::set_thread_res_gid(gid, gid, gid)
            .and_then(|()| rustix::thread::set_thread_res_uid(uid, uid, uid))
        {
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(error) => Err(at(Step::UserNamespace)(error)),
        }
    }

    /// Enters a running container. Its processes have seen us since our birth, when our parent was hidden for it.
    fn enter_target(&mut self) -> Result<Mounted> {
        let Some(target) = &self.plan.target else {
            return Ok(Mounted::default());
        };
        // Our parent has entered the pid namespace for us, which takes effect for children only.
        let namespaces = (target.namespaces - process::Namespaces::PID).bits() as u32;
        rustix::thread::move_into_thread_name_spaces(
            target.init.as_fd(),
            ThreadNameSpaceType::from_bits_retain(namespaces),
        )
        .map_err(at(Step::Join))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(c"/", flags, Mode::empty()).map_err(at(Step::Join))?;
        rustix::process::fchdir(&root).map_err(at(Step::Join))?;
        let mut mounted = Mounted::default();
        if self.plan.process.terminal.is_some() {
            rootfs::open_terminal_of(root.as_fd(), &mut mounted).map_err(at(Step::Session))?;
        }
        self.report_mounts(root.as_fd(), &mounted)?;
        Ok(mounted)
    }

    /// Gives the parent what it needs of the mounts: the root, which it keeps until the exit status is known, the account
    /// files, and the terminal. It reads them while the work here goes on.
    fn report_mounts(&self, root: BorrowedFd<'_>, mounted: &Mounted) -> Result<()> {
        let passwd = rootfs::open_for_parent(root, c"etc/passwd");
        let group = rootfs::open_for_parent(root, c"etc/group");
        let mut fds = [root; sync::MAX_FDS];
        let (mut count, mut index) = (1, sync::ROOT);
        let optional = [
            (passwd.as_ref(), sync::PASSWD),
            (group.as_ref(), sync::GROUP),
            (mounted.terminal.as_ref(), sync::TERMINAL),
        ];
        for (fd, bit) in optional {
            if let Some(fd) = fd {
                fds[count] = fd.as_fd();
                count += 1;
                index |= bit;
            }
        }
        let message = Message {
            kind: Kind::Mounted,
            step: 0,
            index,
            errno: 0,
        };
        sync::send(self.surroundings.socket, message, &fds[..count]).map_err(at(Step::Parent))
    }

    /// The mark of a container, sysctls, masks and read-only paths; after all mounts, so that none can lie above them.
    fn restrict(&mut self, root: BorrowedFd<'_>) -> Result<()> {
        self.join_network()?;
        self.mark(root, None);
        for (index, (path, value)) in self.plan.sysctls.iter().enumerate() {
            // The host's /proc shows the values of *our* namespaces, and no mount of the container can stand in
            // its way (CVE-2025-52881).
            let proc = rustix::fs::open(c"/proc", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
                .map_err(at_index(Step::Sysctl, index))?;
            write(proc.as_fd(), path, value).map_err(at_index(Step::Sysctl, index))?;
        }
        if let Some(null) = &self.plan.null {
            let mut empty = None;
            for (index, path) in self.plan.masked.iter().enumerate() {
                rootfs::mask(root, path, null.as_fd(), &mut empty).map_err(at_index(Step::Mask, index))?;
            }
        }
        for (index, path) in self.plan.read_only_paths.iter().enumerate() {
            rootfs::make_read_only(root, path).map_err(at_index(Step::ReadOnlyPath, index))?;
        }
        if !self.plan.root_attributes.is_empty() {
            let none = Attributes::empty();
            crate::sys::mount::set_attributes(root, self.plan.root_attributes, none, None, false)
                .map_err(at(Step::ReadOnlyRoot))?;
        }
        if !self.plan.hostname.is_empty() {
            rustix::system::sethostname(&self.plan.hostname).map_err(at(Step::Hostname))?;
        }
        if !self.plan.domainname.is_empty() {
            rustix::system::setdomainname(&self.plan.domainname).map_err(at(Step::Hostname))?;
        }
        Ok(())
    }

    /// Makes the mark of a container if this is the mount that it goes to; `None`: the root.
    fn mark(&self, root: BorrowedFd<'_>, mount: Option<usize>) {
        if let Some(mark) = self.plan.mark.as_ref().filter(|mark| mark.mount == mount) {
            // A container without it is one all the same.
            let _ = super::mark::make(root, mark);
        }
    }

    /// Joins the network namespace that a helper makes meanwhile: before sysfs is mounted, which shows the network
    /// namespace of whoever mounts it.
    fn join_network(&mut self) -> Result<()> {
        if self.network_ready {
            return Ok(());
        }
        match self.plan.network {
            Network::Host | Network::Joined => return Ok(()),
            Network::Born => {
                self.network_ready = true;
                return super::spawn::loopback_up().map_err(at(Step::Network));
            }
            Network::Loopback => {}
        }
        while !self.network_ready {
            self.await_parent()?;
        }
        let maker = self
            .surroundings
            .network_maker
            .ok_or(at(Step::Network)(Errno::SRCH))?;
        rustix::thread::move_into_thread_name_spaces(maker, ThreadNameSpaceType::NETWORK)
            .map_err(at(Step::Network))
    }

    fn await_parent(&mut self) -> Result<()> {
        let mut byte = [0];
        loop {
            match rustix::io::read(self.surroundings.socket, &mut byte) {
                Err(Errno::INTR) => {}
                Ok(1) => break,
                Ok(_) => return Err(at(Step::Parent)(Errno::PIPE)),
                Err(error) => return Err(at(Step::Parent)(error)),
            }
        }
        match byte[0] {
            sync::NETWORK_READY => self.network_ready = true,
            sync::PROCEED => self.proceed = true,
            sync::MAPPED => self.mapped = true,
            _ => return Err(at(Step::Parent)(Errno::PROTO)),
        }
        Ok(())
    }

    /// From the new root to the exec. The order is the kernel's: each step needs a right that a later one gives up.
    fn become_payload(&mut self, mounted: Mounted) -> Result<i32> {
        while !self.proceed {
            self.await_parent()?;
        }
        self.streams(mounted)?;
        let process = &mut self.plan.process;
        for (index, (resource, limit)) in process.limits.iter().enumerate() {
            rustix::process::setrlimit(*resource, *limit).map_err(at_index(Step::Limit, index))?;
        }
        let root = rustix::fs::open(c"/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .map_err(at(Step::WorkingDirectory))?;
        rootfs::change_directory(root.as_fd(), &process.working_directory)
            .map_err(at(Step::WorkingDirectory))?;
        check_inside_root()?;
        rustix::process::umask(Mode::from_raw_mode(process.umask));
        signal::reset_all();
        signal::unblock_all();
        become_user(process, self.surroundings.credentials)?;
        if self.surroundings.die_with_parent {
            // After the last change of credentials, which clears it (prctl(2)); then look whether it came too late.
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(at(Step::Death))?;
            check_parent(self.surroundings.socket)?;
        }
        let home = self.surroundings.credentials.home();
        match (process.home, home.is_empty()) {
            (Some(index), false) => {
                process
                    .environment
                    .fill(index, HOME.len(), home)
                    .map_err(at(Step::Execute))?;
            }
            (Some(index), true) => {
                process
                    .environment
                    .fill(index, HOME.len(), b"/")
                    .map_err(at(Step::Execute))?;
            }
            (None, _) => {}
        }
        process::close_on_exec_from(3).map_err(at(Step::Streams))?;
        for number in &process.descriptors {
            process::keep_on_exec(*number).map_err(at(Step::Streams))?;
        }
        if let Some(gate) = &self.plan.start_gate {
            // Its number is closed there, and must not be by its owner once more.
            drop(root);
            find_program(&self.plan.process.candidates)?;
            wait_at(gate, self.surroundings.socket, &self.plan.process.descriptors)?;
        }
        if self.plan.init {
            return self.init_with_payload();
        }
        let failure = execute(self.plan);
        if let Some(Gate::Open { answer, .. }) = &self.plan.start_gate {
            // Our parent has gone; whoever opened the gate is told.
            let _ = rustix::io::write(answer, &failure.message().bytes());
        }
        Err(failure)
    }

    /// The standard streams, in a session of their own, so that the payload can never push input into the caller's
    /// terminal (CVE-2017-5226).
    fn streams(&mut self, mounted: Mounted) -> Result<()> {
        rustix::process::setsid().map_err(at(Step::Session))?;
        let credentials = self.surroundings.credentials;
        let owner = (
            rustix::fs::Uid::from_raw(credentials.uid),
            rustix::fs::Gid::from_raw(credentials.gid),
        );
        if let Some((rows, columns)) = self.plan.process.terminal {
            // None was made where something of the user's lies over /dev/pts; our own streams are no substitute.
            let slave = mounted.slave.as_ref().ok_or(at(Step::Session)(Errno::NODEV))?;
            rustix::process::ioctl_tiocsctty(slave).map_err(at(Step::Session))?;
            let size = rustix::termios::Winsize {
                ws_row: rows,
                ws_col: columns,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            rustix::termios::tcsetwinsize(slave, size).map_err(at(Step::Session))?;
            // The group stays devpts's own (tty).
            let _ = rustix::fs::fchown(slave, Some(owner.0), None);
            for number in 0..3 {
                process::place(slave.as_fd(), number).map_err(at(Step::Streams))?;
            }
        } else if let Some(streams) = self.surroundings.streams {
            for (number, stream) in streams.iter().enumerate() {
                // So that the user can open /dev/stdout; refused for what is not ours, which is fine.
                let _ = rustix::fs::fchown(stream, Some(owner.0), Some(owner.1));
                process::place(stream.as_fd(), number as i32).map_err(at(Step::Streams))?;
            }
        }
        Ok(())
    }

    /// Stays as pid 1, with the payload as its child.
    fn init_with_payload(&mut self) -> Result<i32> {
        let signals = super::reaper::block().map_err(at(Step::Fork))?;
        let (plan, socket) = (&mut *self.plan, self.surroundings.socket);
        let payload = process::fork(|| {
            signal::unblock_all();
            // A group of its own in the foreground is the payload's business, as with other inits.
            let failure = execute(plan);
            let _ = sync::send(socket, failure.message(), &[]);
            127
        })
        .map_err(at(Step::Fork))?;
        super::reaper::run(&signals, payload)
    }
}

/// Takes on the user, the capabilities and the filter.
fn become_user(process: &super::plan::ProcessPlan, credentials: &Shared<Credentials>) -> Result<()> {
    drop_bounding(process.capabilities.bounding)?;
    if process.no_new_privileges {
        rustix::thread::set_no_new_privs(true).map_err(at(Step::NoNewPrivileges))?;
    }
    let keeps = credentials.uid != 0 && !process.capabilities.superuser_only;
    if keeps {
        rustix::thread::set_keep_capabilities(true).map_err(at(Step::Capabilities))?;
    }
    // Without no_new_privs the filter needs CAP_SYS_ADMIN, which the next steps give up; all calls that follow are
    // in every sensible profile. With it the filter comes last.
    if !process.no_new_privileges {
        load_filter(process)?;
    }
    credentials.assume().map_err(at(Step::Credentials))?;
    set_capabilities(&process.capabilities, credentials.uid).map_err(at(Step::Capabilities))?;
    if process.no_new_privileges {
        load_filter(process)?;
    }
    Ok(())
}

fn load_filter(process: &super::plan::ProcessPlan) -> Result<()> {
    let Some(filter) = &process.seccomp else {
        return Ok(());
    };
    crate::sys::seccomp::load(&filter.program, filter.flags)
        .map(drop)
        .map_err(at(Step::Seccomp))
}

fn drop_bounding(keep: CapabilitySet) -> Result<()> {
    for number in 0..64 {
        let capability = RawSet::from_bits_retain(1 << number);
        if keep.bits() & (1 << number) != 0 {
            continue;
        }
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // The first number that this kernel does not know.
            Err(Errno::INVAL) => break,
            Err(error) => return Err(at_index(Step::BoundingSet, number)(error)),
        }
    }
    Ok(())
}

fn set_capabilities(capabilities: &Capabilities, uid: u32) -> rustix::io::Result<()> {
    let raw = |set: CapabilitySet| RawSet::from_bits_retain(set.bits());
    let none = CapabilitySet::EMPTY;
    let is_superuser = uid == 0 || !capabilities.superuser_only;
    let own = |set: CapabilitySet| if is_superuser { set } else { none };
    rustix::thread::set_capabilities(
        None,
        CapabilitySets {
            effective: raw(own(capabilities.effective)),
            permitted: raw(own(capabilities.permitted)),
            inheritable: raw(capabilities.inheritable),
        },
    )?;
    rustix::thread::clear_ambient_capability_set()?;
    for number in 0..64 {
        if capabilities.ambient.bits() & (1 << number) != 0 {
            rustix::thread::configure_capability_in_ambient_set(RawSet::from_bits_retain(1 << number), true)?;
        }
    }
    Ok(())
}

/// A working directory outside the root shows as a path that does not begin with `/` (CVE-2024-21626).
fn check_inside_root() -> Result<()> {
    let mut buffer = [0; 4_096];
    match process::working_directory(&mut buffer) {
        Ok([b'/', ..]) => Ok(()),
        Ok(_) => Err(at(Step::OutsideRoot)(Errno::XDEV)),
        Err(error) => Err(at(Step::OutsideRoot)(error)),
    }
}

/// Fails when the parent has died, which a hang-up on its socket tells.
fn check_parent(socket: BorrowedFd<'_>) -> Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut fds = [PollFd::from_borrowed_fd(socket, PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    match poll(&mut fds, Some(&now)) {
        Ok(_) if fds[0].revents().contains(PollFlags::HUP) => Err(at(Step::Parent)(Errno::PIPE)),
        _ => Ok(()),
    }
}

/// Tells the parent that all is done but the exec, and waits for the byte of `start`. By now a filter may be in force:
/// only read and write are used.
fn wait_at(gate: &Gate, socket: BorrowedFd<'_>, descriptors: &[RawFd]) -> Result<()> {
    let (start, byte) = match gate {
        Gate::Open { start, .. } => (start.as_fd(), None),
        Gate::Parent => {
            // What is open in us must not seem open to those at the other end, for as long as we wait.
            process::close_copies_but(socket, descriptors);
            (socket, Some(sync::START))
        }
    };
    let message = Message {
        kind: Kind::Ready,
        step: 0,
        index: 0,
        errno: 0,
    };
    sync::send(socket, message, &[]).map_err(at(Step::Gate))?;
    loop {
        let mut read = [0];
        match rustix::io::read(start, &mut read) {
            Ok(1) if byte.is_none_or(|byte| read == [byte]) => return Ok(()),
            Err(Errno::INTR) => {}
            Ok(_) => return Err(at(Step::Gate)(Errno::PIPE)),
            Err(error) => return Err(at(Step::Gate)(error)),
        }
    }
}

/// Writes a whole value in one call, as files of the kernel want it.
fn write(directory: BorrowedFd<'_>, path: &CStr, value: &[u8]) -> rustix::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, path, flags, Mode::empty())?;
    match rustix::io::write(&file, value)? {
        length if length == value.len() => Ok(()),
        _ => Err(Errno::IO),
    }
}
