//! Worktrees that one build owns at a time.

use std::{fs, os::unix::process::CommandExt as _, process::Command};

use super::{super::scripts, *};
use crate::transport::Call;

#[tokio::test]
async fn two_builds_at_once_do_not_disturb_each_other() {
    let host = Host::new();
    let sample = host.elixir();
    Build::of(&sample, &host).run().await.manifest();
    let (one, two) = (Build::of(&sample, &host), Build::of(&sample, &host));
    let (one, two) = tokio::join!(one.run(), two.run());
    assert_eq!(one.manifest().id(), two.manifest().id());
}

#[tokio::test]
async fn builds_that_begin_at_the_same_moment_get_worktrees_of_their_own() {
    let host = Host::new();
    let own = host.at.join(".edeliver/hotapp");
    let lease = || Lease::begin(Arc::new(Local::new()), own.to_str().unwrap(), "key", &next_run());
    let mut leases: Vec<Lease> = (1..=6).map(|_| lease()).collect();
    let mut slots = Vec::new();
    for lease in &mut leases {
        slots.push(lease.slot().await.unwrap());
    }
    slots.sort();
    let all = slots.len();
    slots.dedup();
    assert_eq!(slots.len(), all, "{slots:?}");
    for lease in leases {
        lease.release().await;
    }
    // All of them are free again.
    let mut next = lease();
    assert!(next.slot().await.unwrap().ends_with("/1"));
    next.release().await;
}

#[tokio::test]
async fn builds_that_begin_at_the_same_moment_share_one_repository() {
    let host = Host::new();
    for round in 0..16 {
        let base = &host.dir.path().join(format!("base{round}")).display().to_string();
        let begin = |number: u64| async move {
            // One after the other by no more than a script takes, so that they meet at every place of it.
            tokio::time::sleep(Duration::from_millis(number * round)).await;
            let args = [base.as_str(), "hotapp", "", "repo.git"];
            let here = Local::new();
            let prepared = here.run(Call::new(scripts::PREPARE, args, Duration::from_secs(60))).await.unwrap();
            // What comes next in every build.
            let repository = format!("{base}/.edeliver/hotapp/repo.git");
            let asked = Command::new("git").args(["--git-dir", &repository, "rev-parse", "--is-bare-repository"]).output().unwrap();
            (prepared.status, prepared.tail, asked.status.success())
        };
        let [one, two, three, four] = [0, 1, 2, 3].map(begin);
        let (one, two, three, four) = tokio::join!(one, two, three, four);
        for (status, tail, is_there) in [one, two, three, four] {
            assert!(status == 0 && is_there, "{status} {tail:?}");
        }
    }
}

#[tokio::test]
async fn a_new_worktree_begins_with_what_another_has() {
    let host = Host::new();
    let sample = host.elixir();
    let first = Build::of(&sample, &host).run().await;
    let busy = hold(&host, &first).await;
    let second = Build::of(&sample, &host).run().await;
    assert_ne!(second.slot, first.slot);
    assert!(second.notes.contains(&format!("check out {}: begun with copies of 1", &head(&sample)[..7])), "{:?}", second.notes);
    assert!(second.compiled().is_empty(), "{:?}", second.compiled());
    assert_eq!(second.manifest().id(), first.manifest().id());
    busy.release().await;
}

#[tokio::test]
async fn a_worktree_is_free_again_when_its_build_has_ended_or_died() {
    let host = Host::new();
    let sample = host.elixir();
    let first = Build::of(&sample, &host).run().await;
    assert!(fs::read_dir(Path::new(&first.slot).join("claims")).unwrap().next().is_none(), "a build that ended leaves no claim");
    let busy = hold(&host, &first).await;
    // As if this program were killed: nobody says a word to the holder.
    drop(busy);
    assert_eq!(Build::of(&sample, &host).run().await.slot, first.slot);
}

#[tokio::test]
async fn claims_of_the_dead_do_not_count() {
    let host = Host::new();
    let sample = host.elixir();
    let first = Build::of(&sample, &host).run().await;
    let claims = Path::new(&first.slot).join("claims");
    // A process that never was; one that leads a group, with another start: its number was used before a reboot.
    let mut leader = Command::new("sleep").arg("300").process_group(0).spawn().unwrap();
    let claim = |run: &str, pid: u32| format!("hold.20250101-000000-{run}.{pid}.0a0a0a0a-1");
    for dead in [claim("0009", 4_194_303), claim("0008", leader.id())] {
        fs::write(claims.join(dead), "").unwrap();
    }
    let slot = Build::of(&sample, &host).run().await.slot;
    leader.kill().unwrap();
    leader.wait().unwrap();
    assert_eq!(slot, first.slot);
    assert_eq!(fs::read_dir(claims).unwrap().count(), 0);
}

#[tokio::test]
async fn a_build_that_lost_its_worktree_stops() {
    let host = Host::new();
    let sample = host.elixir();
    sample.write("lib/slow.ex", "defmodule Slow do\n  Process.sleep(20_000)\nend\n").unwrap();
    sample.commit("slow").unwrap();
    let claims = host.at.join(".edeliver/hotapp/slots/mix-prod-otp25.2.3-elixir1.14.0/1/claims");
    let build = Build::of(&sample, &host);
    let interfering = async {
        let hold = loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let names =
                fs::read_dir(&claims).map(|dir| dir.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect());
            let names: Vec<String> = names.unwrap_or_default();
            if names.iter().any(|name| name.starts_with("call.")) {
                break names.into_iter().find(|name| name.starts_with("hold.")).unwrap();
            }
        };
        tokio::time::sleep(Duration::from_secs(1)).await;
        let pid: i32 = hold.split('.').nth(2).unwrap().parse().unwrap();
        rustix::process::kill_process_group(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL).unwrap();
    };
    let begun = std::time::Instant::now();
    let (outcome, ()) = tokio::join!(build.run(), interfering);
    assert!(outcome.result.is_err());
    assert!(begun.elapsed() < Duration::from_secs(15), "it noticed only after {:?}", begun.elapsed());
}

/// Processes of this build host's user whose command line is this.
fn running(command: &str) -> usize {
    let lines = fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.unwrap().path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).trim_end_matches('\0').replace('\0', " ").ends_with(command)).count()
}

#[tokio::test]
async fn what_a_build_has_started_ends_with_it_even_in_a_process_group_of_its_own() {
    let host = Host::new();
    let sample = host.elixir();
    let sleep = format!("sleep 61.{}", std::process::id());
    let slow = "defmodule Slow do\n  System.cmd(\"sleep\", [\"SECONDS\"])\nend\n".replace("SECONDS", &sleep[6..]);
    sample.write("lib/slow.ex", &slow).unwrap();
    sample.commit("slow").unwrap();
    let build = Build::of(&sample, &host);
    let begun = async {
        while running(&sleep) == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        _ = build.run() => panic!("it ended by itself"),
        () = begun => {}
    }
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if running(&sleep) == 0 {
            return;
        }
    }
    panic!("{sleep} still runs");
}

#[tokio::test]
async fn a_checkout_that_was_killed_is_mended() {
    let host = Host::new();
    let sample = host.elixir();
    let first = Build::of(&sample, &host).run().await;
    let own = host.at.join(".edeliver/hotapp");
    let admin = fs::read_dir(own.join("repo.git/worktrees")).unwrap().next().unwrap().unwrap().path();
    fs::write(admin.join("index.lock"), "").unwrap();
    let id = first.manifest().id();
    assert_eq!(Build::of(&sample, &host).run().await.manifest().id(), id, "with a lock left behind");
    fs::remove_dir_all(&admin).unwrap();
    assert_eq!(Build::of(&sample, &host).run().await.manifest().id(), id, "with a worktree that git has forgotten");
    fs::remove_dir_all(own.join("repo.git")).unwrap();
    assert_eq!(Build::of(&sample, &host).run().await.manifest().id(), id, "with the repository gone");
}

#[tokio::test]
async fn two_applications_share_a_build_folder() {
    let host = Host::new();
    let elixir = samples::elixir(&host.dir.path().join("a"), "0.1.0").unwrap();
    let erlang = samples::erlang(&host.dir.path().join("b"), "0.1.0").unwrap();
    let (one, two) = (Build::of(&elixir, &host), Build::of(&erlang, &host));
    let (one, two) = tokio::join!(one.run(), two.run());
    assert_eq!([one.manifest().title(), two.manifest().title()], ["hotapp 0.1.0", "relapp 0.1.0"]);
}

fn head(sample: &Sample) -> String {
    sample.git(&["rev-parse", "HEAD"]).unwrap()
}

/// Holds the slot that a build has used.
async fn hold(host: &Host, build: &Outcome) -> Lease {
    let key = build.slot.rsplit('/').nth(1).unwrap();
    let own = host.at.join(".edeliver/hotapp");
    let mut lease = Lease::begin(Arc::new(Local::new()), own.to_str().unwrap(), key, &next_run());
    assert_eq!(lease.slot().await.unwrap(), build.slot);
    lease
}
