//! Images by transports: from archives and directories, without a registry.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::corners;
use super::registries::{configure, names};
use super::support::files::tree;
use super::support::files::write_program;
use super::support::image::{busybox_entries, digest};
use super::support::registry::{Answer, Content, Fake};
use super::support::tar::Entry;
use super::support::{Format, Image, Sandbox, requires};

fn image(word: &str) -> Image {
    Image::new()
        .layer(&busybox_entries())
        .layer(&[Entry::file("etc/word", word)])
        .configure(json!({ "Cmd": ["cat", "/etc/word"] }))
}

/// What `pull` prints of an image.
fn printed(image: &Image) -> String {
    format!("{}\n", image.id().trim_start_matches("sha256:"))
}

#[test]
fn archives_are_pulled_under_their_own_names() {
    let sandbox = Sandbox::new();
    let one = image("one").name("localhost/one:1");
    for (transport, format) in [
        ("oci", Format::OciLayout),
        ("oci-archive", Format::OciArchive),
        ("docker-archive", Format::DockerArchive),
    ] {
        let place = sandbox.path(format!("tmp/{transport}"));
        one.write(&place, format);
        let place = format!("{transport}:{}", place.display());
        for (suffix, found) in [
            ("", true),
            (":localhost/one:1", true),
            (":@0", true),
            (":other", false),
            (":@1", false),
        ] {
            let pulled = sandbox.coracle(["pull", &format!("{place}{suffix}")]).run();
            if found {
                pulled.succeeds().prints(&printed(&one));
                assert_eq!(names(&sandbox), "localhost/one:1", "{transport}");
                sandbox.coracle(["rmi", "--all"]).run().succeeds();
            } else {
                pulled.exits(125).says("there is no image").says_one_line();
                assert_eq!(names(&sandbox), "");
            }
        }
    }
}

#[test]
fn run_takes_an_image_from_where_it_lies() {
    let sandbox = Sandbox::new();
    let archive = sandbox.path("tmp/a.tar");
    image("one")
        .name("localhost/one:1")
        .write(&archive, Format::OciArchive);
    let place = format!("oci-archive:{}", archive.display());
    let run = |more: &[&str]| {
        let ran = sandbox
            .coracle([&["run", "--rm"], more, &[place.as_str()]].concat())
            .run();
        ran.succeeds().text().to_owned()
    };
    assert_eq!(run(&["--pull", "never"]), "one");
    // It is read again each time, so that a new one is seen.
    image("two")
        .name("localhost/one:1")
        .write(&archive, Format::OciArchive);
    assert_eq!(run(&["-q"]), "two");
    let created = sandbox.coracle(["create", &place]).run().succeeds();
    let inspected = sandbox
        .coracle(["inspect", created.text().trim()])
        .run()
        .succeeds()
        .json();
    assert_eq!(inspected[0]["ImageName"], "localhost/one:1");
    let directory = sandbox.path("tmp/nothing");
    fs::create_dir(&directory).unwrap();
    for (image, said) in [
        (format!("oci:{}", directory.display()), "index.json"),
        (format!("docker-archive:{}", directory.display()), "manifest.json"),
        ("oci:/nowhere".to_owned(), "/nowhere"),
        (
            "ostree:busybox:1".to_owned(),
            "the transport ostree: is not supported",
        ),
    ] {
        sandbox
            .coracle(["run", "--rm", &image])
            .run()
            .exits(125)
            .says(said)
            .says_one_line();
    }
}

#[test]
fn docker_names_a_registry() {
    let sandbox = Sandbox::new();
    let content = Content::of(&image("one"), &sandbox.path("tmp"));
    let fake = Fake::start(move |asked| content.answer(asked));
    let name = format!("docker://{}/test:v1", fake.host);
    sandbox
        .coracle(["run", "--rm", &name])
        .run()
        .succeeds()
        .prints("one");
    sandbox.coracle(["pull", "--quiet", &name]).run().succeeds();
}

#[test]
fn what_skopeo_wrote_is_pulled() {
    requires!("program:skopeo");
    let sandbox = Sandbox::new();
    let one = image("one");
    let archive = sandbox.path("tmp/a.tar");
    one.write(&archive, Format::OciArchive);
    let source = format!("oci-archive:{}", archive.display());
    for (destination, suffix, expected) in [
        ("dir", "", "<none>:<none>"),
        ("oci", "", "<none>:<none>"),
        ("oci", ":v1", "localhost/v1:latest"),
        ("oci-archive", ":x/y:2", "localhost/x/y:2"),
        ("docker-archive", ":x/y:2", "x/y:2"),
    ] {
        let place = sandbox.path(format!("tmp/{destination}{}", suffix.len()));
        let place = format!("{destination}:{}{suffix}", place.display());
        sandbox
            .program("skopeo")
            .args(["--insecure-policy", "copy", "--quiet", &source, &place])
            .run()
            .succeeds();
        sandbox
            .coracle(["pull", &place])
            .run()
            .succeeds()
            .prints(&printed(&one));
        assert_eq!(names(&sandbox), expected, "{place}");
        sandbox.coracle(["rmi", "--all"]).run().succeeds();
    }
}

/// The types of the layers in a manifest.
fn kinds(manifest: &Value) -> Vec<&str> {
    let layers = manifest["layers"].as_array().expect("layers");
    layers
        .iter()
        .map(|layer| layer["mediaType"].as_str().expect("text"))
        .collect()
}

/// The digests of the layers in an archive of Docker.
fn docker_layers(sandbox: &Sandbox, archive: &Path) -> Vec<String> {
    let member = |name: &str| {
        let tar = sandbox
            .program("tar")
            .args(["--extract", "--to-stdout", "--file"]);
        tar.arg(archive).arg(name).run().succeeds()
    };
    let manifest = member("manifest.json").json();
    let layers = manifest[0]["Layers"].as_array().unwrap().iter();
    layers
        .map(|name| digest(&member(name.as_str().unwrap()).stdout))
        .collect()
}

#[test]
fn images_are_pushed_to_archives_and_directories() {
    requires!("program:skopeo");
    let sandbox = Sandbox::new();
    let one = image("one").name("localhost/one:1");
    sandbox.load(&one);
    let digest_file = sandbox.path("tmp/digest");
    for (number, (place, name, words, kind)) in [
        ("oci", "", &[][..], "tar+gzip"),
        ("oci", ":v1", &["--compression-format", "zstd"], "tar+zstd"),
        ("oci-archive", ":x/y:2", &[], "tar+gzip"),
        ("docker-archive", ":x/y:2", &[], "gzip"),
        ("docker-archive", "", &[], "gzip"),
        ("dir", "", &[], ".v1.tar"),
        ("dir", "", &["--format", "v2s2"], "diff.tar"),
        (
            "dir",
            "",
            &["--compression-format", "gzip", "--compression-level", "1"],
            "tar+gzip",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let path = sandbox.path(format!("tmp/place{number}"));
        let place = format!("{place}:{}{name}", path.display());
        let pushed = sandbox
            .coracle(["push", "--quiet", "--digestfile"])
            .arg(&digest_file)
            .args(words)
            .args(["localhost/one:1", &place])
            .run()
            .succeeds();
        assert_eq!(pushed.text(), place);
        let inspected = sandbox
            .program("skopeo")
            .args(["--insecure-policy", "inspect", "--raw", &place])
            .run();
        let manifest = inspected.succeeds();
        let parsed: Value = serde_json::from_slice(&manifest.stdout).expect("JSON");
        assert!(
            kinds(&parsed).iter().all(|found| found.ends_with(kind)),
            "{place} {words:?}: {parsed}"
        );
        // Skopeo makes up the manifest of an archive of Docker, with types of its own: the layers are as they were.
        if place.starts_with("docker-archive") {
            assert_eq!(docker_layers(&sandbox, &path), one.diff_ids(), "{place}");
        } else {
            let digest = digest(&manifest.stdout);
            assert_eq!(fs::read_to_string(&digest_file).unwrap(), digest, "{place}");
        }
        let copied = format!("dir:{}", sandbox.path(format!("tmp/copy{number}")).display());
        let copy = ["--insecure-policy", "copy", "--quiet", &place, &copied];
        sandbox.program("skopeo").args(copy).run().succeeds();
        sandbox.coracle(["rmi", "--all", "--force"]).run().succeeds();
        let pulled = sandbox.coracle(["pull", "--quiet", &place]).run().succeeds();
        sandbox
            .coracle(["run", "--rm", pulled.text().trim()])
            .run()
            .succeeds()
            .prints("one");
        sandbox.coracle(["rmi", "--all", "--force"]).run().succeeds();
        sandbox.load(&image("one").name("localhost/one:1"));
    }
    let left = tree(&sandbox.path("tmp"));
    let is_new = |path: &&PathBuf| path.file_name().unwrap().as_bytes().starts_with(b"new-");
    assert_eq!(left.iter().find(is_new), None);
}

#[test]
fn a_push_adds_to_a_layout_and_leaves_what_it_cannot_write_alone() {
    let sandbox = Sandbox::new();
    sandbox.load(&image("one").name("localhost/one:1"));
    sandbox.load(&image("two").name("localhost/two:1"));
    let path = |name: &str| sandbox.path(format!("tmp/{name}")).display().to_string();
    let layout = format!("oci:{}", path("layout"));
    sandbox
        .coracle(["push", "one:1", &format!("{layout}:a")])
        .run()
        .succeeds();
    sandbox
        .coracle(["push", "two:1", &format!("{layout}:b")])
        .run()
        .succeeds();
    sandbox
        .coracle(["run", "--rm", &format!("{layout}:a")])
        .run()
        .succeeds()
        .prints("one");
    sandbox
        .coracle(["run", "--rm", &format!("{layout}:b")])
        .run()
        .succeeds()
        .prints("two");
    // An archive is replaced, an archive of Docker is not, nor are strangers' files.
    let archive = format!("oci-archive:{}", path("a.tar"));
    sandbox.coracle(["push", "one:1", &archive]).run().succeeds();
    sandbox.coracle(["push", "two:1", &archive]).run().succeeds();
    sandbox
        .coracle(["run", "--rm", &archive])
        .run()
        .succeeds()
        .prints("two");
    fs::write(path("there.tar"), "precious").unwrap();
    fs::create_dir(path("mine")).unwrap();
    fs::write(path("mine/file"), "precious").unwrap();
    for (words, said) in [
        (
            &[
                "one:1".to_owned(),
                format!("docker-archive:{}", path("there.tar")),
            ][..],
            "there already",
        ),
        (
            &["one:1".to_owned(), format!("dir:{}", path("mine"))],
            "other files",
        ),
        (
            &["none:1".to_owned(), format!("dir:{}", path("new"))],
            "image not known",
        ),
        (
            &["one:1".to_owned(), "oci-archive:/nowhere/x.tar".to_owned()],
            "cannot push to oci-archive:/nowhere/x.tar",
        ),
        (
            &["one:1".to_owned(), format!("oci:{}:@1", path("layout"))],
            "only for reading",
        ),
        (
            &[
                "--format".to_owned(),
                "v2s2".to_owned(),
                "one:1".to_owned(),
                layout.clone(),
            ],
            "manifests of OCI",
        ),
        (
            &["none:1".to_owned(), "containers-storage:x".to_owned()],
            "image not known",
        ),
        (
            &["one:1".to_owned(), "containers-storage:X".to_owned()],
            "only the name of an image",
        ),
        (
            &[
                "--compression-format".to_owned(),
                "zstd".to_owned(),
                "one:1".to_owned(),
                "docker-daemon:x:1".to_owned(),
            ],
            "packs what it is given as it likes",
        ),
    ] {
        sandbox
            .coracle(["push"])
            .args(words)
            .run()
            .exits(125)
            .says(said)
            .says_one_line();
    }
    assert_eq!(fs::read_to_string(path("there.tar")).unwrap(), "precious");
    assert!(!sandbox.path("tmp/new").exists());
}

#[test]
fn images_come_from_podman() {
    requires!("program:podman");
    let sandbox = Sandbox::new();
    let archive = sandbox.path("tmp/image.tar");
    image("one")
        .name("localhost/one:1")
        .write(&archive, Format::DockerArchive);
    corners::podman_loads(&sandbox, &archive);
    let path = format!("{}:/usr/bin:/bin", corners::podman_in_path(&sandbox).display());
    let coracle = |words: &[&str]| sandbox.coracle(words).env("PATH", &path).run();
    coracle(&["run", "--rm", "containers-storage:localhost/one:1"])
        .succeeds()
        .prints("one");
    sandbox.coracle(["rmi", "--all"]).run().succeeds();
    coracle(&["pull", "--quiet", "containers-storage:one:1"])
        .succeeds()
        .prints(&printed(&image("one")));
    assert_eq!(names(&sandbox), "localhost/one:1");
    sandbox.coracle(["rmi", "--all"]).run().succeeds();
    coracle(&["pull", "containers-storage:none:1"])
        .exits(125)
        .says("podman save: ")
        .says_one_line();
    coracle(&["pull", "containers-storage:[vfs@/x]one:1"])
        .exits(125)
        .says("only the name or id");
    coracle(&["pull", "--all-tags", "containers-storage:one"])
        .exits(125)
        .says("--all-tags is for registries");
    // Podman is not started for what is no name.
    let no_name = sandbox
        .coracle(["pull", "containers-storage:One:1"])
        .env("PATH", "/nowhere");
    no_name
        .run()
        .exits(125)
        .says("only the name or id")
        .says_one_line();
    let without = sandbox
        .coracle(["pull", "containers-storage:one:1"])
        .env("PATH", "/nowhere");
    without.run().exits(125).says("install podman").says_one_line();
    let policy = r#"{"default":[{"type":"insecureAcceptAnything"}],"transports":{"containers-storage":{"":[{"type":"reject"}]}}}"#;
    configure(&sandbox, "policy.json", policy);
    coracle(&["pull", "containers-storage:one:1"])
        .exits(125)
        .says("rejects containers-storage");
    assert_eq!(names(&sandbox), "");
    corners::remove_storage(&sandbox);
}

#[test]
fn images_go_to_podman() {
    requires!("program:podman");
    let sandbox = Sandbox::new();
    sandbox.load(&image("one").name("localhost/one:1"));
    let path = format!("{}:/usr/bin:/bin", corners::podman_in_path(&sandbox).display());
    let coracle = |words: &[&str]| sandbox.coracle(words).env("PATH", &path).run();
    coracle(&["push", "one:1", "containers-storage:localhost/theirs:2"])
        .succeeds()
        .prints("Pushed: containers-storage:localhost/theirs:2\n");
    sandbox.coracle(["rmi", "--all"]).run().succeeds();
    coracle(&["run", "--rm", "containers-storage:localhost/theirs:2"])
        .succeeds()
        .prints("one");
    sandbox
        .coracle(["push", "theirs:2", "containers-storage:x"])
        .env("PATH", "/nowhere")
        .run()
        .exits(125)
        .says("install podman")
        .says_one_line();
    // What it says is told.
    let broken = sandbox.path("tmp/bin");
    fs::create_dir_all(&broken).unwrap();
    let program = broken.join("podman");
    write_program(&program, "#!/bin/sh\necho 'Error: no disk' >&2\nexit 125\n");
    sandbox
        .coracle(["push", "theirs:2", "containers-storage:x"])
        .env("PATH", format!("{}:/usr/bin:/bin", broken.display()))
        .run()
        .exits(125)
        .says("podman load: no disk")
        .says_one_line();
    corners::remove_storage(&sandbox);
}

#[test]
fn images_go_to_docker() {
    let sandbox = Sandbox::new();
    sandbox.load(&image("one").name("localhost/one:1"));
    let socket = sandbox.path("run/docker.sock");
    let answers = Arc::new(Mutex::new(vec![
        Answer::new(500, r#"{"message":"not now"}"#),
        Answer::new(
            200,
            r#"{"stream":"x"}{"errorDetail":{"message":"no disk"},"error":"no disk"}"#,
        ),
        Answer::new(200, "{\"stream\":\"Loaded image: theirs:2\\n\"}\n"),
    ]));
    let asked = Fake::at_socket(&socket, move |_| answers.lock().unwrap().pop().unwrap());
    let host = format!("unix://{}", socket.display());
    let push = || {
        sandbox
            .coracle(["push", "one:1", "docker-daemon:theirs:2"])
            .env("DOCKER_HOST", &host)
            .run()
    };
    push()
        .succeeds()
        .prints("Pushed: docker-daemon:docker.io/library/theirs:2\n");
    push().exits(125).says(": no disk").says_one_line();
    push()
        .exits(125)
        .says("answered 500 to the image (not now)")
        .says_one_line();
    let asked = asked.lock().unwrap();
    assert_eq!(
        (asked[0].method.as_str(), asked[0].target.as_str()),
        ("POST", "/images/load?quiet=1")
    );
    let archive = sandbox.path("tmp/sent.tar");
    fs::write(&archive, &asked[0].body).unwrap();
    sandbox.coracle(["rmi", "--all"]).run().succeeds();
    sandbox
        .coracle(["load", "--input"])
        .arg(&archive)
        .run()
        .succeeds();
    assert_eq!(names(&sandbox), "theirs:2");
    sandbox
        .coracle(["run", "--rm", "theirs:2"])
        .run()
        .succeeds()
        .prints("one");
}

#[test]
fn images_come_from_docker() {
    let sandbox = Sandbox::new();
    let archive = sandbox.path("tmp/image.tar");
    image("one")
        .name("docker.io/library/one:latest")
        .write(&archive, Format::DockerArchive);
    let content = fs::read(&archive).unwrap();
    let socket = sandbox.path("run/docker.sock");
    let asked = Fake::at_socket(&socket, move |asked| match asked.target.as_str() {
        "/images/one:latest/get" => Answer::new(200, content.clone()),
        "/images/chunked:1/get" => {
            let mut body = Vec::new();
            for chunk in content.chunks(10_000) {
                body.extend(format!("{:x}\r\n", chunk.len()).bytes());
                body.extend(chunk);
                body.extend(b"\r\n");
            }
            body.extend(b"0\r\n\r\n");
            Answer::new(200, body).header("Transfer-Encoding", "chunked")
        }
        "/images/cut:1/get" => Answer {
            cut: Some(content.len() / 2),
            ..Answer::new(200, content.clone())
        },
        "/images/broken:1/get" => Answer::new(500, r#"{"message":"no\u001b[31m disk"}"#),
        "/images/nonsense:1/get" => Answer::new(200, "x".repeat(100_000)),
        _ => Answer::new(404, r#"{"message":"reference does not exist"}"#),
    });
    let host = format!("unix://{}", socket.display());
    let coracle = |words: &[&str]| sandbox.coracle(words).env("DOCKER_HOST", &host).run();
    coracle(&["run", "--rm", "docker-daemon:one"])
        .succeeds()
        .prints("one");
    assert_eq!(names(&sandbox), "one:latest");
    sandbox.coracle(["rmi", "--all"]).run().succeeds();
    coracle(&["pull", "--quiet", "docker-daemon:chunked:1"])
        .succeeds()
        .prints(&printed(&image("one")));
    sandbox.coracle(["rmi", "--all"]).run().succeeds();
    for (name, said) in [
        ("cut:1", "docker-daemon: "),
        ("broken:1", "answered 500 to image broken:1 (no [31m disk)"),
        ("nonsense:1", "docker-daemon: "),
        ("none:1", "has no image none:1 (reference does not exist)"),
    ] {
        let refused = coracle(&["pull", &format!("docker-daemon:{name}")]).exits(125);
        refused.says(said).says_one_line();
        assert_eq!(names(&sandbox), "", "{name}");
    }
    assert_eq!(asked.lock().unwrap()[0].method, "GET");
    for (host, said) in [
        ("tcp://127.0.0.1:1", "DOCKER_HOST is tcp://127.0.0.1:1"),
        ("unix:///nowhere.sock", "cannot reach Docker at /nowhere.sock"),
    ] {
        let refused = sandbox
            .coracle(["pull", "docker-daemon:one"])
            .env("DOCKER_HOST", host)
            .run();
        refused.exits(125).says(said).says_one_line();
    }
}
