//! Files that say how something is signed (containers-sigstore-signing-params.yaml(5)).

use std::path::PathBuf;

use super::yaml::{Problem, read};

/// Which key signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    pub key: PathBuf,
    /// File whose first line is its passphrase.
    pub passphrase: Option<PathBuf>,
}

/// Why such a file does not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    #[error(transparent)]
    Broken(#[from] Problem),
    #[error("{0} is not supported: signatures are made with a key of one's own (privateKeyFile)")]
    Service(String),
    #[error("it names no privateKeyFile")]
    NoKey,
}

impl Parameters {
    pub fn parse(text: &str) -> Result<Self, ParametersError> {
        let (mut key, mut passphrase) = (None, None);
        for (name, node) in read(text)? {
            let line = node.line;
            match name.as_str() {
                "privateKeyFile" => key = Some(node.scalar()?),
                "privateKeyPassphraseFile" => passphrase = Some(node.scalar()?),
                "fulcio" | "rekorURL" if node.is_nothing() => {}
                "fulcio" | "rekorURL" => return Err(ParametersError::Service(name)),
                _ => return Err(Problem(line, format!("there is no parameter {name:?}")).into()),
            }
        }
        let path = |text: Option<String>| text.filter(|text| !text.is_empty()).map(PathBuf::from);
        Ok(Self {
            key: path(key).ok_or(ParametersError::NoKey)?,
            passphrase: path(passphrase),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named() {
        for (text, key, passphrase) in [
            ("privateKeyFile: a.key", "a.key", None),
            (
                "---\n# comment\nprivateKeyFile: \"/a b\"\nprivateKeyPassphraseFile: '/c'\nfulcio:\n",
                "/a b",
                Some("/c"),
            ),
        ] {
            let expected = Parameters {
                key: key.into(),
                passphrase: passphrase.map(PathBuf::from),
            };
            assert_eq!(Parameters::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_we_do_not_do_is_refused_by_name() {
        for (text, expected) in [
            ("", "it names no privateKeyFile"),
            ("privateKeyFile:", "it names no privateKeyFile"),
            (
                "privateKeyFile: a\nrekorURL: https://x",
                "rekorURL is not supported",
            ),
            ("fulcio:\n  fulcioURL: https://x", "fulcio is not supported"),
            ("privateKey: a", "line 1: there is no parameter \"privateKey\""),
            ("privateKeyFile: [a]", "line 1: "),
            ("privateKeyFile:\n  x: y", "one word is expected"),
        ] {
            let error = Parameters::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
