//! One repository of one registry: requests with the right credentials, tried again where that helps.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Deserialize;
use ureq::http::{Method, StatusCode, header};
use ureq::{Agent, Body};

use super::agent::Proxies;
use super::blob::Part;
use super::credentials::Credentials;
use super::exchange::Ask;
use super::wire::{accept, announced, content_type, next_page, range_begin};
use crate::base::digest::Digest;
use crate::image::reference::{HUB, Reference};
use crate::oci::image::{CONFIG_LIMIT, Descriptor, Document, DocumentError, MANIFEST_LIMIT};

/// Docker Hub's registry lives under another name than its images carry.
pub const HUB_SERVER: &str = "registry-1.docker.io";

/// Most repositories that blobs are taken over from: all of them are named where a token is asked for.
const SOURCES: usize = 8;

/// How a registry is to be spoken with.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub proxies: Proxies,
    /// Directories with `*.crt`, `*.cert` and `*.key` for this registry, as certs.d has them.
    pub certificates: Vec<PathBuf>,
    /// `--tls-verify`, or what the configuration says; none: certificates count, and a registry on this machine may
    /// speak plain HTTP.
    pub tls_verify: Option<bool>,
    pub credentials: Option<Credentials>,
    /// How often something is tried again.
    pub retries: u32,
    /// Somebody has said how often: a registry that never answered is tried again too.
    pub insists: bool,
    /// The wait before the first of these; else it begins at a second. It doubles each time.
    pub retry_delay: Option<Duration>,
    /// Who is told that something is waited for.
    pub tell: Option<fn(&str)>,
    /// Who is told what a registry wants its users to be told: its host and the text.
    pub warn: Option<fn(&str, &str)>,
}

/// What a request is for: it decides what a token must allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    Pull,
    Push,
}

/// A document as a registry gave it.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub bytes: Vec<u8>,
    pub media_type: String,
    pub digest: Digest,
}

/// One repository of one registry. It may be used by several threads at once.
#[derive(Debug)]
pub struct Client {
    /// As references name it.
    pub(super) domain: String,
    /// Host and port that are connected to.
    pub(super) authority: String,
    pub(super) repository: String,
    pub(super) settings: Settings,
    pub(super) state: Mutex<State>,
    /// Held by whoever finds out what the registry wants to know of us.
    pub(super) authorizing: Mutex<()>,
    /// Told when everything is broken off.
    pub(super) changed: Condvar,
}

/// What was found out about the registry.
#[derive(Debug, Default)]
pub(super) struct State {
    /// `https` or `http`, once an answer has come.
    pub scheme: Option<&'static str>,
    /// By scheme and authority: redirects lead to other hosts.
    pub agents: HashMap<(String, String), Agent>,
    pub authorization: HashMap<Purpose, Authorization>,
    /// Other repositories that blobs are taken over from, those named last before the others.
    pub sources: Vec<String>,
    /// Nothing is asked for any more.
    pub is_broken_off: bool,
}

/// A header that the registry takes, and until when.
#[derive(Debug, Clone)]
pub(super) struct Authorization {
    pub header: String,
    pub until: Option<Instant>,
}

impl Client {
    pub fn new(reference: &Reference, settings: Settings) -> Self {
        Self::for_registry(reference.domain(), reference.path(), settings)
    }

    /// For a registry, or for a repository in it where one is named.
    pub fn for_registry(domain: &str, repository: &str, settings: Settings) -> Self {
        let domain = domain.to_owned();
        let authority = if domain == HUB {
            HUB_SERVER.to_owned()
        } else {
            domain.clone()
        };
        Self {
            domain,
            authority,
            repository: repository.to_owned(),
            settings,
            state: Mutex::default(),
            authorizing: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Says from which other repositories of the registry blobs may be taken over as well. A token has to allow it, so
    /// this comes before the first question of a push: one that was given before serves no more.
    pub fn take_from(&self, repositories: &[String]) {
        let mut state = self.state.lock().expect("no thread panics with the lock");
        let mut sources = repositories.to_vec();
        sources.retain(|source| !state.sources.contains(source));
        if sources.is_empty() {
            return;
        }
        sources.append(&mut state.sources);
        sources.truncate(SOURCES);
        state.sources = sources;
        state.authorization.remove(&Purpose::Push);
    }

    /// The registry, as references name it.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The manifest or index that a tag or a digest names.
    pub fn manifest(&self, tag: Option<&str>, digest: Option<&Digest>) -> Result<Fetched> {
        let (target, what) = self.manifest_target(tag, digest);
        let (headers, bytes) = self.fetch(
            &self.get(Method::GET, &target, &[accept()], &what),
            MANIFEST_LIMIT,
        )?;
        let media_type = content_type(&headers);
        let found = Digest::of(&bytes);
        let named = digest.copied().or_else(|| announced(&headers));
        if let Some(named) = named.filter(|named| *named != found) {
            // The digest of a manifest of schema 1 leaves out the signatures in it.
            if let Err(refused @ DocumentError::SchemaVersion1) = Document::parse(&bytes, &media_type) {
                return Err(refused.into());
            }
            return Err(self
                .wrong(format!("{what} has the digest {found}, not {named}"))
                .into());
        }
        Ok(Fetched {
            bytes,
            media_type,
            digest: found,
        })
    }

    /// The digest of what a tag names now, where the registry says it without sending the document.
    pub fn resolve(&self, tag: &str) -> Result<Option<Digest>> {
        let (target, what) = self.manifest_target(Some(tag), None);
        let response = self.ask(&self.get(Method::HEAD, &target, &[accept()], &what))?;
        Ok(announced(response.headers()))
    }

    fn manifest_target(&self, tag: Option<&str>, digest: Option<&Digest>) -> (String, String) {
        let name = digest.map(ToString::to_string);
        let name = name.as_deref().or(tag).unwrap_or("latest");
        let target = format!("/v2/{}/manifests/{name}", self.repository);
        (target, format!("manifest {name} of {}", self.repository))
    }

    /// A small blob, checked: the configuration of an image.
    pub fn document(&self, descriptor: &Descriptor) -> Result<Vec<u8>> {
        let what = format!("blob {}", descriptor.digest);
        if descriptor.size > CONFIG_LIMIT {
            return Err(self
                .wrong(format!("{what} is longer than {CONFIG_LIMIT} bytes"))
                .into());
        }
        let target = self.blob_target(&descriptor.digest);
        let (_, bytes) = self.fetch(&self.get(Method::GET, &target, &[], &what), descriptor.size)?;
        if bytes.len() as u64 != descriptor.size {
            let reason = format!(
                "{what} has {} bytes, not {} as its descriptor says",
                bytes.len(),
                descriptor.size
            );
            return Err(self.wrong(reason).into());
        }
        if Digest::of(&bytes) != descriptor.digest {
            return Err(self.wrong(format!("{what} has another digest")).into());
        }
        Ok(bytes)
    }

    /// The bytes of a part of a blob, and where they really begin and end: some registries always give the whole.
    pub(super) fn part(&self, part: &Part) -> Result<(Body, std::ops::Range<u64>)> {
        let Part { size, begin, end, .. } = *part;
        let what = format!("blob {}", part.digest);
        let range = match end == size {
            true => format!("bytes={begin}-"),
            false => format!("bytes={begin}-{}", end - 1),
        };
        let range = [(header::RANGE, range)];
        let headers = if end - begin == size { &[][..] } else { &range[..] };
        let target = self.blob_target(&part.digest);
        let response = self.ask(&self.get(Method::GET, &target, headers, &what))?;
        let given = match response.status() {
            StatusCode::PARTIAL_CONTENT => match range_begin(response.headers()) {
                Some(from) if from == begin => begin..end,
                other => {
                    return Err(self
                        .wrong(format!("{what} from {other:?} on instead of {begin}"))
                        .into());
                }
            },
            _ => 0..size,
        };
        let (_, body) = response.into_parts();
        match body.content_length() {
            Some(length) if length != given.end - given.start && given == (0..size) => {
                let reason = format!("{what} has {length} bytes, not {size} as the manifest says");
                Err(self.wrong(reason).into())
            }
            Some(length) if length != given.end - given.start => {
                let reason = format!(
                    "{length} bytes came from byte {begin} of {what} on, not {}",
                    end - begin
                );
                Err(self.wrong(reason).into())
            }
            _ => Ok((body, given)),
        }
    }

    fn blob_target(&self, digest: &Digest) -> String {
        format!("/v2/{}/blobs/{digest}", self.repository)
    }

    /// All tags of the repository, through as many pages as there are.
    pub fn tags(&self, limit: usize) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            tags: Option<Vec<String>>,
        }
        let what = format!("list of tags of {}", self.repository);
        let mut target = format!("/v2/{}/tags/list", self.repository);
        let mut tags = Vec::new();
        loop {
            let (headers, bytes) = self.fetch(&self.get(Method::GET, &target, &[], &what), MANIFEST_LIMIT)?;
            let page: Page =
                serde_json::from_slice(&bytes).map_err(|_| self.wrong(format!("the {what} is no list")))?;
            let before = tags.len();
            tags.extend(page.tags.unwrap_or_default());
            let next = next_page(&self.url(&target), &headers);
            match next {
                // A page without tags leads nowhere.
                Some(next) if tags.len() > before && tags.len() < limit => target = next,
                _ => return Ok(tags),
            }
        }
    }

    /// Whether the registry takes our credentials.
    pub fn verify(&self) -> Result<()> {
        self.ask(&self.get(Method::GET, "/v2/", &[], "registry"))?;
        Ok(())
    }

    pub(super) fn get<'a>(
        &self,
        method: Method,
        target: &'a str,
        headers: &'a [(header::HeaderName, String)],
        what: &'a str,
    ) -> Ask<'a> {
        Ask {
            method,
            target,
            purpose: Purpose::Pull,
            headers,
            body: None,
            what,
        }
    }
}
