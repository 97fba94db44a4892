//! `why`: what ended a container, or kept it from starting.

use std::collections::VecDeque;

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::format;
use super::output::print;
use super::report::Outcome;
use super::select::one;
use super::values::signal;
use crate::engine::read_log::LogReader;
use crate::engine::{EngineError, state, why};

/// How many lines of output are shown.
const LINES: usize = 5;

/// Tell why a container ended, or did not start
///
/// Says what ended it: its own command, a signal and who sent it, memory that ran out, its health, its time limit, its caller,
/// or a program that is not there; and shows the last lines of its output.
#[derive(Args, Debug)]
pub struct WhyArgs {
    /// Print by a Go template, or as "json"
    #[arg(short, long, value_name = "TEMPLATE")]
    format: Option<String>,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// The container, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    container: Option<String>,
}

pub fn run(args: WhyArgs, context: &Context) -> Outcome {
    let word = args.container.as_deref();
    let Some(store) = context.look_alone()? else {
        return Err(EngineError::NoSuchContainer(word.unwrap_or_default().to_owned()).into());
    };
    let id = one(&store, word, args.latest)?;
    let found = state::look(&store, &id)?.ok_or_else(|| EngineError::NoSuchContainer(id.clone()))?;
    let why = why::judge(&found.container, &found.state, found.condition);
    let mut last = VecDeque::with_capacity(LINES);
    if let Ok(mut log) = LogReader::open(&store, &found.container) {
        log.skip_to_last(LINES)?;
        // No more than that, however fast more comes.
        for _ in 0..LINES {
            let Ok(Some(line)) = log.read() else { break };
            let end = if line.is_whole { "\n" } else { "" };
            last.push_back(String::from_utf8_lossy(&line.text).into_owned() + end);
        }
    }
    let mut document = json!(why);
    document["signalName"] = json!(why.signal.map(signal::name));
    document["lastOutput"] = json!(last);
    let text = format::document("why", args.format.as_deref(), &document, || plain(&why, &last))?;
    print(&text)?;
    Ok(0)
}

fn plain(why: &why::Why, last: &VecDeque<String>) -> String {
    let mut text = format!("{}: {}\n", why.name, why.explanation);
    let mut add = |label: &str, value: &str| {
        if !value.is_empty() {
            text += &format!("{:<11}{value}\n", format!("{label}:"));
        }
    };
    add("Status", why.status);
    if why.finished_at.is_some() {
        add("Exit code", &why.exit_code.to_string());
    }
    add("Signal", &why.signal.map(signal::name).unwrap_or_default());
    add("Started", why.started_at.as_deref().unwrap_or_default());
    add("Ended", why.finished_at.as_deref().unwrap_or_default());
    if why.restarts > 0 {
        add("Restarts", &why.restarts.to_string());
    }
    if !last.is_empty() {
        text += "Last output:\n";
        for line in last {
            text += &format!("  {}\n", line.trim_end_matches('\n'));
        }
    }
    text
}
