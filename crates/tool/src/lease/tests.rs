//! The lease of a host, with the real scripts behind the real wrapper.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use edeliver_core::lease::{Answer, Holder, Token};
use tempfile::TempDir;

use super::{fenced::fenced, script};
use crate::{
    node::Place,
    transport::{BOOTSTRAP, Call, Fronted, Local, Script, Transport, TransportError},
};

/// A host whose `/bin/sh` is this one.
struct Host {
    dir: TempDir,
    place: Place,
    transport: Arc<dyn Transport>,
}

fn hosts() -> [Host; 2] {
    ["dash", "busybox sh"].map(|sh| {
        let dir = tempfile::tempdir().unwrap();
        let shell = dir.path().join("shell");
        fs::write(&shell, format!("#!/bin/sh\n{}\n", BOOTSTRAP.replace("/bin/sh", sh))).unwrap();
        fs::set_permissions(&shell, PermissionsExt::from_mode(0o755)).unwrap();
        let root = dir.path().join("my apps/shop");
        let place = Place { root: root.to_str().unwrap().parse().unwrap(), app: "shop".parse().unwrap(), node: None };
        Host { dir, place, transport: Arc::new(Local::new().login_shell(shell)) }
    })
}

fn token(name: &str) -> Token {
    name.parse().unwrap()
}

impl Host {
    fn own(&self, file: &str) -> PathBuf {
        Path::new(self.place.root.as_str()).join(".edeliver").join(file)
    }
    /// As `lock hold` takes it: for good.
    async fn hold(&self, name: &str) -> Answer {
        let claimant = script::Claimant { token: token(name), who: format!("{name}@desk"), what: "a; 'test' $x".to_owned() };
        self.ask(claimant.args(&self.place, "hold")).await
    }
    async fn say(&self, verb: &str, name: &str) -> Answer {
        self.ask(script::args(&self.place, verb, &token(name))).await
    }
    async fn ask(&self, args: Vec<String>) -> Answer {
        script::answer(self.transport.run(script::call(args)).await)
    }
    /// A run's lease that was renewed so many seconds ago, in this life of the machine or another.
    fn left_behind(&self, name: &str, seconds: i64, boot: Option<&str>) {
        let read = |file: &str| fs::read_to_string(file).unwrap();
        let now: i64 = read("/proc/uptime").split('.').next().unwrap().parse().unwrap();
        let this = read("/proc/sys/kernel/random/boot_id");
        let (boot, at) = (boot.unwrap_or(this.trim()), now - seconds);
        fs::create_dir_all(self.own("")).unwrap();
        fs::write(self.own("lease"), format!("{name} run {boot} {at}\n{name}@laptop\ndeploy\n")).unwrap();
        fs::write(self.own("lease-beat"), format!("{name} {boot} {at} 7 yes\n")).unwrap();
    }
    fn fenced(&self, name: &str) -> Fronted {
        fenced(self.transport.clone(), &self.place, &token(name))
    }
}

fn holder(answer: Answer) -> Holder {
    match answer {
        Answer::Held(holder) => holder,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_lease_is_one_holders_until_it_is_let_go_of_and_only_by_that_one() {
    for host in hosts() {
        assert_eq!(host.say("look", "a").await, Answer::Nobody);
        assert!(!Path::new(host.place.root.as_str()).exists(), "looking changes nothing");
        assert_eq!(host.hold("a").await, Answer::Ours);
        assert_eq!(host.hold("a").await, Answer::Ours, "the same root under another name");
        for answer in [host.hold("b").await, host.say("renew", "b").await, host.say("drop", "b").await, host.say("look", "b").await]
        {
            let holder = holder(answer);
            assert_eq!((holder.token, holder.who.as_str(), holder.what.as_str()), (token("a"), "a@desk", "a; 'test' $x"));
            assert!(holder.age.is_some_and(|age| age < Duration::from_secs(60)), "{:?}", holder.age);
        }
        assert_eq!(host.say("renew", "a").await, Answer::Ours);
        assert_eq!(host.say("drop", "a").await, Answer::Nobody);
        assert_eq!(host.say("renew", "a").await, Answer::Nobody, "what was let go of is not taken again by renewing");
        assert_eq!(host.hold("b").await, Answer::Ours);
        let mut left: Vec<_> = fs::read_dir(host.own("")).unwrap().map(|file| file.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["lease", "lease-beat"]);
        drop(host.dir);
    }
}

#[tokio::test]
async fn who_does_not_know_yet_what_there_is_to_do_disturbs_nobody() {
    for host in hosts() {
        assert_eq!(host.say("early", "a").await, Answer::Nobody);
        assert!(!Path::new(host.place.root.as_str()).exists(), "nothing is made for it");
        fs::create_dir_all(host.own("")).unwrap();
        let nobody_is_disturbed = async |what: &str| {
            assert_eq!(host.say("early", "b").await, Answer::Nobody, "{what}");
        };
        host.left_behind("a", 1, None);
        nobody_is_disturbed("somebody has it").await;
        host.left_behind("a", 17, None);
        nobody_is_disturbed("somebody had it until a moment ago").await;
        assert_eq!(host.hold("a").await, Answer::Ours);
        assert_eq!(host.say("drop", "a").await, Answer::Nobody);
        for left in ["guard", "lease-step.a.1-1-1"] {
            fs::write(host.own(left), "a 1-1-1\n").unwrap();
            nobody_is_disturbed(left).await;
            assert!(host.own(left).exists());
            fs::remove_file(host.own(left)).unwrap();
        }
        assert_eq!(host.say("early", "b").await, Answer::Ours);
        assert_eq!(holder(host.say("look", "a").await).token, token("b"));
    }
}

#[tokio::test]
async fn the_uptime_of_the_host_ends_a_lease_and_nothing_else() {
    for host in hosts() {
        host.left_behind("a", 11, None);
        let held = holder(host.hold("b").await);
        assert!(held.settled && held.left.is_some_and(|left| left <= Duration::from_secs(4)), "{held:?}");
        for (seconds, boot) in [(17, None), (0, Some("another-life")), (-9_999_999, None)] {
            // This machine has been up for longer than a lease lasts.
            host.left_behind("a", seconds, boot);
            assert_eq!(host.say("look", "b").await, Answer::Nobody, "{seconds} {boot:?}");
            assert_eq!(host.hold("b").await, Answer::Ours, "{seconds} {boot:?}");
        }
        // A clock that somebody has set has no say.
        host.left_behind("a", 3, None);
        fs::File::open(host.own("lease-beat")).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(holder(host.hold("b").await).token, token("a"));
        // Torn by a power loss.
        fs::write(host.own("lease"), "").unwrap();
        assert_eq!(host.hold("b").await, Answer::Ours);
    }
}

#[tokio::test]
async fn a_script_of_a_run_without_the_lease_does_nothing() {
    const TOUCH: Script = Script { name: "touch", text: "printf '%s|' \"$@\" >\"$1\"; exit 3" };
    for host in hosts() {
        assert_eq!(host.hold("a").await, Answer::Ours);
        let file = host.dir.path().join("touched");
        let call = || Call::new(TOUCH, [file.to_str().unwrap(), "two words", ""], Duration::from_secs(20));
        let refused = host.fenced("b").run(call()).await;
        assert!(matches!(&refused, Err(TransportError::Fenced { by }) if by == "a@desk"), "{refused:?}");
        assert!(!file.exists());
        assert_eq!(host.fenced("a").run(call()).await.unwrap().status, 3);
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("{}|two words||", file.display()));
        host.say("drop", "a").await;
        let refused = host.fenced("a").run(call()).await;
        assert!(matches!(&refused, Err(TransportError::Fenced { by }) if by == "nobody"), "{refused:?}");
    }
}

#[tokio::test]
async fn who_takes_over_ends_what_the_earlier_holder_still_does() {
    const SLOW: Script = Script { name: "slow", text: "echo begun >\"$1/begun\"; sleep 30; echo late >\"$1/late\"" };
    for host in hosts() {
        host.left_behind("a", 60, None);
        let fenced = host.fenced("a");
        let dir = host.dir.path().to_str().unwrap().to_owned();
        let slow = tokio::spawn(async move { fenced.run(Call::new(SLOW, [dir], Duration::from_secs(60))).await });
        while !host.dir.path().join("begun").exists() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(host.hold("b").await, Answer::Ours);
        let ended = slow.await.unwrap();
        assert!(ended.as_ref().is_ok_and(|reply| reply.status > 128), "{ended:?}");
        assert!(!host.dir.path().join("late").exists());
    }
}
