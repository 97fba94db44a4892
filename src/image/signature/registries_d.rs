//! registries.d (containers-registries.d(5)): which registries keep signatures beside their images.
//!
//! The files are read as [`super::yaml`] says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::yaml::{Node, Problem, read};
use crate::image::policy::registry_scopes;
use crate::image::reference::Reference;

/// What all files together say.
#[derive(Debug, Clone, Default)]
pub struct RegistriesD {
    /// By scope; the empty one stands for `default-docker`.
    sections: BTreeMap<String, Section>,
}

#[derive(Debug, Clone)]
struct Section {
    file: PathBuf,
    attachments: Option<bool>,
    /// `lookaside` or `sigstore`, for who wants to see it.
    store: Option<String>,
}

/// Why a file is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistriesDError {
    #[error("{}: line {line}: {problem}", file.display())]
    Line {
        file: PathBuf,
        line: usize,
        problem: String,
    },
    #[error("{} and {} both speak of {scope}", first.display(), second.display())]
    Twice {
        first: PathBuf,
        second: PathBuf,
        scope: String,
    },
}

impl RegistriesD {
    /// Reads one more file.
    pub fn add(&mut self, file: &Path, text: &str) -> Result<(), RegistriesDError> {
        let broken = |Problem(line, problem)| RegistriesDError::Line {
            file: file.to_owned(),
            line,
            problem,
        };
        for (key, node) in read(text).map_err(broken)? {
            let sections = match key.as_str() {
                "default-docker" => vec![(String::new(), node)],
                "docker" => node.mapping().map_err(broken)?,
                // For others.
                _ => continue,
            };
            for (scope, node) in sections {
                // `default-docker:` with nothing below it is not there.
                if scope.is_empty() && node.is_nothing() {
                    continue;
                }
                let section = section(file, node).map_err(broken)?;
                if let Some(first) = self.sections.insert(scope.clone(), section) {
                    return Err(RegistriesDError::Twice {
                        first: first.file,
                        second: file.to_owned(),
                        scope: match scope.as_str() {
                            "" => "default-docker".to_owned(),
                            _ => scope,
                        },
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether signatures of an image are attached to it at its registry.
    pub fn attachments(&self, reference: &Reference) -> bool {
        self.find(reference, |section| section.attachments)
            .unwrap_or(false)
    }

    /// Where signatures of another kind are kept, for a scope such as `docker.io/library`; the default's where none is
    /// said.
    pub fn store(&self, scope: &str) -> Option<&str> {
        let mut scopes = std::iter::successors(Some(scope), |scope| Some(scope.rsplit_once('/')?.0));
        let own = scopes.find_map(|scope| self.sections.get(scope));
        own.or_else(|| self.sections.get(""))?.store.as_deref()
    }

    fn find<T>(&self, reference: &Reference, of: impl Fn(&Section) -> Option<T>) -> Option<T> {
        let mut scopes = registry_scopes(reference);
        scopes.push(String::new());
        scopes.iter().find_map(|scope| of(self.sections.get(scope)?))
    }
}

fn section(file: &Path, node: Node) -> Result<Section, Problem> {
    let mut section = Section {
        file: file.to_owned(),
        attachments: None,
        store: None,
    };
    if node.is_nothing() {
        return Ok(section);
    }
    for (key, node) in node.mapping()? {
        let line = node.line;
        match key.as_str() {
            "use-sigstore-attachments" => {
                let word = node.scalar()?;
                let is_used = match word.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "y" | "on" => true,
                    "false" | "no" | "n" | "off" => false,
                    _ => return Err(Problem(line, format!("{key} is true or false, not {word:?}"))),
                };
                section.attachments = Some(is_used);
            }
            "lookaside" => section.store = Some(node.scalar()?),
            "sigstore" => {
                let word = node.scalar()?;
                section.store.get_or_insert(word);
            }
            _ => {}
        }
    }
    Ok(section)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(texts: &[&str]) -> Result<RegistriesD, String> {
        let mut all = RegistriesD::default();
        for (number, text) in texts.iter().enumerate() {
            all.add(&PathBuf::from(format!("{number}.yaml")), text)
                .map_err(|error| error.to_string())?;
        }
        Ok(all)
    }

    #[test]
    fn the_most_exact_section_that_says_it_counts() {
        let all = of(&[
            "# A file as distributions have it.\n---\ndefault-docker:\n#  lookaside: file:///x\n  lookaside-staging: file:///var/lib/x\n",
            "docker:\n  docker.io:\n    use-sigstore-attachments: true\n\n  docker.io/library/plain:   # here not\n    use-sigstore-attachments: No\n  'reg.invalid:5000/a:v1':\n    \"use-sigstore-attachments\": yes # really\n  reg.invalid:5000/b:\n    lookaside: https://x.invalid:1/y#z\n  reg.invalid:5000:\n    use-sigstore-attachments: \"true\"\nother:\n  - anything: {a, b}\n".split("other").next().unwrap(),
            "docker:\n    '*.wild.invalid':\n        use-sigstore-attachments: on\n    nothing.invalid:\n    empty.invalid: {}\n",
        ])
        .unwrap();
        for (name, expected) in [
            ("alpine", true),
            ("docker.io/team/app:1", true),
            ("plain:1", false),
            ("reg.invalid:5000/a:v1", true),
            ("reg.invalid:5000/b:v1", true),
            ("reg.invalid/a:v1", false),
            ("x.wild.invalid/a", true),
            ("wild.invalid/a", false),
            ("nothing.invalid/a", false),
            ("other.invalid/a", false),
        ] {
            assert_eq!(all.attachments(&name.parse().unwrap()), expected, "{name}");
        }
        assert_eq!(all.store("reg.invalid:5000/b/c"), Some("https://x.invalid:1/y#z"));
        assert_eq!(all.store("reg.invalid:5000/a"), None);
        let default =
            of(&["default-docker:\n  use-sigstore-attachments: true\n  sigstore: file:///x\n"]).unwrap();
        assert!(default.attachments(&"any.invalid/x".parse().unwrap()));
        assert_eq!(default.store("any.invalid"), Some("file:///x"));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        for (text, expected) in [
            ("docker:\n\tx: y", "line 2: YAML is indented with spaces"),
            ("docker:\n  - x", "line 2: \"- x\": of YAML"),
            ("docker: {a: b}", "line 1: \"{a: b}\": of YAML"),
            ("docker: &anchor\n  x:", "of YAML"),
            ("docker: !tag x", "of YAML"),
            ("docker: |\n  x", "of YAML"),
            ("docker: \"a\\\"b\"", "escapes"),
            ("docker: 'x", "a quotation mark is missing"),
            ("docker: 'x' y", "after a value"),
            ("docker: a: b", "after a value"),
            ("docker:\n  x", "line 2: a key with a colon"),
            ("docker: x", "keys with values are expected"),
            ("docker:\n  x: y", "keys with values are expected"),
            (
                "docker:\n  x:\n    use-sigstore-attachments: maybe",
                "line 3: use-sigstore-attachments is true or false",
            ),
            (
                "docker:\n  x:\n    use-sigstore-attachments:\n      y: z",
                "one word",
            ),
            ("docker:\n  x:\n  x:", "line 3: \"x\" stands twice"),
            (
                "docker:\n  x:\n    a: b\n      c: d",
                "line 4: this line is indented",
            ),
            ("docker:\n    x:\n  y:", "line 3: this line is indented"),
            ("  docker:", "the first key is indented"),
            ("docker:\n---\n", "one document"),
            ("%YAML 1.2\n", "one document"),
        ] {
            let error = of(&[text]).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let error = of(&["docker:\n  x:\n    a: b", "docker:\n  x:\n    c: d"]).unwrap_err();
        assert_eq!(error, "0.yaml and 1.yaml both speak of x");
        let twice = "default-docker:\n  a: b";
        assert!(of(&[twice, twice]).unwrap_err().contains("default-docker"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "([ \\-:#'\"a{}\\n\t]|docker|\\PC){0,60}") {
            let _ = of(&[&text]);
        }

        #[test]
        fn scopes_are_read_as_they_are_written(
            scope in "[a-z]{1,8}(\\.[a-z]{1,5}){0,2}(:[0-9]{1,4})?(/[a-z]{1,6}){0,2}", indent in 1..8usize
        ) {
            let pad = " ".repeat(indent);
            let text = format!("docker:\n{pad}{scope}:\n{pad}{pad}sigstore: found\n");
            let all = of(&[&text]).unwrap();
            prop_assert_eq!(all.store(&scope), Some("found"));
        }
    }
}
