//! The agent of hot upgrades (`crates/tool/agent`), each promise in a real node of its own. The cases are Erlang: `agent_cases.erl`.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// The cases and the agent, compiled once for all tests.
fn compiled() -> &'static Path {
    static DIR: OnceLock<tempfile::TempDir> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a directory");
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sources = ["agent/edeliver_agent.erl", "tests/agent/agent_lab.erl", "tests/agent/agent_cases.erl"];
        let done =
            Command::new("erlc").arg("+deterministic").arg("-o").arg(dir.path()).args(sources.map(|s| here.join(s))).status();
        assert!(done.expect("erlc").success(), "the cases do not compile");
        dir
    })
    .path()
}

fn case(name: &str) {
    let root = tempfile::tempdir().expect("a directory");
    let out = Command::new("timeout")
        .args(["60", "erl", "-noshell", "-boot", "start_sasl", "-kernel", "logger_level", "none", "-pa"])
        .arg(compiled())
        .args(["-s", "agent_cases", "run", "-extra", name])
        .env("LAB_ROOT", root.path())
        .output()
        .expect("erl");
    let told = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    println!("{told}");
    assert!(out.status.success() && told.contains("case passed"), "{told}");
}

/// What is embedded is what the source says. To renew it: `erlc +deterministic -o crates/tool/agent crates/tool/agent/edeliver_agent.erl`, by OTP 25.
#[test]
fn the_embedded_agent_is_compiled_from_its_source() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fresh = std::fs::read(compiled().join("edeliver_agent.beam")).expect("a beam");
    let kept = std::fs::read(here.join("agent/edeliver_agent.beam")).expect("a beam");
    assert!(fresh == kept, "agent/edeliver_agent.beam is older than its source");
}

macro_rules! cases {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            case(stringify!($name));
        }
    )*};
}

cases! {
    a_workers_state_is_migrated
    a_revert_takes_todays_state_along
    a_code_change_that_raises_leaves_everything_as_before
    a_code_change_that_returns_an_error_leaves_everything_as_before
    nobody_confirms_and_the_upgrade_goes_back
}
