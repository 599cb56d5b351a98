//! The way back of a rollout that failed: every host that was changed gets what it had, those on which it went well too.

use edeliver_core::{
    event::EventKind,
    facts::HostFacts,
    hint::Hint,
    name::HostName,
    plan::{self, Plan, RollbackRequest},
};

use super::Fleet;
use crate::{
    apply::{self, Ended},
    ctx::Ctx,
    error::{Error, Kind, chain},
};

/// Brings back what `plan` has changed, and tells of it in `ended`.
pub(super) async fn bring(fleet: &mut Fleet, ctx: &Ctx, plan: &Plan, ended: &mut Ended) {
    let (changed, failed) = (ended.changed(), ended.unchanged_failures());
    match apply_back(fleet, ctx, plan, &changed, &failed).await {
        Ok(back) => ended.taken_back(back),
        Err(_) if changed.is_empty() => {}
        Err(error) => {
            let hosts: Vec<&str> = changed.iter().map(HostName::as_str).collect();
            let command = format!("edeliver rollback {} --host={}", fleet.target.name, hosts.join(","));
            let why = chain(&error).join(": ");
            ctx.reporter.warn(format!("nothing was taken back: {why}"), vec![Hint::command("try it again", command)]);
        }
    }
}

/// The hosts are asked once more: what is decided for each follows from what it is now.
async fn apply_back(fleet: &mut Fleet, ctx: &Ctx, plan: &Plan, changed: &[HostName], failed: &[HostName]) -> Result<Ended, Error> {
    fleet.look_again(ctx).await?;
    let ways = fleet.find_ways(ctx, None, None).await?;
    let of = |hosts: &[HostName]| fleet.facts.iter().filter(|facts| hosts.contains(&facts.host)).cloned().collect::<Vec<_>>();
    let (facts, others) = (of(changed), of(failed));
    let request = RollbackRequest { app: ctx.settings()?.app.clone(), to: None, restart: true, ways };
    let back = plan::take_back(plan, &request, &fleet.target, &facts, &others, ctx.run());
    let all: Vec<HostFacts> = facts.into_iter().chain(others).collect();
    plan::lint(&back, &all).map_err(|breach| Error::new(Kind::Internal, breach))?;
    if back.is_empty() {
        return Ok(Ended::default());
    }
    ctx.reporter.send(EventKind::Planned { plan: back.clone(), only_shown: false });
    let means = fleet.means(ctx, None, None)?;
    Ok(apply::run(ctx, &back, means).await)
}
