//! Manifests of Docker's schema 1: refused by name, with what helps, and before anything of the image is fetched.

use std::fs;

use serde_json::{Value, json};

use super::registries::configure;
use super::registry::{image, told};
use super::support::image::hex;
use super::support::registry::{Answer, Content, Distribution, Fake};
use super::support::{Format, Image, Sandbox, requires};

const PLAIN: &str = "application/vnd.docker.distribution.manifest.v1+json";
const SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";
const V2: &str = "application/vnd.docker.distribution.manifest.v2+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A manifest of schema 1 as Docker wrote them.
fn manifest() -> Value {
    let layer = format!("sha256:{}", "a3".repeat(32));
    json!({ "schemaVersion": 1, "name": "test", "tag": "v1", "architecture": "amd64",
        "fsLayers": [{ "blobSum": layer }], "history": [{ "v1Compatibility": r#"{"id":"1"}"# }] })
}

/// The bytes with a signature, and the digest that registries give for them, which is of what is signed.
fn signed() -> (Vec<u8>, String) {
    let digest = format!("sha256:{}", hex(manifest().to_string().as_bytes()));
    let mut signed = manifest();
    signed["signatures"] = json!([{ "header": { "alg": "ES256" }, "signature": "x", "protected": "y" }]);
    (signed.to_string().into_bytes(), digest)
}

/// Looks whether this is said of the image, and nothing else was done.
fn refused(sandbox: &Sandbox, name: &str, arguments: &[&str]) {
    let failed = sandbox.coracle(arguments).run().exits(125);
    let said = told(&failed);
    for part in [name, "schema version 1", "skopeo copy --format v2s2"] {
        assert!(said.contains(part), "{arguments:?}: {part} is not in {said}");
    }
    sandbox
        .coracle(["images", "--all", "--quiet"])
        .run()
        .succeeds()
        .prints("");
    sandbox.coracle(["system", "check"]).run().succeeds().prints("");
}

#[test]
fn from_a_registry_whatever_it_calls_it() {
    let plain = manifest().to_string().into_bytes();
    let own = format!("sha256:{}", hex(&plain));
    let (with_signature, of_payload) = signed();
    for (kind, body, digest) in [
        (PLAIN, &plain, &own),
        (PLAIN, &plain, &String::new()),
        (SIGNED, &with_signature, &of_payload),
        (SIGNED, &with_signature, &String::new()),
        ("", &plain, &own),
        ("", &with_signature, &of_payload),
        ("application/json", &with_signature, &of_payload),
        // It says what was asked for.
        (V2, &plain, &own),
        (V2, &with_signature, &of_payload),
    ] {
        let answered = {
            let mut answer = Answer::new(200, body.clone());
            for (name, value) in [("Content-Type", kind), ("Docker-Content-Digest", digest)] {
                if !value.is_empty() {
                    answer = answer.header(name, value);
                }
            }
            answer
        };
        let fake = Fake::start(move |_| answered.clone());
        let sandbox = Sandbox::new();
        let names = [
            format!("{}/test:v1", fake.host),
            format!("{}/test@{of_payload}", fake.host),
        ];
        // By its digest only the signed one can be meant.
        let by_digest = usize::from(*digest == of_payload);
        for name in &names[..1 + by_digest] {
            refused(&sandbox, name, &["pull", name]);
            refused(&sandbox, name, &["run", "--rm", name]);
            refused(&sandbox, name, &["artifact", "pull", name]);
        }
        assert_eq!(fake.count("/blobs/"), 0, "{kind:?} {digest}");
        let manifests = 3 * (1 + by_digest);
        let asked = fake.asked();
        let fetched = asked.iter().filter(|asked| asked.target.contains("/manifests/"));
        assert_eq!(fetched.count(), manifests, "nothing is asked twice");
    }
}

#[test]
fn within_an_index() {
    let plain = manifest().to_string().into_bytes();
    let digest = format!("sha256:{}", hex(&plain));
    // By what the index says nothing has to be asked for; otherwise by what comes.
    for (kind, asked) in [(PLAIN, 0), (SIGNED, 0), (V2, 1)] {
        let entry = json!({ "mediaType": kind, "digest": digest, "size": plain.len() });
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] }).to_string();
        let member = plain.clone();
        let fake = Fake::start(move |asked| match asked.target.contains("sha256:") {
            true => Answer::new(200, member.clone()),
            false => Answer::new(200, index.clone()).header("Content-Type", INDEX),
        });
        let sandbox = Sandbox::new();
        let name = format!("{}/test:v1", fake.host);
        refused(&sandbox, &name, &["pull", &name]);
        assert_eq!((fake.count(&digest), fake.count("/blobs/")), (asked, 0), "{kind}");
        sandbox.coracle(["manifest", "create", "list"]).run().succeeds();
        let add = ["manifest", "add", "--all", "list", &name];
        let said = told(&sandbox.coracle(add).run().exits(125));
        assert!(
            said.contains(&name) && said.contains("schema version 1"),
            "{said}"
        );
    }
}

#[test]
fn from_a_directory_and_an_archive() {
    let sandbox = Sandbox::new();
    let place = sandbox.path("tmp/old");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("version"), "Directory Transport Version: 1.1\n").unwrap();
    for bytes in [manifest().to_string().into_bytes(), signed().0] {
        fs::write(place.join("manifest.json"), bytes).unwrap();
        let shown = place.display().to_string();
        refused(&sandbox, &shown, &["pull", &format!("dir:{shown}")]);
        refused(&sandbox, &shown, &["load", "-i", &shown]);
    }
    let layout = sandbox.path("tmp/layout");
    image().write(&layout, Format::OciLayout);
    let bytes = signed().0;
    // The digest of what is signed leads to the whole.
    let digest = signed().1;
    fs::write(
        layout.join("blobs/sha256").join(&digest["sha256:".len()..]),
        &bytes,
    )
    .unwrap();
    let entry = json!({ "mediaType": SIGNED, "digest": digest, "size": bytes.len() });
    let index = json!({ "schemaVersion": 2, "manifests": [entry] });
    fs::write(layout.join("index.json"), index.to_string()).unwrap();
    let shown = layout.display().to_string();
    refused(&sandbox, &shown, &["pull", &format!("oci:{shown}")]);
    refused(&sandbox, &shown, &["load", "-i", &shown]);
}

/// Another place that has the image in a form of today serves.
#[test]
fn a_mirror_that_has_an_old_form_is_passed_over() {
    let sandbox = Sandbox::new();
    let (body, digest) = signed();
    let mirror = Fake::start(move |_| {
        Answer::new(200, body.clone())
            .header("Content-Type", SIGNED)
            .header("Docker-Content-Digest", digest.clone())
    });
    let content = Content::of(&image(), &sandbox.path("tmp"));
    let own = Fake::start(move |asked| content.answer(asked));
    let written = format!(
        "[[registry]]\nlocation = '{}'\nmirror = [{{location = '{}'}}]",
        own.host, mirror.host
    );
    configure(&sandbox, "registries.conf", written);
    let name = format!("{}/test:v1", own.host);
    let said = told(&sandbox.coracle(["pull", &name]).run().succeeds());
    assert!(
        said.contains(&format!("the mirror {} is passed over", mirror.host)),
        "{said}"
    );
    assert!(said.contains("schema version 1"), "{said}");
}

/// What Debian's registry gives of such an image, and that the advice is good.
#[test]
fn what_is_converted_is_taken() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(
        &sandbox.path("tmp"),
        "compatibility:\n  schema1:\n    enabled: true\n",
    );
    let archive = sandbox.path("tmp/image.tar");
    Image::busybox().write(&archive, Format::OciArchive);
    let name = format!("{}/test:v1", registry.host);
    let copy = |format: &str, from: &str| {
        sandbox
            .program("skopeo")
            .args(["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false"])
            .args(["--dest-tls-verify=false", "--format", format, from])
            .arg(format!("docker://{name}"))
            .run()
            .succeeds();
    };
    copy("v2s1", &format!("oci-archive:{}", archive.display()));
    refused(&sandbox, &name, &["pull", &name]);
    copy("v2s2", &format!("docker://{name}"));
    sandbox.coracle(["pull", "-q", &name]).run().succeeds();
}
