//! policy.json (containers-policy.json(5)): which images may come in.
//!
//! Signatures are not checked yet, so a requirement that needs one refuses, and whatever the file does not say clearly
//! is an error: nobody is let in by a mistake.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::reference::Reference;

/// What the file says; by default everything may come in.
#[derive(Debug, Clone, Default)]
pub struct Policy(Option<(PathBuf, File)>);

/// Why an image may not come in, or why nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("{} is not a signature policy: {problem}", file.display())]
    Broken { file: PathBuf, problem: String },
    #[error("{} rejects {what} ({scope})", file.display())]
    Rejected {
        file: PathBuf,
        what: String,
        scope: String,
    },
    #[error(
        "{} wants a signature ({kind}) of {what} ({scope}), and signatures are not checked yet: nothing comes in there",
        file.display()
    )]
    Unchecked {
        file: PathBuf,
        what: String,
        scope: String,
        kind: &'static str,
    },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    default: Vec<Requirement>,
    #[serde(default)]
    transports: Unique<Unique<Vec<Requirement>>>,
}

/// The keys of those that want a signature are known, so that a wrong one is found; their values do not matter yet.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum Requirement {
    #[serde(rename = "insecureAcceptAnything")]
    Accept {},
    #[serde(rename = "reject")]
    Reject {},
    #[serde(rename = "signedBy")]
    SignedBy {
        #[serde(rename = "keyType")]
        _key_type: Option<IgnoredAny>,
        #[serde(rename = "keyPath")]
        _key_path: Option<IgnoredAny>,
        #[serde(rename = "keyPaths")]
        _key_paths: Option<IgnoredAny>,
        #[serde(rename = "keyData")]
        _key_data: Option<IgnoredAny>,
        #[serde(rename = "signedIdentity")]
        _identity: Option<IgnoredAny>,
    },
    #[serde(rename = "sigstoreSigned")]
    SigstoreSigned {
        #[serde(rename = "keyPath")]
        _key_path: Option<IgnoredAny>,
        #[serde(rename = "keyPaths")]
        _key_paths: Option<IgnoredAny>,
        #[serde(rename = "keyData")]
        _key_data: Option<IgnoredAny>,
        #[serde(rename = "keyDatas")]
        _key_datas: Option<IgnoredAny>,
        #[serde(rename = "fulcio")]
        _fulcio: Option<IgnoredAny>,
        #[serde(rename = "pki")]
        _pki: Option<IgnoredAny>,
        #[serde(rename = "rekorPublicKeyPath")]
        _rekor_path: Option<IgnoredAny>,
        #[serde(rename = "rekorPublicKeyPaths")]
        _rekor_paths: Option<IgnoredAny>,
        #[serde(rename = "rekorPublicKeyData")]
        _rekor_data: Option<IgnoredAny>,
        #[serde(rename = "rekorPublicKeyDatas")]
        _rekor_datas: Option<IgnoredAny>,
        #[serde(rename = "signedIdentity")]
        _identity: Option<IgnoredAny>,
    },
}

/// An object in which no key stands twice.
#[derive(Debug, Clone)]
struct Unique<V>(BTreeMap<String, V>);

impl<V> Default for Unique<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Unique<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Keys<V> {
            type Value = Unique<V>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, V>()? {
                    if found.contains_key(&key) {
                        return Err(A::Error::custom(format!("{key:?} stands twice")));
                    }
                    found.insert(key, value);
                }
                Ok(Unique(found))
            }
        }
        deserializer.deserialize_map(Keys(PhantomData))
    }
}

/// Where an image comes from, as policies speak of it.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// A registry.
    Registry(&'a Reference),
    /// An archive or a directory: `docker-archive`, `oci-archive`, `oci`, `dir` or `tarball`, with its absolute path
    /// where scopes may name one.
    Local {
        transport: &'static str,
        path: Option<&'a Path>,
    },
}

impl Origin<'_> {
    fn transport(&self) -> &'static str {
        match self {
            Self::Registry(_) => "docker",
            Self::Local { transport, .. } => transport,
        }
    }

    /// The scopes that speak of it, the most exact one first.
    fn scopes(&self) -> Vec<String> {
        match self {
            Self::Registry(reference) => registry_scopes(reference),
            Self::Local { path: Some(path), .. } => path
                .ancestors()
                .filter(|path| path.parent().is_some())
                .map(|path| path.to_string_lossy().into_owned())
                .collect(),
            Self::Local { path: None, .. } => Vec::new(),
        }
    }
}

/// Image, repository, the namespaces above it, host, `*.` and the domains above the host.
fn registry_scopes(reference: &Reference) -> Vec<String> {
    let reference = reference.clone().or_latest();
    let name = reference.name();
    let mut scopes = vec![match (reference.digest(), reference.tag()) {
        (Some(digest), _) => format!("{name}@{digest}"),
        (None, tag) => format!("{name}:{}", tag.unwrap_or("latest")),
    }];
    let mut scope = name.as_str();
    scopes.push(scope.to_owned());
    while let Some((shorter, _)) = scope.rsplit_once('/') {
        scopes.push(shorter.to_owned());
        scope = shorter;
    }
    // What is left is the host. Wildcards are about its name, at any port.
    let mut domain = match scope.rsplit_once(':') {
        Some((host, _)) if !scope.ends_with(']') => host,
        _ => scope,
    };
    while let Some((_, above)) = domain.split_once('.') {
        scopes.push(format!("*.{above}"));
        domain = above;
    }
    scopes
}

impl Policy {
    /// Reads a file.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, PolicyError> {
        let broken = |problem: String| PolicyError::Broken {
            file: path.to_owned(),
            problem,
        };
        let file: File = serde_json::from_slice(bytes).map_err(|error| broken(error.to_string()))?;
        let scoped = file.transports.0.iter().flat_map(|(transport, scopes)| {
            let scopes = scopes.0.iter();
            scopes.map(move |(scope, requirements)| (format!("{transport}:{scope}"), requirements))
        });
        for (scope, requirements) in scoped.chain([("default".to_owned(), &file.default)]) {
            if requirements.is_empty() {
                return Err(broken(format!("{scope} has no requirement")));
            }
        }
        Ok(Self(Some((path.to_owned(), file))))
    }

    /// Whether an image may come in from there.
    pub fn check(&self, origin: Origin<'_>, what: &str) -> Result<(), PolicyError> {
        let Some((path, file)) = &self.0 else {
            return Ok(());
        };
        let transport = origin.transport();
        let scoped = file.transports.0.get(transport).and_then(|scopes| {
            let mut candidates = origin.scopes();
            candidates.push(String::new());
            candidates
                .into_iter()
                .find_map(|scope| Some((format!("{transport}:{scope}"), scopes.0.get(&scope)?)))
        });
        let (scope, requirements) = scoped.unwrap_or_else(|| ("default".to_owned(), &file.default));
        let unchecked = |kind| PolicyError::Unchecked {
            file: path.clone(),
            what: what.to_owned(),
            scope: scope.clone(),
            kind,
        };
        requirements.iter().try_for_each(|requirement| match requirement {
            Requirement::Accept {} => Ok(()),
            Requirement::Reject {} => Err(PolicyError::Rejected {
                file: path.clone(),
                what: what.to_owned(),
                scope: scope.clone(),
            }),
            Requirement::SignedBy { .. } => Err(unchecked("signedBy")),
            Requirement::SigstoreSigned { .. } => Err(unchecked("sigstoreSigned")),
        })
    }
}

#[cfg(test)]
mod tests {
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
        checked.map_err(|error| error.to_string())
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
                "policy.json wants a signature (signedBy) of signed.invalid/x (docker:signed.invalid)",
            ),
            ("cosigned.invalid/x", "(sigstoreSigned)"),
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
}
