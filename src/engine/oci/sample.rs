//! `spec`: an example of config.json, a shell in a container of its own.

use serde_json::{Value, json};

use crate::engine::spec::{MASKED, READ_ONLY};

/// The example; `rootless` names the user and group who become superuser in it.
pub fn sample(rootless: Option<(u32, u32)>) -> Value {
    let capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
    let mut config = json!({
        "ociVersion": super::VERSION,
        "process": {
            "terminal": true,
            "user": { "uid": 0, "gid": 0 },
            "args": ["sh"],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
            "cwd": "/",
            "capabilities": {
                "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
            },
            "rlimits": [{ "type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024 }],
            "noNewPrivileges": true,
        },
        "root": { "path": "rootfs", "readonly": true },
        "hostname": "coracle",
        "mounts": mounts(rootless.is_some()),
        "linux": {
            "namespaces": [
                { "type": "pid" }, { "type": "network" }, { "type": "ipc" }, { "type": "uts" },
                { "type": "mount" }, { "type": "cgroup" },
            ],
            "maskedPaths": MASKED,
            "readonlyPaths": READ_ONLY,
        },
    });
    let linux = &mut config["linux"];
    if let Some((uid, gid)) = rootless {
        linux["uidMappings"] = json!([{ "containerID": 0, "hostID": uid, "size": 1 }]);
        linux["gidMappings"] = json!([{ "containerID": 0, "hostID": gid, "size": 1 }]);
        if let Some(namespaces) = linux["namespaces"].as_array_mut() {
            namespaces.push(json!({ "type": "user" }));
        }
    } else {
        linux["resources"] = json!({ "devices": [{ "allow": false, "access": "rwm" }] });
    }
    config
}

fn mounts(rootless: bool) -> Value {
    let mut terminals = vec!["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"];
    if !rootless {
        terminals.push("gid=5");
    }
    let plain = ["nosuid", "noexec", "nodev"];
    json!([
        { "destination": "/proc", "type": "proc", "source": "proc" },
        {
            "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
            "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
        },
        { "destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": terminals },
        {
            "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
            "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
        },
        { "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": plain },
        {
            "destination": "/sys", "type": "sysfs", "source": "sysfs",
            "options": ["nosuid", "noexec", "nodev", "ro"],
        },
        {
            "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
            "options": ["nosuid", "noexec", "nodev", "relatime", "ro"],
        },
    ])
}
