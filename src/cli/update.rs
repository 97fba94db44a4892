//! `update`: other limits and another restart policy for containers that exist.

use anyhow::{Context as _, bail};
use clap::Args;

use super::context::Context;
use super::output::print;
use super::report::{self, Outcome};
use super::select::Wanted;
use super::values::{limits, restart};
use crate::engine::update::Update;
use crate::runtime::change::Changes;

/// Change limits and restart policies of containers
///
/// What runs is changed at once. 0 removes a limit.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    /// Memory limit
    #[arg(short, long, value_name = "SIZE")]
    memory: Option<String>,
    /// Number of processors, such as 1.5
    #[arg(long, value_name = "NUMBER")]
    cpus: Option<String>,
    /// Number of processes; -1 for no limit
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    pids_limit: Option<i64>,
    /// When it starts again by itself: no, on-failure[:TIMES], always or unless-stopped
    #[arg(long, value_name = "POLICY")]
    restart: Option<String>,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// Containers, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(args: UpdateArgs, context: &Context) -> Outcome {
    let update = args.update()?;
    if update == Update::default() {
        bail!("name something to change: --memory, --cpus, --pids-limit or --restart");
    }
    let engine = context.act_alone()?;
    let wanted = Wanted {
        names: &args.containers,
        latest: args.latest,
        ..Wanted::default()
    };
    let meant = wanted.resolve(&engine.store)?;
    report::each_meant(&meant, |word, id| {
        engine.update(id, &update, &mut report::waiting_on(word))?;
        Ok(print(&format!("{word}\n"))?)
    })
}

impl UpdateArgs {
    /// What the words mean.
    fn update(&self) -> anyhow::Result<Update> {
        let of = |flag: &str, text: &String| format!("invalid {flag} {text:?}");
        let memory = self
            .memory
            .as_ref()
            .map(|text| limits::memory(text).with_context(|| of("--memory", text)));
        let nano_cpus = self
            .cpus
            .as_ref()
            .map(|text| limits::cpus(text).with_context(|| of("--cpus", text)));
        let restart = self
            .restart
            .as_ref()
            .map(|text| restart::parse(text).with_context(|| of("--restart", text)));
        Ok(Update {
            limits: Changes {
                memory: memory.transpose()?,
                nano_cpus: nano_cpus.transpose()?,
                pids: self.pids_limit.map(limits::pids),
            },
            restart: restart.transpose()?,
        })
    }
}
