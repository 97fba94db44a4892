//! Rights, namespaces and kernel interfaces that a container gets, and those that it must not.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{IMAGE, compiled, load, load_with};
use crate::support::programs::{PROBE, SEGMENT};
use crate::support::requires::{is_root, requires};
use crate::support::run::{Outcome, contains};
use crate::support::{Canary, Entry, Sandbox};

/// The value of a line that the probe has printed.
#[track_caller]
fn value<'a>(outcome: &'a Outcome, key: &str) -> &'a str {
    let found = outcome
        .text()
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {key} in {outcome}"))
}

const NONE: &str = "0000000000000000";

/// CVE-2022-29162, CVE-2022-27649, CVE-2022-27650, CVE-2022-27651, CVE-2022-24769: nothing is inheritable or ambient.
/// CVE-2018-10856: another user than the superuser has no capabilities.
#[test]
fn cve_2022_29162_no_capability_is_inherited() {
    let sandbox = Sandbox::new();
    load_with(&sandbox, &[PROBE]);
    let start = ["run", "-d", "--name", "one", IMAGE, "sleep", "1000"];
    sandbox.coracle(start).run().succeeds();
    for (words, is_superuser) in [
        (&["run", "--rm", IMAGE][..], true),
        (&["run", "--rm", "--user", "1", IMAGE], false),
        (&["run", "--rm", "--user", "1000:1000", IMAGE], false),
        (
            &[
                "run",
                "--rm",
                "--user",
                "1",
                "--cap-add",
                "NET_RAW",
                "--init",
                IMAGE,
            ],
            false,
        ),
        (&["run", "--rm", "--privileged", IMAGE], true),
        (&["run", "--rm", "--privileged", "--user", "1", IMAGE], false),
        (&["exec", "one"], true),
        (&["exec", "--privileged", "one"], true),
        (&["exec", "--user", "1", "one"], false),
        (&["exec", "--privileged", "--user", "1", "one"], false),
    ] {
        let outcome = sandbox.coracle(words).arg("probe").run().succeeds();
        for set in ["status.CapInh", "status.CapAmb"] {
            assert_eq!(value(&outcome, set), NONE, "{set}: {outcome}");
        }
        for set in ["status.CapPrm", "status.CapEff"] {
            assert_eq!(value(&outcome, set) == NONE, !is_superuser, "{set}: {outcome}");
        }
    }
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

/// A set-uid program gains nothing under no_new_privs, and no process looks into another user's memory.
#[test]
fn set_uid_programs_gain_nothing_when_told_so() {
    let sandbox = Sandbox::new();
    let probe = Entry {
        name: b"bin/raised".to_vec(),
        ..compiled(&sandbox, PROBE).mode(0o4755)
    };
    load(&sandbox, &[probe], json!({}));
    let ids = |options: &[&str]| {
        let words = ["run", "--rm", "--user", "1000"];
        let outcome = sandbox
            .coracle(words)
            .args(options)
            .args([IMAGE, "raised"])
            .run()
            .succeeds();
        let uids: Vec<u32> = value(&outcome, "status.Uid")
            .split_whitespace()
            .map(|id| id.parse().unwrap())
            .collect();
        (uids[1], value(&outcome, "status.CapEff") == NONE)
    };
    // Without the option it works, so that the test can fail.
    assert_eq!(ids(&[]), (0, false));
    for option in ["no-new-privileges", "no-new-privileges:true"] {
        assert_eq!(ids(&["--security-opt", option]), (1000, true));
    }
    let start = ["run", "-d", "--name", "one", IMAGE, "sleep", "1000"];
    sandbox.coracle(start).run().succeeds();
    for file in ["mem", "environ", "exe", "root/etc/passwd", "fd/0", "cwd/etc"] {
        let script = format!("head -c 1 /proc/1/{file}");
        let words = ["exec", "--user", "1", "one", "sh", "-c", &script];
        sandbox.coracle(words).run().exits(1).says("Permission denied");
    }
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

/// Masks cannot be taken off with the rights that a container has, nor from within a namespace that it makes.
#[test]
fn masks_cannot_be_taken_off() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    // What is laid over a place comes last: that alone may work in a nested namespace.
    let peel = "for p in /proc/kcore /proc/keys /proc/sys /sys/firmware; do [ -e $p ] || continue; \
                umount $p && echo off $p; umount -l $p && echo off $p; \
                [ -d $p ] && mount -o remount,rw,bind $p && echo rw $p; \
                mv $p /moved && echo moved $p; mount --bind /etc $p && echo over $p; mount -t tmpfs x $p && echo over $p; \
                done; mkdir -p /tmp/p; mount -t proc p /tmp/p && echo new; true";
    let words = ["run", "--rm", IMAGE, "sh", "-c", peel];
    sandbox.coracle(words).run().succeeds().prints("");
    // The superuser of a nested namespace gets the mounts locked, and no new /proc while parts of the old one are covered.
    let nested = format!("unshare -Urmpf sh -c '{peel}'");
    let allowed = ["--security-opt", "seccomp=unconfined", "--cap-add", "SYS_ADMIN"];
    let words = ["run", "--rm", allowed[0], allowed[1], IMAGE, "sh", "-c", &nested];
    let outcome = sandbox.coracle(words).run();
    let text = String::from_utf8_lossy(&outcome.stdout);
    for line in text.lines() {
        // It may cover what it sees itself: that hides more, not less.
        assert!(line.starts_with("over "), "{outcome}");
    }
    // Rights of one container are no other's.
    sandbox
        .coracle([
            "run",
            "-d",
            "--name",
            "strong",
            "--privileged",
            IMAGE,
            "sleep",
            "1000",
        ])
        .run()
        .succeeds();
    let words = ["run", "--rm", IMAGE, "sh", "-c", peel];
    sandbox.coracle(words).run().succeeds().prints("");
    sandbox.coracle(["rm", "-f", "strong"]).run().succeeds();
}

/// CVE-2022-0492: no hierarchy of version 1 can be mounted, so that there is no release agent to set.
/// CVE-2023-25809: nothing of the host's control groups can be written, whoever's namespace it is.
#[test]
fn cve_2022_0492_control_groups_cannot_be_mounted_or_written() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let script = "mkdir /m; mount -t cgroup -o rdma c /m && echo one; mount -t cgroup2 c /m && echo two; \
                  unshare -Urm mount -t cgroup -o rdma c /m && echo three; unshare -UrmC true && echo four; \
                  find / -xdev -name release_agent | grep . && echo five; \
                  for d in $(find /sys/fs/cgroup -type d | head -n 20); do mkdir $d/x && echo six; \
                  (echo 1 >$d/cgroup.procs) && echo seven; (echo 1 >$d/notify_on_release) && echo eight; done; \
                  mount -o remount,rw /sys/fs/cgroup && echo nine; true";
    for namespace in ["private", "host"] {
        let option = format!("--cgroupns={namespace}");
        let words = ["run", "--rm", &option, IMAGE, "sh", "-c", script];
        sandbox.coracle(words).run().succeeds().prints("");
    }
}

/// CVE-2019-16884, CVE-2019-19921, CVE-2025-52881: nothing is mounted over or below /proc, whatever asks for it.
#[test]
fn cve_2025_52881_nothing_lies_over_proc() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox.file("host/x", "");
    let host = sandbox.path("work/host");
    let bind = |target: &str| format!("{}:{target}", host.display());
    for target in [
        "/proc",
        "/proc/self",
        "/proc/self/attr",
        "/proc/sys",
        "/proc/sys/kernel",
        "/proc/1/../sys",
    ] {
        for words in [
            ["-v".to_owned(), format!("vol:{target}")],
            ["-v".to_owned(), bind(target)],
            ["--mount".to_owned(), format!("type=volume,target={target}")],
            ["--tmpfs".to_owned(), target.to_owned()],
            ["--mount".to_owned(), format!("type=tmpfs,target={target}")],
        ] {
            let outcome = sandbox
                .coracle(["run", "--rm", "--sysctl", "net.ipv4.ip_forward=1"])
                .args(words)
                .args([IMAGE, "true"])
                .run();
            assert_eq!(outcome.code, Some(125), "{outcome}");
        }
    }
    for volume in ["/proc", "/proc/self", "/proc/sys"] {
        load(&sandbox, &[], json!({ "Volumes": { volume: {} } }));
        for how in ["anonymous", "tmpfs"] {
            let how = format!("--image-volume={how}");
            let outcome = sandbox.coracle(["run", "--rm", &how, IMAGE, "true"]).run();
            assert_eq!(outcome.code, Some(125), "{outcome}");
        }
    }
    // The value of a sysctl arrives in the container's own namespace.
    load(&sandbox, &[], json!({}));
    let before = std::fs::read("/proc/sys/net/ipv4/ip_default_ttl").unwrap();
    let words = ["run", "--rm", "--sysctl", "net.ipv4.ip_default_ttl=99", IMAGE];
    let script = ["cat", "/proc/sys/net/ipv4/ip_default_ttl"];
    let outcome = sandbox.coracle(words).args(script).run();
    outcome.succeeds().prints("99\n");
    assert!(std::fs::read("/proc/sys/net/ipv4/ip_default_ttl").unwrap() == before);
}

/// CVE-2021-43784: no length is cut to fewer bits on the way; what is too long is one sentence.
#[test]
fn cve_2021_43784_long_values_arrive_or_are_refused() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let long = "x".repeat(70_000);
    let path = "/x".repeat(35_000);
    let cases: [(&str, String, bool); 12] = [
        ("--annotation", format!("a={long}"), true),
        ("--label", format!("a={long}"), true),
        ("--env", format!("A={long}"), true),
        ("--volume", format!("/etc:{path}"), false),
        ("--volume", format!("{path}:/x"), false),
        ("--volume", format!("{long}:/x"), false),
        ("--tmpfs", path.clone(), false),
        ("--workdir", path, false),
        ("--hostname", long.clone(), false),
        ("--name", long.clone(), false),
        ("--user", long.clone(), false),
        ("--sysctl", format!("net.{long}=1"), false),
    ];
    for (option, value, works) in cases {
        let outcome = sandbox
            .coracle(["run", "--rm", option, &value, IMAGE, "sh", "-c", "echo ${#A}"])
            .run();
        let shown = &String::from_utf8_lossy(&outcome.stderr)[..outcome.stderr.len().min(200)];
        if works {
            let length = if option == "--env" { "70000\n" } else { "0\n" };
            assert_eq!(
                String::from_utf8_lossy(&outcome.stdout),
                length,
                "{option}: {shown}"
            );
        } else {
            assert!(
                matches!(outcome.code, Some(125 | 126)),
                "{option}: {:?} {shown}",
                outcome.code
            );
            assert!(!contains(&outcome.stderr, b"panicked"), "{option}: {shown}");
        }
    }
}

/// The class of leaked descriptors (CVE-2024-21626, CVE-2016-8867): whatever is open in the caller stays outside, in the
/// payload, in an exec, and in the monitor that lives on.
#[test]
fn descriptors_of_the_caller_stay_outside() {
    requires!("program:bash");
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    load_with(&sandbox, &[PROBE]);
    // 50 of them: directories and a secret file, as a careless caller leaves them.
    let line = format!(
        "exec bash -c 'for n in {{10..58}}; do eval \"exec $n<{0}/dir\"; done; exec 59<{0}/secret; exec \"$0\" \"$@\"' \"$0\" \"$@\"",
        canary.directory().display()
    );
    let open = |outcome: &Outcome| {
        let fds = outcome.text().lines().filter_map(|line| line.strip_prefix("fd."));
        fds.map(|line| line.split(' ').next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let detach = [
        "run",
        "-d",
        "--name",
        "one",
        IMAGE,
        "sh",
        "-c",
        "probe; exec sleep 1000",
    ];
    sandbox.coracle(detach).through_shell(&line).run().succeeds();
    let created = ["create", "--name", "two", IMAGE, "probe"];
    sandbox.coracle(created).through_shell(&line).run().succeeds();
    for words in [
        &["run", "--rm", IMAGE, "probe"][..],
        &["run", "--rm", "--init", IMAGE, "probe"],
        &["run", "--rm", "--privileged", IMAGE, "probe"],
        &["exec", "one", "probe"],
        &["start", "--attach", "two"],
    ] {
        let outcome = sandbox.coracle(words).through_shell(&line).run().succeeds();
        assert_eq!(open(&outcome), "0 1 2", "{outcome}");
        canary.check(&[&outcome]);
    }
    // The one that was started in the background, and its monitor.
    let logs = sandbox.coracle(["logs", "one"]).run().succeeds();
    assert_eq!(open(&logs), "0 1 2", "{logs}");
    let (binary, kept) = (sandbox.binary(), canary.directory().to_owned());
    let mut ours = 0;
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        if !std::fs::read_link(process.path().join("exe")).is_ok_and(|exe| exe == binary) {
            continue;
        }
        ours += 1;
        for fd in std::fs::read_dir(process.path().join("fd"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let target = std::fs::read_link(fd.path()).unwrap_or_default();
            assert!(
                !target.starts_with(&kept),
                "{} -> {target:?}",
                fd.path().display()
            );
        }
    }
    // The monitor of an ordinary user cannot be looked at: it is not dumpable.
    assert!(ours > 0 || !is_root(), "no monitor found");
    sandbox.coracle(["rm", "-f", "one", "two"]).run().succeeds();
}

/// CVE-2020-15257: sockets of ours lie in closed directories, none is abstract.
#[test]
fn cve_2020_15257_sockets_are_closed_to_others() {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    fn walk(path: &std::path::Path, closed: bool, found: &mut usize) {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            let Ok(meta) = entry.path().symlink_metadata() else {
                continue;
            };
            if meta.file_type().is_socket() {
                *found += 1;
                assert!(closed, "{} can be reached by others", entry.path().display());
            } else if meta.is_dir() {
                walk(&entry.path(), closed || meta.mode() & 0o077 == 0, found);
            }
        }
    }
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let abstracts = || {
        let sockets = std::fs::read_to_string("/proc/net/unix").unwrap();
        let names = sockets.lines().filter_map(|line| line.split_whitespace().nth(7));
        names
            .filter(|name| name.starts_with('@'))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let start = [
        "run",
        "-d",
        "--name",
        "one",
        "--network=host",
        IMAGE,
        "sleep",
        "1000",
    ];
    sandbox.coracle(start).run().succeeds();
    let id = sandbox
        .coracle(["inspect", "--format", "{{.Id}}", "one"])
        .run()
        .succeeds();
    let mut found = 0;
    for root in [sandbox.data_root(), sandbox.run_root()] {
        let closed = std::fs::metadata(&root).is_ok_and(|meta| meta.mode() & 0o077 == 0);
        walk(&root, closed, &mut found);
    }
    assert!(found > 0, "no socket found");
    let path = sandbox.path.to_str().unwrap();
    for name in abstracts() {
        assert!(!name.contains(path) && !name.contains(id.text()), "{name}");
    }
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

/// CVE-2024-3056: shared memory of a container is its own and ends with it.
#[test]
fn cve_2024_3056_shared_memory_ends_with_the_container() {
    const MIB: u64 = 96;
    let sandbox = Sandbox::new();
    load_with(&sandbox, &[SEGMENT]);
    let key = (0x4000_0000 | std::process::id()).to_string();
    let used = || {
        let text = std::fs::read_to_string("/proc/meminfo").unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("Shmem:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    };
    let words = [
        "run",
        "--rm",
        "--name",
        "one",
        IMAGE,
        "segment",
        &key,
        &MIB.to_string(),
    ];
    let running = sandbox.coracle(words).start();
    running.expect("filled\n");
    let full = used();
    let segments = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    assert!(!segments.contains(&key), "{segments}");
    let words = ["run", "--rm", IMAGE, "cat", "/proc/sysvipc/shm"];
    let other = sandbox.coracle(words).run().succeeds();
    assert_eq!(other.text().lines().count(), 1, "{other}");
    sandbox.coracle(["kill", "one"]).run().succeeds();
    running.wait().exits(137);
    // The kernel frees a namespace of its own accord, soon; others may use memory meanwhile, so half of it will do.
    let begin = Instant::now();
    while used() > full.saturating_sub(MIB / 2) {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "{} MiB of {full} are left",
            used()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// CVE-2026-53488, CVE-2026-53492: labels and annotations that come with an image are words and nothing more.
#[test]
fn cve_2026_53488_labels_of_an_image_have_no_effect() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let probe = compiled(&sandbox, PROBE);
    let facts = || {
        let outcome = sandbox
            .coracle(["run", "--rm", "--hostname", "h", IMAGE, "probe"])
            .run()
            .succeeds();
        canary.check(&[&outcome]);
        // Numbers of processes and mounts differ from one container to the next.
        let kept = [
            "status.Cap",
            "status.Groups",
            "status.Uid",
            "status.NoNewPrivs",
            "status.Seccomp",
            "env ",
            "cwd ",
        ];
        let lines = outcome
            .text()
            .lines()
            .filter(|line| kept.iter().any(|key| line.starts_with(key)));
        let mounts = outcome
            .text()
            .lines()
            .filter(|line| line.starts_with("mount "))
            .count();
        (lines.map(str::to_owned).collect::<Vec<_>>(), mounts)
    };
    load(&sandbox, std::slice::from_ref(&probe), json!({}));
    let plain = facts();
    let secret = canary.directory().to_str().unwrap().to_owned();
    let hook = format!("touch {secret}/dir/hooked");
    let labels = json!({
        "run.oci.keep_original_groups": "1",
        "run.oci.hooks.stderr": format!("{secret}/dir/file"),
        "run.oci.handler": "wasm",
        "run.oci.seccomp.receiver": format!("{secret}/socket"),
        "run.oci.systemd.force_cgroup_v1": secret,
        "io.podman.annotations.privileged": "TRUE",
        "io.podman.annotations.seccomp": "unconfined",
        "io.podman.annotations.userns": "host",
        "io.podman.annotations.volumes-from": "x",
        "io.podman.annotations.init": "TRUE",
        "io.containers.autoupdate": "registry",
        "cdi.k8s.io/vendor_device": "vendor.com/device=all",
        "org.opencontainers.image.stopSignal": "SIGKILL",
        "RUN": hook,
        "INSTALL": hook,
        "com.docker.extension": hook,
    });
    let image = crate::support::Image::busybox()
        .layer(&[probe])
        .configure(json!({ "Labels": labels }))
        .edit(crate::support::Document::Manifest, move |manifest| {
            manifest["annotations"] = labels.clone();
        });
    sandbox.load(&image);
    assert_eq!(facts(), plain);
}

/// What the image wants to be stopped by is a signal or a mistake.
#[test]
fn stop_signals_of_an_image_are_signals() {
    let sandbox = Sandbox::new();
    for signal in ["RTMAX+99", "9;id", "SIGNOSUCH", "-9", "0", "999", "9 ", "$(id)"] {
        load(&sandbox, &[], json!({ "StopSignal": signal }));
        for command in ["run", "create"] {
            let outcome = sandbox.coracle([command, "--name", "one", IMAGE, "true"]).run();
            assert_eq!(outcome.code, Some(125), "{signal}: {outcome}");
            outcome.says_one_line();
        }
    }
    load(&sandbox, &[], json!({ "StopSignal": "SIGRTMIN+3" }));
    sandbox.coracle(["run", "--rm", IMAGE, "true"]).run().succeeds();
}

/// CVE-2014-3519, CVE-2022-0185, CVE-2024-1086, CVE-2026-31431: calls of the default profile, seen from inside.
#[test]
fn kernel_interfaces_behind_known_holes_are_closed() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let script = "unshare -U true; unshare -Ur true; unshare -m true; unshare -n true; chroot /proc/1/root mount -t proc p /proc; \
                  mknod /tmp/disk b 8 0; hostname other; swapon /etc/passwd; insmod /etc/passwd; \
                  ip link add x type dummy; losetup /dev/loop0 /etc/passwd; dmesg; nsenter -t 1 -m true; reboot -f; ";
    for one in script.split("; ").filter(|one| !one.is_empty()) {
        let outcome = sandbox.coracle(["run", "--rm", IMAGE, "sh", "-c", one]).run();
        assert!(!matches!(outcome.code, Some(0 | 125..=127)), "{one}: {outcome}");
    }
}

/// Names of containers are names, not paths.
#[test]
fn ids_and_names_are_no_paths() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    sandbox.busybox();
    let long = "x".repeat(5_000);
    let climbing = format!("../../../../..{}", canary.directory().display());
    for name in [
        "../x",
        ".",
        "..",
        "",
        "a/b",
        "a\nb",
        "a\u{1b}[2Jb",
        "a b",
        "-x",
        ".hidden",
        &long,
        &climbing,
    ] {
        // An empty one is none, and another is made up.
        if !name.is_empty() {
            let option = format!("--name={name}");
            let outcome = sandbox
                .coracle(["create", &option, IMAGE, "true"])
                .run()
                .exits(125);
            assert!(!outcome.stderr.contains(&0x1b), "{outcome}");
        }
        sandbox
            .coracle(["create", "--name", "good", IMAGE, "true"])
            .run()
            .succeeds();
        let outcome = sandbox.coracle(["rename", "--", "good", name]).run();
        assert_eq!(outcome.code, Some(125), "{outcome}");
        for command in [
            "start", "stop", "kill", "rm", "logs", "inspect", "top", "wait", "attach",
        ] {
            let outcome = sandbox.coracle([command, "--", name]).run();
            assert_ne!(outcome.code, Some(0), "{outcome}");
            canary.check(&[&outcome]);
        }
        sandbox.coracle(["rm", "good"]).run().succeeds();
    }
}
