//! What kind of content a file seems to have, by its first bytes, as Go's standard library and so Podman tells it
//! (<https://mimesniff.spec.whatwg.org/>), and by the ending of its name.

/// So many bytes are looked at.
pub const LENGTH: usize = 512;

/// The kind of content that begins so.
pub fn content_type(bytes: &[u8]) -> &'static str {
    let bytes = &bytes[..bytes.len().min(LENGTH)];
    let blanks = bytes.iter().take_while(|byte| b"\t\n\x0c\r ".contains(byte));
    let text = &bytes[blanks.count()..];
    if TAGS.iter().any(|tag| begins_with_tag(text, tag)) {
        return "text/html; charset=utf-8";
    }
    if text.starts_with(b"<?xml") {
        return "text/xml; charset=utf-8";
    }
    let found = SIGNATURES.iter().find(|(begin, skip, rest, _)| {
        let rest_begins = bytes.get(begin.len() + skip..);
        bytes.starts_with(begin) && rest_begins.is_some_and(|after| after.starts_with(rest))
    });
    if let Some((.., kind)) = found {
        return kind;
    }
    if is_mp4(bytes) {
        return "video/mp4";
    }
    match bytes.iter().any(|byte| is_binary(*byte)) {
        true => "application/octet-stream",
        false => "text/plain; charset=utf-8",
    }
}

const TAGS: &[&str] = &[
    "<!DOCTYPE HTML",
    "<HTML",
    "<HEAD",
    "<SCRIPT",
    "<IFRAME",
    "<H1",
    "<DIV",
    "<FONT",
    "<TABLE",
    "<A",
    "<STYLE",
    "<TITLE",
    "<B",
    "<BODY",
    "<BR",
    "<P",
    "<!--",
];

/// The tag in any case, with a blank or its end after it.
fn begins_with_tag(text: &[u8], tag: &str) -> bool {
    let begins = text
        .get(..tag.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(tag.as_bytes()));
    begins
        && text
            .get(tag.len())
            .is_some_and(|byte| matches!(byte, b' ' | b'>'))
}

/// How content begins, how many bytes of any kind follow, what comes then, and the kind.
type Signature = (&'static [u8], usize, &'static [u8], &'static str);

const SIGNATURES: &[Signature] = &[
    (b"%PDF-", 0, b"", "application/pdf"),
    (b"%!PS-Adobe-", 0, b"", "application/postscript"),
    (b"\xfe\xff", 0, b"", "text/plain; charset=utf-16be"),
    (b"\xff\xfe", 0, b"", "text/plain; charset=utf-16le"),
    (b"\xef\xbb\xbf", 0, b"", "text/plain; charset=utf-8"),
    (b"\0\0\x01\0", 0, b"", "image/x-icon"),
    (b"\0\0\x02\0", 0, b"", "image/x-icon"),
    (b"BM", 0, b"", "image/bmp"),
    (b"GIF87a", 0, b"", "image/gif"),
    (b"GIF89a", 0, b"", "image/gif"),
    (b"RIFF", 4, b"WEBPVP", "image/webp"),
    (b"\x89PNG\r\n\x1a\n", 0, b"", "image/png"),
    (b"\xff\xd8\xff", 0, b"", "image/jpeg"),
    (b"FORM", 4, b"AIFF", "audio/aiff"),
    (b"ID3", 0, b"", "audio/mpeg"),
    (b"OggS\0", 0, b"", "application/ogg"),
    (b"MThd\0\0\0\x06", 0, b"", "audio/midi"),
    (b"RIFF", 4, b"AVI ", "video/avi"),
    (b"RIFF", 4, b"WAVE", "audio/wave"),
    (b"\x1a\x45\xdf\xa3", 0, b"", "video/webm"),
    (b"\0\x01\0\0", 0, b"", "font/ttf"),
    (b"OTTO", 0, b"", "font/otf"),
    (b"ttcf", 0, b"", "font/collection"),
    (b"wOFF", 0, b"", "font/woff"),
    (b"wOF2", 0, b"", "font/woff2"),
    (b"\x1f\x8b\x08", 0, b"", "application/x-gzip"),
    (b"PK\x03\x04", 0, b"", "application/zip"),
    (b"Rar!\x1a\x07\0", 0, b"", "application/x-rar-compressed"),
    (b"Rar!\x1a\x07\x01\0", 0, b"", "application/x-rar-compressed"),
    (b"\0asm", 0, b"", "application/wasm"),
];

/// A box of the kind `ftyp` that names a brand beginning with `mp4`; its fourth word is a version.
fn is_mp4(bytes: &[u8]) -> bool {
    let Some((size, rest)) = bytes.split_first_chunk::<4>() else {
        return false;
    };
    let size = usize::try_from(u32::from_be_bytes(*size)).unwrap_or(usize::MAX);
    if bytes.len() < 12 || bytes.len() < size || size % 4 != 0 || !rest.starts_with(b"ftyp") {
        return false;
    }
    let mut words = (8..size).step_by(4).filter(|at| *at != 12);
    words.any(|at| bytes[at..].starts_with(b"mp4"))
}

fn is_binary(byte: u8) -> bool {
    matches!(byte, 0..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

/// The kind of content that files with such a name have.
pub fn type_of_name(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "avif" => "image/avif",
        "css" => "text/css",
        "gif" => "image/gif",
        "htm" | "html" => "text/html",
        "jpeg" | "jpg" => "image/jpeg",
        "js" | "mjs" => "text/javascript",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        "webp" => "image/webp",
        "xml" => "text/xml",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let long = [&[b'a'; LENGTH][..], b"\0"].concat();
        for (bytes, expected) in [
            (&b""[..], "text/plain; charset=utf-8"),
            (b"text \xff\n", "text/plain; charset=utf-8"),
            (&long, "text/plain; charset=utf-8"),
            (b"a\0", "application/octet-stream"),
            (b" \n<hTmL>", "text/html; charset=utf-8"),
            (b"<html", "text/plain; charset=utf-8"),
            (b"<blah>", "text/plain; charset=utf-8"),
            (b"<?xml version", "text/xml; charset=utf-8"),
            (b"\x1f\x8b\x08\0", "application/x-gzip"),
            (b"PK\x03\x04", "application/zip"),
            (b"RIFF\0\0\0\0WEBPVP8", "image/webp"),
            (b"RIFF\0\0\0\0WAVE", "audio/wave"),
            (b"RIFF\0", "application/octet-stream"),
            (b"\0asm\x01", "application/wasm"),
            (b"\0\0\0\x14ftypisom\0\0\0\0mp42", "video/mp4"),
            (b"\0\0\0\x14ftypisommp42isom", "application/octet-stream"),
        ] {
            assert_eq!(content_type(bytes), expected, "{bytes:?}");
        }
        assert_eq!(type_of_name("a.b.JSON"), Some("application/json"));
        assert_eq!((type_of_name("json"), type_of_name("a.")), (None, None));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            let mut boxed = b"\0\0\0\x20ftyp".to_vec();
            boxed.extend(&bytes);
            content_type(&boxed);
            content_type(&bytes);
        }
    }
}
