//! Private keys encrypted with a passphrase, as cosign and go-securesystemslib write them: JSON that names scrypt
//! (RFC 7914) and NaCl's secretbox, which is XSalsa20 with Poly1305 (RFC 8439 section 2.5).
//!
//! A file of the user's own is read with this and nothing else: no stranger can watch how long it takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit as _, StreamCipher as _};
use serde::Deserialize;

/// Why a key stays closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    #[error("it is not written as cosign writes keys ({0})")]
    Malformed(String),
    #[error("it names {0:?}, and scrypt with nacl/secretbox is what there is")]
    Unknown(String),
    #[error("the passphrase is wrong (--sign-passphrase-file)")]
    Passphrase,
}

#[derive(Deserialize)]
struct Sealed {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize)]
struct Kdf {
    name: String,
    params: Parameters,
    salt: String,
}

#[derive(Deserialize)]
struct Parameters {
    #[serde(rename = "N")]
    cost: u32,
    r: u32,
    p: u32,
}

#[derive(Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// The highest cost that is paid: 256 MiB, twice what cosign ever asks for.
const COST_LIMIT: u32 = 1 << 18;
/// Bytes of a secretbox before its content.
const TAG: usize = 16;

/// Decrypts what is in the PEM block.
pub fn open(json: &[u8], passphrase: &[u8]) -> Result<Vec<u8>, SealedError> {
    let malformed = |problem: &dyn std::fmt::Display| SealedError::Malformed(problem.to_string());
    let sealed: Sealed = serde_json::from_slice(json).map_err(|error| malformed(&error))?;
    for (name, known) in [
        (&sealed.kdf.name, "scrypt"),
        (&sealed.cipher.name, "nacl/secretbox"),
    ] {
        if name != known {
            return Err(SealedError::Unknown(name.chars().take(50).collect()));
        }
    }
    let Parameters { cost, r, p } = sealed.kdf.params;
    if !cost.is_power_of_two() || !(2..=COST_LIMIT).contains(&cost) || (r, p) != (8, 1) {
        return Err(malformed(&format_args!("scrypt with N={cost}, r={r}, p={p}")));
    }
    let decode = |text: &str| BASE64.decode(text).map_err(|error| malformed(&error));
    let nonce = decode(&sealed.cipher.nonce)?;
    let nonce: [u8; 24] = nonce.try_into().map_err(|_| malformed(&"a nonce has 24 bytes"))?;
    let key = scrypt(passphrase, &decode(&sealed.kdf.salt)?, cost);
    let mut content = decode(&sealed.ciphertext)?;
    match open_box(&key, &nonce, &mut content) {
        true => Ok(content.split_off(TAG)),
        false => Err(SealedError::Passphrase),
    }
}

/// 32 bytes out of a passphrase.
fn scrypt(passphrase: &[u8], salt: &[u8], cost: u32) -> [u8; 32] {
    let parameters =
        scrypt::Params::new(cost.trailing_zeros() as u8, 8, 1).expect("within the limits of scrypt");
    let mut key = [0; 32];
    scrypt::scrypt(passphrase, salt, &parameters, &mut key).expect("32 bytes can be had");
    key
}

/// Opens NaCl's secretbox in place; the content stands after the tag then.
fn open_box(key: &[u8; 32], nonce: &[u8; 24], sealed: &mut [u8]) -> bool {
    let Some((tag, content)) = sealed.split_first_chunk_mut::<TAG>() else {
        return false;
    };
    let mut stream = XSalsa20::new(key.into(), nonce.into());
    // The first 32 bytes of the key stream are the tag's key.
    let mut start = [0; 32];
    stream.apply_keystream(&mut start);
    if Poly1305::new(&start.into()).compute_unpadded(content).as_slice() != tag {
        return false;
    }
    stream.apply_keystream(content);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::hex;
    use proptest::prelude::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let hex: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        hex.chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    /// The example of NaCl's own tests.
    #[test]
    fn a_secretbox_of_nacl_is_opened() {
        let key: [u8; 32] = bytes("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
            .try_into()
            .unwrap();
        let nonce: [u8; 24] = bytes("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
            .try_into()
            .unwrap();
        let mut sealed = bytes(
            "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186a
             c0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae
             90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74
             e355a5",
        );
        assert!(open_box(&key, &nonce, &mut sealed));
        assert_eq!(
            hex(&sealed[TAG..]),
            "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c6129\
             6cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde\
             048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705"
        );
    }

    /// RFC 7914 section 12, the example with r = 8 and p = 1, as far as a key reaches.
    #[test]
    fn scrypt_is_that_of_its_specification() {
        // The specification's own example for these parameters has N = 16384.
        let key = scrypt(b"pleaseletmein", b"SodiumChloride", 1 << 14);
        assert_eq!(
            hex(&key),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        );
    }

    #[test]
    fn what_names_other_ways_or_costs_too_much_is_refused() {
        let sealed = |kdf: &str, cost: u64, cipher: &str, nonce: usize| {
            format!(
                r#"{{"kdf":{{"name":"{kdf}","params":{{"N":{cost},"r":8,"p":1}},"salt":"AAAA"}},
                "cipher":{{"name":"{cipher}","nonce":"{}"}},"ciphertext":"AAAA"}}"#,
                BASE64.encode(vec![0; nonce])
            )
        };
        let open = |text: &str| open(text.as_bytes(), b"").unwrap_err();
        assert_eq!(
            open(&sealed("scrypt", 2, "nacl/secretbox", 24)),
            SealedError::Passphrase
        );
        assert_eq!(
            open(&sealed("argon2", 2, "nacl/secretbox", 24)),
            SealedError::Unknown("argon2".into())
        );
        assert_eq!(
            open(&sealed("scrypt", 2, "aes", 24)),
            SealedError::Unknown("aes".into())
        );
        for text in [
            sealed("scrypt", 3, "nacl/secretbox", 24),
            sealed("scrypt", 1, "nacl/secretbox", 24),
            sealed("scrypt", 1 << 19, "nacl/secretbox", 24),
            sealed("scrypt", 1 << 40, "nacl/secretbox", 24),
            sealed("scrypt", 2, "nacl/secretbox", 12),
            "{}".into(),
            "[".repeat(1000),
        ] {
            assert!(matches!(open(&text), SealedError::Malformed(_)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_changed_does_not_open(
            content in proptest::collection::vec(any::<u8>(), 0..200), at: prop::sample::Index, bit in 0..8u8
        ) {
            let (key, nonce) = ([7; 32], [9; 24]);
            let mut whole = vec![0; 32];
            whole.extend(&content);
            XSalsa20::new(&key.into(), &nonce.into()).apply_keystream(&mut whole);
            let start: [u8; 32] = whole[..32].try_into().unwrap();
            let tag = Poly1305::new(&start.into()).compute_unpadded(&whole[32..]);
            let sealed = [tag.as_slice(), &whole[32..]].concat();
            let mut opened = sealed.clone();
            prop_assert!(open_box(&key, &nonce, &mut opened));
            prop_assert_eq!(&opened[TAG..], &content);
            let mut changed = sealed;
            let at = at.index(changed.len());
            changed[at] ^= 1 << bit;
            prop_assert!(!open_box(&key, &nonce, &mut changed));
        }
    }
}
