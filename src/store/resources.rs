//! What a container may use of the machine: limits of its control group, as they stand in its record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Limits of a control group; `None`, and what is empty, sets none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Bytes.
    pub memory: Option<u64>,
    /// Bytes of memory and swap together, -1 for as much swap as there is; `None` is twice the memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_swap: Option<i64>,
    /// Bytes that are taken from it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_reservation: Option<u64>,
    /// Billionths of a processor.
    pub nano_cpus: Option<u64>,
    /// By the measure of version 1, where 1024 is usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_shares: Option<u64>,
    /// Microseconds; both instead of `nano_cpus`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_period: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_quota: Option<u64>,
    /// Lists such as `0-2,4`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpuset_cpus: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpuset_mems: Option<String>,
    /// 0: no limit, for whoever asked for that; `None` is the default one.
    pub pids: Option<u64>,
    /// By the measure of version 1: 10 to 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_weight: Option<u16>,
    /// By the paths of the devices.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub devices: BTreeMap<String, DeviceLimits>,
    /// Files of the group and what is written to them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

/// Limits of one block device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceLimits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u64>,
    /// In a second: bytes, and operations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_operations: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_operations: Option<u64>,
}

impl Resources {
    /// Whether somebody asked for a limit.
    pub fn is_limited(&self) -> bool {
        let unlimited = Self {
            pids: self.pids,
            ..Self::default()
        };
        self.pids.is_some_and(|count| count > 0) || *self != unlimited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_asked_for_limits() {
        for (json, expected) in [
            ("{}", false),
            (r#"{"pids":0}"#, false),
            (r#"{"pids":7}"#, true),
            (r#"{"memory":1}"#, true),
            (r#"{"files":{"memory.high":"1"}}"#, true),
            (r#"{"devices":{"/dev/a":{"weight":10}}}"#, true),
        ] {
            let resources: Resources = serde_json::from_str(json).unwrap();
            assert_eq!(resources.is_limited(), expected, "{json}");
        }
    }

    #[test]
    fn a_record_says_only_what_was_asked_for() {
        let text = serde_json::to_string(&Resources::default()).unwrap();
        assert_eq!(text, r#"{"memory":null,"nano_cpus":null,"pids":null}"#);
    }
}
