//! The layers of `src/` import downward only, and `unsafe` stays in `src/sys/`.

use std::fs;
use std::path::{Path, PathBuf};

/// What each layer may name by `crate::`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("sys", &[]),
    ("base", &["sys"]),
    ("oci", &["base"]),
    ("store", &["oci", "base", "sys"]),
    ("runtime", &["oci", "base", "sys"]),
    ("image", &["store", "oci", "base", "sys"]),
    ("engine", &["image", "runtime", "store", "oci", "base", "sys"]),
    (
        "cli",
        &["engine", "image", "runtime", "store", "oci", "base", "sys"],
    ),
];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn layers_import_downward_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (layer, allowed) in ALLOWED {
        let mut files = Vec::new();
        sources(&root.join(layer), &mut files);
        assert!(!files.is_empty(), "src/{layer} has no source file");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for (number, line) in text.lines().enumerate() {
                for part in line.split("crate::").skip(1) {
                    let named: String = part
                        .chars()
                        .take_while(|c| c.is_alphanumeric() || *c == '_')
                        .collect();
                    let known = ALLOWED.iter().any(|(layer, _)| *layer == named);
                    if known && named != *layer && !allowed.contains(&named.as_str()) {
                        wrong.push(format!(
                            "{}:{}: {layer} names {named}",
                            file.display(),
                            number + 1
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports that go upward:\n{}", wrong.join("\n"));
}

#[test]
fn unsafe_code_is_allowed_in_sys_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let allowed = file.strip_prefix(&root).unwrap().starts_with("sys");
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            allowed || !text.contains("allow(unsafe_code)"),
            "{} allows unsafe code",
            file.display()
        );
    }
}
