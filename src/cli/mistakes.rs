//! What is wrong with a command line, in the words of the library with which Docker and Podman read theirs (spf13/pflag): scripts
//! look for them. What that library cannot notice is said as ours says it.

use std::error::Error;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::arguments::{command_path, definition_of};
use super::version::Called;

/// One sentence, and where help is to be had.
pub fn sentence(line: &[OsString], error: &clap::Error) -> String {
    let path = command_path(line);
    let said = known(line, &path, error).unwrap_or_else(|| rendered(error));
    let program = match Called::by(line) {
        Called::Coracle => "coracle",
        Called::Docker => "docker",
        Called::Podman => "podman",
    };
    let mut words = vec![program];
    words.extend(path.iter().map(String::as_str));
    format!("{said}\nSee '{} --help'.", words.join(" "))
}

fn known(line: &[OsString], path: &[String], error: &clap::Error) -> Option<String> {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let argument = context(ContextKind::InvalidArg)?;
    match error.kind() {
        ErrorKind::UnknownArgument => unknown(line, argument),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let option = argument.split([' ', '=']).next()?;
            let name = option.strip_prefix("--")?;
            let short = definition_of(path)
                .get_opts()
                .find(|known| known.get_long() == Some(name))
                .and_then(clap::Arg::get_short);
            let value = context(ContextKind::InvalidValue).unwrap_or_default();
            if value.is_empty() && error.source().is_none() {
                return Some(needs_value(line, option, short));
            }
            let names = match short {
                Some(short) => format!("-{short}, {option}"),
                None => option.to_owned(),
            };
            let reason = match (error.source(), error.get(ContextKind::ValidValue)) {
                (Some(source), _) => source.to_string(),
                (None, Some(ContextValue::Strings(known))) => format!("must be one of {}", known.join(", ")),
                (None, _) => return None,
            };
            Some(format!(
                "invalid argument \"{value}\" for \"{names}\" flag: {reason}"
            ))
        }
        _ => None,
    }
}

/// Of a row of short options the whole row is named as well.
fn unknown(line: &[OsString], argument: &str) -> Option<String> {
    if argument.starts_with("--") {
        return Some(format!("unknown flag: {}", argument.split('=').next()?));
    }
    let letter = argument.strip_prefix('-')?.chars().next()?;
    let row = short_rows(line).find(|row| row.contains(letter))?;
    Some(format!("unknown shorthand flag: '{letter}' in {row}"))
}

fn needs_value(line: &[OsString], option: &str, short: Option<char>) -> String {
    let row = short.and_then(|short| Some((short, short_rows(line).find(|row| row.ends_with(short))?)));
    match row {
        Some((short, row)) if !line.iter().any(|word| word == option) => {
            format!("flag needs an argument: '{short}' in {row}")
        }
        _ => format!("flag needs an argument: {option}"),
    }
}

fn short_rows(line: &[OsString]) -> impl Iterator<Item = &str> {
    let words = line.iter().skip(1).filter_map(|word| word.to_str());
    words.filter(|word| word.starts_with('-') && !word.starts_with("--"))
}

fn rendered(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let said: Vec<&str> = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .map(str::trim)
        // What follows would be advice for a value that looks like an option, which is what it hardly ever is.
        .filter(|line| !line.is_empty() && !line.starts_with("tip: to pass"))
        .collect();
    said.join(" ")
        .replace(" tip: ", "; ")
        .replace("subcommand", "command")
}

#[cfg(test)]
mod tests {
    use super::super::arguments::{Parsed, parse};
    use super::*;

    #[test]
    fn mistakes_are_said_as_scripts_know_them() {
        for (line, why) in [
            (
                "coracle run --bogus img",
                "unknown flag: --bogus\nSee 'coracle run --help'.",
            ),
            (
                "/bin/podman run --bogus=x img",
                "unknown flag: --bogus\nSee 'podman run --help'.",
            ),
            (
                "docker container ls -aX",
                "unknown shorthand flag: 'X' in -aX\nSee 'docker container ls --help'.",
            ),
            (
                "podman run -h",
                "flag needs an argument: 'h' in -h\nSee 'podman run --help'.",
            ),
            (
                "podman run -ith",
                "flag needs an argument: 'h' in -ith\nSee 'podman run --help'.",
            ),
            (
                "podman run --hostname",
                "flag needs an argument: --hostname\nSee 'podman run --help'.",
            ),
            (
                "podman stop -t soon c",
                "invalid argument \"soon\" for \"-t, --time\" flag: ",
            ),
            (
                "coracle pull --progress=bogus x",
                "invalid argument \"bogus\" for \"--progress\" flag: must be one of ",
            ),
            (
                "podman run --rm=perhaps img",
                "unexpected value 'perhaps' for '--rm' found",
            ),
        ] {
            let words = line.split(' ').map(OsString::from).collect();
            let Parsed::Refused(said) = parse(words) else {
                panic!("{line} is taken");
            };
            assert!(said.starts_with(why), "{line}: {said}");
        }
    }
}
