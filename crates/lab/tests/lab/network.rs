//! What the cables do.

use std::time::{Duration, Instant};

use edeliver_lab::{Fault, HostSpec, Lab, LabSpec, Link};
use libtest_mimic::Failed;

use super::{Test, assert_contains, failure, on, output, prod};

pub(crate) const TESTS: &[Test] = &[
    ("a_cut_host_is_a_timeout_and_healed_it_answers", cut),
    ("a_split_pair_loses_only_each_other", split),
    ("cuts_outlive_a_reboot", cut_and_reboot),
    ("latency_is_added_to_every_round_trip", latency),
    ("rate_limits_a_transfer", rate),
    ("loss_loses_and_can_be_mended", loss),
    ("a_link_changes_under_an_open_connection", link_changes),
    ("bytes_connections_and_logins_are_counted", counted),
    ("connections_that_sshd_drops_are_counted", dropped_counted),
    ("sessions_that_sshd_refuses_are_counted", refused_counted),
    ("the_lab_has_no_way_out", no_way_out),
];

const IMPATIENT: [&str; 2] = ["-o", "ConnectTimeout=1"];

fn cut() -> Result<(), Failed> {
    let lab = prod(2)?;
    lab.cut("prod1")?;
    let (code, said) = failure(&lab, &IMPATIENT, "prod1", "true")?;
    assert_eq!(code, 255);
    assert_contains(&said, "timed out")?;
    on(&lab, "prod2", "true")?;
    lab.heal("prod1")?;
    assert_eq!(on(&lab, "prod1", "hostname")?, "prod1");
    Ok(())
}

fn split() -> Result<(), Failed> {
    let lab = prod(3)?;
    let reach = "timeout 1 bash -c 'exec 3<>/dev/tcp/prod2/22' 2>/dev/null && echo reached || echo lost";
    lab.split("prod1", "prod2")?;
    assert_eq!(on(&lab, "prod1", reach)?, "lost");
    assert_eq!(on(&lab, "prod3", reach)?, "reached");
    on(&lab, "prod2", "true")?;
    lab.heal("prod1")?;
    assert_eq!(on(&lab, "prod1", reach)?, "reached");
    Ok(())
}

fn cut_and_reboot() -> Result<(), Failed> {
    let lab = prod(2)?;
    let reach = "timeout 1 bash -c 'exec 3<>/dev/tcp/prod2/22' 2>/dev/null && echo reached || echo lost";
    lab.split("prod1", "prod2")?;
    lab.reboot("prod1")?;
    assert_eq!(on(&lab, "prod1", reach)?, "lost");
    lab.heal("prod2")?;
    assert_eq!(on(&lab, "prod1", reach)?, "reached");
    lab.cut("prod1")?;
    lab.reboot("prod1")?;
    failure(&lab, &IMPATIENT, "prod1", "true")?;
    lab.heal("prod1")?;
    on(&lab, "prod1", "true").map(drop)
}

/// Milliseconds that a TCP connection to the host's sshd takes, from inside the lab: one round trip.
fn round_trip(lab: &Lab, address: &str) -> Result<f64, Failed> {
    let line = format!("a=$EPOCHREALTIME; exec 3<>/dev/tcp/{address}/22; b=$EPOCHREALTIME; echo $((${{b/./}}-${{a/./}}))");
    let mut best = f64::MAX;
    for _ in 0..5 {
        let output = output(lab.command("bash").args(["-c", &line]))?;
        best = best.min(String::from_utf8(output.stdout)?.trim().parse::<f64>()? / 1000.0);
    }
    Ok(best)
}

fn latency() -> Result<(), Failed> {
    let slow = HostSpec { link: Link { latency_ms: 40.0, ..Link::default() }, ..HostSpec::default() };
    let lab = Lab::up(LabSpec::empty().host("prod1", slow).host("prod2", HostSpec::default()))?;
    let [far, near] = [round_trip(&lab, "198.18.32.1")?, round_trip(&lab, "198.18.32.2")?];
    assert!((40.0..60.0).contains(&far), "asked 40 ms, got {far}");
    assert!(near < 20.0, "asked none, got {near} ms");
    lab.shape("prod1", Link { latency_ms: 80.0, ..Link::default() })?;
    let far = round_trip(&lab, "198.18.32.1")?;
    assert!((80.0..110.0).contains(&far), "asked 80 ms, got {far}");
    Ok(())
}

/// Seconds that 2 MB from the host take.
fn transfer(lab: &Lab, host: &str) -> Result<f64, Failed> {
    let began = Instant::now();
    let output = output(lab.ssh(host).arg("head -c 2000000 /dev/zero"))?;
    assert_eq!(output.stdout.len(), 2_000_000);
    Ok(began.elapsed().as_secs_f64())
}

fn rate() -> Result<(), Failed> {
    let lab = prod(1)?;
    let free = transfer(&lab, "prod1")?;
    lab.shape("prod1", Link { rate_mbit: 10.0, ..Link::default() })?;
    // 16 Mbit over 10 Mbit/s, less what the bucket and the queue hold.
    let limited = transfer(&lab, "prod1")?;
    assert!((1.4..8.0).contains(&limited), "{limited} s, and {free} s without limit");
    lab.shape("prod1", Link { rate_mbit: 10.0, latency_ms: 10.0, ..Link::default() })?;
    let limited = transfer(&lab, "prod1")?;
    assert!((1.4..8.0).contains(&limited), "{limited} s with latency");
    lab.shape("prod1", Link::default())?;
    let unlimited = transfer(&lab, "prod1")?;
    assert!(unlimited < 1.4, "{unlimited} s after the limit was taken off");
    Ok(())
}

fn loss() -> Result<(), Failed> {
    let lab = prod(1)?;
    lab.fault("prod1", Fault::Loss { percent: 100.0 })?;
    let (code, said) = failure(&lab, &IMPATIENT, "prod1", "true")?;
    assert_eq!(code, 255);
    assert_contains(&said, "timed out")?;
    lab.fault("prod1", Fault::Loss { percent: 0.0 })?;
    on(&lab, "prod1", "true").map(drop)
}

fn link_changes() -> Result<(), Failed> {
    let lab = prod(1)?;
    let line = "for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.1; done";
    let session = lab.ssh("prod1").arg(line).stdout(std::process::Stdio::piped()).spawn()?;
    std::thread::sleep(Duration::from_millis(400));
    lab.shape("prod1", Link { latency_ms: 10.0, ..Link::default() })?;
    let output = session.wait_with_output()?;
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout)?, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
    assert!(round_trip(&lab, "198.18.32.1")? >= 10.0);
    Ok(())
}

fn counted() -> Result<(), Failed> {
    let lab = prod(2)?;
    let before = lab.netstat()?;
    assert_eq!((before["prod1"].connections, before["prod1"].logins), (0, 0));
    assert_eq!(before["prod1"].listen, [22]);
    let output = output(lab.ssh("prod1").arg("head -c 1000000 /dev/zero"))?;
    assert_eq!(output.stdout.len(), 1_000_000);
    let after = lab.netstat()?;
    let sent = after["prod1"].tx - before["prod1"].tx;
    assert!((1_000_000..1_200_000).contains(&sent), "{sent}");
    assert_eq!((after["prod1"].connections, after["prod1"].logins), (1, 1));
    assert_eq!((after["prod1"].dropped, after["prod1"].sessions_refused), (0, 0));
    assert!(after["prod2"].rx - before["prod2"].rx < 1000);
    Ok(())
}

fn dropped_counted() -> Result<(), Failed> {
    let lab = prod(1)?;
    // None of them logs in; the eleventh may be dropped, the hundred and first has to be.
    let line = "for i in $(seq 110); do exec {fd}<>/dev/tcp/198.18.32.1/22; done; sleep 0.3";
    let output = output(lab.command("bash").args(["-c", line]))?;
    assert!(output.status.success());
    let traffic = &lab.netstat()?["prod1"];
    assert_eq!(traffic.connections, 110);
    assert!((10..=100).contains(&traffic.dropped), "{}", traffic.dropped);
    Ok(())
}

fn refused_counted() -> Result<(), Failed> {
    let lab = prod(1)?;
    let line = "s='ssh -F '$LAB_SSH_CONFIG' -S '$0; $s -M prod1 sleep 3 & sleep 1; \
                for i in $(seq 9); do $s prod1 sleep 2 & done; sleep 1; $s -o ControlMaster=no prod1 true; wait";
    let socket = lab.state().join("mux");
    let output = output(lab.command("bash").args(["-c", line]).arg(socket))?;
    assert_contains(&String::from_utf8(output.stderr)?, "refused by peer")?;
    assert_eq!(lab.netstat()?["prod1"].sessions_refused, 1);
    Ok(())
}

fn no_way_out() -> Result<(), Failed> {
    let lab = prod(1)?;
    let line = "timeout 1 bash -c 'exec 3<>/dev/tcp/192.0.2.1/80' 2>&1 || echo nothing";
    assert_contains(&on(&lab, "prod1", line)?, "nothing")?;
    let output = output(lab.command("ip").args(["-o", "link"]))?;
    let links = String::from_utf8(output.stdout)?;
    let foreign = links.lines().filter(|line| !["lo:", "br0:", "v-prod1@"].iter().any(|own| line.contains(own)));
    // Kernels with fixed devices (ifb0 and the like) have them in every network namespace, down.
    assert!(foreign.filter(|line| line.contains("state UP")).count() == 0, "{links}");
    Ok(())
}
