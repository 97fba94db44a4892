//! `docs/compatibility.md`: what becomes of every option of Docker's and Podman's command lines.
//!
//! `tests/docs/docker` and `tests/docs/podman` are what `tests/docs/record` wrote down of the tools' help.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Arg, Command};
use coracle::cli::unsupported::{self, Treatment};

/// Short forms that mean something else here: Docker's `logs -n` is `--tail`, as is ours.
const OTHERWISE: [&str; 2] = ["logs --names", "container logs --names"];

const TOOLS: [(&str, &str); 2] = [
    ("Docker", include_str!("docker")),
    ("Podman", include_str!("podman")),
];

/// An option as the tools have it.
#[derive(Default)]
struct Known {
    short: Option<String>,
    /// Whether it takes a value, in one of them.
    takes_value: bool,
}

/// The commands of both tools with their options, by long names.
fn recorded() -> BTreeMap<Vec<String>, BTreeMap<String, Known>> {
    let mut commands: BTreeMap<Vec<String>, BTreeMap<String, Known>> = BTreeMap::new();
    for line in TOOLS.iter().flat_map(|(_, text)| text.lines()) {
        let (command, option) = line.split_once('\t').expect("a command and an option");
        let path = command.split_whitespace().map(str::to_owned).collect();
        let options = commands.entry(path).or_default();
        let words: Vec<&str> = option.trim_end_matches('=').split_whitespace().collect();
        let (short, long) = match words.as_slice() {
            [] | [_, "--help"] | ["--help"] => continue,
            [long] => (None, *long),
            [short, long] => (Some((*short).to_owned()), *long),
            _ => panic!("{line}"),
        };
        let known = options.entry(long.to_owned()).or_default();
        known.short = known.short.take().or(short);
        known.takes_value |= option.ends_with('=');
    }
    commands
}

/// Our command at this path, or why there is none, if that is known.
fn ours<'a>(definition: &'a Command, path: &[String]) -> Result<&'a Command, Option<String>> {
    let mut found = definition;
    for (number, word) in path.iter().enumerate() {
        found = match found.find_subcommand(word) {
            Some(below) => below,
            None => {
                return Err(unsupported::command(&path[..number], word));
            }
        };
    }
    Ok(found)
}

fn argument<'a>(command: &'a Command, flag: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|argument| {
        let longs = argument
            .get_long()
            .into_iter()
            .chain(argument.get_all_aliases().unwrap_or_default());
        longs.map(|long| format!("--{long}")).any(|long| long == flag)
    })
}

fn has_short(argument: &Arg, short: &str) -> bool {
    let aliases = argument.get_all_short_aliases().unwrap_or_default();
    argument
        .get_short()
        .into_iter()
        .chain(aliases)
        .any(|letter| format!("-{letter}") == short)
}

/// Whether it can be written as there: with a value, or without one.
fn fits(argument: &Arg, option: &Known) -> bool {
    let values = argument.get_num_args().expect("the definition is built");
    match option.takes_value {
        true => values.max_values() > 0,
        false => values.min_values() == 0 || !argument.get_action().takes_values(),
    }
}

/// The page, and what is wrong with the command line.
pub fn page() -> (String, Vec<String>) {
    let mut definition = coracle::cli::definition();
    definition.build();
    let mut wrong = Vec::new();
    let mut missing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut text = String::from(
        "# Compatibility\n\n\
         What becomes of every command and option of Docker 28 and Podman 5. Written by `UPDATE_DOCS=1 cargo test --test docs` from our\n\
         command line and from theirs (`tests/docs/docker`, `tests/docs/podman`), and checked by the same test.\n",
    );
    for (path, options) in recorded() {
        let command = match ours(&definition, &path) {
            Ok(command) => command,
            Err(reason) => {
                let name = path.join(" ");
                let parent_is_missing = path.len() > 1 && ours(&definition, &path[..path.len() - 1]).is_err();
                match reason {
                    _ if parent_is_missing => {}
                    Some(reason) => {
                        let reason = reason.split_once(" is not ").map_or("", |(_, rest)| rest);
                        missing.entry(reason.to_owned()).or_default().insert(name);
                    }
                    None => wrong.push(format!("{name}: nothing is known of this command")),
                }
                continue;
            }
        };
        let (mut taken, mut skipped) = (Vec::new(), Vec::new());
        let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (flag, option) in &options {
            let name = path.join(" ");
            if let Some(argument) = argument(command, flag) {
                if let Some(short) = &option.short
                    && !has_short(argument, short)
                    && !OTHERWISE.contains(&format!("{name} {flag}").as_str())
                {
                    wrong.push(format!("{name} {flag}: {short} is not known"));
                }
                if !fits(argument, option) {
                    wrong.push(format!("{name} {flag}: it takes a value in one of them only"));
                }
                taken.push(flag.clone());
                continue;
            }
            match unsupported::flag(&path, flag) {
                Some(Treatment::Skip { value }) => {
                    if value != option.takes_value {
                        wrong.push(format!("{name} {flag}: it takes a value in one of them only"));
                    }
                    skipped.push(flag.clone());
                }
                Some(Treatment::Refuse(reason)) => {
                    let reason = reason.split_once(" is not ").map_or("", |(_, rest)| rest);
                    refused
                        .entry(format!("not {reason}"))
                        .or_default()
                        .push(flag.clone());
                }
                None => wrong.push(format!("{name} {flag}: nothing is known of it")),
            }
        }
        if options.is_empty() {
            continue;
        }
        let title = if path.is_empty() {
            "all commands".to_owned()
        } else {
            path.join(" ")
        };
        text.push_str(&format!("\n## {title}\n\n"));
        let mut line = |what: &str, flags: &[String]| {
            if !flags.is_empty() {
                text.push_str(&format!("- {what}: `{}`\n", flags.join(" ")));
            }
        };
        line("Taken", &taken);
        line("Taken without effect", &skipped);
        for (reason, flags) in &refused {
            line(&format!("{}{}", reason[..1].to_uppercase(), &reason[1..]), flags);
        }
    }
    text.push_str("\n## Commands that are not there\n\n");
    for (reason, names) in missing {
        let names: Vec<String> = names.into_iter().collect();
        text.push_str(&format!("- `{}`: not {reason}\n", names.join("`, `")));
    }
    (text, wrong)
}
