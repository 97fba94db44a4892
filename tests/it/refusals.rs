//! What cannot be done is refused in one sentence with the right exit code, and leaves nothing behind.

use std::fs;

use serde_json::json;

use super::support::{Document, Entry, Format, Image, Sandbox};

/// Nothing of a refused command is left in the store.
fn assert_nothing_left(sandbox: &Sandbox, what: &str) {
    for kind in ["containers", "names", "staging", "trash", "volumes"] {
        let left = fs::read_dir(sandbox.data_root().join(kind)).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{what}: left in {kind}");
    }
}

#[test]
fn a_bad_value_of_any_flag_is_named() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    sandbox.file("bad.env", "=novalue\n");
    let table: &[(&[&str], &str)] = &[
        (&["--add-host", "nocolon"], "nocolon"),
        (&["--annotation", "=x"], "--annotation"),
        (&["--attach", "nowhere"], "nowhere"),
        (&["--blkio-weight", "5"], "5"),
        (&["--blkio-weight-device", "/dev/zero:5"], "/dev/zero:5"),
        (&["--cap-add", "nosuch"], "nosuch"),
        (&["--cap-drop", "nosuch"], "nosuch"),
        (&["--cgroup-conf", "cgroup.kill=1"], "cgroup.kill"),
        (
            &["--cgroups", "garbage"],
            "invalid cgroup mode \"garbage\": invalid argument",
        ),
        (&["--cgroups=disabled", "-m=64m"], "cannot have limits"),
        (&["--cidfile", "no/such/place"], "no/such/place"),
        (&["--cpu-period", "5"], "5"),
        (&["--cpu-quota", "5"], "5"),
        (&["--cpu-shares", "few"], "few"),
        (&["--cpus", "many"], "many"),
        (&["--cpus", "-1"], "-1"),
        (&["--cpuset-cpus", "all"], "all"),
        (&["--cpuset-mems", "all"], "all"),
        (
            &["--device-read-bps", "/dev/zero:1m"],
            "/dev/zero: not a block device",
        ),
        (
            &["--device-read-iops", "/dev/zero:1"],
            "/dev/zero: not a block device",
        ),
        (&["--device-write-bps", "/dev/zero"], "/dev/zero"),
        (&["--device-write-iops", "zero:1"], "zero:1"),
        (&["--dns", "nowhere"], "nowhere"),
        (&["--env", "=x"], "=x"),
        (&["--env-file", "no/such"], "no/such"),
        (&["--env-file", "bad.env"], "bad.env"),
        (&["--env-file", "."], "."),
        (&["--hostname", "with space"], "with space"),
        (&["--ipc", "nosuch"], "nosuch"),
        (&["--label-file", "no/such"], "no/such"),
        (&["--log-driver", "nosuch"], "nosuch"),
        (&["--memory", "lots"], "lots"),
        (&["--memory", "-5"], "-5"),
        (&["--memory-reservation", "lots"], "lots"),
        (&["--memory-swap", "-5"], "-5"),
        (&["--mount", "type=nosuch,target=/x"], "nosuch"),
        (&["--mount", "type=bind,source=/no/such,target=/x"], "/no/such"),
        (&["--mount", "type=bind"], "type=bind"),
        (&["--name", "../x"], "../x"),
        (&["--network", "nosuch"], "nosuch"),
        (&["--oom-score-adj", "5000"], "5000"),
        (&["--pid", "nosuch"], "nosuch"),
        (&["--pids-limit", "few"], "few"),
        (&["--platform", "a/b/c/d"], "a/b/c/d"),
        (&["--publish", "80:80"], "--publish"),
        (&["--pull", "sometimes"], "sometimes"),
        (&["--security-opt", "nosuch=1"], "nosuch"),
        (&["--security-opt", "seccomp=/no/such"], "/no/such"),
        (&["--shm-size", "big"], "big"),
        (&["--stop-signal", "SIGNOSUCH"], "SIGNOSUCH"),
        (&["--stop-timeout", "soon"], "soon"),
        (&["--sysctl", "novalue"], "novalue"),
        (&["--tmpfs", "relative"], "relative"),
        (&["--tmpfs", "/x:nosuch"], "nosuch"),
        (&["--ulimit", "nosuch=1"], "nosuch"),
        (&["--ulimit", "nofile=2:1"], "nofile"),
        (&["--umask", "9"], "9"),
        (&["--userns", "nosuch"], "nosuch"),
        (&["--uts", "nosuch"], "nosuch"),
        (&["--volume", "relative/path:/x"], "relative/path"),
        (&["--volume", "/etc:relative"], "relative"),
        (&["--volume", "/etc:/x:nosuch"], "nosuch"),
        (&["--workdir", "relative"], "relative"),
        (&["--no-such-flag"], "--no-such-flag"),
    ];
    // The value stands apart or not.
    for words in [&["--pull", "never"][..], &["--pull=missing"]] {
        let outcome = sandbox
            .coracle(["run", "--rm"])
            .args(words)
            .args([image, "true"])
            .run();
        outcome.succeeds();
    }
    let mut wrong = Vec::new();
    for (words, named) in table {
        for command in ["run", "create"] {
            let outcome = sandbox
                .coracle([command])
                .args(*words)
                .args([image, "true"])
                .run();
            let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
            // What is wrong with the words themselves is followed by where they are explained.
            let lines = said
                .lines()
                .filter(|line| !line.starts_with("See 'coracle "))
                .count();
            let is_one_line = lines == 1 && outcome.stdout.is_empty();
            if outcome.code != Some(125) || !is_one_line || !said.contains(named) {
                wrong.push(format!(
                    "{words:?}: {command}: {:?} {said}{}",
                    outcome.code,
                    String::from_utf8_lossy(&outcome.stdout)
                ));
            }
            sandbox.coracle(["rm", "--all", "--force"]).run();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_nothing_left(&sandbox, "flags");
}

#[test]
fn what_is_not_there_or_taken_is_said() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let table: &[(&[&str], i32, &str)] = &[
        (
            &["run", "--rm", "--pull", "never", "nosuch:tag", "true"],
            125,
            "nosuch:tag",
        ),
        (&["run", "--rm", "BAD//name", "true"], 125, "BAD//name"),
        (&["run", "--rm", image, "/no/such"], 127, "/no/such"),
        (&["run", "--rm", image, "nosuch"], 127, "nosuch"),
        (&["run", "--rm", image, "/etc"], 126, "/etc"),
        (&["run", "--rm", image, "/etc/passwd"], 126, "/etc/passwd"),
        (&["run", "--rm", "-u", "nosuch", image, "true"], 126, "nosuch"),
        (
            &["run", "--rm", "-u", "root:nosuch", image, "true"],
            126,
            "nosuch",
        ),
        (&["start", "nosuch"], 125, "nosuch"),
        (&["exec", "nosuch", "true"], 125, "nosuch"),
        (&["inspect", "nosuch"], 125, "nosuch"),
        (&["save", "nosuch"], 125, "nosuch"),
        (&["tag", "nosuch", "x"], 125, "nosuch"),
        (&["load", "--input", "nosuch"], 125, "nosuch"),
        (&["import", "nosuch", "x"], 125, "nosuch"),
    ];
    let mut wrong = Vec::new();
    for (words, code, named) in table {
        let outcome = sandbox.coracle(*words).run();
        let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
        if outcome.code != Some(*code) || said.lines().count() != 1 || !said.contains(named) {
            wrong.push(format!("{words:?}: {:?} {said}", outcome.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_nothing_left(&sandbox, "commands");
    sandbox
        .coracle(["create", "--name", "one", image])
        .run()
        .succeeds();
    for command in ["run", "create"] {
        sandbox
            .coracle([command, "--name", "one", image])
            .run()
            .exits(125)
            .says_one_line()
            .says("one");
    }
    sandbox.coracle(["ps", "-aq"]).run().succeeds();
    sandbox.coracle(["rm", "one"]).run().succeeds();
    assert_nothing_left(&sandbox, "a name");
}

#[test]
fn an_archive_cut_off_anywhere_is_refused() {
    let sandbox = Sandbox::new();
    for (format, name) in [(Format::DockerArchive, "docker"), (Format::OciArchive, "oci")] {
        let whole = sandbox.path("work/whole");
        Image::new()
            .layer(&[Entry::directory("d/"), Entry::file("d/f", vec![b'x'; 5000])])
            .layer(&[Entry::file("d/g", vec![b'y'; 3000])])
            .name("localhost/cut:latest")
            .write(&whole, format);
        let bytes = fs::read(&whole).unwrap();
        // The two empty blocks at the end may be missing.
        let content = bytes.len() - 1024;
        for part in 0..20 {
            let length = content * part / 20;
            sandbox.file("cut", &bytes[..length]);
            let outcome = sandbox.coracle(["load", "--input", "cut"]).run();
            assert_eq!(
                outcome.code,
                Some(125),
                "{name} cut at {length} of {content}: {outcome}"
            );
            outcome.says_one_line();
            let layers = fs::read_dir(sandbox.data_root().join("layers")).unwrap().count();
            assert_eq!(layers, 0, "{name} cut at {length}: a layer was kept");
            assert_nothing_left(&sandbox, name);
        }
    }
    sandbox
        .coracle(["images", "--all", "--quiet"])
        .run()
        .succeeds()
        .prints("");
}

#[test]
fn another_architecture_is_named_with_ours() {
    let sandbox = Sandbox::new();
    let image = Image::busybox().edit(Document::Config, |config| config["architecture"] = json!("s390x"));
    sandbox.load(&image);
    let ours = if cfg!(target_arch = "x86_64") {
        "amd64"
    } else {
        "arm64"
    };
    for command in ["run", "create"] {
        sandbox
            .coracle([command, "localhost/busybox", "true"])
            .run()
            .exits(125)
            .says_one_line()
            .says("s390x")
            .says(ours);
    }
    assert_nothing_left(&sandbox, "architecture");
}

#[test]
fn a_layer_of_an_unknown_packing_is_refused() {
    let sandbox = Sandbox::new();
    // The magic of lz4, which no image may use.
    let packed = [&[0x04, 0x22, 0x4d, 0x18][..], &[0; 600]].concat();
    Image::new()
        .raw_layer(packed, super::support::Compression::None)
        .name("localhost/odd:latest")
        .write(&sandbox.path("work/odd"), Format::OciArchive);
    sandbox
        .coracle(["load", "--input", "odd"])
        .run()
        .exits(125)
        .says_one_line();
    sandbox
        .coracle(["images", "--all", "--quiet"])
        .run()
        .succeeds()
        .prints("");
    assert_nothing_left(&sandbox, "packing");
}
