//! `volume …`, and volumes of containers.

use serde_json::json;

use super::support::image::busybox_entries;
use super::support::tar::Entry;
use super::support::{Image, Sandbox};

/// An image with something at `/data`, in two layers.
fn image() -> Image {
    let lower = [
        Entry::directory("data").mode(0o1770).owner(5, 6).mtime(1_000_000),
        Entry::file("data/gone", "gone"),
        Entry::file("data/file", "content")
            .mode(0o4751)
            .owner(7, 8)
            .mtime(1_234_567),
        // The last entry of a file with several names describes it.
        Entry::hard_link("data/again", "data/file")
            .mode(0o4751)
            .owner(7, 8)
            .mtime(1_234_567),
        Entry::symlink("data/link", "/etc/passwd"),
        Entry::fifo("data/fifo"),
        Entry::symlink("way", "/data"),
    ];
    let upper = [
        Entry::directory("data/sub").mode(0o700),
        Entry::file("data/sub/more", "more").xattr("user.note", "kept"),
        Entry::file("data/.wh.gone", ""),
    ];
    Image::new()
        .layer(&busybox_entries())
        .layer(&lower)
        .layer(&upper)
        .configure(json!({ "Cmd": ["sh"] }))
        .name("localhost/data:latest")
}

const SHOW: &str = "cd /v; stat -c '%n %a %u:%g %Y' . file; [ file -ef again ] && echo linked; readlink link; \
                    cat sub/more; echo; ls gone 2>/dev/null; [ -p fifo ] && echo fifo; true";
const SHOWN: &str = ". 1770 5:6 1000000\nfile 4751 7:8 1234567\nlinked\n/etc/passwd\nmore\nfifo\n";

#[test]
fn made_listed_inspected_and_removed() {
    let sandbox = Sandbox::new();
    sandbox
        .coracle(["volume", "ls"])
        .run()
        .succeeds()
        .prints("DRIVER    VOLUME NAME\n");
    let create = [
        "volume",
        "create",
        "--label",
        "a=b",
        "--opt",
        "o=uid=3,gid=4",
        "one",
    ];
    sandbox.coracle(create).run().succeeds().prints("one\n");
    sandbox
        .coracle(["volume", "create", "one"])
        .run()
        .succeeds()
        .prints("one\n");
    let anonymous = sandbox.coracle(["volume", "create"]).run().succeeds();
    let anonymous = anonymous.text().trim();
    assert_eq!(anonymous.len(), 64);
    sandbox
        .coracle([
            "volume",
            "ls",
            "--filter",
            "label=a",
            "--format",
            "{{.Name}} {{.Driver}} {{.Labels}} {{.Label \"a\"}}",
        ])
        .run()
        .succeeds()
        .prints("one local a=b b\n");
    let document = sandbox
        .coracle(["volume", "inspect", "one"])
        .run()
        .succeeds()
        .json();
    let data = sandbox.data_root().join("volumes/one/_data");
    assert_eq!(document[0]["Mountpoint"], data.to_str().unwrap());
    assert_eq!(
        (&document[0]["UID"], &document[0]["Labels"]["a"]),
        (&json!(3), &json!("b"))
    );
    sandbox.coracle(["volume", "exists", "one"]).run().exits(0);
    sandbox.coracle(["volume", "exists", "two"]).run().exits(1);
    sandbox
        .coracle(["volume", "inspect", "two"])
        .run()
        .exits(125)
        .says("no such volume two");
    sandbox
        .coracle(["volume", "create", "../x"])
        .run()
        .exits(125)
        .says("invalid");
    sandbox
        .coracle(["volume", "rm", "two", "one"])
        .run()
        .exits(1)
        .prints("one\n");
    sandbox
        .coracle(["volume", "rm", "--force", "two"])
        .run()
        .succeeds();
    let pruned = sandbox.coracle(["volume", "prune", "--force"]).run().succeeds();
    assert!(
        pruned
            .text()
            .starts_with(&format!("Deleted Volumes:\n{anonymous}\n")),
        "{pruned:?}"
    );
    sandbox
        .coracle(["volume", "ls", "--quiet"])
        .run()
        .succeeds()
        .prints("");
}

/// CVE-2020-1726: only an empty volume is filled.
#[test]
fn a_new_volume_gets_what_the_image_has_once() {
    let sandbox = Sandbox::new();
    sandbox.load(&image());
    let run = |options: &[&str], script: &str| {
        sandbox
            .coracle(["run", "--rm", "--network=none"])
            .args(options)
            .args(["data", "sh", "-c", script])
            .run()
    };
    let moved = SHOW.replace("/v", "/data");
    run(&["-v", "one:/data"], &moved).succeeds().prints(SHOWN);
    // What was removed does not come again, and what is there is not covered.
    run(&["-v", "one:/data"], "rm -rf /data/*; echo new > /data/file").succeeds();
    run(&["-v", "one:/data"], "ls /data; cat /data/file")
        .succeeds()
        .prints("file\nnew\n");
    // Through a link of the image, and by --mount.
    run(&["--mount", "source=two,target=/way"], &moved)
        .succeeds()
        .prints(SHOWN);
    run(&["-v", "three:/data:nocopy"], "ls -A /data")
        .succeeds()
        .prints("");
    run(&["-v", "four:/nowhere"], "ls -A /nowhere; stat -c %a /nowhere")
        .succeeds()
        .prints("755\n");
    run(&["-v", "five:/data:ro"], "cat /data/sub/more; touch /data/x")
        .exits(1)
        .prints("more");
}
#[test]
fn a_volume_in_use_stays() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let create = ["create", "--name", "user", "-v", "data:/data", image, "true"];
    sandbox.coracle(create).run().succeeds();
    for force in [&[][..], &["--force"]] {
        sandbox
            .coracle(["volume", "rm", "data"])
            .args(force)
            .run()
            .exits(2)
            .says("volume data is being used by the following container(s): ");
    }
    sandbox
        .coracle(["volume", "prune", "--all", "--force"])
        .run()
        .succeeds();
    sandbox.coracle(["rm", "--volumes", "user"]).run().succeeds();
    // It has a name, so it outlives its users.
    sandbox
        .coracle(["volume", "ls", "-q", "--filter", "dangling=true"])
        .run()
        .prints("data\n");
    sandbox
        .coracle(["volume", "rm", "data"])
        .run()
        .succeeds()
        .prints("data\n");
}

#[test]
fn anonymous_volumes_go_with_their_container_when_asked() {
    let sandbox = Sandbox::new();
    let image = image().configure(json!({ "Volumes": { "/data": {} } }));
    sandbox.load(&image);
    let volumes = || {
        let outcome = sandbox.coracle(["volume", "ls", "--quiet"]).run().succeeds();
        outcome.text().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let script = ["data", "cat", "/data/sub/more"];
    sandbox
        .coracle(["run", "--rm"])
        .args(script)
        .run()
        .succeeds()
        .prints("more");
    assert!(volumes().is_empty());
    sandbox
        .coracle(["run", "--rm", "data", "/no/such/program"])
        .run()
        .exits(127);
    assert!(volumes().is_empty());
    sandbox
        .coracle(["run", "--name", "kept"])
        .args(script)
        .run()
        .succeeds()
        .prints("more");
    let [name] = &volumes()[..] else {
        panic!("{:?}", volumes())
    };
    assert_eq!(name.len(), 64);
    // Somebody else's by its name, it is not taken from him.
    let create = [
        "create",
        "--name",
        "other",
        "-v",
        &format!("{name}:/x"),
        "data",
        "true",
    ];
    sandbox.coracle(create).run().succeeds();
    sandbox.coracle(["rm", "--volumes", "kept"]).run().succeeds();
    assert_eq!(volumes().len(), 2, "the other one has an anonymous volume, too");
    sandbox.coracle(["rm", "other"]).run().succeeds();
    assert_eq!(volumes().len(), 2);
    sandbox.coracle(["volume", "prune", "--force"]).run().succeeds();
    assert!(volumes().is_empty());
}
