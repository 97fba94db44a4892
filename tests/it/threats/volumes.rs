//! Volumes and mounts of the host: what goes in, what comes out, and what their names and paths may do.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use super::{IMAGE, host_view, load};
use crate::support::requires::{is_root, requires};
use crate::support::{Canary, Entry, Image, Sandbox};

/// CVE-2020-1726: what is in a volume before its first use at a place of the image stays.
#[test]
fn cve_2020_1726_a_volume_with_content_is_not_covered() {
    let sandbox = Sandbox::new();
    let entries = [
        Entry::directory("data/"),
        Entry::file("data/file", "of the image"),
        Entry::file("data/other", "of the image"),
    ];
    load(&sandbox, &entries, json!({}));
    sandbox.coracle(["volume", "create", "v"]).run().succeeds();
    // Written from outside, before any container, and from a container that has it elsewhere.
    let data = sandbox.data_root().join("volumes/v/_data");
    if is_root() {
        fs::write(data.join("file"), "mine").unwrap();
    } else {
        let words = [
            "run",
            "--rm",
            "-v",
            "v:/elsewhere",
            IMAGE,
            "sh",
            "-c",
            "printf mine >/elsewhere/file",
        ];
        sandbox.coracle(words).run().succeeds();
    }
    for _ in 0..2 {
        let words = ["run", "--rm", "-v", "v:/data", IMAGE, "sh", "-c", "cat /data/*"];
        sandbox.coracle(words).run().succeeds().prints("mine");
    }
}

/// The first use of a volume copies links as links, devices as far as they may be made, and follows nothing.
#[test]
fn copying_into_a_volume_follows_no_link() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let secret = canary.secret().to_str().unwrap().to_owned();
    let outside = canary.directory().to_str().unwrap().to_owned();
    let mut entries = vec![
        Entry::directory("data/"),
        Entry::symlink("data/secret", &secret),
        Entry::symlink("data/outside", &outside),
        Entry::symlink("data/up", "../../../../../../.."),
        Entry::symlink("data/self", "self"),
        Entry::fifo("data/fifo"),
        Entry::program("data/raised", "x").mode(0o6755),
        Entry::hard_link("data/again", "data/raised").mode(0o6755),
        Entry::symlink("data/fd", "/proc/self/fd/0"),
        Entry::symlink("way", &outside),
    ];
    if is_root() {
        entries.push(Entry::device(b'4', "data/disk", 8, 0).mode(0o666));
        entries.push(Entry::device(b'3', "data/memory", 1, 1).mode(0o666));
    }
    load(&sandbox, &entries, json!({}));
    let script = "cd /data; for f in *; do stat -c '%n %F %a' $f | sed 's/ 0$//'; done; head -c 1 disk memory >/dev/null && echo opened; true";
    let words = ["run", "--rm", "-v", "new:/data", IMAGE, "sh", "-c", script];
    let outcome = sandbox.coracle(words).run().succeeds();
    for line in [
        "secret symbolic link 777",
        "outside symbolic link 777",
        "fifo fifo 644",
        "raised regular file 6755",
    ] {
        assert!(outcome.text().contains(line), "{line:?} is missing in {outcome}");
    }
    assert!(!outcome.text().contains("opened"), "{outcome}");
    // The place itself is a link out of the root.
    for target in ["/way", "/way/dir", "/data/outside", "/data/up/etc"] {
        let volume = format!("other:{target}");
        let outcome = sandbox
            .coracle(["run", "--rm", "-v", &volume, IMAGE, "ls", "-R", target])
            .run();
        assert!(matches!(outcome.code, Some(0 | 1 | 125)), "{outcome}");
        canary.check(&[&outcome]);
        let _ = sandbox.coracle(["volume", "rm", "other"]).run();
    }
    canary.check(&[&outcome]);
    canary.check_absent_below(&sandbox.data_root().join("volumes"));
}

/// What is mounted in a container does not spread to the host, whatever propagation is asked for.
#[test]
fn mounts_of_a_container_stay_inside() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox.file("host/sub/x", "");
    let before = host_view(&sandbox);
    for option in ["", ":shared", ":rshared", ":slave", ":private"] {
        let bind = format!("{}:/k{option}", sandbox.path("work/host").display());
        let script = "mount -t tmpfs x /k/sub && touch /k/sub/inside && echo mounted; sleep 1000";
        let words = [
            "run",
            "--rm",
            "--name",
            "one",
            "--cap-add",
            "SYS_ADMIN",
            "-v",
            &bind,
            IMAGE,
            "sh",
            "-c",
            script,
        ];
        let running = sandbox.coracle(words).start();
        running.expect("mounted\n");
        assert_eq!(host_view(&sandbox), before, "{option}");
        assert!(!sandbox.path("work/host/sub/inside").exists(), "{option}");
        sandbox.coracle(["kill", "one"]).run().succeeds();
        running.wait();
    }
}

/// Options cannot be smuggled in by names and paths: of volumes, of directories, of the store itself.
#[test]
fn names_and_paths_carry_no_options() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    sandbox.busybox();
    for name in [
        "v,upperdir=",
        "v,ro",
        "v\\040",
        "v\nx",
        "../x",
        "..",
        ".",
        "",
        "v/x",
        "-v",
        ".v",
        "v\u{1b}",
        "é",
        "v w",
    ] {
        let outcome = sandbox.coracle(["volume", "create", "--", name]).run();
        // Without a name one is made up.
        assert_eq!(outcome.code == Some(0), name.is_empty(), "{outcome}");
        for command in ["inspect", "rm", "exists"] {
            let outcome = sandbox.coracle(["volume", command, "--", name]).run();
            assert_ne!(outcome.code, Some(0), "{outcome}");
            canary.check(&[&outcome]);
        }
        if !name.starts_with(['/', '.']) && !name.is_empty() {
            let volume = format!("{name}:/v");
            let outcome = sandbox
                .coracle(["run", "--rm", "-v", &volume, IMAGE, "true"])
                .run();
            assert_eq!(outcome.code, Some(125), "{outcome}");
        }
    }
    let odd = [
        "a,b",
        "a\\040b",
        "a\nb",
        "a,upperdir=b",
        "lower+dir",
        "q\"q",
        "%s",
        "trailing ",
    ];
    for name in odd {
        sandbox.file(&format!("{name}/mark"), name);
        let source = sandbox.path("work").join(name);
        let bind = format!("{}:/in {name}", source.display());
        let words = [
            "run",
            "--rm",
            "-v",
            &bind,
            IMAGE,
            "cat",
            &format!("/in {name}/mark"),
        ];
        sandbox.coracle(words).run().succeeds().prints(name);
    }
    let quoted = format!(
        "type=bind,\"source={}\",target=/in,readonly",
        sandbox.path("work/a,b").display()
    );
    let words = ["run", "--rm", "--mount", &quoted, IMAGE, "cat", "/in/mark"];
    sandbox.coracle(words).run().succeeds().prints("a,b");
}

/// The same for the store's own path, which is in the options of every root file system.
#[test]
fn the_stores_path_carries_no_options() {
    let sandbox = Sandbox::new();
    sandbox.load(&Image::busybox());
    let archive = sandbox.path("tmp/image.tar");
    Image::busybox()
        .layer(&[Entry::file("upper", "x")])
        .write(&archive, crate::support::Format::OciArchive);
    for name in ["a,b", "a:b", "a\\b", "a b", "x,upperdir=y,workdir=z", "a\\,b"] {
        let place = sandbox.path("work").join(name);
        fs::create_dir(&place).unwrap();
        let call = |words: &[&str]| {
            let mut invocation = sandbox.program(sandbox.binary()).env("XDG_DATA_HOME", &place);
            if is_root() {
                invocation = invocation.arg("--root").arg(place.join("coracle"));
                invocation = invocation.arg("--runroot").arg(sandbox.run_root());
            }
            invocation.args(words)
        };
        call(&["load", "-q", "-i"]).arg(&archive).run().succeeds();
        let script = "cat /upper; echo >/new";
        let words = ["run", "--rm", "-v", "v:/v", IMAGE, "sh", "-c", script];
        call(&words).run().succeeds().prints("x");
        call(&["system", "reset", "--force"]).run().succeeds();
    }
}

/// A directory of the host that is behind a link, or is swapped for one, is what it is by the caller's rights: no more.
#[test]
fn sources_give_what_the_caller_may_read() {
    requires!("user");
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let link = sandbox.path("work/link");
    symlink("/root", &link).unwrap();
    let bind = format!("{}:/k", link.display());
    let outcome = sandbox
        .coracle(["run", "--rm", "-v", &bind, IMAGE, "ls", "/k"])
        .run();
    assert_ne!(outcome.code, Some(0), "{outcome}");
}

/// Owners of what is mounted are changed by nobody.
#[test]
fn owners_of_the_host_are_not_changed() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    sandbox.busybox();
    let source = canary.directory().join("dir");
    for option in ["U", "z,U", "idmap", "O"] {
        for source in [source.to_str().unwrap(), "/", "/etc"] {
            let bind = format!("{source}:/x:{option}");
            let outcome = sandbox.coracle(["run", "--rm", "-v", &bind, IMAGE, "true"]).run();
            assert_eq!(outcome.code, Some(125), "{outcome}");
            canary.check(&[&outcome]);
        }
    }
}

/// A temporary file system has the options of the list.
#[test]
fn options_of_a_tmpfs_are_those_of_the_list() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    for options in [
        "mpol=bind:0",
        "huge=always",
        "context=x",
        "size=1m,size=x",
        "mode=99999",
        "mode=u+s",
        "uid=root",
        "uid=-1",
        "gid=4294967296",
        "source=/etc",
        "upperdir=/",
        "size=",
        "nr_inodes=-1",
        "remount",
        "bind=1",
    ] {
        let tmpfs = format!("/x:{options}");
        let outcome = sandbox
            .coracle(["run", "--rm", "--tmpfs", &tmpfs, IMAGE, "true"])
            .run();
        assert_eq!(outcome.code, Some(125), "{outcome}");
    }
    let words = [
        "run",
        "--rm",
        "--tmpfs",
        "/x:size=64k,mode=1770,exec",
        IMAGE,
        "sh",
        "-c",
    ];
    let script = "grep ' /x ' /proc/self/mounts | cut -d' ' -f4 | cut -d, -f1-4; dd if=/dev/zero of=/x/f bs=64k count=2 2>/dev/null || echo full";
    sandbox
        .coracle(words)
        .arg(script)
        .run()
        .succeeds()
        .prints("rw,nosuid,nodev,relatime\nfull\n");
}
