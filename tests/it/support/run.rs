//! Runs a program with its output captured and a limit on its time; at the limit its process group is killed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, pidfd_open,
    pidfd_send_signal, waitid,
};

/// Container ids that a program has printed, for the search for what it left behind.
pub type Ids = Arc<Mutex<BTreeSet<String>>>;

/// A command about to be run.
pub struct Invocation {
    command: Command,
    input: Option<Vec<u8>>,
    pub(super) limit: Duration,
    ids: Ids,
}

impl Invocation {
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self {
            command,
            input: None,
            limit: Duration::from_secs(60),
            ids: Ids::default(),
        }
    }

    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub fn args(mut self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    pub fn without_env(mut self, key: &str) -> Self {
        self.command.env_remove(key);
        self
    }

    pub(super) fn empty_env(mut self) -> Self {
        self.command.env_clear();
        self
    }

    pub(super) fn note_ids(mut self, ids: &Ids) -> Self {
        self.ids = Arc::clone(ids);
        self
    }

    pub fn directory(mut self, path: &Path) -> Self {
        self.command.current_dir(path);
        self
    }

    /// What the program reads; without it, nothing.
    pub fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = Some(bytes.as_ref().to_vec());
        self
    }

    /// Gives the program a standard output of the test's choice; the outcome's is then empty.
    pub fn output_to(mut self, output: impl Into<Stdio>) -> Self {
        self.command.stdout(output);
        self
    }

    /// Runs it as `"$0" "$@"` of a shell's command line, in the same surroundings.
    pub fn through_shell(mut self, line: &str) -> Self {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", line])
            .arg(self.command.get_program())
            .args(self.command.get_args());
        shell.env_clear();
        for (key, value) in self.command.get_envs() {
            if let Some(value) = value {
                shell.env(key, value);
            }
        }
        if let Some(directory) = self.command.get_current_dir() {
            shell.current_dir(directory);
        }
        shell
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.command = shell;
        self
    }

    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// For what has no method here: more fds, another user, a pre-exec step.
    pub fn with(mut self, change: impl FnOnce(&mut Command)) -> Self {
        change(&mut self.command);
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> Outcome {
        self.start().wait()
    }

    /// Starts it; the test goes on meanwhile.
    #[track_caller]
    pub fn start(mut self) -> Running {
        if self.input.is_some() {
            self.command.stdin(Stdio::piped());
        }
        self.command.process_group(0);
        let line = format!("{:?}", self.command);
        let mut child = self
            .command
            .spawn()
            .unwrap_or_else(|error| panic!("start {line}: {error}"));
        if let (Some(input), Some(mut pipe)) = (self.input.take(), child.stdin.take()) {
            // A program may leave its input unread: the broken pipe is its right.
            std::thread::spawn(move || pipe.write_all(&input));
        }
        let stdout = child.stdout.take().map_or_else(Stream::closed, Stream::follow);
        let stderr = child.stderr.take().map_or_else(Stream::closed, Stream::follow);
        Running::new(child, line, stdout, stderr, self.limit, self.ids)
    }

    pub(super) fn into_parts(self) -> (Command, Duration, Ids) {
        (self.command, self.limit, self.ids)
    }
}

/// Bytes that arrive from a program, gathered as they come.
#[derive(Clone)]
pub struct Stream(Arc<(Mutex<Gathered>, Condvar)>);

#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    closed: Option<Instant>,
}

impl Stream {
    fn closed() -> Self {
        let stream = Self::empty();
        stream.close();
        stream
    }

    pub(super) fn empty() -> Self {
        Self(Arc::default())
    }

    pub(super) fn append(&self, bytes: &[u8]) {
        self.0
            .0
            .lock()
            .expect("no reader panics")
            .bytes
            .extend_from_slice(bytes);
        self.0.1.notify_all();
    }

    pub(super) fn close(&self) {
        self.0.0.lock().expect("no reader panics").closed = Some(Instant::now());
        self.0.1.notify_all();
    }

    fn follow(mut source: impl Read + Send + 'static) -> Self {
        let stream = Self::empty();
        let shared = stream.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            while let Ok(length @ 1..) = source.read(&mut buffer) {
                shared.append(&buffer[..length]);
            }
            shared.close();
        });
        stream
    }

    fn so_far(&self) -> Vec<u8> {
        self.0.0.lock().expect("no reader panics").bytes.clone()
    }

    fn closed_at(&self) -> Option<Instant> {
        self.0.0.lock().expect("no reader panics").closed
    }

    /// Waits until the condition holds; false at the deadline.
    fn wait_until(&self, deadline: Instant, condition: impl Fn(&Gathered) -> bool) -> bool {
        let (lock, changed) = &*self.0;
        let guard = lock.lock().expect("no reader panics");
        let left = deadline.saturating_duration_since(Instant::now());
        let (guard, _) = changed
            .wait_timeout_while(guard, left, |gathered| !condition(gathered))
            .expect("no reader panics");
        condition(&guard)
    }
}

/// A program that runs. Dropped before its end, it is killed with its process group.
pub struct Running {
    child: Child,
    descriptor: OwnedFd,
    line: String,
    stdout: Stream,
    stderr: Stream,
    started: Instant,
    deadline: Instant,
    ids: Ids,
    ended: bool,
}

impl Running {
    pub(super) fn new(
        child: Child,
        line: String,
        stdout: Stream,
        stderr: Stream,
        limit: Duration,
        ids: Ids,
    ) -> Self {
        let started = Instant::now();
        let pid = Pid::from_child(&child);
        let descriptor = pidfd_open(pid, PidfdFlags::empty()).expect("our own child has a pidfd");
        Self {
            child,
            descriptor,
            line,
            stdout,
            stderr,
            started,
            deadline: started + limit,
            ids,
            ended: false,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        pidfd_send_signal(&self.descriptor, signal).expect("signal our own child");
    }

    /// Sends a signal to the program's whole process group, as a terminal does.
    pub fn signal_group(&self, signal: Signal) {
        kill_process_group(Pid::from_child(&self.child), signal).expect("signal our own process group");
    }

    pub fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.stdout.so_far()).into_owned()
    }

    /// Waits until the output so far holds the text.
    #[track_caller]
    pub fn expect(&self, text: &str) {
        let holds = |gathered: &Gathered| contains(&gathered.bytes, text.as_bytes());
        let found = self.stdout.wait_until(self.deadline, |gathered| {
            holds(gathered) || gathered.closed.is_some()
        });
        if !found || !contains(&self.stdout.so_far(), text.as_bytes()) {
            self.give_up(&format!("never printed {text:?}"));
        }
    }

    /// Waits for the end of the program and of its output.
    #[track_caller]
    pub fn wait(mut self) -> Outcome {
        if !self.exits_by(self.deadline) {
            self.give_up("did not end");
        }
        let status = self.child.wait().expect("our own child can be waited for");
        let exited = Instant::now();
        self.ended = true;
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let deadline = self.deadline.max(exited + Duration::from_secs(5));
            if !stream.wait_until(deadline, |gathered| gathered.closed.is_some()) {
                self.give_up(&format!("ended, but somebody holds its {name} open"));
            }
        }
        let closed = [&self.stdout, &self.stderr]
            .into_iter()
            .filter_map(Stream::closed_at)
            .max();
        let stdout = self.stdout.so_far();
        note_ids(&stdout, &self.ids);
        Outcome {
            code: status.code(),
            signal: status.signal(),
            stdout,
            stderr: self.stderr.so_far(),
            elapsed: exited - self.started,
            output_open_after_exit: closed
                .map_or(Duration::ZERO, |closed| closed.saturating_duration_since(exited)),
            line: self.line.clone(),
        }
    }

    /// Whether the program ends by itself in so long a time.
    pub fn ends_within(&self, time: Duration) -> bool {
        self.exits_by(Instant::now() + time)
    }

    /// Waits for the end of a program whose outcome does not matter; false if it had to be killed.
    pub(super) fn finish(mut self) -> bool {
        let in_time = self.exits_by(self.deadline);
        if in_time {
            let _ = self.child.wait();
            self.ended = true;
        }
        in_time
    }

    fn exits_by(&self, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).expect("a short time");
            let mut fds = [PollFd::new(&self.descriptor, PollFlags::IN)];
            match poll(&mut fds, Some(&timeout)) {
                Ok(0) => return false,
                Ok(_) => return true,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("wait for our own child: {error}"),
            }
        }
    }

    #[track_caller]
    fn give_up(&self, what: &str) -> ! {
        let elapsed = self.started.elapsed();
        // One that has closed its output is about to end by itself: how, and what it says last, is the reason.
        let soon = || Instant::now() + Duration::from_secs(1);
        let ended = self.stdout.closed_at().is_some() && self.exits_by(soon());
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        for stream in [&self.stdout, &self.stderr] {
            stream.wait_until(soon(), |gathered| gathered.closed.is_some());
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::PidFd(self.descriptor.as_fd()), options)
            .ok()
            .flatten();
        panic!(
            "{}\n{what} within {elapsed:?}\nended by itself: {ended}, code {:?}, signal {:?}\nstdout: {}\nstderr: {}",
            self.line,
            status.as_ref().and_then(WaitIdStatus::exit_status),
            status.as_ref().and_then(WaitIdStatus::terminating_signal),
            String::from_utf8_lossy(&self.stdout.so_far()),
            String::from_utf8_lossy(&self.stderr.so_far()),
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

impl AsFd for Running {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; none if a signal ended the program.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub elapsed: Duration,
    /// How long after the exit the output stayed open: a reader of a pipe waits for that.
    pub output_open_after_exit: Duration,
    line: String,
}

impl Outcome {
    #[track_caller]
    pub fn succeeds(self) -> Self {
        self.exits(0)
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code of {self}");
        self
    }

    /// The whole standard output.
    #[track_caller]
    pub fn prints(self, expected: &str) -> Self {
        assert_eq!(
            String::from_utf8_lossy(&self.stdout),
            expected,
            "output of {self}"
        );
        self
    }

    /// Something on standard error.
    #[track_caller]
    pub fn says(self, part: &str) -> Self {
        assert!(
            contains(&self.stderr, part.as_bytes()),
            "{part:?} is not on standard error of {self}"
        );
        self
    }

    /// Exactly one sentence on standard error, and nothing on standard output.
    #[track_caller]
    pub fn says_one_line(self) -> Self {
        let lines = String::from_utf8_lossy(&self.stderr).lines().count();
        assert!(
            lines == 1 && self.stdout.is_empty(),
            "more or less than one line from {self}"
        );
        self
    }

    /// Standard output without the final line feed.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout)
            .expect("the output is UTF-8")
            .trim_end_matches('\n')
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error} in the output of {self}"))
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(out, "{}", self.line)?;
        writeln!(
            out,
            "code {:?}, signal {:?}, after {:?}",
            self.code, self.signal, self.elapsed
        )?;
        writeln!(out, "stdout: {}", String::from_utf8_lossy(&self.stdout))?;
        write!(out, "stderr: {}", String::from_utf8_lossy(&self.stderr))
    }
}

pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len().max(1))
        .any(|window| window == needle)
}

/// Every run of exactly 64 hexadecimal digits that is not a digest.
fn note_ids(output: &[u8], ids: &Ids) {
    let text = String::from_utf8_lossy(output);
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != ':');
    let is_id = |word: &&str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    ids.lock()
        .expect("no test panics here")
        .extend(words.filter(is_id).map(str::to_string));
}
