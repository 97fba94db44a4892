//! Image references as Docker's grammar has them (distribution/reference), and what they mean.
//!
//! ```text
//! reference = name [ ":" tag ] [ "@" digest ]
//! name      = [ domain "/" ] path              domain = host [ ":" port ]
//! host      = label *( "." label ) | "[" IPv6 "]"
//! path      = component *( "/" component )     component = alnum *( ( "." | "_" | "__" | 1*"-" ) alnum )
//! tag       = word *127( word | "." | "-" )    word = letter | digit | "_"
//! ```
//!
//! The first component is a domain if it is `localhost` or holds a dot, a colon or an upper-case letter. Without
//! a domain the reference is short: it stands for `docker.io/…` when it is to be fetched, while local images are
//! found by it under more names ([`Reference::candidates`]).

use std::fmt;
use std::str::FromStr;

use crate::base::digest::Digest;

/// Docker Hub, where names without a domain lead.
pub const HUB: &str = "docker.io";
/// How older programs call it, and where its search is.
pub const HUB_OLD: &str = "index.docker.io";
const OFFICIAL: &str = "library/";
/// The domain of images that were made here.
pub const LOCAL: &str = "localhost";
const PATH_LIMIT: usize = 255;
const TAG_LIMIT: usize = 128;

/// A reference in normalised form: it always has a domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<Digest>,
    /// The repository as it was written, where the domain was left out.
    short: Option<String>,
}

/// Text that is not a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid reference {text:?}: {problem}")]
pub struct ReferenceError {
    text: String,
    problem: &'static str,
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|problem| ReferenceError {
            text: text.chars().take(300).collect(),
            problem,
        })
    }
}

fn parse(text: &str) -> Result<Reference, &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.contains("://") {
        return Err("it has a scheme: write the name without it");
    }
    if is_identifier(text) {
        return Err("64 hexadecimal digits are an image ID, not a name");
    }
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (
            rest,
            Some(
                digest
                    .parse()
                    .map_err(|_| "its digest is not sha256 and 64 digits")?,
            ),
        ),
        None => (text, None),
    };
    let (domain, remainder, short) = split_domain(rest);
    let (path, tag) = match remainder.split_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (remainder, None),
    };
    let written = path;
    let path = if domain == HUB && !path.contains('/') {
        format!("{OFFICIAL}{path}")
    } else {
        path.to_owned()
    };
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("the repository name must be lower case");
    }
    if !is_domain(domain) {
        return Err("the part before the first slash is not a registry's host and port");
    }
    if !path.split('/').all(is_component) {
        return Err(
            "the repository name may hold lower-case letters, digits and single separators between them",
        );
    }
    if path.len() > PATH_LIMIT {
        return Err("the repository name is longer than 255 characters");
    }
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(
            "the tag may hold up to 128 letters, digits, '_', '.' and '-', and not start with '.' or '-'",
        );
    }
    Ok(Reference {
        domain: domain.to_owned(),
        path,
        tag: tag.map(str::to_owned),
        digest,
        short: short.then(|| written.to_owned()),
    })
}

/// The domain, what follows it, and whether the domain was left out.
pub fn split_domain(text: &str) -> (&str, &str, bool) {
    match text.split_once('/') {
        Some((HUB | HUB_OLD, rest)) => (HUB, rest, false),
        Some((first, rest))
            if first == LOCAL
                || first.contains(['.', ':'])
                || first.bytes().any(|byte| byte.is_ascii_uppercase()) =>
        {
            (first, rest, false)
        }
        _ => (HUB, text, true),
    }
}

fn is_identifier(text: &str) -> bool {
    text.len() == 64 && crate::base::id::is_prefix(text)
}

fn is_domain(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, after)) => {
            let known = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
            if address.is_empty() || !address.bytes().all(known) {
                return false;
            }
            match after.strip_prefix(':') {
                Some(port) => (None, Some(port)),
                None if after.is_empty() => (None, None),
                None => return false,
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(text), None),
        },
    };
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.is_none_or(|host| host.split('.').all(label))
        && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_component(text: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(alphanumeric) || !bytes.last().is_some_and(alphanumeric) {
        return false;
    }
    bytes.split(alphanumeric).all(|separator| {
        matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|byte| *byte == b'-')
    })
}

fn is_tag(text: &str) -> bool {
    text.len() <= TAG_LIMIT
        && !text.is_empty()
        && !text.starts_with(['.', '-'])
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

impl Reference {
    /// The registry, with its port if one was given.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The repository within the registry.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Whether it was written without a domain.
    pub fn is_short(&self) -> bool {
        self.short.is_some()
    }

    /// The repository as it was written, where the domain was left out.
    pub fn short(&self) -> Option<&str> {
        self.short.as_deref()
    }

    /// The same tag and digest of another repository, `domain/path`.
    pub fn in_repository(&self, repository: &str) -> Result<Self, ReferenceError> {
        format!("{repository}{}", self.suffix()).parse()
    }

    /// Domain and repository: `docker.io/library/busybox`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// The repository as Docker shows it: `busybox` for `docker.io/library/busybox`.
    pub fn familiar_name(&self) -> String {
        match (self.domain.as_str(), self.path.strip_prefix(OFFICIAL)) {
            (HUB, Some(path)) if !path.contains('/') => path.to_owned(),
            (HUB, _) => self.path.clone(),
            _ => self.name(),
        }
    }

    /// The whole reference as Docker shows it.
    pub fn familiar(&self) -> String {
        self.familiar_name() + &self.suffix()
    }

    /// The reference as it was written.
    pub fn as_written(&self) -> String {
        match &self.short {
            Some(short) => format!("{short}{}", self.suffix()),
            None => self.to_string(),
        }
    }

    /// The same reference with the tag `latest` if it has neither tag nor digest.
    pub fn or_latest(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some("latest".into());
        }
        self
    }

    /// The same repository with a tag and nothing else.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ReferenceError> {
        if !is_tag(tag) {
            return Err(ReferenceError {
                text: tag.chars().take(300).collect(),
                problem: "it is not a tag",
            });
        }
        let mut tagged = self.clone();
        tagged.tag = Some(tag.to_owned());
        tagged.digest = None;
        Ok(tagged)
    }

    /// The name that a locally made image gets by this reference: a short one belongs to `localhost`, so that it is
    /// never taken for what a registry has. `None` if it carries a digest, which only an image's content can give.
    pub fn for_local(&self) -> Option<Self> {
        if self.digest.is_some() {
            return None;
        }
        let mut local = self.clone().or_latest();
        if let Some(path) = local.short.take() {
            local.domain = LOCAL.into();
            local.path = path;
        }
        Some(local)
    }

    /// The full names under which a local image is looked for, the first one first.
    pub fn candidates(&self) -> Vec<Self> {
        let mut full = self.clone().or_latest();
        let Some(path) = full.short.take() else {
            return vec![full];
        };
        let mut local = full.clone();
        local.domain = LOCAL.into();
        local.path = path;
        vec![local, full]
    }

    /// Whether a short reference could mean `other` of some registry: `foo` means `quay.io/project/foo`.
    pub fn is_end_of(&self, other: &Self) -> bool {
        let Some(wanted) = &self.short else { return false };
        let ends = other
            .path
            .strip_suffix(wanted.as_str())
            .is_some_and(|before| before.is_empty() || before.ends_with('/'));
        self.short.is_some()
            && ends
            && self.tag.as_deref().unwrap_or("latest") == other.tag.as_deref().unwrap_or("latest")
    }

    fn suffix(&self) -> String {
        let mut suffix = String::new();
        if let Some(tag) = &self.tag {
            suffix = format!(":{tag}");
        }
        if let Some(digest) = &self.digest {
            suffix += &format!("@{digest}");
        }
        suffix
    }
}

impl fmt::Display for Reference {
    /// The normalised form: `docker.io/library/busybox:latest`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.domain, self.path, self.suffix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn accepted() {
        for (text, normalised, familiar) in [
            ("busybox", "docker.io/library/busybox", "busybox"),
            ("busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"),
            ("library/busybox", "docker.io/library/busybox", "busybox"),
            ("docker.io/busybox", "docker.io/library/busybox", "busybox"),
            (
                "index.docker.io/busybox:x",
                "docker.io/library/busybox:x",
                "busybox:x",
            ),
            ("user/app", "docker.io/user/app", "user/app"),
            ("library/a/b", "docker.io/library/a/b", "library/a/b"),
            ("localhost/foo", "localhost/foo", "localhost/foo"),
            (
                "localhost:5000/foo:T_a.g-",
                "localhost:5000/foo:T_a.g-",
                "localhost:5000/foo:T_a.g-",
            ),
            ("test.com:tag", "docker.io/library/test.com:tag", "test.com:tag"),
            ("test:5000", "docker.io/library/test:5000", "test:5000"),
            ("test:5000/repo", "test:5000/repo", "test:5000/repo"),
            ("UPPER/foo", "UPPER/foo", "UPPER/foo"),
            ("[::1]:5000/x/y:1", "[::1]:5000/x/y:1", "[::1]:5000/x/y:1"),
            ("[fe80::a]/x", "[fe80::a]/x", "[fe80::a]/x"),
            (
                "192.168.137.99:1000/a",
                "192.168.137.99:1000/a",
                "192.168.137.99:1000/a",
            ),
            ("a__b/c--d.e_f", "docker.io/a__b/c--d.e_f", "a__b/c--d.e_f"),
            ("xn--7o8h.com/m", "xn--7o8h.com/m", "xn--7o8h.com/m"),
            (
                &format!("x@{D}"),
                &format!("docker.io/library/x@{D}"),
                &format!("x@{D}"),
            ),
            (
                &format!("q.io/x:t@{D}"),
                &format!("q.io/x:t@{D}"),
                &format!("q.io/x:t@{D}"),
            ),
        ] {
            let reference: Reference = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(reference.to_string(), normalised, "{text}");
            assert_eq!(reference.familiar(), familiar, "{text}");
        }
    }

    #[test]
    fn refused() {
        let long_tag = format!("a:{}", "t".repeat(129));
        let long_path = "a/".repeat(127) + "a";
        let too_long = "a/".repeat(128) + "a";
        assert!(format!("q.io/{long_path}").parse::<Reference>().is_ok());
        for text in [
            "",
            ":tag",
            "@",
            "/",
            "a//b",
            "/a",
            "a/",
            "a:",
            "a@",
            "a:b:c",
            "a@sha256:abc",
            &format!("a@{D}:tag"),
            &format!("a@{}", D.to_uppercase()),
            "a@md5:d41d8cd98f00b204e9800998ecf8427e",
            "Busybox",
            "q.io/Busybox",
            "a___b",
            "a..b",
            "a._b",
            "-a",
            "a-",
            ".a",
            "..",
            "../x",
            "q.io/../x",
            "q.io/./x",
            "a b",
            "bücher",
            "q.io/x:tag\n",
            "q.io/x:.tag",
            "q.io/x:-tag",
            "http://q.io/x",
            "https://q.io/x",
            "-q.io/x",
            "q..io/x",
            "q.io:/x",
            "q.io:port/x",
            "foo_bar.x/y",
            "[::1]x/y",
            "[]/y",
            "[::g]/y",
            "aa/asdf$$^/aa",
            "1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a",
            &long_tag,
            &too_long,
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn local_names() {
        let candidates = |text: &str| {
            let reference: Reference = text.parse().unwrap();
            reference
                .candidates()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            candidates("foo"),
            ["localhost/foo:latest", "docker.io/library/foo:latest"]
        );
        assert_eq!(candidates("u/foo:1"), ["localhost/u/foo:1", "docker.io/u/foo:1"]);
        assert_eq!(candidates("q.io/foo"), ["q.io/foo:latest"]);
        let local = |text: &str| {
            text.parse::<Reference>()
                .unwrap()
                .for_local()
                .map(|name| name.to_string())
        };
        assert_eq!(local("foo").as_deref(), Some("localhost/foo:latest"));
        assert_eq!(
            local("docker.io/foo").as_deref(),
            Some("docker.io/library/foo:latest")
        );
        assert_eq!(local(&format!("foo@{D}")), None);
    }

    #[test]
    fn short_names_match_the_end() {
        for (short, full, expected) in [
            ("foo", "quay.io/project/foo:latest", true),
            ("project/foo", "quay.io/project/foo:latest", true),
            ("foo:1", "quay.io/project/foo:1", true),
            ("foo", "quay.io/project/foo:1", false),
            ("oo", "quay.io/project/foo:latest", false),
            ("docker.io/foo", "quay.io/foo:latest", false),
        ] {
            let (short, full): (Reference, Reference) = (short.parse().unwrap(), full.parse().unwrap());
            assert_eq!(short.is_end_of(&full), expected, "{short} {full}");
        }
    }

    proptest! {
        #[test]
        fn printed_forms_parse_to_the_same(
            text in "((localhost|[a-z]{1,5}\\.[a-z]{2}|\\[:[0-9a-f:]{1,6}\\]|[A-Z]{2})(:[0-9]{1,5})?/)?[a-z0-9]{1,4}([_/-][a-z0-9]{1,3}){0,3}(\\.[0-9]){0,2}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,5})?"
        ) {
            let reference: Reference = text.parse().unwrap();
            let normalised: Reference = reference.to_string().parse().unwrap();
            prop_assert_eq!(normalised.to_string(), reference.to_string());
            let familiar: Reference = reference.familiar().parse().unwrap();
            prop_assert_eq!(familiar.to_string(), reference.to_string());
        }

        #[test]
        fn never_panics_and_holds_no_path_tricks(text in any::<String>()) {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert!(reference.name().split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
            }
        }
    }
}
