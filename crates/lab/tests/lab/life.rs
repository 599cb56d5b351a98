//! How labs begin and end, and that nothing is left of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use edeliver_lab::{Fault, HostSpec, Lab, LabSpec, Link};
use libtest_mimic::Failed;

use super::fault::wait_until;
use super::{Test, on, output, prod};

pub(crate) const TESTS: &[Test] = &[
    ("a_killed_hub_leaves_nothing", killed_hub),
    ("a_killed_guard_leaves_no_process", killed_guard),
    ("a_dropped_lab_leaves_nothing", dropped),
    ("a_lab_ends_with_its_owner", with_owner),
    ("a_lab_ends_after_its_time", after_time),
    ("two_labs_do_not_see_each_other", two_labs),
    ("a_directory_with_other_things_is_not_taken", foreign_directory),
    ("what_a_crash_left_does_not_disturb_the_next_lab", after_a_crash),
    ("hosts_can_live_where_overlays_cannot", on_an_overlay),
    ("up_again_starts_only_what_is_missing", up_again),
    ("an_sshd_of_the_machine_and_its_hosts_file_are_none_of_the_labs", beside_an_sshd),
];

/// Everything a lab consists of, noted while it runs.
struct Traces {
    state: PathBuf,
    networks: BTreeSet<PathBuf>,
    client: Child,
}

fn network_of(pid: impl AsRef<Path>) -> Option<PathBuf> {
    fs::read_link(Path::new("/proc").join(pid).join("ns/net")).ok()
}

impl Traces {
    /// Of a lab with a slow host, a mount by fault, and a client inside.
    fn of(lab: &Lab) -> Result<Self, Failed> {
        lab.fault("prod2", Fault::Disk { path: "/srv".into(), size: "1m".to_owned() })?;
        let client = lab.command("sleep").arg("1000").spawn()?;
        let hub = lab.hub_pid()?;
        let inits = lab.status()?.hosts.into_iter().filter_map(|host| host.pid);
        let hosts = inits.map(|pid| PathBuf::from(format!("/proc/{hub}/root/proc/{pid}")));
        let networks = hosts.chain([PathBuf::from(hub.to_string())]).filter_map(network_of).collect();
        wait_until(|| Ok(network_of(client.id().to_string()) == network_of(hub.to_string())))?;
        Ok(Self { state: lab.state().to_owned(), networks, client })
    }

    fn processes(&self) -> Result<Vec<String>, Failed> {
        let entries = fs::read_dir("/proc")?.flatten().map(|entry| entry.path());
        let members = entries.filter(|path| network_of(path).is_some_and(|net| self.networks.contains(&net)));
        Ok(members.map(|path| fs::read_to_string(path.join("cmdline")).unwrap_or_default()).collect())
    }

    fn assert_gone(mut self) -> Result<(), Failed> {
        assert!(self.client.wait()?.code().is_none(), "the client was killed");
        wait_until(|| Ok(self.processes()?.is_empty()))?;
        wait_until(|| Ok(!self.state.exists()))?;
        wait_until(|| Ok(!self.state.with_extension("lock").exists()))?;
        let state = self.state.to_string_lossy().into_owned();
        assert!(!fs::read_to_string("/proc/mounts")?.contains(&state));
        let links = output(Command::new("ip").args(["-o", "link"]))?;
        let links = String::from_utf8(links.stdout)?;
        assert!(!links.contains("v-prod") && !links.contains("br0"), "{links}");
        Ok(())
    }
}

fn rich_lab() -> Result<Lab, Failed> {
    let slow = HostSpec { link: Link { latency_ms: 5.0, ..Link::default() }, ..HostSpec::default() };
    Ok(Lab::up(LabSpec::empty().host("prod1", slow).host("prod2", HostSpec::default()))?)
}

fn kill(pid: i32) -> Result<(), Failed> {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status()?;
    assert!(status.success());
    Ok(())
}

fn killed_hub() -> Result<(), Failed> {
    let lab = rich_lab()?;
    let traces = Traces::of(&lab)?;
    assert!(traces.processes()?.len() > 6);
    kill(lab.hub_pid()?)?;
    traces.assert_gone()?;
    assert!(lab.status().is_err());
    Ok(())
}

fn killed_guard() -> Result<(), Failed> {
    let lab = rich_lab()?;
    let mut traces = Traces::of(&lab)?;
    let status = fs::read_to_string(format!("/proc/{}/status", lab.hub_pid()?))?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).map(str::trim);
    kill(parent.ok_or("a hub has a parent")?.parse()?)?;
    // Only the client stays, which is not the hub's child; `down` finds it.
    wait_until(|| Ok(traces.processes()?.len() == 1))?;
    assert!(traces.client.try_wait()?.is_none());
    drop(lab);
    traces.assert_gone()
}

fn dropped() -> Result<(), Failed> {
    let lab = rich_lab()?;
    let traces = Traces::of(&lab)?;
    drop(lab);
    traces.assert_gone()
}

/// A lab made on the command line, in a directory of its own.
fn by_command(args: &[&str]) -> Result<tempfile::TempDir, Failed> {
    let place = tempfile::Builder::new().prefix("edeliver-lab-").tempdir()?;
    let output = output(program(place.path()).args(args))?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(place)
}

fn program(state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edeliver-lab"));
    command.env("LAB_STATE", state);
    command
}

fn with_owner() -> Result<(), Failed> {
    let mut owner = Command::new("sleep").arg("1000").stdout(Stdio::null()).spawn()?;
    let place = by_command(&["up", "1", "--owner", &owner.id().to_string()])?;
    assert!(place.path().join("hub.json").exists());
    owner.kill()?;
    wait_until(|| Ok(!place.path().exists()))?;
    owner.wait()?;
    Ok(())
}

fn after_time() -> Result<(), Failed> {
    let place = by_command(&["up", "0", "--ttl", "2"])?;
    assert!(place.path().join("hub.json").exists());
    wait_until(|| Ok(!place.path().exists()))
}

fn two_labs() -> Result<(), Failed> {
    let [one, two] = [prod(1)?, prod(1)?];
    on(&one, "prod1", "echo one >/tmp/which")?;
    on(&two, "prod1", "echo two >/tmp/which")?;
    one.cut("prod1")?;
    assert_eq!(on(&two, "prod1", "cat /tmp/which")?, "two");
    one.heal("prod1")?;
    drop(two);
    assert_eq!(on(&one, "prod1", "cat /tmp/which")?, "one");
    Ok(())
}

fn up_again() -> Result<(), Failed> {
    let place = by_command(&["up", "1"])?;
    let again = output(program(place.path()).args(["up", "2"]))?;
    assert!(String::from_utf8(again.stdout)?.starts_with("4 hosts up, 1 started now"));
    let list = output(program(place.path()).args(["list", "--json"]))?;
    assert_eq!(String::from_utf8(list.stdout)?.matches("\"state\":\"up\"").count(), 4);
    let down = output(program(place.path()).arg("down"))?;
    assert!(down.status.success());
    assert!(!place.path().exists());
    Ok(())
}

fn foreign_directory() -> Result<(), Failed> {
    let place = tempfile::Builder::new().prefix("edeliver-lab-").tempdir()?;
    fs::write(place.path().join("thesis.tex"), "years of work")?;
    let up = output(program(place.path()).args(["up", "0"]))?;
    assert_eq!(up.status.code(), Some(1));
    let down = output(program(place.path()).arg("down"))?;
    assert!(down.status.success());
    assert!(place.path().join("thesis.tex").exists());
    Ok(())
}

/// Kills guard and hub at once, so that nobody clears up.
fn crash(state: &Path) -> Result<(), Failed> {
    let note = fs::read_to_string(state.join("hub.json"))?;
    let hub = note.split("\"pid\":").nth(1).and_then(|rest| rest.split(',').next()).ok_or("a pid")?;
    let status = fs::read_to_string(format!("/proc/{hub}/status"))?;
    let guard = status.lines().find_map(|line| line.strip_prefix("PPid:")).ok_or("a hub has a parent")?;
    kill(guard.trim().parse()?)
}

fn after_a_crash() -> Result<(), Failed> {
    let place = by_command(&["up", "1"])?;
    let touch = output(program(place.path()).args(["exec", "prod1", "touch", "/home/deploy/old"]))?;
    assert!(touch.status.success());
    crash(place.path())?;
    // At once: the hub may still be dying.
    assert!(place.path().join("hub.json").exists());
    let up = output(program(place.path()).args(["up", "1"]))?;
    assert!(String::from_utf8(up.stdout)?.starts_with("3 hosts up, 3 started now"));
    let list = output(program(place.path()).args(["exec", "prod1", "ls", "/home/deploy"]))?;
    assert_eq!(String::from_utf8(list.stdout)?, "");
    assert!(output(program(place.path()).arg("down"))?.status.success());
    Ok(())
}

/// A container's disk is an overlay.
fn on_an_overlay() -> Result<(), Failed> {
    let script = "mkdir upper work disk; mount -t overlay none -o lowerdir=/etc,upperdir=upper,workdir=work disk
        export LAB_STATE=$1/disk/state; $2 up 0 >/dev/null; $2 ssh build hostname; $2 down; test ! -e $LAB_STATE";
    assert_eq!(on_another_machine(script)?, "build\n");
    Ok(())
}

/// Until a host has a root of its own, what its process sees is the machine's.
fn beside_an_sshd() -> Result<(), Failed> {
    let script = "mount -t tmpfs none /run; echo 1 >/run/sshd.pid
        echo ours >hosts; mount --bind hosts /etc/hosts; export LAB_STATE=$1/state
        for n in 1 2 3; do
            $2 up 1 >/dev/null; $2 ssh prod1 hostname; $2 reboot prod1 >/dev/null; $2 ssh prod1 hostname; $2 down
        done
        cat /etc/hosts /run/sshd.pid";
    assert_eq!(on_another_machine(script)?, "prod1\n".repeat(6) + "ours\n1\n");
    Ok(())
}

/// What a script prints that may mount as it likes, in a directory of its own (`$1`; the lab's program is `$2`).
fn on_another_machine(script: &str) -> Result<String, Failed> {
    let place = tempfile::Builder::new().prefix("edeliver-lab-").tempdir()?;
    let mut shell = Command::new("unshare");
    shell.args(["--mount", "sh", "-c", &format!("set -e; cd $1; {script}"), "sh"]);
    let output = output(shell.arg(place.path()).arg(env!("CARGO_BIN_EXE_edeliver-lab")))?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
