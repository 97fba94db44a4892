//! `/run/.containerenv`, by which programs know that they are in a container.

use std::fs;

use super::death::IMAGE;
use super::support::tar::Entry;
use super::support::{Image, Sandbox};

const LOOK: &str = "stat -c '%a %u %s %F' /run/.containerenv";
const EMPTY: &str = "644 0 0 regular empty file\n";

#[test]
fn every_container_is_marked() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let options: [&[&str]; 7] = [
        &[],
        &["--init"],
        &["--user", "1000:1000"],
        &["--read-only"],
        &["--read-only", "--read-only-tmpfs=false"],
        &["--tmpfs", "/run:size=1m"],
        &["--mount", "type=tmpfs,target=/run"],
    ];
    for words in options {
        let outcome = sandbox
            .coracle(["run", "--rm"])
            .args(words)
            .args([IMAGE, "sh", "-c", LOOK])
            .run();
        outcome.succeeds().prints(EMPTY);
    }
    // It is the container's own to take away, and no change of its image.
    sandbox
        .coracle(["run", "--name", "one", IMAGE, "sh", "-c"])
        .arg(format!("{LOOK}; rm -f /run/.containerenv; echo x >/run/x"))
        .run()
        .succeeds()
        .prints(EMPTY);
    sandbox
        .coracle(["diff", "one"])
        .run()
        .succeeds()
        .prints("C /run\nA /run/x\n");
    sandbox.coracle(["rm", "one"]).run().succeeds();
    sandbox
        .coracle(["run", "--rm", IMAGE, "sh", "-c", LOOK])
        .run()
        .succeeds()
        .prints(EMPTY);
}

#[test]
fn a_privileged_one_is_told_what_it_is() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    sandbox
        .coracle([
            "create",
            "--privileged",
            "--name",
            "one",
            IMAGE,
            "cat",
            "/run/.containerenv",
        ])
        .run()
        .succeeds();
    let id = sandbox
        .coracle(["inspect", "--format", "{{.Id}} {{.Image}}", "one"])
        .run();
    let ids = id.succeeds().text().to_owned();
    let (id, image) = ids.split_once(' ').expect("two words");
    let image = image.strip_prefix("sha256:").unwrap_or(image);
    for name in ["one", "two"] {
        let text = format!(
            "engine=\"coracle-{}\"\nname=\"{name}\"\nid=\"{id}\"\nimage=\"{IMAGE}\"\nimageid=\"{image}\"\nrootless={}\n",
            env!("CARGO_PKG_VERSION"),
            u8::from(!super::support::requires::is_root()),
        );
        sandbox
            .coracle(["start", "-a", name])
            .run()
            .succeeds()
            .prints(&text);
        if name == "one" {
            sandbox.coracle(["rename", "one", "two"]).run().succeeds();
        }
    }
    sandbox.coracle(["rm", "two"]).run().succeeds();
}

/// Nothing of the host's is marked, and nothing of an image leads there.
#[test]
fn what_lies_at_run_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let host = sandbox.file("host/file", "");
    let host = host.parent().expect("a directory").to_owned();
    for privileged in ["--privileged=false", "--privileged"] {
        sandbox
            .coracle(["run", "--rm", privileged, "-v"])
            .arg(format!("{}:/run", host.display()))
            .args([IMAGE, "ls", "-A", "/run"])
            .run()
            .succeeds()
            .prints("file\n");
    }
    for privileged in ["--privileged=false", "--privileged"] {
        let images = [
            // A directory that everybody may write to stays one.
            (vec![Entry::directory("run/").mode(0o1777)], "1777 directory true"),
            // Links lead nowhere.
            (vec![Entry::symlink("run", "/out")], "777 symbolic link false"),
            (
                vec![
                    Entry::directory("run/"),
                    Entry::symlink("run/.containerenv", "/out/x"),
                ],
                "755 directory true",
            ),
            (vec![Entry::file("run", "")], "644 regular empty file false"),
        ];
        for (entries, expected) in images {
            let image = Image::busybox().layer(&entries).name("localhost/odd");
            sandbox.load(&image);
            let script = "echo $(stat -c '%a %F' /run) $(test -e /run/.containerenv && echo true || echo false); ls -A /out";
            let outcome = sandbox
                .coracle(["run", "--rm", privileged, "-v"])
                .arg(format!("{}:/out", host.display()))
                .args(["localhost/odd", "sh", "-c", script])
                .run();
            let is_dead_link = privileged == "--privileged=false" && entries.len() == 2;
            let expected = if is_dead_link {
                "755 directory false"
            } else {
                expected
            };
            outcome.succeeds().prints(&format!("{expected}\nfile\n"));
        }
        assert_eq!(fs::read_dir(&host).unwrap().count(), 1, "{privileged}");
    }
    // A directory that is used as it is may be a whole host.
    let root = sandbox.path("work/root");
    fs::create_dir_all(root.join("run")).unwrap();
    fs::create_dir_all(root.join("bin")).unwrap();
    fs::copy("/bin/busybox", root.join("bin/busybox")).unwrap();
    for (word, found) in [("work/root", "1"), ("work/root:O", "0")] {
        sandbox
            .coracle(["run", "--rm", "--rootfs"])
            .arg(sandbox.path(word))
            .args(["/bin/busybox", "sh", "-c", "test -e /run/.containerenv; echo $?"])
            .run()
            .succeeds()
            .prints(&format!("{found}\n"));
        assert_eq!(fs::read_dir(root.join("run")).unwrap().count(), 0, "{word}");
    }
}

/// Not by way of a link of the image's either, which leads from the target of a volume to where the mark belongs.
#[test]
fn what_a_link_of_the_image_leads_to_is_left_alone() {
    let sandbox = Sandbox::new();
    let links = [
        Entry::directory("run/"),
        Entry::directory("var/"),
        Entry::symlink("var/run", "/run"),
        Entry::symlink("link", "/run"),
    ];
    sandbox.load(&Image::busybox().layer(&links));
    let host = sandbox.file("host/.containerenv", "the user's");
    let host = host.parent().expect("a directory").to_owned();
    let options: [&[&str]; 4] = [
        &["--read-only"],
        &["--tmpfs", "/run"],
        &["--privileged", "--tmpfs", "/run"],
        &["--systemd=always"],
    ];
    for words in options {
        for target in ["/var/run", "/link"] {
            sandbox
                .coracle(["run", "--rm"])
                .args(words)
                .arg("-v")
                .arg(format!("{}:{target}", host.display()))
                .args([IMAGE, "cat"])
                .arg(format!("{target}/.containerenv"))
                .run()
                .succeeds();
            let content = fs::read_to_string(host.join(".containerenv")).expect("it stays");
            assert_eq!(content, "the user's", "{words:?} {target}");
        }
    }
}
