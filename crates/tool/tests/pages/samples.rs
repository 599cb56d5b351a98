//! Runs over fleets of any size.

use std::time::Duration;

use edeliver_core::{
    event::{Event, EventKind, HostOutcome, HostResult, Outcome, SCHEMA},
    hint::Hint,
    name::{HostName, Version},
    plan::{HostPlan, Plan, Precondition, Verdict},
    step::{Activate, Prune, Stage, Step},
    strategy::Rollout,
};

/// Steps of one host.
pub(crate) const STEPS: usize = 10;

/// Seconds since 1970.
const BEGUN: u64 = 1_795_717_800;

struct Told(Vec<Event>);

impl Told {
    fn say(&mut self, elapsed_ms: u64, host: Option<&HostName>, kind: EventKind) {
        self.0.push(Event { v: SCHEMA, seq: 0, elapsed_ms, host: host.cloned(), kind });
    }
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn steps() -> Vec<Step> {
    let seconds = Duration::from_secs;
    let path = |path: &str| path.parse().unwrap();
    let hook = |name: &str| Step::Hook { name: name.to_owned() };
    let stage = Stage {
        version: version("1.5.0"),
        manifest: serde_json::from_value(serde_json::json!("0".repeat(64))).unwrap(),
        send: vec![],
        copy: vec![],
        twins: vec![],
        links: vec![],
        empty_dirs: vec![],
        place: vec![],
        dirs: vec![],
        packing: edeliver_core::step::Packing::Gzip,
        timeout: seconds(60),
    };
    let activate = |to: &str| {
        Step::Activate(Activate {
            version: version(to),
            from: None,
            previous: None,
            start_erl: None,
            releases_file: String::new(),
            decides: path("releases/start_erl.data"),
        })
    };
    vec![
        hook("pre_extract_release_archive"),
        Step::Stage(stage),
        hook("post_extract_release_archive"),
        Step::Stop { version: Some(version("1.4.2")), timeout: seconds(30), unit: None, guard: None },
        activate("1.5.0"),
        hook("pre_start_deployed_release"),
        Step::Start { version: version("1.5.0"), timeout: seconds(60), unit: None },
        hook("post_start_deployed_release"),
        Step::Prune(Prune { versions: vec![version("1.3.0")], dirs: vec![], releases_file: String::new() }),
        hook("post_erlang_deployed"),
    ]
}

fn undo() -> Vec<Step> {
    let mut steps = steps();
    let Step::Activate(back) = &mut steps[4] else { panic!("the plan is another") };
    back.version = version("1.4.2");
    let start = Step::Start { version: version("1.4.2"), timeout: Duration::from_secs(60), unit: None };
    vec![steps[4].clone(), start]
}

/// From this many hosts on there is a canary, then a tenth, then all others.
const WAVES_FROM: usize = 50;

/// Which wave a host is in, from 0.
fn wave_of(number: usize, of: usize) -> usize {
    match number {
        _ if of < WAVES_FROM => 0,
        1 => 0,
        _ if number <= of / 10 + 1 => 1,
        _ => 2,
    }
}

/// When a wave begins: it takes a dozen seconds.
fn begins(wave: usize) -> u64 {
    31_400 + 12_000 * wave as u64
}

fn waves(of: usize) -> Vec<Vec<HostName>> {
    let wave = |wave| (1..=of).filter(|number| wave_of(*number, of) == wave && !number.is_multiple_of(60)).map(name).collect();
    if of < WAVES_FROM { vec![wave(0)] } else { (0..3).map(wave).collect() }
}

fn waves_told(told: &mut Told, of: usize) {
    let waves = waves(of);
    for (at, hosts) in waves.iter().enumerate().filter(|_| waves.len() > 1) {
        let (number, of) = (at + 1, waves.len());
        told.say(begins(at), None, EventKind::WaveStarted { number, of, hosts: hosts.clone() });
        told.say(begins(at) + 11_900, None, EventKind::WaveFinished { number, of, failed: at });
    }
}

pub(crate) fn name(number: usize) -> HostName {
    let place = ["fra", "ams", "nyc", "sin"][number % 4];
    format!("web{number:03}.{place}.example.org").parse().unwrap()
}

/// A deploy to so many hosts. Every 37th fails to start and goes back, every 90th is lost, every 60th can't be asked.
pub(crate) fn deploy(hosts: usize) -> Vec<Event> {
    let mut told = Told(Vec::new());
    let title = "deploy shop 1.5.0 to production".to_owned();
    let command = "edeliver deploy release to production --version=1.5.0 --start-deploy";
    told.say(
        0,
        None,
        EventKind::RunStarted {
            run: "20261126-183000-0c11".parse().unwrap(),
            title: title.clone(),
            unix: BEGUN,
            command: command.split(' ').map(str::to_owned).collect(),
            recorded: true,
            by: Some("ada@laptop".to_owned()),
            target: Some("production".parse().unwrap()),
        },
    );
    let warning = "the working tree has changes that are not part of the commit".to_owned();
    told.say(2, None, EventKind::Warning { text: warning, hints: vec![Hint::command("look at them", "git status")] });
    told.say(9, None, EventKind::Waiting { what: format!("asking {hosts} hosts") });
    let plans = (1..=hosts).map(plan).collect();
    let (target, format) = (Some("production".parse().unwrap()), edeliver_core::plan::FORMAT);
    let rollout = Rollout { waves: waves(hosts), ..Rollout::default() };
    let plan = Plan { format, title, target, release: None, before: vec![], hosts: plans, rollout, after: vec![] };
    told.say(1_310, None, EventKind::Planned { plan, only_shown: false });
    let rows: Vec<HostOutcome> = (1..=hosts).map(|number| host(&mut told, number, hosts)).collect();
    waves_told(&mut told, hosts);
    told.0.sort_by_key(|event| event.elapsed_ms);
    let end = told.0.last().unwrap().elapsed_ms + 40;
    let exit_code = if rows.iter().all(|row| row.result == HostResult::Done) { 0 } else { 8 };
    told.say(end, None, EventKind::RunFinished { outcome: Outcome { hosts: rows, exit_code, interrupted: false } });
    for (seq, event) in told.0.iter_mut().enumerate() {
        event.seq = seq as u64;
    }
    told.0
}

fn plan(number: usize) -> HostPlan {
    let unreachable = number.is_multiple_of(60);
    let hints = vec![Hint::command("try it", format!("ssh deploy@{} true", name(number)))];
    let old = Some(version("1.4.2"));
    let seen = Precondition {
        permanent: old.clone(),
        running: old,
        upgraded: None,
        node: serde_json::from_str("\"running\"").unwrap(),
        drained: false,
    };
    HostPlan {
        host: name(number),
        expect: if unreachable { Precondition::default() } else { seen },
        verdict: if unreachable { Verdict::Unreachable { hints } } else { Verdict::Change },
        reasons: if unreachable {
            vec!["ssh: connect to host port 22: No route to host".to_owned()]
        } else {
            vec!["1.4.2 runs and boots".to_owned(), "31 of 1914 files travel (212 KB)".to_owned(), "it is restarted".to_owned()]
        },
        steps: if unreachable { vec![] } else { steps() },
        undo: if unreachable { vec![] } else { undo() },
    }
}

fn host(told: &mut Told, number: usize, of: usize) -> HostOutcome {
    let host = name(number);
    let (result, summary) = match number {
        _ if number.is_multiple_of(60) => (HostResult::Skipped, "ssh: connect to host port 22: No route to host"),
        _ if number.is_multiple_of(90) => (HostResult::Unknown, "the link was lost in: start 1.5.0"),
        _ if number.is_multiple_of(37) => (HostResult::Failed, "start 1.5.0 failed; 1.4.2 runs again"),
        _ => (HostResult::Done, "1.5.0 running"),
    };
    let mut at = begins(wave_of(number, of)) + (number % 7) as u64 * 60;
    if result != HostResult::Skipped {
        at = work(told, &host, number, result, at);
    }
    told.say(at, Some(&host), EventKind::HostFinished { result, summary: summary.to_owned() });
    HostOutcome { host, result, summary: summary.to_owned() }
}

fn work(told: &mut Told, host: &HostName, number: usize, result: HostResult, mut at: u64) -> u64 {
    let lasting = [120, 900, 60, 2_100, 90, 40, 2_600, 80, 150, 50];
    for (index, step) in steps().iter().enumerate() {
        let (what, took_ms) = (step.describe(), lasting[index] + (number * 37 * (index + 3) % 400) as u64);
        told.say(at, Some(host), EventKind::StepStarted { index, what: what.clone() });
        if index == 6 {
            told.say(at + 200, Some(host), EventKind::StepOutput { line: "Booting shop on this node".to_owned() });
        }
        at += took_ms;
        match result {
            HostResult::Done => {
                let note = (index == 1).then(|| "sent 212 KB in 31 files".to_owned());
                told.say(at, Some(host), EventKind::StepFinished { index, what, took_ms, note });
            }
            _ if index < 6 => told.say(at, Some(host), EventKind::StepFinished { index, what, took_ms, note: None }),
            HostResult::Unknown => return at,
            _ => {
                fail(told, host, index, what, at);
                return back(told, host, at);
            }
        }
    }
    at
}

fn fail(told: &mut Told, host: &HostName, index: usize, what: String, at: u64) {
    let log = format!("ssh deploy@{host} tail -n 50 /srv/shop/log/erlang.log.1");
    let failed = EventKind::StepFailed {
        index,
        what,
        causes: vec!["the node did not come up within 60 s".to_owned(), "it ended with status 1".to_owned()],
        output: vec![
            "=CRASH REPORT==== 26-Nov-2026::18:30:41.220113 ===".to_owned(),
            "  exception error: no case clause matching {error,enoent}".to_owned(),
            "    in function  'Elixir.Shop.Application':start/2 (lib/shop/application.ex, line 12)".to_owned(),
            "Kernel pid terminated (application_controller) ({application_start_failure,shop,{bad_return,…}})".to_owned(),
        ],
        hints: vec![Hint::command("look at its log", log)],
    };
    told.say(at, Some(host), failed);
}

fn back(told: &mut Told, host: &HostName, mut at: u64) -> u64 {
    for (place, step) in undo().iter().enumerate() {
        let (index, what, took_ms) = (STEPS + place, step.describe(), 400 + 1_200 * place as u64);
        told.say(at, Some(host), EventKind::StepStarted { index, what: what.clone() });
        at += took_ms;
        told.say(at, Some(host), EventKind::StepFinished { index, what, took_ms, note: None });
    }
    at
}
