//! Pushing: to Debian's registry, read back by ourselves, skopeo and podman.

use std::ffi::OsStr;
use std::fs;

use serde_json::{Value, json};

use super::corners::{buildah, podman_unpacks, remove_storage};
use super::support::registry::{Answer, Distribution, Fake};
use super::support::run::Outcome;
use super::support::tar::Entry;
use super::support::{Compression, Image, Sandbox, requires};

fn nameless() -> Image {
    Image::busybox()
        .layer(&[Entry::file("etc/one", "1")])
        .compressed_layer(&[Entry::file("etc/two", "2")], Compression::Zstd)
        .configure(json!({ "Cmd": ["cat", "/etc/one", "/etc/two"] }))
}

fn image() -> Image {
    nameless().name("localhost/app:v1")
}

fn told(outcome: &Outcome) -> String {
    String::from_utf8_lossy(&outcome.stderr).into_owned()
}

/// What skopeo says of an image at a registry: of the image, or with `--raw` the manifest as it is.
#[track_caller]
pub fn skopeo(sandbox: &Sandbox, words: &[&str], name: &str) -> Outcome {
    let inspect = ["--insecure-policy", "inspect", "--tls-verify=false"];
    let program = sandbox.program("skopeo").args(inspect).args(words);
    program.arg(format!("docker://{name}")).run().succeeds()
}

fn id_of(sandbox: &Sandbox, name: &str) -> String {
    let inspected = sandbox
        .coracle(["image", "inspect", "--format", "{{.Id}}", name])
        .run();
    inspected
        .succeeds()
        .text()
        .trim_start_matches("sha256:")
        .to_owned()
}

#[test]
fn what_is_pushed_is_the_same_image_for_everybody() {
    requires!("program:docker-registry", "program:skopeo", "program:podman");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    sandbox.load(&image());
    let id = id_of(&sandbox, "localhost/app:v1");
    let name = format!("{}/team/app:v1", registry.host);
    let digest_file = sandbox.path("tmp/digest");
    let push = sandbox
        .coracle(["push", "--digestfile"])
        .arg(&digest_file)
        .args(["localhost/app:v1", &name]);
    let pushed = push.run().succeeds();
    let digest = fs::read_to_string(&digest_file).unwrap();
    let manifest = skopeo(&sandbox, &["--raw"], &name).json();
    assert!(
        pushed.text().starts_with(&format!("v1: digest: {digest} size: ")),
        "{}",
        pushed.text()
    );
    assert_eq!(told(&pushed).matches(": Pushed").count(), 3, "{}", told(&pushed));
    assert_eq!(manifest["config"]["digest"], format!("sha256:{id}"));
    assert_eq!(skopeo(&sandbox, &[], &name).json()["Digest"], digest);

    // The second push finds everything, and so does one to another repository of the registry.
    let again = sandbox
        .coracle(["push", "localhost/app:v1", &name])
        .run()
        .succeeds();
    assert_eq!(
        told(&again).matches("Layer already exists").count(),
        3,
        "{}",
        told(&again)
    );
    assert_eq!(again.text(), pushed.text());
    let other = format!("{}/other/app:v2", registry.host);
    let moved = sandbox
        .coracle(["push", "localhost/app:v1", &other])
        .run()
        .succeeds();
    assert_eq!(told(&moved).matches("Mounted").count(), 3, "{}", told(&moved));
    assert!(moved.text().contains(&digest), "{}", moved.text());

    sandbox.coracle(["rmi", "--all", "--force"]).run().succeeds();
    let ran = sandbox.coracle(["run", "--rm", &other]).run().succeeds();
    assert_eq!(ran.text(), "12");
    assert_eq!(id_of(&sandbox, &other), id);

    let words = ["pull", "--quiet", "--tls-verify=false", &name].map(OsStr::new);
    let pulled = podman_unpacks(&sandbox, words);
    remove_storage(&sandbox);
    assert_eq!(pulled.text(), id);
}

#[test]
fn images_go_to_buildah_and_come_back_from_it() {
    requires!(
        "program:docker-registry",
        "program:skopeo",
        "program:buildah",
        "sub-ids"
    );
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    sandbox.load(&image());
    let id = id_of(&sandbox, "localhost/app:v1");
    let digest_file = sandbox.path("tmp/digest");
    let digest_option = format!("--digestfile={}", digest_file.display());
    for packing in ["gzip", "zstd"] {
        let name = format!("{}/{packing}/app:v1", registry.host);
        let push = ["push", "--quiet", "--compression-format", packing, &digest_option];
        let push = sandbox.coracle(push).args(["localhost/app:v1", &name]);
        push.run().succeeds();
        let ours = fs::read_to_string(&digest_file).unwrap();
        let pull = ["pull", "--quiet", "--tls-verify=false", "--policy=always", &name];
        assert_eq!(buildah(&sandbox, &pull).text(), id, "{packing}");
        let digest = [
            "inspect",
            "--type",
            "image",
            "--format",
            "{{.FromImageDigest}}",
            &name,
        ];
        assert_eq!(buildah(&sandbox, &digest).text(), ours, "{packing}");
        // The same image as it packs it.
        let back = format!("{}/{packing}/back:v1", registry.host);
        let there = format!("docker://{back}");
        buildah(
            &sandbox,
            &["push", "--tls-verify=false", &digest_option, &name, &there],
        );
        let theirs = fs::read_to_string(&digest_file).unwrap();
        let fresh = Sandbox::new();
        let ran = fresh.coracle(["run", "--rm", "--quiet", &back]).run();
        ran.succeeds().prints("12");
        assert_eq!(id_of(&fresh, &back), id, "{packing}");
        let inspect = ["image", "inspect", "--format", "{{index .RepoDigests 0}}", &back];
        let inspected = fresh.coracle(inspect).run().succeeds();
        assert!(inspected.text().ends_with(&theirs), "{inspected}");
    }
    // One of its own making, in both formats.
    let base = format!("{}/gzip/app:v1", registry.host);
    let container = buildah(&sandbox, &["from", "--pull-never", &base]);
    let container = container.text();
    let file = sandbox.file("three", "3");
    buildah(
        &sandbox,
        &["copy", container, file.to_str().unwrap(), "/etc/three"],
    );
    buildah(
        &sandbox,
        &["config", "--cmd", "cat /etc/two /etc/three", container],
    );
    for format in ["oci", "docker"] {
        let name = format!("{}/made:{format}", registry.host);
        let there = format!("docker://{name}");
        buildah(
            &sandbox,
            &["commit", "--quiet", "--format", format, container, &name],
        );
        buildah(&sandbox, &["push", "--tls-verify=false", &name, &there]);
        let ran = sandbox.coracle(["run", "--rm", "--quiet", &name]).run();
        ran.succeeds().prints("23");
    }
    remove_storage(&sandbox);
}

#[test]
fn formats_and_packings_are_as_asked() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    sandbox.load(&image());
    let id = id_of(&sandbox, "localhost/app:v1");
    let cases: [(&[&str], &str, &str); 4] = [
        (&[], "oci.image.manifest", "tar+gzip"),
        (&["--format", "v2s2"], "docker.distribution.manifest", "tar.gzip"),
        (
            &["--compression-format", "zstd"],
            "oci.image.manifest",
            "tar+zstd",
        ),
        (
            &[
                "--format",
                "oci",
                "--compression-format",
                "zstd",
                "--compression-level",
                "10",
            ],
            "oci.image.manifest",
            "tar+zstd",
        ),
    ];
    for (number, (words, kind, layer)) in cases.into_iter().enumerate() {
        // Each to a repository of its own, and from a store that remembers nothing of the others.
        let sandbox = Sandbox::new();
        sandbox.load(&image());
        let name = format!("{}/case{number}:v1", registry.host);
        sandbox
            .coracle(["push", "--quiet"])
            .args(words)
            .args(["localhost/app:v1", &name])
            .run()
            .succeeds();
        let manifest = skopeo(&sandbox, &["--raw"], &name).json();
        assert!(
            manifest["mediaType"].as_str().unwrap().contains(kind),
            "{words:?}: {manifest}"
        );
        for one in manifest["layers"].as_array().unwrap() {
            assert!(
                one["mediaType"].as_str().unwrap().ends_with(layer),
                "{words:?}: {manifest}"
            );
        }
        sandbox.coracle(["rmi", "--all", "--force"]).run().succeeds();
        let ran = sandbox
            .coracle(["run", "--rm", "--quiet", &name])
            .run()
            .succeeds();
        assert_eq!(ran.text(), "12");
        assert_eq!(id_of(&sandbox, &name), id);
    }
    let wrong = [
        "push",
        "--format",
        "v2s2",
        "--compression-format",
        "zstd",
        "localhost/app:v1",
    ];
    let refused = sandbox
        .coracle(wrong)
        .arg(format!("{}/x:v1", registry.host))
        .run()
        .exits(125);
    assert!(told(&refused).contains("--format oci"), "{}", told(&refused));
}

#[test]
fn an_image_that_was_pulled_keeps_its_manifest_where_its_blobs_are() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    let first = registry.publish(&sandbox, &nameless(), "first:v1");
    let digest = skopeo(&sandbox, &[], &first).json()["Digest"].clone();
    sandbox.coracle(["pull", &first]).run().succeeds();
    let second = format!("{}/second:v1", registry.host);
    sandbox.coracle(["push", &first, &second]).run().succeeds();
    assert_eq!(skopeo(&sandbox, &[], &second).json()["Digest"], digest);
    // All tags of a repository at once.
    sandbox
        .coracle(["tag", &first, &format!("{}/many:a", registry.host)])
        .run()
        .succeeds();
    sandbox
        .coracle(["tag", &first, &format!("{}/many:b", registry.host)])
        .run()
        .succeeds();
    sandbox
        .coracle(["push", "--all-tags", &format!("{}/many", registry.host)])
        .run()
        .succeeds();
    let many = skopeo(&sandbox, &[], &format!("{}/many:a", registry.host)).json();
    let mut tags: Vec<&str> = many["RepoTags"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    tags.sort_unstable();
    assert_eq!(tags, ["a", "b"]);
    assert_eq!(many["Digest"], digest);
    let pulled = sandbox
        .coracle([
            "pull",
            "--all-tags",
            "--quiet",
            &format!("{}/many", registry.host),
        ])
        .run();
    assert_eq!(pulled.succeeds().text().lines().count(), 2);
}

#[test]
fn a_token_is_asked_for_all_that_a_push_needs() {
    let sandbox = Sandbox::new();
    sandbox.load(&image());
    let tokens = Fake::start(|_| Answer::new(200, r#"{"access_token":"t0k3n"}"#));
    let challenge = format!(
        r#"Bearer realm="http://{}/token",service="s",scope="repository:team/app:pull""#,
        tokens.host
    );
    let registry = Fake::start(
        move |asked| match (asked.header("authorization"), asked.method.as_str()) {
            ("Bearer t0k3n", "HEAD") => Answer::new(404, ""),
            ("Bearer t0k3n", "POST") => Answer::new(202, "").header("Location", "/upload/1?state=x"),
            ("Bearer t0k3n", "PATCH") => Answer::new(202, "").header("Location", "/upload/2?state=y"),
            ("Bearer t0k3n", _) => Answer::new(201, ""),
            _ => Answer::new(401, "").header("WWW-Authenticate", &challenge),
        },
    );
    let name = format!("{}/team/app:v1", registry.host);
    sandbox
        .coracle(["push", "localhost/app:v1", &name])
        .run()
        .succeeds();
    let asked = tokens.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].target,
        "/token?scope=repository%3Ateam%2Fapp%3Apull%2Cpush&service=s"
    );
    // Each layer is one stream whose digest ends it, the configuration comes whole.
    let ends = registry.count("/upload/2?state=y&digest=sha256%3A");
    assert_eq!(
        (ends, registry.count("/upload/1?state=x&digest=sha256%3A")),
        (3, 1)
    );
    let moved = format!("{}/other:v1", registry.host);
    sandbox
        .coracle(["push", "localhost/app:v1", &moved])
        .run()
        .succeeds();
    let last = tokens.asked().pop().unwrap().target;
    assert!(last.contains("scope=repository%3Ateam%2Fapp%3Apull&"), "{last}");
}

#[test]
fn a_push_without_the_right_or_to_nobody_says_so() {
    let sandbox = Sandbox::new();
    sandbox.load(&image());
    let closed = Fake::start(|asked| match asked.header("authorization") {
        "Basic bWU6c2VjcmV0" => Answer::new(403, r#"{"errors":[{"code":"DENIED","message":"read only"}]}"#),
        _ => Answer::new(401, "").header("WWW-Authenticate", "Basic"),
    });
    let name = format!("{}/app:v1", closed.host);
    let push = |words: &[&str]| {
        sandbox
            .coracle(["push", "--retry", "0"])
            .args(words)
            .args(["localhost/app:v1", &name])
    };
    let refused = push(&[]).run().exits(125);
    assert!(told(&refused).contains("coracle login"), "{}", told(&refused));
    let refused = push(&["--creds", "me:secret"]).run().exits(125);
    assert!(told(&refused).contains("read only"), "{}", told(&refused));
    for (words, part) in [
        (&["push", "nosuch"][..], "nosuch"),
        (&["push", "localhost/app:v1", "BAD//x"], "BAD//x"),
        (&["push", "--format", "x", "localhost/app:v1"], "--format"),
        (
            &["push", "--compression-format", "xz", "localhost/app:v1"],
            "--compression-format",
        ),
        (
            &["push", "--compression-level", "77", "localhost/app:v1"],
            "--compression-level",
        ),
    ] {
        let outcome = sandbox.coracle(words).run().exits(125).says(part);
        outcome.says_one_line();
    }
}
