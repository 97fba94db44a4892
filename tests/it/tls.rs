//! Registries with certificates: whose are taken, and how far a word against them goes.

use std::fs;
use std::path::Path;

use super::registry::{image, registry};
use super::support::certificates::{Authority, Pair};
use super::support::registry::{Answer, Content, Distribution};
use super::support::{Sandbox, requires};

/// Debian's registry with a certificate, and maybe one that its clients need.
fn start(place: &Path, pair: &Pair, clients: Option<&Authority>) -> Distribution {
    fs::create_dir_all(place).unwrap();
    let (certificate, key) = (pair.certificate.display(), pair.key.display());
    let mut more = format!("  tls:\n    certificate: {certificate}\n    key: {key}\n");
    if let Some(authority) = clients {
        more += &format!("    clientcas:\n      - {}\n", authority.certificate().display());
    }
    Distribution::start(place, &more)
}

/// A directory as `--cert-dir` and certs.d have them.
fn trust(directory: &Path, authority: &Authority) {
    fs::create_dir_all(directory).unwrap();
    fs::copy(authority.certificate(), directory.join("ca.crt")).unwrap();
}

#[test]
fn a_certificate_of_a_known_authority_is_taken_and_no_other() {
    requires!("program:docker-registry", "program:openssl");
    let sandbox = Sandbox::new();
    let authority = Authority::new(&sandbox.path("tmp/ca"));
    let directory = sandbox.path("tmp/trusted");
    trust(&directory, &authority);
    sandbox.load(&image().name("localhost/app:v1"));
    let right = start(
        &sandbox.path("tmp/right"),
        &authority.sign("right", "IP:127.0.0.1", 2),
        None,
    );
    let name = format!("{}/app:v1", right.host);
    let pull = |name: &str| sandbox.coracle(["pull", "--retry", "0", name]);
    sandbox
        .coracle(["push", "--cert-dir"])
        .arg(&directory)
        .args(["localhost/app:v1", &name])
        .run()
        .succeeds();
    pull(&name).arg("--cert-dir").arg(&directory).run().succeeds();
    let refused = format!("the certificate of {} is not to be trusted", right.host);
    pull(&name).run().exits(125).says(&refused).says("certs.d");
    pull(&name).arg("--tls-verify=false").run().succeeds();

    // One directory is about one registry, with its port.
    let place = sandbox.path("config/containers/certs.d");
    trust(&place.join("127.0.0.1"), &authority);
    pull(&name).run().exits(125).says(&refused);
    trust(&place.join(&right.host), &authority);
    pull(&name).run().succeeds();

    let other = Authority::new(&sandbox.path("tmp/other"));
    let cases = [
        (
            "wrong",
            authority.sign("wrong", "DNS:registry.invalid,IP:127.0.0.2", 2),
            "not valid for",
        ),
        (
            "expired",
            authority.sign("expired", "IP:127.0.0.1", -1),
            "expired",
        ),
        (
            "stranger",
            other.sign("stranger", "IP:127.0.0.1", 2),
            "nobody whom we know",
        ),
        ("itself", other.itself(), "authority's own"),
    ];
    for (kind, pair, reason) in cases {
        let bad = start(&sandbox.path("tmp").join(kind), &pair, None);
        let name = format!("{}/app:v1", bad.host);
        let refused = format!("the certificate of {} is not to be trusted (", bad.host);
        let pulled = pull(&name).arg("--cert-dir").arg(&directory).run().exits(125);
        pulled.says(&refused).says(reason).says_one_line();
        pull(&name)
            .arg("--tls-verify=false")
            .run()
            .exits(125)
            .says("manifest unknown");
        let log = fs::read_to_string(sandbox.path("tmp").join(kind).join("registry.log")).unwrap();
        assert!(
            !log.contains("GET /v2/app/manifests") || log.contains("404"),
            "{log}"
        );
    }
}

#[test]
fn a_certificate_that_is_its_own_authority_is_taken_where_it_is_kept() {
    requires!("program:docker-registry", "program:openssl");
    let sandbox = Sandbox::new();
    let pull = |registry: &Distribution, authority: &Authority| {
        trust(
            &sandbox.path("config/containers/certs.d").join(&registry.host),
            authority,
        );
        let name = format!("{}/app:v1", registry.host);
        sandbox.coracle(["pull", "--retry", "0", &name]).run().exits(125)
    };
    for (kind, names, said) in [
        ("right", "IP:127.0.0.1", "manifest unknown"),
        ("wrong", "DNS:registry.invalid", "is not to be trusted"),
    ] {
        let authority = Authority::named(&sandbox.path("tmp/ca").join(kind), names);
        let registry = start(&sandbox.path("tmp").join(kind), &authority.itself(), None);
        pull(&registry, &authority).says(said);
        // Another one of the same names does not serve.
        let other = Authority::named(&sandbox.path("tmp/other").join(kind), names);
        pull(&registry, &other).says("is not to be trusted");
    }
}

#[test]
fn any_certificate_is_taken_of_the_registry_of_which_that_was_said_alone() {
    requires!("program:docker-registry", "program:openssl");
    let sandbox = Sandbox::new();
    let authority = Authority::new(&sandbox.path("tmp/ca"));
    let storage = start(
        &sandbox.path("tmp/storage"),
        &authority.sign("storage", "IP:127.0.0.1", 2),
        None,
    );
    let elsewhere = format!("https://{}", storage.host);
    let (_, fake) = registry(
        Content::of(&image(), &sandbox.path("tmp")),
        move |asked, answer| match asked.target.contains("/blobs/") {
            true => Answer::new(307, "").header("Location", format!("{elsewhere}{}", asked.target)),
            false => answer,
        },
    );
    let name = format!("{}/test:v1", fake.host);
    sandbox
        .coracle(["pull", "--retry", "0", "--tls-verify=false", &name])
        .run()
        .exits(125)
        .says(&format!(
            "the certificate of {} is not to be trusted",
            storage.host
        ));

    // The configuration says it of one registry too, and the command line of all that certificates count.
    let name = format!("{}/test:v1", storage.host);
    let configure = |text: String| {
        super::registries::configure(&sandbox, "registries.conf", text);
    };
    let pull = |more: &[&str]| {
        let pull = sandbox.coracle(["pull", "--retry", "0"]).args(more).arg(&name);
        pull.run().exits(125)
    };
    configure(format!(
        "[[registry]]\nlocation = '{}'\ninsecure = true",
        storage.host
    ));
    pull(&[]).says("manifest unknown");
    pull(&["--tls-verify"]).says("is not to be trusted");
    configure(format!(
        "[[registry]]\nprefix = 'app.invalid'\nlocation = '{0}'\n[[registry.mirror]]\nlocation = '{0}'",
        storage.host
    ));
    // What is said of the registry is not said of its mirror.
    sandbox
        .coracle([
            "pull",
            "--retry",
            "0",
            "--tls-verify=false",
            "app.invalid/test:v1",
        ])
        .run()
        .exits(125)
        .says("is passed over: the certificate of")
        .says("manifest unknown");
}

#[test]
fn a_registry_that_asks_for_a_certificate_gets_the_one_that_is_kept_for_it() {
    requires!("program:docker-registry", "program:openssl");
    let sandbox = Sandbox::new();
    let authority = Authority::new(&sandbox.path("tmp/ca"));
    let registry = start(
        &sandbox.path("tmp/registry"),
        &authority.sign("server", "IP:127.0.0.1", 2),
        Some(&authority),
    );
    let directory = sandbox.path("config/containers/certs.d").join(&registry.host);
    trust(&directory, &authority);
    let pull = || sandbox.coracle(["pull", "--retry", "0", &format!("{}/app:v1", registry.host)]);
    let refused = pull().run().exits(125);
    refused
        .says(&format!("{} wants a certificate of ours", registry.host))
        .says_one_line();
    let own = authority.sign("me", "DNS:me", 2);
    fs::copy(&own.certificate, directory.join("client.cert")).unwrap();
    pull().run().exits(125).says("client.cert has no").says_one_line();
    fs::copy(&own.key, directory.join("client.key")).unwrap();
    pull().run().exits(125).says("manifest unknown");
    let other = authority.sign("other", "DNS:me", 2);
    fs::copy(&other.key, directory.join("client.key")).unwrap();
    pull()
        .run()
        .exits(125)
        .says("client.key is not the key to")
        .says_one_line();
    fs::write(directory.join("client.key"), "no key").unwrap();
    pull().run().exits(125).says("client.key").says_one_line();
}
