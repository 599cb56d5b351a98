//! A build host whose tools are busybox's, as on Alpine.

use std::{fs, os::unix::fs::symlink, process::Command};

use super::*;

/// A folder with all of busybox's tools and, from this machine, just what it takes to build.
fn path(host: &Host) -> String {
    let dir = host.dir.path().join("bin");
    fs::create_dir(&dir).unwrap();
    let listed = Command::new("busybox").arg("--list").output().expect("busybox is installed").stdout;
    let find = |name: &str| {
        let place = |dir: PathBuf| Some(dir.join(name)).filter(|path| path.is_file());
        std::env::split_paths(&std::env::var_os("PATH").unwrap()).find_map(place).unwrap_or_else(|| panic!("no {name}"))
    };
    for applet in String::from_utf8(listed).unwrap().lines() {
        symlink(find("busybox"), dir.join(applet)).unwrap();
    }
    for program in ["git", "erl", "elixir", "mix", "rebar3", "escript"] {
        let _ = fs::remove_file(dir.join(program));
        symlink(find(program).canonicalize().unwrap(), dir.join(program)).unwrap();
    }
    dir.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn busybox_is_enough() {
    for make in [samples::elixir, samples::erlang] {
        let (host, usual) = (Host::named("a folder"), Host::new());
        let sample = make(&host.dir.path().join("source"), "0.1.0").unwrap();
        let mut build = Build::of(&sample, &host);
        build.path = Some(path(&host));
        let first = build.run().await.manifest();
        assert_eq!(first.id(), Build::of(&sample, &usual).run().await.manifest().id());
        sample.set_version("0.2.0").unwrap();
        build.run = next_run();
        assert_eq!(build.run().await.manifest().version.as_str(), "0.2.0");
    }
}

#[test]
fn the_scripts_are_understood_by_all_shells() {
    use super::super::scripts::{CHECKOUT, COLLECT, DESCRIBE, FACTS, HOLD, PREPARE, RUN, SUBMODULES};
    for shell in [&["dash"][..], &["busybox", "sh"], &["bash", "--posix"]] {
        for script in [FACTS, PREPARE, HOLD, CHECKOUT, SUBMODULES, RUN, DESCRIBE, COLLECT] {
            let mut command = Command::new(shell[0]);
            let checked = command.args(&shell[1..]).args(["-n", "-c", script.text]).output().unwrap();
            assert!(checked.status.success(), "{shell:?} {}: {}", script.name, String::from_utf8_lossy(&checked.stderr));
        }
    }
}
