//! Documents as YAML, for reading: as Podman prints `info`.

use serde_json::Value;

/// The document as lines, indented by two spaces a level.
pub fn yaml(document: &Value) -> String {
    let mut text = String::new();
    write(&mut text, document, 0);
    text
}

fn write(text: &mut String, value: &Value, depth: usize) {
    let indentation = "  ".repeat(depth);
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                text.push_str(&indentation);
                text.push_str(key);
                text.push(':');
                below(text, value, depth + 1);
            }
        }
        Value::Array(elements) => {
            for element in elements {
                text.push_str(&indentation);
                text.push('-');
                below(text, element, depth + 1);
            }
        }
        value => text.push_str(&format!("{indentation}{}\n", scalar(value))),
    }
}

/// What stands behind a key or a hyphen: on its line if it is one word, else below.
fn below(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) if members.is_empty() => text.push_str(" {}\n"),
        Value::Array(elements) if elements.is_empty() => text.push_str(" []\n"),
        Value::Object(_) | Value::Array(_) => {
            text.push('\n');
            write(text, value, depth);
        }
        value => {
            text.push(' ');
            text.push_str(&scalar(value));
            text.push('\n');
        }
    }
}

/// A word, quoted where YAML would take it for something else (YAML 1.2, section 7.3.3).
fn scalar(value: &Value) -> String {
    let Value::String(word) = value else {
        return value.to_string();
    };
    let is_plain = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/' || first == '_')
            && word.parse::<f64>().is_err()
            && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
                .contains(&word.to_ascii_lowercase().as_str())
            && !word.contains(": ")
            && !word.contains(" #")
            && !word.ends_with([':', ' '])
            && !word.contains(char::is_control)
    };
    match is_plain(word) {
        true => word.clone(),
        // JSON's quotes are YAML's.
        false => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_for_reading() {
        let document = json!({
            "host": {"arch": "amd64", "cpus": 2, "empty": {}, "none": [], "old": "1.20", "off": "no", "text": "a: b"},
            "list": ["x", {"a": true}, ""],
            "path": "/var/lib",
        });
        let expected = "host:\n  arch: amd64\n  cpus: 2\n  empty: {}\n  none: []\n  old: \"1.20\"\n  off: \"no\"\n  text: \"a: b\"\n\
                        list:\n  - x\n  -\n    a: true\n  - \"\"\npath: /var/lib\n";
        assert_eq!(yaml(&document), expected);
    }
}
