//! Images that were made to hurt, by the commands that take them in.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use serde_json::json;

use super::{IMAGE, host_view};
use crate::support::image::{compress, digest, hex};
use crate::support::requires::requires;
use crate::support::tar::{Entry, archive};
use crate::support::{Canary, Compression, Document, Format, Image, Sandbox};

/// No image, no layer, nothing half-made.
#[track_caller]
fn assert_empty(sandbox: &Sandbox, what: &str) {
    let images = sandbox.coracle(["images", "--all", "--quiet"]).run().succeeds();
    assert_eq!(images.text(), "", "{what}");
    for kind in ["layers", "staging"] {
        let left = fs::read_dir(sandbox.data_root().join(kind)).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{what}: left in {kind}");
    }
}

/// CVE-2025-11395, CVE-2021-29136, CVE-2019-1002101, RUSTSEC-2018-0002, RUSTSEC-2021-0080, RUSTSEC-2026-0113,
/// CVE-2021-32760: names, links and modes of a layer reach nothing outside, by `load` as by `import`.
#[test]
fn cve_2025_11395_layers_stay_in_their_place() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let (outside, secret) = (canary.directory().join("dir"), canary.secret());
    let (outside, secret) = (outside.to_str().unwrap(), secret.to_str().unwrap());
    let climb = format!("{}{}", "../".repeat(20), &outside[1..]);
    let long = "n".repeat(5000);
    let mut layers: Vec<Vec<Entry>> = Vec::new();
    for name in [
        "../x",
        "a/../../x",
        "..",
        "/../x",
        "",
        &long,
        "a/b/../../../x",
        &format!("{climb}/x"),
    ] {
        layers.push(vec![Entry::file(name, "evil")]);
        layers.push(vec![Entry::directory(name).mode(0o777)]);
    }
    layers.push(vec![Entry::file("x", "evil").pax("path", b"a\0b")]);
    layers.push(vec![
        Entry::file("..\\..\\x", "evil"),
        Entry::file(format!("{outside}/absolute"), "evil"),
    ]);
    for link in [outside, climb.as_str(), "../../../../../../../.."] {
        layers.push(vec![
            Entry::symlink("a", link),
            Entry::file("a/file", "evil"),
            Entry::directory("a").mode(0o777),
            Entry::directory("a/").mode(0o777),
            Entry::file("a/.wh.file", ""),
            Entry::file("a/.wh..wh..opq", ""),
        ]);
        layers.push(vec![
            Entry::symlink("a", link),
            Entry::directory("a/new").mode(0o777).owner(1, 1),
        ]);
        layers.push(vec![Entry::symlink(".", link), Entry::file("file", "evil")]);
        layers.push(vec![Entry::symlink("a", link), Entry::hard_link("h", "a/file")]);
    }
    for link in [
        secret,
        "/etc/passwd",
        &format!("{}{}", "../".repeat(20), &secret[1..]),
    ] {
        layers.push(vec![
            Entry::hard_link("h", link),
            Entry::file("h", "evil").mode(0o4777),
        ]);
        layers.push(vec![
            Entry::symlink("s", link),
            Entry::hard_link("h", "s"),
            Entry::file("h", "evil"),
        ]);
        layers.push(vec![
            Entry::symlink("s", link),
            Entry::file("s", "evil").mode(0o4777),
        ]);
    }
    let before = host_view(&sandbox);
    for (number, entries) in layers.iter().enumerate() {
        let tar = sandbox.file("layer.tar", archive(entries));
        let imported = sandbox
            .coracle(["import", "--quiet"])
            .arg(&tar)
            .arg("evil:1")
            .run();
        // Once in a layer of its own, once over a lower one that holds all but the last entry.
        let (lower, upper) = entries.split_at(entries.len() - 1);
        let image = Image::new().layer(entries).name("evil:2");
        let split = Image::new().layer(lower).layer(upper).name("evil:3");
        let mut outcomes = vec![imported];
        for image in [image, split] {
            let path = sandbox.path("work/image.tar");
            image.write(&path, Format::OciArchive);
            outcomes.push(sandbox.coracle(["load", "--input"]).arg(&path).run());
        }
        for outcome in &outcomes {
            assert!(matches!(outcome.code, Some(0 | 125)), "{number}: {outcome}");
        }
        canary.check(&outcomes.iter().collect::<Vec<_>>());
        sandbox.coracle(["rmi", "--all", "--force"]).run();
        assert_empty(&sandbox, &format!("layer {number}"));
    }
    assert_eq!(host_view(&sandbox), before);
}

/// What lies in a lower layer is not written through from an upper one, seen in the container.
#[test]
fn links_of_lower_layers_are_those_of_the_image() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let outside = canary.directory().join("dir");
    let outside = outside.to_str().unwrap();
    let image = Image::busybox()
        .layer(&[
            Entry::symlink("a", outside),
            Entry::directory("real/"),
            Entry::symlink("b", "/real"),
        ])
        .layer(&[Entry::file("a/file", "upper"), Entry::file("b/file", "upper")])
        .layer(&[Entry::file("b/.wh.nothing", "")]);
    sandbox.load(&image);
    let script = "cat a/file b/file; test -e real/file && echo elsewhere; true";
    let outcome = sandbox
        .coracle(["run", "--rm", IMAGE, "sh", "-c", script])
        .run()
        .succeeds();
    canary.check(&[&outcome]);
    // A directory takes the place of a link, as in every engine.
    outcome.prints("upperupper");
}

/// CVE-2025-62518, RUSTSEC-2026-0112: what GNU tar does not see in an archive, we do not see either.
#[test]
fn cve_2025_62518_no_entry_hides_in_another() {
    let sandbox = Sandbox::new();
    let inner = archive(&[Entry::file("smuggled", "x")]);
    let mut hidden = Entry::file("outer", &inner).pax("size", inner.len().to_string());
    hidden.claimed_size = Some(0);
    let doubled = Entry::file("outer", &inner)
        .pax("size", "0")
        .pax("size", inner.len().to_string());
    for entry in [hidden, doubled] {
        let tar = sandbox.file("layer.tar", archive(&[entry, Entry::file("after", "y")]));
        let listed = sandbox.program("tar").arg("-tf").arg(&tar).run().succeeds();
        assert_eq!(listed.text(), "outer\nafter");
        sandbox
            .coracle(["import", "--quiet"])
            .arg(&tar)
            .arg("x:1")
            .run()
            .succeeds();
        sandbox
            .coracle(["save", "--output", "saved", "x:1"])
            .run()
            .succeeds();
        let members = sandbox
            .program("sh")
            .args([
                "-c",
                "mkdir -p s; tar -C s -xf saved; find s -name '*.tar' -exec tar -tf {} \\;",
            ])
            .run()
            .succeeds();
        assert!(
            members.text().contains("outer") && !members.text().contains("smuggled"),
            "{members}"
        );
        sandbox.coracle(["rmi", "x:1"]).run().succeeds();
    }
    for size in ["-1", "0x10", "99999999999999999999", "1 "] {
        let tar = sandbox.file("layer.tar", archive(&[Entry::file("f", "x").pax("size", size)]));
        sandbox
            .coracle(["import", "--quiet"])
            .arg(&tar)
            .arg("x:1")
            .run()
            .exits(125);
        assert_empty(&sandbox, size);
    }
}

/// What an overlay would take for its own, seen in a container of the image.
#[test]
fn an_image_cannot_steer_the_overlay() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let mut planted = Entry::directory("d/");
    for family in ["user", "trusted"] {
        for (name, value) in [
            ("opaque", "y"),
            ("redirect", "/.."),
            ("metacopy", ""),
            ("origin", "x"),
            ("whiteout", "y"),
        ] {
            planted = planted.xattr(&format!("{family}.overlay.{name}"), value);
        }
    }
    let image = Image::busybox()
        .layer(&[
            Entry::directory("d/"),
            Entry::file("d/below", "seen"),
            Entry::file("gone", "x"),
        ])
        .layer(&[
            planted,
            Entry::file("d/f", "")
                .xattr("user.overlay.metacopy", "")
                .xattr("user.overlay.redirect", "/etc/passwd"),
        ])
        .layer(&[Entry::file(".wh.gone", "hidden content")]);
    sandbox.load(&image);
    let script = "cat d/below d/f; ls / | grep -c -e gone -e '^[.]wh'; true";
    let outcome = sandbox
        .coracle(["run", "--rm", IMAGE, "sh", "-c", script])
        .run()
        .succeeds();
    canary.check(&[&outcome]);
    outcome.prints("seen0\n");
    for name in [
        ".wh.",
        ".wh..",
        "d/.wh...",
        ".wh..wh..opq/f",
        ".wh.x/f",
        "d/.wh..wh.x",
    ] {
        let tar = sandbox.file(
            "layer.tar",
            archive(&[Entry::directory("d/"), Entry::file(name, "")]),
        );
        let outcome = sandbox.coracle(["import", "--quiet"]).arg(&tar).arg("x:1").run();
        assert_eq!(outcome.code, Some(125), "{name}: {outcome}");
    }
    let whiteout = archive(&[Entry::device(b'3', "x", 0, 0)]);
    let tar = sandbox.file("layer.tar", whiteout);
    sandbox
        .coracle(["import", "--quiet"])
        .arg(&tar)
        .arg("x:1")
        .run()
        .exits(125);
}

/// A small archive that becomes a large one, or many, is read to a limit.
#[test]
fn archives_that_grow_are_read_to_a_limit() {
    let sandbox = Sandbox::new();
    let load = |what: &str, bytes: &[u8]| {
        sandbox.file("bomb", bytes);
        for words in [
            &["load", "--input", "bomb"][..],
            &["import", "--quiet", "bomb", "x:1"],
        ] {
            let outcome = sandbox
                .coracle(words)
                .through_shell("ulimit -v 1048576; exec \"$0\" \"$@\"")
                .limit(Duration::from_secs(20))
                .run();
            assert_eq!(outcome.code, Some(125), "{what}: {outcome}");
            outcome.says_one_line();
        }
        assert_empty(&sandbox, what);
    };
    // zstd with a window of 2 GiB: magic, descriptor without a single segment, window 21 bits above 2^10.
    let window = [
        &[0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3][..],
        &[0x03, 0x00, 0x10, 0x00],
        &[0; 64],
    ]
    .concat();
    load("a huge window", &window);
    // Packed many times over.
    let mut nested = archive(&[Entry::file("f", "x")]);
    for _ in 0..20 {
        nested = compress(&nested, Compression::Gzip);
    }
    load("twenty times packed", &nested);
    // A name of 1 MiB and 100,000 directories deep.
    load(
        "a long name",
        &archive(&[Entry::file("x", "").pax("path", vec![b'n'; 1 << 20])]),
    );
    load(
        "a deep name",
        &archive(&[Entry::file("x", "").pax("path", "d/".repeat(100_000))]),
    );
    let sparse = Entry::file("x", "")
        .pax("GNU.sparse.size", "9223372036854775807")
        .pax("GNU.sparse.map", "");
    load("eight exbibytes of holes", &archive(&[sparse]));
    let mut flood = Entry::file("x", "");
    for number in 0..2000 {
        flood = flood.xattr(&format!("user.{number}"), "v");
    }
    load("two thousand attributes", &archive(&[flood]));
    load(
        "an attribute of 70,000 bytes",
        &archive(&[Entry::file("x", "").xattr("user.x", vec![b'v'; 70_000])]),
    );
    let mut huge = Entry::file("x", "");
    huge.claimed_size = Some(1 << 60);
    load("a size beyond the archive", &archive(&[huge]));
}

/// A layout whose files are links, pipes and devices gives nothing of the host.
#[test]
fn a_layout_lends_nothing_from_outside() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    let secret = canary.secret();
    let image = Image::new()
        .layer(&[Entry::file("f", "x")])
        .name("localhost/small:latest");
    let config = image.id()["sha256:".len()..].to_owned();
    let layer = image.layer_digest(0)["sha256:".len()..].to_owned();
    let targets = [
        "index.json".to_owned(),
        "oci-layout".to_owned(),
        format!("blobs/sha256/{config}"),
        format!("blobs/sha256/{layer}"),
        "blobs/sha256".to_owned(),
        "blobs".to_owned(),
    ];
    for target in &targets {
        for lie in ["secret", "zero", "fifo", "outside", "directory"] {
            let layout = sandbox.path("work/layout");
            let _ = fs::remove_dir_all(&layout);
            image.write(&layout, Format::OciLayout);
            let path = layout.join(target);
            let kept = sandbox.path("work/kept");
            let _ = fs::remove_dir_all(&kept);
            let _ = fs::remove_file(&kept);
            fs::rename(&path, &kept).unwrap();
            match lie {
                "secret" => symlink(&secret, &path).unwrap(),
                "zero" => symlink("/dev/zero", &path).unwrap(),
                "outside" => symlink(&kept, &path).unwrap(),
                "directory" => fs::create_dir(&path).unwrap(),
                _ => rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).unwrap(),
            }
            let outcome = sandbox
                .coracle(["load", "--input", "layout"])
                .limit(Duration::from_secs(10))
                .run();
            canary.check(&[&outcome]);
            // The file that only says that this is a layout may be anything.
            if target != "oci-layout" {
                assert_eq!(outcome.code, Some(125), "{target} is {lie}: {outcome}");
                assert_empty(&sandbox, target);
            }
            sandbox.coracle(["rmi", "--all", "--force"]).run();
        }
    }
    for path in [
        "../../../../etc/passwd",
        "sha256:../../../etc/passwd",
        "sha256:",
        "md5:x",
    ] {
        let path = path.to_owned();
        let lying = Image::new().edit(Document::Index, move |index| {
            index["manifests"][0]["digest"] = json!(path)
        });
        let file = sandbox.path("work/lying");
        lying.write(&file, Format::OciArchive);
        sandbox.coracle(["load", "--input", "lying"]).run().exits(125);
    }
    // A FIFO instead of the archive is waited for by whoever names it, a directory without an image is refused.
    sandbox.coracle(["load", "--input", "."]).run().exits(125);
}

/// CVE-2019-18466, CVE-2024-3727: digests and ids of images are no paths.
#[test]
fn cve_2024_3727_digests_are_no_paths() {
    let sandbox = Sandbox::new();
    let canary = Canary::new(&sandbox);
    sandbox.busybox();
    let upper = format!("sha256:{}", "A".repeat(64));
    let long = format!("sha256:{}", "a".repeat(65));
    for word in [
        "sha256:../../x",
        "sha256:",
        "sha256:abc",
        &upper,
        &long,
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "../busybox",
        "..",
        "/etc",
        "",
    ] {
        let digested = format!("localhost/busybox@{word}");
        for word in [word, &digested] {
            for command in [
                &["inspect"][..],
                &["rmi"],
                &["save", "-o", "out"],
                &["history"],
                &["run", "--rm"],
                &["create"],
                &["untag"],
            ] {
                let outcome = sandbox.coracle(command).args(["--", word]).run();
                assert_ne!(outcome.code, Some(0), "{outcome}");
                canary.check(&[&outcome]);
            }
            // `sha256:abc` and the like are a name and a tag as well.
            if word == digested || word.contains("..") || word.starts_with('/') {
                let outcome = sandbox.coracle(["tag", "--", IMAGE, word]).run();
                assert_ne!(outcome.code, Some(0), "{outcome}");
            }
        }
    }
    sandbox.coracle(["images", "--quiet"]).run().succeeds();
    assert!(!sandbox.path("work/out").exists());
}

/// CVE-2026-50195: names that an archive takes over are told, and the image that had them stays.
#[test]
fn cve_2026_50195_a_taken_name_is_told() {
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let id = Image::busybox().id();
    let other = Image::busybox()
        .configure(json!({ "Cmd": ["evil"] }))
        .name("localhost/second:latest");
    let path = sandbox.path("work/other");
    other.write(&path, Format::DockerArchive);
    let outcome = sandbox
        .coracle(["load", "--quiet", "--input", "other"])
        .run()
        .succeeds();
    for name in ["localhost/busybox:latest", "localhost/second:latest"] {
        assert!(outcome.text().contains(name), "{name} is missing in {outcome}");
    }
    let first = sandbox
        .coracle(["inspect", "--format", "{{.Id}}", &id])
        .run()
        .succeeds();
    assert_eq!(
        first.text().trim_start_matches("sha256:"),
        id.trim_start_matches("sha256:")
    );
}

/// CVE-2021-20291: one layer two hundred times over is no reason to wait for oneself.
#[test]
fn cve_2021_20291_the_same_layer_many_times() {
    let sandbox = Sandbox::new();
    let again = [Entry::file("again", "x")];
    let mut image = Image::busybox();
    for _ in 0..200 {
        image = image.layer(&again);
    }
    let path = sandbox.path("work/image");
    image.write(&path, Format::OciArchive);
    let limit = Duration::from_secs(30);
    let load = || {
        sandbox
            .coracle(["load", "--quiet", "--input", "image"])
            .limit(limit)
    };
    let (one, two) = (load().start(), load().start());
    one.wait().succeeds();
    two.wait().succeeds();
    let run = ["run", "--rm", IMAGE, "cat", "/again"];
    sandbox.coracle(run).limit(limit).run().succeeds().prints("x");
    sandbox.coracle(["rmi", IMAGE]).limit(limit).run().succeeds();
    assert_empty(&sandbox, "after all");
}

/// CVE-2021-41190, CVE-2020-1702: documents of two kinds, and of any length, are refused while they are read.
#[test]
fn cve_2021_41190_documents_are_of_one_kind() {
    let refused = |what: &str, image: Image| {
        let sandbox = Sandbox::new();
        let path = sandbox.path("work/image");
        for format in [Format::OciArchive, Format::OciLayout] {
            let _ = fs::remove_file(&path);
            image.write(&path, format);
            let outcome = sandbox.coracle(["load", "--input", "image"]).run();
            assert_eq!(outcome.code, Some(125), "{what}: {outcome}");
            assert_empty(&sandbox, what);
        }
    };
    let busybox = || Image::new().layer(&[Entry::file("f", "x")]);
    refused(
        "an index with layers",
        busybox().edit(Document::Index, |index| {
            index["layers"] = json!([]);
            index["config"] = json!({});
        }),
    );
    refused(
        "a manifest with manifests",
        busybox().edit(Document::Manifest, |manifest| manifest["manifests"] = json!([])),
    );
    refused(
        "a manifest that says it is an index",
        busybox().edit(Document::Manifest, |manifest| {
            manifest["mediaType"] = json!("application/vnd.oci.image.index.v1+json");
        }),
    );
    refused(
        "a long manifest",
        busybox().edit(Document::Manifest, |manifest| {
            manifest["annotations"] = json!({ "x": "y".repeat((4 << 20) + 1) });
        }),
    );
    refused(
        "a long configuration",
        busybox().edit(Document::Config, |config| {
            config["comment"] = json!("y".repeat((8 << 20) + 1));
        }),
    );
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    let name = hex(deep.as_bytes());
    refused(
        "a deep configuration",
        busybox()
            .blob(&name, deep.as_bytes())
            .edit(Document::Manifest, move |manifest| {
                manifest["config"]["digest"] = json!(digest(deep.as_bytes()));
                manifest["config"]["size"] = json!(deep.len());
            }),
    );
}

/// A store that others own, may write to, or have put a link in the place of is not ours.
#[test]
fn the_store_of_another_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let root = sandbox.data_root();
    let refused = |why: &str| {
        for words in [
            &["images"][..],
            &["run", "--rm", IMAGE, "true"],
            &["ps", "-a"],
            &["volume", "create"],
        ] {
            let outcome = sandbox.coracle(words).run();
            assert_eq!(outcome.code, Some(125), "{why}: {outcome}");
        }
    };
    for mode in [0o777, 0o720, 0o1777] {
        fs::set_permissions(&root, fs::Permissions::from_mode(mode)).unwrap();
        refused("others may write");
    }
    fs::set_permissions(&root, fs::Permissions::from_mode(0o700)).unwrap();
    sandbox.coracle(["run", "--rm", IMAGE, "true"]).run().succeeds();
}

#[test]
fn the_store_of_another_user_is_refused_to_root() {
    requires!("root");
    use std::os::unix::fs::chown;
    let sandbox = Sandbox::new();
    sandbox.busybox();
    let root = sandbox.data_root();
    chown(&root, Some(65534), Some(65534)).unwrap();
    let real = sandbox.path("share/real");
    for linked in [false, true] {
        if linked {
            fs::rename(&root, &real).unwrap();
            symlink(&real, &root).unwrap();
        }
        for words in [
            &["images"][..],
            &["run", "--rm", IMAGE, "true"],
            &["load", "-i", "x"],
            &["system", "prune", "-f"],
        ] {
            let outcome = sandbox.coracle(words).run().exits(125);
            assert!(
                String::from_utf8_lossy(&outcome.stderr).contains("65534"),
                "{outcome}"
            );
        }
    }
    fs::remove_file(&root).unwrap();
    fs::rename(&real, &root).unwrap();
    chown(&root, Some(0), Some(0)).unwrap();
}
