//! `export`: the files of a container as an archive.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rustix::process::Signal;

use super::death::{IMAGE, empties};
use super::support::tar::Entry;
use super::support::{Image, Sandbox};

/// All entries of an archive: what is said of each, and its content.
fn entries(path: &Path) -> BTreeMap<String, (String, Vec<u8>)> {
    let mut archive = tar::Archive::new(fs::File::open(path).unwrap());
    let mut found = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header();
        let said = format!(
            "{:?} {:o} {}:{} {}",
            header.entry_type(),
            header.mode().unwrap(),
            header.uid().unwrap(),
            header.gid().unwrap(),
            entry.link_name_bytes().unwrap_or_default().escape_ascii()
        );
        let name = entry.path_bytes().escape_ascii().to_string();
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        assert!(
            found.insert(name.clone(), (said, content)).is_none(),
            "{name} twice"
        );
    }
    found
}

const CHANGES: &str = "echo changed >/etc/word; rm /etc/gone; mkdir -m 1777 /new; chown 5:6 /new; \
     echo x >/new/file; ln /new/file /new/twin; ln -s target /new/link; mkfifo /new/pipe; chmod 4755 /new/file; \
     echo volume >/data/inside; rm -r /etc/whole; mkdir /etc/whole; echo now >/etc/whole/now";

fn image() -> Image {
    let entries = [
        Entry::file("etc/word", "first"),
        Entry::file("etc/gone", "gone"),
        Entry::file("etc/kept", "kept").mode(0o640).owner(0, 42),
        Entry::directory("etc/whole/"),
        Entry::file("etc/whole/before", "before"),
        Entry::directory("data/"),
        Entry::file("data/below", "of the image"),
    ];
    Image::new()
        .layer(&super::support::image::busybox_entries())
        .layer(&entries)
        .name("localhost/base:1")
}

#[test]
fn what_a_container_has_made_is_exported() {
    let sandbox = Sandbox::new();
    sandbox.load(&image());
    let script = format!("{CHANGES}; echo ready; exec sleep 1000");
    let run = [
        "run", "--name", "one", "-v", "/data", "base:1", "sh", "-c", &script,
    ];
    let running = sandbox.coracle(run).start();
    running.expect("ready");
    let live = sandbox.path("tmp/live.tar");
    sandbox
        .coracle(["export", "-o"])
        .arg(&live)
        .arg("one")
        .run()
        .succeeds()
        .prints("");
    sandbox.coracle(["kill", "one"]).run().succeeds();
    running.wait();
    let stopped = sandbox.path("tmp/stopped.tar");
    let printed = sandbox.coracle(["container", "export", "one"]).run().succeeds();
    fs::write(&stopped, &printed.stdout).unwrap();
    assert!(fs::read(&live).unwrap() == fs::read(&stopped).unwrap());

    let found = entries(&stopped);
    let said = |name: &str| found.get(name).map(|(said, _)| said.as_str());
    let content = |name: &str| found.get(name).map(|(_, content)| content.as_slice());
    assert_eq!(content("etc/word"), Some(&b"changed\n"[..]));
    assert_eq!(said("etc/kept"), Some("Regular 640 0:42 "));
    assert_eq!((said("etc/gone"), said("etc/whole/before")), (None, None));
    assert_eq!(content("etc/whole/now"), Some(&b"now\n"[..]));
    assert_eq!(said("new/"), Some("Directory 1777 5:6 "));
    assert_eq!(said("new/file"), Some("Regular 4755 0:0 "));
    assert_eq!(said("new/twin"), Some("Link 4755 0:0 new/file"));
    assert_eq!(said("new/link"), Some("Symlink 777 0:0 target"));
    assert_eq!(said("new/pipe"), Some("Fifo 644 0:0 "));
    // What is mounted hides what is below it only in the container.
    assert_eq!(
        (content("data/below"), content("data/inside")),
        (Some(&b"of the image"[..]), None)
    );

    // An image of it has the same files.
    sandbox
        .coracle(["import"])
        .arg(&stopped)
        .arg("again:1")
        .run()
        .succeeds();
    sandbox
        .coracle([
            "run",
            "--rm",
            "again:1",
            "sh",
            "-c",
            "cat /etc/word /new/twin; stat -c %u:%g%a /new /etc/kept",
        ])
        .run()
        .succeeds()
        .prints("changed\nx\n5:61777\n0:42640\n");
    sandbox.coracle(["system", "check"]).run().succeeds();
}

#[test]
fn directories_that_are_containers_are_exported() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let root = sandbox.path("work/root");
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(root.join("etc/file"), "theirs").unwrap();
    let overlay = format!("{}:O", root.display());
    for (name, root) in [("plain", root.to_str().unwrap()), ("over", &overlay)] {
        sandbox
            .coracle(["create", "--name", name, "--rootfs", root, "true"])
            .run()
            .succeeds();
        let archive = sandbox.path(format!("tmp/{name}.tar"));
        sandbox
            .coracle(["export", "-o"])
            .arg(&archive)
            .arg(name)
            .run()
            .succeeds();
        assert_eq!(entries(&archive)["etc/file"].1, b"theirs");
    }
    let nobody = sandbox.coracle(["export", "none"]).run();
    nobody.exits(125).says("no such container").says_one_line();
}

#[test]
fn an_export_that_is_killed_leaves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox
        .coracle(["create", "--name", "one", IMAGE, "true"])
        .run()
        .succeeds();
    let archive = sandbox.path("tmp/one.tar");
    // A reader that takes the beginning and no more holds the writer up.
    let pipe = sandbox.path("tmp/pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let export = sandbox.coracle(["export", "-o"]).arg(&pipe).arg("one").start();
    let mut reader = fs::File::open(&pipe).unwrap();
    std::io::Read::read_exact(&mut reader, &mut [0; 512]).unwrap();
    export.signal(Signal::KILL);
    export.wait();
    drop(reader);
    sandbox
        .coracle(["export", "-o"])
        .arg(&archive)
        .arg("one")
        .run()
        .succeeds();
    assert!(!entries(&archive).is_empty());
    sandbox.coracle(["rm", "one"]).run().succeeds();
    // Swept by whoever removes images.
    sandbox.coracle(["rmi", "--all"]).run().succeeds();
    empties(&sandbox, &["staging", "trash", "containers"]);
}
