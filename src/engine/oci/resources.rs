//! Limits of a bundle as files of its control group, version 2 (runtime-spec, config-linux.md, "Control groups").

use std::path::{Component, Path, PathBuf};

use oci_spec::runtime::LinuxResources;

use super::{Result, refuse};
use crate::runtime::setting::{Setting, controller, cpu_weight};

/// The group's path in the hierarchy. One of systemd's kind, `slice:prefix:name`, becomes a path of the same names.
pub fn path(listed: Option<&Path>, id: &str) -> Result<PathBuf> {
    let Some(listed) = listed.filter(|path| !path.as_os_str().is_empty()) else {
        return Ok(format!("coracle-{id}").into());
    };
    let parts: Option<Vec<&str>> = listed.to_str().map(|text| text.split(':').collect());
    let path = match parts.as_deref() {
        Some([slice, prefix, name]) => Path::new(slice).join(format!("{prefix}-{name}.scope")),
        _ => listed.to_path_buf(),
    };
    let relative: PathBuf = path
        .components()
        .filter(|part| !matches!(part, Component::RootDir | Component::CurDir))
        .collect();
    let is_plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    if !is_plain || relative.as_os_str().is_empty() {
        return refuse(format!(
            "config.json: linux.cgroupsPath {} is not a path below the root",
            listed.display()
        ));
    }
    Ok(relative)
}

/// What is written where.
pub fn settings(resources: &LinuxResources) -> Result<Vec<Setting>> {
    refuse_unknown(resources)?;
    let mut settings = Settings::default();
    if let Some(memory) = resources.memory() {
        let limit = memory.limit().filter(|limit| *limit > 0);
        settings.add("memory.max", limit);
        settings.add("memory.low", memory.reservation().filter(|low| *low > 0));
        // Swap and memory together in the configuration, swap alone in the kernel.
        if let (Some(limit), Some(both)) = (limit, memory.swap().filter(|swap| *swap > 0)) {
            if both < limit {
                return refuse("config.json: memory.swap is less than memory.limit");
            }
            settings.add("memory.swap.max", Some(both - limit));
        }
    }
    settings.add(
        "pids.max",
        resources
            .pids()
            .as_ref()
            .map(|pids| pids.limit())
            .filter(|limit| *limit > 0),
    );
    if let Some(cpu) = resources.cpu() {
        let period = cpu.period().filter(|period| *period > 0).unwrap_or(100_000);
        let quota = cpu.quota().filter(|quota| *quota > 0);
        settings.add("cpu.max", quota.map(|quota| format!("{quota} {period}")));
        settings.add("cpu.max.burst", cpu.burst().filter(|burst| *burst > 0));
        settings.add("cpu.idle", cpu.idle().filter(|idle| *idle != 0));
        settings.add(
            "cpu.weight",
            cpu.shares().filter(|shares| *shares != 0).map(cpu_weight),
        );
        let list = |list: &Option<String>| list.clone().filter(|list| !list.is_empty());
        settings.add("cpuset.cpus", list(cpu.cpus()));
        settings.add("cpuset.mems", list(cpu.mems()));
    }
    for (file, value) in resources.unified().iter().flatten() {
        if controller(file).is_none() {
            return refuse(format!(
                "config.json: linux.resources.unified {file:?} is not a file of a controller"
            ));
        }
        settings.add(file, Some(value));
    }
    Ok(settings.0)
}

#[derive(Default)]
struct Settings(Vec<Setting>);

impl Settings {
    fn add(&mut self, file: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.0.push(Setting::new(file, value));
        }
    }
}

fn refuse_unknown(resources: &LinuxResources) -> Result<()> {
    let memory = resources.memory().as_ref();
    let cpu = resources.cpu().as_ref();
    let block = resources.block_io().as_ref();
    let network = resources.network().as_ref();
    let refused = [
        (
            "memory.swappiness",
            memory.is_some_and(|memory| memory.swappiness().is_some()),
        ),
        (
            "memory.disableOOMKiller",
            memory.is_some_and(|memory| memory.disable_oom_killer().unwrap_or(false)),
        ),
        (
            "cpu.realtimeRuntime",
            cpu.is_some_and(|cpu| cpu.realtime_runtime().is_some_and(|time| time > 0)),
        ),
        (
            "blockIO",
            block.is_some_and(|block| {
                let has = |devices: &Option<Vec<_>>| devices.as_ref().is_some_and(|list| !list.is_empty());
                block.weight().is_some_and(|weight| weight != 0)
                    || block
                        .weight_device()
                        .as_ref()
                        .is_some_and(|list| !list.is_empty())
                    || has(block.throttle_read_bps_device())
                    || has(block.throttle_write_bps_device())
                    || has(block.throttle_read_iops_device())
                    || has(block.throttle_write_iops_device())
            }),
        ),
        (
            "hugepageLimits",
            resources
                .hugepage_limits()
                .as_ref()
                .is_some_and(|limits| !limits.is_empty()),
        ),
        (
            "network",
            network.is_some_and(|network| {
                network.class_id().is_some_and(|class| class != 0)
                    || network.priorities().as_ref().is_some_and(|list| !list.is_empty())
            }),
        ),
        (
            "rdma",
            resources.rdma().as_ref().is_some_and(|limits| !limits.is_empty()),
        ),
    ];
    match refused.iter().find(|(_, is_there)| *is_there) {
        Some((name, _)) => refuse(format!(
            "config.json: linux.resources.{name} is not supported yet"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: &str) -> Result<Vec<(String, String)>> {
        let settings = settings(&serde_json::from_str(json).unwrap())?;
        Ok(settings
            .into_iter()
            .map(|setting| (setting.file, setting.value))
            .collect())
    }

    #[test]
    fn limits_become_files() {
        let found = written(
            r#"{"memory":{"limit":1000,"swap":1500},"pids":{"limit":7},
                "cpu":{"quota":50000,"period":100000,"shares":1024,"cpus":"0-1"},
                "unified":{"memory.high":"900"},"blockIO":{"weight":0}}"#,
        );
        let expected = [
            ("memory.max", "1000"),
            ("memory.swap.max", "500"),
            ("pids.max", "7"),
            ("cpu.max", "50000 100000"),
            ("cpu.weight", "39"),
            ("cpuset.cpus", "0-1"),
            ("memory.high", "900"),
        ]
        .map(|(file, value)| (file.to_owned(), value.to_owned()));
        assert_eq!(found.unwrap(), expected);
        let unlimited =
            r#"{"memory":{"limit":-1,"swap":-1},"pids":{"limit":-1},"cpu":{"shares":0,"quota":-1}}"#;
        assert!(written(unlimited).unwrap().is_empty());
        for json in [
            r#"{"unified":{"../x":"1"}}"#,
            r#"{"unified":{"cgroup.procs":"1"}}"#,
            r#"{"memory":{"swappiness":0}}"#,
            r#"{"memory":{"limit":10,"swap":5}}"#,
            r#"{"hugepageLimits":[{"pageSize":"2MB","limit":1}]}"#,
        ] {
            assert!(written(json).is_err(), "{json}");
        }
    }

    #[test]
    fn paths_stay_in_the_hierarchy() {
        let found = |text: &str| path(Some(Path::new(text)), "x").ok();
        assert_eq!(path(None, "x").unwrap(), Path::new("coracle-x"));
        assert_eq!(found("/a/b").unwrap(), Path::new("a/b"));
        assert_eq!(
            found("user.slice:libpod:1").unwrap(),
            Path::new("user.slice/libpod-1.scope")
        );
        for text in ["/", "..", "/a/../../b", "..:b:c"] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
