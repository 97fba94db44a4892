//! What a registry asks for in `WWW-Authenticate` (RFC 9110 section 11.6.1, distribution's token specification).

/// A way to authenticate that a registry offers and we speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// A user name and a password with every request.
    Basic,
    /// A token from another server.
    Bearer {
        /// Where tokens are given.
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

/// The challenges of one header; schemes that we do not speak are left out. What is malformed ends the list.
pub fn parse(header: &str) -> Vec<Challenge> {
    let mut rest = header.trim();
    let mut found = Vec::new();
    while let Some((scheme, after)) = token(rest) {
        let (parameters, after) = parameters(after.trim_start());
        let value = |name: &str| {
            let parameter = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            parameter.map(|(_, value)| value.clone())
        };
        if scheme.eq_ignore_ascii_case("basic") {
            found.push(Challenge::Basic);
        } else if scheme.eq_ignore_ascii_case("bearer")
            && let Some(realm) = value("realm")
        {
            found.push(Challenge::Bearer {
                realm,
                service: value("service"),
                scope: value("scope"),
            });
        }
        rest = after.trim_start_matches([' ', '\t', ',']);
    }
    found
}

/// The word at the beginning, and what follows it.
fn token(text: &str) -> Option<(&str, &str)> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let end = text
        .bytes()
        .position(|byte| !is_token(byte))
        .unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// `key=value` pairs between commas, up to the next scheme; the single word that some schemes have instead is skipped.
fn parameters(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    while let Some((key, after)) = token(rest) {
        let Some(value) = after.trim_start().strip_prefix('=') else {
            // A scheme, unless nothing was read yet: then it is that single word.
            if found.is_empty() && (after.is_empty() || after.starts_with(',')) {
                rest = after;
            }
            break;
        };
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => match unquote(quoted) {
                Some(both) => both,
                None => return (found, ""),
            },
            None => {
                let (value, after) = token(value).unwrap_or(("", value.trim_start_matches('=')));
                (value.to_owned(), after)
            }
        };
        found.push((key.to_owned(), value));
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(next) => rest = next.trim_start_matches([' ', '\t', ',']),
            None => break,
        }
    }
    (found, rest)
}

/// The text up to the closing quote, without its backslashes, and what follows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        Challenge::Bearer {
            realm: realm.into(),
            service: service.map(Into::into),
            scope: scope.map(Into::into),
        }
    }

    #[test]
    fn challenges_as_registries_write_them() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull""#;
        let cases = [
            (
                hub,
                vec![bearer(
                    "https://auth.docker.io/token",
                    Some("registry.docker.io"),
                    Some("repository:library/alpine:pull"),
                )],
            ),
            (r#"Basic realm="Registry Realm""#, vec![Challenge::Basic]),
            (
                r#"bearer  Realm = "https://a/t" , service=b"#,
                vec![bearer("https://a/t", Some("b"), None)],
            ),
            (
                r#"Basic realm="x, y=\"z\"", Bearer realm="https://a/""#,
                vec![Challenge::Basic, bearer("https://a/", None, None)],
            ),
            (r#"Negotiate abc==, Basic realm=x"#, vec![Challenge::Basic]),
            ("Negotiate, Basic", vec![Challenge::Basic]),
            ("Bearer service=x", vec![]),
            (r#"Bearer realm="never closed"#, vec![]),
            (
                r#"Bearer realm="https://a/",scope="repository:x:pull,push""#,
                vec![bearer("https://a/", None, Some("repository:x:pull,push"))],
            ),
            ("", vec![]),
            ("=,\"", vec![]),
        ];
        for (header, expected) in cases {
            assert_eq!(parse(header), expected, "{header}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read_to_an_end(header in "\\PC{0,200}") {
            parse(&header);
        }

        #[test]
        fn quoted_realms_come_back(realm in "[ -~]{1,40}") {
            let quoted = realm.replace('\\', "\\\\").replace('"', "\\\"");
            prop_assert_eq!(parse(&format!("Bearer realm=\"{quoted}\"")), vec![bearer(&realm, None, None)]);
        }
    }
}
