//! Plans for people. Hosts with the same plan stand together, so a fleet of a hundred is as short as a fleet of three.

use edeliver_core::{
    hint::Hint,
    name::HostName,
    plan::{HostPlan, Plan, Verdict},
    step::Step,
};

use super::report::hints;
use crate::ui::style::{DIM, STRONG, WARN, paint};

/// The plan as lines.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = vec![paint(STRONG, &plan.title)];
    lines.extend(plan.before.iter().map(|step| format!("  first: {}", step.describe())));
    let mut groups: Vec<(Vec<&HostName>, Vec<String>)> = Vec::new();
    for host in &plan.hosts {
        let shown = host_lines(host);
        match groups.iter_mut().find(|(_, same)| *same == shown) {
            Some((names, _)) => names.push(&host.host),
            None => groups.push((vec![&host.host], shown)),
        }
    }
    for (names, shown) in groups {
        let names: Vec<&str> = names.into_iter().map(HostName::as_str).collect();
        lines.push(format!("  {}", paint(STRONG, names.join(", "))));
        lines.extend(shown);
    }
    lines.extend(plan.rollout.describe().into_iter().map(|line| format!("  {line}")));
    lines.extend(plan.after.iter().map(|step| format!("  then: {}", step.describe())));
    lines
}

fn host_lines(host: &HostPlan) -> Vec<String> {
    let (word, remedies): (_, &[Hint]) = match &host.verdict {
        Verdict::Change => ("", &[]),
        Verdict::Nothing => ("nothing to do: ", &[]),
        Verdict::Blocked { hints } => ("can't be done: ", hints),
        Verdict::Unreachable { hints } => ("can't be asked: ", hints),
    };
    let mut lines: Vec<String> = host.reasons.iter().map(|reason| format!("    {}{reason}", paint(WARN, word))).collect();
    lines.extend(hints(remedies).iter().map(|line| format!("    {line}")));
    lines.extend(host.steps.iter().enumerate().map(|(index, step)| format!("    {}. {}", index + 1, step.describe())));
    if !host.undo.is_empty() {
        let way_back: Vec<String> = host.undo.iter().map(Step::describe).collect();
        lines.push(format!("    {} {}", paint(DIM, "if that fails:"), way_back.join(", ")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use edeliver_core::plan::Precondition;

    use super::*;

    fn host(name: &str, verdict: Verdict, reason: &str, hooks: &[&str]) -> HostPlan {
        let steps = hooks.iter().map(|name| Step::Hook { name: (*name).to_owned() });
        HostPlan {
            host: name.parse().unwrap(),
            expect: Precondition::default(),
            verdict,
            reasons: vec![reason.to_owned()],
            undo: steps.clone().take(1).collect(),
            steps: steps.collect(),
        }
    }

    #[test]
    fn hosts_with_the_same_plan_are_told_together() {
        let hook = |name: &str| Step::Hook { name: name.to_owned() };
        let down = Verdict::Unreachable { hints: vec![Hint::command("try it", "ssh web2 true")] };
        let hosts = vec![
            host("web1", Verdict::Change, "the node runs 0.1.0", &["a", "b"]),
            host("web2", down, "no route to host", &[]),
            host("web3", Verdict::Change, "the node runs 0.1.0", &["a", "b"]),
            host("web4", Verdict::Nothing, "0.2.0 is there", &[]),
        ];
        let title = "deploy hotapp 0.2.0".to_owned();
        let plan = Plan {
            format: 1,
            title,
            target: None,
            release: None,
            before: vec![hook("pre")],
            hosts,
            rollout: Default::default(),
            after: vec![hook("post")],
        };
        let text: Vec<String> = lines(&plan).iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect();
        assert_eq!(
            text.join("\n"),
            "\
deploy hotapp 0.2.0
  first: hook pre
  web1, web3
    the node runs 0.1.0
    1. hook a
    2. hook b
    if that fails: hook a
  web2
    can't be asked: no route to host
    hint: try it
          ssh web2 true
  web4
    nothing to do: 0.2.0 is there
  then: hook post"
        );
    }
}
