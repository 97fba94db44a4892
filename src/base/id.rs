//! Identifiers of objects: 64 random hexadecimal digits, shown by their first 12.

use crate::base::digest::hex;

/// How many digits a shortened identifier shows.
pub const SHORT: usize = 12;

/// A new identifier that no other object has.
///
/// One that is all decimal digits in its first 12 is drawn again: it could be taken for a number
/// (as a hostname, for example), which Docker avoids as well.
pub fn random() -> String {
    loop {
        let id = hex(&random_bytes::<32>());
        if id[..SHORT].bytes().any(|digit| digit.is_ascii_alphabetic()) {
            return id;
        }
    }
}

/// Random bytes, by one system call: what the getrandom crate finds in a static program are files.
pub fn random_bytes<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let length = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    // Up to 256 bytes come whole.
    assert_eq!(
        length,
        Ok(LENGTH),
        "getrandom(2) works on every kernel we support"
    );
    bytes
}

/// The first 12 digits of `id`, or all of a shorter one.
pub fn short(id: &str) -> &str {
    id.get(..SHORT).unwrap_or(id)
}

/// Whether `text` could be an identifier or the beginning of one.
pub fn is_prefix(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_ids_are_well_formed_and_differ() {
        let (one, two) = (random(), random());
        assert_ne!(one, two);
        assert_eq!(one.len(), 64);
        assert!(is_prefix(&one) && is_prefix(short(&one)));
    }

    #[test]
    fn prefixes() {
        assert!(!is_prefix("") && !is_prefix("../x") && !is_prefix("ABC") && !is_prefix(&"a".repeat(65)));
        assert_eq!(short("abc"), "abc");
    }
}
