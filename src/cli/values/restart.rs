//! Restart policies as `--restart` names them, in Docker's grammar and Podman's.

use anyhow::{Context as _, Result, bail};

use crate::store::life::RestartPolicy;

/// Reads `no`, `never`, `on-failure`, `on-failure:N`, `always` or `unless-stopped`.
pub fn parse(text: &str) -> Result<RestartPolicy> {
    let (name, count) = match text.split_once(':') {
        Some((name, count)) => (name, Some(count)),
        None => (text, None),
    };
    let policy = match name {
        // Docker takes an empty one for none.
        "" if count.is_none() => RestartPolicy::No,
        "no" | "never" => RestartPolicy::No,
        "always" => RestartPolicy::Always,
        "unless-stopped" => RestartPolicy::UnlessStopped,
        "on-failure" => {
            let retries = match count {
                None => 0,
                Some(count) => number(count)?,
            };
            return Ok(RestartPolicy::OnFailure { retries });
        }
        _ => bail!("there are no, on-failure[:TIMES], always and unless-stopped"),
    };
    if count.is_some() {
        bail!("only on-failure takes a maximum of retries");
    }
    Ok(policy)
}

fn number(text: &str) -> Result<u32> {
    if text.starts_with('-') && text[1..].parse::<u64>().is_ok() {
        bail!("the maximum of retries cannot be negative");
    }
    text.parse().context("the maximum of retries must be a number")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn policies() {
        for (text, policy) in [
            ("", RestartPolicy::No),
            ("no", RestartPolicy::No),
            ("never", RestartPolicy::No),
            ("always", RestartPolicy::Always),
            ("unless-stopped", RestartPolicy::UnlessStopped),
            ("on-failure", RestartPolicy::OnFailure { retries: 0 }),
            ("on-failure:0", RestartPolicy::OnFailure { retries: 0 }),
            ("on-failure:7", RestartPolicy::OnFailure { retries: 7 }),
        ] {
            assert_eq!(parse(text).unwrap(), policy, "{text}");
        }
        let kinds = "there are no, on-failure[:TIMES], always and unless-stopped";
        for (text, error) in [
            ("sometimes", kinds),
            ("Always", kinds),
            (":3", kinds),
            ("always:3", "only on-failure takes a maximum of retries"),
            ("no:0", "only on-failure takes a maximum of retries"),
            ("on-failure:", "the maximum of retries must be a number"),
            ("on-failure:x", "the maximum of retries must be a number"),
            ("on-failure:1:2", "the maximum of retries must be a number"),
            ("on-failure:-1", "the maximum of retries cannot be negative"),
            (
                "on-failure:99999999999",
                "the maximum of retries must be a number",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), error, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text: String) {
            let _ = parse(&text);
            let _ = parse(&format!("on-failure:{text}"));
        }
    }
}
