//! What is pushed with a signature: lists, artifacts, and keys that a file of parameters names.

use serde_json::json;

use super::manifests::coracle;
use super::push::skopeo;
use super::registry::{image, told};
use super::signatures::{copy, documents_of, put, signed_by, trust};
use super::support::registry::Distribution;
use super::support::{Document, Sandbox, requires};

/// Lists are pulled image by image, so that each of them is signed.
#[test]
fn lists_are_signed_with_what_they_name() {
    requires!("program:docker-registry", "program:skopeo", "program:openssl");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    sandbox.load(&image().name("localhost/app:v1"));
    let other = image()
        .edit(Document::Config, |config| config["architecture"] = json!("s390x"))
        .name("localhost/app:other");
    sandbox.load(&other);
    coracle(
        &sandbox,
        &[
            "manifest",
            "create",
            "list",
            "localhost/app:v1",
            "localhost/app:other",
        ],
    );
    let repository = format!("{}/team/app", registry.host);
    let (first, second) = (format!("{repository}:v1"), format!("{repository}:v2"));
    let private = copy(&sandbox, "p256.key");
    let push = [
        "manifest",
        "push",
        "--sign-by-sigstore-private-key",
        &private,
        "list",
        &first,
    ];
    sandbox
        .coracle(push)
        .run()
        .exits(125)
        .says("use-sigstore-attachments: true");
    trust(&sandbox, &registry.host, &signed_by(&sandbox, "p256.pub"));
    coracle(&sandbox, &push);
    let public = copy(&sandbox, "p256.pub");
    let digest_of = |name: &str| skopeo(&sandbox, &[], name).json()["Digest"].clone();
    let index = skopeo(&sandbox, &["--raw"], &first).json();
    let mut digests = vec![digest_of(&first)];
    digests.extend((0..2).map(|number| index["manifests"][number]["digest"].clone()));
    for digest in &digests {
        let digest = digest.as_str().unwrap();
        let documents = documents_of(&sandbox, &repository, digest, &public);
        assert_eq!(documents.len(), 1, "{digest}");
        assert_eq!(documents[0]["critical"]["identity"]["docker-reference"], *first);
    }
    // `push` of a list does the same.
    let push = [
        "push",
        "--sign-by-sigstore-private-key",
        &private,
        "list",
        &second,
    ];
    let pushed = coracle(&sandbox, &push);
    assert_eq!(
        told(&pushed).matches("Signed sha256:").count(),
        3,
        "{}",
        told(&pushed)
    );
    coracle(&sandbox, &["rmi", "--all", "--force"]);
    for name in [&first, &second] {
        coracle(&sandbox, &["pull", "--quiet", name]);
        coracle(&sandbox, &["pull", "--quiet", "--arch", "s390x", name]);
    }
    // Without its members only the list is.
    let third = format!("{repository}:v3");
    coracle(&sandbox, &["manifest", "create", "bare", &first]);
    let push = [
        "manifest",
        "push",
        "--all=false",
        "--sign-by-sigstore-private-key",
    ];
    let pushed = sandbox.coracle(push).args([&private, "bare", &third]).run();
    let digest = pushed.succeeds().text().trim().to_owned();
    let documents = documents_of(&sandbox, &repository, &digest, &public);
    assert_eq!(documents[0]["critical"]["identity"]["docker-reference"], *third);
}

#[test]
fn a_file_of_parameters_names_the_key() {
    requires!("program:docker-registry", "program:skopeo", "program:openssl");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    trust(&sandbox, &registry.host, &signed_by(&sandbox, "p256.pub"));
    let sealed = copy(&sandbox, "sealed.key");
    let public = copy(&sandbox, "p256.pub");
    let passphrase = put(&sandbox, "tmp/passphrase", "word\n").display().to_string();
    let name = format!("{}/team/art:v1", registry.host);
    let file = sandbox.file("work/one.txt", "one");
    coracle(&sandbox, &["artifact", "add", &name, file.to_str().unwrap()]);
    let push = |text: &str| {
        let file = put(&sandbox, "tmp/sign.yaml", text).display().to_string();
        sandbox
            .coracle(["artifact", "push", "--sign-by-sigstore", &file, &name])
            .run()
    };
    for (text, said) in [
        (format!("privateKeyFile: {sealed}\n"), "cannot be decrypted"),
        ("privateKeyFile: /nowhere\n".into(), "cannot sign with /nowhere"),
        (
            format!("privateKeyFile: {sealed}\nrekorURL: https://rekor.invalid\n"),
            "rekorURL is not supported",
        ),
        (
            "fulcio:\n  fulcioURL: https://fulcio.invalid\n".into(),
            "fulcio is not supported",
        ),
        ("key: x\n".into(), "there is no parameter \"key\""),
    ] {
        push(&text).exits(125).says(said).says_one_line();
    }
    let text =
        format!("# parameters\nprivateKeyFile: \"{sealed}\"\nprivateKeyPassphraseFile: {passphrase}\n");
    let digest = push(&text).succeeds().text().trim().to_owned();
    let (repository, _) = name.rsplit_once(':').unwrap();
    let documents = documents_of(&sandbox, repository, &format!("sha256:{digest}"), &public);
    assert_eq!(documents[0]["critical"]["identity"]["docker-reference"], *name);
    coracle(&sandbox, &["artifact", "rm", "--all"]);
    coracle(&sandbox, &["artifact", "pull", &name]);
}
