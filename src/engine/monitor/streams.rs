//! The payload's standard streams as the monitor holds them: pipes, or the master of its terminal.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use super::super::protocol::CHUNK;
use crate::store::container::Config;

/// Input beyond this is not taken from clients until the payload reads.
const INPUT_LIMIT: usize = 64 << 10;

/// A stream to be watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Output {
    Standard,
    Error,
    /// There is room for input again.
    Input,
}

pub struct Streams {
    input: Option<OwnedFd>,
    output: Option<OwnedFd>,
    error: Option<OwnedFd>,
    is_terminal: bool,
    queue: VecDeque<u8>,
    input_ended: bool,
}

impl Streams {
    /// Of a payload that has others than ours.
    pub fn none() -> Self {
        Self {
            input: None,
            output: None,
            error: None,
            is_terminal: false,
            queue: VecDeque::new(),
            input_ended: false,
        }
    }

    /// Makes the pipes of a container, and the ends that are the payload's. With a terminal there are none.
    pub fn make(config: &Config) -> rustix::io::Result<(Self, Option<[OwnedFd; 3]>)> {
        let mut streams = Self::none();
        streams.is_terminal = config.terminal;
        if config.terminal {
            return Ok((streams, None));
        }
        let stdin = if config.interactive {
            let (theirs, ours) = pipe_with(PipeFlags::CLOEXEC)?;
            rustix::io::ioctl_fionbio(&ours, true)?;
            streams.input = Some(ours);
            theirs
        } else {
            let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC;
            rustix::fs::open(c"/dev/null", flags, rustix::fs::Mode::empty())?
        };
        let (output, stdout) = pipe_with(PipeFlags::CLOEXEC)?;
        let (error, stderr) = pipe_with(PipeFlags::CLOEXEC)?;
        for fd in [&output, &error] {
            rustix::io::ioctl_fionbio(fd, true)?;
        }
        streams.output = Some(output);
        streams.error = Some(error);
        Ok((streams, Some([stdin, stdout, stderr])))
    }

    /// Takes the master of the terminal that the container has made.
    pub fn with_terminal(mut self, master: Option<OwnedFd>) -> Self {
        if let Some(master) = master {
            let _ = rustix::io::ioctl_fionbio(&master, true);
            self.input = rustix::io::fcntl_dupfd_cloexec(&master, 3).ok();
            self.output = Some(master);
        }
        self
    }

    /// Whether a stream may still give something.
    pub fn has_output(&self) -> bool {
        self.output.is_some() || self.error.is_some()
    }

    pub fn close_output(&mut self) {
        self.output = None;
        self.error = None;
    }

    /// What is waited for: output unless a reader is behind, and room when input waits.
    pub fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>, blocked: bool) -> Vec<Output> {
        let mut watched = Vec::with_capacity(3);
        for (fd, output) in [(&self.output, Output::Standard), (&self.error, Output::Error)] {
            if let Some(fd) = fd
                && !blocked
            {
                fds.push(PollFd::new(fd, PollFlags::IN));
                watched.push(output);
            }
        }
        if let Some(fd) = &self.input
            && !self.queue.is_empty()
        {
            fds.push(PollFd::new(fd, PollFlags::OUT));
            watched.push(Output::Input);
        }
        watched
    }

    /// What a stream has. Its end closes it.
    pub fn read(&mut self, output: Output) -> Option<Vec<u8>> {
        let stream = match output {
            Output::Standard => &mut self.output,
            Output::Error => &mut self.error,
            Output::Input => return None,
        };
        let mut data = vec![0; CHUNK];
        match rustix::io::read(stream.as_ref()?.as_fd(), &mut data) {
            // A terminal whose last user has closed it gives EIO.
            Ok(0) | Err(Errno::IO) => {
                *stream = None;
                None
            }
            Ok(length) => {
                data.truncate(length);
                Some(data)
            }
            Err(_) => None,
        }
    }

    /// Whether there is room for more input.
    pub fn takes_input(&self) -> bool {
        self.queue.len() < INPUT_LIMIT
    }

    pub fn push_input(&mut self, data: Vec<u8>) {
        if self.input.is_some() && !self.input_ended {
            self.queue.extend(data);
            self.flush_input();
        }
    }

    /// Closes the payload's input once it has taken what is there. A terminal has no end of input: a client that goes
    /// is not the payload's business.
    pub fn end_input(&mut self) {
        if !self.is_terminal {
            self.input_ended = true;
            self.flush_input();
        }
    }

    /// Writes as much input as the payload takes.
    pub fn flush_input(&mut self) {
        while let Some(input) = &self.input {
            let (front, _) = self.queue.as_slices();
            if front.is_empty() {
                if self.input_ended {
                    self.input = None;
                }
                return;
            }
            match rustix::io::write(input, front) {
                Ok(length) => drop(self.queue.drain(..length)),
                Err(Errno::AGAIN | Errno::INTR) => return,
                // The payload has closed it.
                Err(_) => {
                    self.queue.clear();
                    self.input = None;
                }
            }
        }
    }

    pub fn resize(&self, rows: u16, columns: u16) {
        if let (true, Some(master)) = (self.is_terminal, &self.output) {
            let size = rustix::termios::Winsize {
                ws_row: rows,
                ws_col: columns,
                ws_xpixel: 0,
                ws_ypixel: 0,
            };
            let _ = rustix::termios::tcsetwinsize(master, size);
        }
    }
}
