//! What an image or a directory holds in the places where we mount, create and write.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::json;

use super::{IMAGE, host_view, load};
use crate::support::requires::{is_root, requires};
use crate::support::{Canary, Entry, Image, Sandbox};

/// CVE-2026-41579, CVE-2026-47766, CVE-2023-28642: nothing is made or removed behind a link of the image, by `create` and
/// `start` as by `run`, and with a directory as by an image.
#[test]
fn cve_2026_41579_no_device_is_made_outside_the_root() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let outside = canary.directory().join("dir");
    let outside = outside.to_str().unwrap();
    let before = host_view(&sandbox);
    for target in [outside, "../../../../../../.."] {
        for places in [
            &["dev"][..],
            &["proc"],
            &["sys"],
            &["run"],
            &[
                "dev/pts",
                "dev/shm",
                "dev/mqueue",
                "dev/ptmx",
                "dev/console",
                "dev/null",
                "sys/fs",
            ],
        ] {
            let mut entries = vec![Entry::directory("dev/"), Entry::directory("sys/")];
            entries.extend(places.iter().map(|place| Entry::symlink(place, target)));
            load(&sandbox, &entries, json!({}));
            let create = ["create", "--name", "one", IMAGE, "true"];
            sandbox.coracle(create).run().succeeds();
            let outcome = sandbox.coracle(["start", "--attach", "one"]).run();
            assert!(matches!(outcome.code, Some(0 | 125)), "{outcome}");
            canary.check(&[&outcome]);
            sandbox.coracle(["rm", "-f", "one"]).run().succeeds();
        }
    }
    assert_eq!(host_view(&sandbox), before);
}

/// CVE-2019-19921: the same with a directory as the root.
#[test]
fn cve_2019_19921_links_in_a_root_directory() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let outside = canary.directory().join("dir");
    let busybox = fs::read("/bin/busybox").expect("busybox is installed (Debian: busybox-static)");
    let program = sandbox.file("rootfs/bin/busybox", busybox);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let root = sandbox.path("work/rootfs");
    let before = host_view(&sandbox);
    let run = || {
        sandbox
            .coracle(["run", "--rm", "--rootfs"])
            .arg(&root)
            .args(["/bin/busybox", "true"])
            .run()
    };
    let good = run();
    assert_eq!(good.code, Some(0), "{good}");
    for place in ["proc", "sys", "dev", "etc", "run", "tmp"] {
        for target in [outside.as_path(), "/".as_ref(), "../../../../..".as_ref()] {
            let path = root.join(place);
            let _ = fs::remove_dir_all(&path);
            symlink(target, &path).unwrap();
            let outcome = run();
            assert!(matches!(outcome.code, Some(0 | 125)), "{outcome}");
            if ["proc", "sys", "dev"].contains(&place) {
                outcome.exits(125).says(place);
            }
            canary.check(&[]);
            fs::remove_file(&path).unwrap();
        }
    }
    assert_eq!(host_view(&sandbox), before);
}

/// CVE-2025-24965: the files that we give a container are not written through what lies in their place.
#[test]
fn cve_2025_24965_nothing_is_written_through_what_lies_there() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let secret = canary.secret().to_str().unwrap().to_owned();
    let names = [
        "etc/hosts",
        "etc/hostname",
        "etc/resolv.conf",
        "etc/passwd",
        "etc/group",
        "etc/mtab",
        "run/.containerenv",
        ".dockerenv",
    ];
    type Make = fn(&str, &str) -> Entry;
    let mut cases: Vec<Make> = vec![
        |name, secret| Entry::symlink(name, secret),
        |name, _| Entry::symlink(name, "/proc/self/fd/0"),
        // To itself.
        |name, _| Entry::symlink(name, format!("/{name}")),
        |name, _| Entry::fifo(name),
        |name, _| Entry::directory(name),
    ];
    if is_root() {
        cases.push(|name, _| Entry::device(b'3', name, 1, 5));
    }
    for make in cases {
        for names in [&names[..], &["etc"]] {
            let mut entries = vec![Entry::directory("run/")];
            if names == ["etc"] {
                entries.push(Entry::file(".wh.etc", ""));
                // In a layer of its own, or the whiteout and what comes in its place exclude each other.
                let image = Image::busybox().layer(&entries).layer(&[make("etc", &secret)]);
                sandbox.load(&image);
            } else {
                entries.extend(names.iter().map(|name| make(name, &secret)));
                load(&sandbox, &entries, json!({}));
            }
            // By name, so that the account files are read as well.
            let words = ["run", "--rm", "--add-host", "a:1.2.3.4", "--user", "root", IMAGE];
            let outcome = sandbox.coracle(words).args(["/bin/busybox", "true"]).run();
            assert!(matches!(outcome.code, Some(0 | 125 | 126)), "{outcome}");
            assert!(outcome.elapsed.as_secs() < 5, "{outcome}");
            canary.check(&[&outcome]);
        }
    }
}

/// CVE-2024-9341, CVE-2019-18837: a mount over a link of the image is made in the root.
#[test]
fn cve_2024_9341_targets_behind_links_stay_in_the_root() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let outside = canary.directory().to_str().unwrap().to_owned();
    sandbox.file("host/mark", "ours");
    let host = sandbox.path("work/host");
    let before = host_view(&sandbox);
    for (link, target) in [
        ("mnt", outside.as_str()),
        ("mnt", "../../../../../../../../.."),
        ("mnt", "/proc/self/cwd"),
        ("mnt", "/proc/1/root"),
        ("mnt", "mnt"),
    ] {
        load(&sandbox, &[Entry::symlink(link, target)], json!({}));
        for below in ["", "/secret", "/new/deep"] {
            for words in [
                ["-v".to_owned(), format!("{}:/mnt{below}", host.display())],
                ["-v".to_owned(), format!("vol:/mnt{below}")],
                ["--tmpfs".to_owned(), format!("/mnt{below}")],
            ] {
                let outcome = sandbox
                    .coracle(["run", "--rm"])
                    .args(&words)
                    .args([IMAGE, "/bin/busybox", "true"])
                    .run();
                assert!(matches!(outcome.code, Some(0 | 125)), "{outcome}");
                canary.check(&[&outcome]);
            }
        }
    }
    assert_eq!(host_view(&sandbox), before);
    assert_eq!(fs::read_dir(&host).unwrap().count(), 1);
}

/// CVE-2022-1227, CVE-2019-14271, CVE-2026-41567: nothing that an image brings is executed or loaded by us.
#[test]
fn cve_2022_1227_nothing_of_the_image_is_executed_by_us() {
    requires!("program:cc");
    let sandbox = Sandbox::new();
    let library = sandbox.path("tmp/evil.so");
    let source = "#include <fcntl.h>\n__attribute__((constructor)) static void x(void) { open(\"/marker\", O_CREAT, 0600); \
                  open(\"/tmp/marker\", O_CREAT, 0600); }";
    sandbox
        .program("cc")
        .args(["-shared", "-fPIC", "-x", "c", "-", "-o"])
        .arg(&library)
        .input(source)
        .run()
        .succeeds();
    let library = fs::read(library).unwrap();
    let script = "#!/bin/sh\necho x >/marker\n";
    let mut entries = vec![
        Entry::directory("lib/"),
        Entry::directory("lib/x86_64-linux-gnu/"),
        Entry::directory("usr/bin/"),
        Entry::file("etc/ld.so.preload", "/lib/evil.so\n"),
        Entry::program("lib/evil.so", &library),
        Entry::file(
            "etc/nsswitch.conf",
            "passwd: evil files\ngroup: evil files\nhosts: evil files\n",
        ),
        Entry::file("etc/passwd", "root:x:0:0::/:/bin/sh\nme:x:7:7::/:/bin/sh\n"),
    ];
    for name in ["libnss_files.so.2", "libnss_evil.so.2", "libc.so.6"] {
        entries.push(Entry::program(format!("lib/{name}"), &library));
        entries.push(Entry::program(format!("lib/x86_64-linux-gnu/{name}"), &library));
    }
    for name in [
        "bin/ps",
        "usr/bin/xz",
        "usr/bin/unpigz",
        "usr/bin/gzip",
        "usr/bin/tar",
        "usr/bin/newuidmap",
        "usr/bin/mount",
    ] {
        entries.push(Entry::program(name, script));
    }
    load(&sandbox, &entries, json!({ "User": "me" }));
    sandbox
        .coracle(["run", "-d", "--name", "one", IMAGE, "sleep", "1000"])
        .run()
        .succeeds();
    for words in [
        &["top", "one"][..],
        &["top", "one", "-ef"],
        &["top", "one", "user", "pid", "args"],
        &["exec", "-u", "me", "one", "true"],
        &["inspect", "one"],
        &["logs", "one"],
        &["ps", "--size"],
        &["system", "df"],
    ] {
        sandbox.coracle(words).run().succeeds();
    }
    let look = ["exec", "-u", "0", "one", "ls", "/marker", "/tmp/marker"];
    sandbox.coracle(look).run().exits(1).prints("");
    sandbox.coracle(["stop", "-t", "0", "one"]).run().succeeds();
    sandbox.coracle(["rm", "one"]).run().succeeds();
    assert!(!fs::exists("/marker").unwrap() && !fs::exists("/tmp/marker").unwrap());
}
