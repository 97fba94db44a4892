//! The rules of policies: which scope counts, what signatures do.

use super::*;
use proptest::prelude::*;

const ACCEPT: &str = r#"[{"type":"insecureAcceptAnything"}]"#;
const REJECT: &str = r#"[{"type":"reject"}]"#;

fn policy(text: &str) -> Result<Policy, String> {
    Policy::parse(Path::new("policy.json"), text.as_bytes()).map_err(|error| error.to_string())
}

fn check(policy: &Policy, name: &str) -> Result<(), String> {
    let reference = name.parse().unwrap();
    let checked = policy.check(Origin::Registry(&reference), name);
    checked.map(drop).map_err(|error| error.to_string())
}

#[test]
fn without_a_file_everything_may_come_in() {
    check(&Policy::default(), "alpine").unwrap();
}

#[test]
fn the_most_exact_scope_counts() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let policy = policy(&format!(
        r#"{{"default": {REJECT}, "transports": {{
            "docker": {{
                "docker.io/library": {ACCEPT},
                "docker.io/library/evil": {REJECT},
                "docker.io/library/evil:good": {ACCEPT},
                "reg.invalid:5000/a@{digest}": {ACCEPT},
                "*.wild.invalid": {ACCEPT},
                "bad.wild.invalid": {REJECT},
                "signed.invalid": [{{"type": "insecureAcceptAnything"}},
                    {{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/k"}}],
                "cosigned.invalid": [{{"type": "sigstoreSigned", "keyPath": "/k", "signedIdentity": {{"type": "matchRepository"}}}}]
            }},
            "oci-archive": {{"": {REJECT}, "/trusted": {ACCEPT}}}
        }}}}"#
    ))
    .unwrap();
    let cases = [
        ("alpine", ""),
        ("docker.io/team/app", "rejects docker.io/team/app (default)"),
        ("evil", "rejects evil (docker:docker.io/library/evil)"),
        ("evil:good", ""),
        ("reg.invalid:5000/a:v", "(default)"),
        (&format!("reg.invalid:5000/a@{digest}"), ""),
        ("a.b.wild.invalid:5000/x", ""),
        ("wild.invalid/x", "(default)"),
        ("bad.wild.invalid/x", "(docker:bad.wild.invalid)"),
        (
            "signed.invalid/x",
            "policy.json wants signed.invalid/x to be signed in a way that is not checked here (docker:signed.invalid: signedBy)",
        ),
        ("cosigned.invalid/x", ""),
    ];
    for (name, expected) in cases {
        match check(&policy, name) {
            Ok(()) => assert_eq!(expected, "", "{name}"),
            Err(error) => assert!(
                !expected.is_empty() && error.contains(expected),
                "{name}: {error}"
            ),
        }
    }
    let archive = |path| Origin::Local {
        transport: "oci-archive",
        path,
    };
    policy
        .check(archive(Some(Path::new("/trusted/x.tar"))), "x")
        .unwrap();
    policy
        .check(archive(Some(Path::new("/other/x.tar"))), "x")
        .unwrap_err();
    policy.check(archive(None), "x").unwrap_err();
    let tarball = Origin::Local {
        transport: "tarball",
        path: None,
    };
    policy.check(tarball, "x").unwrap_err();
}

#[test]
fn what_is_not_clear_is_an_error() {
    let cases = [
        ("{}", "missing field `default`"),
        (r#"{"default": []}"#, "default has no requirement"),
        (r#"{"default": [{"type": "trustMe"}]}"#, "unknown variant"),
        (
            r#"{"default": [{"type": "reject", "not": "really"}]}"#,
            "unknown field",
        ),
        (
            r#"{"default": [{"type": "signedBy", "keypath": "x"}]}"#,
            "unknown field",
        ),
        (
            r#"{"default": [{"type": "sigstoreSigned", "keyPath": "/k", "keyPath": "/l"}]}"#,
            "duplicate field",
        ),
        (
            r#"{"default": [{"type": "sigstoreSigned", "keyPath": "/k", "keyData": "x"}]}"#,
            "default has not just one of keyPath",
        ),
        (
            r#"{"default": [{"type": "sigstoreSigned", "fulcio": {}, "keyData": "x"}]}"#,
            "default has not just one of keyPath",
        ),
        (
            r#"{"default": [{"type": "sigstoreSigned"}]}"#,
            "default has not just one of",
        ),
        (
            r#"{"default": [{"type": "sigstoreSigned", "keyPaths": []}]}"#,
            "a list of keys with no key",
        ),
        (
            r#"{"default": [{"type": "sigstoreSigned", "keyPath": "/k", "signedIdentity": {"type": "matchAny"}}]}"#,
            "unknown variant",
        ),
        (
            r#"{"default": [{"type": "sigstoreSigned", "keyPath": "/k", "signedIdentity": {"type": "exactReference", "dockerReference": "a.invalid/b"}}]}"#,
            "neither tag nor digest",
        ),
        (r#"{"default": [{}]}"#, "missing field `type`"),
        (
            &format!(r#"{{"default": {ACCEPT}, "defualt": {REJECT}}}"#),
            "unknown field",
        ),
        (
            &format!(r#"{{"default": {ACCEPT}, "default": {REJECT}}}"#),
            "duplicate field",
        ),
        (
            &format!(
                r#"{{"default": {ACCEPT}, "transports": {{"docker": {{"x": {ACCEPT}, "x": {REJECT}}}}}}}"#
            ),
            "\"x\" stands twice",
        ),
        (
            &format!(r#"{{"default": {ACCEPT}, "transports": {{"docker": {{"x": []}}}}}}"#),
            "docker:x has no requirement",
        ),
        ("", "EOF"),
    ];
    for (text, expected) in cases {
        let error = policy(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        let _ = policy(&text);
    }
}

mod signatures {
    use super::*;
    use crate::image::signature::key::PrivateKey;
    use crate::image::signature::key::tests::{PRIVATE, PUBLIC};
    use std::time::SystemTime;

    const OTHER: &str = include_str!("signature/testing/ed25519.pub");

    fn signed(name: &str, digest: &Digest) -> Signature {
        let payload = Payload::write(&name.parse().unwrap(), digest, SystemTime::UNIX_EPOCH);
        signature(payload)
    }

    fn signature(payload: Vec<u8>) -> Signature {
        let key = PrivateKey::parse(PRIVATE.as_bytes(), b"").unwrap();
        Signature {
            bytes: Some(key.sign(&payload)),
            payload,
        }
    }

    fn requirement(more: &str) -> String {
        format!(r#"{{"type": "sigstoreSigned", {more}}}"#)
    }

    fn demand(requirements: &str) -> Demand {
        let policy = policy(&format!(r#"{{"default": [{requirements}]}}"#)).unwrap();
        let reference = "reg.invalid/a:v1".parse().unwrap();
        policy.check(Origin::Registry(&reference), "a").unwrap()
    }

    fn outcome(demand: &Demand, signatures: &[Signature]) -> String {
        let wanted = "reg.invalid/a:v1".parse().unwrap();
        let checked = demand.check_signatures(signatures, "reg.invalid", &Digest::of(b"m"), &wanted);
        checked.map_or_else(|error| format!("{error:#}"), |()| String::new())
    }

    #[test]
    fn one_good_signature_is_enough_and_one_key_of_several() {
        let digest = Digest::of(b"m");
        let (own, other) = (BASE64.encode(PUBLIC), BASE64.encode(OTHER));
        let good = signed("reg.invalid/a:v1", &digest);
        let bad = signed("reg.invalid/a:v2", &digest);
        for keys in [
            format!(r#""keyData": "{own}""#),
            format!(r#""keyDatas": ["{other}", "{own}"]"#),
        ] {
            let demand = demand(&requirement(&keys));
            assert_eq!(outcome(&demand, &[bad.clone(), good.clone()]), "", "{keys}");
            let missing = outcome(&demand, &[]);
            assert!(missing.contains("reg.invalid has none of sha256:"), "{missing}");
            assert!(
                missing.contains("push --sign-by-sigstore-private-key"),
                "{missing}"
            );
        }
    }

    #[test]
    fn every_requirement_has_to_be_met() {
        let (own, other) = (BASE64.encode(PUBLIC), BASE64.encode(OTHER));
        let one = requirement(&format!(r#""keyData": "{own}""#));
        let two = requirement(&format!(r#""keyData": "{other}""#));
        let accept = r#"{"type": "insecureAcceptAnything"}"#;
        let good = [signed("reg.invalid/a:v1", &Digest::of(b"m"))];
        assert_eq!(outcome(&demand(&format!("{accept}, {one}, {one}")), &good), "");
        let refused = outcome(&demand(&format!("{one}, {two}")), &good);
        assert!(refused.contains("not of a key that is trusted"), "{refused}");
    }

    #[test]
    fn each_way_to_be_wrong_has_its_reason() {
        let own = BASE64.encode(PUBLIC);
        let demand = demand(&requirement(&format!(r#""keyData": "{own}""#)));
        let digest = Digest::of(b"m");
        let good = signed("reg.invalid/a:v1", &digest);
        let document = String::from_utf8(good.payload.clone()).unwrap();
        let twice = document.replace(r#""type":"#, r#""type":"x","type":"#);
        for (signature, expected) in [
            (
                Signature {
                    bytes: None,
                    ..good.clone()
                },
                "not written as cosign writes them",
            ),
            (
                Signature {
                    payload: document.replace("v1", "v2").into_bytes(),
                    ..good.clone()
                },
                "not of a key",
            ),
            (
                signed("reg.invalid/a:v1", &Digest::of(b"other")),
                "one is of sha256:",
            ),
            (
                signed("reg.invalid/a:v2", &digest),
                "\"reg.invalid/a:v2\", which signedIdentity",
            ),
            (signed("reg.invalid/a", &digest), "which signedIdentity"),
            (signed("evil.invalid/a:v1", &digest), "which signedIdentity"),
            (signature(twice.into_bytes()), "stands twice"),
            (signature(b"{}".to_vec()), "critical is missing"),
        ] {
            let said = outcome(&demand, &[signature]);
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }

    #[test]
    fn what_cannot_be_checked_never_passes() {
        for (more, kind) in [
            (
                r#""fulcio": {"caPath": "/x"}, "rekorPublicKeyPath": "/y""#,
                "sigstoreSigned with fulcio",
            ),
            (r#""pki": {}"#, "sigstoreSigned with pki"),
            (
                r#""keyPath": "/k", "rekorPublicKeyDatas": ["x"]"#,
                "sigstoreSigned with a Rekor log",
            ),
        ] {
            let text = format!(r#"{{"default": [{}]}}"#, requirement(more));
            let error = check(&policy(&text).unwrap(), "a").unwrap_err();
            assert!(
                error.contains(kind) && error.contains("insecureAcceptAnything"),
                "{error}"
            );
        }
        let base =
            r#"{"default": [{"type": "signedBaseLayer", "baseLayerIdentity": {"type": "matchExact"}}]}"#;
        let error = check(&policy(base).unwrap(), "a").unwrap_err();
        assert!(error.contains("signedBaseLayer"), "{error}");
        // Archives have no signatures.
        let signed = format!(r#"{{"default": [{}]}}"#, requirement(r#""keyPath": "/k""#));
        let local = Origin::Local {
            transport: "oci",
            path: None,
        };
        let error = policy(&signed).unwrap().check(local, "x").unwrap_err();
        assert!(
            error.to_string().contains("only images of registries have any"),
            "{error}"
        );
    }

    #[test]
    fn a_key_that_is_not_there_refuses() {
        let good = [signed("reg.invalid/a:v1", &Digest::of(b"m"))];
        for (keys, expected) in [
            (r#""keyPath": "/nowhere/key.pub""#, "/nowhere/key.pub"),
            (r#""keyPath": "/dev/null""#, "not a regular file"),
            (r#""keyData": "AAAA""#, "not in PEM form"),
            (r#""keyData": "!""#, "no base64"),
        ] {
            let said = outcome(&demand(&requirement(keys)), &good);
            assert!(said.contains(expected), "{keys}: {said}");
        }
        let own = BASE64.encode(PUBLIC);
        let broken = demand(&requirement(&format!(r#""keyDatas": ["{own}", "AAAA"]"#)));
        assert!(outcome(&broken, &good).contains("not in PEM form"));
    }
}
