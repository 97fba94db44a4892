//! Limits of containers: what is changed in a record, and what is written to the control group for it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rustix::fs::{FileType, major, minor, stat};

use super::{EngineError, Result};
use crate::runtime::setting::{CPU_PERIOD, Keeping, Setting, cpu_weight, io_weight};
use crate::store::container::Config;
use crate::store::resources::{DeviceLimits, Resources};

/// How many processes a container has at most that nobody has said anything about, as with Podman.
const PIDS: u64 = 2048;

/// What is to change; within, `None` is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub memory: Option<Option<u64>>,
    pub memory_swap: Option<Option<i64>>,
    pub memory_reservation: Option<Option<u64>>,
    pub nano_cpus: Option<Option<u64>>,
    pub cpu_shares: Option<Option<u64>>,
    pub cpu_period: Option<Option<u64>>,
    pub cpu_quota: Option<Option<u64>>,
    pub cpuset_cpus: Option<Option<String>>,
    pub cpuset_mems: Option<Option<String>>,
    pub pids: Option<Option<u64>>,
    pub block_weight: Option<Option<u16>>,
    /// 0 is no limit.
    pub devices: BTreeMap<String, DeviceLimits>,
    pub files: BTreeMap<String, String>,
}

impl Changes {
    /// Writes them into a record. The error says why they do not go together, in Podman's words.
    pub fn apply(&self, resources: &mut Resources) -> std::result::Result<(), String> {
        fn take<T: Clone>(change: &Option<T>, field: &mut T) {
            if let Some(value) = change {
                field.clone_from(value);
            }
        }
        take(&self.memory, &mut resources.memory);
        if resources.memory.is_none() && self.memory.is_some() {
            resources.memory_swap = None;
        }
        take(&self.memory_swap, &mut resources.memory_swap);
        take(&self.memory_reservation, &mut resources.memory_reservation);
        take(&self.cpu_shares, &mut resources.cpu_shares);
        self.apply_quota(resources);
        take(&self.cpuset_cpus, &mut resources.cpuset_cpus);
        take(&self.cpuset_mems, &mut resources.cpuset_mems);
        if let Some(pids) = self.pids {
            resources.pids = Some(pids.unwrap_or(0));
        }
        take(&self.block_weight, &mut resources.block_weight);
        for (path, limits) in &self.devices {
            let found = resources.devices.entry(path.clone()).or_default();
            for (change, field) in [
                (limits.weight, &mut found.weight),
                (limits.read_bytes, &mut found.read_bytes),
                (limits.write_bytes, &mut found.write_bytes),
                (limits.read_operations, &mut found.read_operations),
                (limits.write_operations, &mut found.write_operations),
            ] {
                if let Some(value) = change {
                    *field = Some(value).filter(|value| *value > 0);
                }
            }
        }
        resources
            .devices
            .retain(|_, limits| *limits != DeviceLimits::default());
        resources.files.extend(self.files.clone());
        check_swap(resources)
    }

    /// Processors, and a quota with its period, are two words for one limit: the later one counts.
    fn apply_quota(&self, resources: &mut Resources) {
        if let Some(nano_cpus) = self.nano_cpus {
            resources.nano_cpus = nano_cpus;
            (resources.cpu_period, resources.cpu_quota) = (None, None);
        }
        if self.cpu_period.is_some() || self.cpu_quota.is_some() {
            if let Some(nano_cpus) = resources.nano_cpus.take() {
                resources.cpu_quota = Some(quota(nano_cpus));
            }
            resources.cpu_period = self.cpu_period.unwrap_or(resources.cpu_period);
            resources.cpu_quota = self.cpu_quota.unwrap_or(resources.cpu_quota);
        }
    }
}

fn check_swap(resources: &Resources) -> std::result::Result<(), String> {
    let swap = resources.memory_swap.and_then(|swap| u64::try_from(swap).ok());
    let why = match (resources.memory, swap) {
        (None, Some(_)) => "you should always set a memory limit when using a memoryswap limit, see usage",
        (Some(memory), Some(both)) if both < memory => {
            "minimum memoryswap limit should be larger than memory limit, see usage"
        }
        _ => return Ok(()),
    };
    Err(why.to_owned())
}

/// What is written to the control group: what a container was promised.
pub fn settings(resources: &Resources) -> Result<Vec<Setting>> {
    let mut settings = Vec::new();
    if let Some(memory) = resources.memory {
        settings.push(Setting::new("memory.max", memory));
        // Memory and swap together in the record, swap alone in the kernel. As much swap as memory is Docker's rule.
        let (swap, keeping) = match resources.memory_swap {
            None => (memory.to_string(), Keeping::IfThere),
            Some(both) => match u64::try_from(both) {
                Ok(both) => (both.saturating_sub(memory).to_string(), Keeping::Exactly),
                Err(_) => ("max".into(), Keeping::IfThere),
            },
        };
        settings.push(Setting::new("memory.swap.max", swap).keeping(keeping));
    }
    let mut add = |file: &str, value: Option<String>| {
        settings.extend(value.map(|value| Setting::new(file, value)));
    };
    let number = |value: Option<u64>| value.map(|value| value.to_string());
    add("memory.low", number(resources.memory_reservation));
    add("cpu.max", cpu_max(resources));
    add("cpu.weight", number(resources.cpu_shares.map(cpu_weight)));
    add("cpuset.cpus", resources.cpuset_cpus.clone());
    add("cpuset.mems", resources.cpuset_mems.clone());
    add("pids.max", number(resources.pids.filter(|count| *count > 0)));
    if let Some(weight) = resources.block_weight {
        settings.push(block_weight("default", weight.into()));
    }
    for (path, limits) in &resources.devices {
        add_device(path, limits, &mut settings)?;
    }
    for (file, value) in &resources.files {
        settings.retain(|setting| setting.file != *file);
        settings.push(Setting::new(file, value).keeping(Keeping::Unread));
    }
    Ok(settings)
}

/// Refuses what cannot be kept whatever the machine has.
pub fn check(config: &Config) -> Result<()> {
    if config.no_group && config.resources.is_limited() {
        let why = "a container without a control group (--cgroups=disabled) cannot have limits";
        return Err(EngineError::Refused(why.into()));
    }
    settings(&config.resources).map(drop)
}

/// What is set beside it where that can be.
pub fn wished(resources: &Resources) -> Vec<Setting> {
    let is_said = resources.pids.is_some() || resources.files.contains_key("pids.max");
    match is_said {
        true => Vec::new(),
        false => vec![Setting::new("pids.max", PIDS)],
    }
}

/// What is to be written to a group in use when the record of its container changes: what was asked for, even if the
/// record has it, and what was set and is no more.
pub fn differences(changes: &Changes, old: &Resources, new: &Resources) -> Result<Vec<Setting>> {
    let all = |resources: &Resources| -> Result<Vec<Setting>> {
        let mut all = settings(resources)?;
        all.extend(wished(resources));
        Ok(all)
    };
    let mut old = old.clone();
    // Nothing is to be undone for a device that is not there any more.
    old.devices.retain(|path, _| device_number(path).is_ok());
    let (before, mut after) = (all(&old)?, all(new)?);
    let mut asked = Resources::default();
    // Half of a pair is enough to know what it is about.
    let _ = changes.apply(&mut asked);
    let asked = settings(&asked)?;
    let has =
        |list: &[Setting], wanted: &Setting| list.iter().any(|setting| setting.target() == wanted.target());
    let gone = before.iter().filter(|setting| !has(&after, setting));
    let resets: Vec<Setting> = gone.map(Setting::reset).collect();
    after.retain(|setting| has(&asked, setting) || !before.contains(setting));
    after.extend(resets);
    Ok(after)
}

fn cpu_max(resources: &Resources) -> Option<String> {
    if let Some(nano_cpus) = resources.nano_cpus {
        return Some(format!("{} {CPU_PERIOD}", quota(nano_cpus)));
    }
    if resources.cpu_quota.is_none() && resources.cpu_period.is_none() {
        return None;
    }
    let quota = resources
        .cpu_quota
        .map_or("max".into(), |quota| quota.to_string());
    Some(format!("{quota} {}", resources.cpu_period.unwrap_or(CPU_PERIOD)))
}

/// Microseconds of each usual period.
fn quota(nano_cpus: u64) -> u64 {
    let quota = u128::from(nano_cpus) * u128::from(CPU_PERIOD) / 1_000_000_000;
    u64::try_from(quota).unwrap_or(u64::MAX)
}

/// BFQ's weight where the kernel has it, else that of its other scheduler.
fn block_weight(key: &str, weight: u64) -> Setting {
    Setting::new("io.bfq.weight", format!("{key} {weight}")).keeping(Keeping::OrIn {
        file: "io.weight",
        value: format!("{key} {}", io_weight(weight)),
    })
}

fn add_device(path: &str, limits: &DeviceLimits, settings: &mut Vec<Setting>) -> Result<()> {
    let number = device_number(path)?;
    if let Some(weight) = limits.weight {
        settings.push(block_weight(&number, weight));
    }
    let rates = [
        ("rbps", limits.read_bytes),
        ("wbps", limits.write_bytes),
        ("riops", limits.read_operations),
        ("wiops", limits.write_operations),
    ];
    if rates.iter().any(|(_, rate)| rate.is_some()) {
        let mut line = number;
        for (name, rate) in rates {
            let rate = rate.map_or("max".into(), |rate| rate.to_string());
            let _ = write!(line, " {name}={rate}");
        }
        settings.push(Setting::new("io.max", line));
    }
    Ok(())
}

/// `MAJOR:MINOR` of a block device, which can be another one after each boot.
fn device_number(path: &str) -> Result<String> {
    let refused = |why: String| EngineError::Refused(why);
    let status = stat(path).map_err(|errno| {
        let error = std::io::Error::from(errno);
        refused(format!("could not parse device {path}: {error}"))
    })?;
    match FileType::from_raw_mode(status.st_mode) {
        FileType::BlockDevice => Ok(format!("{}:{}", major(status.st_rdev), minor(status.st_rdev))),
        _ => Err(refused(format!("{path}: not a block device"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(json: &str) -> Resources {
        serde_json::from_str(json).unwrap()
    }

    fn text(settings: &[Setting]) -> String {
        let words = settings
            .iter()
            .map(|setting| format!("{}={}", setting.file, setting.value));
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_written() {
        for (json, expected) in [
            ("{}", ""),
            (
                r#"{"memory":67108864}"#,
                "memory.max=67108864 memory.swap.max=67108864",
            ),
            (
                r#"{"memory":100,"memory_swap":300}"#,
                "memory.max=100 memory.swap.max=200",
            ),
            (
                r#"{"memory":100,"memory_swap":100}"#,
                "memory.max=100 memory.swap.max=0",
            ),
            (
                r#"{"memory":100,"memory_swap":-1}"#,
                "memory.max=100 memory.swap.max=max",
            ),
            (r#"{"memory_swap":-1}"#, ""),
            (r#"{"memory_reservation":5}"#, "memory.low=5"),
            (r#"{"nano_cpus":500000000}"#, "cpu.max=50000 100000"),
            (r#"{"cpu_quota":5000}"#, "cpu.max=5000 100000"),
            (r#"{"cpu_period":20000}"#, "cpu.max=max 20000"),
            (r#"{"cpu_quota":5000,"cpu_period":20000}"#, "cpu.max=5000 20000"),
            (r#"{"cpu_shares":512}"#, "cpu.weight=20"),
            (
                r#"{"cpuset_cpus":"0-1","cpuset_mems":"0"}"#,
                "cpuset.cpus=0-1 cpuset.mems=0",
            ),
            (r#"{"pids":7}"#, "pids.max=7"),
            (r#"{"pids":0}"#, ""),
            (r#"{"block_weight":321}"#, "io.bfq.weight=default 321"),
            (
                r#"{"pids":7,"files":{"memory.high":"1G","pids.max":"9"}}"#,
                "memory.high=1G pids.max=9",
            ),
        ] {
            assert_eq!(text(&settings(&resources(json)).unwrap()), expected, "{json}");
        }
    }

    #[test]
    fn lines_of_devices() {
        let limits = DeviceLimits {
            weight: Some(98),
            read_bytes: Some(10 << 20),
            write_operations: Some(4000),
            ..DeviceLimits::default()
        };
        for path in ["/dev/zero", "/dev/no-such-device"] {
            let error = add_device(path, &limits, &mut Vec::new())
                .unwrap_err()
                .to_string();
            let expected = match path {
                "/dev/zero" => "/dev/zero: not a block device",
                _ => "could not parse device /dev/no-such-device: No such file or directory",
            };
            assert!(error.starts_with(expected), "{error}");
        }
        let weight = block_weight("8:0", 98);
        assert_eq!(text(std::slice::from_ref(&weight)), "io.bfq.weight=8:0 98");
        let other = Keeping::OrIn {
            file: "io.weight",
            value: "8:0 889".into(),
        };
        assert_eq!(weight.keeping, other);
    }

    #[test]
    fn nobody_who_asked_for_no_limit_of_processes_gets_one() {
        for (json, required, others) in [
            ("{}", "", "pids.max=2048"),
            (r#"{"pids":0}"#, "", ""),
            (r#"{"pids":7}"#, "pids.max=7", ""),
            (r#"{"files":{"pids.max":"9"}}"#, "pids.max=9", ""),
        ] {
            let resources = resources(json);
            assert_eq!(text(&settings(&resources).unwrap()), required, "{json}");
            assert_eq!(text(&wished(&resources)), others, "{json}");
        }
    }

    #[test]
    fn what_is_changed() {
        let memory = |bytes| Changes {
            memory: Some(bytes),
            ..Changes::default()
        };
        let swap = |bytes| Changes {
            memory_swap: Some(bytes),
            ..Changes::default()
        };
        let cpus = |count| Changes {
            nano_cpus: Some(count),
            ..Changes::default()
        };
        let period = |count| Changes {
            cpu_period: Some(count),
            ..Changes::default()
        };
        let pids = |count| Changes {
            pids: Some(count),
            ..Changes::default()
        };
        let cases: Vec<(&str, Changes, std::result::Result<&str, &str>)> = vec![
            ("{}", memory(Some(9)), Ok("memory.max=9 memory.swap.max=9")),
            // As it is in the record, which the group need not have any more.
            (
                r#"{"memory":9}"#,
                memory(Some(9)),
                Ok("memory.max=9 memory.swap.max=9"),
            ),
            (
                r#"{"memory":9,"nano_cpus":5}"#,
                memory(None),
                Ok("memory.max=max memory.swap.max=max"),
            ),
            (
                r#"{"memory":9,"memory_swap":20}"#,
                memory(Some(15)),
                Ok("memory.max=15 memory.swap.max=5"),
            ),
            (
                r#"{"memory":9,"memory_swap":20}"#,
                memory(Some(25)),
                Err("should be larger"),
            ),
            (
                r#"{"memory":9,"memory_swap":20}"#,
                memory(None),
                Ok("memory.max=max memory.swap.max=max"),
            ),
            (r#"{"memory":9}"#, swap(Some(-1)), Ok("memory.swap.max=max")),
            (
                r#"{"memory":9,"memory_swap":20}"#,
                swap(None),
                Ok("memory.swap.max=9"),
            ),
            ("{}", swap(Some(5)), Err("always set a memory limit")),
            (r#"{"nano_cpus":500000000}"#, cpus(None), Ok("cpu.max=max 100000")),
            (
                r#"{"nano_cpus":500000000}"#,
                period(Some(20000)),
                Ok("cpu.max=50000 20000"),
            ),
            (
                r#"{"cpu_quota":5000,"cpu_period":20000}"#,
                cpus(Some(500_000_000)),
                Ok("cpu.max=50000 100000"),
            ),
            (
                r#"{"cpu_quota":5000,"cpu_period":20000}"#,
                period(None),
                Ok("cpu.max=5000 100000"),
            ),
            ("{}", pids(Some(7)), Ok("pids.max=7")),
            ("{}", pids(None), Ok("pids.max=max")),
            (r#"{"pids":0}"#, pids(None), Ok("")),
        ];
        for (json, changes, expected) in cases {
            let old = resources(json);
            let mut new = old.clone();
            match (changes.apply(&mut new), expected) {
                (Ok(()), Ok(expected)) => {
                    let found = differences(&changes, &old, &new).unwrap();
                    assert_eq!(text(&found), expected, "{json} {changes:?}");
                }
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
                (result, _) => panic!("{json} {changes:?}: {result:?}"),
            }
        }
    }

    #[test]
    fn devices_are_changed_one_by_one() {
        let device =
            |json: &str| BTreeMap::from([("/dev/a".to_owned(), serde_json::from_str(json).unwrap())]);
        let mut resources = Resources::default();
        for (changes, expected) in [
            (r#"{"weight":98}"#, Some(r#"{"weight":98}"#)),
            (
                r#"{"read_bytes":5,"write_operations":6}"#,
                Some(r#"{"weight":98,"read_bytes":5,"write_operations":6}"#),
            ),
            (
                r#"{"weight":0,"read_bytes":7}"#,
                Some(r#"{"read_bytes":7,"write_operations":6}"#),
            ),
            (r#"{"read_bytes":0,"write_operations":0}"#, None),
        ] {
            let changes = Changes {
                devices: device(changes),
                ..Changes::default()
            };
            changes.apply(&mut resources).unwrap();
            assert_eq!(resources.devices, expected.map(device).unwrap_or_default());
        }
    }
}
