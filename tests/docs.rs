//! The manual and the completions in the tree are those that the command line's definition gives.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` writes them anew. Option tables come from the definition; what commands do is
//! written by hand in `man/prose/`, one file a page, in the few marks that [`roff`] knows.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Command;

#[path = "docs/compatibility.rs"]
mod compatibility;

/// Pages under another name that lead to the page of the same command: `coracle-container-run` to `coracle-run`.
const GROUPS: [&str; 2] = ["container", "image"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// All files that are generated, by their paths below the root of the tree.
fn generated() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let definition = coracle::cli::definition();
    pages(&definition, &definition, &[], &mut files);
    for (shell, name) in [
        (clap_complete::Shell::Bash, "coracle.bash"),
        (clap_complete::Shell::Zsh, "_coracle"),
        (clap_complete::Shell::Fish, "coracle.fish"),
    ] {
        files.insert(
            Path::new("completions").join(name),
            coracle::cli::completion::script(shell),
        );
    }
    files.insert("docs/compatibility.md".into(), compatibility::page().0);
    files
}

/// The page of a command and those of its commands.
fn pages(top: &Command, command: &Command, path: &[&str], files: &mut BTreeMap<PathBuf, String>) {
    let name = std::iter::once("coracle")
        .chain(path.iter().copied())
        .collect::<Vec<_>>()
        .join("-");
    let file = Path::new("man").join(format!("{name}.1"));
    let text = match twin(top, path) {
        Some(twin) => format!(".so man1/coracle-{twin}.1\n"),
        None => page(command, &name),
    };
    files.insert(file, text);
    for below in command
        .get_subcommands()
        .filter(|below| below.get_name() != "help" && !below.is_hide_set())
    {
        let path: Vec<&str> = path.iter().copied().chain([below.get_name()]).collect();
        pages(top, below, &path, files);
    }
}

/// The short command that a long one is another name of.
fn twin(top: &Command, path: &[&str]) -> Option<String> {
    let short = match path {
        ["container", "ls"] => "ps",
        ["image", "ls"] => "images",
        ["image", "rm"] => "rmi",
        ["image", "inspect" | "diff"] => return None,
        [group, name] if GROUPS.contains(group) => name,
        _ => return None,
    };
    top.get_subcommands()
        .any(|command| command.get_name() == short)
        .then(|| short.to_owned())
}

/// One page: head, synopsis, description and options by clap_mangen, then what is written by hand.
fn page(command: &Command, name: &str) -> String {
    let prose = fs::read_to_string(root().join("man/prose").join(format!("{name}.md"))).unwrap_or_default();
    let command = command
        .clone()
        .name(name.to_owned())
        .bin_name(name.replace('-', " "))
        .disable_help_subcommand(true);
    let manual = clap_mangen::Man::new(command)
        .title(name.to_uppercase())
        .section("1")
        .manual("Coracle")
        .date("");
    let mut bytes = Vec::new();
    manual.render_title(&mut bytes).unwrap();
    manual.render_name_section(&mut bytes).unwrap();
    manual.render_synopsis_section(&mut bytes).unwrap();
    manual.render_description_section(&mut bytes).unwrap();
    manual.render_options_section(&mut bytes).unwrap();
    manual.render_subcommands_section(&mut bytes).unwrap();
    let mut text = String::from_utf8(bytes).unwrap();
    text.push_str(&roff(&prose));
    text
}

/// Prose as roff. `#` begins a section, an indented line is an example, everything else is paragraphs; `*word*` is bold.
fn roff(prose: &str) -> String {
    let mut text = String::new();
    let mut example = false;
    for line in prose.lines() {
        let is_example = line.starts_with("    ");
        if is_example != example {
            text.push_str(if is_example { ".PP\n.EX\n" } else { ".EE\n" });
            example = is_example;
        }
        if let Some(title) = line.strip_prefix("# ") {
            text.push_str(&format!(".SH {}\n", title.to_uppercase()));
        } else if line.is_empty() {
            text.push_str(".PP\n");
        } else {
            let mut line = line.trim_start().replace('\\', "\\e").replace('-', "\\-");
            while let (Some(start), Some(end)) = (
                line.find('*'),
                line.find('*').and_then(|at| line[at + 1..].find('*')),
            ) {
                let word = line[start + 1..start + 1 + end].to_owned();
                line.replace_range(start..start + end + 2, &format!("\\fB{word}\\fR"));
            }
            if line.starts_with(['.', '\'']) {
                line.insert_str(0, "\\&");
            }
            text.push_str(&line);
            text.push('\n');
        }
    }
    if example {
        text.push_str(".EE\n");
    }
    text
}

/// What is in the tree of what could be generated.
fn present() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for directory in ["man", "completions"] {
        for entry in fs::read_dir(root().join(directory)).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_file() {
                files.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    files
}

#[test]
fn manual_and_completions_are_those_of_the_definition() {
    let generated = generated();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        for path in present() {
            fs::remove_file(root().join(path)).unwrap();
        }
        for (path, text) in &generated {
            fs::create_dir_all(root().join(path).parent().unwrap()).unwrap();
            fs::write(root().join(path), text).unwrap();
        }
        return;
    }
    let mut wrong: Vec<String> = Vec::new();
    for (path, text) in &generated {
        if fs::read_to_string(root().join(path)).ok().as_ref() != Some(text) {
            wrong.push(format!("{} is not up to date", path.display()));
        }
    }
    for path in present() {
        if !generated.contains_key(&path) {
            wrong.push(format!("{} belongs to no command", path.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nUPDATE_DOCS=1 cargo test --test docs writes them",
        wrong.join("\n")
    );
}

#[test]
fn every_option_of_docker_and_podman_is_taken_or_refused_with_a_reason() {
    let wrong = compatibility::page().1;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn all_prose_belongs_to_a_page() {
    let generated = generated();
    for entry in fs::read_dir(root().join("man/prose")).unwrap() {
        let path = entry.unwrap().path();
        let page = Path::new("man")
            .join(path.file_stem().unwrap())
            .with_extension("1");
        assert!(
            generated.contains_key(&page),
            "{} belongs to no page",
            path.display()
        );
        assert!(
            !generated[&page].starts_with(".so"),
            "{} belongs to a page that only leads on",
            path.display()
        );
    }
}

/// The words between backquotes that name a test: of a module of `tests/it`, or a file of the tree.
fn named_tests(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split('`').skip(1).step_by(2);
    words.filter(|word| word.contains("::") || is_path(word))
}

/// Whether it names a file of the tree.
fn is_path(word: &str) -> bool {
    ["src/", "benches/", "tests/"]
        .iter()
        .any(|place| word.starts_with(place))
}

/// Whether there is the test, or for a name with `…` one with these parts.
fn exists(name: &str) -> bool {
    if is_path(name) {
        return root().join(name).exists();
    }
    let (module, function) = name.rsplit_once("::").unwrap();
    let file = root().join("tests/it").join(module.replace("::", "/") + ".rs");
    let source = fs::read_to_string(file).unwrap_or_default();
    let mut names = source
        .lines()
        .filter_map(|line| line.strip_prefix("fn ")?.split('(').next());
    names.any(|name| match function.contains('…') {
        true => function.split('…').all(|part| name.contains(part)),
        false => name == function,
    })
}

#[test]
fn tests_that_are_named_are_there() {
    let mut wrong = Vec::new();
    for page in ["docs/demands.md", "docs/oci-distribution.md", "docs/threats.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        assert!(named_tests(&text).count() > 10, "{page} names no tests");
        let missing = named_tests(&text).filter(|name| !exists(name));
        wrong.extend(missing.map(|name| format!("{page}: there is no {name}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
