//! Lists of manifests: made here, pushed to Debian's registry, and read there by ourselves, skopeo and podman.

use std::ffi::OsStr;

use serde_json::{Value, json};

use super::corners::{podman, podman_unpacks, remove_storage};
use super::death::empties;
use super::push::skopeo;
use super::steps::at_every_step;
use super::support::registry::{Answer, Content, Distribution, Fake};
use super::support::run::Outcome;
use super::support::tar::Entry;
use super::support::{Compression, Document, Image, Sandbox, requires};

const OTHER: &str = if cfg!(target_arch = "s390x") {
    "amd64"
} else {
    "s390x"
};

/// An image for this machine that says `here`.
fn own() -> Image {
    Image::busybox()
        .layer(&[Entry::file("etc/one", "here")])
        .configure(json!({ "Cmd": ["cat", "/etc/one"] }))
}

/// One for another machine.
fn other() -> Image {
    Image::new()
        .compressed_layer(&[Entry::file("other", "there")], Compression::Gzip)
        .edit(Document::Config, |config| config["architecture"] = json!(OTHER))
        .name("localhost/other:1")
}

/// What must succeed.
#[track_caller]
pub fn coracle(sandbox: &Sandbox, words: &[&str]) -> Outcome {
    sandbox.coracle(words).run().succeeds()
}

#[track_caller]
fn index(sandbox: &Sandbox, name: &str) -> Value {
    coracle(sandbox, &["manifest", "inspect", name]).json()
}

/// The manifest that a registry has, as skopeo reads it.
fn raw(sandbox: &Sandbox, name: &str) -> Value {
    skopeo(sandbox, &["--raw"], name).json()
}

fn digests(index: &Value) -> Vec<String> {
    let entries = index["manifests"].as_array().unwrap().iter();
    entries
        .map(|entry| entry["digest"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn lists_are_made_of_images_that_are_here() {
    let sandbox = Sandbox::new();
    sandbox.load(&own());
    sandbox.load(&other());
    sandbox
        .coracle(["manifest", "exists", "list"])
        .run()
        .exits(1)
        .prints("");
    let id = coracle(&sandbox, &["manifest", "create", "list"])
        .text()
        .to_owned();
    assert!(id.len() == 64, "{id}");
    assert_eq!(index(&sandbox, "list")["manifests"], json!([]));
    let words = ["manifest", "add", "list", "busybox", "localhost/other:1"];
    coracle(&sandbox, &words).prints(&format!("{id}\n"));
    coracle(&sandbox, &["manifest", "exists", "list"]);

    let made = index(&sandbox, "list");
    assert_eq!(made["manifests"][1]["platform"]["architecture"], OTHER);
    let digests = digests(&made);
    for (name, digest) in [("busybox", &digests[0]), ("other:1", &digests[1])] {
        let inspected = coracle(&sandbox, &["image", "inspect", "--format", "{{.Digest}}", name]);
        assert_eq!(inspected.text(), digest.as_str());
    }
    // By its digest, as with Podman, and by its name, as with Docker.
    let words = [
        "manifest",
        "annotate",
        "--variant",
        "z13",
        "--annotation",
        "a=b",
        "list",
        &digests[1],
    ];
    coracle(&sandbox, &words).prints(&format!("{id}\n"));
    let words = ["manifest", "annotate", "--os-features", "x,y", "list", "other:1"];
    coracle(&sandbox, &words);
    coracle(
        &sandbox,
        &["manifest", "annotate", "--index", "--annotation", "c=d", "list"],
    );
    let made = index(&sandbox, "list");
    let member = &made["manifests"][1];
    assert_eq!(
        member["platform"],
        json!({ "architecture": OTHER, "os": "linux", "variant": "z13", "os.features": ["x", "y"] })
    );
    assert_eq!(
        (&member["annotations"], &made["annotations"]),
        (&json!({ "a": "b" }), &json!({ "c": "d" }))
    );
    let verbose = coracle(&sandbox, &["manifest", "inspect", "--verbose", "list"]).json();
    assert_eq!(verbose[0]["Descriptor"]["digest"], digests[0]);
    assert_eq!(
        verbose[1]["OCIManifest"]["schemaVersion"]
            .as_u64()
            .or(verbose[1]["SchemaV2Manifest"]["schemaVersion"].as_u64()),
        Some(2)
    );

    coracle(&sandbox, &["manifest", "remove", "list", &digests[1]]).prints(&format!("{id}\n"));
    let again = sandbox.coracle(["manifest", "remove", "list", &digests[1]]).run();
    again.exits(125).says("is not in the list list");
    let taken = sandbox.coracle(["manifest", "create", "list"]).run();
    taken.exits(125).says("already in use by list");
    coracle(&sandbox, &["manifest", "create", "--amend", "list", "other:1"]).prints(&format!("{id}\n"));
    assert_eq!(index(&sandbox, "list")["manifests"].as_array().unwrap().len(), 2);
    let image = sandbox
        .coracle(["manifest", "create", "--amend", "busybox"])
        .run();
    image.exits(125).says("already in use by image");
    let image = sandbox.coracle(["manifest", "add", "busybox", "other:1"]).run();
    image.exits(125).says("is an image, not a list");
    coracle(&sandbox, &["system", "check"]).prints("");
}

#[test]
fn a_list_is_an_image_name_like_others() {
    let sandbox = Sandbox::new();
    sandbox.load(&own());
    sandbox.load(&other());
    let id = coracle(&sandbox, &["manifest", "create", "list", "busybox", "other:1"])
        .text()
        .to_owned();
    let listed = |words: &[&str]| {
        let format = ["images", "--format", "{{.Repository}} {{.IsManifestList}}"];
        let listed = coracle(&sandbox, &[&format[..], words].concat());
        let mut lines: Vec<String> = listed.text().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(listed(&["--filter", "manifest=true"]), ["localhost/list true"]);
    let others = ["localhost/busybox false", "localhost/other false"];
    assert_eq!(listed(&["--filter", "manifest=false"]), others);
    assert_eq!(listed(&[]).len(), 3);

    // The member for this machine is run, inspected and saved.
    coracle(&sandbox, &["run", "--rm", "list"]).prints("here");
    let ids = ["list", "busybox"].map(|name| {
        coracle(&sandbox, &["image", "inspect", "--format", "{{.Id}}", name])
            .text()
            .to_owned()
    });
    assert_eq!(ids[0], ids[1]);
    coracle(&sandbox, &["history", "-q", "list"]);
    let archive = sandbox.path("tmp/saved.tar");
    sandbox
        .coracle(["save", "-o"])
        .arg(&archive)
        .arg("list")
        .run()
        .succeeds();
    coracle(&sandbox, &["tag", "list", "also"]);
    assert_eq!(index(&sandbox, "also"), index(&sandbox, "list"));
    coracle(&sandbox, &["image", "exists", "also"]);
    coracle(&sandbox, &["untag", "also", "also"]);

    // Members without a name of their own stay as long as a list has them.
    coracle(&sandbox, &["untag", "other:1"]);
    coracle(&sandbox, &["image", "prune", "--force"]).prints("Total reclaimed space: 0B\n");
    let gone = coracle(&sandbox, &["manifest", "rm", "list"]);
    assert_eq!(
        gone.text(),
        format!("Untagged: localhost/list:latest\nDeleted: sha256:{id}")
    );
    let missing = sandbox.coracle(["manifest", "rm", "list"]).run();
    missing.exits(1).says("list: image not known");
    coracle(&sandbox, &["manifest", "rm", "--ignore", "list"]).prints("");
    assert!(
        coracle(&sandbox, &["image", "prune", "--force"])
            .text()
            .starts_with("Deleted: ")
    );
    let image = sandbox.coracle(["manifest", "rm", "busybox"]).run();
    image.exits(125).says("is an image, not a list");

    coracle(&sandbox, &["manifest", "create", "list", "busybox"]);
    coracle(&sandbox, &["rmi", "busybox"]);
    sandbox
        .coracle(["run", "list"])
        .run()
        .exits(125)
        .says("the list list has no image for linux/");
    coracle(&sandbox, &["system", "check"]).prints("");
    coracle(&sandbox, &["image", "prune", "--all", "--force"]);
    empties(
        &sandbox,
        &["images", "layers", "blobs/sha256", "staging", "trash"],
    );
}

#[test]
fn what_is_pushed_is_read_by_others() {
    requires!("program:docker-registry", "program:skopeo", "program:podman");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    sandbox.load(&own());
    let foreign = registry.publish(&sandbox, &other(), "team/other:1");
    // One is here, the other at a registry.
    let source = format!("docker://{foreign}");
    coracle(&sandbox, &["manifest", "create", "list", "busybox", &source]);
    let name = format!("{}/team/list:1", registry.host);
    let file = sandbox.path("tmp/digest");
    let pushed = sandbox
        .coracle(["manifest", "push", "--digestfile"])
        .arg(&file)
        .args(["list", &format!("docker://{name}")])
        .run()
        .succeeds();
    let digest = std::fs::read_to_string(&file).unwrap();
    assert_eq!(pushed.text(), digest);
    let there = raw(&sandbox, &name);
    let (here, pushed) = (digests(&index(&sandbox, "list")), digests(&there));
    // The one that came from the registry is what it was.
    assert_eq!(here[1], pushed[1]);
    let words = [
        "--insecure-policy",
        "inspect",
        "--tls-verify=false",
        "--format",
        "{{.Digest}}",
    ];
    let theirs = sandbox.program("skopeo").args(words);
    assert_eq!(theirs.arg(source).run().succeeds().text(), pushed[1]);

    // What was packed for the push is known from now on, and the second list names it from the beginning.
    coracle(&sandbox, &["manifest", "create", "second", "busybox"]);
    let second = format!("{}/team/second:1", registry.host);
    coracle(&sandbox, &["push", "--quiet", "second", &second]).prints(&format!("{second}\n"));
    assert_eq!(
        digests(&raw(&sandbox, &second)),
        digests(&index(&sandbox, "second"))
    );

    let words = ["pull", "--quiet", "--tls-verify=false", &name].map(OsStr::new);
    podman_unpacks(&sandbox, words);
    let ran = podman(&sandbox)
        .args(["image", "inspect", "--format", "{{.Digest}}", &name])
        .run()
        .succeeds();
    assert!([&pushed[0], &digest].contains(&&ran.text().to_owned()), "{ran}");
    remove_storage(&sandbox);

    coracle(&sandbox, &["rmi", "--all", "--force"]);
    coracle(&sandbox, &["run", "--rm", &name]).prints("here");
    // A pulled index as members of a list, all of them and the one for this machine.
    coracle(
        &sandbox,
        &["manifest", "create", "--all", "both", &format!("docker://{name}")],
    );
    assert_eq!(digests(&index(&sandbox, "both")), pushed);
    coracle(
        &sandbox,
        &["manifest", "create", "one", &format!("docker://{name}")],
    );
    assert_eq!(digests(&index(&sandbox, "one")), pushed[..1]);
    let moved = format!("{}/other/list:2", registry.host);
    coracle(&sandbox, &["manifest", "push", "--purge", "both", &moved]);
    assert_eq!(digests(&raw(&sandbox, &moved)), pushed);
    sandbox.coracle(["manifest", "exists", "both"]).run().exits(1);
    coracle(&sandbox, &["system", "check"]).prints("");
}

#[test]
fn lists_go_to_registries_and_take_images_only() {
    let sandbox = Sandbox::new();
    sandbox.load(&own());
    coracle(&sandbox, &["manifest", "create", "list", "busybox"]);
    for destination in [
        "docker-daemon:x",
        "docker-daemon:x:1",
        "containers-storage:x",
        "oci:/x",
        "oci-archive:/x",
        "docker-archive:/x",
        "dir:/x",
        "ostree:x",
    ] {
        let refused = sandbox.coracle(["manifest", "push", "list", destination]).run();
        refused.exits(125).says("is not supported").says_one_line();
    }
    for (name, said) in [
        ("docker-daemon:busybox", "pull it first"),
        ("oci-archive:/x", "load it first"),
        ("containers-storage:none", "none: image not known"),
    ] {
        let refused = sandbox.coracle(["manifest", "add", "list", name]).run();
        refused.exits(125).says(said).says_one_line();
    }
    // It is what is here, as with Podman.
    let words = ["manifest", "create", "second", "containers-storage:busybox"];
    coracle(&sandbox, &words);
    assert_eq!(index(&sandbox, "second"), index(&sandbox, "list"));
}

#[test]
fn one_member_is_taken_whatever_the_others_are() {
    let sandbox = Sandbox::new();
    sandbox.load(&own());
    coracle(&sandbox, &["manifest", "create", "list", "busybox"]);
    let expected = index(&sandbox, "list");
    let file = sandbox.file("tmp/file", "content");
    sandbox
        .coracle(["manifest", "add", "--artifact", "list"])
        .arg(file)
        .run()
        .succeeds();
    let all = sandbox
        .coracle(["manifest", "create", "--all", "new", "list"])
        .run();
    all.exits(125).says("was made of files for its own list");
    coracle(&sandbox, &["manifest", "create", "new", "list"]);
    assert_eq!(index(&sandbox, "new"), expected);
}

#[test]
fn of_a_list_the_image_for_a_platform_is_pushed() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    sandbox.load(&own());
    sandbox.load(&other());
    coracle(&sandbox, &["manifest", "create", "list", "busybox", "other:1"]);
    let name = format!("{}/team/one:1", registry.host);
    let platform = format!("linux/{OTHER}");
    let words = ["push", "--quiet", "--platform", &platform, "list", &name];
    coracle(&sandbox, &words).prints(&format!("{name}\n"));
    let there = raw(&sandbox, &name);
    assert_eq!(there["manifests"], Value::Null);
    assert_eq!(
        there["layers"].as_array().unwrap().len(),
        1,
        "the other image has one layer: {there}"
    );
    let archive = format!("oci-archive:{}", sandbox.path("tmp/one.tar").display());
    coracle(&sandbox, &["push", "--platform", &platform, "list", &archive]);
    let none = sandbox
        .coracle(["push", "--platform", "linux/riscv64", "list", &name])
        .run();
    none.exits(125)
        .says("the list list has no image for linux/riscv64 here")
        .says_one_line();
}

#[test]
fn members_are_run_from_where_they_are() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    let foreign = registry.publish(&sandbox, &own(), "team/own:1");
    coracle(&sandbox, &["manifest", "create", "list", &foreign]);
    // Only its manifest came.
    empties(&sandbox, &["layers"]);
    sandbox
        .coracle(["run", "--rm", "--pull", "never", "list"])
        .run()
        .exits(125)
        .says("has no image for");
    coracle(&sandbox, &["run", "--rm", "list"]).prints("here");
    coracle(&sandbox, &["run", "--rm", "--pull", "never", "list"]).prints("here");
}

#[test]
fn packings_and_formats_are_as_asked() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    sandbox.load(&own());
    sandbox.load(&other());
    coracle(&sandbox, &["manifest", "create", "list", "busybox", "other:1"]);
    let push = |words: &[&str], name: &str| {
        let whole = format!("{}/{name}", registry.host);
        let command = sandbox.coracle(["manifest", "push", "--quiet"]).args(words);
        command.args(["list", &whole]).run().succeeds().prints("");
        raw(&sandbox, &whole)
    };
    let both = push(&["--add-compression", "zstd"], "added:1");
    let entries = both["manifests"].as_array().unwrap();
    assert_eq!(entries.len(), 4, "{both}");
    for (number, entry) in entries.iter().enumerate() {
        let zstd = &entry["annotations"]["io.github.containers.compression.zstd"];
        assert_eq!(zstd.as_str(), (number > 1).then_some("true"), "{both}");
        let digest = entry["digest"].as_str().unwrap();
        let manifest = raw(&sandbox, &format!("{}/added@{digest}", registry.host));
        let kind = manifest["layers"][0]["mediaType"].as_str().unwrap();
        assert_eq!(kind.ends_with("zstd"), number > 1, "{manifest}");
        assert_eq!(entry["platform"], entries[number % 2]["platform"]);
    }
    let chunked = push(&["--add-compression", "zstd:chunked"], "chunked:1");
    let digest = chunked["manifests"][2]["digest"].as_str().unwrap();
    let manifest = raw(&sandbox, &format!("{}/chunked@{digest}", registry.host));
    let table = "io.github.containers.zstd-chunked.manifest-checksum";
    assert!(
        manifest["layers"][0]["annotations"][table].is_string(),
        "{manifest}"
    );
    let docker = push(&["--format", "v2s2"], "docker:1");
    assert!(docker["mediaType"].as_str().unwrap().contains("manifest.list.v2"));
    let oci = push(&["--format", "oci"], "oci:1");
    assert!(oci["mediaType"].as_str().unwrap().contains("image.index.v1"));
    for (list, kind) in [(&docker, "docker"), (&oci, "oci")] {
        for entry in list["manifests"].as_array().unwrap() {
            assert!(
                entry["mediaType"]
                    .as_str()
                    .unwrap()
                    .contains(&format!("vnd.{kind}")),
                "{list}"
            );
        }
    }
    let refused = ["--sign-by-sq-fingerprint=x", "--sign-by=x"];
    for flag in refused {
        let name = format!("{}/list:1", registry.host);
        let outcome = sandbox.coracle(["manifest", "push", flag, "list", &name]).run();
        outcome.exits(125).says("not supported");
    }
    let outcome = sandbox.coracle(["manifest", "push", "list", "oci:dir"]).run();
    outcome.exits(125).says("not supported");
    // The index alone, whose members the registry does not have there.
    let name = format!("{}/alone:1", registry.host);
    sandbox
        .coracle(["manifest", "push", "--all=false", "list", &name])
        .run()
        .exits(125);
}

/// A token that was fetched before says nothing of a repository that a member comes from.
#[test]
fn members_are_taken_over_with_a_token_that_allows_it() {
    let sandbox = Sandbox::new();
    let content = Content::of(&other(), &sandbox.path("tmp"));
    let tokens = Fake::start(|asked| {
        let may_read = asked.target.contains("repository%3Atest%3Apull");
        let token = if may_read { "wide" } else { "narrow" };
        Answer::new(200, json!({ "token": token }).to_string())
    });
    let realm = format!("http://{}/token", tokens.host);
    let registry = Fake::start(move |asked| {
        let token = asked.header("authorization");
        if token.is_empty() {
            let repository = asked.target.split('/').nth(2).unwrap_or_default();
            let scope = format!("repository:{repository}:pull");
            let challenge = format!(r#"Bearer realm="{realm}",service="s",scope="{scope}""#);
            return Answer::new(401, "").header("WWW-Authenticate", &challenge);
        }
        match asked.method.as_str() {
            "GET" => content.answer(asked),
            "HEAD" => Answer::new(404, ""),
            "POST" if token == "Bearer wide" && asked.target.contains("from=test") => Answer::new(201, ""),
            "POST" => Answer::new(202, "").header("Location", "/upload/1"),
            "PATCH" => Answer::new(202, "").header("Location", "/upload/2"),
            _ => Answer::new(201, ""),
        }
    });
    let from = format!("docker://{}/test:v1", registry.host);
    coracle(&sandbox, &["manifest", "create", "list"]);
    coracle(&sandbox, &["manifest", "add", "list", &from]);
    let name = format!("{}/new:1", registry.host);
    coracle(&sandbox, &["manifest", "push", "--all", "list", &name]);
    assert_eq!(registry.count("from=test"), 2, "{:?}", registry.asked());
    assert_eq!(registry.count("/upload/"), 0, "{:?}", registry.asked());
    // One for what is read, one for what is written.
    let of_target = tokens.count("repository%3Anew%3Apull%2Cpush");
    assert_eq!(of_target, 1, "{:?}", tokens.asked());
}

#[test]
fn hostile_registries_get_nothing_into_a_list() {
    let sandbox = Sandbox::new();
    let image = other();
    let content = Content::of(&image, &sandbox.path("tmp"));
    let digest = content.manifest.clone();
    let entry =
        json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 7 });
    let list = |entries: Vec<Value>| json!({ "schemaVersion": 2, "manifests": entries }).to_string();
    let zeros = format!("sha256:{}", "0".repeat(64));
    let mut missing = entry.clone();
    missing["digest"] = json!(zeros);
    let mut large = entry.clone();
    large["size"] = json!(4 << 20);
    let cases = [
        ("many", list(vec![entry.clone(); 501]), "more than 500"),
        ("large", list(vec![large; 17]), "more than 64 MiB"),
        ("short", list(vec![entry]), "not as long as the index says"),
        ("missing", list(vec![missing]), "has no manifest"),
        ("nothing", "{}".to_owned(), "schema version"),
    ];
    let bodies = cases.clone();
    let registry = Fake::start(move |asked| {
        let tag = asked.target.rsplit('/').next().unwrap_or_default();
        match bodies.iter().find(|(name, ..)| *name == tag) {
            Some((_, body, _)) => Answer::new(200, body.clone())
                .header("Content-Type", "application/vnd.oci.image.index.v1+json"),
            None => content.answer(asked),
        }
    });
    coracle(&sandbox, &["manifest", "create", "list"]);
    for (tag, _, reason) in cases {
        let name = format!("docker://{}/test:{tag}", registry.host);
        let outcome = sandbox.coracle(["manifest", "add", "--all", "list", &name]).run();
        outcome.exits(125).says(reason);
    }
    assert_eq!(index(&sandbox, "list")["manifests"], json!([]));
    coracle(&sandbox, &["system", "check"]).prints("");
}

#[test]
fn additions_at_once_lose_nothing() {
    let sandbox = Sandbox::new();
    let count = 8;
    for number in 0..count {
        let image = Image::new()
            .layer(&[Entry::file("f", [number])])
            .name(&format!("localhost/image:{number}"));
        sandbox.load(&image);
    }
    coracle(&sandbox, &["manifest", "create", "list"]);
    let additions: Vec<_> = (0..count)
        .map(|number| {
            sandbox
                .coracle(["manifest", "add", "list", &format!("image:{number}")])
                .start()
        })
        .collect();
    for addition in additions {
        addition.wait().succeeds();
    }
    assert_eq!(digests(&index(&sandbox, "list")).len(), usize::from(count));
    // Of those who make the same list at once one succeeds.
    let creations: Vec<_> = (0..count)
        .map(|number| {
            sandbox
                .coracle(["manifest", "create", "one", &format!("image:{number}")])
                .start()
        })
        .collect();
    let made = creations
        .into_iter()
        .map(|creation| creation.wait().code)
        .filter(|code| *code == Some(0));
    assert_eq!(made.count(), 1);
    assert_eq!(digests(&index(&sandbox, "one")).len(), 1);
    let listed = coracle(&sandbox, &["images", "-q", "--filter", "manifest=true"]);
    assert_eq!(listed.text().lines().count(), 2);
    coracle(&sandbox, &["system", "check"]).prints("");
}

#[test]
fn a_change_killed_at_every_step_is_done_or_not() {
    let sandbox = Sandbox::new();
    sandbox.load(&own());
    sandbox.load(&other());
    coracle(&sandbox, &["manifest", "create", "list", "busybox"]);
    let steps = |words: &[&str], check: &dyn Fn()| at_every_step(|| sandbox.coracle(words), check);
    steps(&["manifest", "add", "list", "other:1"], &|| {
        let count = digests(&index(&sandbox, "list")).len();
        assert!(count == 1 || count == 2);
        coracle(&sandbox, &["manifest", "add", "list", "other:1"]);
        coracle(&sandbox, &["manifest", "remove", "list", "other:1"]);
        coracle(&sandbox, &["system", "check"]).prints("");
        empties(&sandbox, &["staging", "trash"]);
    });
    coracle(&sandbox, &["manifest", "rm", "list"]);
    steps(&["manifest", "create", "list", "busybox", "other:1"], &|| {
        coracle(
            &sandbox,
            &["manifest", "create", "--amend", "list", "busybox", "other:1"],
        );
        assert_eq!(digests(&index(&sandbox, "list")).len(), 2);
        coracle(&sandbox, &["manifest", "rm", "list"]);
        // One that was not named yet is an image without a name.
        coracle(&sandbox, &["image", "prune", "--force"]);
        coracle(&sandbox, &["system", "check"]).prints("");
        empties(&sandbox, &["staging", "trash"]);
        let listed = coracle(&sandbox, &["images", "-q", "--filter", "manifest=true"]);
        assert_eq!(listed.text(), "");
    });
}

#[test]
fn what_is_attached_is_listed() {
    let sandbox = Sandbox::new();
    let content = Content::of(&other(), &sandbox.path("tmp"));
    let subject = content.manifest.clone();
    let entry = |kind: &str| json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": subject, "size": 7, "artifactType": kind });
    let list = |entries: Vec<Value>| {
        json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries }).to_string()
    };
    let cases = [
        // A registry that lists them on two pages, one that does not know how, and one where nothing is.
        ("listed", vec!["a/one", "a/two"]),
        ("tagged", vec!["b/one"]),
        ("nothing", vec![]),
    ];
    for (number, (name, expected)) in cases.into_iter().enumerate() {
        let content = Content::of(&other(), &sandbox.path("tmp"));
        let pages = [list(vec![entry("a/one")]), list(vec![entry("a/two")])];
        let tagged = list(vec![entry("b/one")]);
        let tag = content.manifest.replace(':', "-");
        let registry = Fake::start(move |asked| {
            let is_list = asked.target.contains("/referrers/");
            if is_list && number == 0 {
                return match asked.target.ends_with("?last=1") {
                    true => Answer::new(200, pages[1].clone()),
                    false => Answer::new(200, pages[0].clone())
                        .header("Link", format!("<{}?last=1>; rel=\"next\"", asked.target)),
                };
            }
            match asked.target.ends_with(&tag) && number == 1 {
                true => Answer::new(200, tagged.clone())
                    .header("Content-Type", "application/vnd.oci.image.index.v1+json"),
                false => content.answer(asked),
            }
        });
        let image = format!("{}/test:v1", registry.host);
        let words = ["image", "referrers", "--format", "{{.ArtifactType}}", &image];
        let lines: String = expected.iter().map(|kind| format!("{kind}\n")).collect();
        coracle(&sandbox, &words).prints(&lines);
        let words = ["image", "referrers", "-n", "--artifact-type", "a/two", &image];
        let found = coracle(&sandbox, &words);
        assert_eq!(found.text().lines().count(), usize::from(number == 0), "{name}");
    }
    let endless = list(vec![entry("x"); 600]);
    let content = Content::of(&other(), &sandbox.path("tmp"));
    let registry = Fake::start(move |asked| match asked.target.contains("/referrers/") {
        true => Answer::new(200, endless.clone()).header("Link", format!("<{}>; rel=\"next\"", asked.target)),
        false => content.answer(asked),
    });
    let image = format!("{}/test:v1", registry.host);
    let outcome = sandbox.coracle(["image", "referrers", &image]).run();
    outcome.exits(125).says("more than 1000 manifests");
}
