//! Hosts that somebody else is changing.

use std::{
    process::Command,
    task::Poll,
    time::{Duration, Instant},
};

use super::{faults::assert_failed, folder::SHELLS, hosts::Host, releases::Release};

/// A process that lives until it is dropped.
struct Living(std::process::Child);

impl Living {
    fn new() -> Self {
        Self(Command::new("sleep").arg("60").spawn().unwrap())
    }
    /// As root.sh names it.
    fn name(&self) -> String {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let start = stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap().to_owned();
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        format!("{}-{start}-{}", self.0.id(), boot.split('-').next().unwrap())
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_lock_is_respected_while_its_holder_lives() {
    join_all(SHELLS.into_iter().map(|shell| async move {
        let host = Host::new(shell);
        let release = Release::new("0.1.0");
        let plan = host.plan(&release, |_| {}).await;
        let holder = Living::new();
        std::fs::create_dir_all(host.root.join(".edeliver")).unwrap();
        std::os::unix::fs::symlink(holder.name(), host.root.join(".edeliver/lock")).unwrap();
        let began = Instant::now();
        let ran = host.apply(&plan, Some(&release)).await;
        assert_failed(&ran, 5, &format!("process {} is changing", holder.0.id()));
        assert!(began.elapsed() >= Duration::from_secs(29));
        assert!(host.has(".edeliver/lock") && !host.has("releases"));
        drop(holder);
        host.deploy(&release).await.assert_done();
        host.assert_tidy();
    }))
    .await;
}

#[tokio::test]
async fn a_lock_of_a_dead_holder_is_taken_over() {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let boot = boot.split('-').next().unwrap();
    // Gone; a process of the same number that began later; the same number and start before the machine was booted anew; nonsense.
    let dead = ["999999999-1-x".to_owned(), format!("1-999999999-{boot}"), "1-0-00000000".to_owned(), "nonsense".to_owned()];
    for shell in SHELLS {
        for holder in &dead {
            let host = Host::new(shell);
            std::fs::create_dir_all(host.root.join(".edeliver")).unwrap();
            std::os::unix::fs::symlink(holder, host.root.join(".edeliver/lock")).unwrap();
            // Somebody died while taking it over, too.
            std::os::unix::fs::symlink("999999998-1-x", host.root.join(format!(".edeliver/lock.{holder}"))).unwrap();
            host.deploy(&Release::new("0.1.0")).await.assert_done();
            host.assert_tidy();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_at_a_time_changes_a_host() {
    for shell in SHELLS {
        let host = Host::new(shell);
        host.deploy(&Release::new("0.1.0")).await.assert_done();
        // A dead holder, whom all of them want to bury.
        std::os::unix::fs::symlink("999999999-1-x", host.root.join(".edeliver/lock")).unwrap();
        let second = Release::new("0.2.0");
        let plan = host.plan(&second, |_| {}).await;
        let runs = (0..6).map(|_| host.apply(&plan, Some(&second)));
        let mut done = 0;
        for ran in join_all(runs).await {
            // Those that waited too long were refused; nobody saw anything half done.
            assert!([0, 5, 8, 9].contains(&ran.outcome.exit_code), "{:?}", ran.causes());
            done += usize::from(ran.outcome.exit_code == 0);
            let cause = ran.causes().last().cloned();
            assert!(cause.as_ref().is_none_or(|cause| cause.contains("is changing")), "{cause:?}");
        }
        assert!(done >= 1);
        host.assert_complete(&second);
        host.assert_boots(&second);
        host.assert_tidy();
    }
}

async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, output) in waiting.iter_mut().filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(ready) = future.as_mut().poll(context) {
                *output = Some(ready);
            }
        }
        if waiting.iter().all(|(_, output)| output.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, output)| output).collect()
}
