//! `--change`: an instruction of a Dockerfile applied to an image's configuration, as import and commit take it.

use crate::oci::config::ContainerConfig;

/// An instruction that cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{instruction:?}: {problem}")]
pub struct ChangeError {
    instruction: String,
    problem: &'static str,
}

const KNOWN: &str =
    "expected CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR";
/// Ports that one EXPOSE may stand for.
const PORTS_LIMIT: u16 = 1000;

/// Applies one instruction: `CMD ["sh"]`, `ENV A=b`; or as Podman also takes it, `CMD=sh`.
pub fn apply(config: &mut ContainerConfig, instruction: &str) -> Result<(), ChangeError> {
    change(config, instruction).map_err(|problem| ChangeError {
        instruction: instruction.chars().take(200).collect(),
        problem,
    })
}

fn change(config: &mut ContainerConfig, instruction: &str) -> Result<(), &'static str> {
    let instruction = instruction.trim();
    let end = instruction
        .find(|c: char| c.is_whitespace() || c == '=')
        .ok_or(KNOWN)?;
    let value = instruction[end + 1..].trim();
    if value.is_empty() {
        return Err("it says nothing");
    }
    match instruction[..end].to_ascii_uppercase().as_str() {
        "CMD" => config.cmd = Some(command(value)),
        "ENTRYPOINT" => {
            config.entrypoint = Some(command(value));
        }
        "ENV" => {
            for (name, value) in pairs(value)? {
                let prefix = format!("{name}=");
                config.env.retain(|known| !known.starts_with(&prefix));
                config.env.push(prefix + &value);
            }
        }
        "EXPOSE" => {
            for word in words(value)? {
                ports(&word)?
                    .iter()
                    .for_each(|port| config.exposed_ports.insert(port));
            }
        }
        "LABEL" => config.labels.extend(pairs(value)?),
        "ONBUILD" => config.on_build.push(value.to_owned()),
        "STOPSIGNAL"
            if value
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-".contains(&byte)) =>
        {
            config.stop_signal = Some(value.to_owned());
        }
        "STOPSIGNAL" => return Err("that is not a signal"),
        "USER" => config.user = value.to_owned(),
        "VOLUME" => {
            let paths = match json(value) {
                Some(paths) => paths,
                None => words(value)?,
            };
            if paths.iter().any(|path| !path.starts_with('/')) {
                return Err("a volume is an absolute path");
            }
            paths.iter().for_each(|path| config.volumes.insert(path));
        }
        "WORKDIR" => {
            config.working_dir = match (value.starts_with('/'), config.working_dir.trim_end_matches('/')) {
                (true, _) => value.to_owned(),
                (false, before) => format!("{before}/{value}"),
            };
        }
        _ => return Err(KNOWN),
    }
    Ok(())
}

/// A list in JSON, or a line for the shell.
fn command(value: &str) -> Vec<String> {
    json(value).unwrap_or_else(|| vec!["/bin/sh".into(), "-c".into(), value.into()])
}

fn json(value: &str) -> Option<Vec<String>> {
    value
        .starts_with('[')
        .then(|| serde_json::from_str(value).ok())
        .flatten()
}

/// `NAME=VALUE …`, or one `NAME VALUE` with everything after the name as its value.
fn pairs(value: &str) -> Result<Vec<(String, String)>, &'static str> {
    let first = value.split(char::is_whitespace).next().unwrap_or_default();
    if !first.contains('=') {
        let (name, value) = value
            .split_once(char::is_whitespace)
            .ok_or("expected NAME=VALUE")?;
        return Ok(vec![(name.to_owned(), words(value)?.join(" "))]);
    }
    let pair = |word: String| match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE"),
    };
    words(value)?.into_iter().map(pair).collect()
}

/// Splits at white space outside quotes, and takes quotes and backslashes away.
fn words(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', None | Some('"')) => {
                word.get_or_insert_default()
                    .push(characters.next().unwrap_or('\\'));
            }
            (mark, Some(open)) if mark == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (space, None) if space.is_whitespace() => words.extend(word.take()),
            (other, _) => word.get_or_insert_default().push(other),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed");
    }
    words.extend(word);
    Ok(words)
}

/// `80`, `80/udp`, `8000-8010/tcp`, each with its protocol.
fn ports(text: &str) -> Result<Vec<String>, &'static str> {
    let problem = "expected PORT[-PORT][/tcp|udp|sctp]";
    let (range, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(problem);
    }
    let port = |text: &str| match text.parse::<u16>() {
        Ok(port) if port > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port),
        _ => Err(problem),
    };
    let (first, last) = match range.split_once('-') {
        Some((first, last)) => (port(first)?, port(last)?),
        None => (port(range)?, port(range)?),
    };
    if first > last || last - first >= PORTS_LIMIT {
        return Err(problem);
    }
    Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(instructions: &[&str]) -> serde_json::Value {
        let mut config = ContainerConfig::default();
        for instruction in instructions {
            apply(&mut config, instruction).unwrap_or_else(|error| panic!("{error}"));
        }
        serde_json::to_value(config).unwrap()
    }

    #[test]
    fn instructions() {
        use serde_json::json;
        for (instructions, expected) in [
            (&[r#"CMD ["a","b c"]"#][..], json!({"Cmd": ["a", "b c"]})),
            (&["cmd echo hi"], json!({"Cmd": ["/bin/sh", "-c", "echo hi"]})),
            (&["CMD=/x"], json!({"Cmd": ["/bin/sh", "-c", "/x"]})),
            (&["CMD [broken"], json!({"Cmd": ["/bin/sh", "-c", "[broken"]})),
            (&[r#"ENTRYPOINT ["/x"]"#], json!({"Entrypoint": ["/x"]})),
            (
                &["ENV A=b C='d e' F=g\\ h"],
                json!({"Env": ["A=b", "C=d e", "F=g h"]}),
            ),
            (&["ENV A=b", "ENV A c  d"], json!({"Env": ["A=c d"]})),
            (&["ENV=A=b"], json!({"Env": ["A=b"]})),
            (
                &["EXPOSE 80 53/udp", "EXPOSE 8000-8001"],
                json!({"ExposedPorts": {"53/udp": {}, "80/tcp": {}, "8000/tcp": {}, "8001/tcp": {}}}),
            ),
            (
                &["LABEL a=b \"c d\"=e"],
                json!({"Labels": {"a": "b", "c d": "e"}}),
            ),
            (&["ONBUILD RUN x"], json!({"OnBuild": ["RUN x"]})),
            (&["STOPSIGNAL SIGRTMIN+3"], json!({"StopSignal": "SIGRTMIN+3"})),
            (&["USER a:b"], json!({"User": "a:b"})),
            (
                &[r#"VOLUME ["/a"]"#, "VOLUME /b /c"],
                json!({"Volumes": {"/a": {}, "/b": {}, "/c": {}}}),
            ),
            (&["WORKDIR /a", "WORKDIR b"], json!({"WorkingDir": "/a/b"})),
            (&["WORKDIR b"], json!({"WorkingDir": "/b"})),
        ] {
            assert_eq!(applied(instructions), expected, "{instructions:?}");
        }
    }

    #[test]
    fn refused() {
        for instruction in [
            "",
            "CMD",
            "CMD ",
            "RUN x",
            "FROM x",
            "ENV A",
            "ENV =b",
            "ENV A=b C",
            "LABEL a=\"b",
            "EXPOSE 0",
            "EXPOSE 65536",
            "EXPOSE 80/icmp",
            "EXPOSE 2-1",
            "EXPOSE 1-65535",
            "EXPOSE +80",
            "STOPSIGNAL 9;id",
            "VOLUME relative",
        ] {
            assert!(
                apply(&mut ContainerConfig::default(), instruction).is_err(),
                "{instruction:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(CMD|ENV|EXPOSE|LABEL|VOLUME|WORKDIR) .{0,30}") {
            let _ = apply(&mut ContainerConfig::default(), &text);
        }
    }
}
