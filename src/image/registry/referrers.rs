//! What is attached to a manifest: other manifests of its repository that name it as their subject (distribution
//! specification, "Listing Referrers").

use anyhow::{Result, bail};
use ureq::http::Method;

use super::client::Client;
use super::error::is_missing;
use super::wire::next_page;
use crate::base::digest::Digest;
use crate::oci::image::{Descriptor, Document, Index, MANIFEST_LIMIT, parse_json};

/// Most of them that are listed.
const COUNT: usize = 1000;

impl Client {
    /// The manifests that are attached to one. A registry that does not know how to list them has them under a tag that
    /// whoever attached them kept.
    pub fn referrers(&self, digest: &Digest) -> Result<Vec<Descriptor>> {
        match self.listed_referrers(digest) {
            Err(error) if is_missing(&error) => {}
            result => return result,
        }
        let tag = digest.to_string().replace(':', "-");
        let fetched = match self.manifest(Some(&tag), None) {
            Err(error) if is_missing(&error) => return Ok(Vec::new()),
            fetched => fetched?,
        };
        match Document::parse(&fetched.bytes, &fetched.media_type)? {
            Document::Index(index) => Ok(bounded(index.manifests)?),
            Document::Manifest(_) => bail!("{} has a manifest where a list of them should be", self.domain()),
        }
    }

    fn listed_referrers(&self, digest: &Digest) -> Result<Vec<Descriptor>> {
        let what = format!("list of what is attached to {digest}");
        let mut target = format!("/v2/{}/referrers/{digest}", self.repository);
        let mut found: Vec<Descriptor> = Vec::new();
        loop {
            let (headers, bytes) = self.fetch(&self.get(Method::GET, &target, &[], &what), MANIFEST_LIMIT)?;
            let page: Index = parse_json("list of referrers", &bytes)?;
            let is_empty = page.manifests.is_empty();
            found.extend(page.manifests);
            found = bounded(found)?;
            match next_page(&headers) {
                // A page of nothing leads nowhere.
                Some(next) if !is_empty => target = next,
                _ => return Ok(found),
            }
        }
    }
}

fn bounded(found: Vec<Descriptor>) -> Result<Vec<Descriptor>> {
    if found.len() > COUNT {
        bail!("more than {COUNT} manifests are attached to it");
    }
    Ok(found)
}
