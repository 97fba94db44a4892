//! What of a container's life goes on without its user, as its record has it.

use serde::{Deserialize, Serialize};

/// What happens when a container ends and nobody has ended it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    #[default]
    No,
    OnFailure {
        /// How often at most; 0 is as often as it fails.
        retries: u32,
    },
    Always,
    /// Like [`Always`](Self::Always), but one that was stopped stays so when the machine starts.
    UnlessStopped,
}

impl RestartPolicy {
    pub fn is_no(&self) -> bool {
        *self == Self::No
    }

    /// The word for it on command lines.
    pub fn word(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::OnFailure { .. } => "on-failure",
            Self::Always => "always",
            Self::UnlessStopped => "unless-stopped",
        }
    }

    /// The most restarts; 0 where there is no such limit.
    pub fn retries(self) -> u32 {
        match self {
            Self::OnFailure { retries } => retries,
            Self::No | Self::Always | Self::UnlessStopped => 0,
        }
    }

    /// Whether a container that has ended with `code`, after so many restarts, starts again.
    pub fn restarts(self, code: i32, restarts: u32) -> bool {
        match self {
            Self::No => false,
            Self::OnFailure { retries } => code != 0 && (retries == 0 || restarts < retries),
            Self::Always | Self::UnlessStopped => true,
        }
    }

    /// Whether a container is to be started when the machine starts; `stopped`: its user has ended it.
    pub fn starts_on_boot(self, stopped: bool) -> bool {
        match self {
            Self::Always => true,
            Self::UnlessStopped => !stopped,
            Self::No | Self::OnFailure { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_starts_again() {
        let on_failure = |retries| RestartPolicy::OnFailure { retries };
        for (policy, code, restarts, expected) in [
            (RestartPolicy::No, 1, 0, false),
            (RestartPolicy::Always, 0, 1000, true),
            (RestartPolicy::UnlessStopped, 0, 0, true),
            (on_failure(0), 0, 0, false),
            (on_failure(0), 1, 1000, true),
            (on_failure(2), 137, 1, true),
            (on_failure(2), 137, 2, false),
        ] {
            assert_eq!(
                policy.restarts(code, restarts),
                expected,
                "{policy:?} {code} {restarts}"
            );
        }
        for (policy, stopped, expected) in [
            (RestartPolicy::No, false, false),
            (on_failure(0), false, false),
            (RestartPolicy::Always, true, true),
            (RestartPolicy::UnlessStopped, false, true),
            (RestartPolicy::UnlessStopped, true, false),
        ] {
            assert_eq!(policy.starts_on_boot(stopped), expected, "{policy:?} {stopped}");
        }
    }

    #[test]
    fn records_of_policies() {
        for (policy, text) in [
            (RestartPolicy::UnlessStopped, "\"unless-stopped\""),
            (
                RestartPolicy::OnFailure { retries: 3 },
                "{\"on-failure\":{\"retries\":3}}",
            ),
        ] {
            assert_eq!(serde_json::to_string(&policy).unwrap(), text);
            assert_eq!(serde_json::from_str::<RestartPolicy>(text).unwrap(), policy);
        }
    }
}
