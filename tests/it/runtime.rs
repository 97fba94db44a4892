//! `runtime`: the program as an OCI runtime, called as containerd and conmon call one.

use std::fs;
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use serde_json::{Value, json};

use super::support::programs::ADOPTER;
use super::support::run::{Outcome, Running};
use super::support::{Invocation, Sandbox, requires};

/// A bundle with busybox in a sandbox of its own.
struct Bundle {
    sandbox: Sandbox,
    id: String,
    adopter: PathBuf,
    config: Value,
}

impl Bundle {
    /// A container that runs a script.
    fn new(name: &str, script: &str) -> Self {
        let sandbox = Sandbox::new();
        let adopter = sandbox.compile(ADOPTER);
        let busybox = fs::read("/bin/busybox").expect("busybox is installed (Debian: busybox-static)");
        let program = sandbox.file("bundle/rootfs/bin/busybox", busybox);
        fs::set_permissions(program, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("our own file");
        let bundle = Self {
            // Control groups are named after it, so no other test may have it.
            id: format!("{name}-{}", std::process::id()),
            adopter,
            config: Value::Null,
            sandbox,
        };
        bundle
            .call(["spec", "--bundle"])
            .arg(bundle.path(""))
            .run()
            .succeeds();
        let text = fs::read(bundle.path("config.json")).expect("just written");
        let mut config: Value = serde_json::from_slice(&text).expect("spec writes JSON");
        config["process"]["terminal"] = json!(false);
        config["process"]["args"] = json!(["/bin/busybox", "sh", "-c", script]);
        // Raising limits needs a right that machines for tests often lack.
        config["process"]["rlimits"] = json!([]);
        Self { config, ..bundle }
    }

    fn edit(mut self, edit: impl FnOnce(&mut Value)) -> Self {
        edit(&mut self.config);
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path("work/bundle").join(name)
    }

    fn root(&self) -> PathBuf {
        self.sandbox.path("run/state")
    }

    fn call<const N: usize>(&self, arguments: [&str; N]) -> Invocation {
        self.sandbox
            .program(self.sandbox.binary())
            .args(["runtime", "--root"])
            .arg(self.root())
            .args(arguments)
    }

    /// `create` under a process that adopts the container.
    fn create(&self, options: &[&str]) -> Invocation {
        fs::write(self.path("config.json"), self.config.to_string()).expect("our own file");
        self.sandbox
            .program(&self.adopter)
            .arg(self.sandbox.binary())
            .args(["runtime", "--root"])
            .arg(self.root())
            .args(["create", "--bundle"])
            .arg(self.path(""))
            .args(options)
            .arg(&self.id)
    }

    fn created(&self) -> Running {
        let running = self.create(&[]).start();
        running.expect("made\n");
        running
    }

    fn run<const N: usize>(&self, arguments: [&str; N]) -> Outcome {
        self.call(arguments).arg(&self.id).run()
    }

    fn status(&self) -> String {
        let state = self.run(["state"]).succeeds().json();
        state["status"].as_str().expect("a status").to_owned()
    }

    /// Nothing is left in the state directory.
    fn is_gone(&self) -> bool {
        fs::read_dir(self.root()).map_or(true, |mut entries| entries.next().is_none())
    }
}

#[test]
fn a_container_goes_through_its_life() {
    requires!("root");
    let bundle = Bundle::new("life", "echo hello; exit 7")
        .edit(|config| config["annotations"] = json!({ "org.example.key": "value" }));
    let pid_file = bundle.sandbox.path("tmp/pid");
    let running = bundle
        .create(&["--pid-file", pid_file.to_str().expect("UTF-8")])
        .start();
    running.expect("made\n");
    let state = bundle.run(["state"]).succeeds().json();
    let pid = fs::read_to_string(pid_file).expect("create has written it");
    assert_eq!(state["pid"].to_string(), pid);
    assert_eq!(state["id"], json!(bundle.id));
    assert_eq!(state["status"], json!("created"));
    assert_eq!(state["annotations"]["org.example.key"], json!("value"));
    assert_eq!(running.so_far(), "made\n", "the payload runs before start");

    bundle.create(&[]).run().exits(1).says("container with id exists");
    bundle.run(["delete"]).exits(1).says("not stopped");
    // What happens to the configuration now is of no effect.
    fs::write(bundle.path("config.json"), "{}").expect("our own file");
    bundle.run(["start"]).succeeds().prints("");
    running.wait().exits(7).prints("made\nhello\n");

    assert_eq!(bundle.status(), "stopped");
    bundle.run(["start"]).exits(1).says("stopped");
    bundle.run(["kill"]).exits(1).says("container not running");
    bundle.run(["delete"]).succeeds();
    assert!(bundle.is_gone());
    for command in ["state", "start", "kill", "delete"] {
        bundle.run([command]).exits(1).says("does not exist");
    }
    bundle.run(["delete", "--force"]).succeeds();
}

#[test]
fn signals_reach_the_payload() {
    requires!("root");
    let bundle = Bundle::new(
        "signals",
        "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done",
    );
    let running = bundle.created();
    bundle.run(["start"]).succeeds();
    running.expect("up\n");
    assert_eq!(bundle.status(), "running");
    bundle.run(["start"]).exits(1).says("already running");
    bundle
        .call(["kill", &bundle.id, "NOSUCH"])
        .run()
        .exits(1)
        .says("no such signal");
    bundle.call(["kill", &bundle.id, "TERM"]).run().succeeds();
    running.wait().exits(3);
    bundle.run(["delete"]).succeeds();
}

#[test]
fn force_deletes_what_lives() {
    requires!("root");
    for starts in [false, true] {
        let bundle = Bundle::new("force", "sleep 100");
        let running = bundle.created();
        if starts {
            bundle.run(["start"]).succeeds();
        }
        bundle.run(["delete", "--force"]).succeeds();
        running.wait().exits(137);
        assert!(bundle.is_gone());
    }
}

/// The record names a process that is not the container's: its pid was given out again.
#[test]
fn a_pid_given_out_again_is_left_alone() {
    requires!("root");
    let bundle = Bundle::new("again", "sleep 100");
    let running = bundle.created();
    bundle.run(["start"]).succeeds();
    let path = bundle.root().join(&bundle.id).join("state.json");
    let honest = fs::read(&path).expect("create has written it");
    let stranger = bundle.sandbox.program("sleep").arg("100").start();
    let mut record: Value = serde_json::from_slice(&honest).expect("it is JSON");
    record["pid"] = json!(stranger.pid());
    fs::write(&path, record.to_string()).expect("our own file");
    assert_eq!(bundle.status(), "stopped");
    let kill = bundle.call(["kill", &bundle.id, "KILL"]).run();
    kill.exits(1).says("container not running");
    let status = fs::read_to_string(format!("/proc/{}/stat", stranger.pid())).expect("it is our child");
    assert!(!status.contains(") Z"), "the stranger was killed: {status}");
    fs::write(&path, honest).expect("our own file");
    bundle.run(["delete", "--force"]).succeeds();
    running.wait().exits(137);
}

#[test]
fn a_failed_exec_is_told() {
    requires!("root");
    let missing = Bundle::new("missing", "").edit(|config| config["process"]["args"] = json!(["nosuch"]));
    missing
        .create(&[])
        .run()
        .exits(1)
        .says("executable file not found in $PATH");
    assert!(missing.is_gone());

    // There and executable, but no program: only the exec itself can tell.
    let bad = Bundle::new("bad", "").edit(|config| config["process"]["args"] = json!(["/bin/bad"]));
    let program = bad
        .sandbox
        .file("bundle/rootfs/bin/bad", "neither ELF nor script");
    fs::set_permissions(program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("our own file");
    let log = bad.sandbox.path("tmp/log");
    let running = bad.created();
    bad.sandbox
        .program(bad.sandbox.binary())
        .args(["runtime", "--log-format", "json", "--log"])
        .arg(&log)
        .arg("--root")
        .arg(bad.root())
        .args(["start", &bad.id])
        .run()
        .exits(1)
        .says("exec format error");
    let line: Value =
        serde_json::from_slice(&fs::read(log).expect("start has written it")).expect("one line");
    assert_eq!(line["level"], json!("error"));
    assert!(
        line["msg"]
            .as_str()
            .expect("a message")
            .contains("exec format error")
    );
    running.wait().exits(127);
    bad.run(["delete"]).succeeds();
}

#[test]
fn the_terminal_goes_to_the_socket() {
    requires!("root");
    let bundle = Bundle::new("terminal", "test -t 0 && test -t 1 && echo on a terminal")
        .edit(|config| config["process"]["terminal"] = json!(true));
    bundle.create(&[]).run().exits(1).says("--console-socket");
    let path = bundle.sandbox.path("tmp/console");
    let listener = UnixListener::bind(&path).expect("bind in our own directory");
    let running = bundle
        .create(&["--console-socket", path.to_str().expect("UTF-8")])
        .start();
    let (connection, _) = listener.accept().expect("create connects");
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut name = [0; 64];
    let mut buffers = [rustix::io::IoSliceMut::new(&mut name)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = recvmsg(&connection, &mut buffers, &mut control, flags).expect("a message");
    assert!(
        received.bytes > 0,
        "some callers take an empty message for the end"
    );
    let fds: Vec<OwnedFd> = control
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(fds) => Some(fds),
            _ => None,
        })
        .flatten()
        .collect();
    let [master] = <[OwnedFd; 1]>::try_from(fds).expect("one descriptor");
    running.expect("made\n");
    bundle.run(["start"]).succeeds();
    let mut shown = Vec::new();
    // Ends with EIO when the last user of the terminal has gone.
    let _ = fs::File::from(master).read_to_end(&mut shown);
    assert_eq!(String::from_utf8_lossy(&shown), "on a terminal\r\n");
    running.wait().exits(0);
    bundle.run(["delete"]).succeeds();
}

#[test]
fn hooks_are_told_the_state() {
    requires!("root");
    let hook = |name: &str| {
        let script = format!("{{ echo {name}; cat; echo; }} >> $OUT");
        json!([{ "path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin:/usr/bin", "OUT=@"] }])
    };
    let bundle = Bundle::new("hooks", "exit 0");
    let out = bundle.sandbox.path("tmp/hooks");
    let hooks = json!({
        "prestart": hook("prestart"), "createRuntime": hook("createRuntime"),
        "createContainer": hook("createContainer"), "poststart": hook("poststart"), "poststop": hook("poststop"),
    });
    let hooks = hooks
        .to_string()
        .replace("OUT=@", &format!("OUT={}", out.display()));
    let bundle = bundle.edit(|config| config["hooks"] = serde_json::from_str(&hooks).expect("still JSON"));
    let running = bundle.created();
    bundle.run(["start"]).succeeds();
    running.wait().exits(0);
    bundle.run(["delete"]).succeeds();
    let told = fs::read_to_string(out).expect("the hooks have written it");
    let lines: Vec<&str> = told.lines().filter(|line| !line.is_empty()).collect();
    let expected = [
        ("prestart", "creating"),
        ("createRuntime", "creating"),
        ("createContainer", "creating"),
        ("poststart", "running"),
        ("poststop", "stopped"),
    ];
    assert_eq!(lines.len(), 2 * expected.len(), "{told}");
    for (pair, (name, status)) in lines.chunks(2).zip(expected) {
        let state: Value = serde_json::from_str(pair[1]).expect("the state is JSON");
        assert_eq!(
            (pair[0], &state["status"], &state["id"]),
            (name, &json!(status), &json!(bundle.id))
        );
    }

    let failing = Bundle::new("failing", "echo never").edit(|config| {
        config["hooks"] = json!({ "createRuntime": [
            { "path": "/bin/sh", "args": ["sh", "-c", "echo because >&2; exit 3"], "timeout": 20 }
        ] });
    });
    failing.create(&[]).run().exits(1).says("because");
    assert!(failing.is_gone());
    let slow = Bundle::new("slow", "echo never").edit(|config| {
        config["hooks"] =
            json!({ "prestart": [{ "path": "/bin/sleep", "args": ["sleep", "100"], "timeout": 1 }] });
    });
    slow.create(&[])
        .limit(Duration::from_secs(30))
        .run()
        .exits(1)
        .says("timeout");
}

#[test]
fn isolation_is_what_the_bundle_asks_for() {
    requires!("root");
    let script = "id; hostname; cat /proc/self/uid_map; touch /x 2>&1; ls /proc/self/fd | wc -l; \
                  cat /proc/timer_list | wc -c; mknod /dev/sda b 8 0 2>&1; grep CapAmb /proc/self/status";
    let script = script.replace("id;", "busybox id;");
    let bundle = Bundle::new("isolation", &format!("alias busybox=/bin/busybox; {script}")).edit(|config| {
        config["hostname"] = json!("inside");
        config["process"]["user"] = json!({ "uid": 0, "gid": 0, "additionalGids": [5, 6] });
        config["process"]["capabilities"]["bounding"] = json!(["CAP_MKNOD"]);
        config["process"]["capabilities"]["permitted"] = json!(["CAP_MKNOD"]);
        config["process"]["capabilities"]["effective"] = json!(["CAP_MKNOD"]);
    });
    let running = bundle.created();
    bundle.run(["start"]).succeeds();
    let outcome = running.wait();
    let text = outcome.text();
    for part in [
        "groups=5,6",
        "inside",
        "touch: /x: Read-only file system",
        "mknod: /dev/sda: Operation not permitted",
        "CapAmb:\t0000000000000000",
    ] {
        assert!(text.contains(part), "{part:?} is missing in {outcome}");
    }
    bundle.run(["delete"]).succeeds();
}

#[test]
fn a_user_namespace_is_mapped() {
    requires!("root");
    let bundle = Bundle::new("mapped", "/bin/busybox id -u; cat /proc/self/uid_map").edit(|config| {
        let map = json!([{ "containerID": 0, "hostID": 100_000, "size": 10 }]);
        config["linux"]["uidMappings"] = map.clone();
        config["linux"]["gidMappings"] = map;
        let namespaces = config["linux"]["namespaces"].as_array_mut().expect("a list");
        namespaces.push(json!({ "type": "user" }));
    });
    // Whoever 100000 is must be able to get there, and can make nothing there.
    for name in ["proc", "dev", "sys"] {
        fs::create_dir(bundle.path("rootfs").join(name)).expect("our own directory");
    }
    for path in [&bundle.sandbox.path, &bundle.sandbox.path("work")] {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o711)).expect("our own");
    }
    let running = bundle.created();
    bundle.run(["start"]).succeeds();
    let outcome = running.wait().exits(0);
    let words: Vec<&str> = outcome.text().split_whitespace().collect();
    assert_eq!(words, ["made", "0", "0", "100000", "10"], "{outcome}");
    bundle.run(["delete"]).succeeds();
}

#[test]
fn descriptors_are_kept_when_asked_for_only() {
    requires!("root");
    let bundle = Bundle::new("descriptors", "cd /proc/self/fd; echo *; exit 0");
    bundle
        .create(&["--preserve-fds", "900"])
        .run()
        .exits(1)
        .says("is not open");
    let running = bundle.created();
    bundle.run(["start"]).succeeds();
    let outcome = running.wait().exits(0);
    // The shell has the directory open that it lists.
    assert_eq!(outcome.text(), "made\n0 1 2 3", "{outcome}");
    bundle.run(["delete"]).succeeds();
}

/// CVE-2019-18466, CVE-2024-3727: an id is no path.
#[test]
fn hostile_ids_are_refused() {
    requires!("root");
    let bundle = Bundle::new("ids", "exit 0");
    fs::write(bundle.path("config.json"), bundle.config.to_string()).expect("our own file");
    let long = "x".repeat(5_000);
    for id in ["", ".", "..", "../x", "a/b", "a\nb", "a\u{1b}b", "a b", &long] {
        bundle
            .call(["create", "--bundle"])
            .arg(bundle.path(""))
            .arg(id)
            .run()
            .exits(1)
            .says("invalid id");
        for command in ["state", "start", "kill", "delete"] {
            bundle.call([command, id]).run().exits(1).says("invalid id");
        }
    }
    assert!(bundle.is_gone());
}

#[test]
fn bundles_that_lie_are_refused() {
    requires!("root");
    let bundle = Bundle::new("lies", "exit 0");
    type Edit = fn(&mut Value);
    let cases: [(Edit, &str); 9] = [
        (|config| config["ociVersion"] = json!("nonsense"), "ociVersion"),
        (|config| config["root"]["path"] = json!("/"), "root of the host"),
        (
            |config| config["root"]["path"] = json!("config.json"),
            "not a directory",
        ),
        (
            |config| config["root"]["path"] = json!("nosuch"),
            "root file system",
        ),
        (
            |config| config["hooks"] = json!({ "prestart": [{ "path": "bin/x" }] }),
            "not absolute",
        ),
        (
            |config| config["process"]["apparmorProfile"] = json!("x"),
            "apparmorProfile",
        ),
        (
            |config| config["linux"]["namespaces"] = json!([]),
            "mount namespace",
        ),
        (
            |config| config["linux"]["sysctl"] = json!({ "kernel.core_pattern": "|/x" }),
            "kernel.core_pattern",
        ),
        (
            |config| {
                let mount = json!({ "destination": "/x", "type": "tmpfs", "source": "tmpfs" });
                config["mounts"] = Value::Array(vec![mount; 100_000]);
            },
            "65535",
        ),
    ];
    let original = bundle.config.clone();
    let mut bundle = bundle;
    for (edit, part) in cases {
        edit(&mut bundle.config);
        bundle.create(&[]).run().exits(1).says(part);
        bundle.config = original.clone();
        assert!(bundle.is_gone(), "{part}");
    }
    let raw = |text: &[u8], part: &str| {
        fs::write(bundle.path("config.json"), text).expect("our own file");
        let outcome = bundle
            .call(["create", "--bundle"])
            .arg(bundle.path(""))
            .arg(&bundle.id)
            .run();
        outcome.exits(1).says(part);
    };
    raw(b"{", "EOF");
    raw(&vec![b' '; 50 << 20], "longer than");
    raw("[".repeat(10_000).as_bytes(), "config.json");
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    raw(deep.as_bytes(), "ociVersion");
    fs::remove_file(bundle.path("config.json")).expect("our own file");
    bundle
        .call(["create", "--bundle"])
        .arg(bundle.path(""))
        .arg(&bundle.id)
        .run()
        .exits(1)
        .says("config.json: no such file");
    assert!(bundle.is_gone());
}

#[test]
fn features_and_version() {
    let sandbox = Sandbox::new();
    let link = sandbox.path("coracle-runtime");
    std::os::unix::fs::symlink(sandbox.binary(), &link).expect("link in our own directory");
    let features = sandbox.program(&link).arg("features").run().succeeds().json();
    assert_eq!(features["ociVersionMin"], json!("1.0.0"));
    let options = features["mountOptions"].as_array().expect("a list");
    assert!(options.contains(&json!("rro")) && options.contains(&json!("rbind")));
    let version = sandbox.program(&link).arg("--version").run().succeeds();
    assert!(
        version.text().starts_with("coracle-runtime version "),
        "{version}"
    );
}
