//! How a command ends: one place for exit codes and for the sentence on standard error.
//!
//! 125: coracle itself failed. 126 and 127: the container's command cannot be executed, or is not there. Anything
//! else is the exit code of the container, or a command's own answer.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

use super::output::clean;
use super::select::Meant;
use crate::engine::EngineError;

/// What a command answers: an exit code, or why it failed.
pub type Outcome = anyhow::Result<u8>;

/// The exit code of our own failures.
pub const FAILED: u8 = 125;

/// An error that decides the exit code; its message is that of its source.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Coded {
    pub code: u8,
    pub message: String,
}

/// Ends the program: prints the error, if there is one, and gives the exit code.
pub fn finish(outcome: Outcome) -> ExitCode {
    tell_warnings();
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&sentence(&error));
            ExitCode::from(code_of(&error))
        }
    }
}

/// An error with its causes; a message that ends with its cause is not followed by it again.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn code_of(error: &anyhow::Error) -> u8 {
    if let Some(coded) = error.downcast_ref::<Coded>() {
        return coded.code;
    }
    match error.downcast_ref::<EngineError>() {
        Some(EngineError::Start { exit, .. }) => container_code(*exit),
        _ => FAILED,
    }
}

/// The exit code of a container as that of a command.
pub fn container_code(code: i32) -> u8 {
    // As the kernel does with what a process gives it.
    (code & 0xff) as u8
}

/// Gives an error the exit code `code`.
pub fn coded(code: u8, error: impl std::fmt::Display) -> anyhow::Error {
    Coded {
        code,
        message: error.to_string(),
    }
    .into()
}

/// Does something to each of several things: a failure is told, and does not keep it from the others. The exit code is
/// that of the last failure.
pub fn each<T: AsRef<str>>(names: &[T], mut act: impl FnMut(&str) -> anyhow::Result<()>) -> Outcome {
    conclude(names.iter().map(|name| act(name.as_ref())))
}

/// The same for containers: what is not there is an error.
pub fn each_meant(meant: &[Meant], mut act: impl FnMut(&str, &str) -> anyhow::Result<()>) -> Outcome {
    conclude(meant.iter().map(|Meant { word, id }| match id {
        Some(id) => act(word, id),
        None => Err(EngineError::NoSuchContainer(word.clone()).into()),
    }))
}

/// Ends with the exit code of the last failure; each is told.
pub fn conclude(done: impl Iterator<Item = anyhow::Result<()>>) -> Outcome {
    let mut code = 0;
    for one in done {
        match one {
            Ok(()) => {}
            Err(error) if is_broken_pipe(&error) => return Err(error),
            Err(error) => {
                complain(&sentence(&error));
                code = code_of(&error);
            }
        }
    }
    Ok(code)
}

/// Tells that another command holds a container.
pub fn waiting_on(word: &str) -> impl FnMut() {
    move || say(&format!("waiting for another command on {word}"))
}

/// Asks whether to go on. Somebody must answer, a person or a pipe.
pub fn confirm(question: &str) -> io::Result<bool> {
    let mut answer = String::new();
    write!(io::stderr(), "{question} [y/N] ")?;
    if io::stdin().read_line(&mut answer)? == 0 {
        return Err(io::Error::other(
            "there is no answer on standard input: use --force",
        ));
    }
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Prints an error.
pub fn complain(message: &str) {
    say(&format!("Error: {}", without_numbers(message)));
}

/// What the kernel answered as the other tools write it, which scripts look for: `no such file or directory` and not `No
/// such file or directory (os error 2)`.
fn without_numbers(message: &str) -> String {
    let mut text = message.to_owned();
    while let Some(at) = text.find(" (os error ") {
        let end = text[at..].find(')').map_or(text.len(), |length| at + length + 1);
        text.replace_range(at..end, "");
        let start = text[..at].rfind([':', '(']).map_or(0, |mark| mark + 1);
        let start = start + text[start..at].bytes().take_while(|byte| *byte == b' ').count();
        let mut letters = text[start..at].bytes();
        if letters.next().is_some_and(|first| first.is_ascii_uppercase())
            && letters.next().is_some_and(|second| second.is_ascii_lowercase())
        {
            text[start..=start].make_ascii_lowercase();
        }
    }
    text
}

/// Prints to standard error.
pub fn say(message: &str) {
    // Nobody is left to be told that standard error cannot be written.
    let _ = writeln!(io::stderr(), "{}", clean(message));
}

/// How much is told; errors always are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    #[default]
    Warn,
    Info,
    Debug,
}

impl std::str::FromStr for Level {
    type Err = String;

    /// In the words of Docker and Podman, in capitals too. Scripts look for what Podman says of another word.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "panic" | "fatal" | "error" => Ok(Self::Error),
            "warning" | "warn" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" | "trace" => Ok(Self::Debug),
            _ => Err(format!(
                "Log Level {text:?} is not supported, choose from: trace, debug, info, warn, warning, error, fatal, panic"
            )),
        }
    }
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Warn as u8);

/// Sets how much is told from here on.
pub fn tell(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

fn is_told(level: Level) -> bool {
    LEVEL.load(Ordering::Relaxed) >= level as u8
}

/// Prints what is worth knowing but no failure.
pub fn warn(message: &str) {
    if is_told(Level::Warn) {
        say(&format!("Warning: {}", without_numbers(message)));
    }
}

/// Prints what changes nothing, such as options that are taken and have no effect.
pub fn info(message: &str) {
    if is_told(Level::Info) {
        say(&format!("Info: {message}"));
    }
}

/// Most warnings of registries that one command tells.
const WARNINGS: usize = 10;

/// Those that wait to be told, where they disturb no progress, and then those that were.
static KEPT: Mutex<(Vec<String>, usize)> = Mutex::new((Vec::new(), 0));

/// Keeps a warning of a registry, once however often it comes.
pub fn keep_warning(host: &str, text: &str) {
    let warning = format!("{host} says: {}", text.replace(['\n', '\t'], " "));
    let mut kept = KEPT.lock().expect("no thread panics with the lock");
    if kept.0.len() < WARNINGS && !kept.0.contains(&warning) {
        kept.0.push(warning);
    }
}

/// Tells the warnings of registries that were not told yet.
pub fn tell_warnings() {
    let mut kept = KEPT.lock().expect("no thread panics with the lock");
    kept.0[kept.1..].iter().for_each(|warning| warn(warning));
    kept.1 = kept.0.len();
}

/// Prints what somebody who looks for a fault wants to know.
pub fn debug(message: impl FnOnce() -> String) {
    if is_told(Level::Debug) {
        say(&format!("Debug: {}", message()));
    }
}

/// Whoever read our output has gone, as in `coracle ps | head -1`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<super::output::Unwritten>()
        .is_some_and(|error| error.0.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_kernel_have_no_numbers() {
        for (said, told) in [
            (
                "open x: No such file or directory (os error 2)",
                "open x: no such file or directory",
            ),
            (
                "no x (Permission denied (os error 13)): cure",
                "no x (permission denied): cure",
            ),
            ("Is a directory (os error 21)", "is a directory"),
            ("a: RPC failed (os error 9) b (os error ", "a: RPC failed b"),
            ("é (os error", "é (os error"),
        ] {
            assert_eq!(without_numbers(said), told);
        }
    }

    #[test]
    fn a_cause_is_said_once() {
        let error = |message: &'static str| anyhow::anyhow!("cause").context(message);
        assert_eq!(sentence(&error("it: cause")), "it: cause");
        assert_eq!(sentence(&error("it")), "it: cause");
    }
}
