//! The difference between how clap and how Docker's flag parser read a command line.
//!
//! - The word after an option is its value, whatever it looks like.
//! - `--flag=true` and `--flag=false` are written for plain flags too.
//! - Options that only other programs know have to be named when they are refused, and some are skipped.
//!
//! The last two are found by looking at clap's complaint and reading again, so that an ordinary command line costs
//! nothing extra.

use std::ffi::{OsStr, OsString};
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, ArgMatches, Args, Command, CommandFactory, FromArgMatches, Parser};

use super::Cli;
use super::configuration;
use super::mistakes;
use super::options::parse_bool;
use super::registry;
use super::unsupported::{self, Treatment};
use super::version::Called;

/// The arguments of a command, adapted.
#[derive(Debug)]
pub struct Flags<T>(pub T);

impl<T> Deref for Flags<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Args> Args for Flags<T> {
    fn augment_args(command: Command) -> Command {
        let act = registry::act(command.get_name());
        T::augment_args(command).mut_args(|argument| {
            let argument = registry::explained(argument, act, None);
            let optional_value = argument
                .get_num_args()
                .is_some_and(|range| range.min_values() == 0);
            let takes_value = argument.get_action().takes_values();
            if argument.is_positional() || !takes_value || optional_value {
                argument
            } else {
                argument.allow_hyphen_values(true)
            }
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<T: FromArgMatches> FromArgMatches for Flags<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0 = T::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What a command line came to.
pub enum Parsed {
    /// And the options of it that have no effect.
    Command(Box<Cli>, Vec<String>),
    /// Help or the version was asked for: print it and end well.
    Print(String),
    /// It names no command: the help, which says which there are, and what is wrong.
    Incomplete(String, String),
    /// It cannot be run, and why.
    Refused(String),
}

/// The arguments of a command that comes right after the program, read without the definitions of all the others. `None`:
/// the line has to be read whole, be it for what it asks or for what is wrong with it.
pub fn alone<T: Args + FromArgMatches>(line: &[OsString]) -> Option<Flags<T>> {
    let (_, line) = line.split_first()?;
    let command = Flags::<T>::augment_args(Command::new("coracle").args_override_self(true));
    let matches = command.try_get_matches_from(line).ok()?;
    Flags::from_arg_matches(&matches).ok()
}

/// Reads a command line, the first word being the program.
pub fn parse(mut line: Vec<OsString>) -> Parsed {
    if let Some(cli) = Cli::read_quickly(&line) {
        return Parsed::Command(Box::new(cli), Vec::new());
    }
    let mut skipped = Vec::new();
    // Each round removes or replaces one word, so this ends.
    loop {
        let error = match Cli::try_parse_from(&line) {
            Ok(cli) => return Parsed::Command(Box::new(cli), skipped),
            Err(error) => error,
        };
        match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            | ErrorKind::MissingSubcommand => {
                return help(&line, &error);
            }
            ErrorKind::DisplayVersion => return Parsed::Print(Called::by(&line).line()),
            _ => {}
        }
        match repair(&mut line, &error) {
            Repair::Repaired => {}
            Repair::Skipped(flag) => skipped.push(flag),
            Repair::Refused(why) => return Parsed::Refused(why),
            Repair::Unknown => return Parsed::Refused(mistakes::sentence(&line, &error)),
        }
    }
}

/// The help again, with all parts of the command line's definition at hand, which it needs to list commands.
fn help(line: &[OsString], error: &clap::Error) -> Parsed {
    let mut command = Cli::command();
    command.build();
    // What is wrong with containers.conf is told by the commands that need it.
    if let Ok(settings) = configuration::settings(&[]) {
        let path = command_path(line);
        let asked = path
            .iter()
            .try_fold(&mut command, |command, word| command.find_subcommand_mut(word));
        if let Some(asked) = asked {
            let act = registry::act(asked.get_name());
            let told = std::mem::take(asked);
            *asked = told.mut_args(|argument| registry::explained(argument, act, Some(&settings)));
        }
    }
    if error.kind() == ErrorKind::DisplayHelp {
        return Parsed::Print(match command.try_get_matches_from(line) {
            Err(complete) if complete.kind() == error.kind() => complete.render().to_string(),
            _ => error.render().to_string(),
        });
    }
    let mut command = &mut command;
    let mut words = String::from("coracle");
    for word in command_path(line) {
        words = format!("{words} {word}");
        command = command
            .find_subcommand_mut(&word)
            .expect("the path was found in it");
    }
    let text = command.render_help().to_string();
    Parsed::Incomplete(text, format!("missing command '{words} COMMAND'"))
}

enum Repair {
    /// The line is another now.
    Repaired,
    /// The same, without this option.
    Skipped(String),
    Refused(String),
    Unknown,
}

fn repair(line: &mut Vec<OsString>, error: &clap::Error) -> Repair {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let path = command_path(line);
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let Some(flag) = context(ContextKind::InvalidArg) else {
                return Repair::Unknown;
            };
            if flag == "-=" {
                return short_flags(line);
            }
            let flag = flag.split('=').next().unwrap_or(flag);
            // Options of the program itself may stand before and behind the command.
            match unsupported::flag(&path, flag).or_else(|| unsupported::flag(&[], flag)) {
                Some(Treatment::Refuse(why)) => Repair::Refused(why),
                Some(Treatment::Skip { value }) => skip(line, flag, value),
                None => to_front(line, flag),
            }
        }
        ErrorKind::InvalidSubcommand => {
            let Some(word) = context(ContextKind::InvalidSubcommand) else {
                return Repair::Unknown;
            };
            unsupported::command(&path, word).map_or(Repair::Unknown, Repair::Refused)
        }
        ErrorKind::TooManyValues | ErrorKind::InvalidValue => match context(ContextKind::InvalidValue) {
            Some("") => without_file(line, context(ContextKind::InvalidArg).unwrap_or_default()),
            Some(value) => plain_flag(line, value),
            None => Repair::Unknown,
        },
        _ => Repair::Unknown,
    }
}

/// Takes an option that has no effect from the line.
fn skip(line: &mut Vec<OsString>, flag: &str, value: bool) -> Repair {
    let with_value = format!("{flag}=");
    let Some(place) = line
        .iter()
        .position(|word| word == flag || word.as_bytes().starts_with(with_value.as_bytes()))
    else {
        return Repair::Unknown;
    };
    let removed = line.remove(place);
    if value && removed == flag && place < line.len() {
        line.remove(place);
    }
    Repair::Skipped(flag.to_owned())
}

/// `--authfile=`: to Docker and Podman no name of a file is the same as no option, as scripts have it in variables.
fn without_file(line: &mut Vec<OsString>, argument: &str) -> Repair {
    match argument.split_once(' ') {
        Some((flag, "<FILE>" | "<DIR>")) => match skip(line, flag, true) {
            Repair::Skipped(_) => Repair::Repaired,
            other => other,
        },
        _ => Repair::Unknown,
    }
}

/// An option of the program that stands behind the command goes before it, where it counts more than those that are there.
fn to_front(line: &mut [OsString], flag: &str) -> Repair {
    let definition = Cli::command();
    let option = |name: &str| {
        let mut options = definition.get_opts();
        options.find(|option| option.get_long().is_some_and(|long| name == format!("--{long}")))
    };
    let takes_next = |word: &OsString| {
        let option = word.to_str().and_then(option);
        option.is_some_and(|option| option.get_action().takes_values())
    };
    let mut command = 1;
    while let Some(word) = line.get(command).filter(|word| word.as_bytes().starts_with(b"-")) {
        command += if takes_next(word) { 2 } else { 1 };
    }
    let with_value = format!("{flag}=");
    let is_meant = |word: &OsString| word == flag || word.as_bytes().starts_with(with_value.as_bytes());
    let mut places = (command..line.len()).filter(|place| is_meant(&line[*place]));
    let (Some(place), more, Some(known)) = (places.next(), places.next(), option(flag)) else {
        return Repair::Unknown;
    };
    // Of two words one may be the value of another option, unless it may be given again.
    if more.is_some() && !matches!(known.get_action(), ArgAction::Append) {
        return Repair::Unknown;
    }
    let end = if takes_next(&line[place]) {
        place + 2
    } else {
        place + 1
    };
    if end > line.len() {
        return Repair::Refused(format!("flag needs an argument: {flag}"));
    }
    line[command..end].rotate_right(end - place);
    Repair::Repaired
}

/// `-it=true`: the truth value belongs to the last of a row of short flags.
fn short_flags(line: &mut Vec<OsString>) -> Repair {
    let value = line.iter().filter_map(|word| word.to_str()).find_map(|word| {
        let (flags, value) = word.strip_prefix('-')?.split_once('=')?;
        let letters = !flags.is_empty() && flags.bytes().all(|letter| letter.is_ascii_alphabetic());
        (letters && parse_bool(value).is_some()).then(|| value.to_owned())
    });
    match value {
        Some(value) => plain_flag(line, &value),
        None => Repair::Unknown,
    }
}

/// `--flag=true` becomes `--flag`; `--flag=false` goes.
fn plain_flag(line: &mut Vec<OsString>, value: &str) -> Repair {
    let Some(truth) = parse_bool(value) else {
        return Repair::Unknown;
    };
    let ending = format!("={value}");
    let Some(place) = line
        .iter()
        .position(|word| word.as_bytes().starts_with(b"-") && word.as_bytes().ends_with(ending.as_bytes()))
    else {
        return Repair::Unknown;
    };
    let word = line[place].as_bytes();
    let flag = OsStr::from_bytes(&word[..word.len() - ending.len()]).to_owned();
    if flag.as_bytes().len() < 2 {
        return Repair::Unknown;
    }
    if truth {
        line[place] = flag;
    } else if flag.as_bytes().starts_with(b"--") || flag.as_bytes().len() == 2 {
        line.remove(place);
    } else {
        // In a row of short flags the value belongs to the last.
        line[place] = OsStr::from_bytes(&flag.as_bytes()[..flag.as_bytes().len() - 1]).to_owned();
    }
    Repair::Repaired
}

/// The command a line is for, such as `["image", "ls"]`, as far as its words name one.
pub fn command_path(line: &[OsString]) -> Vec<String> {
    let mut command = Cli::command();
    command.build();
    let mut command = &command;
    let mut path = Vec::new();
    let mut words = line.iter().skip(1);
    while let Some(word) = words.next() {
        let Some(word) = word.to_str() else { break };
        if word.starts_with('-') {
            let takes_value = command.get_opts().any(|option| {
                option.get_long().is_some_and(|long| word == format!("--{long}"))
                    || option
                        .get_short()
                        .is_some_and(|short| word == format!("-{short}"))
            });
            if takes_value {
                words.next();
            }
            continue;
        }
        match command.find_subcommand(word) {
            Some(found) => {
                path.push(found.get_name().to_owned());
                command = found;
            }
            None => break,
        }
        if !command.has_subcommands() {
            break;
        }
    }
    path
}

/// The definition of the command at `path`.
pub fn definition_of(path: &[String]) -> Command {
    let mut command = Cli::command();
    command.build();
    path.iter()
        .fold(command, |command, word| match command.find_subcommand(word) {
            Some(found) => found.clone(),
            None => command,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(line: &str) -> String {
        let line = std::iter::once("coracle")
            .chain(line.split(' '))
            .map(OsString::from)
            .collect();
        match parse(line) {
            Parsed::Command(cli, skipped) => format!("{cli:?} {skipped:?}"),
            Parsed::Print(text) | Parsed::Incomplete(text, _) => text,
            Parsed::Refused(why) => format!("refused: {why}"),
        }
    }

    #[test]
    fn definition_is_sound() {
        crate::cli::definition().debug_assert();
    }

    #[test]
    fn lines_are_read_as_docker_reads_them() {
        for (line, parts) in [
            (
                "run --rm img --rm -x -- y",
                &["rm: true", r#"image: ["img", "--rm", "-x", "--", "y"]"#][..],
            ),
            ("run -- img -x", &[r#"image: ["img", "-x"]"#]),
            (
                "run -itd img",
                &["interactive: true", "tty: true", "detach: true"],
            ),
            (
                "run -dit img",
                &["interactive: true", "tty: true", "detach: true"],
            ),
            ("run -it=false img", &["interactive: true", "tty: false"]),
            (
                "run --rm=true --init=false --read-only img",
                &[
                    "rm: true",
                    "init: Some(Boolean(false))",
                    "read_only: Some(Boolean(true))",
                ],
            ),
            ("run --name a --name b img", &[r#"name: Some("b")"#]),
            (
                "run -e -x -e --y=z -h host img",
                &[r#"env: ["-x", "--y=z"]"#, r#"hostname: Some("host")"#],
            ),
            (
                "run -eA=B -v/a:/b -w/ img",
                &[r#"env: ["A=B"]"#, r#"volume: ["/a:/b"]"#, r#"workdir: Some("/")"#],
            ),
            ("run --entrypoint= img", &[r#"entrypoint: Some("")"#]),
            (
                "run --sig-proxy=false --link a:b img",
                &["sig_proxy: Boolean(false)", r#"image: ["img"]"#],
            ),
            ("run --net host img", &[r#"network: ["host"]"#]),
            ("container run img", &[r#"image: ["img"]"#]),
            (
                "exec -it ctr sh -c x -u",
                &[r#"command: ["ctr", "sh", "-c", "x", "-u"]"#, "user: None"],
            ),
            ("stop -t -1 a b", &["time: Some(-1)", r#"containers: ["a", "b"]"#]),
            ("stop --timeout 3 a", &["time: Some(3)"]),
            (
                "ps -aq --filter status=exited",
                &["all: true", "quiet: true", r#"filter: ["status=exited"]"#],
            ),
            ("top ctr -ef", &[r#"arguments: ["ctr", "-ef"]"#]),
            ("image list", &["Image"]),
            (
                "--syslog --tmpdir /x --cgroup-manager=cgroupfs ps -q",
                &["quiet: true", r#"["--syslog", "--tmpdir", "--cgroup-manager"]"#],
            ),
            (
                "info --storage-opt a=b -f x --storage-opt=c=d --pull-option e=f --module m",
                &[
                    r#"storage_opt: ["a=b", "c=d"]"#,
                    r#"module: ["m"]"#,
                    r#"["--pull-option"]"#,
                ],
            ),
            ("--root /x ps", &[r#"root: Some("/x")"#]),
            (
                "pull --authfile= --cert-dir=/c x",
                &["authfile: None", r#"cert_dir: Some("/c")"#, r#"images: ["x"]"#],
            ),
            (
                "push --digestfile  --quiet x",
                &["digestfile: None", "quiet: true"],
            ),
        ] {
            let outcome = outcome(line);
            for part in parts {
                assert!(outcome.contains(part), "{line}: no {part} in {outcome}");
            }
        }
    }

    #[test]
    fn mistakes_are_one_sentence() {
        for (line, why) in [
            (
                "run --bogus img",
                "refused: unknown flag: --bogus\nSee 'coracle run --help'.",
            ),
            ("run -itp 80:80 img", "refused: --publish is not supported yet: "),
            (
                "--root x image scp a",
                "refused: image scp is not supported yet: ",
            ),
            (
                "run",
                "refused: the following required arguments were not provided: <IMAGE>...\nSee",
            ),
            (
                "run --rm=perhaps img",
                "refused: unexpected value 'perhaps' for '--rm' found",
            ),
            ("nonsense", "refused: unrecognized command 'nonsense'"),
        ] {
            let outcome = outcome(line);
            assert!(outcome.starts_with(why), "{line}: {outcome}");
        }
    }
}
