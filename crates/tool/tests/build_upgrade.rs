//! `diff` and `build upgrade` by the real program, on releases that mix builds.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod program;

use edeliver::store::Store;
use edeliver_core::{
    config::StoreSettings,
    release::{Author, Upgrade},
};
use edeliver_lab::samples::{self, Sample};
use program::{Done, Program};
use serde_json::Value;

struct Project {
    program: Program,
    sample: Sample,
}

impl Project {
    /// The Elixir sample with versions 0.1.0 and 0.2.0 tagged, built on this machine.
    fn new() -> Self {
        let program = Program::new();
        let sample = samples::elixir(&program.project(), "0.1.0").unwrap();
        sample.set_version("0.2.0").unwrap();
        let builds = program.project().parent().unwrap().join("builds").display().to_string();
        let build = format!("[build]\nhost = \"localhost\"\ntransport = \"local\"\npath = {builds:?}\n");
        program.write(
            "edeliver.toml",
            &format!("app = \"hotapp\"\n{build}[targets.staging]\npath = \"/srv\"\nhosts = [\"a.example.com\"]\n"),
        );
        Self { program, sample }
    }
    #[track_caller]
    fn done(&self, arguments: &[&str]) -> Done {
        let done = self.program.run(arguments);
        assert_eq!(done.code, 0, "{arguments:?}: {}{}", done.out, done.err);
        done
    }
    fn upgrade(&self, to: &str) -> Upgrade {
        let settings = StoreSettings { path: self.program.project().join(".deliver"), archive: true };
        Store::open(&settings, &"hotapp".parse().unwrap()).unwrap().upgrade(&to.parse().unwrap()).unwrap()
    }
}

/// The verdicts among the events of a command with `--json`.
fn verdicts(done: &Done) -> Vec<String> {
    let events = done.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .filter(|event| event["event"] == "judged")
        .map(|event| event["judgement"]["verdict"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn from_two_revisions_to_a_relup_between_their_releases() {
    let project = Project::new();
    let built = project.done(&["build", "upgrade", "--from=v0.1.0", "--to=v0.2.0"]);
    assert!(built.err.contains("the store has the relup to hotapp 0.2.0, from 0.1.0"), "{}", built.err);
    let upgrade = project.upgrade("0.2.0");
    assert_eq!((upgrade.from.len(), upgrade.author), (1, Author::Generated));
    assert!(upgrade.relup.contains("{load,{'Elixir.Hotapp.Version',brutal_purge,brutal_purge}}"), "{}", upgrade.relup);

    // The classic archive has the whole release, the relup, and what it needs.
    let archive = project.program.project().join(".deliver/releases/hotapp_0.2.0.upgrade.tar.gz");
    let listed = project.program.shell(&format!("tar -tzf {}", archive.display())).out;
    for file in ["bin/hotapp", "releases/0.2.0/relup", "releases/0.2.0/edeliver_agent.beam"] {
        assert!(listed.lines().any(|line| line == file), "{file}: {listed}");
    }

    let shown = project.done(&["show", "relup", archive.to_str().unwrap()]);
    assert_eq!(shown.out, upgrade.relup);
    let none = project.program.run(&["show", "relup", "edeliver.toml"]);
    assert!(none.code == 2 && none.err.contains("can't show edeliver.toml"), "{}", none.err);

    // As a folder, in which the relup may be changed and nothing else.
    let dir = std::path::PathBuf::from(project.done(&["unpack", "upgrade"]).out.trim());
    let relup = dir.join("releases/0.2.0/relup");
    std::fs::write(&relup, upgrade.relup.replace("brutal_purge", "soft_purge")).unwrap();
    project.done(&["pack", "upgrade", "--force"]);
    assert_eq!((project.upgrade("0.2.0").relup.contains("soft_purge"), project.upgrade("0.2.0").author), (true, Author::Edited));
    std::fs::write(&relup, "nonsense").unwrap();
    let refused = project.program.run(&["pack", "upgrade", "-F"]);
    assert!(refused.code == 2 && refused.err.contains("the relup stays as it was"), "{}", refused.err);
    std::fs::write(dir.join("bin/hotapp"), "").unwrap();
    let refused = project.program.run(&["pack", "upgrade", "-F"]);
    assert!(refused.code == 2 && refused.err.contains("bin/hotapp is not that of hotapp 0.2.0"), "{}", refused.err);

    // What is there is not made twice, and nobody is told otherwise.
    let again = project.done(&["build", "upgrade", "--with=0.1.0", "--version=0.2.0"]);
    assert!(again.err.contains("the store had the relup to hotapp 0.2.0, from 0.1.0"), "{}", again.err);

    // A version that the store has will do for --to, where git has no such revision.
    project.done(&["build", "upgrade", "--with=0.1.0", "--to=0.2.0"]);
    let same = project.program.run(&["build", "upgrade", "--with=0.2.0", "--version=0.2.0"]);
    assert!(same.code == 2 && same.err.contains("both releases have the version 0.2.0"), "{}", same.err);
    let absent = project.program.run(&["build", "upgrade", "--with=9.9.9", "--version=0.2.0"]);
    assert!(absent.code == 2 && absent.err.contains("9.9.9"), "{}", absent.err);
}

#[test]
fn a_release_that_takes_a_restart_gets_no_relup_and_says_why() {
    let project = Project::new();
    project.sample.git(&["rm", "-q", "config/runtime.exs"]).unwrap();
    project.sample.edit("mix.exs", "0.2.0", "0.3.0").unwrap();
    project.sample.commit("no configuration at run time any more").unwrap();
    project.done(&["build", "release", "--tag=v0.1.0"]);
    let refused = project.program.run(&["build", "upgrade", "--with=0.1.0"]);
    assert_eq!(refused.code, 4, "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("by a restart only") && refused.err.contains("provider"), "{}", refused.err);
    assert!(project.program.run(&["show", "relup", "--version=0.3.0"]).err.contains("no upgrade of hotapp to 0.3.0"));
    let diff = project.program.run(&["diff", "0.1.0", "0.3.0", "--json"]);
    assert_eq!((diff.code, verdicts(&diff)), (4, vec!["restart".to_owned()]));
    let planned = project.program.run(&["plan", "build", "upgrade", "--with=0.1.0", "--version=0.3.0"]);
    assert_eq!(planned.code, 4, "{}", planned.err);
}
