//! `diff`, `image diff` and `image tree`: what images and containers are made of.

use std::collections::BTreeSet;

use serde_json::json;

use super::corners::{podman, podman_loads};
use super::support::tar::Entry;
use super::support::{Format, Image, Sandbox, requires};

fn lower() -> Vec<Entry> {
    vec![
        Entry::directory("etc/"),
        Entry::file("etc/a", "a"),
        Entry::file("etc/b", "b"),
        Entry::file("etc/same", "same"),
        Entry::symlink("etc/link", "a"),
        Entry::directory("op/"),
        Entry::directory("op/x/"),
        Entry::file("op/x/y", "y"),
        Entry::directory("gone/"),
        Entry::file("gone/g", "g"),
        Entry::directory("tmp/").mode(0o1777),
        Entry::file("attributes", "x"),
        Entry::file("kind", "k"),
    ]
}

fn upper() -> Vec<Entry> {
    vec![
        Entry::file("etc/b", "longer"),
        Entry::file("etc/.wh.a", ""),
        Entry::file("etc/same", "same"),
        Entry::symlink("etc/link", "elsewhere"),
        Entry::directory("op/"),
        Entry::file("op/.wh..wh..opq", ""),
        Entry::file("op/z", "z"),
        Entry::file(".wh.gone", ""),
        Entry::directory("odd/"),
        Entry::file("odd/with space", ""),
        Entry::file("odd/$(x)", ""),
        Entry::hard_link("odd/hard", "odd/with space"),
        // Into the layer below.
        Entry::hard_link("odd/below", "kind"),
        Entry::file("tmp/new", ""),
        Entry::file("attributes", "x").mode(0o600),
        Entry::fifo("fifo"),
    ]
}

const CHANGES: &str = "\
C /attributes
C /etc
D /etc/a
C /etc/b
C /etc/link
A /fifo
D /gone
A /odd
A /odd/$(x)
A /odd/below
A /odd/hard
A /odd/with space
C /op
D /op/x
A /op/z
C /tmp
A /tmp/new
";

fn one() -> Image {
    Image::new().layer(&lower()).name("localhost/one:1")
}

fn two() -> Image {
    Image::new()
        .layer(&lower())
        .layer(&upper())
        .name("localhost/two:1")
}

#[test]
fn an_image_is_compared_with_its_lower_layers_or_with_another() {
    let sandbox = Sandbox::new();
    sandbox.load(&one());
    sandbox.load(&two());
    let diff = |words: &[&str]| sandbox.coracle(["image", "diff"]).args(words).run();
    diff(&["two:1"]).succeeds().prints(CHANGES);
    diff(&["two:1", "one:1"]).succeeds().prints(CHANGES);
    diff(&["two:1", "two:1"]).succeeds().prints("");
    let back = diff(&["one:1", "two:1"]).succeeds();
    let expected = CHANGES.lines().map(|line| match line.split_once(' ').unwrap() {
        ("A", "/odd") => "D /odd".into(),
        ("A", path) if path.starts_with("/odd/") => String::new(),
        ("A", path) => format!("D {path}"),
        ("D", path) => format!("A {path}"),
        (_, path) => format!("C {path}"),
    });
    let mut expected: BTreeSet<String> = expected.filter(|line| !line.is_empty()).collect();
    // Of what comes, everything is told.
    expected.extend(["A /gone/g".into(), "A /op/x/y".into()]);
    let told: BTreeSet<String> = back.text().lines().map(str::to_owned).collect();
    assert_eq!(told, expected);
    diff(&["one:1"]).succeeds().prints(
        "A /attributes\nA /etc\nA /etc/a\nA /etc/b\nA /etc/link\nA /etc/same\nA /gone\nA /gone/g\nA /kind\nA /op\n\
         A /op/x\nA /op/x/y\nA /tmp\n",
    );
    let document = diff(&["--format", "json", "two:1"]).succeeds().json();
    assert_eq!(document["deleted"], json!(["/etc/a", "/gone", "/op/x"]));
    assert_eq!(document["changed"].as_array().unwrap().len(), 6);
    assert_eq!(diff(&["--format=json", "two:1", "two:1"]).json(), json!({}));
    diff(&["--format", "yaml", "two:1"]).exits(125).says_one_line();
    diff(&["none"])
        .exits(125)
        .says_one_line()
        .says("none: image not known");
    diff(&["one:1", "two:1", "one:1"]).exits(125);
}

/// With its simplest driver podman compares whole trees, as we do. It tells of nothing in an order.
#[test]
fn podman_sees_the_same_changes() {
    requires!("root", "program:podman");
    let sandbox = Sandbox::new();
    for (image, name) in [(one(), "one"), (two(), "two")] {
        let archive = sandbox.path(format!("work/{name}.tar"));
        image.write(&archive, Format::DockerArchive);
        sandbox
            .coracle(["load", "--quiet", "--input"])
            .arg(&archive)
            .run()
            .succeeds();
        podman_loads(&sandbox, &archive);
    }
    for words in [&["two:1"][..], &["one:1", "two:1"], &["one:1"]] {
        let words: Vec<String> = words.iter().map(|word| format!("localhost/{word}")).collect();
        let ours = sandbox.coracle(["image", "diff"]).args(&words).run().succeeds();
        let theirs = podman(&sandbox)
            .args(["image", "diff"])
            .args(&words)
            .run()
            .succeeds();
        let lines = |text: &str| -> BTreeSet<String> { text.lines().map(str::to_owned).collect() };
        assert_eq!(lines(ours.text()), lines(theirs.text()), "{words:?}");
    }
    let tree = |text: &str| -> Vec<(String, Option<String>)> {
        let layers = text
            .lines()
            .filter(|line| line.contains("ID: ") && !line.starts_with("Image"));
        layers
            .map(|line| {
                let (before, rest) = line.split_once("ID: ").unwrap();
                let top = rest
                    .split_once(" Top Layer of: ")
                    .map(|(_, names)| names.to_owned());
                (before.to_owned(), top)
            })
            .collect()
    };
    for words in [&["two:1"][..], &["--whatrequires", "one:1"]] {
        let ours = sandbox.coracle(["image", "tree"]).args(words).run().succeeds();
        let theirs = podman(&sandbox)
            .args(["image", "tree"])
            .args(words)
            .run()
            .succeeds();
        assert_eq!(tree(ours.text()), tree(theirs.text()), "{words:?}");
    }
}

#[test]
fn a_container_is_compared_with_its_image() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let script = "echo x >/new; rm /etc/group; mkdir /d; echo y >/d/f; chmod 700 /etc; mv /root /moved; \
                  rm -r /bin && mkdir /bin";
    let busybox = ["run", "--name", "one", image, "/bin/busybox", "sh", "-c"];
    sandbox.coracle(busybox).arg(script).run().succeeds();
    let told = sandbox.coracle(["diff", "one"]).run().succeeds();
    let lines: Vec<&str> = told.text().lines().collect();
    for line in [
        "C /bin",
        "D /bin/busybox",
        "C /etc",
        "D /etc/group",
        "A /d",
        "A /d/f",
        "A /new",
        "A /moved",
        "D /root",
    ] {
        assert!(lines.contains(&line), "{line} is not told: {lines:?}");
    }
    for place in ["/proc", "/sys", "/dev", "/etc/hosts", "/etc/resolv.conf"] {
        assert!(
            !lines.iter().any(|line| line.ends_with(place)),
            "{place} in {lines:?}"
        );
    }
    let same = sandbox
        .coracle(["container", "diff", "--latest"])
        .run()
        .succeeds();
    assert_eq!(same.stdout, told.stdout);
    let against = sandbox.coracle(["diff", "one", image]).run().succeeds();
    assert_eq!(against.stdout, told.stdout);
    // The image may be gone: its layers stay with the container.
    sandbox.coracle(["rmi", "--force", image]).run().succeeds();
    let after = sandbox.coracle(["diff", "one"]).run().succeeds();
    assert_eq!(after.stdout, told.stdout);
    sandbox.coracle(["diff", "none"]).run().exits(125).says_one_line();
    sandbox
        .coracle(["create", "--name", "two", "--rootfs", "/"])
        .arg("true")
        .run()
        .succeeds();
    sandbox.coracle(["diff", "two"]).run().exits(125).says_one_line();
}

#[test]
fn layers_are_drawn_as_a_tree() {
    let sandbox = Sandbox::new();
    sandbox
        .coracle(["image", "tree", "none"])
        .run()
        .exits(125)
        .says_one_line();
    let (one, two) = (one(), two());
    sandbox.load(&one);
    sandbox.load(&two);
    let three = Image::new()
        .layer(&lower())
        .layer(&[Entry::file("other", vec![b'x'; 2_500_000])])
        .name("localhost/three:1");
    sandbox.load(&three);
    let short = |digest: &str| digest["sha256:".len()..][..12].to_owned();
    let layers = two.diff_ids();
    let tree = |words: &[&str]| sandbox.coracle(["image", "tree"]).args(words).run().succeeds();
    tree(&["two:1"]).prints(&format!(
        "Image ID: {}\nTags:     [localhost/two:1]\nSize:     22B\nImage Layers\n\
         ├── ID: {} Size:     10B Top Layer of: [localhost/one:1]\n\
         └── ID: {} Size:     12B Top Layer of: [localhost/two:1]\n\n",
        short(&two.id()),
        short(&layers[0]),
        short(&layers[1]),
    ));
    let required = tree(&["--whatrequires", "one:1"]);
    let lines: BTreeSet<&str> = required.text().lines().skip(5).collect();
    let other = format!(
        "ID: {} Size:   2.5MB Top Layer of: [localhost/three:1]",
        short(&three.diff_ids()[1])
    );
    let own = format!(
        "ID: {} Size:     12B Top Layer of: [localhost/two:1]",
        short(&layers[1])
    );
    let either = [
        [format!("├── {own}"), format!("└── {other}")],
        [format!("├── {other}"), format!("└── {own}")],
    ];
    assert!(
        either
            .iter()
            .any(|lines_of| lines_of.iter().all(|line| lines.contains(line.as_str()))),
        "{lines:?}"
    );
    let empty = Image::new().name("localhost/empty:1");
    sandbox.load(&empty);
    let drawn = tree(&["empty:1"]);
    assert!(drawn.text().ends_with("No Image Layers"), "{drawn}");
}

#[test]
fn images_are_drawn_with_their_platforms() {
    let sandbox = Sandbox::new();
    let tree = || sandbox.coracle(["images", "--tree"]).run().succeeds();
    tree().prints("IMAGE   ID             DISK USAGE   CONTENT SIZE   EXTRA\n");
    let (one, two) = (one(), two());
    sandbox.load(&two);
    sandbox.load(&one);
    sandbox
        .coracle(["tag", "one:1", "localhost/another:1"])
        .run()
        .succeeds();
    sandbox.coracle(["create", "one:1", "true"]).run().succeeds();
    let told = tree();
    let lines: Vec<&str> = told.text().lines().collect();
    let short = |image: &Image| image.id()["sha256:".len()..][..12].to_owned();
    assert_eq!(lines[1], "localhost/another:1");
    assert!(
        lines[2].starts_with(&format!("localhost/one:1       {}          10B ", short(&one))),
        "{told}"
    );
    assert!(
        lines[2].ends_with("   U") && lines[3].starts_with("└─ linux/") && lines[3].ends_with("   U"),
        "{told}"
    );
    assert_eq!(lines[4], "");
    assert!(
        lines[5].starts_with(&format!("localhost/two:1       {}          22B ", short(&two))),
        "{told}"
    );
    assert!(!lines[5].ends_with('U') && lines.len() == 7, "{told}");
    let only = sandbox.coracle(["images", "--tree", "two"]).run().succeeds();
    assert_eq!(only.text().lines().count(), 3);
    for more in [&["--quiet"][..], &["--sort", "size"], &["--noheading"]] {
        let refused = sandbox.coracle(["images", "--tree"]).args(more).run();
        refused.exits(125).says("cannot be used with");
    }
    // The members of a list are shown below it though their names were not asked for.
    sandbox
        .coracle(["manifest", "create", "list", "one:1"])
        .run()
        .succeeds();
    for more in [
        &["list"][..],
        &["--filter", "reference=list"],
        &["--filter", "manifest=true"],
    ] {
        let listed = sandbox.coracle(["images", "--tree"]).args(more).run().succeeds();
        let lines: Vec<&str> = listed.text().lines().collect();
        assert!(
            lines.len() == 3 && lines[1].starts_with("localhost/list:latest "),
            "{listed}"
        );
        assert!(lines[2].starts_with("└─ linux/"), "{listed}");
    }
}
