//! Which names a signature may speak of (containers-policy.json(5), `signedIdentity`).

use serde::Deserialize;

use crate::image::reference::Reference;

/// What the name in a signature has to do with the image that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
pub enum Identity {
    /// The same, tag or digest included.
    MatchExact {},
    /// The same; for an image that is wanted by its digest, any tag of its repository.
    MatchRepoDigestOrExact {},
    /// The same repository.
    MatchRepository {},
    /// This name, whatever is wanted.
    #[serde(rename_all = "camelCase")]
    ExactReference { docker_reference: String },
    /// A name in this repository, whatever is wanted.
    #[serde(rename_all = "camelCase")]
    ExactRepository { docker_repository: String },
    /// As the default, once the beginning of the wanted name is replaced.
    #[serde(rename_all = "camelCase")]
    RemapIdentity { prefix: String, signed_prefix: String },
}

impl Default for Identity {
    fn default() -> Self {
        Self::MatchRepoDigestOrExact {}
    }
}

impl Identity {
    /// What is wrong with it as it is written.
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::MatchExact {} | Self::MatchRepoDigestOrExact {} | Self::MatchRepository {} => None,
            Self::ExactReference { docker_reference } => match docker_reference.parse::<Reference>() {
                Ok(reference) if is_name_only(&reference) => Some(format!(
                    "dockerReference {docker_reference:?} has neither tag nor digest"
                )),
                Ok(_) => None,
                Err(error) => Some(format!("dockerReference: {error}")),
            },
            Self::ExactRepository { docker_repository } => {
                let error = docker_repository.parse::<Reference>().err()?;
                Some(format!("dockerRepository: {error}"))
            }
            Self::RemapIdentity {
                prefix,
                signed_prefix,
            } => [prefix, signed_prefix]
                .into_iter()
                .find(|prefix| !is_prefix(prefix))
                .map(|prefix| {
                    format!("{prefix:?} is neither a registry nor a name in one without tag and digest")
                }),
        }
    }

    /// Whether a signature of `signed` counts for the image `wanted`.
    pub fn fits(&self, wanted: &Reference, signed: &str) -> bool {
        let Ok(signed) = signed.parse::<Reference>() else {
            return false;
        };
        match self {
            Self::MatchExact {} => is_same(wanted, &signed),
            Self::MatchRepoDigestOrExact {} => is_same_or_by_digest(wanted, &signed),
            Self::MatchRepository {} => wanted.name() == signed.name(),
            Self::ExactReference { docker_reference } => docker_reference
                .parse()
                .is_ok_and(|expected| is_same(&expected, &signed)),
            Self::ExactRepository { docker_repository } => docker_repository
                .parse::<Reference>()
                .is_ok_and(|expected| expected.name() == signed.name()),
            Self::RemapIdentity {
                prefix,
                signed_prefix,
            } => {
                let name = wanted.name();
                let rest = name.strip_prefix(prefix.as_str());
                let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
                    return is_same_or_by_digest(wanted, &signed);
                };
                let end = &wanted.to_string()[name.len()..];
                match format!("{signed_prefix}{rest}{end}").parse::<Reference>() {
                    Ok(mapped) if !mapped.is_short() => is_same_or_by_digest(&mapped, &signed),
                    _ => false,
                }
            }
        }
    }
}

fn is_name_only(reference: &Reference) -> bool {
    reference.tag().is_none() && reference.digest().is_none()
}

/// No tag is assumed: a signature has to say what it means.
fn is_same(wanted: &Reference, signed: &Reference) -> bool {
    !is_name_only(wanted) && !is_name_only(signed) && wanted.to_string() == signed.to_string()
}

fn is_same_or_by_digest(wanted: &Reference, signed: &Reference) -> bool {
    if is_name_only(signed) {
        return false;
    }
    match (wanted.tag(), wanted.digest()) {
        (Some(_), _) => is_same(wanted, signed),
        // That it is the digest's manifest was checked when it came.
        (None, Some(_)) => wanted.name() == signed.name(),
        (None, None) => false,
    }
}

/// `host[:port]`, or a full name in one without tag and digest.
fn is_prefix(text: &str) -> bool {
    let probe = if text.contains('/') {
        text.to_owned()
    } else {
        format!("{text}/x")
    };
    probe
        .parse::<Reference>()
        .is_ok_and(|reference| is_name_only(&reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(json: &str) -> Identity {
        let identity: Identity = serde_json::from_str(json).unwrap();
        assert_eq!(identity.problem(), None, "{json}");
        identity
    }

    const DIGEST: &str = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// The rules of the manual, each with what it lets pass and what it does not.
    #[test]
    fn the_rules_of_the_manual() {
        let by_digest = format!("reg.invalid/a/b{DIGEST}");
        let by_digest = by_digest.as_str();
        let exact = r#"{"type":"matchExact"}"#;
        let usual = r#"{"type":"matchRepoDigestOrExact"}"#;
        let repository = r#"{"type":"matchRepository"}"#;
        let reference = r#"{"type":"exactReference","dockerReference":"vendor.invalid/b:v1"}"#;
        let short = r#"{"type":"exactReference","dockerReference":"busybox:1"}"#;
        let in_repository = r#"{"type":"exactRepository","dockerRepository":"vendor.invalid/b"}"#;
        let remap = r#"{"type":"remapIdentity","prefix":"reg.invalid/a","signedPrefix":"vendor.invalid"}"#;
        let host =
            r#"{"type":"remapIdentity","prefix":"reg.invalid","signedPrefix":"vendor.invalid:5000/x"}"#;
        for (rule, wanted, signed, fits) in [
            (exact, "reg.invalid/a/b:v1", "reg.invalid/a/b:v1", true),
            (exact, "reg.invalid/a/b:v1", "reg.invalid/a/b:v2", false),
            (exact, "reg.invalid/a/b:latest", "reg.invalid/a/b", false),
            (exact, by_digest, "reg.invalid/a/b:v1", false),
            (exact, by_digest, by_digest, true),
            (exact, "busybox:1", "docker.io/library/busybox:1", true),
            (exact, "docker.io/library/busybox:1", "busybox:1", true),
            (exact, "reg.invalid/a/b:v1", "::", false),
            (usual, "reg.invalid/a/b:v1", "reg.invalid/a/b:v1", true),
            (usual, "reg.invalid/a/b:v1", "reg.invalid/a/b:v2", false),
            (usual, "reg.invalid/a/b:v1", "reg.invalid/a/b", false),
            (usual, "reg.invalid/a/b:v1", by_digest, false),
            (usual, by_digest, "reg.invalid/a/b:v9", true),
            (usual, by_digest, "reg.invalid/a/b", false),
            (usual, by_digest, "reg.invalid/a/c:v9", false),
            (repository, "reg.invalid/a/b:v1", "reg.invalid/a/b", true),
            (repository, "reg.invalid/a/b:v1", "reg.invalid/a/b:v2", true),
            (repository, "reg.invalid/a/b:v1", "reg.invalid/a/bb:v1", false),
            (repository, "reg.invalid:5000/a:v1", "reg.invalid/a:v1", false),
            (reference, "reg.invalid/a/b:v9", "vendor.invalid/b:v1", true),
            (reference, "vendor.invalid/b:v2", "vendor.invalid/b:v2", false),
            (reference, by_digest, "vendor.invalid/b", false),
            (short, by_digest, "docker.io/library/busybox:1", true),
            (in_repository, "reg.invalid/a/b:v9", "vendor.invalid/b", true),
            (in_repository, "reg.invalid/a/b:v9", "reg.invalid/a/b:v9", false),
            (remap, "reg.invalid/a/b:v1", "vendor.invalid/b:v1", true),
            (remap, "reg.invalid/a/b:v1", "reg.invalid/a/b:v1", false),
            (remap, "reg.invalid/ab/b:v1", "reg.invalid/ab/b:v1", true),
            (remap, "reg.invalid/ab/b:v1", "vendor.invalidb/b:v1", false),
            (remap, by_digest, "vendor.invalid/b:any", true),
            (host, "reg.invalid/a:v1", "vendor.invalid:5000/x/a:v1", true),
            (host, "reg.invalid:5000/a:v1", "reg.invalid:5000/a:v1", true),
        ] {
            let wanted: Reference = wanted.parse().unwrap();
            assert_eq!(
                identity(rule).fits(&wanted, signed),
                fits,
                "{rule} {wanted} {signed}"
            );
        }
        assert!(Identity::default().fits(&"a:1".parse().unwrap(), "a:1"));
    }

    #[test]
    fn what_is_not_clear_is_an_error() {
        for json in [
            r#"{"type":"matchAny"}"#,
            r#"{"type":"usual"}"#,
            r#"{"type":"matchExact","more":1}"#,
            r#"{"type":"exactReference"}"#,
            r#"{"type":"exactReference","dockerReference":"a:1","dockerReference":"b:1"}"#,
            "{}",
        ] {
            serde_json::from_str::<Identity>(json).expect_err(json);
        }
        for json in [
            r#"{"type":"exactReference","dockerReference":"reg.invalid/a"}"#,
            r#"{"type":"exactReference","dockerReference":"A"}"#,
            r#"{"type":"exactRepository","dockerRepository":"reg.invalid/A"}"#,
            r#"{"type":"remapIdentity","prefix":"reg.invalid/a:v1","signedPrefix":"vendor.invalid"}"#,
            r#"{"type":"remapIdentity","prefix":"reg.invalid","signedPrefix":""}"#,
        ] {
            let identity: Identity = serde_json::from_str(json).unwrap();
            assert!(identity.problem().is_some(), "{json}");
        }
    }
}
