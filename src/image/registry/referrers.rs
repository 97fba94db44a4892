//! What is attached to a manifest: other manifests of its repository that name it as their subject (distribution
//! specification, "Listing Referrers").
//!
//! A registry that does not list them has a list under a tag that whoever attaches something keeps up to date. Nobody
//! holds that tag meanwhile: of two who add to the list at the same moment one may be lost. Each looks afterwards, and
//! adds anew what it does not find; only who writes between another's look and his own writing, having read before,
//! takes something off unseen.

use anyhow::{Result, bail};
use ureq::http::Method;

use super::client::Client;
use super::error::is_missing;
use super::wire::{form, next_page};
use crate::base::digest::Digest;
use crate::oci::image::{Descriptor, Document, Index, MANIFEST_LIMIT, media_type, parse_json};

/// Most of them that are listed.
const COUNT: usize = 1000;

/// How often the list under a tag is written where others write it as well.
const TRIES: usize = 5;

impl Client {
    /// The manifests that are attached to one. Where one type is asked for, there may still be others.
    pub fn referrers(&self, digest: &Digest, artifact_type: Option<&str>) -> Result<Vec<Descriptor>> {
        match self.listed_referrers(digest, artifact_type) {
            Err(error) if is_missing(&error) => {}
            result => return result,
        }
        let index = self.tagged_referrers(digest)?;
        bounded(index.map(|index| index.manifests).unwrap_or_default())
    }

    fn listed_referrers(&self, digest: &Digest, artifact_type: Option<&str>) -> Result<Vec<Descriptor>> {
        let what = format!("list of what is attached to {digest}");
        let filter = artifact_type.map(|wanted| format!("?{}", form(&[("artifactType", wanted)])));
        let filter = filter.unwrap_or_default();
        let mut target = format!("/v2/{}/referrers/{digest}{filter}", self.repository);
        let mut found: Vec<Descriptor> = Vec::new();
        loop {
            let (headers, bytes) = self.fetch(&self.get(Method::GET, &target, &[], &what), MANIFEST_LIMIT)?;
            let page: Index = parse_json("list of referrers", &bytes)?;
            let is_empty = page.manifests.is_empty();
            found.extend(page.manifests);
            found = bounded(found)?;
            match next_page(&self.url(&target), &headers) {
                // A page of nothing leads nowhere.
                Some(next) if !is_empty => target = next,
                _ => return Ok(found),
            }
        }
    }

    /// The list under the tag, if there is one.
    fn tagged_referrers(&self, digest: &Digest) -> Result<Option<Index>> {
        let fetched = match self.manifest(Some(&tag(digest)), None) {
            Err(error) if is_missing(&error) => return Ok(None),
            fetched => fetched?,
        };
        match Document::parse(&fetched.bytes, &fetched.media_type)? {
            Document::Index(index) => Ok(Some(index)),
            Document::Manifest(_) => bail!("{} has a manifest where a list of them should be", self.domain()),
        }
    }

    /// Puts a manifest into the list under the tag of its subject.
    pub(super) fn attach(&self, subject: &Digest, entry: &Descriptor) -> Result<()> {
        for _ in 0..TRIES {
            let mut index = self.tagged_referrers(subject)?.unwrap_or_else(Index::empty);
            if index.manifests.contains(entry) {
                return Ok(());
            }
            index.manifests.retain(|other| other.digest != entry.digest);
            index.manifests.push(entry.clone());
            index.manifests = bounded(index.manifests)?;
            // A list that were attached to something itself could lead in a circle.
            index.extra.remove("subject");
            let kind = index
                .media_type
                .clone()
                .unwrap_or(media_type::OCI_INDEX.to_owned());
            let bytes = serde_json::to_vec(&index)?;
            if bytes.len() as u64 > MANIFEST_LIMIT {
                bail!("the list would be longer than {MANIFEST_LIMIT} bytes");
            }
            self.put_manifest(Some(&tag(subject)), &bytes, &kind)?.listed()?;
        }
        // The last of these was not looked after, as is nothing that others write later.
        Ok(())
    }
}

/// The subject of a manifest, if it has one, and the entry for it in a list of referrers.
pub(super) fn attachment(bytes: &[u8], kind: &str) -> Result<Option<(Digest, Descriptor)>> {
    let mut entry = Descriptor::new(kind, Digest::of(bytes), bytes.len() as u64);
    let mut extra = match Document::parse(bytes, kind)? {
        Document::Manifest(manifest) => {
            let own = manifest.artifact_type.filter(|own| !own.is_empty());
            entry.artifact_type = own.or(Some(manifest.config.media_type));
            entry.annotations = manifest.annotations;
            manifest.extra
        }
        Document::Index(index) => {
            let own = index.extra.get("artifactType").and_then(|own| own.as_str());
            entry.artifact_type = own.filter(|own| !own.is_empty()).map(str::to_owned);
            entry.annotations = index.annotations;
            index.extra
        }
    };
    let Some(subject) = extra.remove("subject").filter(|subject| !subject.is_null()) else {
        return Ok(None);
    };
    let subject: Descriptor = serde_json::from_value(subject)?;
    Ok(Some((subject.digest, entry)))
}

/// The tag under which the list is kept ("Referrers Tag Schema").
fn tag(digest: &Digest) -> String {
    digest.to_string().replace(':', "-")
}

fn bounded(found: Vec<Descriptor>) -> Result<Vec<Descriptor>> {
    if found.len() > COUNT {
        bail!("more than {COUNT} manifests are attached to it");
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_entry_says_what_is_attached() {
        let subject = Digest::of(b"subject");
        let described = json!({ "mediaType": media_type::OCI_MANIFEST, "digest": subject, "size": 7 });
        let config = json!({ "mediaType": "x/config", "digest": Digest::of(b"{}"), "size": 2 });
        let noted = json!({ "a": "b" });
        let cases = [
            (
                media_type::OCI_MANIFEST,
                json!({ "config": config, "layers": [], "artifactType": "x/type", "annotations": noted }),
                Some("x/type"),
            ),
            (
                media_type::OCI_MANIFEST,
                json!({ "config": config, "layers": [], "artifactType": "", "annotations": noted }),
                Some("x/config"),
            ),
            (
                media_type::OCI_INDEX,
                json!({ "manifests": [], "artifactType": "x/list", "annotations": noted }),
                Some("x/list"),
            ),
            (
                media_type::OCI_INDEX,
                json!({ "manifests": [], "annotations": noted }),
                None,
            ),
        ];
        for (kind, mut document, expected) in cases {
            document["schemaVersion"] = json!(2);
            document["subject"] = Value::Null;
            let bytes = document.to_string();
            assert_eq!(attachment(bytes.as_bytes(), kind).unwrap(), None);
            document["subject"] = described.clone();
            let bytes = document.to_string();
            let (found, entry) = attachment(bytes.as_bytes(), kind).unwrap().unwrap();
            assert_eq!(found, subject);
            assert_eq!(entry.artifact_type.as_deref(), expected, "{document}");
            assert_eq!(
                (entry.media_type.as_str(), entry.size),
                (kind, bytes.len() as u64)
            );
            assert_eq!(entry.digest, Digest::of(bytes.as_bytes()));
            assert_eq!(entry.annotations["a"], "b");
            document["subject"] = json!({ "digest": "sha512:x" });
            assert!(attachment(document.to_string().as_bytes(), kind).is_err());
        }
    }
}
