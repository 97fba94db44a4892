//! The document of `inspect` for a container.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::containers::{Listed, network};
use super::{log, resources};
use crate::base::bytes::ByteString;
use crate::base::time::NEVER;
use crate::cli::values::signal;
use crate::engine::oci;
use crate::store::container::{
    Config, Container, Mount, MountSource, Network, Root, Seccomp, Sharing, State, Ulimit,
};
use crate::store::health::{Health, Outcome};

/// The directory below a volume that containers see.
const DATA: &str = "_data";

/// What `inspect` needs to know beside the records.
pub struct Inspected<'a> {
    pub listed: Listed<'a>,
    /// The root of the store and the container's directory in it.
    pub store: &'a Path,
    pub directory: &'a Path,
    /// Names of the capabilities that the container's processes may have.
    pub capabilities: Vec<String>,
}

/// Everything about a container. Names and id of the image are written as Docker writes them, the rest of names as
/// Podman does, without a slash.
pub fn document(inspected: &Inspected<'_>) -> Value {
    let Inspected {
        listed,
        store,
        directory,
        capabilities,
    } = inspected;
    let Listed {
        container,
        state,
        sizes,
        ..
    } = listed;
    let config = &container.config;
    let words: Vec<_> = listed.command();
    // Made at the start, in the container's own memory.
    let own_file = |path: &str| match listed.has_processes() {
        true => format!("/proc/{}/root{path}", state.pid),
        false => String::new(),
    };
    let log_path = log::path(&config.log, directory);
    let mut document = json!({
        "Id": container.id,
        "Created": container.created,
        "Path": words.first().cloned().unwrap_or_default(),
        "Args": words.get(1..).unwrap_or_default(),
        "State": state_of(listed),
        "Image": match &container.root {
            Root::Image { id, .. } => format!("sha256:{id}"),
            Root::Directory { .. } => String::new(),
        },
        "ImageDigest": match &container.root {
            Root::Image { digest, .. } => digest.clone().unwrap_or_default(),
            Root::Directory { .. } => String::new(),
        },
        "ImageName": listed.image(),
        "Rootfs": match &container.root {
            Root::Directory { path, .. } => lossy(path),
            Root::Image { .. } => String::new(),
        },
        "Pod": "",
        "ResolvConfPath": own_file("/etc/resolv.conf"),
        "HostnamePath": own_file("/etc/hostname"),
        "HostsPath": own_file("/etc/hosts"),
        "LogPath": log_path,
        "OCIConfigPath": "",
        "StaticDir": directory.to_string_lossy(),
        "OCIRuntime": "coracle",
        "ConmonPidFile": "",
        "PidFile": config.pidfile.as_ref().map(lossy).unwrap_or_default(),
        "Name": container.name,
        "RestartCount": state.restarts,
        "Driver": "overlay",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "EffectiveCaps": capabilities,
        "BoundingCaps": capabilities,
        "ExecIDs": [],
        "GraphDriver": graph_driver(container, state, store, directory),
        "Mounts": config.mounts.iter().map(|mount| mount_of(mount, store)).collect::<Vec<_>>(),
        "Dependencies": config.requires,
        "NetworkSettings": network_settings(config, state, listed.has_processes()),
        "Namespace": "",
        "IsInfra": false,
        "IsService": false,
        "Config": config_of(listed),
        "HostConfig": host_config(config, &log_path),
    });
    if let (Some((own, all)), Some(object)) = (sizes, document.as_object_mut()) {
        object.insert("SizeRw".into(), (*own).into());
        object.insert("SizeRootFs".into(), (*all).into());
    }
    document
}

fn lossy(text: &ByteString) -> String {
    text.lossy().into_owned()
}

fn state_of(listed: &Listed<'_>) -> Value {
    let state = listed.state;
    // As Docker: a paused container runs, and so does one that is about to run again.
    let is_running = listed.is_running();
    let has_processes = listed.has_processes();
    let is_restarting = listed.word == "restarting";
    let health = health_of(listed);
    json!({
        "OciVersion": oci::VERSION,
        "Status": listed.word,
        "Running": is_running || is_restarting,
        "Paused": listed.word == "paused",
        "Restarting": is_restarting,
        "OOMKilled": state.oom_killed,
        "Dead": false,
        "Pid": if has_processes { state.pid } else { 0 },
        "ConmonPid": if has_processes { parent_of(state.pid) } else { 0 },
        "StoppedByUser": state.stopped,
        "ExitCode": state.exit_code,
        "Error": state.error,
        "StartedAt": state.started.as_deref().unwrap_or(NEVER),
        "FinishedAt": state.finished.as_deref().unwrap_or(NEVER),
        "CgroupPath": state.cgroup.clone().unwrap_or_default(),
        "Health": health,
        "Healthcheck": health,
    })
}

/// The parent of a container's first process, which is its monitor (proc_pid_stat(5), the field behind the state).
fn parent_of(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    fields
        .split(' ')
        .nth(1)
        .and_then(|parent| parent.parse().ok())
        .unwrap_or(0)
}

/// Of a container without checks a status that is empty, as Podman has it.
fn health_of(listed: &Listed<'_>) -> Value {
    let Some(report) = listed.health else {
        return json!({"Status": "", "FailingStreak": 0, "Log": null});
    };
    let result = |outcome: &Outcome| {
        json!({
            "Start": outcome.start,
            "End": outcome.end,
            "ExitCode": outcome.exit_code,
            "Output": outcome.output,
        })
    };
    json!({
        "Status": report.condition.word(),
        "FailingStreak": report.streak,
        "Log": report.log.iter().map(result).collect::<Vec<_>>(),
    })
}

/// The checks as images have them, and what Podman has beside them.
fn checks_of(health: &Health) -> Value {
    json!({
        "Test": health.test,
        "Interval": health.interval,
        "Timeout": health.timeout,
        "StartPeriod": health.start_period,
        "StartInterval": health.start_interval,
        "Retries": health.retries,
    })
}

fn startup_of(health: &Health) -> Option<Value> {
    let startup = health.startup.as_ref()?;
    Some(json!({
        "Test": startup.test,
        "Interval": startup.interval,
        "Timeout": startup.timeout,
        "Retries": startup.retries,
        "Successes": startup.successes,
    }))
}

/// Where the files are: lowers by their paths on the host, uppermost first.
fn graph_driver(container: &Container, state: &State, store: &Path, directory: &Path) -> Value {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut data = Map::new();
    let lowers = match &container.root {
        Root::Image { lowers, .. } => lowers
            .iter()
            .map(|lower| text(&store.join(lower)))
            .collect::<Vec<_>>()
            .join(":"),
        Root::Directory { path, .. } => lossy(path),
    };
    if !matches!(container.root, Root::Directory { overlay: false, .. }) {
        data.insert("LowerDir".into(), lowers.into());
        data.insert("UpperDir".into(), text(&directory.join("upper")).into());
        data.insert("WorkDir".into(), text(&directory.join("work")).into());
    }
    if state.pid > 0 {
        // It is mounted in the container's own mount namespace alone.
        data.insert("MergedDir".into(), format!("/proc/{}/root", state.pid).into());
    }
    json!({"Name": "overlay", "Data": data})
}

fn mount_of(mount: &Mount, store: &Path) -> Value {
    let propagation = mount.options.iter().find(|option| {
        option.ends_with("private") || option.ends_with("shared") || option.ends_with("slave")
    });
    let options: Vec<&String> = mount
        .options
        .iter()
        .filter(|option| Some(*option) != propagation)
        .collect();
    let mut document = json!({
        "Type": "bind",
        "Name": "",
        "Source": "",
        "Destination": lossy(&mount.target),
        "Driver": "",
        "Mode": "",
        "Options": options,
        "RW": !mount.read_only,
        "Propagation": propagation.map_or("rprivate", String::as_str),
    });
    match &mount.source {
        MountSource::Bind { path, .. } => document["Source"] = lossy(path).into(),
        MountSource::Volume { name, .. } => {
            let source = store.join("volumes").join(name).join(DATA);
            document["Type"] = "volume".into();
            document["Name"] = name.as_str().into();
            document["Source"] = source.to_string_lossy().into();
            document["Driver"] = "local".into();
        }
        MountSource::Tmpfs => {
            document["Type"] = "tmpfs".into();
            document["Propagation"] = "".into();
        }
    }
    document
}

fn network_settings(config: &Config, state: &State, has_processes: bool) -> Value {
    let endpoint = json!({
        "IPAMConfig": null, "Links": null, "Aliases": null, "NetworkID": "", "EndpointID": "", "Gateway": "",
        "IPAddress": "", "IPPrefixLen": 0, "IPv6Gateway": "", "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0,
        "MacAddress": "", "DriverOpts": null,
    });
    let key = if has_processes {
        format!("/proc/{}/ns/net", state.pid)
    } else {
        String::new()
    };
    let ports: Map<String, Value> = config
        .exposed_ports
        .iter()
        .map(|port| (port.clone(), Value::Null))
        .collect();
    json!({
        "EndpointID": "", "Gateway": "", "IPAddress": "", "IPPrefixLen": 0, "IPv6Gateway": "",
        "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "MacAddress": "", "Bridge": "", "SandboxID": "",
        "HairpinMode": false, "LinkLocalIPv6Address": "", "LinkLocalIPv6PrefixLen": 0,
        "Ports": ports,
        "SandboxKey": key,
        "Networks": {network(config.network): endpoint},
    })
}

fn config_of(listed: &Listed<'_>) -> Value {
    let container = listed.container;
    let config = &container.config;
    let words = |list: &[ByteString]| list.iter().map(lossy).collect::<Vec<_>>();
    let keys = |list: Vec<String>| {
        list.into_iter()
            .map(|key| (key, json!({})))
            .collect::<Map<_, _>>()
    };
    let volumes = config
        .mounts
        .iter()
        .filter(|mount| matches!(mount.source, MountSource::Volume { .. }))
        .map(|mount| lossy(&mount.target))
        .collect();
    json!({
        "Hostname": config.hostname,
        "Domainname": config.domainname,
        "User": config.user,
        "AttachStdin": config.interactive,
        "AttachStdout": true,
        "AttachStderr": true,
        "ExposedPorts": keys(config.exposed_ports.clone()),
        "Tty": config.terminal,
        "OpenStdin": config.interactive,
        "StdinOnce": false,
        "Env": words(&config.env),
        "Cmd": words(&config.command),
        "Healthcheck": config.health.as_deref().map(checks_of),
        "StartupHealthCheck": config.health.as_deref().and_then(startup_of),
        "HealthcheckOnFailureAction": config.health.as_ref().map_or("none", |health| health.on_failure.word()),
        "HealthLogDestination": config.health.as_ref().map_or("local", |health| health.destination.word()),
        "HealthMaxLogCount": config.health.as_ref().map_or(0, |health| health.log_count),
        "HealthMaxLogSize": config.health.as_ref().map_or(0, |health| health.log_size),
        "Image": listed.image(),
        "Volumes": keys(volumes),
        "WorkingDir": lossy(&config.working_directory),
        "Entrypoint": words(&config.entrypoint),
        "OnBuild": null,
        "Labels": config.labels,
        "Annotations": config.annotations,
        "StopSignal": signal::name(config.stop_signal),
        "StopTimeout": config.stop_timeout,
        "CreateCommand": words(&container.create_command),
        "Umask": format!("{:04o}", config.umask.unwrap_or(0o022)),
    })
}

fn host_config(config: &Config, log_path: &str) -> Value {
    let mode = |sharing| {
        if sharing == Sharing::Host {
            "host"
        } else {
            "private"
        }
    };
    let tmpfs: Map<String, Value> = config
        .mounts
        .iter()
        .filter(|mount| matches!(mount.source, MountSource::Tmpfs))
        .map(|mount| (lossy(&mount.target), mount.options.join(",").into()))
        .collect();
    let mut document = json!({
        "Binds": binds(config),
        "ContainerIDFile": config.cidfile.as_ref().map(lossy).unwrap_or_default(),
        "LogConfig": log::configuration(&config.log, log_path),
        "NetworkMode": if config.network == Network::Host { "host" } else { "none" },
        "RestartPolicy": {"Name": config.restart.word(), "MaximumRetryCount": config.restart.retries()},
        "AutoRemove": config.remove,
        "Annotations": config.annotations,
        "CapAdd": config.cap_add,
        "CapDrop": config.cap_drop,
        "Cgroups": if config.no_group { "disabled" } else { "default" },
        "CgroupnsMode": mode(config.cgroup),
        "CgroupMode": mode(config.cgroup),
        "Dns": config.dns,
        "DnsOptions": config.dns_options,
        "DnsSearch": config.dns_search,
        "ExtraHosts": config.extra_hosts,
        "GroupAdd": config.groups,
        "IpcMode": mode(config.ipc),
        "OomScoreAdj": config.oom_score_adj.unwrap_or(0),
        "PidMode": mode(config.pid),
        "Privileged": config.privileged,
        "ReadonlyRootfs": config.read_only,
        "SecurityOpt": security_options(config),
        "Tmpfs": tmpfs,
        "UTSMode": mode(config.uts),
        "ShmSize": config.shm_size,
        "Runtime": "coracle",
        "Init": config.init,
        "Ulimits": config.ulimits.iter().map(ulimit).collect::<Vec<_>>(),
        "Sysctls": config.sysctls,
    });
    merge(&mut document, resources::fields(&config.resources));
    merge(&mut document, unset());
    document
}

/// Adds the fields of one object to another.
fn merge(document: &mut Value, more: Value) {
    if let (Some(fields), Value::Object(more)) = (document.as_object_mut(), more) {
        fields.extend(more);
    }
}

/// Settings of Docker that containers cannot have yet, as they read when they are not set.
fn unset() -> Value {
    json!({
        "UsernsMode": "",
        "PublishAllPorts": false,
        "Links": null,
        "Cgroup": "",
        "VolumesFrom": null,
        "VolumeDriver": "",
        "PortBindings": {},
        "CgroupParent": "",
        "Devices": [],
        "OomKillDisable": false,
    })
}

/// Binds and volumes as `-v` takes them.
fn binds(config: &Config) -> Vec<String> {
    let source = |mount: &Mount| match &mount.source {
        MountSource::Bind { path, .. } => Some(lossy(path)),
        MountSource::Volume { name, .. } => Some(name.clone()),
        MountSource::Tmpfs => None,
    };
    let bind = |mount: &Mount| {
        let mut options = vec![if mount.read_only { "ro" } else { "rw" }.to_owned()];
        options.extend(mount.options.iter().cloned());
        Some(format!(
            "{}:{}:{}",
            source(mount)?,
            mount.target.lossy(),
            options.join(",")
        ))
    };
    config.mounts.iter().filter_map(bind).collect()
}

fn security_options(config: &Config) -> Vec<String> {
    let mut options = Vec::new();
    if config.no_new_privileges {
        options.push("no-new-privileges".to_owned());
    }
    match &config.seccomp {
        Seccomp::Default => {}
        Seccomp::Unconfined => options.push("seccomp=unconfined".into()),
        Seccomp::Profile(text) => options.push(format!("seccomp={text}")),
    }
    if !config.mask.is_empty() {
        options.push(format!("mask={}", config.mask.join(":")));
    }
    if !config.unmask.is_empty() {
        options.push(format!("unmask={}", config.unmask.join(":")));
    }
    options
}

fn ulimit(limit: &Ulimit) -> Value {
    let value = |value: Option<u64>| value.map_or(json!(-1), |value| json!(value));
    json!({"Name": format!("RLIMIT_{}", limit.name.to_uppercase()), "Soft": value(limit.soft), "Hard": value(limit.hard)})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::format::documents;
    use crate::cli::view::containers::tests::{container, exited};
    use crate::store::health::Report;

    #[test]
    fn paths_that_scripts_use() {
        let (container, state) = (container(), exited());
        let report: Report = serde_json::from_value(json!({"condition": "unhealthy", "streak": 3, "log": [
            {"start": "2026-11-22T08:00:01Z", "end": "2026-11-22T08:00:02Z", "exit_code": 1, "output": "no"},
        ]}))
        .unwrap();
        let listed = Listed {
            container: &container,
            state: &state,
            word: "exited",
            sizes: Some((1, 2)),
            health: Some(&report),
        };
        let document = document(&Inspected {
            listed,
            store: Path::new("/store"),
            directory: Path::new("/store/containers/0123"),
            capabilities: vec!["CAP_CHOWN".into()],
        });
        for (template, expected) in [
            ("{{.Id}}", container.id.as_str()),
            (
                "{{.Name}} {{.Path}} {{.Args}}",
                "web sh [-c while true; do sleep 1; done]",
            ),
            (
                "{{.State.Status}} {{.State.Running}} {{.State.ExitCode}} {{.State.Pid}}",
                "exited false 3 0",
            ),
            (
                "{{.State.StartedAt}} {{.State.FinishedAt}}",
                "2026-11-22T08:00:01Z 2026-11-22T09:00:00Z",
            ),
            (
                "{{.State.Health.Status}}|{{.State.Healthcheck.FailingStreak}}|{{range .State.Health.Log}}{{.ExitCode}}{{.Output}}{{end}}",
                "unhealthy|3|1no",
            ),
            (
                "{{.Image}}",
                "sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210",
            ),
            (
                "{{.ImageName}} {{.ImageDigest}}",
                "docker.io/library/busybox:latest sha256:abc",
            ),
            (
                "{{range .Mounts}}{{.Type}}:{{.Source}}:{{.Destination}}:{{.RW}} {{end}}",
                "bind:/a/long/path/of/the/host:/b:false volume:/store/volumes/data/_data:/data:true tmpfs::/t:true ",
            ),
            (
                "{{.Config.Hostname}} {{.Config.Env}} {{.Config.Cmd}} {{.Config.Entrypoint}}",
                "box [A=b] [while true; do sleep 1; done] [sh -c]",
            ),
            (
                "{{index .Config.Labels \"a.b\"}} {{.Config.StopSignal}} {{.Config.ExposedPorts}}",
                "2 SIGTERM map[80/tcp:{}]",
            ),
            (
                "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.NetworkMode}}",
                "67108864 500000000 none",
            ),
            (
                "{{.HostConfig.Binds}}",
                "[/a/long/path/of/the/host:/b:ro data:/data:rw]",
            ),
            (
                "{{.HostConfig.Tmpfs}} {{json .HostConfig.Ulimits}}",
                "map[/t:size=1048576,noexec] [{\"Name\":\"RLIMIT_NOFILE\",\"Soft\":1,\"Hard\":-1}]",
            ),
            (
                "{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.LogConfig.Type}}",
                "no json-file",
            ),
            (
                "{{.NetworkSettings.IPAddress}}|{{range $k, $v := .NetworkSettings.Networks}}{{$k}}{{end}}",
                "|none",
            ),
            (
                "{{.GraphDriver.Name}} {{.GraphDriver.Data.LowerDir}} {{.GraphDriver.Data.UpperDir}}",
                "overlay /store/layers/b/tree:/store/layers/a/tree /store/containers/0123/upper",
            ),
            (
                "{{.LogPath}} {{.SizeRw}} {{.SizeRootFs}} {{.BoundingCaps}}",
                "/store/containers/0123/log 1 2 [CAP_CHOWN]",
            ),
        ] {
            let result = documents("inspect", Some(template), std::slice::from_ref(&document));
            assert_eq!(result.unwrap(), format!("{expected}\n"), "{template}");
        }
    }
}
