//! Signatures: what a policy wants signed, who signs it, and what strangers make of that.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::corners::{podman, remove_storage};
use super::push::skopeo;
use super::registries::{configure, names};
use super::registry::{image, registry, told};
use super::support::image::{digest, hex};
use super::support::registry::{Answer, Asked, Content, Distribution, Fake};
use super::support::run::{Outcome, contains};
use super::support::skip::skip;
use super::support::{Image, Sandbox, requires};

const KIND: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const OCI: &str = "application/vnd.oci.image.manifest.v1+json";

/// Writes a file at a place of the sandbox.
pub fn put(sandbox: &Sandbox, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = sandbox.path(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// A copy of a key in the sandbox, since who runs the tests may not see the source.
pub fn copy(sandbox: &Sandbox, name: &str) -> String {
    let bytes: &[u8] = match name {
        "p256.key" => include_bytes!("../../src/image/signature/testing/p256.key"),
        "p256.pub" => include_bytes!("../../src/image/signature/testing/p256.pub"),
        "sealed.key" => include_bytes!("../../src/image/signature/testing/sealed.key"),
        "ed25519.pub" => include_bytes!("../../src/image/signature/testing/ed25519.pub"),
        other => panic!("no key {other}"),
    };
    put(sandbox, &format!("tmp/{name}"), bytes).display().to_string()
}

/// Whoever is not signed by `key` does not come in from this host.
pub fn trust(sandbox: &Sandbox, host: &str, requirement: &Value) {
    let policy = json!({
        "default": [{"type": "reject"}],
        "transports": { "docker": { host: [requirement] }, "oci-archive": { "": [{"type": "insecureAcceptAnything"}] } }
    });
    configure(sandbox, "policy.json", policy.to_string());
    attachments(sandbox, host);
}

fn attachments(sandbox: &Sandbox, host: &str) {
    let text = format!("docker:\n  {host}:\n    use-sigstore-attachments: true\n");
    configure(sandbox, "registries.d/test.yaml", text);
}

pub fn signed_by(sandbox: &Sandbox, public: &str) -> Value {
    json!({"type": "sigstoreSigned", "keyPath": copy(sandbox, public)})
}

#[track_caller]
fn refuses(sandbox: &Sandbox, name: &str, part: &str) -> Outcome {
    let refused = sandbox
        .coracle(["pull", name])
        .run()
        .exits(125)
        .says(part)
        .says_one_line();
    assert_eq!(names(sandbox), "", "{}", told(&refused));
    refused
}

/// Whether skopeo lets an image in by the policy of the sandbox. Debian's finds signatures, and refuses to check them:
/// `false`, it did not judge.
#[track_caller]
fn skopeo_lets(sandbox: &Sandbox, name: &str, is_right: bool) -> bool {
    let place = sandbox.path("tmp/read");
    let _ = fs::remove_dir_all(&place);
    let read = sandbox
        .program("skopeo")
        .arg("--policy")
        .arg(sandbox.path("config/containers/policy.json"))
        .arg("--registries.d")
        .arg(sandbox.path("config/containers/registries.d"))
        .args(["copy", "--quiet", "--remove-signatures", "--src-tls-verify=false"])
        .arg(format!("docker://{name}"))
        .arg(format!("dir:{}", place.display()))
        .run();
    let judges = !contains(&read.stderr, b"Debian-local change: sigstore disabled");
    assert_eq!(read.code == Some(0), judges && is_right, "{read}");
    judges
}

/// The signed documents of an image at a registry: openssl says that the key signed each of them.
fn documents(sandbox: &Sandbox, name: &str, public: &str) -> Vec<Value> {
    let inspected = skopeo(sandbox, &[], name).json();
    let (repository, _) = name.rsplit_once(':').unwrap();
    documents_of(sandbox, repository, inspected["Digest"].as_str().unwrap(), public)
}

/// The same of what has this digest in a repository.
pub fn documents_of(sandbox: &Sandbox, repository: &str, digest: &str, public: &str) -> Vec<Value> {
    let signatures = format!("{repository}:{}.sig", digest.replace(':', "-"));
    let manifest = skopeo(sandbox, &["--raw"], &signatures).json();
    assert_eq!(manifest["mediaType"], OCI);
    let place = sandbox.path("tmp/signatures");
    let _ = fs::remove_dir_all(&place);
    let copied = sandbox
        .program("skopeo")
        .args(["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false"])
        .arg(format!("docker://{signatures}"))
        .arg(format!("dir:{}", place.display()));
    copied.run().succeeds();
    let verified = |layer: &Value| {
        assert_eq!(layer["mediaType"], KIND);
        let document = place.join(&layer["digest"].as_str().unwrap()[7..]);
        let encoded = layer["annotations"]["dev.cosignproject.cosign/signature"]
            .as_str()
            .unwrap();
        let signature = put(sandbox, "tmp/signature.txt", encoded).display().to_string();
        let binary = sandbox.path("tmp/signature").display().to_string();
        let openssl = |words: &[&str]| sandbox.program("openssl").args(words).run().succeeds();
        openssl(&["base64", "-d", "-A", "-in", &signature, "-out", &binary]);
        let verify = [
            "dgst",
            "-sha256",
            "-verify",
            public,
            "-signature",
            &binary,
            document.to_str().unwrap(),
        ];
        assert_eq!(openssl(&verify).text().trim(), "Verified OK");
        serde_json::from_slice(&fs::read(document).unwrap()).unwrap()
    };
    manifest["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(verified)
        .collect()
}

#[test]
fn what_we_sign_skopeo_and_we_let_in() {
    requires!("program:docker-registry", "program:skopeo", "program:openssl");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    sandbox.load(&Image::busybox().name("localhost/app:v1"));
    let name = format!("{}/team/app:v1", registry.host);
    let private = copy(&sandbox, "p256.key");
    let push = [
        "push",
        "--sign-by-sigstore-private-key",
        &private,
        "localhost/app:v1",
        &name,
    ];
    sandbox
        .coracle(push)
        .run()
        .exits(125)
        .says("use-sigstore-attachments: true");
    trust(&sandbox, &registry.host, &signed_by(&sandbox, "p256.pub"));
    let pushed = sandbox.coracle(push).run().succeeds();
    assert!(told(&pushed).contains("Signed sha256:"), "{}", told(&pushed));
    // What is signed already is not signed again.
    sandbox.coracle(push).run().succeeds();
    let judges = skopeo_lets(&sandbox, &name, true);
    let documents = documents(&sandbox, &name, &copy(&sandbox, "p256.pub"));
    assert_eq!(documents.len(), 1);
    for document in documents {
        assert_eq!(document["critical"]["identity"]["docker-reference"], *name);
        let digest = document["critical"]["image"]["docker-manifest-digest"]
            .as_str()
            .unwrap();
        assert!(pushed.text().contains(digest), "{digest}");
    }
    sandbox.coracle(["rmi", "--all", "--force"]).run().succeeds();
    sandbox.coracle(["pull", "--quiet", &name]).run().succeeds();
    sandbox.coracle(["run", "--rm", &name, "true"]).run().succeeds();
    sandbox
        .coracle(["pull", &name])
        .run()
        .succeeds()
        .says("Image is up to date");
    sandbox.coracle(["rmi", "--all", "--force"]).run().succeeds();

    // The same manifest under another name is not what was signed.
    let other = format!("{}/team/app:v2", registry.host);
    sandbox
        .program("skopeo")
        .args([
            "--insecure-policy",
            "copy",
            "--quiet",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
        ])
        .args([format!("docker://{name}"), format!("docker://{other}")])
        .run()
        .succeeds();
    assert_eq!(skopeo_lets(&sandbox, &other, false), judges);
    refuses(
        &sandbox,
        &other,
        &format!("one is of the name \"{name}\", which signedIdentity"),
    );
    let wide = json!({"type": "sigstoreSigned", "keyPath": copy(&sandbox, "p256.pub"),
        "signedIdentity": {"type": "matchRepository"}});
    trust(&sandbox, &registry.host, &wide);
    assert_eq!(skopeo_lets(&sandbox, &other, true), judges);
    sandbox.coracle(["pull", "--quiet", &other]).run().succeeds();
    sandbox.coracle(["rmi", "--all", "--force"]).run().succeeds();

    trust(&sandbox, &registry.host, &signed_by(&sandbox, "ed25519.pub"));
    assert_eq!(skopeo_lets(&sandbox, &name, false), judges);
    refuses(&sandbox, &name, "one is not of a key that is trusted there");
    if !judges {
        skip("this skopeo does not check signatures: what it makes of ours was not seen");
    }
}

/// And what says the same again is not added, or an image that is signed every night could not be pulled some day.
#[test]
fn signatures_of_other_names_stand_beside_each_other() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    sandbox.load(&image().name("localhost/app:v1"));
    let names = ["v1", "v2"].map(|tag| format!("{}/team/app:{tag}", registry.host));
    let private = copy(&sandbox, "p256.key");
    trust(&sandbox, &registry.host, &signed_by(&sandbox, "p256.pub"));
    for name in names.iter().chain(&names) {
        let push = ["push", "--quiet", "--sign-by-sigstore-private-key", &private];
        let push = sandbox.coracle(push).args(["localhost/app:v1", name]);
        push.run().succeeds();
    }
    for name in &names {
        sandbox.coracle(["rmi", "--all", "--force"]).run().succeeds();
        sandbox.coracle(["pull", "--quiet", name]).run().succeeds();
    }
    let documents = documents(&sandbox, &names[0], &copy(&sandbox, "p256.pub"));
    let signed = documents
        .iter()
        .map(|document| document["critical"]["identity"]["docker-reference"].clone());
    assert_eq!(signed.collect::<Vec<_>>(), names);
}

#[test]
fn of_many_signatures_the_newest_are_looked_at() {
    let payload = b"{}".as_slice();
    for (place, is_looked_at) in [(1, true), (0, false)] {
        let sandbox = Sandbox::new();
        let content = Content::of(&image(), &sandbox.path("tmp"));
        let (signed, document) = openssl_signs(&sandbox, "vendor.invalid/app:v1", &content.manifest);
        let signed: Value = serde_json::from_slice(&signed.body).unwrap();
        let many = manifest(&[payload; 128], |manifest| {
            let layers = manifest["layers"].as_array_mut().unwrap();
            layers.insert(place, signed["layers"][0].clone());
        });
        let (name, fake) = attached(&sandbox, Some(many), vec![document, payload.to_vec()]);
        let requirement = json!({"type": "sigstoreSigned", "keyPath": copy(&sandbox, "p256.pub"),
            "signedIdentity": {"type": "exactReference", "dockerReference": "vendor.invalid/app:v1"}});
        trust(&sandbox, &fake.host, &requirement);
        match is_looked_at {
            true => drop(sandbox.coracle(["pull", &name]).run().succeeds()),
            false => drop(refuses(
                &sandbox,
                &name,
                "one is not of a key that is trusted there",
            )),
        }
    }
}

#[test]
fn a_key_of_cosign_signs_with_its_passphrase() {
    requires!("program:docker-registry", "program:skopeo", "program:openssl");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    sandbox.load(&image().name("localhost/app:v1"));
    let name = format!("{}/app:v1", registry.host);
    trust(&sandbox, &registry.host, &signed_by(&sandbox, "p256.pub"));
    let sealed = copy(&sandbox, "sealed.key");
    let push = ["push", "--sign-by-sigstore-private-key", &sealed];
    for (passphrase, said) in [
        ("wrong", "the passphrase is wrong"),
        ("word\nand more\n", "Signed sha256:"),
    ] {
        let file = put(&sandbox, "tmp/passphrase", passphrase).display().to_string();
        let words = ["--sign-passphrase-file", &file, "localhost/app:v1", &name];
        let pushed = sandbox.coracle(push).args(words).run().says(said);
        // A key that does not open is found before anything is sent.
        assert_eq!(pushed.code == Some(0), passphrase != "wrong");
        assert_eq!(
            told(&pushed).contains("Pushed"),
            passphrase != "wrong",
            "{}",
            told(&pushed)
        );
    }
    assert_eq!(documents(&sandbox, &name, &copy(&sandbox, "p256.pub")).len(), 1);
    sandbox.coracle(["rmi", "--all", "--force"]).run().succeeds();
    sandbox.coracle(["pull", "--quiet", &name]).run().succeeds();
    // By its digest any tag of the repository will do.
    let inspect = ["image", "inspect", "--format", "{{index .RepoDigests 0}}", &name];
    let by_digest = sandbox.coracle(inspect).run().succeeds().text().trim().to_owned();
    sandbox.coracle(["rmi", "--all"]).run().succeeds();
    sandbox.coracle(["pull", "--quiet", &by_digest]).run().succeeds();
}

#[test]
fn what_openssl_signed_comes_in_and_a_mirror_without_it_is_passed_over() {
    requires!("program:openssl");
    let sandbox = Sandbox::new();
    let content = Content::of(&image(), &sandbox.path("tmp"));
    let (manifest, payload) = openssl_signs(&sandbox, "vendor.invalid/app:v1", &content.manifest);
    let (name, fake) = attached(&sandbox, Some(manifest), vec![payload]);
    let (_, bare) = attached(&sandbox, None, vec![]);
    let requirement = json!({"type": "sigstoreSigned", "keyPaths": [copy(&sandbox, "ed25519.pub"), copy(&sandbox, "p256.pub")],
        "signedIdentity": {"type": "exactReference", "dockerReference": "vendor.invalid/app:v1"}});
    trust(&sandbox, &fake.host, &requirement);
    let both = format!(
        "default-docker:\n  use-sigstore-attachments: true\n# {}\n",
        fake.host
    );
    configure(&sandbox, "registries.d/test.yaml", both);
    let mirrors = format!(
        "[[registry]]\nlocation = '{}'\ninsecure = true\n[[registry.mirror]]\nlocation = '{}'\ninsecure = true\n",
        fake.host, bare.host
    );
    configure(&sandbox, "registries.conf", mirrors);
    let pulled = sandbox.coracle(["pull", &name]).run().succeeds();
    pulled.says(&format!("the mirror {} is passed over", bare.host));
    sandbox
        .coracle(["run", "--rm", &name])
        .run()
        .succeeds()
        .prints("12");
}

/// The manifest of one signature that openssl has made, and what is signed.
fn openssl_signs(sandbox: &Sandbox, name: &str, digest: &str) -> (Answer, Vec<u8>) {
    let document = json!({
        "critical": {
            "identity": {"docker-reference": name},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": null,
    });
    let payload = document.to_string().into_bytes();
    let place = put(sandbox, "tmp/payload", &payload);
    let private = copy(sandbox, "p256.key");
    let sign = ["dgst", "-sha256", "-sign", &private, place.to_str().unwrap()];
    let signature = sandbox.program("openssl").args(sign).run().succeeds().stdout;
    let encode = sandbox
        .program("openssl")
        .args(["base64", "-A"])
        .input(signature)
        .run();
    let encoded = encode.succeeds().text().trim().to_owned();
    let manifest = manifest(&[&payload], |manifest| {
        manifest["layers"][0]["annotations"]["dev.cosignproject.cosign/signature"] = json!(encoded);
    });
    (manifest, payload)
}

#[test]
fn another_member_of_the_same_index_does_not_stand_in_for_the_signed_one() {
    let sandbox = Sandbox::new();
    let signed = Content::of(&image(), &sandbox.path("tmp"));
    // Its configuration knows no variant, so that it serves any of this machine's.
    let unsigned = image().configure(json!({ "Cmd": ["echo", "unsigned"] }));
    let unsigned = Content::of(&unsigned, &sandbox.path("tmp"));
    let architecture = if cfg!(target_arch = "x86_64") {
        "amd64"
    } else {
        "arm64"
    };
    let entry = |content: &Content, variant: Option<&str>| {
        let (kind, bytes) = &content.documents["/v2/test/manifests/v1"];
        json!({"mediaType": kind, "digest": content.manifest, "size": bytes.len(),
            "platform": {"os": "linux", "architecture": architecture, "variant": variant.unwrap_or_default()}})
    };
    let kind = "application/vnd.oci.image.index.v1+json";
    let index = json!({"schemaVersion": 2, "mediaType": kind,
        "manifests": [entry(&signed, None), entry(&unsigned, Some("v9"))]});
    let index = index.to_string().into_bytes();
    let (tag, digest) = (signed.manifest.replace(':', "-"), signed.manifest.clone());
    let mut all = unsigned;
    all.documents.extend(signed.documents);
    for name in ["v1".to_owned(), format!("sha256:{}", hex(&index))] {
        let place = format!("/v2/test/manifests/{name}");
        all.documents.insert(place, (kind.to_owned(), index.clone()));
    }
    let (manifest, payload) = openssl_signs(&sandbox, "vendor.invalid/app:v1", &digest);
    let (_, fake) = registry(all, move |asked, honest| {
        if asked.target.ends_with(&format!("{tag}.sig")) {
            return manifest.clone();
        }
        match asked.target.ends_with(&hex(&payload)) {
            true => Answer::new(200, payload.clone()),
            false => honest,
        }
    });
    let name = format!("{}/test:v1", fake.host);
    let other = format!("linux/{architecture}/v9");
    sandbox
        .coracle(["pull", "--platform", &other, &name])
        .run()
        .succeeds();
    sandbox
        .coracle(["run", "--rm", "--pull", "never", &name])
        .run()
        .succeeds()
        .prints("unsigned\n");
    let requirement = json!({"type": "sigstoreSigned", "keyPath": copy(&sandbox, "p256.pub"),
        "signedIdentity": {"type": "exactReference", "dockerReference": "vendor.invalid/app:v1"}});
    trust(&sandbox, &fake.host, &requirement);
    for _ in 0..2 {
        sandbox.coracle(["pull", &name]).run().succeeds();
        sandbox
            .coracle(["run", "--rm", "--pull", "never", &name])
            .run()
            .succeeds()
            .prints("12");
    }
    sandbox
        .coracle(["pull", "--platform", &other, &name])
        .run()
        .exits(125)
        .says("has none of sha256:");
}

/// An honest registry of an image, with this manifest and these blobs for its signatures.
fn attached(sandbox: &Sandbox, manifest: Option<Answer>, blobs: Vec<Vec<u8>>) -> (String, Fake) {
    let content = Content::of(&image(), &sandbox.path("tmp"));
    let tag = format!("/v2/test/manifests/sha256-{}.sig", &content.manifest[7..]);
    let answer = move |asked: &Asked, honest: Answer| {
        if asked.target == tag {
            return manifest.clone().unwrap_or(honest);
        }
        let blob = blobs.iter().find(|blob| asked.target.ends_with(&hex(blob)));
        blob.map_or(honest, |blob| Answer::new(200, blob.clone()))
    };
    let (_, fake) = registry(content, answer);
    (format!("{}/test:v1", fake.host), fake)
}

/// A manifest of signatures, one for each payload.
fn manifest(payloads: &[&[u8]], change: impl Fn(&mut Value)) -> Answer {
    let layer = |payload: &&[u8]| {
        json!({"mediaType": KIND, "digest": digest(payload), "size": payload.len(),
            "annotations": {"dev.cosignproject.cosign/signature": "AAAA"}})
    };
    let mut value = json!({
        "schemaVersion": 2, "mediaType": OCI,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(b"{}"), "size": 2},
        "layers": payloads.iter().map(layer).collect::<Vec<_>>(),
    });
    change(&mut value);
    Answer::new(200, value.to_string()).header("Content-Type", OCI)
}

#[test]
fn nothing_that_a_registry_says_replaces_a_signature() {
    let payload = b"{}".as_slice();
    let long = vec![b' '; (1 << 20) + 1];
    type Case = (&'static str, Option<Answer>, Vec<Vec<u8>>, &'static str);
    let cases: Vec<Case> = vec![
        ("none", None, vec![], "has none of sha256:"),
        (
            "an error",
            Some(Answer::new(403, "")),
            vec![],
            "does not let us have",
        ),
        (
            "nonsense",
            Some(Answer::new(200, "x").header("Content-Type", OCI)),
            vec![],
            "invalid image manifest",
        ),
        (
            "an index",
            Some(
                Answer::new(200, r#"{"schemaVersion":2,"manifests":[]}"#)
                    .header("Content-Type", "application/vnd.oci.image.index.v1+json"),
            ),
            vec![],
            "they come as",
        ),
        (
            "no layers",
            Some(manifest(&[], |_| {})),
            vec![],
            "has none of sha256:",
        ),
        (
            "attestations",
            Some(manifest(&[payload], |manifest| {
                manifest["layers"][0]["mediaType"] = json!("application/x")
            })),
            vec![],
            "has none of sha256:",
        ),
        (
            "another document",
            Some(manifest(&[payload], |_| {})),
            vec![],
            "has no blob sha256:",
        ),
        (
            "a bad signature",
            Some(manifest(&[payload], |_| {})),
            vec![payload.to_vec()],
            "one is not of a key that is trusted there",
        ),
        (
            "no signature",
            Some(manifest(&[payload], |manifest| {
                manifest["layers"][0]["annotations"] = json!({})
            })),
            vec![payload.to_vec()],
            "one is not written as cosign writes them",
        ),
        (
            "too long",
            Some(manifest(&[&long], |_| {})),
            vec![long.clone()],
            "longer than 1048576 bytes",
        ),
        (
            "far too long a manifest",
            Some(Answer::new(200, vec![b' '; (4 << 20) + 1]).header("Content-Type", OCI)),
            vec![],
            "is longer than",
        ),
    ];
    for (case, answer, blobs, expected) in cases {
        let sandbox = Sandbox::new();
        let (name, fake) = attached(&sandbox, answer, blobs);
        trust(&sandbox, &fake.host, &signed_by(&sandbox, "p256.pub"));
        let refused = sandbox.coracle(["pull", &name]).run().exits(125);
        assert!(told(&refused).contains(expected), "{case}: {}", told(&refused));
        refused.says_one_line();
        assert_eq!(names(&sandbox), "", "{case}");
        // No layer was asked for, so none was unpacked.
        let content = Content::of(&image(), &sandbox.path("tmp"));
        assert!(
            content.layers.iter().all(|layer| fake.count(layer) == 0),
            "{case}"
        );
        sandbox.coracle(["run", "--rm", &name]).run().exits(125);
    }
}

#[test]
fn signatures_are_looked_for_where_registries_d_says() {
    let sandbox = Sandbox::new();
    let (name, fake) = attached(&sandbox, None, vec![]);
    trust(&sandbox, &fake.host, &signed_by(&sandbox, "p256.pub"));
    let unconfigured = format!(
        "docker:\n  {}/other:\n    use-sigstore-attachments: true\n",
        fake.host
    );
    configure(&sandbox, "registries.d/test.yaml", unconfigured);
    refuses(
        &sandbox,
        &name,
        "write use-sigstore-attachments: true for it in registries.d",
    );
    assert_eq!(fake.count(".sig"), 0);
    configure(&sandbox, "registries.d/test.yaml", "docker:\n  - x\n");
    refuses(&sandbox, &name, "test.yaml: line 2:");
    attachments(&sandbox, &fake.host);
    // What is here was let in before: it can be run, but what comes in is looked at again.
    let open = put(
        &sandbox,
        "tmp/open.json",
        r#"{"default":[{"type":"insecureAcceptAnything"}]}"#,
    );
    sandbox
        .coracle(["pull", "--signature-policy"])
        .arg(&open)
        .arg(&name)
        .run()
        .succeeds();
    assert_eq!(fake.count(".sig"), 0);
    sandbox.coracle(["run", "--rm", &name]).run().succeeds();
    sandbox
        .coracle(["pull", &name])
        .run()
        .exits(125)
        .says("has none of sha256:");
    sandbox
        .coracle(["pull", "--signature-policy", "/nowhere", &name])
        .run()
        .exits(125)
        .says("/nowhere");
}

#[test]
fn archives_have_no_signatures() {
    let sandbox = Sandbox::new();
    let policy = json!({"default": [signed_by(&sandbox, "p256.pub")]});
    configure(&sandbox, "policy.json", policy.to_string());
    let archive = sandbox.path("tmp/a.tar");
    image().write(&archive, super::support::Format::OciArchive);
    let place = format!("oci-archive:{}", archive.display());
    refuses(&sandbox, &place, "only images of registries have any");
    sandbox
        .coracle(["load", "--input"])
        .arg(&archive)
        .run()
        .exits(125)
        .says("only images of registries");
}

#[test]
fn trust_is_shown_and_set_as_podman_does() {
    requires!("program:podman");
    let sandbox = Sandbox::new();
    let public = copy(&sandbox, "p256.pub");
    let policy = json!({
        "default": [{"type": "insecureAcceptAnything"}],
        "transports": {
            "docker": {
                "reg.invalid/a": [{"type": "sigstoreSigned", "keyPath": public}],
                "b.invalid": [{"type": "sigstoreSigned", "keyPath": "/k1"}, {"type": "sigstoreSigned", "keyPath": "/k2"}],
                "docker.io/x": [{"type": "reject"}],
            },
            "dir": {"": [{"type": "reject"}]},
        }
    });
    configure(&sandbox, "policy.json", policy.to_string());
    let registries =
        "docker:\n  reg.invalid:\n    lookaside: file:///x\ndefault-docker:\n  lookaside: file:///y\n";
    configure(&sandbox, "registries.d/a.yaml", registries);
    let show = |words: &[&str]| {
        let words = [&["image", "trust", "show"], words].concat();
        sandbox.coracle(words).run().succeeds().text().to_owned()
    };
    for words in [&[][..], &["--json"], &["--raw"], &["-n"]] {
        let podmans = podman(&sandbox)
            .args(["image", "trust", "show", "--policypath"])
            .arg(sandbox.path("config/containers/policy.json"))
            .arg("--registrypath")
            .arg(sandbox.path("config/containers/registries.d"))
            .args(words)
            .run();
        let podmans = podmans.succeeds();
        let lines = |text: &str| {
            text.trim()
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>()
        };
        assert_eq!(lines(&show(words)), lines(podmans.text()), "{words:?}");
    }
    let raw = sandbox.coracle(["image", "trust", "show", "--raw"]).run();
    assert_eq!(raw.succeeds().stdout, policy.to_string().into_bytes());
    assert_eq!(
        show(&["-n", "docker.io/x"])
            .split_whitespace()
            .collect::<Vec<_>>(),
        ["repository", "docker.io/x", "reject", "file:///y"]
    );

    let set = |words: &[&str]| {
        sandbox
            .coracle([&["image", "trust", "set"], words].concat())
            .run()
    };
    set(&["--type", "accept", "docker.io/x"]).succeeds();
    set(&[
        "-t",
        "sigstoreSigned",
        "-f",
        &public,
        "-f",
        &public,
        "new.invalid:5000/y",
    ])
    .succeeds();
    set(&["-t", "reject", "default"]).succeeds();
    let written: Value =
        serde_json::from_slice(&fs::read(sandbox.path("config/containers/policy.json")).unwrap()).unwrap();
    assert_eq!(written["default"], json!([{"type": "reject"}]));
    let scopes = &written["transports"]["docker"];
    assert_eq!(scopes["docker.io/x"], json!([{"type": "insecureAcceptAnything"}]));
    let one = json!({"type": "sigstoreSigned", "keyPath": public});
    assert_eq!(scopes["new.invalid:5000/y"], json!([one, one]));
    assert_eq!(written["transports"]["dir"], policy["transports"]["dir"]);
    for (words, expected) in [
        (&["-t", "sigstoreSigned", "x.invalid"][..], "needs a public key"),
        (
            &["-t", "sigstoreSigned", "-f", "/nowhere", "x.invalid"],
            "--pubkeysfile /nowhere",
        ),
        (
            &["-t", "reject", "-f", &public, "x.invalid"],
            "--pubkeysfile is for",
        ),
        (
            &["-t", "signedBy", "-f", &public, "x.invalid"],
            "signatures of GPG are not checked here",
        ),
        (&["-t", "accept", "busybox"], "write docker.io/library/busybox"),
    ] {
        set(words).exits(125).says(expected).says_one_line();
    }
    // Other tools and other users read it, too.
    let mode = fs::metadata(sandbox.path("config/containers/policy.json"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o644);
    let after = fs::read(sandbox.path("config/containers/policy.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&after).unwrap(), written);
    assert!(set(&["x.invalid"]).code != Some(0));
    remove_storage(&sandbox);
}
