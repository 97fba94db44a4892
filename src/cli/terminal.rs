//! The caller's terminal: raw mode and the way back from it, its size, and the keys that detach.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Mutex;

use anyhow::{Result, bail};
use rustix::termios::{self, OptionalActions, Termios, Winsize};

/// The keys that detach when none are named.
pub const DETACH_KEYS: &str = "ctrl-p,ctrl-q";

/// What to restore when the program ends by a panic, which runs no destructors here.
static SAVED: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);

/// A terminal in raw mode, which ends when this is dropped.
///
/// A signal that would end the program has to be awaited (`signalfd`) by whoever holds this, so that it is dropped.
/// Stopping and continuing (`SIGTSTP`, `SIGCONT`) go through [`RawMode::suspend`] and [`RawMode::resume`].
#[derive(Debug)]
pub struct RawMode {
    terminal: OwnedFd,
    before: Termios,
}

impl RawMode {
    /// Puts a terminal into raw mode; `None` if it is none.
    pub fn enter(terminal: impl AsFd) -> io::Result<Option<Self>> {
        if !termios::isatty(&terminal) {
            return Ok(None);
        }
        let terminal = rustix::io::fcntl_dupfd_cloexec(&terminal, 3)?;
        let before = termios::tcgetattr(&terminal)?;
        let copy = rustix::io::fcntl_dupfd_cloexec(&terminal, 3)?;
        *saved() = Some((copy, before.clone()));
        restore_after_panic();
        let raw = Self { terminal, before };
        raw.resume()?;
        Ok(Some(raw))
    }

    /// Gives the terminal back for a while.
    pub fn suspend(&self) -> io::Result<()> {
        Ok(termios::tcsetattr(
            &self.terminal,
            OptionalActions::Drain,
            &self.before,
        )?)
    }

    /// Takes the terminal again.
    pub fn resume(&self) -> io::Result<()> {
        let mut raw = self.before.clone();
        raw.make_raw();
        Ok(termios::tcsetattr(&self.terminal, OptionalActions::Drain, &raw)?)
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        *saved() = None;
        // The terminal may have gone, and then there is nothing to restore.
        let _ = termios::tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

fn saved() -> std::sync::MutexGuard<'static, Option<(OwnedFd, Termios)>> {
    SAVED.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn restore_after_panic() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if let Ok(saved) = SAVED.try_lock()
                && let Some((terminal, settings)) = saved.as_ref()
            {
                let _ = termios::tcsetattr(terminal, OptionalActions::Now, settings);
            }
            before(panic);
        }));
    });
}

/// Rows and columns of a terminal, if it is one and knows them.
pub fn size(terminal: BorrowedFd<'_>) -> Option<(u16, u16)> {
    let Winsize { ws_row, ws_col, .. } = termios::tcgetwinsize(terminal).ok()?;
    (ws_row > 0 && ws_col > 0).then_some((ws_row, ws_col))
}

/// Finds the keys that detach in what is typed.
#[derive(Debug)]
pub struct DetachKeys {
    /// Empty: nothing detaches.
    sequence: Vec<u8>,
    /// How much of it has been typed and held back.
    matched: usize,
}

/// What is to be done with what was typed.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// Pass this on.
    Input(Vec<u8>),
    /// Pass this on, and detach.
    Detach(Vec<u8>),
}

impl DetachKeys {
    /// Reads a sequence such as `ctrl-p,ctrl-q` or `a,ctrl-b`; the empty one disables detaching.
    pub fn parse(text: &str) -> Result<Self> {
        let mut sequence = Vec::new();
        for key in text.split(',').filter(|_| !text.is_empty()) {
            match key.as_bytes() {
                [one] if one.is_ascii_graphic() => sequence.push(*one),
                _ => match key.strip_prefix("ctrl-").map(str::as_bytes) {
                    Some([letter @ (b'a'..=b'z' | b'@' | b'[' | b'\\' | b']' | b'^' | b'_')]) => {
                        sequence.push(letter & 0x1f);
                    }
                    _ => {
                        bail!("invalid --detach-keys {text:?}: a key is one character or ctrl- and a letter")
                    }
                },
            }
        }
        Ok(Self { sequence, matched: 0 })
    }

    /// Takes what was typed. The beginning of the sequence is held back until it is known to be none.
    pub fn take(&mut self, typed: &[u8]) -> Typed {
        if self.sequence.is_empty() {
            return Typed::Input(typed.into());
        }
        let mut input = Vec::with_capacity(typed.len() + self.matched);
        for byte in typed {
            // A longer beginning that fails may hold a shorter one in it: a,a,b typed as aaab.
            while self.matched > 0 && self.sequence[self.matched] != *byte {
                let kept = self.border();
                input.extend_from_slice(&self.sequence[..self.matched - kept]);
                self.matched = kept;
            }
            if self.sequence[self.matched] == *byte {
                self.matched += 1;
                if self.matched == self.sequence.len() {
                    self.matched = 0;
                    return Typed::Detach(input);
                }
            } else {
                input.push(*byte);
            }
        }
        Typed::Input(input)
    }

    /// The length of the longest beginning of the sequence that also ends what is matched of it.
    fn border(&self) -> usize {
        let matched = &self.sequence[..self.matched];
        (1..matched.len())
            .rev()
            .find(|length| matched.ends_with(&matched[..*length]))
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn key_names() {
        for (text, sequence) in [
            ("ctrl-p,ctrl-q", Some(&[16, 17][..])),
            ("a,b", Some(b"ab")),
            ("ctrl-@,ctrl-[,ctrl-_", Some(&[0, 27, 31])),
            ("", Some(&[])),
            ("ctrl-", None),
            ("ctrl-P", None),
            ("ctrl-pq", None),
            ("ab", None),
            ("a,,b", None),
            ("é", None),
        ] {
            assert_eq!(
                DetachKeys::parse(text).ok().map(|keys| keys.sequence),
                sequence.map(Vec::from),
                "{text}"
            );
        }
    }

    #[test]
    fn detaching() {
        for (keys, typed, passed, detached) in [
            ("ctrl-p,ctrl-q", &b"ab\x10\x11cd"[..], &b"ab"[..], true),
            ("ctrl-p,ctrl-q", b"ab\x10cd", b"ab\x10cd", false),
            ("ctrl-p,ctrl-q", b"\x10\x10\x11", b"\x10", true),
            ("ctrl-p,ctrl-q", b"\x11\x10", b"\x11", false),
            ("a,a,b", b"aaab", b"a", true),
            ("a,b,a,c", b"ababac", b"ab", true),
            ("", b"\x10\x11", b"\x10\x11", false),
        ] {
            // Whole, and byte by byte.
            for size in [typed.len(), 1] {
                let mut matcher = DetachKeys::parse(keys).unwrap();
                let (mut input, mut left) = (Vec::new(), false);
                for chunk in typed.chunks(size) {
                    match matcher.take(chunk) {
                        Typed::Input(bytes) => input.extend(bytes),
                        Typed::Detach(bytes) => {
                            input.extend(bytes);
                            left = true;
                            break;
                        }
                    }
                }
                assert_eq!(
                    (input.as_slice(), left),
                    (passed, detached),
                    "{keys} {typed:?} {size}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost(typed in proptest::collection::vec(0u8..4, 0..40), sequence in proptest::collection::vec(0u8..4, 1..5)) {
            let mut matcher = DetachKeys { sequence: sequence.clone(), matched: 0 };
            let found = typed.windows(sequence.len()).position(|window| window == sequence);
            match (matcher.take(&typed), found) {
                (Typed::Detach(input), Some(place)) => prop_assert_eq!(input, typed[..place].to_vec()),
                (Typed::Input(mut input), None) => {
                    input.extend_from_slice(&sequence[..matcher.matched]);
                    prop_assert_eq!(input, typed);
                }
                (result, found) => prop_assert!(false, "{:?} {:?}", result, found),
            }
        }
    }

    #[test]
    fn raw_mode_ends() {
        let master =
            rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let path = rustix::pty::ptsname(&master, Vec::new()).unwrap();
        let terminal = std::fs::File::options()
            .read(true)
            .write(true)
            .open(path.to_str().unwrap())
            .unwrap();
        let is_raw = || {
            !termios::tcgetattr(&terminal)
                .unwrap()
                .local_modes
                .contains(termios::LocalModes::ICANON)
        };
        let raw = RawMode::enter(&terminal).unwrap().unwrap();
        assert!(is_raw());
        raw.suspend().unwrap();
        assert!(!is_raw());
        raw.resume().unwrap();
        assert!(is_raw());
        drop(raw);
        assert!(!is_raw());
        assert!(
            RawMode::enter(std::fs::File::open("/dev/null").unwrap())
                .unwrap()
                .is_none()
        );
    }
}
