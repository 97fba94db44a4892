//! Images in and out: what others wrote loads, what was loaded is saved byte for byte, names come and go.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use super::support::image::{compress, hex};
use super::support::tar::{self, Entry};
use super::support::{Compression, Document, Format, Image, Invocation, Sandbox, requires};

const ALL: [Compression; 5] = [
    Compression::None,
    Compression::Gzip,
    Compression::Zstd,
    Compression::Xz,
    Compression::Bzip2,
];

/// Two layers with something of everything that a layer may hold.
fn image(compression: Compression) -> Image {
    let lower = [
        Entry::directory("etc/").mode(0o750),
        Entry::file("etc/one", "1").owner(7, 8).mtime(1_234_567_890),
        Entry::hard_link("etc/uno", "etc/one"),
        Entry::symlink("etc/link", "/elsewhere"),
        Entry::program("bin/tool", vec![b'x'; 100_000]).mode(0o4755),
        Entry::file(format!("deep/{}", "n".repeat(200)), "long").pax("mtime", "1234567890.123456789"),
        Entry::file("empty", ""),
        Entry::fifo("fifo"),
        Entry::directory("gone/"),
        Entry::file("gone/file", "x"),
    ];
    let upper = [
        Entry::file("etc/.wh.one", ""),
        Entry::file(".wh.gone", ""),
        Entry::file("new", "2"),
    ];
    Image::new()
        .compressed_layer(&lower, compression)
        .compressed_layer(&upper, compression)
        .configure(json!({ "Cmd": ["/bin/tool"], "Env": ["A=b"], "Labels": { "one": "1" } }))
        .name("example.org/some/thing:1.0")
}

fn inspected(sandbox: &Sandbox, name: &str) -> Value {
    sandbox
        .coracle(["image", "inspect", name])
        .run()
        .succeeds()
        .json()[0]
        .clone()
}

/// The names in a tar, in order.
fn members(archive: &Path) -> Vec<String> {
    let listed = Invocation::new("tar")
        .args(["--list", "--file"])
        .arg(archive)
        .run()
        .succeeds();
    listed.text().lines().map(str::to_string).collect()
}

/// Every file of a tar with at least one byte, by digest.
fn contents(sandbox: &Sandbox, archive: &Path) -> BTreeSet<String> {
    let directory = sandbox.path("contents");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir(&directory).unwrap();
    Invocation::new("tar")
        .arg("-C")
        .arg(&directory)
        .arg("-xf")
        .arg(archive)
        .run()
        .succeeds();
    let mut found = BTreeSet::new();
    let mut left = vec![directory];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            found.insert(format!("sha256:{}", hex(&fs::read(path).unwrap())));
        }
    }
    found
}

/// Saves the image in a format, under the format's name.
#[track_caller]
fn save_as(sandbox: &Sandbox, format: &str) {
    sandbox
        .coracle(["save", "--format", format, "--output", format])
        .arg("example.org/some/thing:1.0")
        .run()
        .succeeds();
}

#[test]
fn every_shape_of_archive_loads() {
    for format in [Format::DockerArchive, Format::OciArchive, Format::OciLayout] {
        for layers in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let sandbox = Sandbox::new();
            let image = image(layers);
            let path = sandbox.path("work/archive");
            image.write(&path, format);
            sandbox
                .coracle(["load", "--input", "archive"])
                .run()
                .succeeds()
                .prints("Loaded image: example.org/some/thing:1.0\n");
            let found = inspected(&sandbox, "example.org/some/thing:1.0");
            assert_eq!(found["Id"], json!(image.id()), "{format:?} {layers:?}");
            assert_eq!(
                found["RootFS"]["Layers"],
                json!(image.diff_ids()),
                "{format:?} {layers:?}"
            );
        }
    }
}

#[test]
fn a_compressed_archive_loads_from_a_file_and_from_a_pipe() {
    for compression in ALL {
        let sandbox = Sandbox::new();
        let image = image(Compression::None);
        let plain = sandbox.path("work/plain");
        image.write(&plain, Format::DockerArchive);
        let packed = compress(&fs::read(&plain).unwrap(), compression);
        sandbox.file("packed", &packed);
        sandbox
            .coracle(["load", "--quiet", "--input", "packed"])
            .run()
            .succeeds();
        sandbox.coracle(["rmi", "--all"]).run().succeeds();
        sandbox.coracle(["load"]).input(&packed).run().succeeds();
        assert_eq!(
            inspected(&sandbox, "example.org/some/thing:1.0")["Id"],
            json!(image.id()),
            "{compression:?}"
        );
    }
}

#[test]
fn what_was_loaded_is_saved_byte_for_byte() {
    for layers in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let sandbox = Sandbox::new();
        let image = image(layers);
        sandbox.load(&image);
        for format in ["docker-archive", "oci-archive"] {
            let saved = sandbox.path(format!("work/{format}"));
            let arguments = [
                "save",
                "--format",
                format,
                "--output",
                format,
                "example.org/some/thing:1.0",
            ];
            sandbox.coracle(arguments).run().succeeds();
            let found = contents(&sandbox, &saved);
            let mut expected: BTreeSet<String> = image.diff_ids().into_iter().collect();
            expected.insert(image.id());
            if format == "oci-archive" && layers != Compression::None {
                // There a layer may be packed: its config, which names the plain ones, is what must be the same.
                expected = [image.id()].into();
            }
            assert!(
                found.is_superset(&expected),
                "{format} {layers:?}: {:?}",
                expected.difference(&found)
            );
            let other = Sandbox::new();
            other.coracle(["load", "--input"]).arg(&saved).run().succeeds();
            assert_eq!(
                inspected(&other, "example.org/some/thing:1.0")["Id"],
                json!(image.id())
            );
        }
    }
}

#[test]
fn save_writes_to_a_pipe_and_says_where_it_cannot() {
    let sandbox = Sandbox::new();
    sandbox.load(&image(Compression::None));
    let name = "example.org/some/thing:1.0";
    let piped = sandbox.coracle(["save", name]).run().succeeds();
    sandbox
        .coracle(["save", "--output", "file", name])
        .run()
        .succeeds();
    assert!(piped.stdout == fs::read(sandbox.path("work/file")).unwrap());
    assert!(members(&sandbox.path("work/file")).contains(&"manifest.json".to_string()));
    sandbox
        .coracle(["save", "--output", "no/such/place", name])
        .run()
        .exits(125)
        .says_one_line()
        .says("no/such/place");
    sandbox
        .coracle(["save", "missing"])
        .run()
        .exits(125)
        .says_one_line()
        .says("missing");
    let full = File::options().write(true).open("/dev/full").unwrap();
    sandbox
        .coracle(["save", name])
        .output_to(Stdio::from(full))
        .run()
        .exits(125)
        .says_one_line();
}

#[test]
fn skopeo_reads_what_we_save() {
    requires!("program:skopeo");
    let sandbox = Sandbox::new();
    let image = image(Compression::Gzip);
    sandbox.load(&image);
    for format in ["docker-archive", "oci-archive"] {
        save_as(&sandbox, format);
        sandbox
            .program("skopeo")
            .args(["--insecure-policy", "copy", "--quiet"])
            .args([format!("{format}:{format}"), format!("dir:copied-{format}")])
            .run()
            .succeeds();
        let manifest = fs::read(sandbox.path(format!("work/copied-{format}/manifest.json"))).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        assert_eq!(manifest["config"]["digest"], json!(image.id()), "{format}");
    }
}

#[test]
fn an_image_in_parts_that_are_there_already_is_loaded_once() {
    let sandbox = Sandbox::new();
    let shared = [Entry::file("shared", vec![b's'; 50_000])];
    let one = Image::new()
        .layer(&shared)
        .layer(&[Entry::file("a", "1")])
        .name("localhost/one:latest");
    let two = Image::new()
        .layer(&shared)
        .layer(&[Entry::file("b", "2")])
        .name("localhost/two:latest");
    sandbox.load(&one);
    let layers = || fs::read_dir(sandbox.data_root().join("layers")).unwrap().count();
    assert_eq!(layers(), 2);
    sandbox.load(&two);
    assert_eq!(layers(), 3);
    sandbox.coracle(["rmi", "localhost/one"]).run().succeeds();
    assert_eq!(layers(), 2);
    sandbox.coracle(["rmi", "localhost/two"]).run().succeeds();
    assert_eq!(layers(), 0);
}

/// CVE-2026-50195: a name that an archive takes over.
#[test]
fn a_name_moves_to_the_image_that_comes_later() {
    let sandbox = Sandbox::new();
    let first = Image::new()
        .layer(&[Entry::file("a", "1")])
        .name("localhost/name:latest");
    let second = Image::new()
        .layer(&[Entry::file("a", "2")])
        .name("localhost/name:latest");
    sandbox.load(&first);
    sandbox.load(&second);
    assert_eq!(inspected(&sandbox, "localhost/name")["Id"], json!(second.id()));
    let kept = inspected(&sandbox, &first.id());
    assert_eq!(kept["RepoTags"], json!([]));
    sandbox.coracle(["image", "prune", "--force"]).run().succeeds();
    sandbox.coracle(["image", "exists", &first.id()]).run().exits(1);
    sandbox
        .coracle(["image", "exists", "localhost/name"])
        .run()
        .succeeds();
}

#[test]
fn names_are_given_and_taken() {
    let sandbox = Sandbox::new();
    let image = image(Compression::None);
    sandbox.load(&image);
    let id = image.id();
    let short = &id["sha256:".len()..][..12];
    sandbox
        .coracle(["tag", short, "localhost/second:2"])
        .run()
        .succeeds()
        .prints("");
    let names = sandbox
        .coracle(["images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"])
        .run()
        .succeeds();
    let names: BTreeSet<&str> = names.text().lines().collect();
    let expected = [
        format!("example.org/some/thing:1.0 {short}"),
        format!("localhost/second:2 {short}"),
    ];
    assert_eq!(names, expected.iter().map(String::as_str).collect());
    sandbox
        .coracle(["rmi", short])
        .run()
        .exits(2)
        .says_one_line()
        .says("several names");
    sandbox
        .coracle(["untag", short, "localhost/second:2"])
        .run()
        .succeeds();
    sandbox
        .coracle(["image", "exists", "localhost/second:2"])
        .run()
        .exits(1)
        .prints("");
    sandbox
        .coracle(["rmi", "example.org/some/thing:1.0"])
        .run()
        .succeeds()
        .prints(&format!("Untagged: example.org/some/thing:1.0\nDeleted: {id}\n"));
    sandbox.coracle(["images", "--quiet"]).run().succeeds().prints("");
    sandbox
        .coracle(["images", "--format", "table {{.Labels}}\\t{{upper .Digest}}"])
        .run()
        .succeeds()
        .prints("LABELS    DIGEST\n");
    sandbox
        .coracle(["rmi", "example.org/some/thing:1.0"])
        .run()
        .exits(1)
        .says_one_line();
    sandbox
        .coracle(["rmi", "--ignore", "example.org/some/thing:1.0"])
        .run()
        .succeeds();
}

#[test]
fn a_bad_archive_is_named_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    let good = sandbox.path("work/good");
    image(Compression::None).write(&good, Format::DockerArchive);
    let whole = fs::read(&good).unwrap();
    sandbox.file("empty", "");
    sandbox.file("words", "not an archive at all\n");
    sandbox.file("cut", &whole[..whole.len() / 2]);
    sandbox.file("nothing", tar::archive(&[]));
    let packed = compress(&whole, Compression::Gzip);
    sandbox.file("cut.gz", &packed[..packed.len() / 2]);
    sandbox.file("other", tar::archive(&[Entry::file("readme", "hello")]));
    for name in ["empty", "words", "cut", "nothing", "cut.gz", "other", "missing"] {
        let outcome = sandbox
            .coracle(["load", "--input", name])
            .run()
            .exits(125)
            .says_one_line();
        assert!(outcome.stderr.starts_with(b"Error: "), "{outcome}");
        sandbox.coracle(["images", "--quiet"]).run().succeeds().prints("");
    }
}

/// Digests, sizes and diff ids that lie; CVE-2024-3727, CVE-2021-41190.
#[test]
fn a_lie_about_a_blob_is_found_out() {
    let honest = || image(Compression::Gzip);
    let layer = honest().layer_digest(0);
    let layer = layer["sha256:".len()..].to_string();
    let config = honest().id()["sha256:".len()..].to_string();
    let lies: Vec<(&str, Image)> = vec![
        ("another layer's bytes", honest().blob(&layer, b"other")),
        ("no such layer", honest().without_blob(&layer)),
        ("no such config", honest().without_blob(&config)),
        ("a config of other bytes", honest().blob(&config, b"{}")),
        (
            "a layer too long",
            honest().edit(Document::Manifest, |m| m["layers"][0]["size"] = json!(3)),
        ),
        (
            "a layer too short",
            honest().edit(Document::Manifest, |m| {
                m["layers"][0]["size"] = json!(1_u64 << 40)
            }),
        ),
        (
            "a negative size",
            honest().edit(Document::Manifest, |m| m["layers"][0]["size"] = json!(-1)),
        ),
        (
            "a digest that climbs",
            honest().edit(Document::Manifest, |m| {
                m["layers"][0]["digest"] = json!("sha256:../../../etc/passwd")
            }),
        ),
        (
            "an unknown digest",
            honest().edit(Document::Manifest, |m| {
                m["config"]["digest"] = json!("md5:d41d8cd98f00b204e9800998ecf8427e")
            }),
        ),
        (
            "another diff id",
            honest().edit(Document::Config, |c| {
                c["rootfs"]["diff_ids"][0] = json!(super::support::image::digest(b"x"))
            }),
        ),
        (
            "a diff id too few",
            honest().edit(Document::Config, |c| {
                drop(c["rootfs"]["diff_ids"].as_array_mut().unwrap().pop())
            }),
        ),
        (
            "both an index and a manifest",
            honest().edit(Document::Manifest, |m| m["manifests"] = m["layers"].clone()),
        ),
    ];
    for (what, lie) in lies {
        let sandbox = Sandbox::new();
        let path = sandbox.path("work/lie");
        lie.write(&path, Format::OciArchive);
        let outcome = sandbox.coracle(["load", "--input", "lie"]).run();
        assert_eq!(outcome.code, Some(125), "{what}: {outcome}");
        outcome.says_one_line();
        sandbox
            .coracle(["images", "--all", "--quiet"])
            .run()
            .succeeds()
            .prints("");
        let layers = fs::read_dir(sandbox.data_root().join("layers")).unwrap().count();
        assert_eq!(layers, 0, "{what}: a layer was kept");
    }
}

/// The four formats, and what skopeo calls them.
const FORMATS: [(&str, &str); 4] = [
    ("docker-archive", "docker-archive"),
    ("oci-archive", "oci-archive"),
    ("oci-dir", "oci"),
    ("docker-dir", "dir"),
];

#[test]
fn every_format_goes_out_and_comes_back_in_every_packing() {
    let name = "example.org/some/thing:1.0";
    let sandbox = Sandbox::new();
    let image = image(Compression::Gzip);
    sandbox.load(&image);
    for (format, transport) in FORMATS {
        let saved = sandbox.path("work").join(format);
        sandbox
            .coracle(["save", "--format", format, "--output", format, name])
            .run()
            .succeeds();
        if super::support::requires::program("skopeo") {
            let source = format!("{transport}:{format}");
            let config = sandbox
                .program("skopeo")
                .args(["inspect", "--raw", "--config", &source])
                .run()
                .succeeds();
            assert_eq!(
                super::support::image::digest(&config.stdout),
                image.id(),
                "{format}"
            );
        }
        let other = Sandbox::new();
        let comes_back = |how: &str| {
            // A directory of blobs alone has no place for a name.
            let id = image.id();
            assert_eq!(
                inspected(&other, &id["sha256:".len()..])["Id"],
                json!(id),
                "{format} {how}"
            );
            other.coracle(["rmi", "--all", "--force"]).run().succeeds();
        };
        if saved.is_dir() {
            other.coracle(["load", "--input"]).arg(&saved).run().succeeds();
            comes_back("as a directory");
            sandbox
                .coracle(["save", "--format", format, name])
                .run()
                .exits(125)
                .says_one_line()
                .says("--output");
            continue;
        }
        let whole = fs::read(&saved).unwrap();
        let piped = sandbox
            .coracle(["save", "--format", format, name])
            .run()
            .succeeds();
        assert!(piped.stdout == whole, "{format} to a pipe");
        for compression in ALL {
            let packed = other.file("packed", compress(&whole, compression));
            other.coracle(["load", "--input"]).arg(&packed).run().succeeds();
            comes_back(&format!("{compression:?} from a file"));
            let bytes = fs::read(&packed).unwrap();
            other.coracle(["load"]).input(bytes).run().succeeds();
            comes_back(&format!("{compression:?} from a pipe"));
        }
    }
}

#[test]
fn podman_loads_what_we_save_as_the_same_image() {
    requires!("program:podman", "sub-ids");
    let sandbox = Sandbox::new();
    let image = image(Compression::Gzip);
    sandbox.load(&image);
    for (format, _) in FORMATS {
        save_as(&sandbox, format);
        let podman = |words: &[&str]| {
            let outcome = super::corners::podman(&sandbox).args(words).run();
            outcome.succeeds()
        };
        // From where it lies: podman makes a name of the path, and refuses capitals in it.
        super::corners::podman_loads(&sandbox, Path::new(format));
        let listed = podman(&["images", "--all", "--no-trunc", "--format", "{{.ID}}"]);
        assert_eq!(listed.text(), image.id(), "{format}");
        podman(&["rmi", "--all", "--force"]);
    }
    super::corners::remove_storage(&sandbox);
}

#[test]
fn images_know_the_names_that_they_had() {
    let sandbox = Sandbox::new();
    let image = sandbox.busybox();
    let coracle = |words: &[&str]| sandbox.coracle(words).run();
    let history = |format: &str| {
        coracle(&["images", "--format", format])
            .succeeds()
            .text()
            .to_owned()
    };
    assert_eq!(history("{{.History}}"), image);
    for number in 1..=25 {
        let name = format!("n{number}");
        coracle(&["tag", image, &name]).succeeds();
        coracle(&["rmi", &name]).succeeds();
        if number == 2 {
            let expected = format!("{image}, localhost/n2:latest, localhost/n1:latest");
            assert_eq!(history("{{.History}}"), expected);
        }
    }
    let many = history("{{.History}}");
    assert!(
        many.starts_with(&format!("{image}, localhost/n25:latest, ")),
        "{many}"
    );
    assert_eq!(many.matches(", ").count(), 20, "{many}");
    // With no name left it is still known what it was.
    coracle(&["untag", image]).succeeds();
    coracle(&["images", "--history"])
        .succeeds()
        .text()
        .lines()
        .zip(["HISTORY", "localhost/n6:latest"])
        .for_each(|(line, end)| assert!(line.ends_with(end), "{line}"));
}
