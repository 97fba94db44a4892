//! Tests of what registries.conf means.

use super::*;
use proptest::prelude::*;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn read(text: &str) -> Result<Registries, String> {
    let mut registries = Registries::default();
    let result = registries.add(Path::new("r.conf"), text);
    result.map(|()| registries).map_err(|error| error.to_string())
}

fn endpoints(registries: &Registries, name: &str) -> Vec<String> {
    let found = registries.endpoints(&name.parse().unwrap()).unwrap();
    let shown = found.iter().map(|endpoint| {
        let kind = if endpoint.is_mirror { "mirror " } else { "" };
        let insecure = if endpoint.insecure { " insecure" } else { "" };
        format!("{kind}{}{insecure}", endpoint.reference)
    });
    shown.collect()
}

fn resolved(registries: &Registries, name: &str) -> Vec<String> {
    let found = registries.resolve(&name.parse().unwrap()).unwrap();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn the_longest_prefix_says_where_an_image_is() {
    let registries = read(
        r#"
        [[registry]]
        location = "example.com"
        insecure = true

        [[registry]]
        prefix = "example.com/foo"
        location = "internal.invalid:5000/bar/"
        [[registry.mirror]]
        location = "one.invalid/mirror-for-foo"
        [[registry.mirror]]
        location = "two.invalid/foo"
        insecure = true

        [[registry]]
        prefix = "example.com/foo/app:v1"
        location = "pinned.invalid/app:v2"

        [[registry]]
        prefix = "*.wild.org"
        insecure = true

        [[registry]]
        prefix = "*.moved.org"
        location = "new.invalid/old"

        [[registry]]
        prefix = "docker.io/library"
        location = "hub.invalid/official"
        "#,
    )
    .unwrap();
    let cases: [(&str, &[&str]); 11] = [
        ("example.com/x", &["example.com/x insecure"]),
        ("example.com/food:v1", &["example.com/food:v1 insecure"]),
        (
            "example.com/foo/app",
            &[
                "mirror one.invalid/mirror-for-foo/app",
                "mirror two.invalid/foo/app insecure",
                "internal.invalid:5000/bar/app",
            ],
        ),
        ("example.com/foo/app:v1", &["pinned.invalid/app:v2"]),
        ("example.com.evil.org/foo", &["example.com.evil.org/foo"]),
        ("a.b.wild.org:5000/x", &["a.b.wild.org:5000/x insecure"]),
        ("wild.org/x", &["wild.org/x"]),
        ("notwild.org/x", &["notwild.org/x"]),
        ("a.moved.org/x:v", &["new.invalid/old/x:v"]),
        ("alpine:3", &["hub.invalid/official/alpine:3"]),
        ("other.org/a.wild.org/x", &["other.org/a.wild.org/x"]),
    ];
    for (name, expected) in cases {
        assert_eq!(endpoints(&registries, name), expected, "{name}");
    }
}

#[test]
fn mirrors_may_be_for_digests_or_for_tags() {
    let registries = read(
        r#"
        [[registry]]
        location = "a.invalid"
        mirror-by-digest-only = true
        mirror = [{location = "m.invalid/a"}]
        [[registry]]
        location = "b.invalid"
        [[registry.mirror]]
        location = "digests.invalid"
        pull-from-mirror = "digest-only"
        [[registry.mirror]]
        location = "tags.invalid"
        pull-from-mirror = "tag-only"
        [[registry.mirror]]
        location = "both.invalid"
        pull-from-mirror = "all"
        "#,
    )
    .unwrap();
    assert_eq!(endpoints(&registries, "a.invalid/x"), ["a.invalid/x"]);
    let by_digest = format!("a.invalid/x@{DIGEST}");
    assert_eq!(
        endpoints(&registries, &by_digest),
        [format!("mirror m.invalid/a/x@{DIGEST}"), by_digest]
    );
    let own = "b.invalid/x:v";
    assert_eq!(
        endpoints(&registries, own),
        ["mirror tags.invalid/x:v", "mirror both.invalid/x:v", own]
    );
    let own = format!("b.invalid/x@{DIGEST}");
    assert_eq!(
        endpoints(&registries, &own)[..2],
        [
            format!("mirror digests.invalid/x@{DIGEST}"),
            format!("mirror both.invalid/x@{DIGEST}")
        ]
    );
}

#[test]
fn short_names_go_where_the_configuration_says_and_else_to_docker_hub() {
    let none = Registries::default();
    assert_eq!(resolved(&none, "alpine:3"), ["docker.io/library/alpine:3"]);
    let aliases = r#"[aliases]
        centos = "quay.io/centos/centos"
        "team/app" = "reg.invalid:5000/app"
        "#;
    let some = read(aliases).unwrap();
    assert_eq!(resolved(&some, "centos:7"), ["quay.io/centos/centos:7"]);
    assert_eq!(resolved(&some, "team/app"), ["reg.invalid:5000/app"]);
    assert_eq!(resolved(&some, "docker.io/centos"), ["docker.io/library/centos"]);
    assert_eq!(resolved(&some, "alpine"), ["docker.io/library/alpine"]);
    let search = "unqualified-search-registries = ['one.invalid', 'docker.io']\n";
    let two = read(&format!("{search}{aliases}")).unwrap();
    assert_eq!(
        resolved(&two, "alpine:3"),
        ["one.invalid/alpine:3", "docker.io/library/alpine:3"]
    );
    assert_eq!(resolved(&two, "centos"), ["quay.io/centos/centos"]);
    let enforcing = read(&format!("short-name-mode = 'enforcing'\n{search}{aliases}")).unwrap();
    let error = enforcing
        .resolve(&"alpine".parse().unwrap())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("one.invalid/alpine, docker.io/library/alpine"),
        "{error}"
    );
    assert_eq!(resolved(&enforcing, "centos"), ["quay.io/centos/centos"]);
    let one = read("short-name-mode = 'enforcing'\nunqualified-search-registries = ['one.invalid']").unwrap();
    assert_eq!(resolved(&one, "alpine"), ["one.invalid/alpine"]);
}

#[test]
fn later_files_count_more_and_what_they_do_not_name_stays() {
    let mut registries = read(
        "unqualified-search-registries = ['one.invalid']\ncredential-helpers = ['a']\n[aliases]\nx = 'a.invalid/x'\ny = 'a.invalid/y'\n[[registry]]\nlocation = 'a.invalid'\nblocked = true\n[[registry]]\nlocation = 'b.invalid'\nblocked = true",
    )
    .unwrap();
    let more = "unqualified-search-registries = []\n[aliases]\nx = ''\n[[registry]]\nlocation = 'a.invalid'";
    registries.add(Path::new("later.conf"), more).unwrap();
    assert_eq!(resolved(&registries, "x"), ["docker.io/library/x"]);
    assert_eq!(resolved(&registries, "y"), ["a.invalid/y"]);
    assert_eq!(endpoints(&registries, "a.invalid/x"), ["a.invalid/x"]);
    assert_eq!(registries.helpers, ["a"]);
    let error = registries
        .endpoints(&"b.invalid/x:v".parse().unwrap())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "b.invalid/x:v is not to be fetched: r.conf blocks b.invalid"
    );
}

#[test]
fn what_is_wrong_is_named_with_its_file_and_line() {
    let cases = [
        ("\nx = [", "r.conf: line 2: "),
        (
            "[registries.search]\nregistries = ['a']",
            "r.conf: line 1: [registries] is version 1",
        ),
        (
            "\n\n[[registry]]\ninsecure = true",
            "r.conf: line 3: a [[registry]] has neither",
        ),
        ("[[registry]]\nlocation = 'http://a.invalid'", "has a scheme"),
        ("[[registry]]\nlocation = 'a b'", "neither a registry's host"),
        ("[[registry]]\nlocation = 'word'", "neither a registry's host"),
        ("[[registry]]\nprefix = 'a.invalid'", "has no location"),
        ("[[registry]]\nprefix = '*.a.invalid/x'", "after the star"),
        (
            "[[registry]]\nprefix = 'a.*.invalid'\nlocation='b.invalid'",
            "neither a registry's host",
        ),
        (
            "[[registry]]\nlocation = 'a.invalid'\nblocked = 'yes'",
            "line 3: invalid type",
        ),
        (
            "[[registry]]\nlocation = 'a.invalid'\n[[registry]]\nprefix = 'a.invalid'\nlocation = 'b.invalid'",
            "line 3: a second [[registry]] for a.invalid",
        ),
        (
            "[[registry]]\nlocation = 'a.invalid'\nmirror-by-digest-only = true\nmirror = [{location = 'm.invalid', pull-from-mirror = 'all'}]",
            "cannot have pull-from-mirror",
        ),
        ("short-name-mode = 'ask'", "unknown variant"),
        (
            "\nunqualified-search-registries = ['https://a.invalid']",
            "line 2: ",
        ),
        ("[aliases]\n\n'a.invalid/x' = 'b.invalid/x'", "line 3: the alias"),
        ("[aliases]\nx = 'y'", "which is not a registry's repository"),
        (
            "[aliases]\nx = 'a.invalid/y:tag'",
            "which is not a registry's repository",
        ),
    ];
    for (text, expected) in cases {
        let error = read(text).unwrap_err();
        assert!(
            error.contains(expected) && !error.contains('\n'),
            "{text}: {error}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn every_matching_name_leads_to_a_place_below_the_location(
        path in "[a-z]{1,8}(/[a-z]{1,8}){0,3}",
        tag in "[a-z0-9]{1,8}",
    ) {
        let registries = read("[[registry]]\nprefix = 'a.invalid'\nlocation = 'b.invalid:5000/c'").unwrap();
        let expected = format!("b.invalid:5000/c/{path}:{tag}");
        prop_assert_eq!(endpoints(&registries, &format!("a.invalid/{path}:{tag}")), [expected]);
    }
}
