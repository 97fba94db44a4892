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
    if options.no_healthcheck {
        if options.is_any() {
            bail!("--no-healthcheck does not go with options of health checks");
        }
        return Ok(None);
    }
    let on_failure = on_failure(options.health_on_failure.as_deref())?;
    let destination = destination(options.health_log_destination.as_deref())?;
    let none = Healthcheck::default();
    let known = image.healthcheck.as_ref().unwrap_or(&none);
    let test = match options.health_cmd.as_deref() {
        None | Some("") => known.test.clone(),
        Some(command) => test(command),
    };
    let startup = startup(options)?;
    let duration = |given: &Option<String>, name: &str, known: Option<i64>, default: Duration| match given {
        Some(text) => read(name, text),
        // Docker takes 0 for what is not said.
        None => Ok(known
            .and_then(|known| u64::try_from(known).ok())
            .filter(|known| *known > 0)
            .unwrap_or(nanoseconds(default))),
    };
    let interval = match options.health_interval.as_deref() {
        // As Podman: checked only when somebody asks.
        Some("disable") => 0,
        Some("0" | "0s") => nanoseconds(INTERVAL),
        _ => duration(
            &options.health_interval,
            "--health-interval",
            known.interval,
            INTERVAL,
        )?,
    };
    let health = Health {
        destination,
        interval,
        timeout: duration(
            &options.health_timeout,
            "--health-timeout",
            known.timeout,
            TIMEOUT,
        )?,
        start_period: duration(
            &options.health_start_period,
            "--health-start-period",
            known.start_period,
            Duration::ZERO,
        )?,
        start_interval: duration(
            &options.health_start_interval,
            "--health-start-interval",
            known.start_interval,
            START_INTERVAL,
        )?,
        retries: match options.health_retries {
            Some(0) => RETRIES,
            Some(count) => count,
            None => known
                .retries
                .and_then(|count| u32::try_from(count).ok())
                .filter(|count| *count > 0)
                .unwrap_or(RETRIES),
        },
        shell: image.shell.clone().unwrap_or_default(),
        on_failure,
        log_count: options.health_max_log_count.unwrap_or(LOG_COUNT),
        log_size: options.health_max_log_size.unwrap_or(LOG_SIZE),
        startup,
        test,
    };
    let health = Health {
        // 0 would be over before it began.
        timeout: match health.timeout {
            0 => nanoseconds(TIMEOUT),
            timeout => timeout,
        },
        start_interval: match health.start_interval {
            0 => nanoseconds(START_INTERVAL),
            interval => interval,
        },
        ..health
    };
    if health.words(&health.test).is_none() {
        if health.startup.is_some() {
            bail!("--health-startup-cmd needs a health check that follows it: --health-cmd");
        }
        if options.health_on_failure.is_some() && health.on_failure != OnFailure::None {
            bail!(
                "cannot set on-failure action to {} without a health check",
                health.on_failure.word()
            );
        }
        return Ok(None);
    }
    Ok(Some(health))
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

fn on_failure(word: Option<&str>) -> Result<OnFailure> {
    Ok(match word {
        None | Some("" | "none") => OnFailure::None,
        Some("kill") => OnFailure::Kill,
        Some("restart") => OnFailure::Restart,
        Some("stop") => OnFailure::Stop,
        Some(other) => bail!("invalid --health-on-failure {other:?}: there are none, kill, restart and stop"),
    })
}

/// The directory is made absolute, as the results are written by another process.
fn destination(word: Option<&str>) -> Result<Destination> {
    Ok(match word {
        None | Some("" | "local") => Destination::Local,
        Some("events_logger") => Destination::EventsLogger,
        Some(path) => {
            let absolute = std::path::absolute(path)
                .ok()
                .and_then(|path| path.into_os_string().into_string().ok());
            let path = absolute.with_context(|| format!("invalid --health-log-destination {path:?}"))?;
            Destination::Directory(path)
        }
    })
}

fn startup(options: &HealthOptions) -> Result<Option<Startup>> {
    let Some(command) = options
        .health_startup_cmd
        .as_deref()
        .filter(|command| !command.is_empty())
    else {
        return Ok(None);
    };
    let test = test(command);
    if test.first().is_some_and(|kind| kind == "NONE") {
        return Ok(None);
    }
    let duration = |given: &Option<String>, name: &str, default: Duration| match given {
        Some(text) => read(name, text).map(|given| if given == 0 { nanoseconds(default) } else { given }),
        None => Ok(nanoseconds(default)),
    };
    Ok(Some(Startup {
        test,
        interval: duration(
            &options.health_startup_interval,
            "--health-startup-interval",
            INTERVAL,
        )?,
        timeout: duration(
            &options.health_startup_timeout,
            "--health-startup-timeout",
            TIMEOUT,
        )?,
        retries: options.health_startup_retries.unwrap_or(0),
        successes: options.health_startup_success.unwrap_or(1).max(1),
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
