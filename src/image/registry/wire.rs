//! The words of HTTP and of the distribution specification that we read and write: headers, URLs, forms.

use std::io;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ureq::Body;
use ureq::http::{HeaderMap, Response, header};

use crate::base::digest::Digest;
use crate::oci::image::media_type;

/// What manifests and indexes we understand.
pub fn accept() -> (header::HeaderName, String) {
    let kinds = [
        media_type::OCI_MANIFEST,
        media_type::OCI_INDEX,
        media_type::DOCKER_MANIFEST,
        media_type::DOCKER_LIST,
    ];
    (header::ACCEPT, kinds.join(", "))
}

pub fn content_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = value.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().to_owned()
}

/// The digest that a registry gives for what it sends.
pub fn announced(headers: &HeaderMap) -> Option<Digest> {
    headers.get("docker-content-digest")?.to_str().ok()?.parse().ok()
}

pub fn range_begin(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// The wait that is asked for in seconds, the form that registries use.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// The target of the next page of a list that was found at `url` (RFC 8288, as the distribution specification uses it).
pub fn next_page(url: &str, headers: &HeaderMap) -> Option<String> {
    let link = headers.get(header::LINK)?.to_str().ok()?;
    // Several links stand behind one another with commas between.
    let mut links = link.trim();
    let target = loop {
        let (target, rest) = links.strip_prefix('<')?.split_once('>')?;
        let (words, others) = rest.split_once(",").unwrap_or((rest, ""));
        let is_next = |word: &str| matches!(word.trim(), "rel=next" | "rel=\"next\"");
        if words.split(';').any(is_next) && !target.is_empty() {
            break target;
        }
        links = others.trim_start();
    };
    let next = join(url, target);
    // Pages are the registry's own: nothing but its host is followed.
    let path = next
        .strip_prefix(origin(url))
        .filter(|path| path.starts_with('/'));
    path.map(str::to_owned)
}

/// Most warnings of one answer, and letters of one of them.
const WARNINGS: usize = 5;
const WARNING: usize = 300;

/// What a registry wants its users to be told (distribution specification, "Warnings"): `299 - "text"`.
pub fn warnings(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::WARNING).iter();
    let texts = values.filter_map(|value| {
        let quoted = std::str::from_utf8(value.as_bytes())
            .ok()?
            .strip_prefix("299 - \"")?;
        let mut text = String::new();
        let mut letters = quoted.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => return Some(text),
                '\\' => text.extend(letters.next()),
                letter => text.push(letter),
            }
            if text.chars().count() >= WARNING {
                return Some(text);
            }
        }
        None
    });
    texts.take(WARNINGS).collect()
}

/// Scheme, host and port.
pub fn origin(url: &str) -> &str {
    let begin = url.find("://").map_or(0, |at| at + 3);
    url[begin..]
        .find(['/', '?', '#'])
        .map_or(url, |at| &url[..begin + at])
}

/// The URL that `location` means when it is found at `url` (RFC 3986 section 5.2, without dot segments, which servers
/// resolve).
pub fn join(url: &str, location: &str) -> String {
    let scheme_end = location.find("://");
    if scheme_end.is_some_and(|at| !location[..at].contains(['/', '?', '#'])) {
        return location.to_owned();
    }
    if let Some(rest) = location.strip_prefix("//") {
        let scheme = url.split("://").next().unwrap_or("https");
        return format!("{scheme}://{rest}");
    }
    if location.starts_with('/') {
        return format!("{}{location}", origin(url));
    }
    let path = url.split(['?', '#']).next().unwrap_or(url);
    if location.is_empty() || location.starts_with('?') {
        return format!("{path}{location}");
    }
    let directory = path.rfind('/').map_or(path, |at| &path[..=at]);
    format!("{directory}{location}")
}

pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{user}:{password}")))
}

/// `key=value&…`, escaped.
pub fn form(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        let mut escaped = String::new();
        for byte in text.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    escaped.push(byte.into())
                }
                _ => escaped.push_str(&format!("%{byte:02X}")),
            }
        }
        escaped
    };
    let fields = fields
        .iter()
        .map(|(key, value)| format!("{key}={}", escape(value)));
    fields.collect::<Vec<_>>().join("&")
}

/// How long a document may take, however slowly it comes.
const DOCUMENT: Duration = Duration::from_secs(120);

/// The first `limit` bytes of a body.
pub fn bounded(response: &mut Response<Body>, limit: u64) -> io::Result<Vec<u8>> {
    use std::io::Read;
    let end = Instant::now() + DOCUMENT;
    let mut bytes = Vec::new();
    let mut body = response.body_mut().as_reader().take(limit);
    let mut buffer = [0; 16 << 10];
    loop {
        match body.read(&mut buffer)? {
            0 => return Ok(bytes),
            length => bytes.extend_from_slice(&buffer[..length]),
        }
        if Instant::now() > end {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_joined_as_browsers_do() {
        let at = "https://reg.example:5000/v2/x/blobs/y?z=1";
        let cases = [
            ("https://cdn.example/a", "https://cdn.example/a"),
            ("/b?c", "https://reg.example:5000/b?c"),
            ("//cdn.example/d", "https://cdn.example/d"),
            ("e", "https://reg.example:5000/v2/x/blobs/e"),
        ];
        for (location, expected) in cases {
            assert_eq!(join(at, location), expected);
        }
        assert_eq!(origin(at), "https://reg.example:5000");
        assert_eq!(origin("http://a"), "http://a");
    }

    #[test]
    fn only_the_next_page_of_the_same_host_is_followed() {
        let next = |link: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::LINK, link.parse().unwrap());
            next_page("https://reg.example:5000/v2/x/tags/list?n=2", &headers)
        };
        assert_eq!(
            next("</v2/x/tags/list?last=b>; rel=\"next\"").unwrap(),
            "/v2/x/tags/list?last=b"
        );
        assert_eq!(next("</v2/x>; rel=next").unwrap(), "/v2/x");
        assert_eq!(
            next("<https://reg.example:5000/v2/x>; rel=next").unwrap(),
            "/v2/x"
        );
        assert_eq!(next("<list?last=b>; rel=next").unwrap(), "/v2/x/tags/list?last=b");
        assert_eq!(next("<?last=b>; rel=next").unwrap(), "/v2/x/tags/list?last=b");
        assert_eq!(next("</v2/x?u=http://y>; rel=next").unwrap(), "/v2/x?u=http://y");
        assert_eq!(next("</a>; rel=\"prev\", </b>; rel=\"next\"").unwrap(), "/b");
        assert_eq!(next("</b>; rel=\"next\", </c>; rel=\"last\"").unwrap(), "/b");
        for link in [
            "<>; rel=next",
            "</v2/x>; rel=prev, x",
            "</v2/x>; rel=prev",
            "<https://evil.example/>; rel=next",
            "<https://reg.example:50001/v2/x>; rel=next",
            "<http://reg.example:5000/v2/x>; rel=next",
            "<//evil.example/>; rel=next",
            "x",
        ] {
            assert_eq!(next(link), None, "{link}");
        }
    }

    #[test]
    fn warnings_are_texts_that_end() {
        let long = format!("299 - \"{}\"", "x".repeat(1000));
        let given = [
            r#"299 - "this \"tag\" goes away""#,
            r#"199 - "another code""#,
            r#"299 - "without end"#,
            "299 - bare",
            &long,
        ];
        let mut headers = HeaderMap::new();
        for value in given {
            headers.append(header::WARNING, value.parse().unwrap());
        }
        assert_eq!(
            warnings(&headers),
            [r#"this "tag" goes away"#.to_owned(), "x".repeat(WARNING)]
        );
    }

    #[test]
    fn forms_are_escaped() {
        assert_eq!(
            form(&[("scope", "repository:a/b:pull"), ("x", "a b&c")]),
            "scope=repository%3Aa%2Fb%3Apull&x=a%20b%26c"
        );
    }
}
