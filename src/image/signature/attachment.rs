//! Where registries keep signatures: beside a manifest, in an image of their own under a tag made of its digest.
//!
//! Each layer of that image is a signed document, and its annotation holds the signature. Nothing of it is believed
//! before a key has said so.

use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::key::PrivateKey;
use super::payload::{self, Payload};
use crate::base::digest::Digest;
use crate::image::publish::new_manifest;
use crate::image::reference::Reference;
use crate::image::registry::{Client, is_missing};
use crate::oci::image::{Descriptor, Document, Manifest, media_type, parse_json};

/// Most signatures of one manifest that are looked at.
const COUNT: usize = 128;
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// A signature as it came.
#[derive(Debug, Clone)]
pub struct Signature {
    pub payload: Vec<u8>,
    /// None: the annotation is missing or no base64.
    pub bytes: Option<Vec<u8>>,
}

/// What the signatures of a manifest are called in its repository.
fn tag(digest: &Digest) -> String {
    format!("sha256-{}.sig", digest.hex())
}

/// The signatures of a manifest.
pub fn fetch(client: &Client, digest: &Digest) -> Result<Vec<Signature>> {
    let Some(manifest) = manifest(client, digest)? else {
        return Ok(Vec::new());
    };
    let mut signatures = Vec::new();
    for layer in newest(&manifest) {
        if layer.size > payload::LIMIT {
            bail!(
                "a signature of {digest} at {} is longer than {} bytes",
                client.domain(),
                payload::LIMIT
            );
        }
        let encoded = layer.annotations.get(SIGNATURE);
        signatures.push(Signature {
            payload: client.document(layer)?,
            bytes: encoded.and_then(|encoded| BASE64.decode(encoded).ok()),
        });
    }
    Ok(signatures)
}

/// Its signatures, the newest first.
fn newest(manifest: &Manifest) -> impl Iterator<Item = &Descriptor> {
    // There are attestations and the like as well.
    let layers = manifest.layers.iter().rev();
    layers
        .filter(|layer| layer.media_type == payload::MEDIA_TYPE)
        .take(COUNT)
}

/// The manifest of the image that holds the signatures, if there is one.
fn manifest(client: &Client, digest: &Digest) -> Result<Option<Manifest>> {
    let fetched = match client.manifest(Some(&tag(digest)), None) {
        Ok(fetched) => fetched,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let described = || format!("signatures of {digest} at {}", client.domain());
    if fetched.media_type != media_type::OCI_MANIFEST {
        bail!("{}: they come as {:?}", described(), fetched.media_type);
    }
    match Document::parse(&fetched.bytes, &fetched.media_type).with_context(described)? {
        Document::Manifest(manifest) => Ok(Some(*manifest)),
        Document::Index(_) => bail!("{}: they come as an index", described()),
    }
}

/// Signs a manifest as an image of this name, and adds the signature to those that there are, unless one of them says
/// the same.
pub fn sign(client: &Client, key: &PrivateKey, reference: &Reference, digest: &Digest) -> Result<()> {
    let old = manifest(client, digest)?;
    let payload = Payload {
        name: reference.to_string(),
        digest: *digest,
    };
    if let Some(old) = &old
        && newest(old).any(|layer| says(client, key, &payload, layer))
    {
        return Ok(());
    }
    let mut config = match &old {
        Some(old) => parse_json("image configuration", &client.document(&old.config)?)?,
        None => {
            json!({ "architecture": "", "os": "", "config": {}, "rootfs": { "type": "layers", "diff_ids": [] } })
        }
    };
    let document = Payload::write(reference, digest, SystemTime::now());
    let mut layer = Descriptor::new(
        payload::MEDIA_TYPE,
        client.upload(&document)?,
        document.len() as u64,
    );
    let signature = BASE64.encode(key.sign(&document));
    layer.annotations.insert(SIGNATURE.to_owned(), signature);
    list_layer(&mut config, &layer.digest).with_context(|| {
        format!(
            "the signatures of {digest} at {} have a configuration without layers",
            client.domain()
        )
    })?;
    let config = serde_json::to_vec(&config)?;
    let config = Descriptor::new(
        media_type::OCI_CONFIG,
        client.upload(&config)?,
        config.len() as u64,
    );
    let bytes = match old {
        Some(mut manifest) => {
            manifest.config = config;
            manifest.layers.push(layer);
            serde_json::to_vec(&manifest)?
        }
        None => new_manifest(media_type::OCI_MANIFEST, config, vec![layer]),
    };
    let put = client.put_manifest(Some(&tag(digest)), &bytes, media_type::OCI_MANIFEST)?;
    put.listed().map(drop)
}

/// Whether a layer is a signature by the key that says just this. One that cannot be read does not serve.
fn says(client: &Client, key: &PrivateKey, payload: &Payload, layer: &Descriptor) -> bool {
    let signature = layer.annotations.get(SIGNATURE);
    let signature = signature.and_then(|signature| BASE64.decode(signature).ok());
    let is_ours = |signature: Vec<u8>| {
        layer.size <= payload::LIMIT
            && client.document(layer).is_ok_and(|bytes| {
                key.has_signed(&bytes, &signature) && Payload::parse(&bytes).as_ref() == Ok(payload)
            })
    };
    signature.is_some_and(is_ours)
}

fn list_layer(config: &mut Value, digest: &Digest) -> Option<()> {
    let layers = config.get_mut("rootfs")?.get_mut("diff_ids")?;
    if layers.is_null() {
        *layers = json!([]);
    }
    layers.as_array_mut()?.push(json!(digest.to_string()));
    Some(())
}
