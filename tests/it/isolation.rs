//! Known holes of container runtimes, each tried on us. Named by their advisories.

use crate::support::requires::requires;
use crate::support::{Canary, Entry, Image, Sandbox};

const IMAGE: &str = "localhost/busybox:latest";

/// Busybox with a changed configuration and further files.
fn image(sandbox: &Sandbox, entries: &[Entry], config: serde_json::Value) {
    sandbox.load(&Image::busybox().layer(entries).configure(config));
}

#[test]
fn cve_2024_21626_a_working_directory_behind_a_leaked_descriptor() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    sandbox.busybox();
    let mut outcomes = Vec::new();
    for number in 3..=20 {
        let path = format!("/proc/self/fd/{number}");
        let outcome = sandbox.coracle(["run", "--rm", "-w", &path, IMAGE, "pwd"]).run();
        assert_ne!(outcome.code, Some(0), "{outcome}");
        outcomes.push(outcome);
    }
    sandbox
        .coracle(["run", "-d", "--name", "one", IMAGE, "sleep", "100"])
        .run()
        .succeeds();
    for number in 3..=20 {
        let path = format!("/proc/self/fd/{number}");
        let outcome = sandbox.coracle(["exec", "-w", &path, "one", "pwd"]).run();
        assert_ne!(outcome.code, Some(0), "{outcome}");
        outcomes.push(outcome);
    }
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    canary.check(&outcomes.iter().collect::<Vec<_>>());
}

/// The class of leaked descriptors (CVE-2024-21626, CVE-2016-8867).
#[test]
fn only_the_standard_streams_are_open() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let script = "ls /proc/self/fd | tr '\\n' ' '";
    // The listing itself opens one more.
    let expected = "0 1 2 3 ";
    // A shell in between leaves descriptors of its own to the program.
    let line = format!("exec 7</etc 8</dev/null 9<.; exec \"$0\" \"$@\" sh -c \"{script}\"");
    let invocation = sandbox.coracle(["run", "--rm", IMAGE]);
    let outcome = invocation.through_shell(&line).run().succeeds();
    assert_eq!(outcome.text(), expected, "{outcome}");
}

/// CVE-2023-27561, CVE-2023-28642, CVE-2026-41579.
#[test]
fn cve_2023_27561_links_in_the_places_of_kernel_file_systems() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let outside = canary.directory().to_str().unwrap().to_owned();
    for place in ["proc", "sys", "dev"] {
        for target in ["/fake", &outside, "../../../../.."] {
            image(
                &sandbox,
                &[Entry::directory("fake/"), Entry::symlink(place, target)],
                serde_json::json!({}),
            );
            let outcome = sandbox.coracle(["run", "--rm", IMAGE, "true"]).run().exits(125);
            canary.check(&[&outcome]);
        }
    }
    for place in ["shm", "pts"] {
        image(
            &sandbox,
            &[
                Entry::directory("dev/"),
                Entry::symlink(format!("dev/{place}"), &outside),
            ],
            serde_json::json!({}),
        );
        // Covered by our own /dev before anything in it is looked at.
        let outcome = sandbox.coracle(["run", "--rm", IMAGE, "true"]).run().succeeds();
        canary.check(&[&outcome]);
    }
}

#[test]
fn cve_2019_16884_mounts_over_proc() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox.file("host/x", "");
    let host = sandbox.path("work/host");
    for target in ["/proc/self", "/proc/sys", "/proc/self/attr", "/proc/1"] {
        let bind = format!("{}:{target}", host.display());
        let outcome = sandbox.coracle(["run", "--rm", "-v", &bind, IMAGE, "true"]).run();
        assert_eq!(outcome.code, Some(125), "{outcome}");
    }
}

#[test]
fn cve_2019_18837_targets_are_made_inside_the_root() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let outside = canary.directory().to_str().unwrap().to_owned();
    image(
        &sandbox,
        &[Entry::symlink("mnt", &outside)],
        serde_json::json!({}),
    );
    sandbox.file("host/x", "");
    let bind = format!("{}:/mnt/sub", sandbox.path("work/host").display());
    let outcome = sandbox.coracle(["run", "--rm", "-v", &bind, IMAGE, "true"]).run();
    canary.check(&[&outcome]);
}

#[test]
fn cve_2025_24965_files_of_ours_are_not_written_through_links() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let secret = canary.secret().to_str().unwrap().to_owned();
    for name in ["etc/hosts", "etc/hostname", "etc/resolv.conf"] {
        image(&sandbox, &[Entry::symlink(name, &secret)], serde_json::json!({}));
        let outcome = sandbox
            .coracle(["run", "--rm", IMAGE, "cat", &format!("/{name}")])
            .run();
        canary.check(&[&outcome]);
        image(&sandbox, &[Entry::fifo(name)], serde_json::json!({}));
        let outcome = sandbox.coracle(["run", "--rm", IMAGE, "true"]).run();
        assert!(outcome.elapsed.as_secs() < 10, "{outcome}");
    }
}

#[test]
fn cve_2024_9676_hostile_account_files() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let secret = canary.secret().to_str().unwrap().to_owned();
    for entry in [
        Entry::symlink("etc/passwd", "/dev/zero"),
        Entry::symlink("etc/passwd", &secret),
        Entry::fifo("etc/passwd"),
        Entry::file("etc/passwd", vec![b'x'; 20 << 20]),
    ] {
        image(&sandbox, &[entry], serde_json::json!({}));
        let outcome = sandbox
            .coracle(["run", "--rm", "--user", "x", IMAGE, "true"])
            .run();
        assert!(matches!(outcome.code, Some(125 | 126)), "{outcome}");
        assert!(outcome.elapsed.as_secs() < 10, "{outcome}");
        canary.check(&[&outcome]);
    }
}

#[test]
fn cve_2024_40635_a_user_of_the_image_that_is_out_of_range() {
    let sandbox = Sandbox::new();
    for user in ["2147483648", "4294967296:4294967296", "99999999999"] {
        let passwd = Entry::file("etc/passwd", format!("root:x:0:0::/:\n{user}:x:0:0::/:\n"));
        image(&sandbox, &[passwd], serde_json::json!({"User": user}));
        let outcome = sandbox.coracle(["run", "--rm", IMAGE, "true"]).run();
        assert!(matches!(outcome.code, Some(125 | 126)), "{outcome}");
    }
}

#[test]
fn cve_2026_57231_the_images_environment_reads_nothing_of_the_hosts() {
    let sandbox = Sandbox::new();
    image(
        &sandbox,
        &[],
        serde_json::json!({"Env": ["TOKEN", "TOK*", "*", "=x", "A=1", "", "PATH"]}),
    );
    let outcome = sandbox
        .coracle(["run", "--rm", IMAGE, "/bin/env"])
        .env("TOKEN", "sesame")
        .run();
    let all = [outcome.stdout.as_slice(), &outcome.stderr].concat();
    let text = String::from_utf8_lossy(&all);
    assert!(
        text.contains("A=1") && !text.contains("sesame") && !text.contains("TOK"),
        "{outcome}"
    );
}

#[test]
fn cve_2019_5736_our_program_is_not_executed_in_a_container() {
    let sandbox = Sandbox::with_own_binary();
    let before = std::fs::read(sandbox.binary()).unwrap();
    image(
        &sandbox,
        &[
            Entry::symlink("evil", "/proc/self/exe"),
            Entry::program("script", "#!/proc/self/exe\n"),
        ],
        serde_json::json!({}),
    );
    for path in ["/evil", "/script", "/proc/self/exe"] {
        sandbox.coracle(["run", "--rm", IMAGE, path]).run().exits(126);
    }
    let script =
        "while :; do for f in /proc/[0-9]*/exe; do (echo x >>$f) 2>/dev/null && echo WROTE; done; done";
    sandbox
        .coracle(["run", "-d", "--name", "one", IMAGE, "sh", "-c", script])
        .run()
        .succeeds();
    for _ in 0..20 {
        sandbox.coracle(["exec", "one", "true"]).run().succeeds();
        sandbox.coracle(["exec", "one", "/evil"]).run().exits(126);
    }
    sandbox.coracle(["logs", "one"]).run().prints("");
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
    assert!(
        std::fs::read(sandbox.binary()).unwrap() == before,
        "our program was overwritten"
    );
}

/// CVE-2019-16884: what /proc tells of the host stays covered.
#[test]
fn masked_paths_stay_masked() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let script = "cat /proc/kcore /proc/keys /proc/timer_list | wc -c; ls /sys/firmware /proc/acpi 2>/dev/null | wc -w; \
                  echo 1 >/proc/sys/kernel/printk; echo b >/proc/sysrq-trigger; umount /proc/keys; exit 0";
    let outcome = sandbox
        .coracle(["run", "--rm", "--cap-add", "SYS_ADMIN", IMAGE, "sh", "-c", script])
        .run();
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    assert!(text.starts_with("0\n"), "{outcome}");
    assert!(
        String::from_utf8_lossy(&outcome.stderr).contains("Read-only file system"),
        "{outcome}"
    );
}

#[test]
fn cve_2023_25809_control_groups_are_read_only() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let outcome = sandbox
        .coracle(["run", "--rm", IMAGE, "mkdir", "/sys/fs/cgroup/x"])
        .run()
        .exits(1);
    outcome.says("/sys/fs/cgroup/x");
}

#[test]
fn cve_2020_15257_no_abstract_socket_is_ours() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox
        .coracle(["run", "-d", "--name", "one", IMAGE, "sleep", "100"])
        .run()
        .succeeds();
    let sockets = std::fs::read_to_string("/proc/net/unix").unwrap();
    assert!(
        !sockets
            .lines()
            .any(|line| line.contains('@') && line.contains("coracle")),
        "{sockets}"
    );
    sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
}

#[test]
fn cve_2022_0811_sysctls_carry_one_value() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    for sysctl in [
        "kernel.shm_rmid_forced=1+kernel.core_pattern=|/x",
        "../kernel/core_pattern=1",
        "kernel.core_pattern=x",
    ] {
        let outcome = sandbox
            .coracle(["run", "--rm", "--sysctl", sysctl, IMAGE, "true"])
            .run();
        // In the first, all that follows the first `=` is the value, which the kernel refuses.
        assert_eq!(outcome.code, Some(125), "{outcome}");
    }
}

#[test]
fn an_ordinary_user_cannot_reach_what_is_not_his() {
    requires!("user");
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let outcome = sandbox
        .coracle(["run", "--rm", "-v", "/etc:/host:ro", IMAGE, "cat", "/host/shadow"])
        .run();
    assert_eq!(outcome.code, Some(1), "{outcome}");
}

/// Devices in a layer: the class of CVE-2014-3519, by a node instead of a handle.
#[test]
fn a_device_that_an_image_brings_cannot_be_opened() {
    requires!("root");
    let sandbox = Sandbox::new();
    let node = Entry::device(b'3', "null", 1, 3).mode(0o666);
    image(&sandbox, &[node], serde_json::json!({}));
    let script = "test -c /null && echo x >/null && echo opened";
    sandbox
        .coracle(["run", "--rm", IMAGE, "sh", "-c", script])
        .run()
        .exits(1)
        .says("Permission denied");
    // Who may do everything may do this as well.
    sandbox
        .coracle(["run", "--rm", "--privileged", IMAGE, "sh", "-c", script])
        .run()
        .succeeds()
        .prints("opened\n");
}
