//! Health checks as the command line and images name them.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::time;
use crate::cli::options::HealthOptions;
use crate::oci::config::{ContainerConfig, Healthcheck};
use crate::store::health::{Destination, Health, OnFailure, Startup};

/// What Docker does where nothing is said.
const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);
const START_INTERVAL: Duration = Duration::from_secs(5);
const RETRIES: u32 = 3;
/// What Podman does.
const LOG_COUNT: usize = 5;
/// Of an output so much is kept, by Docker and here; Podman keeps 500.
const LOG_SIZE: usize = 4096;

/// The checks of a container: as the image has them, with what the command line says instead. None where there are none.
pub fn resolve(options: &HealthOptions, image: &ContainerConfig) -> Result<Option<Health>> {
    merge(options, of_image(image))
}

/// The checks of a container that has these already, or none.
pub fn update(options: &HealthOptions, known: Option<&Health>) -> Result<Option<Health>> {
    let has_checks = known.is_some() || options.health_cmd.is_some() || options.no_healthcheck;
    if !has_checks {
        bail!("healthcheck command is not set: give --health-cmd as well");
    }
    let has_startup = options.no_healthcheck || known.is_some_and(|known| known.startup.is_some());
    if !has_startup && options.health_startup_cmd.is_none() && options.is_about_startup() {
        bail!("startup healthcheck command is not set: give --health-startup-cmd as well");
    }
    let known = known.cloned();
    merge(
        options,
        known.unwrap_or_else(|| of_image(&ContainerConfig::default())),
    )
}

/// The checks of an image. Docker takes 0 for what is not said.
fn of_image(image: &ContainerConfig) -> Health {
    let none = Healthcheck::default();
    let known = image.healthcheck.as_ref().unwrap_or(&none);
    let duration = |known: Option<i64>, default: Duration| {
        let known = known.and_then(|known| u64::try_from(known).ok());
        known.filter(|known| *known > 0).unwrap_or(nanoseconds(default))
    };
    Health {
        test: known.test.clone(),
        shell: image.shell.clone().unwrap_or_default(),
        interval: duration(known.interval, INTERVAL),
        timeout: duration(known.timeout, TIMEOUT),
        start_period: duration(known.start_period, Duration::ZERO),
        start_interval: duration(known.start_interval, START_INTERVAL),
        retries: known
            .retries
            .and_then(|count| u32::try_from(count).ok())
            .filter(|count| *count > 0)
            .unwrap_or(RETRIES),
        on_failure: OnFailure::None,
        log_count: LOG_COUNT,
        log_size: LOG_SIZE,
        destination: Destination::Local,
        startup: None,
    }
}

/// What the command line says, and else what is known.
fn merge(options: &HealthOptions, known: Health) -> Result<Option<Health>> {
    if options.no_healthcheck {
        if options.is_any() {
            bail!("--no-healthcheck does not go with options of health checks");
        }
        return Ok(None);
    }
    let health = Health {
        destination: match options.health_log_destination.as_deref() {
            Some(word) => destination(word)?,
            None => known.destination,
        },
        test: match options.health_cmd.as_deref() {
            None | Some("") => known.test,
            Some(command) => test(command),
        },
        shell: known.shell,
        interval: match options.health_interval.as_deref() {
            // As Podman: checked only when somebody asks.
            Some("disable") => 0,
            Some("0" | "0s") => nanoseconds(INTERVAL),
            Some(text) => read("--health-interval", text)?,
            None => known.interval,
        },
        // 0 would be over before it began.
        timeout: given(
            &options.health_timeout,
            "--health-timeout",
            known.timeout,
            TIMEOUT,
        )?,
        start_period: given(
            &options.health_start_period,
            "--health-start-period",
            known.start_period,
            Duration::ZERO,
        )?,
        start_interval: given(
            &options.health_start_interval,
            "--health-start-interval",
            known.start_interval,
            START_INTERVAL,
        )?,
        retries: match options.health_retries {
            Some(0) => RETRIES,
            count => count.unwrap_or(known.retries),
        },
        on_failure: match options.health_on_failure.as_deref() {
            None => known.on_failure,
            Some(word) => on_failure(word)?,
        },
        log_count: options.health_max_log_count.unwrap_or(known.log_count),
        log_size: options.health_max_log_size.unwrap_or(known.log_size),
        startup: startup(options, known.startup)?,
    };
    if health.words(&health.test).is_some() {
        return Ok(Some(health));
    }
    if health.startup.is_some() && options.health_startup_cmd.is_some() {
        bail!("--health-startup-cmd needs a health check that follows it: --health-cmd");
    }
    if options.health_on_failure.is_some() && health.on_failure != OnFailure::None {
        bail!(
            "cannot set on-failure action to {} without a health check",
            health.on_failure.word()
        );
    }
    Ok(None)
}

/// What an option says, where 0 means `default`; else what is known.
fn given(option: &Option<String>, name: &str, known: u64, default: Duration) -> Result<u64> {
    match option {
        Some(text) => read(name, text).map(|given| if given == 0 { nanoseconds(default) } else { given }),
        None => Ok(known),
    }
}

/// A command as both tools take it: a JSON list of words, a line with the kind before it, or a line for the shell.
fn test(text: &str) -> Vec<String> {
    let words = |kind: &str, rest: Vec<String>| [vec![kind.to_owned()], rest].concat();
    if let Ok(list) = serde_json::from_str::<Vec<String>>(text) {
        return match list.first().map(String::as_str) {
            Some("CMD" | "CMD-SHELL" | "NONE") => list,
            _ if list.len() == 1 => words("CMD-SHELL", list),
            _ => words("CMD", list),
        };
    }
    if text.eq_ignore_ascii_case("none") {
        return vec!["NONE".to_owned()];
    }
    match text.split_once(' ') {
        Some(("CMD", rest)) => words("CMD", rest.split_whitespace().map(str::to_owned).collect()),
        Some(("CMD-SHELL", rest)) => words("CMD-SHELL", vec![rest.to_owned()]),
        _ => words("CMD-SHELL", vec![text.to_owned()]),
    }
}

fn on_failure(word: &str) -> Result<OnFailure> {
    Ok(match word {
        "" | "none" => OnFailure::None,
        "kill" => OnFailure::Kill,
        "restart" => OnFailure::Restart,
        "stop" => OnFailure::Stop,
        other => bail!("invalid --health-on-failure {other:?}: there are none, kill, restart and stop"),
    })
}

/// The directory is found now: whoever writes there later follows no link.
fn destination(word: &str) -> Result<Destination> {
    Ok(match word {
        "" | "local" => Destination::Local,
        "events_logger" => Destination::EventsLogger,
        path => {
            let found = std::fs::canonicalize(path).ok().filter(|found| found.is_dir());
            let found = found.and_then(|found| found.into_os_string().into_string().ok());
            let path =
                found.with_context(|| format!("--health-log-destination: there is no directory {path}"))?;
            Destination::Directory(path)
        }
    })
}

fn startup(options: &HealthOptions, known: Option<Startup>) -> Result<Option<Startup>> {
    let command = options.health_startup_cmd.as_deref();
    let test = command.filter(|command| !command.is_empty()).map(test);
    let known = match (test, known) {
        (None, None) => return Ok(None),
        (Some(test), _) if test.first().is_some_and(|kind| kind == "NONE") => return Ok(None),
        (None, Some(known)) => known,
        (Some(test), Some(known)) => Startup { test, ..known },
        (Some(test), None) => Startup {
            test,
            interval: nanoseconds(INTERVAL),
            timeout: nanoseconds(TIMEOUT),
            retries: 0,
            successes: 1,
        },
    };
    Ok(Some(Startup {
        test: known.test,
        interval: given(
            &options.health_startup_interval,
            "--health-startup-interval",
            known.interval,
            INTERVAL,
        )?,
        timeout: given(
            &options.health_startup_timeout,
            "--health-startup-timeout",
            known.timeout,
            TIMEOUT,
        )?,
        retries: options.health_startup_retries.unwrap_or(known.retries),
        successes: options.health_startup_success.unwrap_or(known.successes).max(1),
    }))
}

fn read(name: &str, text: &str) -> Result<u64> {
    let duration = time::duration(text)
        .with_context(|| format!("invalid {name} {text:?}: expected a duration such as 30s"))?;
    if duration > Duration::ZERO && duration < Duration::from_millis(1) {
        bail!("invalid {name} {text:?}: a millisecond is the least");
    }
    Ok(nanoseconds(duration))
}

/// What no clock reaches is for ever, and centuries are enough for that.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn options(line: &str) -> HealthOptions {
        use clap::Parser;
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            options: HealthOptions,
        }
        let words = std::iter::once("x").chain(line.split('|').filter(|word| !word.is_empty()));
        Line::parse_from(words).options
    }

    fn image(healthcheck: &str) -> ContainerConfig {
        serde_json::from_str(&format!("{{\"Healthcheck\": {healthcheck}}}")).unwrap()
    }

    #[test]
    fn commands() {
        for (text, expected) in [
            ("curl -f x", &["CMD-SHELL", "curl -f x"][..]),
            ("[\"a\", \"b c\"]", &["CMD", "a", "b c"]),
            ("[\"a b\"]", &["CMD-SHELL", "a b"]),
            ("[\"CMD\", \"a\"]", &["CMD", "a"]),
            ("[\"CMD-SHELL\", \"a b\"]", &["CMD-SHELL", "a b"]),
            ("CMD a  b", &["CMD", "a", "b"]),
            ("CMD-SHELL a | b", &["CMD-SHELL", "a | b"]),
            ("none", &["NONE"]),
            ("NONE", &["NONE"]),
            ("[not json", &["CMD-SHELL", "[not json"]),
        ] {
            assert_eq!(test(text), expected, "{text}");
        }
    }

    #[test]
    fn of_the_image_and_of_the_command_line() {
        let known = image(r#"{"Test": ["CMD", "a"], "Interval": 7000000000, "Retries": 2, "Timeout": 0}"#);
        let show = |line: &str, image: &ContainerConfig| {
            resolve(&options(line), image).unwrap().map(|health| {
                let seconds = |nanos| Duration::from_nanos(nanos).as_secs_f64();
                format!(
                    "{} {} {} {} {} {}",
                    health.test.join(" "),
                    seconds(health.interval),
                    seconds(health.timeout),
                    seconds(health.start_period),
                    seconds(health.start_interval),
                    health.retries
                )
            })
        };
        assert_eq!(show("", &known).unwrap(), "CMD a 7 30 0 5 2");
        assert_eq!(
            show("--health-interval=1m|--health-retries=9", &known).unwrap(),
            "CMD a 60 30 0 5 9"
        );
        assert_eq!(
            show(
                "--health-cmd=b c|--health-start-period=2s|--health-start-interval=100ms",
                &known
            )
            .unwrap(),
            "CMD-SHELL b c 7 30 2 0.1 2"
        );
        assert_eq!(
            show("--health-cmd=b|--health-interval=disable", &known).unwrap(),
            "CMD-SHELL b 0 30 0 5 2"
        );
        for line in ["--no-healthcheck", "--health-cmd=none", "--health-cmd=NONE"] {
            assert_eq!(show(line, &known), None, "{line}");
        }
        let nothing = ContainerConfig::default();
        assert_eq!(show("", &nothing), None);
        // As Docker: there is nothing for it to be the interval of.
        assert_eq!(show("--health-interval=1s", &nothing), None);
        assert_eq!(show("", &image("{\"Test\": [\"NONE\"]}")), None);
        assert_eq!(
            show("", &image("{\"Test\": [\"CMD\", \"a\"], \"Interval\": -5}")).unwrap(),
            "CMD a 30 30 0 5 3"
        );
    }

    #[test]
    fn what_is_not_said_stays_as_it_was() {
        let line = "--health-cmd=a|--health-interval=disable|--health-retries=7|--health-on-failure=kill\
                    |--health-max-log-count=2|--health-startup-cmd=s|--health-startup-success=4";
        let before = resolve(&options(line), &ContainerConfig::default())
            .unwrap()
            .unwrap();
        let updated = |line: &str| update(&options(line), Some(&before)).unwrap();
        assert_eq!(updated("").as_ref(), Some(&before));
        let after = updated("--health-timeout=1s|--health-startup-interval=2s").unwrap();
        let mut expected = before.clone();
        expected.timeout = 1_000_000_000;
        expected.startup.as_mut().unwrap().interval = 2_000_000_000;
        assert_eq!(after, expected);
        assert_eq!(
            updated("--health-on-failure=none").unwrap().on_failure,
            OnFailure::None
        );
        assert_eq!(updated("--health-startup-cmd=none").unwrap().startup, None);
        assert_eq!(
            updated("--health-startup-cmd=t")
                .unwrap()
                .startup
                .unwrap()
                .successes,
            4
        );
        for line in ["--no-healthcheck", "--health-cmd=none"] {
            assert_eq!(updated(line), None, "{line}");
        }
        for line in [
            "--health-retries=1",
            "--health-on-failure=stop",
            "--health-startup-cmd=a",
        ] {
            let error = update(&options(line), None).unwrap_err().to_string();
            assert!(
                error.starts_with("healthcheck command is not set"),
                "{line}: {error}"
            );
        }
        let plain = resolve(&options("--health-cmd=a"), &ContainerConfig::default()).unwrap();
        let error = update(&options("--health-startup-retries=1"), plain.as_ref()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("startup healthcheck command is not set")
        );
        assert!(update(&options("--health-cmd=a"), None).unwrap().is_some());
    }

    #[test]
    fn mistakes() {
        for (line, error) in [
            (
                "--no-healthcheck|--health-cmd=a",
                "--no-healthcheck does not go with",
            ),
            (
                "--health-on-failure=panic",
                "invalid --health-on-failure \"panic\"",
            ),
            (
                "--health-cmd=a|--health-interval=soon",
                "invalid --health-interval \"soon\"",
            ),
            (
                "--health-cmd=a|--health-timeout=1us",
                "a millisecond is the least",
            ),
            ("--health-startup-cmd=a", "needs a health check that follows it"),
        ] {
            let found = resolve(&options(line), &ContainerConfig::default())
                .unwrap_err()
                .to_string();
            assert!(found.contains(error), "{line}: {found}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text: String) {
            let _ = test(&text);
            let _ = read("x", &text);
        }
    }
}
