//! Options by which what is pushed is signed.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::configuration;
use super::login::hidden;
use crate::base::file::read_trusted;
use crate::image::reference::Reference;
use crate::image::signature::key::{self, KeyError, PrivateKey};

/// How what is pushed is signed.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Signature")]
pub struct SigningOptions {
    /// Sign with the key in a file, as cosign and Podman do
    #[arg(long, value_name = "FILE")]
    sign_by_sigstore_private_key: Option<PathBuf>,
    /// File whose first line is the passphrase of that key
    #[arg(long, value_name = "FILE", requires = "sign_by_sigstore_private_key")]
    sign_passphrase_file: Option<PathBuf>,
}

impl SigningOptions {
    /// Whether there is to be a signature.
    pub fn is_asked(&self) -> bool {
        self.sign_by_sigstore_private_key.is_some()
    }

    /// The key, if one is given. That the registry takes signatures is seen before anything is sent there.
    pub fn key(&self, target: &Reference) -> anyhow::Result<Option<PrivateKey>> {
        let Some(path) = &self.sign_by_sigstore_private_key else {
            return Ok(None);
        };
        if !configuration::registries_d()?.attachments(target) {
            bail!(
                "{target} is not pushed with a signature: registries.d does not say use-sigstore-attachments: true for {}",
                target.domain()
            );
        }
        let described = || format!("cannot sign with {}", path.display());
        let text = read_trusted(path, key::LIMIT).with_context(described)?;
        let given = match &self.sign_passphrase_file {
            Some(file) => {
                let text = read_trusted(file, key::LIMIT)
                    .with_context(|| format!("cannot read --sign-passphrase-file {}", file.display()))?;
                text.split(|byte| *byte == b'\n')
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            }
            None => Vec::new(),
        };
        let key = match PrivateKey::parse(&text, &given) {
            Err(KeyError::Sealed(_)) if self.sign_passphrase_file.is_none() && io::stdin().is_terminal() => {
                let asked = hidden(&format!("Passphrase of {}: ", path.display()))?;
                PrivateKey::parse(&text, asked.as_bytes())
            }
            read => read,
        };
        key.map(Some).with_context(described)
    }
}
