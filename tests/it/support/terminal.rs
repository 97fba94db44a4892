//! A terminal with a program on it: what is typed, what appears, the window's size, hanging up.

use std::fs::File;
use std::io::Write;
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::run::{Invocation, Outcome, Running, Stream};

/// A program whose standard streams are one terminal, in a session of its own.
pub struct Terminal {
    running: Running,
    controller: Arc<OwnedFd>,
    reader: JoinHandle<()>,
    /// Closed to make the reader let go of the controller.
    stop: OwnedFd,
}

impl Invocation {
    /// Starts the program on a new terminal of 24 lines and 80 columns.
    #[track_caller]
    pub fn start_on_terminal(self) -> Terminal {
        self.start_on_terminal_of(24, 80)
    }

    /// Starts the program on a new terminal of this size.
    #[track_caller]
    pub fn start_on_terminal_of(self, rows: u16, columns: u16) -> Terminal {
        let controller =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        unlockpt(&controller).expect("unlock our own terminal");
        let name = ptsname(&controller, Vec::new()).expect("our own terminal has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let user = rustix::fs::open(name, flags, Mode::empty()).expect("open our own terminal");
        tcsetwinsize(&user, size(rows, columns)).expect("a terminal has a size");

        let (mut command, limit, ids) = self.into_parts();
        let copy = || Stdio::from(user.try_clone().expect("a free descriptor"));
        command.stdin(copy()).stdout(copy()).stderr(copy());
        // SAFETY: between fork and exec the closure makes two system calls and touches no memory of the parent's.
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
                Ok(())
            });
        }
        let line = format!("{command:?} on a terminal");
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("start {line}: {error}"));
        // The command keeps copies of the user's side: with them the terminal would never close.
        drop(command);
        drop(user);

        let controller = Arc::new(controller);
        let stream = Stream::empty();
        let (stopped, stop) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe");
        let reader = std::thread::spawn({
            let (controller, stream) = (Arc::clone(&controller), stream.clone());
            move || read(&controller, &stopped, &stream)
        });
        let stderr = Stream::empty();
        stderr.close();
        Terminal {
            running: Running::new(child, line, stream, stderr, limit, ids),
            controller,
            reader,
            stop,
        }
    }
}

impl Terminal {
    /// Types bytes: `b"\x03"` is Ctrl-C.
    #[track_caller]
    pub fn types(&self, bytes: impl AsRef<[u8]>) {
        let copy = self.controller.try_clone().expect("a free descriptor");
        File::from(copy)
            .write_all(bytes.as_ref())
            .expect("type on our own terminal");
    }

    /// Whether each key is read at once and shown by nobody but who reads it.
    pub fn is_raw(&self) -> bool {
        let modes = tcgetattr(&*self.controller)
            .expect("our own terminal")
            .local_modes;
        !modes.intersects(LocalModes::ICANON | LocalModes::ECHO)
    }

    pub fn resize(&self, rows: u16, columns: u16) {
        tcsetwinsize(&*self.controller, size(rows, columns)).expect("resize our own terminal");
    }

    /// Waits for the program; the outcome's output is everything that appeared.
    #[track_caller]
    pub fn wait(self) -> Outcome {
        self.running.wait()
    }

    /// Closes the controlling side, as a terminal window or a lost connection does.
    pub fn hang_up(self) -> Running {
        drop(self.stop);
        self.reader.join().expect("the reader does not panic");
        drop(self.controller);
        self.running
    }
}

impl Deref for Terminal {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

/// Gathers what appears until the last program has closed the terminal (EIO) or the test hangs up.
fn read(controller: &OwnedFd, stopped: &OwnedFd, stream: &Stream) {
    let mut buffer = [0; 4096];
    loop {
        let mut fds = [
            PollFd::new(controller, PollFlags::IN),
            PollFd::new(stopped, PollFlags::IN),
        ];
        if poll(&mut fds, None).is_err() {
            continue;
        }
        if !fds[1].revents().is_empty() {
            break;
        }
        match rustix::io::read(controller, &mut buffer) {
            Ok(length @ 1..) => stream.append(&buffer[..length]),
            Err(rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => break,
        }
    }
    stream.close();
}
