//! `--filter`: `key=value`, several of one key being alternatives, except for labels, which must all fit.

use regex::Regex;

use super::{Result, invalid};

/// What a list was filtered by.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    values: Vec<(String, String)>,
    /// What names and identifiers must look like, by their keys.
    patterns: Vec<(&'static str, Pattern)>,
}

/// A regular expression as Docker and Podman take it for names, mostly without anything but letters.
#[derive(Clone, Debug)]
enum Pattern {
    Part(String),
    Expression(Regex),
}

/// The keys whose values are patterns.
const PATTERNS: [&str; 2] = ["name", "id"];

impl Pattern {
    fn parse(key: &str, value: &str) -> Result<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/');
        let text = match key {
            // Digits may be of either case.
            "id" => value.to_ascii_lowercase(),
            _ => value.to_owned(),
        };
        if text.bytes().all(is_plain) {
            return Ok(match key {
                // Identifiers are named by how they begin.
                "id" => Self::Expression(expression(&format!("^{text}"))?),
                _ => Self::Part(text),
            });
        }
        expression(&text).map(Self::Expression)
    }

    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Part(part) => {
                text.contains(part.as_str())
                    || part.strip_prefix('/').is_some_and(|part| text.starts_with(part))
            }
            // Docker's names begin with a slash.
            Self::Expression(expression) => {
                expression.is_match(text)
                    || expression.as_str().contains('/') && expression.is_match(&format!("/{text}"))
            }
        }
    }
}

fn expression(text: &str) -> Result<Regex> {
    match Regex::new(text) {
        Ok(expression) => Ok(expression),
        Err(_) => invalid(format!("{text:?} is not a regular expression")),
    }
}

impl Filters {
    /// Reads filters whose keys must be among `known`.
    pub fn parse(words: &[String], known: &[&str]) -> Result<Self> {
        let mut filters = Self::default();
        for word in words {
            let Some((key, value)) = word.split_once('=') else {
                return invalid(format!("{word:?}: expected KEY=VALUE"));
            };
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            if !known.contains(&key.as_str()) {
                return invalid(format!(
                    "there is no filter {key:?}; there are {}",
                    known.join(", ")
                ));
            }
            if let Some(key) = PATTERNS.into_iter().find(|known| *known == key) {
                filters.patterns.push((key, Pattern::parse(key, value)?));
            }
            filters.values.push((key, value.to_owned()));
        }
        Ok(filters)
    }

    /// Whether a name, or an identifier, looks like one of those given for `key`, or none was given.
    pub fn matches(&self, key: &str, text: &str) -> bool {
        let mut patterns = self.patterns.iter().filter(|(known, _)| *known == key).peekable();
        patterns.peek().is_none() || patterns.any(|(_, pattern)| pattern.fits(text))
    }

    /// The values given for a key.
    pub fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.values
            .iter()
            .filter(move |(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    }

    /// Whether `fits` is true for some value of `key`, or none was given.
    pub fn any(&self, key: &str, fits: impl FnMut(&str) -> bool) -> bool {
        self.values(key).next().is_none() || self.values(key).any(fits)
    }

    /// Whether labels fit all of `label` and none of `label!`.
    pub fn labels<'l>(&self, get: impl Fn(&str) -> Option<&'l str>) -> bool {
        let fits = |wanted: &str| match wanted.split_once('=') {
            Some((key, value)) => get(key) == Some(value),
            None => get(wanted).is_some(),
        };
        self.values("label").all(fits) && !self.values("label!").any(fits)
    }

    /// The one truth value of a key, if it was given.
    pub fn truth(&self, key: &str) -> Result<Option<bool>> {
        let mut found = None;
        for value in self.values(key) {
            match crate::cli::options::parse_bool(value) {
                Some(truth) => found = Some(truth),
                None => return invalid(format!("{key}={value}: expected true or false")),
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(words: &[&str]) -> Filters {
        let words: Vec<String> = words.iter().map(|word| (*word).into()).collect();
        Filters::parse(&words, &["name", "label", "label!", "dangling"]).unwrap()
    }

    #[test]
    fn parsing() {
        assert!(Filters::parse(&["name".into()], &["name"]).is_err());
        assert!(Filters::parse(&["size=1".into()], &["name"]).is_err());
        assert_eq!(filters(&["NAME=a=b"]).values("name").collect::<Vec<_>>(), ["a=b"]);
        assert_eq!(filters(&["dangling=1"]).truth("dangling"), Ok(Some(true)));
        assert!(filters(&["dangling=x"]).truth("dangling").is_err());
    }

    #[test]
    fn labels_must_all_fit() {
        let get = |key: &str| match key {
            "a" => Some("1"),
            "b" => Some(""),
            _ => None,
        };
        for (words, fits) in [
            (&["label=a"][..], true),
            (&["label=a=1", "label=b"], true),
            (&["label=a=1", "label=c"], false),
            (&["label=a=2"], false),
            (&["label!=a"], false),
            (&["label!=a=2"], true),
            (&["label!=c"], true),
            (&[], true),
        ] {
            assert_eq!(filters(words).labels(get), fits, "{words:?}");
        }
    }

    #[test]
    fn names_and_identifiers() {
        for (filter, text, fits) in [
            ("name=eb", "web", true),
            ("name=web", "web", true),
            ("name=/web", "web", true),
            ("name=/eb", "web", false),
            ("name=^eb", "web", false),
            ("name=^web$", "web", true),
            ("name=^/web$", "web", true),
            ("name=^we$", "web", false),
            ("name=w.*b", "wxxb", true),
            ("name=^w.b$", "wxb", true),
            ("name=^w.b$", "wxxb", false),
            ("name=^(db|w[aeo]b)$", "web", true),
            ("name=^(db|w[aeo]b)$", "wib", false),
            ("name=volume_1*", "volume_2", true),
            ("name=", "web", true),
            ("id=AB", "ab12", true),
            ("id=b1", "ab12", false),
            ("id=^[^9]", "ab12", true),
            ("id=^[^9a]", "ab12", false),
        ] {
            let words = [filter.to_owned()];
            let filters = Filters::parse(&words, &PATTERNS).unwrap();
            let key = filter.split('=').next().unwrap();
            assert_eq!(filters.matches(key, text), fits, "{filter} {text}");
        }
        assert!(Filters::parse(&["name=(".into()], &PATTERNS).is_err());
    }
}
