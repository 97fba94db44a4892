//! Private keys encrypted with a passphrase, as cosign and go-securesystemslib write them: JSON that names scrypt
//! (RFC 7914) and NaCl's secretbox, which is XSalsa20 with Poly1305 (RFC 8439 section 2.5).
//!
//! Nobody but this wants these algorithms, so they are here, after their specifications, rather than in ten more
//! crates. A file of the user's own is read with them and nothing else: no stranger can watch how long that takes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::pbkdf2;
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
/// Words of a block of scrypt with r = 8, the only one that is in use.
const WORDS: usize = 256;

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

/// 32 bytes out of a passphrase (RFC 7914 section 6, with r = 8 and p = 1).
fn scrypt(passphrase: &[u8], salt: &[u8], cost: u32) -> [u8; 32] {
    const ONCE: std::num::NonZeroU32 = std::num::NonZeroU32::MIN;
    let mut bytes = [0; WORDS * 4];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ONCE, salt, passphrase, &mut bytes);
    let mut block = [0u32; WORDS];
    for (word, chunk) in block.iter_mut().zip(bytes.as_chunks().0) {
        *word = u32::from_le_bytes(*chunk);
    }
    let mut table = Vec::with_capacity(cost as usize);
    for _ in 0..cost {
        table.push(block);
        mix(&mut block);
    }
    for _ in 0..cost {
        // The first word of the last 64 bytes; the cost is a power of two.
        let chosen = &table[(block[WORDS - 16] & (cost - 1)) as usize];
        for (word, other) in block.iter_mut().zip(chosen) {
            *word ^= other;
        }
        mix(&mut block);
    }
    for (word, chunk) in block.iter().zip(bytes.as_chunks_mut().0) {
        *chunk = word.to_le_bytes();
    }
    let mut key = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ONCE, &bytes, passphrase, &mut key);
    key
}

/// scryptBlockMix (RFC 7914 section 4).
fn mix(block: &mut [u32; WORDS]) {
    let mut last: [u32; 16] = block[WORDS - 16..].try_into().expect("16 words");
    let mut mixed = [0; WORDS];
    for (index, part) in block.as_chunks::<16>().0.iter().enumerate() {
        for (word, other) in last.iter_mut().zip(part) {
            *word ^= other;
        }
        let before = last;
        rounds(&mut last, 4);
        for (word, other) in last.iter_mut().zip(before) {
            *word = word.wrapping_add(other);
        }
        // Even parts first, odd ones after them.
        let at = (index / 2 + index % 2 * (WORDS / 32)) * 16;
        mixed[at..at + 16].copy_from_slice(&last);
    }
    *block = mixed;
}

/// Double rounds of Salsa20 (Bernstein, "Salsa20 specification", section 5 to 7).
fn rounds(state: &mut [u32; 16], count: usize) {
    let quarter = |state: &mut [u32; 16], [a, b, c, d]: [usize; 4]| {
        state[b] ^= state[a].wrapping_add(state[d]).rotate_left(7);
        state[c] ^= state[b].wrapping_add(state[a]).rotate_left(9);
        state[d] ^= state[c].wrapping_add(state[b]).rotate_left(13);
        state[a] ^= state[d].wrapping_add(state[c]).rotate_left(18);
    };
    const COLUMNS: [[usize; 4]; 4] = [[0, 4, 8, 12], [5, 9, 13, 1], [10, 14, 2, 6], [15, 3, 7, 11]];
    const ROWS: [[usize; 4]; 4] = [[0, 1, 2, 3], [5, 6, 7, 4], [10, 11, 8, 9], [15, 12, 13, 14]];
    for _ in 0..count {
        COLUMNS
            .into_iter()
            .chain(ROWS)
            .for_each(|places| quarter(state, places));
    }
}

/// The state of Salsa20: its constant in the diagonal, the key around it, 16 bytes of input in the middle.
fn salsa(key: &[u8; 32], input: &[u8; 16]) -> [u32; 16] {
    let mut state = [0; 16];
    let word = |bytes: &[u8], at: usize| {
        u32::from_le_bytes(bytes[at * 4..at * 4 + 4].try_into().expect("four bytes"))
    };
    for index in 0..4 {
        state[index * 5] = word(b"expand 32-byte k", index);
        state[1 + index] = word(key, index);
        state[6 + index] = word(input, index);
        state[11 + index] = word(key, 4 + index);
    }
    state
}

/// XORs with the key stream of XSalsa20 from its beginning ("Extending the Salsa20 nonce", section 2).
fn xsalsa(key: &[u8; 32], nonce: &[u8; 24], content: &mut [u8]) {
    let (first, second) = nonce.split_first_chunk::<16>().expect("24 bytes");
    let mut state = salsa(key, first);
    rounds(&mut state, 10);
    let mut own = [0; 32];
    for (chunk, index) in own.as_chunks_mut().0.iter_mut().zip([0, 5, 10, 15, 6, 7, 8, 9]) {
        *chunk = state[index].to_le_bytes();
    }
    for (counter, part) in content.chunks_mut(64).enumerate() {
        let mut input = [0; 16];
        input[..8].copy_from_slice(second);
        input[8..].copy_from_slice(&(counter as u64).to_le_bytes());
        let start = salsa(&own, &input);
        let mut state = start;
        rounds(&mut state, 10);
        let stream = state.iter().zip(start);
        let stream = stream.flat_map(|(word, other)| word.wrapping_add(other).to_le_bytes());
        part.iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= key);
    }
}

/// Bytes of a secretbox before its content.
const TAG: usize = 16;

/// Opens NaCl's secretbox in place; the content stands after the tag then.
fn open_box(key: &[u8; 32], nonce: &[u8; 24], sealed: &mut [u8]) -> bool {
    let Some((tag, content)) = sealed.split_first_chunk::<TAG>() else {
        return false;
    };
    // The first 32 bytes of the key stream are the tag's key.
    let mut start = [0; 32];
    xsalsa(key, nonce, &mut start);
    if tag_of(&start, content) != *tag {
        return false;
    }
    let mut whole = vec![0; 32];
    whole.extend_from_slice(content);
    xsalsa(key, nonce, &mut whole);
    sealed[TAG..].copy_from_slice(&whole[32..]);
    true
}

/// Poly1305, with numbers of 26 bits so that products fit into 64.
fn tag_of(key: &[u8; 32], message: &[u8]) -> [u8; TAG] {
    const MASK: u64 = (1 << 26) - 1;
    let limbs = |bytes: u128, top: u64| {
        let limb = |index: u32| (bytes >> (26 * index)) as u64 & MASK;
        [
            limb(0),
            limb(1),
            limb(2),
            limb(3),
            (bytes >> 104) as u64 | top << 24,
        ]
    };
    let (r, pad) = key.split_at(16);
    let r = u128::from_le_bytes(r.try_into().expect("16 bytes")) & 0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff;
    let pad = u128::from_le_bytes(pad.try_into().expect("16 bytes"));
    let r = limbs(r, 0);
    let mut sum = [0u64; 5];
    for part in message.chunks(TAG) {
        let mut bytes = [0; TAG];
        bytes[..part.len()].copy_from_slice(part);
        // A one stands after each part.
        let top = match bytes.get_mut(part.len()) {
            Some(after) => {
                *after = 1;
                0
            }
            None => 1,
        };
        for (limb, more) in sum.iter_mut().zip(limbs(u128::from_le_bytes(bytes), top)) {
            *limb += more;
        }
        let mut product = [0u64; 5];
        for (i, left) in sum.iter().enumerate() {
            for (j, right) in r.iter().enumerate() {
                // 2^130 is 5.
                let (place, times) = if i + j < 5 { (i + j, 1) } else { (i + j - 5, 5) };
                product[place] += left * right * times;
            }
        }
        sum = product;
        carry(&mut sum);
    }
    carry(&mut sum);
    carry(&mut sum);
    // Less than 2^130 now; the prime is taken away if it is in there.
    let mut less = sum;
    less[0] += 5;
    for index in 0..4 {
        less[index + 1] += less[index] >> 26;
        less[index] &= MASK;
    }
    if less[4] >> 26 != 0 {
        less[4] &= MASK;
        sum = less;
    }
    let mut number = 0u128;
    for (index, limb) in sum.iter().enumerate() {
        number = number.wrapping_add(u128::from(*limb) << (26 * index));
    }
    number.wrapping_add(pad).to_le_bytes()
}

fn carry(sum: &mut [u64; 5]) {
    const MASK: u64 = (1 << 26) - 1;
    for index in 0..4 {
        sum[index + 1] += sum[index] >> 26;
        sum[index] &= MASK;
    }
    sum[0] += 5 * (sum[4] >> 26);
    sum[4] &= MASK;
    sum[1] += sum[0] >> 26;
    sum[0] &= MASK;
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

    /// RFC 8439 sections 2.5.2 and A.3, where the edges of the arithmetic are.
    #[test]
    fn poly1305_is_that_of_its_specification() {
        let key = |r: &str, s: &str| -> [u8; 32] { bytes(&format!("{r}{s}")).try_into().unwrap() };
        let zero = "00".repeat(16);
        let ones = "ff".repeat(16);
        let two = format!("02{}", "00".repeat(15));
        let one = format!("01{}", "00".repeat(15));
        for (r, s, message, expected) in [
            (
                "85d6be7857556d337f4452fe42d506a8",
                "0103808afb0db2fd4abff6af4149f51b",
                hex(b"Cryptographic Forum Research Group"),
                "a8061dc1305136c6c22b8baf0c0127a9".to_owned(),
            ),
            (&two, &zero, ones.clone(), format!("03{}", "00".repeat(15))),
            (&two, &ones, two.clone(), format!("03{}", "00".repeat(15))),
            (
                &one,
                &zero,
                format!("{ones}f0{}11{}", "ff".repeat(15), "00".repeat(15)),
                format!("05{}", "00".repeat(15)),
            ),
            (
                &one,
                &zero,
                format!("{ones}fb{}{}", "fe".repeat(15), "01".repeat(16)),
                zero.clone(),
            ),
            (
                &two,
                &zero,
                format!("fd{}", "ff".repeat(15)),
                format!("fa{}", "ff".repeat(15)),
            ),
        ] {
            assert_eq!(hex(&tag_of(&key(r, s), &bytes(&message))), expected, "{message}");
        }
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
            xsalsa(&key, &nonce, &mut whole);
            let tag = tag_of(whole[..32].try_into().unwrap(), &whole[32..]);
            let sealed = [&tag, &whole[32..]].concat();
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
