//! Archives of skopeo, umoci, buildah and podman, and ours in their hands.
//!
//! A tool that is not installed is passed over with a line that says so.

use std::process::Command;

use super::*;

/// Runs a tool and returns what it printed; `None` where it is not installed.
fn run(fixture: &Fixture, words: &[&str]) -> Option<String> {
    let storage = ["--root", "storage", "--runroot", "run", "--storage-driver", "vfs"].map(|word| {
        if word.starts_with('-') || word == "vfs" {
            word.to_owned()
        } else {
            fixture.path(word).display().to_string()
        }
    });
    let mut command = Command::new(words[0]);
    if matches!(words[0], "podman" | "buildah") {
        command.args(storage);
    }
    command.args(&words[1..]).current_dir(fixture.directory.path());
    command
        .env("TMPDIR", fixture.directory.path())
        .env("BUILDAH_ISOLATION", "chroot");
    let output = match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: {} is not installed", words[0]);
            return None;
        }
        output => output.unwrap(),
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// A fixture in whose store the usual sample is known as `localhost/x:1`.
fn loaded() -> (Fixture, Digest) {
    let fixture = Fixture::new();
    let sample = Sample::usual();
    fixture
        .load(&fixture.write("archive", &sample.docker(&["localhost/x:1"])))
        .unwrap();
    (fixture, sample.id())
}

fn load_fresh(from: &Path) -> Published {
    let other = Fixture::new();
    let mut loaded = other
        .load(from)
        .unwrap_or_else(|error| panic!("{}: {error:#}", from.display()));
    assert_eq!(loaded.len(), 1);
    other.assert_no_leftovers();
    loaded.remove(0)
}

#[test]
fn skopeo_reads_what_we_save() {
    let (fixture, id) = loaded();
    for (format, transport) in [
        (Format::DockerArchive, "docker-archive:saved"),
        (Format::OciArchive, "oci-archive:saved"),
        (Format::OciDirectory, "oci:saved:localhost/x:1"),
        (Format::DockerDirectory, "dir:saved"),
    ] {
        let path = fixture.save(&["x:1"], format, "saved");
        let Some(text) = run(&fixture, &["skopeo", "inspect", "--raw", "--config", transport]) else {
            return;
        };
        assert_eq!(Digest::of(text.as_bytes()), id, "{transport}");
        // Copying reads every blob and checks it.
        run(
            &fixture,
            &[
                "skopeo",
                "copy",
                "-q",
                "--insecure-policy",
                transport,
                "dir:copied",
            ],
        )
        .unwrap();
        assert_eq!(load_fresh(&fixture.path("copied")).id, id);
        let _ = std::fs::remove_dir_all(fixture.path("copied"));
        let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
    }
}

#[test]
fn we_read_what_skopeo_writes() {
    let (fixture, id) = loaded();
    fixture.save(&["x:1"], Format::DockerArchive, "saved");
    for (transport, file, format) in [
        ("docker-archive:out:localhost/y:2", "out", "v2s2"),
        ("oci-archive:out:localhost/y:2", "out", "oci"),
        ("oci:out:localhost/y:2", "out", "oci"),
        ("dir:out", "out", "v2s2"),
        ("dir:out", "out", "oci"),
    ] {
        let copy = [
            "skopeo",
            "copy",
            "-q",
            "--insecure-policy",
            "--format",
            format,
            "docker-archive:saved",
            transport,
        ];
        if run(&fixture, &copy).is_none() {
            return;
        }
        let path = fixture.path(file);
        let loaded = load_fresh(&path);
        if format == "v2s2" {
            assert_eq!(loaded.id, id, "{transport}");
        }
        assert_eq!(
            loaded.names.len(),
            usize::from(!transport.starts_with("dir")),
            "{transport}"
        );
        let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
    }
}

#[test]
fn podman_loads_what_we_save_with_the_same_id() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: podman's own storage needs root here");
        return;
    }
    for format in [Format::DockerArchive, Format::OciArchive] {
        let (fixture, id) = loaded();
        fixture.save(&["x:1"], format, "saved");
        if run(&fixture, &["podman", "load", "-q", "-i", "saved"]).is_none() {
            return;
        }
        let inspected = run(
            &fixture,
            &[
                "podman",
                "image",
                "inspect",
                "--format",
                "{{.Id}}",
                "localhost/x:1",
            ],
        );
        assert_eq!(inspected.unwrap().trim(), id.hex());
        for written in ["docker-archive", "oci-archive", "oci-dir", "docker-dir"] {
            run(
                &fixture,
                &[
                    "podman",
                    "save",
                    "-q",
                    "--format",
                    written,
                    "-o",
                    written,
                    "localhost/x:1",
                ],
            )
            .unwrap();
            let back = load_fresh(&fixture.path(written));
            // Podman writes another configuration when it changes between the two kinds.
            if written.starts_with("docker") == (format == Format::DockerArchive) {
                assert_eq!(back.id, id, "{written}");
            }
            if written.ends_with("archive") {
                assert_eq!(back.names[0].reference.to_string(), "localhost/x:1", "{written}");
            }
        }
    }
}

#[test]
fn buildah_and_umoci_make_images_we_load() {
    let fixture = Fixture::new();
    if run(&fixture, &["umoci", "init", "--layout", "layout"]).is_some() {
        run(&fixture, &["umoci", "new", "--image", "layout:made"]);
        run(
            &fixture,
            &[
                "umoci",
                "config",
                "--image",
                "layout:made",
                "--config.cmd",
                "/x",
                "--config.env",
                "A=b",
            ],
        );
        std::fs::create_dir_all(fixture.path("content")).unwrap();
        fixture.write("content/file", b"content");
        run(
            &fixture,
            &["umoci", "insert", "--image", "layout:made", "content", "/where"],
        );
        let loaded = load_fresh(&fixture.path("layout"));
        assert_eq!(loaded.names[0].reference.to_string(), "localhost/made:latest");
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: buildah's own storage needs root here");
        return;
    }
    let Some(container) = run(&fixture, &["buildah", "from", "scratch"]) else {
        return;
    };
    let container = container.trim();
    fixture.write("file", b"content");
    run(&fixture, &["buildah", "copy", container, "file", "/"]);
    run(
        &fixture,
        &["buildah", "config", "--cmd", "/file", "--label", "a=b", container],
    );
    run(
        &fixture,
        &["buildah", "commit", "-q", container, "localhost/made:1"],
    );
    let id = run(&fixture, &["buildah", "images", "-q", "--no-trunc", "made:1"]).unwrap();
    for target in ["docker-archive:built:made:1", "oci-archive:built:made:1"] {
        run(&fixture, &["buildah", "push", "-q", "made:1", target]);
        let loaded = load_fresh(&fixture.path("built"));
        if target.starts_with("oci") {
            assert_eq!(loaded.id.to_string(), id.trim(), "{target}");
        }
        let _ = std::fs::remove_file(fixture.path("built"));
    }
}
