//! Giving blobs and manifests to a registry (distribution specification, "Push").

use std::io::Read;
use std::thread;

use anyhow::{Context, Result};
use ureq::Body;
use ureq::http::{HeaderMap, Method, Response, StatusCode, header};

use super::client::{Client, Purpose};
use super::error::{RegistryError, is_missing};
use super::exchange::Ask;
use super::referrers::attachment;
use super::wire::{announced, form, join};
use crate::base::digest::{Digest, Hashing};

/// Names the subject of a manifest, where the registry lists what is attached to it by itself.
const SUBJECT: &str = "oci-subject";

/// The type of all blobs on their way to a registry.
const OCTETS: &str = "application/octet-stream";

impl Client {
    /// Whether the repository has a blob.
    pub fn has_blob(&self, digest: &Digest) -> Result<bool> {
        let target = format!("/v2/{}/blobs/{digest}", self.repository);
        let what = format!("blob {digest}");
        match self.ask(&push(Method::HEAD, &target, &[], None, &what)) {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(self.unauthorized(error, &what)),
        }
    }

    /// Who may not push is told so in the words of Podman, which scripts look for, whatever it is that is not let in.
    fn unauthorized(&self, error: anyhow::Error, what: &str) -> anyhow::Error {
        match error.downcast_ref() {
            Some(RegistryError::Denied { .. }) => {
                let (_, digest) = what.split_once(' ').unwrap_or_default();
                let place = format!("{}/{}", self.domain(), self.repository);
                error.context(format!(
                    "checking whether a blob {digest} exists in {place}: authentication required"
                ))
            }
            _ => error,
        }
    }

    /// Takes over a blob from another repository of the registry. `false`: it has to be uploaded. Registries may not
    /// let us, so no answer to this is an error.
    pub fn mount_blob(&self, digest: &Digest, from: &str) -> Result<bool> {
        let text = digest.to_string();
        let fields = form(&[("mount", &text), ("from", from)]);
        let target = format!("/v2/{}/blobs/uploads/?{fields}", self.repository);
        let Ok(response) = self.ask(&push(Method::POST, &target, &[], Some(&[]), "mounted blob")) else {
            return Ok(false);
        };
        if response.status() == StatusCode::CREATED {
            return Ok(true);
        }
        // An upload was begun instead; it is not this one that will be used.
        if let Ok(session) = self.location(&target, response.headers()) {
            let _ = self.ask(&push(Method::DELETE, &session, &[], None, "upload"));
        }
        Ok(false)
    }

    /// Uploads a small blob at once.
    pub fn upload(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        let what = format!("blob {digest}");
        let session = self.begin(&what)?;
        let target = finished(&session, &digest);
        let kind = [(header::CONTENT_TYPE, OCTETS.to_owned())];
        self.ask(&push(Method::PUT, &target, &kind, Some(bytes), &what))?;
        Ok(digest)
    }

    /// Uploads a blob as it is made, and gives its digest and size. `make` is called anew for each try.
    pub fn upload_stream<R: Read>(
        &self,
        what: &str,
        mut make: impl FnMut(&mut dyn FnMut(R) -> Result<(Digest, u64)>) -> Result<(Digest, u64)>,
    ) -> Result<(Digest, u64)> {
        let mut failures = 0;
        loop {
            match make(&mut |reader| self.upload_once(what, reader)) {
                Ok(uploaded) => return Ok(uploaded),
                Err(error) => {
                    failures += 1;
                    let passes = matches!(
                        error.downcast_ref(),
                        Some(RegistryError::Unreachable { .. } | RegistryError::RateLimit { .. })
                    ) || matches!(error.downcast_ref(),
                        Some(RegistryError::Status { status, .. }) if status.is_server_error());
                    match self.wait_before(failures) {
                        Some(wait) if passes => thread::sleep(wait),
                        _ => return Err(error),
                    }
                }
            }
        }
    }

    fn upload_once(&self, what: &str, reader: impl Read) -> Result<(Digest, u64)> {
        let session = self.begin(what)?;
        let kind = [(header::CONTENT_TYPE, OCTETS.to_owned())];
        let mut hashing = Hashing::new(reader);
        let response = self.send_stream(&push(Method::PATCH, &session, &kind, None, what), &mut hashing)?;
        let (_, digest, size) = hashing.finish();
        let target = finished(&self.location(&session, response.headers())?, &digest);
        self.ask(&push(Method::PUT, &target, &[], Some(&[]), what))?;
        Ok((digest, size))
    }

    /// Begins an upload and gives the URL to send to.
    fn begin(&self, what: &str) -> Result<String> {
        let target = format!("/v2/{}/blobs/uploads/", self.repository);
        let asked = self.ask(&push(Method::POST, &target, &[], Some(&[]), what));
        let response: Response<Body> = asked.map_err(|error| self.unauthorized(error, what))?;
        self.location(&target, response.headers())
    }

    fn location(&self, asked: &str, headers: &HeaderMap) -> Result<String> {
        let location = headers
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok());
        let location =
            location.with_context(|| self.wrong("it does not say where to upload to".to_owned()))?;
        let url = join(&self.url(asked), location);
        // A registry behind a proxy that ends encryption may not know that there is any.
        let plain = format!("http://{}/", self.authority);
        Ok(
            match (self.url("/").starts_with("https:"), url.strip_prefix(&plain)) {
                (true, Some(path)) => format!("https://{}/{path}", self.authority),
                _ => url,
            },
        )
    }

    /// Gives a manifest its tag, or only its digest. The registry checks that it has all it names.
    pub fn put_manifest(&self, tag: Option<&str>, bytes: &[u8], media_type: &str) -> Result<Taken> {
        let digest = Digest::of(bytes);
        let name = tag.map_or_else(|| digest.to_string(), str::to_owned);
        let target = format!("/v2/{}/manifests/{name}", self.repository);
        let what = format!("manifest {name} of {}", self.repository);
        let kind = [(header::CONTENT_TYPE, media_type.to_owned())];
        let response = self.ask(&push(Method::PUT, &target, &kind, Some(bytes), &what))?;
        if let Some(other) = announced(response.headers()).filter(|other| *other != digest) {
            let reason = format!("{what} has the digest {digest}, and it says {other}");
            return Err(self.wrong(reason).into());
        }
        let mut unlisted = None;
        // Without this answer the registry has not seen what the manifest is attached to.
        if !response.headers().contains_key(SUBJECT) {
            let listed = attachment(bytes, media_type).and_then(|found| match found {
                Some((subject, entry)) => self.attach(&subject, &entry),
                None => Ok(()),
            });
            let context = || format!("{what} is pushed, but not listed as attached to its subject");
            unlisted = listed.with_context(context).err();
        }
        Ok(Taken { digest, unlisted })
    }

    /// Sees to it that a manifest, which is there, is listed as attached to its subject, if it has one.
    pub fn list_again(&self, bytes: &[u8], media_type: &str) -> Result<()> {
        if attachment(bytes, media_type)?.is_some() {
            self.put_manifest(None, bytes, media_type)?.listed()?;
        }
        Ok(())
    }
}

/// A manifest that the registry has now.
#[derive(Debug)]
#[must_use]
pub struct Taken {
    pub digest: Digest,
    /// Why it is not listed as attached to its subject.
    pub unlisted: Option<anyhow::Error>,
}

impl Taken {
    /// Its digest; not being listed is a failure.
    pub fn listed(self) -> Result<Digest> {
        match self.unlisted {
            Some(error) => Err(error),
            None => Ok(self.digest),
        }
    }
}

fn push<'a>(
    method: Method,
    target: &'a str,
    headers: &'a [(header::HeaderName, String)],
    body: Option<&'a [u8]>,
    what: &'a str,
) -> Ask<'a> {
    Ask {
        method,
        target,
        purpose: Purpose::Push,
        headers,
        body,
        what,
    }
}

/// The URL that ends an upload.
fn finished(session: &str, digest: &Digest) -> String {
    let separator = if session.contains('?') { '&' } else { '?' };
    format!("{session}{separator}{}", form(&[("digest", &digest.to_string())]))
}
