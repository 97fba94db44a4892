//! `update`: other limits, another restart policy, other health checks and another environment for containers that exist.

use std::ffi::OsString;

use anyhow::{Context as _, bail};
use clap::Args;

use super::context::Context;
use super::limits::LimitOptions;
use super::options::HealthOptions;
use super::output::print;
use super::report::{self, Outcome};
use super::resolve::asked_variables;
use super::run::read_bounded;
use super::select::Wanted;
use super::values::environment::{self, Change};
use super::values::{health, restart};
use crate::engine::update::Update;
use crate::store::container::Config;

/// Change limits, restart policies, health checks and the environment of containers
///
/// What runs is changed at once, but for its environment, which counts from the next start on. 0 removes a limit.
#[derive(Args, Debug)]
pub struct UpdateArgs {
    /// When it starts again by itself: no, on-failure[:TIMES], always or unless-stopped
    #[arg(long, value_name = "POLICY")]
    restart: Option<String>,
    /// Set an environment variable; NAME alone copies it, NAME* copies all that begin so
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    env: Vec<OsString>,
    /// Remove a variable
    #[arg(long, value_name = "NAME")]
    unsetenv: Vec<String>,
    /// The container made last
    #[arg(short, long)]
    latest: bool,
    /// Containers, by name, identifier or its beginning
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
    #[command(flatten)]
    limits: LimitOptions,
    #[command(flatten)]
    health: HealthOptions,
}

pub fn run(args: UpdateArgs, context: &Context) -> Outcome {
    let update = args.update()?;
    let mut variables = asked_variables(&[], &args.env, &context.environment(), &read_bounded)?;
    let unset = args.unsetenv.iter();
    variables.extend(unset.map(|name| Change::Unset(name.as_bytes().into())));
    let has_checks = args.health != HealthOptions::default();
    if update == Update::default() && variables.is_empty() && !has_checks {
        bail!(
            "name something to change: a limit such as --memory, --restart, --env, --unsetenv, --no-healthcheck or an \
             option of health checks"
        );
    }
    let edit = |config: &mut Config| {
        environment::apply(&mut config.env, &variables);
        if has_checks {
            let checks = health::update(&args.health, config.health.as_deref());
            config.health = checks.map_err(|error| format!("{error:#}"))?.map(Box::new);
        }
        Ok(())
    };
    let engine = context.act_alone()?;
    let wanted = Wanted {
        names: &args.containers,
        latest: args.latest,
        ..Wanted::default()
    };
    let meant = wanted.resolve(&engine.store)?;
    report::each_meant(&meant, |word, id| {
        let updated = engine.update(id, &update, &edit, &mut report::waiting_on(word))?;
        let waits = |what: &str| report::say(&format!("{word} runs: its {what} from the next start on"));
        if updated.runs && !variables.is_empty() {
            waits("new environment counts");
        }
        if updated.has_old_checks {
            waits("new health checks count");
        }
        Ok(print(&format!("{word}\n"))?)
    })
}

impl UpdateArgs {
    fn update(&self) -> anyhow::Result<Update> {
        let restart = self
            .restart
            .as_ref()
            .map(|text| restart::parse(text).with_context(|| format!("invalid --restart {text:?}")));
        Ok(Update {
            limits: self.limits.changes()?,
            restart: restart.transpose()?,
        })
    }
}
