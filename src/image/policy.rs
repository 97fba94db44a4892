//! policy.json (containers-policy.json(5)): which images may come in, and whose signatures they must have.
//!
//! Whatever the file does not say clearly is an error, and a requirement that cannot be checked here refuses: nobody is
//! let in by a mistake.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::reference::Reference;
use super::signature::attachment::{self, Signature};
use super::signature::identity::Identity;
use super::signature::key::{self, PublicKey};
use super::signature::payload::Payload;
use super::unique::Unique;
use crate::base::digest::Digest;
use crate::base::file::read_trusted;
use crate::image::registry::Source;

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
        "{} wants {what} to be signed in a way that is not checked here ({scope}: {kind}): ask for sigstoreSigned with a \
         key there, or let it in without (insecureAcceptAnything)",
        file.display()
    )]
    Unchecked {
        file: PathBuf,
        what: String,
        scope: String,
        kind: &'static str,
    },
    #[error(
        "{} wants a signature of {what} ({scope}), and only images of registries have any: pull it from one, or let \
         {transport}: in without (insecureAcceptAnything)",
        file.display()
    )]
    Nowhere {
        file: PathBuf,
        what: String,
        scope: String,
        transport: &'static str,
    },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    default: Vec<Requirement>,
    #[serde(default)]
    transports: Unique<Unique<Vec<Requirement>>>,
}

/// What is not checked here is known by its keys, so that a wrong one is found.
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
    #[serde(rename = "signedBaseLayer")]
    SignedBaseLayer {
        #[serde(rename = "baseLayerIdentity")]
        _identity: IgnoredAny,
    },
    #[serde(rename = "sigstoreSigned")]
    SigstoreSigned(SigstoreSigned),
}

/// A signature in the form of cosign.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SigstoreSigned {
    key_path: Option<PathBuf>,
    key_paths: Option<Vec<PathBuf>>,
    key_data: Option<String>,
    key_datas: Option<Vec<String>>,
    fulcio: Option<IgnoredAny>,
    pki: Option<IgnoredAny>,
    rekor_public_key_path: Option<IgnoredAny>,
    rekor_public_key_paths: Option<IgnoredAny>,
    rekor_public_key_data: Option<IgnoredAny>,
    rekor_public_key_datas: Option<IgnoredAny>,
    #[serde(default)]
    signed_identity: Identity,
}

impl SigstoreSigned {
    /// What is wrong with it as it is written.
    fn problem(&self) -> Option<String> {
        let sources = [
            self.key_path.is_some(),
            self.key_paths.is_some(),
            self.key_data.is_some(),
            self.key_datas.is_some(),
            self.fulcio.is_some(),
            self.pki.is_some(),
        ];
        if sources.into_iter().filter(|is_there| *is_there).count() != 1 {
            return Some(
                "has not just one of keyPath, keyPaths, keyData, keyDatas, fulcio and pki".to_owned(),
            );
        }
        if self.key_paths.as_ref().is_some_and(Vec::is_empty)
            || self.key_datas.as_ref().is_some_and(Vec::is_empty)
        {
            return Some("has a list of keys with no key in it".to_owned());
        }
        Some(format!(
            "has a wrong signedIdentity: {}",
            self.signed_identity.problem()?
        ))
    }

    /// What of it is not checked here.
    fn unchecked(&self) -> Option<&'static str> {
        let logs = [
            &self.rekor_public_key_path,
            &self.rekor_public_key_paths,
            &self.rekor_public_key_data,
            &self.rekor_public_key_datas,
        ];
        match self {
            Self { fulcio: Some(_), .. } => Some("sigstoreSigned with fulcio"),
            Self { pki: Some(_), .. } => Some("sigstoreSigned with pki"),
            _ if logs.into_iter().any(Option::is_some) => Some("sigstoreSigned with a Rekor log"),
            _ => None,
        }
    }

    /// The keys, any of which may have signed. One that cannot be used is an error, so that it is found before it is
    /// needed.
    fn keys(&self) -> anyhow::Result<Vec<PublicKey>> {
        let mut keys = Vec::new();
        for path in self.key_path.iter().chain(self.key_paths.iter().flatten()) {
            let described = || format!("cannot read the key {}", path.display());
            let text = read_trusted(path, key::LIMIT).with_context(described)?;
            keys.push(PublicKey::parse(&text).with_context(described)?);
        }
        for data in self.key_data.iter().chain(self.key_datas.iter().flatten()) {
            let text = BASE64.decode(data).context("a key in the policy is no base64")?;
            keys.push(PublicKey::parse(&text).context("cannot read a key in the policy")?);
        }
        Ok(keys)
    }
}

/// What signatures an image must have. None at all, unless a policy asks for some.
#[derive(Debug, Clone, Default)]
pub struct Demand {
    file: PathBuf,
    scope: String,
    /// Each of these has to be met by some signature.
    wanted: Vec<SigstoreSigned>,
}

/// Why an image's signatures do not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error(
        "{} wants a signature of {what} ({scope}), and {host} has none of {digest}: have it signed (push \
         --sign-by-sigstore-private-key)",
        file.display()
    )]
    Missing {
        file: PathBuf,
        what: String,
        scope: String,
        host: String,
        digest: Digest,
    },
    #[error(
        "{} wants a signature of {what} ({scope}), and none is looked for at {host}: write use-sigstore-attachments: \
         true for it in registries.d",
        file.display()
    )]
    NotLookedFor {
        file: PathBuf,
        what: String,
        scope: String,
        host: String,
    },
    #[error(
        "{} wants a signature of {what} ({scope}), and none that {host} has of {digest} will do: {}",
        file.display(), reasons.join("; ")
    )]
    Refused {
        file: PathBuf,
        what: String,
        scope: String,
        host: String,
        digest: Digest,
        /// One for each signature, as many as make a sentence.
        reasons: Vec<String>,
    },
}

/// Reasons that are told.
const REASONS: usize = 3;

impl Demand {
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Whether a manifest at a registry has the signatures that the image `wanted` must have. Of an index it is the
    /// manifest that is taken which has to be signed, as with other tools.
    pub fn check(&self, source: &Source, digest: &Digest, wanted: &Reference) -> anyhow::Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let host = source.client.domain();
        if !source.attachments {
            return Err(SignatureError::NotLookedFor {
                file: self.file.clone(),
                what: wanted.to_string(),
                scope: self.scope.clone(),
                host: host.to_owned(),
            }
            .into());
        }
        let signatures = attachment::fetch(&source.client, digest)?;
        self.check_signatures(&signatures, host, digest, wanted)
    }

    fn check_signatures(
        &self,
        signatures: &[Signature],
        host: &str,
        digest: &Digest,
        wanted: &Reference,
    ) -> anyhow::Result<()> {
        for requirement in &self.wanted {
            let keys = requirement
                .keys()
                .with_context(|| self.file.display().to_string())?;
            let mut reasons = Vec::new();
            let is_met = signatures.iter().any(|signature| {
                let accepted = accept(signature, &keys, digest, |name| {
                    requirement.signed_identity.fits(wanted, name)
                });
                accepted.map_err(|reason| reasons.push(reason)).is_ok()
            });
            if is_met {
                continue;
            }
            reasons.dedup();
            reasons.truncate(REASONS);
            let (file, scope) = (self.file.clone(), self.scope.clone());
            let (what, host, digest) = (wanted.to_string(), host.to_owned(), *digest);
            return Err(match reasons.is_empty() {
                true => SignatureError::Missing {
                    file,
                    what,
                    scope,
                    host,
                    digest,
                },
                false => SignatureError::Refused {
                    file,
                    what,
                    scope,
                    host,
                    digest,
                    reasons,
                },
            }
            .into());
        }
        Ok(())
    }
}

/// Whether one of the keys signed that this is a manifest of an image whose name fits; else the reason. What is signed
/// is read only after its signature is.
fn accept(
    signature: &Signature,
    keys: &[PublicKey],
    digest: &Digest,
    fits: impl Fn(&str) -> bool,
) -> Result<(), String> {
    let bytes = signature
        .bytes
        .as_ref()
        .ok_or("one is not written as cosign writes them")?;
    if !keys.iter().any(|key| key.has_signed(&signature.payload, bytes)) {
        return Err("one is not of a key that is trusted there".to_owned());
    }
    let payload = Payload::parse(&signature.payload)
        .map_err(|problem| format!("one has a document that is not understood ({problem})"))?;
    if payload.digest != *digest {
        return Err(format!("one is of {}", payload.digest));
    }
    match fits(&payload.name) {
        true => Ok(()),
        false => Err(format!(
            "one is of the name {:?}, which signedIdentity does not let pass",
            payload.name.chars().take(300).collect::<String>()
        )),
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
    /// The store of another engine, where the image has this name.
    Engine {
        transport: &'static str,
        name: Option<&'a Reference>,
    },
}

impl Origin<'_> {
    fn transport(&self) -> &'static str {
        match self {
            Self::Registry(_) => "docker",
            Self::Local { transport, .. } | Self::Engine { transport, .. } => transport,
        }
    }

    /// The scopes that speak of it, the most exact one first.
    fn scopes(&self) -> Vec<String> {
        match self {
            Self::Registry(reference)
            | Self::Engine {
                name: Some(reference),
                ..
            } => registry_scopes(reference),
            Self::Local { path: Some(path), .. } => path
                .ancestors()
                .filter(|path| path.parent().is_some())
                .map(|path| path.to_string_lossy().into_owned())
                .collect(),
            Self::Local { path: None, .. } | Self::Engine { name: None, .. } => Vec::new(),
        }
    }
}

/// Image, repository, the namespaces above it, host, `*.` and the domains above the host.
pub fn registry_scopes(reference: &Reference) -> Vec<String> {
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
            for requirement in requirements {
                if let Requirement::SigstoreSigned(signed) = requirement
                    && let Some(problem) = signed.problem()
                {
                    return Err(broken(format!("{scope} {problem}")));
                }
            }
        }
        Ok(Self(Some((path.to_owned(), file))))
    }

    /// Whether an image may come in from there, and what signatures it must have then.
    pub fn check(&self, origin: Origin<'_>, what: &str) -> Result<Demand, PolicyError> {
        let Some((path, file)) = &self.0 else {
            return Ok(Demand::default());
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
        let (file, what) = (path.clone(), what.to_owned());
        let mut demand = Demand {
            file: file.clone(),
            scope: scope.clone(),
            wanted: Vec::new(),
        };
        for requirement in requirements {
            let unchecked = match requirement {
                Requirement::Accept {} => continue,
                Requirement::Reject {} => return Err(PolicyError::Rejected { file, what, scope }),
                Requirement::SignedBy { .. } => "signedBy",
                Requirement::SignedBaseLayer { .. } => "signedBaseLayer",
                Requirement::SigstoreSigned(signed) => match signed.unchecked() {
                    Some(kind) => kind,
                    None => {
                        demand.wanted.push(signed.clone());
                        continue;
                    }
                },
            };
            return Err(PolicyError::Unchecked {
                file,
                what,
                scope,
                kind: unchecked,
            });
        }
        match origin {
            Origin::Local { transport, .. } | Origin::Engine { transport, .. } if !demand.is_empty() => {
                Err(PolicyError::Nowhere {
                    file,
                    what,
                    scope,
                    transport,
                })
            }
            _ => Ok(demand),
        }
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
