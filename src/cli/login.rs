//! `login` and `logout`: credentials for registries.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use super::configuration;
use super::context::Context;
use super::output::print;
use super::registry::{RegistryOptions, docker_config};
use super::report::{self, Outcome};
use crate::image::reference::{HUB, HUB_OLD, Reference};
use crate::image::registry::{AuthFiles, Client, Credentials, HUB_SERVER, RegistryError, is_on_disk};

/// Most bytes of a password.
const PASSWORD_LIMIT: u64 = 64 << 10;

/// Keep credentials for a registry
///
/// They are tried at the registry first. They are kept in $XDG_RUNTIME_DIR/containers/auth.json (for root below
/// /run/containers), which vanishes with the session, or where --authfile or $REGISTRY_AUTH_FILE says, or in config.json
/// of the directory of `coracle --config` or $DOCKER_CONFIG.
#[derive(Args, Debug)]
pub struct LoginArgs {
    /// User name
    #[arg(short, long, value_name = "NAME")]
    username: Option<String>,
    /// Password; it can be seen by other users: rather use --password-stdin
    #[arg(short, long, value_name = "PASSWORD")]
    password: Option<String>,
    /// Read the password from standard input
    #[arg(long)]
    password_stdin: bool,
    /// Print the user name that is kept for the registry
    #[arg(long)]
    get_login: bool,
    /// Write a file of Docker's form instead
    #[arg(long, value_name = "FILE")]
    compat_auth_file: Option<PathBuf>,
    /// Say where the credentials are kept
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    registry: RegistryOptions,
    /// Registry, or a repository in it
    #[arg(value_name = "REGISTRY")]
    server: Option<String>,
}

/// Forget the credentials for a registry
#[derive(Args, Debug)]
pub struct LogoutArgs {
    /// Forget those for all registries
    #[arg(short, long)]
    all: bool,
    /// File with credentials
    #[arg(long, value_name = "FILE")]
    authfile: Option<PathBuf>,
    /// File of Docker's form
    #[arg(long, value_name = "FILE")]
    compat_auth_file: Option<PathBuf>,
    /// Registry, or a repository in it
    #[arg(value_name = "REGISTRY", conflicts_with = "all")]
    server: Option<String>,
}

/// Registry and repository, as credentials are kept under them.
fn key_of(server: Option<&str>) -> anyhow::Result<(String, String)> {
    let text = server.unwrap_or(HUB);
    let text = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .unwrap_or(text);
    let text = text.trim_end_matches('/');
    let (domain, repository) = text.split_once('/').unwrap_or((text, ""));
    let domain = if matches!(domain, HUB_OLD | HUB_SERVER) {
        HUB
    } else {
        domain
    };
    // Docker's own name for its registry has a version behind it.
    let repository = if domain == HUB && matches!(repository, "v1" | "v2") {
        ""
    } else {
        repository
    };
    // The grammar of references knows what a host is.
    let probe = format!(
        "{domain}/{}",
        if repository.is_empty() { "x" } else { repository }
    );
    let reference = probe.parse::<Reference>();
    match reference {
        Ok(reference) if reference.domain() == domain || !domain.contains('.') => {
            let key = if repository.is_empty() {
                domain.to_owned()
            } else {
                format!("{domain}/{repository}")
            };
            Ok((domain.to_owned(), key))
        }
        _ => bail!("{text:?} is not the name of a registry"),
    }
}

fn files(registry: &RegistryOptions, compat: Option<&PathBuf>) -> anyhow::Result<AuthFiles> {
    match compat {
        // In Podman's words, which scripts look for.
        Some(_) if registry.authfile.is_some() => bail!(
            "options for paths to the credential file and to the Docker-compatible credential file can not be set simultaneously"
        ),
        Some(path) => Ok(AuthFiles {
            paths: vec![path.clone()],
            helpers: Vec::new(),
        }),
        None => Ok(registry.auth_files(&configuration::registries()?)),
    }
}

pub fn login(args: LoginArgs, _context: &Context) -> Outcome {
    let (domain, key) = key_of(args.server.as_deref())?;
    let files = files(&args.registry, args.compat_auth_file.as_ref())?;
    let repository = key.strip_prefix(&format!("{domain}/")).unwrap_or("");
    let known = files.find_for(&domain, repository)?;
    if args.get_login {
        return match known {
            Some(Credentials::Password { user, .. }) => {
                print(&format!("{user}\n"))?;
                Ok(0)
            }
            Some(Credentials::Identity(_)) => print("<token>\n").map(|()| 0).map_err(Into::into),
            None => bail!("not logged into {key}"),
        };
    }
    let verify = |credentials: &Credentials| {
        let mut settings = args.registry.settings(&domain)?;
        settings.credentials = Some(credentials.clone());
        Client::for_registry(&domain, repository, settings).verify()
    };
    if args.username.is_none()
        && args.password.is_none()
        && !args.password_stdin
        && let Some(known) = &known
    {
        report::say(&format!("Authenticating with existing credentials for {key}"));
        match verify(known) {
            Ok(()) => {
                report::say(&format!(
                    "Existing credentials are valid. Already logged in to {key}"
                ));
                print("Login Succeeded!\n")?;
                return Ok(0);
            }
            Err(error) => report::say(&format!("They are not: {}", report::sentence(&error))),
        }
    }
    let (user, password) = ask(&args, known.as_ref())?;
    let given = Credentials::Password {
        user: user.clone(),
        password: password.clone(),
    };
    verify(&given).map_err(|error| refused(&domain, error))?;
    if let Some(path) = files.keep(&key, &user, &password)? {
        // Who names the file knows.
        let is_named = args.registry.authfile.is_some() || args.compat_auth_file.is_some();
        if is_on_disk(&path) && !is_named {
            report::warn(&format!(
                "the password is now in {}, readable for whoever can read your files: a credential helper keeps it better",
                path.display()
            ));
        } else if args.verbose {
            report::say(&format!("Used: {}", path.display()));
        }
    }
    print("Login Succeeded!\n")?;
    Ok(0)
}

/// Why nobody is logged in. Scripts look for what Podman says of a wrong password.
fn refused(domain: &str, error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(RegistryError::Denied { .. }) => anyhow!("logging into {domain:?}: invalid username/password"),
        _ => error.context(format!("cannot log in to {domain}")),
    }
}

/// User name and password, as they were given or from whoever sits there.
fn ask(args: &LoginArgs, known: Option<&Credentials>) -> anyhow::Result<(String, String)> {
    if args.password.is_some() && args.password_stdin {
        bail!("--password and --password-stdin are two answers to one question");
    }
    if args.password.is_some() {
        report::warn("a password on the command line is seen by other users: use --password-stdin");
    }
    let is_terminal = io::stdin().is_terminal();
    let user = match (&args.username, known) {
        (Some(user), _) => user.clone(),
        (None, _) if args.password_stdin => bail!("--password-stdin needs --username"),
        (None, _) if !is_terminal => {
            bail!("there is no terminal to ask for a user name: give --username and --password-stdin")
        }
        (None, known) => {
            let before = match known {
                Some(Credentials::Password { user, .. }) => user.as_str(),
                _ => "",
            };
            let hint = if before.is_empty() {
                String::new()
            } else {
                format!(" ({before})")
            };
            let line = prompt(&format!("Username{hint}: "))?;
            if line.is_empty() { before.to_owned() } else { line }
        }
    };
    let password = match &args.password {
        Some(password) => password.clone(),
        None if args.password_stdin => {
            let mut text = String::new();
            io::stdin()
                .take(PASSWORD_LIMIT)
                .read_to_string(&mut text)
                .context("cannot read the password")?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        }
        None if !is_terminal => bail!("there is no terminal to ask for a password: use --password-stdin"),
        None => hidden("Password: ")?,
    };
    if user.is_empty() || password.is_empty() {
        bail!("a user name and a password are needed");
    }
    Ok((user, password))
}

fn prompt(text: &str) -> anyhow::Result<String> {
    io::stderr().write_all(text.as_bytes())?;
    let mut line = String::new();
    io::stdin().lock().take(PASSWORD_LIMIT).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks without showing the answer.
pub fn hidden(text: &str) -> anyhow::Result<String> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes -= LocalModes::ECHO;
    tcsetattr(&stdin, OptionalActions::Flush, &silent)?;
    let answer = prompt(text);
    tcsetattr(&stdin, OptionalActions::Flush, &before)?;
    io::stderr().write_all(b"\n")?;
    answer
}

pub fn logout(args: LogoutArgs, _context: &Context) -> Outcome {
    let registry = RegistryOptions {
        authfile: args.authfile.clone(),
        ..RegistryOptions::default()
    };
    let files = files(&registry, args.compat_auth_file.as_ref())?;
    if args.all {
        files.forget_all()?;
        print("Removed login credentials for all registries\n")?;
        return Ok(0);
    }
    let (_, key) = key_of(args.server.as_deref())?;
    if files.forget(&key)? {
        print(&format!("Removed login credentials for {key}\n"))?;
    } else if let Some(path) = files.also_in(&key)? {
        bail!(
            "the credentials for {key} are in {}: remove them with --compat-auth-file {0}",
            path.display()
        );
    } else {
        bail!("not logged into {key}");
    }
    if let Some(path) = files.also_in(&key)? {
        let docker = docker_config().is_some_and(|docker| docker == path);
        let what = if docker { "Docker's file" } else { "the file" };
        report::warn(&format!(
            "{what} {} has credentials for {key} too",
            path.display()
        ));
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_are_named_in_many_ways() {
        let cases = [
            (None, "docker.io", "docker.io"),
            (Some("https://index.docker.io/v1/"), "docker.io", "docker.io"),
            (Some("docker.io"), "docker.io", "docker.io"),
            (Some("localhost:5000"), "localhost:5000", "localhost:5000"),
            (Some("https://reg.example/"), "reg.example", "reg.example"),
            (
                Some("reg.example/team/app"),
                "reg.example",
                "reg.example/team/app",
            ),
            (Some("[::1]:5000"), "[::1]:5000", "[::1]:5000"),
        ];
        for (server, domain, key) in cases {
            assert_eq!(key_of(server).unwrap(), (domain.into(), key.into()), "{server:?}");
        }
        for bad in ["", "a b", "reg.example/UPPER", "reg.example:port/x"] {
            assert!(key_of(Some(bad)).is_err(), "{bad}");
        }
    }
}
