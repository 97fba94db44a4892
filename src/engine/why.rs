//! Why a container ended, or did not start: what the records and the events say, put into a cause and a sentence.

use serde::Serialize;

use super::state::Condition;
use super::stop::ends;
use crate::base::id;
use crate::base::units::binary_size;
use crate::store::container::{Config, Container, Sender, Sent, State};

/// What a monitor notes as the cause when the time limit is over, and when the caller is gone.
pub const TIME_OVER: &str = "its time was over";
pub const CALLER_GONE: &str = "its caller ended";
/// How the causes begin that a health check gives.
const HEALTH: &str = "its health check failed";
const STARTUP: &str = "its startup check failed";

/// What is known of the end of a container.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    pub id: String,
    pub name: String,
    pub status: &'static str,
    pub cause: Cause,
    /// A sentence for people.
    pub explanation: String,
    pub exit_code: i32,
    /// The signal that has ended it, as far as its exit code tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    #[serde(rename = "oomKilled")]
    pub oom_killed: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    pub restarts: u32,
}

/// What ended a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It has not ended.
    None,
    NeverStarted,
    StartFailed,
    /// Its command ended by itself.
    Exited,
    Signal,
    /// Somebody ended it with a command of ours.
    User,
    OutOfMemory,
    Health,
    Timeout,
    CallerGone,
    MonitorGone,
    MachineRestarted,
}

/// Judges the records of a container.
pub fn judge(container: &Container, state: &State, condition: Condition) -> Why {
    let code = state.exit_code;
    let signal = (condition == Condition::Exited && (129..=192).contains(&code)).then(|| code - 128);
    let (cause, explanation) = cause(container, state, condition, signal);
    Why {
        id: container.id.clone(),
        name: container.name.clone(),
        status: condition.word(),
        cause,
        explanation,
        exit_code: code,
        signal,
        oom_killed: state.oom_killed,
        error: state.error.clone(),
        started_at: state.started.clone(),
        finished_at: state.finished.clone(),
        restarts: state.restarts,
    }
}

fn cause(container: &Container, state: &State, condition: Condition, signal: Option<i32>) -> (Cause, String) {
    let config = &container.config;
    let code = state.exit_code;
    match condition {
        Condition::Created if state.error.is_empty() => {
            let short = id::short(&container.id);
            return (
                Cause::NeverStarted,
                format!("it was never started: `coracle start {short}` does"),
            );
        }
        Condition::Created => {
            return (
                Cause::StartFailed,
                format!("it could not be started: {}", state.error),
            );
        }
        Condition::Elsewhere => return (Cause::None, "it was started on another machine".into()),
        Condition::Exited | Condition::Lost => {}
        _ => {
            return (
                Cause::None,
                format!("it has not ended: it is {}", condition.word()),
            );
        }
    }
    if state.oom_killed && code != 0 {
        let limit = match config.resources.memory {
            Some(bytes) => format!("its limit of {} (--memory)", binary_size(bytes)),
            None => "what the machine or a group above it had left".into(),
        };
        return (
            Cause::OutOfMemory,
            format!("the kernel killed a process of it that wanted more memory than {limit}"),
        );
    }
    let error = state.error.as_str();
    match error {
        "" => {}
        TIME_OVER => {
            let seconds = config.timeout.unwrap_or(0);
            return (
                Cause::Timeout,
                format!("it ran for longer than {seconds} seconds (--timeout)"),
            );
        }
        CALLER_GONE => {
            return (
                Cause::CallerGone,
                "the command that had started it was gone (--guard)".into(),
            );
        }
        _ if error.starts_with(HEALTH) || error.starts_with(STARTUP) => {
            let action = "what to do then says --health-on-failure";
            return (
                Cause::Health,
                format!("{error}: `coracle inspect` shows its results, and {action}"),
            );
        }
        "the machine was restarted" => return (Cause::MachineRestarted, error.into()),
        _ if error.contains("monitor was killed") || error == "its start was interrupted" => {
            return (
                Cause::MonitorGone,
                format!("{error}, by the kernel when memory ran out, or by somebody"),
            );
        }
        _ => return (Cause::StartFailed, format!("it could not be started: {error}")),
    }
    by_signal(config, code, signal, state.sent)
}

/// What ended a container of which nothing else is known: a signal that was sent, or itself.
fn by_signal(config: &Config, code: i32, signal: Option<i32>, sent: Option<Sent>) -> (Cause, String) {
    let by = |sent: Sent| match sent.by {
        Sender::Kill => format!("`coracle kill` sent it signal {}", sent.signal),
        Sender::Stop => format!("`coracle stop`, `restart` or `rm` sent it signal {}", sent.signal),
        Sender::Caller => format!(
            "the command in its foreground passed signal {} on to it",
            sent.signal
        ),
        Sender::Monitor => {
            let who = "whoever ended its monitor, such as a service manager";
            format!("{who}, had signal {} sent to it", sent.signal)
        }
    };
    match (signal, sent) {
        (Some(number), Some(sent)) if sent.signal == number => (Cause::User, by(sent)),
        (None, Some(sent)) if ends(config, sent.signal) => (
            Cause::User,
            format!("it ended with exit code {code} after {}", by(sent)),
        ),
        (Some(number), sent) => {
            let last = sent.map(|sent| format!("; before that {}", by(sent)));
            let text = format!(
                "signal {number} ended it, which no command of coracle's had sent: it came from the kernel, from \
                 another program, or from itself{}",
                last.unwrap_or_default()
            );
            (Cause::Signal, text)
        }
        // One that did not mean its end.
        (None, _) => (Cause::Exited, exit(code)),
    }
}

/// What an exit code of a command's own says.
fn exit(code: i32) -> String {
    let hint = match code {
        0 => ", which means success",
        126 => ": a shell ends so when a program cannot be executed",
        127 => ": a shell ends so when there is no such program",
        _ => "",
    };
    format!("its command ended by itself with exit code {code}{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::container::Status;

    fn container() -> Container {
        serde_json::from_str(
            r#"{"version": 1, "id": "0123456789abcdef", "name": "one", "created": "",
                "root": {"directory": {"path": "/", "overlay": false}},
                "config": {"timeout": 3, "resources": {"memory": 33554432}}}"#,
        )
        .unwrap()
    }

    #[test]
    fn causes() {
        let sent = |by, signal| Some(Sent { by, signal });
        for (code, is_oom, error, sent, cause, part) in [
            (
                0,
                false,
                "",
                None,
                Cause::Exited,
                "exit code 0, which means success",
            ),
            (3, false, "", None, Cause::Exited, "by itself with exit code 3"),
            (127, false, "", None, Cause::Exited, "no such program"),
            (137, true, "", None, Cause::OutOfMemory, "32MiB"),
            (137, false, "", None, Cause::Signal, "signal 9"),
            (
                137,
                false,
                "",
                sent(Sender::Kill, 9),
                Cause::User,
                "`coracle kill` sent it signal 9",
            ),
            (
                0,
                false,
                "",
                sent(Sender::Stop, 15),
                Cause::User,
                "after `coracle stop`",
            ),
            (
                130,
                false,
                "",
                sent(Sender::Caller, 2),
                Cause::User,
                "foreground passed",
            ),
            (
                143,
                false,
                "",
                sent(Sender::Monitor, 15),
                Cause::User,
                "service manager",
            ),
            (
                137,
                false,
                "",
                sent(Sender::Kill, 1),
                Cause::Signal,
                "before that `coracle kill` sent it signal 1",
            ),
            (3, false, "", sent(Sender::Kill, 1), Cause::Exited, "by itself"),
            (129, false, "", sent(Sender::Kill, 1), Cause::User, "signal 1"),
            (-1, false, TIME_OVER, None, Cause::Timeout, "3 seconds"),
            (143, false, CALLER_GONE, None, Cause::CallerGone, "--guard"),
            (
                137,
                false,
                "its health check failed",
                None,
                Cause::Health,
                "--health-on-failure",
            ),
            (
                137,
                false,
                "its monitor was killed",
                None,
                Cause::MonitorGone,
                "monitor",
            ),
            (
                137,
                false,
                "the machine was restarted",
                None,
                Cause::MachineRestarted,
                "machine",
            ),
            (
                127,
                false,
                "x: not found",
                None,
                Cause::StartFailed,
                "x: not found",
            ),
        ] {
            let state = State {
                status: Status::Exited,
                exit_code: code,
                oom_killed: is_oom,
                error: error.into(),
                sent,
                ..State::created()
            };
            let why = judge(&container(), &state, Condition::Exited);
            assert_eq!(why.cause, cause, "{code} {error}: {}", why.explanation);
            assert!(
                why.explanation.contains(part),
                "{code} {error}: {}",
                why.explanation
            );
        }
        let why = judge(&container(), &State::created(), Condition::Created);
        assert_eq!(why.cause, Cause::NeverStarted);
        let why = judge(&container(), &State::created(), Condition::Running);
        assert_eq!((why.cause, why.signal), (Cause::None, None));
    }
}
