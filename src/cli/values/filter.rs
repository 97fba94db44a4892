//! `--filter`: `key=value`, several of one key being alternatives, except for labels, which must all fit.

use super::{Result, invalid};

/// What a list was filtered by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters(Vec<(String, String)>);

impl Filters {
    /// Reads filters whose keys must be among `known`.
    pub fn parse(words: &[String], known: &[&str]) -> Result<Self> {
        let mut filters = Vec::new();
        for word in words {
            let Some((key, value)) = word.split_once('=') else {
                return invalid(format!("{word:?}: expected KEY=VALUE"));
            };
            let key = key.trim().to_ascii_lowercase();
            if !known.contains(&key.as_str()) {
                return invalid(format!(
                    "there is no filter {key:?}; there are {}",
                    known.join(", ")
                ));
            }
            filters.push((key, value.trim().to_owned()));
        }
        Ok(Self(filters))
    }

    /// The values given for a key.
    pub fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0
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

/// Whether an identifier begins as `pattern` says, whose digits may be of either case; what is more than digits is a
/// pattern, as for names.
pub fn id_fits(pattern: &str, id: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    match pattern.strip_prefix('^').unwrap_or(&pattern) {
        digits if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => id.starts_with(digits),
        _ => name_fits(&pattern, id),
    }
}

/// Whether a name fits a filter: a part of it, or what a simple pattern with `^`, `$`, `*`, `.` and `?` describes.
///
/// Podman takes regular expressions and Docker parts of names. This takes what scripts use of both: anchors, `.`,
/// `.*` and `?` as one would expect, everything else literally.
pub fn name_fits(pattern: &str, name: &str) -> bool {
    let (pattern, from_start) = match pattern.strip_prefix('^') {
        Some(rest) => (rest.strip_prefix('/').unwrap_or(rest), true),
        None => (pattern.strip_prefix('/').unwrap_or(pattern), false),
    };
    let (pattern, to_end) = match pattern.strip_suffix('$') {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    let glob = pattern.replace(".*", "*").replace(".+", "?*").replace('.', "?");
    let glob = format!(
        "{}{glob}{}",
        if from_start { "" } else { "*" },
        if to_end { "" } else { "*" }
    );
    glob_fits(&glob, name)
}

/// Whether all of `text` fits a pattern in which `*` is anything and `?` any one character.
pub fn glob_fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((place, taken)) = star {
            star = Some((place, taken + 1));
            (p, t) = (place + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
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
    fn names() {
        for (pattern, name, fits) in [
            ("eb", "web", true),
            ("web", "web", true),
            ("^eb", "web", false),
            ("^web$", "web", true),
            ("^/web$", "web", true),
            ("^we$", "web", false),
            ("w.*b", "wxxb", true),
            ("^w.b$", "wxb", true),
            ("^w.b$", "wxxb", false),
            ("", "web", true),
            ("****", "web", true),
            ("a*b*c", "xaybzc", true),
            ("a*b*c", "xaybz", false),
        ] {
            assert_eq!(name_fits(pattern, name), fits, "{pattern} {name}");
        }
        assert!(glob_fits("alpine*", "alpine:latest") && !glob_fits("alpine", "alpine:latest"));
    }
}
