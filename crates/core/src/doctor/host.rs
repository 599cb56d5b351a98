//! Of a host of a target.

use super::{Cookie, Finding, Grade, ROOM, Vitals, machine};
use crate::{
    config::TargetSettings,
    facts::{NodeState, Seen},
    hint::Hint,
    plan::fit::{self, Obstacle},
    release::Manifest,
    size::size,
    unit::Unit,
};

/// What a host is measured against.
#[derive(Debug, Clone, Copy)]
pub struct Deployed<'a> {
    /// Its target.
    pub target: &'a TargetSettings,
    /// The unit that is to run its node.
    pub unit: Option<&'a Unit>,
    /// The newest release of the store.
    pub newest: Option<&'a Manifest>,
    /// Makes a word of a shell line of a text, for commands that users copy.
    pub word: fn(&str) -> String,
}

/// Cookies that mix and relx make have 32 characters and more; those that people make up are guessed.
const COOKIE: usize = 20;

/// What is to be said of it.
pub fn host(seen: &Seen, vitals: &Vitals, deployed: &Deployed<'_>) -> Vec<Finding> {
    let mut findings = vec![login(seen)];
    findings.extend(machine(vitals));
    findings.extend(programs(seen));
    findings.extend([rights(seen, deployed), disk(seen)]);
    findings.extend(deployed.newest.map(|manifest| fits(manifest, seen)));
    findings.extend(leftovers(seen, deployed.target));
    findings.extend(node(seen));
    findings.extend(deployed.unit.and_then(|unit| service(seen, unit, deployed.target)));
    findings.extend(vitals.cookie.map(cookie));
    findings.extend(doors(vitals));
    findings
}

fn login(seen: &Seen) -> Finding {
    Finding::fine("login", format!("as {}", seen.user))
}

fn programs(seen: &Seen) -> Vec<Finding> {
    let missing: Vec<Finding> = fit::tools(seen).map(|tool| standing_in_the_way("programs", tool)).collect();
    if missing.is_empty() { vec![Finding::fine("programs", "all that a deploy needs")] } else { missing }
}

fn standing_in_the_way(check: &str, Obstacle { why, hint }: Obstacle) -> Finding {
    Finding::bad(check, Grade::Trouble, why, hint)
}

fn rights(seen: &Seen, deployed: &Deployed<'_>) -> Finding {
    let Some(obstacle) = fit::writing(seen) else {
        return Finding::fine("rights", format!("{} may write in {}", seen.user, seen.root));
    };
    let (root, user) = ((deployed.word)(&seen.root), (deployed.word)(&seen.user));
    let command = format!("mkdir -p {root} && chown -R {user} {root} && chmod -R u+rwX {root}");
    let mut finding = standing_in_the_way("rights", obstacle);
    finding.hints.push(Hint::command("as root on that host", command));
    finding
}

fn disk(seen: &Seen) -> Finding {
    let free = seen.free_kib.saturating_mul(1024);
    match free < ROOM {
        false => Finding::fine("disk", format!("{} are free", size(free))),
        true => Finding::bad(
            "disk",
            Grade::Warning,
            format!("{} are free at {}", size(free), seen.root),
            Hint::text("make room there; `--clean-deploy` on the next deploy removes old releases"),
        ),
    }
}

fn fits(manifest: &Manifest, seen: &Seen) -> Finding {
    let title = manifest.title();
    match fit::platform(&manifest.platform, &seen.platform).into_iter().next() {
        None => Finding::fine("system", format!("{title} can run here")),
        Some(Obstacle { why, hint }) => Finding::bad("system", Grade::Trouble, format!("{title} can't run here: {why}"), hint),
    }
}

fn leftovers(seen: &Seen, target: &TargetSettings) -> Vec<Finding> {
    let (has, keeps) = (seen.installed.len(), target.keep_releases as usize);
    let mut findings = Vec::new();
    if !seen.unfinished.is_empty() {
        let versions: Vec<&str> = seen.unfinished.iter().map(|one| one.version.as_str()).collect();
        let text = format!("a deploy or removal of {} was interrupted", versions.join(", "));
        let hint = Hint::text("the next deploy finishes or removes it; until then it only takes room");
        findings.push(Finding::bad("releases", Grade::Warning, text, hint));
    }
    // One more is there after a deploy that kept the one that served before.
    if has > keeps + 1 {
        let text = format!("{has} releases are there, and {keeps} are to be kept");
        findings.push(Finding::bad(
            "releases",
            Grade::Warning,
            text,
            Hint::text("the next deploy removes those that nothing needs"),
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::fine("releases", if has == 0 { "none yet".to_owned() } else { format!("{has} are there") }));
    }
    findings
}

fn node(seen: &Seen) -> Vec<Finding> {
    let node = &seen.node;
    let mut findings = Vec::new();
    if !node.others.is_empty() {
        let pids: Vec<String> = node.others.iter().map(u32::to_string).collect();
        let text = format!("beside the node, process {} serves the same release root", pids.join(", "));
        findings.push(Finding::bad("node", Grade::Warning, text, Hint::text("end the one that nobody needs")));
    }
    if let Some(from) = &node.upgraded_from {
        let text = format!("it was upgraded from {from}, and nobody made that permanent: a restart goes back");
        let hint = Hint::text("upgrade to that version once more, which makes it permanent, or `edeliver rollback`");
        findings.push(Finding::bad("node", Grade::Warning, text, hint));
    }
    let state = node.state.word();
    findings.extend(match node.state {
        NodeState::Down if seen.permanent.is_some() => Some(Finding::fine("node", "it is down")),
        NodeState::Down => None,
        NodeState::Running | NodeState::Starting if findings.is_empty() => Some(Finding::fine("node", state)),
        NodeState::Running | NodeState::Starting => None,
        _ => {
            Some(Finding::bad("node", Grade::Warning, format!("it is {state}"), Hint::text("docs/states.md says what that means")))
        }
    });
    findings
}

fn service(seen: &Seen, unit: &Unit, target: &TargetSettings) -> Option<Finding> {
    let up = !matches!(seen.node.state, NodeState::Down);
    let notes = seen.unit.as_ref()?.notes(unit, up);
    Some(match notes.is_empty() {
        true => Finding::fine("unit", unit.describe()),
        false => {
            let hint = Hint::command("this writes the unit", format!("edeliver setup {}", target.name));
            Finding::bad("unit", Grade::Warning, notes.join("; "), hint)
        }
    })
}

fn cookie(cookie: Cookie) -> Finding {
    let hint = |text: &str| Hint::text(text.to_owned());
    match cookie {
        Cookie { readable_by_all: true, .. } => Finding::bad(
            "cookie",
            Grade::Warning,
            "every login of the host can read releases/COOKIE, and so run code in the node",
            hint("take the right away: `chmod o-r releases/COOKIE`; deploys keep the file's rights"),
        ),
        Cookie { length, .. } if length < COOKIE => Finding::bad(
            "cookie",
            Grade::Warning,
            format!("it has {length} characters and may be guessed"),
            hint("let mix make one (`mix phx.gen.secret` or 40 random letters), and give all nodes of a cluster the same"),
        ),
        Cookie { .. } => Finding::fine("cookie", "long enough, and not for everybody"),
    }
}

/// Whoever can reach one of these and has the cookie runs code in the node.
fn doors(vitals: &Vitals) -> Option<Finding> {
    let epmd = vitals.epmd_port.filter(|port| vitals.open_ports.contains(port)).map(|port| format!("epmd (port {port})"));
    // Without its number, which is another one on each host: equal findings are told once.
    let node = (!vitals.node_ports.is_disjoint(&vitals.open_ports)).then(|| "ports of the node".to_owned());
    let open: Vec<String> = epmd.into_iter().chain(node).collect();
    if !open.is_empty() {
        let text = format!("open on every address: {}; a firewall can't be seen from here", open.join(", "));
        let hint = Hint::text(
            "let nobody but the cluster's nodes reach these ports, or bind them: `ERL_EPMD_ADDRESS=127.0.0.1`, and \
             `-kernel inet_dist_use_interface {127,0,0,1}` in vm.args; edeliver comes by ssh",
        );
        return Some(Finding::bad("ports", Grade::Warning, text, hint));
    }
    vitals.epmd_port.map(|_| Finding::fine("ports", "epmd and the node are not open to every address"))
}
