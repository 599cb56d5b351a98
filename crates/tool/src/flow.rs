//! From a plan to the permission to apply it: show, stop where it can't be done, ask.
//!
//! A verb gathers facts and plans; [`settle`] does the rest up to `apply`, the same way for every verb.

use edeliver_core::{
    config::TargetSettings,
    event::{EventKind, HostOutcome, HostResult, Outcome},
    hint::Hint,
    plan::{HostPlan, Plan, Verdict},
};

use crate::{
    cli::options::PlanArgs,
    config::Form,
    ctx::{Ctx, Journal},
    error::{CHANGES_PLANNED, Error, Kind},
    ui::words,
};

/// What a verb does after its plan was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Settled {
    /// Apply the plan.
    Apply,
    /// The run is over, with this exit code.
    Over(u8),
}

impl PlanArgs {
    /// Only runs that may change something are recorded.
    pub fn journal(self) -> Journal {
        if self.plan { Journal::None } else { Journal::Kept }
    }
}

/// Shows the plan, and decides whether it is applied. `target` says whether it must be asked for, `None`: never (builds touch nothing that
/// runs).
///
/// # Errors
/// When hosts stand in the way, and when the user says no or can't be asked.
pub async fn settle(ctx: &Ctx, plan: &Plan, target: Option<&TargetSettings>, how: PlanArgs) -> Result<Settled, Error> {
    ctx.reporter.send(EventKind::Planned { plan: plan.clone(), only_shown: how.plan });
    obstacles(plan, how.skip_blocked)?;
    if how.plan {
        let exit_code = if how.exit_code && !plan.is_empty() { CHANGES_PLANNED } else { 0 };
        return Ok(Settled::Over(ctx.finish(Outcome { hosts: Vec::new(), exit_code, interrupted: false }).await));
    }
    if plan.is_empty() {
        return Ok(Settled::Over(ctx.finish(nothing_to_do(plan)).await));
    }
    match target {
        Some(target) if needs_a_yes(ctx, target) => confirm(ctx, plan).await,
        _ => Ok(Settled::Apply),
    }
}

/// Whether a plan with something to do is carried out as soon as it is made.
pub(crate) fn is_applied_at_once(ctx: &Ctx, target: &TargetSettings, how: PlanArgs) -> bool {
    !how.plan && (ctx.global.yes || !needs_a_yes(ctx, target))
}

/// Whether nothing is changed on this target before somebody has said yes: on the command line, or when asked.
pub(crate) fn needs_a_yes(ctx: &Ctx, target: &TargetSettings) -> bool {
    target.confirm && !goes_on_unasked(ctx)
}

/// Scripts and CI jobs written for edeliver 1.x never were asked. With a classic config they go on as they did where there is no terminal.
fn goes_on_unasked(ctx: &Ctx) -> bool {
    !ctx.ui.may_ask() && ctx.loaded().is_ok_and(|loaded| loaded.form == Form::Classic)
}

async fn confirm(ctx: &Ctx, plan: &Plan) -> Result<Settled, Error> {
    let changed = plan.hosts.iter().filter(|host| host.verdict == Verdict::Change).count();
    let banner = plan.target.as_ref().map(|target| target.as_str().to_uppercase());
    let question = format!("{}: change {}?", plan.title, words::count(changed, "host"));
    said_yes(ctx, question, banner).await.map(|()| Settled::Apply)
}

/// Asks whether something without a plan may be done on so many hosts of the target, if it must be asked for.
///
/// # Errors
/// When the user says no or can't be asked.
pub(crate) async fn permission(ctx: &Ctx, target: &TargetSettings, what: &str, hosts: usize) -> Result<(), Error> {
    if !needs_a_yes(ctx, target) {
        return Ok(());
    }
    let question = format!("{what}: on {}?", words::count(hosts, "host"));
    said_yes(ctx, question, Some(target.name.as_str().to_uppercase())).await
}

async fn said_yes(ctx: &Ctx, question: String, banner: Option<String>) -> Result<(), Error> {
    match ctx.ui.confirm(question, banner).await? {
        true => Ok(()),
        false => Err(Error::new(Kind::Interrupted, "not confirmed; nothing was changed")),
    }
}

/// Hosts that stand in the way stop the run before anything was changed, unless the user said to go on without them and there are others.
fn obstacles(plan: &Plan, skip: bool) -> Result<(), Error> {
    let in_the_way: Vec<&HostPlan> = plan.obstacles().collect();
    if in_the_way.is_empty() || skip && in_the_way.len() < plan.hosts.len() {
        return Ok(());
    }
    let blocked = in_the_way.iter().any(|host| matches!(host.verdict, Verdict::Blocked { .. }));
    let kind = if blocked { Kind::Blocked } else { Kind::Unreachable };
    let why: Vec<String> = in_the_way.iter().map(|host| format!("{}: {}", host.host, host.reasons.join("; "))).collect();
    // What to do about each of them stands in the plan, which was just shown.
    let error = Error::new(kind, why.join("\n")).context("nothing was changed, because some hosts stand in the way");
    let others = in_the_way.len() < plan.hosts.len();
    Err(if others { error.hint(Hint::text("give `--skip-blocked` to go on with the other hosts")) } else { error })
}

/// The last table of a run that had nothing to do. Hosts that were left out on the user's word are not counted as done.
fn nothing_to_do(plan: &Plan) -> Outcome {
    let row = |host: &HostPlan| HostOutcome {
        host: host.host.clone(),
        result: if host.verdict == Verdict::Nothing { HostResult::Done } else { HostResult::Skipped },
        summary: host.reasons.join("; "),
    };
    let hosts: Vec<HostOutcome> = plan.hosts.iter().map(row).collect();
    let all_done = hosts.iter().all(|host| host.result == HostResult::Done);
    Outcome { exit_code: if all_done { 0 } else { Kind::Stopped.exit_code() }, hosts, interrupted: false }
}

#[cfg(test)]
mod tests {
    use edeliver_core::{config::Service, plan::Precondition, step::Step};

    use super::*;
    use crate::{cancel::Cancel, report::Reporter, ui};

    fn host(name: &str, verdict: Verdict) -> HostPlan {
        let steps = if verdict == Verdict::Change { vec![Step::Describe] } else { Vec::new() };
        HostPlan {
            host: name.parse().unwrap(),
            expect: Precondition::default(),
            verdict,
            reasons: vec![format!("{name} is so")],
            steps,
            undo: Vec::new(),
        }
    }
    fn plan(hosts: Vec<HostPlan>) -> Plan {
        let target = Some("production".parse().unwrap());
        let title = "deploy shop 1.0 to production".to_owned();
        Plan {
            format: edeliver_core::plan::FORMAT,
            title,
            target,
            release: None,
            before: vec![],
            hosts,
            rollout: Default::default(),
            after: vec![],
        }
    }
    fn down() -> Verdict {
        Verdict::Unreachable { hints: vec![Hint::text("look at it")] }
    }
    fn production() -> TargetSettings {
        let second = std::time::Duration::from_secs(1);
        TargetSettings {
            name: "production".parse().unwrap(),
            hosts: Vec::new(),
            confirm: true,
            keep_releases: 3,
            start_timeout: second,
            stop_timeout: second,
            step_timeout: second,
            profile: String::new(),
            env: Default::default(),
            service: Service::Script,
            unit: None,
            migrate: None,
            migrate_down: None,
            ecto_repos: Vec::new(),
            start_deploy: false,
            clean_deploy: false,
            rollout: Default::default(),
            upgrade: Default::default(),
        }
    }
    fn ctx(yes: bool) -> Ctx {
        let (reporter, drafts) = Reporter::new();
        drop(drafts);
        Ctx::new("/nowhere".into(), Default::default(), reporter, ui::Handle::detached(yes), Cancel::never())
    }
    async fn settled(plan: Plan, yes: bool, how: PlanArgs) -> Result<Settled, Error> {
        settle(&ctx(yes), &plan, Some(&production()), how).await
    }

    #[tokio::test]
    async fn a_change_of_production_without_a_terminal_needs_yes() {
        let change = || plan(vec![host("a", Verdict::Change)]);
        let refused = settled(change(), false, PlanArgs::default()).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Usage);
        assert!(refused.hints.iter().any(|hint| hint.text.contains("--yes")), "{refused:?}");
        assert_eq!(settled(change(), true, PlanArgs::default()).await.unwrap(), Settled::Apply);
    }

    #[tokio::test]
    async fn a_script_of_edeliver_1_goes_on_unasked_where_nobody_can_be_asked() {
        let project = tempfile::tempdir().unwrap();
        std::fs::create_dir(project.path().join(".deliver")).unwrap();
        let hosts = "APP=shop\nBUILD_HOST=b\nBUILD_AT=/b\nPRODUCTION_HOSTS=h\nPRODUCTION_USER=u\nDELIVER_TO=/srv\n";
        std::fs::write(project.path().join(".deliver/config"), hosts).unwrap();
        let (reporter, drafts) = Reporter::new();
        drop(drafts);
        let ctx = Ctx::new(project.path().into(), Default::default(), reporter, ui::Handle::detached(false), Cancel::never());
        let change = plan(vec![host("a", Verdict::Change)]);
        assert_eq!(settle(&ctx, &change, Some(&production()), PlanArgs::default()).await.unwrap(), Settled::Apply);
    }

    #[tokio::test]
    async fn plan_stops_after_showing_and_tells_changes_by_its_exit_code() {
        let how = |exit_code| PlanArgs { plan: true, exit_code, ..PlanArgs::default() };
        let change = || plan(vec![host("a", Verdict::Change)]);
        assert_eq!(settled(change(), false, how(false)).await.unwrap(), Settled::Over(0));
        assert_eq!(settled(change(), false, how(true)).await.unwrap(), Settled::Over(10));
        assert_eq!(settled(plan(vec![host("a", Verdict::Nothing)]), false, how(true)).await.unwrap(), Settled::Over(0));
    }

    #[tokio::test]
    async fn a_host_that_is_down_stops_everything_unless_it_may_be_left_out() {
        let mixed = || plan(vec![host("a", Verdict::Change), host("b", down())]);
        let refused = settled(mixed(), true, PlanArgs::default()).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Unreachable);
        assert!(refused.causes().concat().contains("b: b is so"));
        assert!(refused.hints.iter().any(|hint| hint.text.contains("--skip-blocked")));
        let skip = PlanArgs { skip_blocked: true, ..PlanArgs::default() };
        assert_eq!(settled(mixed(), true, skip).await.unwrap(), Settled::Apply);
        let all_down = plan(vec![host("a", down()), host("b", Verdict::Blocked { hints: vec![] })]);
        assert_eq!(settled(all_down, true, skip).await.unwrap_err().kind, Kind::Blocked);
    }

    #[tokio::test]
    async fn nothing_to_do_is_done_without_a_question() {
        assert_eq!(settled(plan(vec![host("a", Verdict::Nothing)]), false, PlanArgs::default()).await.unwrap(), Settled::Over(0));
        let skip = PlanArgs { skip_blocked: true, ..PlanArgs::default() };
        let left_out = plan(vec![host("a", Verdict::Nothing), host("b", down())]);
        assert_eq!(settled(left_out, false, skip).await.unwrap(), Settled::Over(8));
    }
}
