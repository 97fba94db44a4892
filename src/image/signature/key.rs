//! Keys in PEM files: public ones as SubjectPublicKeyInfo (RFC 5280) or PKCS #1, private ones as PKCS #8 (RFC 5958), in
//! the clear or encrypted as cosign does it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA256_ASN1, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
    VerificationAlgorithm,
};

use super::sealed;

/// Most bytes of a file with a key.
pub const LIMIT: u64 = 64 << 10;

/// Why a key is not usable, without its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it is not in PEM form")]
    NotPem,
    #[error("it holds {0:?} and not a public key (-----BEGIN PUBLIC KEY-----)")]
    NotPublic(String),
    #[error("it holds {0:?} and not a private key{1}")]
    NotPrivate(String, &'static str),
    #[error("it is no key")]
    Malformed,
    #[error(
        "it is a key of a kind that is not known: there are ECDSA P-256, Ed25519 and RSA of 2048 bits or more"
    )]
    Unknown,
    #[error("it cannot be decrypted: {0}")]
    Sealed(#[from] sealed::SealedError),
}

/// Who may have signed.
pub struct PublicKey {
    algorithm: &'static dyn VerificationAlgorithm,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PublicKey({:?})", self.algorithm)
    }
}

// AlgorithmIdentifiers without their outer header.
/// id-ecPublicKey, secp256r1.
const P256: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
/// id-ecPublicKey, secp384r1.
const P384: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";
/// rsaEncryption, NULL.
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
/// id-Ed25519.
const EDWARDS: &[u8] = b"\x06\x03\x2b\x65\x70";

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;

impl PublicKey {
    /// Reads the first key of a PEM file.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let (label, der) = pem(text)?;
        match label.as_str() {
            "PUBLIC KEY" => Self::of_info(&der),
            "RSA PUBLIC KEY" => Ok(Self {
                algorithm: &RSA_PKCS1_2048_8192_SHA256,
                bytes: der,
            }),
            _ => Err(KeyError::NotPublic(label)),
        }
    }

    fn of_info(der: &[u8]) -> Result<Self, KeyError> {
        let (info, rest) = value(der, SEQUENCE)?;
        let (algorithm, bits) = value(info, SEQUENCE)?;
        let (bits, after) = value(bits, BIT_STRING)?;
        // All keys are whole bytes.
        let (Some((0, bytes)), [], []) = (bits.split_first(), rest, after) else {
            return Err(KeyError::Malformed);
        };
        let algorithm: &'static dyn VerificationAlgorithm = match algorithm {
            P256 => &ECDSA_P256_SHA256_ASN1,
            P384 => &ECDSA_P384_SHA256_ASN1,
            RSA => &RSA_PKCS1_2048_8192_SHA256,
            EDWARDS => &ED25519,
            _ => return Err(KeyError::Unknown),
        };
        Ok(Self {
            algorithm,
            bytes: bytes.to_owned(),
        })
    }

    /// Whether a signature of `message` was made with the key's private half.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(self.algorithm, &self.bytes)
            .verify(message, signature)
            .is_ok()
    }
}

/// What signs.
#[derive(Debug)]
pub enum PrivateKey {
    Ecdsa(EcdsaKeyPair),
    Edwards(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl PrivateKey {
    /// Reads the key of a PEM file; one that is not encrypted needs no passphrase.
    pub fn parse(text: &[u8], passphrase: &[u8]) -> Result<Self, KeyError> {
        let (label, content) = pem(text)?;
        match label.as_str() {
            "PRIVATE KEY" => Self::of_info(&content),
            "ENCRYPTED COSIGN PRIVATE KEY" | "ENCRYPTED SIGSTORE PRIVATE KEY" => {
                Self::of_info(&sealed::open(&content, passphrase)?)
            }
            "EC PRIVATE KEY" | "RSA PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => Err(KeyError::NotPrivate(
                label,
                " in the form of cosign or PKCS #8: openssl pkcs8 -topk8 -nocrypt makes one of it",
            )),
            _ => Err(KeyError::NotPrivate(label, "")),
        }
    }

    fn of_info(der: &[u8]) -> Result<Self, KeyError> {
        let (info, _) = value(der, SEQUENCE)?;
        let (_, after_version) = value(info, INTEGER)?;
        let (algorithm, _) = value(after_version, SEQUENCE)?;
        let random = SystemRandom::new();
        let key = match algorithm {
            P256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der, &random).map(Self::Ecdsa),
            EDWARDS => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Self::Edwards),
            RSA => RsaKeyPair::from_pkcs8(der).map(Self::Rsa),
            _ => return Err(KeyError::Unknown),
        };
        key.map_err(|_| KeyError::Malformed)
    }

    /// Whether it made a signature of `message`.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let (algorithm, bytes): (&'static dyn VerificationAlgorithm, _) = match self {
            Self::Ecdsa(key) => (&ECDSA_P256_SHA256_ASN1, key.public_key().as_ref()),
            Self::Edwards(key) => (&ED25519, key.public_key().as_ref()),
            Self::Rsa(key) => (&RSA_PKCS1_2048_8192_SHA256, key.public().as_ref()),
        };
        let public = PublicKey {
            algorithm,
            bytes: bytes.to_owned(),
        };
        public.has_signed(message, signature)
    }

    /// Signs.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        const WORKS: &str = "getrandom(2) works, and the key was checked when it was read";
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(key) => key.sign(&random, message).expect(WORKS).as_ref().to_vec(),
            Self::Edwards(key) => key.sign(message).as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .expect(WORKS);
                signature
            }
        }
    }
}

/// The label and the content of the first block of a PEM file (RFC 7468).
pub fn pem(text: &[u8]) -> Result<(String, Vec<u8>), KeyError> {
    let text = std::str::from_utf8(text).map_err(|_| KeyError::NotPem)?;
    let mut lines = text.lines().map(str::trim);
    let label = lines
        .find_map(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----"))
        .ok_or(KeyError::NotPem)?;
    let end = format!("-----END {label}-----");
    let mut encoded = String::new();
    loop {
        match lines.next().ok_or(KeyError::NotPem)? {
            line if line == end => break,
            line => encoded += line,
        }
    }
    let content = BASE64.decode(encoded).map_err(|_| KeyError::NotPem)?;
    Ok((label.to_owned(), content))
}

/// The content of a DER value of a kind, and what follows it.
fn value(der: &[u8], kind: u8) -> Result<(&[u8], &[u8]), KeyError> {
    let (&[found, first], rest) = der.split_first_chunk().ok_or(KeyError::Malformed)?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // Nothing here is longer than a file of keys may be.
        0x81..=0x83 => {
            let (digits, rest) = rest
                .split_at_checked(usize::from(first - 0x80))
                .ok_or(KeyError::Malformed)?;
            let length = digits
                .iter()
                .fold(0, |length, digit| length << 8 | usize::from(*digit));
            (length, rest)
        }
        _ => return Err(KeyError::Malformed),
    };
    if found != kind {
        return Err(KeyError::Malformed);
    }
    rest.split_at_checked(length).ok_or(KeyError::Malformed)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A pair of keys made by openssl, for tests alone.
    pub const PRIVATE: &str = include_str!("testing/p256.key");
    pub const PUBLIC: &str = include_str!("testing/p256.pub");

    #[test]
    fn every_kind_of_key_verifies_what_it_signed() {
        for (private, public) in [
            (PRIVATE, PUBLIC),
            (
                include_str!("testing/ed25519.key"),
                include_str!("testing/ed25519.pub"),
            ),
            (include_str!("testing/rsa.key"), include_str!("testing/rsa.pub")),
        ] {
            let private = PrivateKey::parse(private.as_bytes(), b"").unwrap();
            let public = PublicKey::parse(public.as_bytes()).unwrap();
            let signature = private.sign(b"message");
            assert!(public.has_signed(b"message", &signature), "{public:?}");
            assert!(private.has_signed(b"message", &signature), "{public:?}");
            assert!(!private.has_signed(b"massage", &signature), "{public:?}");
            assert!(!public.has_signed(b"massage", &signature), "{public:?}");
            assert!(!public.has_signed(b"message", &signature[1..]), "{public:?}");
        }
    }

    /// Made by openssl dgst -sha256 -sign over "message" with keys of curves that we only verify.
    #[test]
    fn what_openssl_signed_is_verified() {
        let public = PublicKey::parse(include_bytes!("testing/p384.pub")).unwrap();
        assert!(public.has_signed(b"message", include_bytes!("testing/p384.sig")));
        let public = PublicKey::parse(include_bytes!("testing/rsa-pkcs1.pub")).unwrap();
        assert!(public.has_signed(b"message", include_bytes!("testing/rsa.sig")));
    }

    #[test]
    fn a_key_of_cosign_opens_with_its_passphrase() {
        let sealed = include_bytes!("testing/sealed.key");
        let public = PublicKey::parse(PUBLIC.as_bytes()).unwrap();
        let private = PrivateKey::parse(sealed, b"word").unwrap();
        assert!(public.has_signed(b"message", &private.sign(b"message")));
        let error = PrivateKey::parse(sealed, b"wrong").unwrap_err().to_string();
        assert!(error.contains("the passphrase is wrong"), "{error}");
    }

    #[test]
    fn what_is_no_key_is_named() {
        let block = |label: &str, content: &[u8]| {
            format!(
                "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
                BASE64.encode(content)
            )
        };
        for (text, expected) in [
            (String::new(), KeyError::NotPem),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n".into(), KeyError::NotPem),
            (
                "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----".into(),
                KeyError::NotPem,
            ),
            (
                block("CERTIFICATE", b"x"),
                KeyError::NotPublic("CERTIFICATE".into()),
            ),
            (block("PUBLIC KEY", b""), KeyError::Malformed),
            (block("PUBLIC KEY", b"\x30\x80"), KeyError::Malformed),
            (block("PUBLIC KEY", b"\x30\x05\x30\x03"), KeyError::Malformed),
            (
                block("PUBLIC KEY", b"\x30\x07\x30\x01\x05\x03\x02\x00\x01"),
                KeyError::Unknown,
            ),
            (
                block("PUBLIC KEY", b"\x30\x07\x30\x01\x05\x03\x02\x01\x01"),
                KeyError::Malformed,
            ),
        ] {
            assert_eq!(PublicKey::parse(text.as_bytes()).unwrap_err(), expected, "{text}");
        }
        let error = PrivateKey::parse(block("EC PRIVATE KEY", b"x").as_bytes(), b"").unwrap_err();
        assert!(error.to_string().contains("openssl pkcs8"), "{error}");
        let error = PrivateKey::parse(PUBLIC.as_bytes(), b"").unwrap_err();
        assert_eq!(error, KeyError::NotPrivate("PUBLIC KEY".into(), ""));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_key_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = PublicKey::of_info(&bytes);
            let _ = PrivateKey::of_info(&bytes);
            let _ = pem(&bytes);
            // The same behind a plausible beginning.
            let mut longer = vec![0x30, bytes.len() as u8];
            longer.extend(&bytes);
            let _ = PublicKey::of_info(&longer);
        }
    }
}
