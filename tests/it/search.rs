//! Searching registries, and looking at manifests: against scripted registries and Debian's own.

use std::sync::Arc;

use serde_json::json;

use super::support::image::hex;
use super::support::registry::{Answer, Content, Distribution, Fake};
use super::support::tar::Entry;
use super::support::{Image, Sandbox, requires};

/// A registry with the old search interface.
fn index() -> Fake {
    Fake::start(|asked| {
        if !asked.target.starts_with("/v1/search?") {
            return Answer::new(404, "");
        }
        let long = format!("{}\nend", "é".repeat(50));
        let results = json!({ "results": [
            {"name": "app", "description": "The \u{1b}[31mofficial one", "star_count": 900,
             "is_official": true, "is_automated": false},
            {"name": "me/app", "description": long, "star_count": 7, "is_official": false,
             "is_automated": true},
            {"name": "other/app"},
        ]});
        Answer::new(200, results.to_string())
    })
}

#[test]
fn an_index_is_searched() {
    let sandbox = Sandbox::new();
    let fake = index();
    let term = format!("{}/a p&p", fake.host);
    let search = |more: &[&str]| {
        let found = sandbox.coracle([&["search", term.as_str()], more].concat()).run();
        found.succeeds().text().to_owned()
    };
    let lines: Vec<String> = search(&[]).lines().map(str::to_owned).collect();
    assert!(
        lines[0].starts_with("NAME ") && lines[0].ends_with("DESCRIPTION"),
        "{lines:?}"
    );
    assert!(lines[1].starts_with(&format!("{}/app ", fake.host)), "{lines:?}");
    assert!(lines[2].ends_with(&("é".repeat(44) + "...")), "{lines:?}");
    assert_eq!(fake.asked()[0].target, "/v1/search?q=a%20p%26p&n=25");
    let names = ["--format", "{{.Name}} {{.Stars}} {{.Official}}"];
    let host = &fake.host;
    for (filter, expected) in [
        (
            &["--filter", "stars=7"][..],
            format!("{host}/app 900 [OK]\n{host}/me/app 7 "),
        ),
        (&["-f", "is-official"], format!("{host}/app 900 [OK]")),
        (&["-f", "is-automated=true", "-f", "stars=8"], String::new()),
        (&["--limit", "1"], format!("{host}/app 900 [OK]")),
    ] {
        assert_eq!(search(&[&names[..], filter].concat()), expected, "{filter:?}");
    }
    assert!(fake.asked().last().unwrap().target.ends_with("&n=1"));
    let whole = search(&["--no-trunc", "--compatible"]);
    assert!(
        whole.contains(&("é".repeat(50) + " end")) && whole.contains("STARS"),
        "{whole}"
    );
    let json: serde_json::Value = serde_json::from_str(&search(&["--format", "json"])).unwrap();
    assert_eq!(json[0]["Index"], *host);
    assert_eq!(json[1]["Automated"], "[OK]");
    assert_eq!(json[2]["Description"], "");
    assert_eq!(json[0]["Stars"], 900);
    for wrong in [["--filter", "stars=x"], ["--filter", "nonsense=1"]] {
        let refused = sandbox.coracle(["search", &term]).args(wrong).run();
        refused.exits(125).says("invalid --filter");
    }
}

#[test]
fn a_registry_without_an_index_is_searched_by_its_catalogue() {
    let sandbox = Sandbox::new();
    let fake = Fake::start(|asked| {
        let page = |names: &[&str]| Answer::new(200, json!({ "repositories": names }).to_string());
        match asked.target.as_str() {
            "/v2/_catalog" => {
                page(&["one/app", "two"]).header("Link", "</v2/_catalog?last=two>; rel=\"next\"")
            }
            // The last page of this one leads to itself.
            "/v2/_catalog?last=two" => {
                page(&["x-app"]).header("Link", "</v2/_catalog?last=two>; rel=\"next\"")
            }
            _ => Answer::new(404, ""),
        }
    });
    let names = |term: &str| {
        let term = format!("{}/{term}", fake.host);
        let found = sandbox.coracle(["search", &term, "--format", "{{.Name}}"]).run();
        found.succeeds().text().replace(&format!("{}/", fake.host), "")
    };
    assert_eq!(names("app"), "one/app\nx-app");
    assert_eq!(names(""), "one/app\ntwo\nx-app");
    assert_eq!(names("none"), "");
}

#[test]
fn tokens_for_a_catalogue_have_the_scope_that_the_registry_names() {
    let sandbox = Sandbox::new();
    let tokens = Fake::start(|_| Answer::new(200, r#"{"token":"t"}"#));
    let realm = format!("http://{}/token", tokens.host);
    let fake = Fake::start(
        move |asked| match (asked.header("authorization"), asked.target.as_str()) {
            ("Bearer t", "/v2/_catalog") => Answer::new(200, r#"{"repositories":["app"]}"#),
            (_, "/v2/_catalog") => Answer::new(401, "").header(
                "WWW-Authenticate",
                format!(r#"Bearer realm="{realm}",scope="registry:catalog:*""#),
            ),
            _ => Answer::new(404, ""),
        },
    );
    let term = format!("{}/", fake.host);
    let found = sandbox.coracle(["search", &term, "--format", "{{.Name}}"]).run();
    found.succeeds().prints(&format!("{}/app\n", fake.host));
    assert_eq!(tokens.asked()[0].target, "/token?scope=registry%3Acatalog%3A%2A");
}

#[test]
fn tags_of_a_repository_of_docker_registry() {
    requires!("program:docker-registry", "program:skopeo");
    let sandbox = Sandbox::new();
    let registry = Distribution::start(&sandbox.path("tmp"), "");
    for tag in ["a", "b", "c"] {
        registry.publish(&sandbox, &Image::busybox(), &format!("some/thing:{tag}"));
    }
    let repository = format!("{}/some/thing", registry.host);
    let listed = sandbox
        .coracle(["search", "--list-tags", &repository])
        .run()
        .succeeds();
    let mut lines: Vec<Vec<&str>> = listed
        .text()
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    // This registry has no order of tags.
    lines[1..].sort();
    let row = |tag| vec![repository.as_str(), tag];
    assert_eq!(lines, [vec!["NAME", "TAG"], row("a"), row("b"), row("c")]);
    let json = [
        "search",
        "--list-tags",
        "--limit",
        "2",
        "--format",
        "json",
        &repository,
    ];
    let listed = sandbox.coracle(json).run().succeeds().json();
    assert_eq!(listed[0]["Name"], repository);
    assert_eq!(listed[0]["Tags"].as_array().map(Vec::len), Some(2));
    let term = format!("{}/thing", registry.host);
    let found = sandbox.coracle(["search", &term, "--format", "{{.Name}}"]).run();
    found.succeeds().prints(&format!("{repository}\n"));
}

#[test]
fn manifests_are_printed_from_here_and_from_the_registry() {
    let sandbox = Sandbox::new();
    let image = Image::busybox().layer(&[Entry::file("one", "1")]);
    let mut content = Content::of(&image, &sandbox.path("tmp"));
    let (kind, bytes) = content.documents["/v2/test/manifests/v1"].clone();
    let architecture = if cfg!(target_arch = "x86_64") {
        "amd64"
    } else {
        "arm64"
    };
    let platform = json!({"architecture": architecture, "os": "linux"});
    let index_kind = "application/vnd.oci.image.index.v1+json";
    let index = json!({"schemaVersion": 2, "mediaType": index_kind, "manifests": [
        {"mediaType": kind, "digest": content.manifest, "size": bytes.len()}]});
    let index_bytes = serde_json::to_vec(&index).unwrap();
    for name in ["all".to_owned(), format!("sha256:{}", hex(&index_bytes))] {
        content.documents.insert(
            format!("/v2/test/manifests/{name}"),
            (index_kind.to_owned(), index_bytes.clone()),
        );
    }
    let manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let content = Arc::new(content);
    let shared = Arc::clone(&content);
    let fake = Fake::start(move |asked| shared.answer(asked));
    let inspect = |more: &[&str], tag: &str| {
        let name = format!("{}/test:{tag}", fake.host);
        let printed = sandbox
            .coracle([&["manifest", "inspect"], more, &[name.as_str()]].concat())
            .run();
        printed.succeeds().json()
    };
    assert_eq!(inspect(&[], "v1"), manifest);
    assert_eq!(inspect(&[], "all"), index);
    let one = inspect(&["--verbose", "--insecure"], "v1");
    assert_eq!(one["Descriptor"]["digest"], content.manifest.as_str());
    assert_eq!(one["Descriptor"]["platform"], platform);
    assert_eq!(one["OCIManifest"], manifest);
    let all = inspect(&["-v"], "all");
    assert_eq!(all.as_array().map(Vec::len), Some(1));
    assert_eq!(all[0]["Ref"], format!("{}/test@{}", fake.host, content.manifest));
    // What is here is not asked for again.
    for tag in ["v1", "all"] {
        let name = format!("{}/test:{tag}", fake.host);
        sandbox.coracle(["pull", "--quiet", &name]).run().succeeds();
    }
    let before = fake.asked().len();
    assert_eq!(inspect(&[], "all"), index);
    assert_eq!(inspect(&["-v"], "v1")["OCIManifest"], manifest);
    assert_eq!(fake.asked().len(), before);
    let name = format!("{}/test:all", fake.host);
    sandbox.coracle(["manifest", "exists", &name]).run().succeeds();
    sandbox.coracle(["manifest", "exists", "none"]).run().exits(1);
    let none = format!("{}/test:none", fake.host);
    sandbox
        .coracle(["manifest", "inspect", &none])
        .run()
        .exits(125)
        .says("manifest unknown");
}
