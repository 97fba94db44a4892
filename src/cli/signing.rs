//! Options by which what is pushed is signed.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use super::configuration;
use super::login::hidden;
use crate::base::digest::Digest;
use crate::base::file::read_trusted;
use crate::image::reference::Reference;
use crate::image::registry::Client;
use crate::image::signature::attachment;
use crate::image::signature::key::{self, KeyError, PrivateKey};
use crate::image::signature::parameters::Parameters;

/// How what is pushed is signed.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Signature")]
pub struct SigningOptions {
    /// Sign as a file of parameters says, which names the key
    #[arg(long, value_name = "FILE")]
    sign_by_sigstore: Option<PathBuf>,
    /// Sign with the key in a file, as cosign and Podman do
    #[arg(long, value_name = "FILE")]
    sign_by_sigstore_private_key: Option<PathBuf>,
    /// File whose first line is the passphrase of that key
    #[arg(long, value_name = "FILE", requires = "sign_by_sigstore_private_key")]
    sign_passphrase_file: Option<PathBuf>,
}

/// The keys that sign what is pushed.
#[derive(Default)]
pub struct Signer(Vec<PrivateKey>);

impl SigningOptions {
    /// Whether there is to be a signature.
    pub fn is_asked(&self) -> bool {
        self.sign_by_sigstore.is_some() || self.sign_by_sigstore_private_key.is_some()
    }

    /// The keys that are given. That the registry takes signatures is seen before anything is sent there.
    pub fn signer(&self, target: &Reference) -> anyhow::Result<Signer> {
        if !self.is_asked() {
            return Ok(Signer::default());
        }
        if !configuration::registries_d()?.attachments(target) {
            bail!(
                "{target} is not pushed with a signature: registries.d does not say use-sigstore-attachments: true for {}",
                target.domain()
            );
        }
        let mut keys = Vec::new();
        if let Some(path) = &self.sign_by_sigstore {
            let Parameters { key, passphrase } =
                parameters(path).with_context(|| format!("--sign-by-sigstore {}", path.display()))?;
            keys.push(read(&key, passphrase.as_deref())?);
        }
        if let Some(path) = &self.sign_by_sigstore_private_key {
            keys.push(read(path, self.sign_passphrase_file.as_deref())?);
        }
        Ok(Signer(keys))
    }
}

impl Signer {
    /// Signs what lies at a registry under this name now.
    pub fn sign(
        &self,
        client: &Client,
        target: &Reference,
        digest: &Digest,
        say: &dyn Fn(&str),
    ) -> anyhow::Result<()> {
        for key in &self.0 {
            attachment::sign(client, key, target, digest)
                .with_context(|| format!("cannot sign {target}, which is pushed now"))?;
        }
        if !self.0.is_empty() {
            say(&format!("Signed {digest}"));
        }
        Ok(())
    }
}

fn parameters(path: &Path) -> anyhow::Result<Parameters> {
    let text = String::from_utf8(read_trusted(path, key::LIMIT)?)?;
    Ok(Parameters::parse(&text)?)
}

/// Reads a key, which may need its passphrase.
fn read(path: &Path, passphrase: Option<&Path>) -> anyhow::Result<PrivateKey> {
    let described = || format!("cannot sign with {}", path.display());
    let text = read_trusted(path, key::LIMIT).with_context(described)?;
    let given = match passphrase {
        Some(file) => {
            let text = read_trusted(file, key::LIMIT)
                .with_context(|| format!("cannot read the passphrase in {}", file.display()))?;
            text.split(|byte| *byte == b'\n')
                .next()
                .unwrap_or_default()
                .to_owned()
        }
        None => Vec::new(),
    };
    let key = match PrivateKey::parse(&text, &given) {
        Err(KeyError::Sealed(_)) if passphrase.is_none() && io::stdin().is_terminal() => {
            let asked = hidden(&format!("Passphrase of {}: ", path.display()))?;
            PrivateKey::parse(&text, asked.as_bytes())
        }
        read => read,
    };
    key.with_context(described)
}
