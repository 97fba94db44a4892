//! Images by transports: from archives and directories, without a registry.

use std::fs;

use serde_json::json;

use super::support::image::busybox_entries;
use super::support::registry::{Content, Fake};
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

/// The names of all images.
fn names(sandbox: &Sandbox) -> String {
    let format = ["images", "--format", "{{.Repository}}:{{.Tag}}"];
    sandbox.coracle(format).run().succeeds().text().trim().to_owned()
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
            "containers-storage:busybox".to_owned(),
            "the transport containers-storage: is not supported",
        ),
        (
            "docker-daemon:busybox:1".to_owned(),
            "the transport docker-daemon: is not supported",
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
