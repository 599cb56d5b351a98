//! Hosts to measure on, and the measuring itself.

use std::{
    error::Error,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use edeliver_lab::{HostSpec, Lab, LabSpec};

use super::{cable::Cable, measure::Measure, project::Project, rivals};

/// A lab with one kind of cable.
pub(super) struct Field<'a> {
    project: &'a Project,
    lab: Lab,
    hosts: Vec<String>,
    cable: Cable,
}

impl<'a> Field<'a> {
    /// A build host and so many production hosts, all at the end of such a cable.
    pub(super) fn up(project: &'a Project, count: usize, cable: Cable) -> Result<Self, Box<dyn Error>> {
        let link = cable.link();
        let lab = Lab::up(LabSpec::fleet_of(count, &HostSpec { link, ..HostSpec::default() }))?;
        let hosts = (1..=count).map(|n| format!("prod{n}")).collect();
        Ok(Self { project, lab, hosts, cable })
    }
    pub(super) fn hosts(&self) -> usize {
        self.hosts.len()
    }
    pub(super) fn cable(&self) -> Cable {
        self.cable
    }
    /// Points edeliver.toml at this field, and at this folder on its hosts.
    pub(super) fn aim(&self, path: &str) -> Result<(), Box<dyn Error>> {
        self.aim_with(path, "")
    }
    /// The same with more tables.
    pub(super) fn aim_with(&self, path: &str, more: &str) -> Result<(), Box<dyn Error>> {
        let names = self.hosts.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        self.project.configure(&format!(
            "[build]\nhost = \"build\"\npath = \"builds\"\n\n[targets.production]\npath = \"{path}\"\nhosts = [{names}]\n{more}"
        ))
    }
    /// edeliver with these words, measured.
    pub(super) fn edeliver(&self, words: &str) -> Result<Measure, Box<dyn Error>> {
        let mut command = self.lab.command(self.project.edeliver());
        command.args(words.split(' ')).current_dir(self.project.dir()).env("EDELIVER_SSH_CONFIG", self.lab.ssh_config());
        self.measure(command, words)
    }
    /// The same, and how much memory it took at most, in MB.
    pub(super) fn edeliver_and_memory(&self, words: &str) -> Result<(Measure, u64), Box<dyn Error>> {
        let noted = tempfile::NamedTempFile::new()?;
        let mut command = self.lab.command("/usr/bin/time");
        command.args(["-f", "%M", "-o"]).arg(noted.path()).arg(self.project.edeliver()).args(words.split(' '));
        command.current_dir(self.project.dir()).env("EDELIVER_SSH_CONFIG", self.lab.ssh_config());
        let measure = self.measure(command, words)?;
        Ok((measure, std::fs::read_to_string(noted.path())?.trim().parse::<u64>()? / 1000))
    }
    /// Has all that leaves for the hosts share one line of so many Mbit/s, and all of its times so many times as long.
    pub(super) fn uplink(&self, mbit: u32, slower: u32) -> Result<(), Box<dyn Error>> {
        let mut command = self.lab.command("tc");
        command.args(["qdisc", "replace", "dev", "br0", "root", "tbf", "rate"]).arg(format!("{}kbit", mbit * 1000 / slower));
        command.args(["burst", "256k", "latency"]).arg(format!("{}ms", 400 * slower));
        run(command, "limit the uplink")
    }
    /// As fast as it goes.
    pub(super) fn no_uplink(&self) -> Result<(), Box<dyn Error>> {
        let mut command = self.lab.command("tc");
        command.args(["qdisc", "del", "dev", "br0", "root"]);
        run(command, "free the uplink")
    }
    /// The unpacked release to ten hosts at a time.
    pub(super) fn rsync_ten(&self, version: &str) -> Result<Measure, Box<dyn Error>> {
        self.rival(rivals::RSYNC_TEN, &self.project.unpacked(version), "rsync")
    }
    /// The whole archive to every host at once, and unpacked there.
    pub(super) fn scp(&self, version: &str, round: usize) -> Result<Measure, Box<dyn Error>> {
        self.rival(rivals::SCP, &self.project.archive(version), &format!("scp{round}"))
    }
    /// The unpacked release to every host at once.
    pub(super) fn rsync(&self, version: &str, round: usize) -> Result<Measure, Box<dyn Error>> {
        self.rival(rivals::RSYNC, &self.project.unpacked(version), &format!("rsync{round}"))
    }
    /// `ssh host true` to every host at once.
    pub(super) fn floor(&self) -> Result<Measure, Box<dyn Error>> {
        self.rival(rivals::FLOOR, Path::new("-"), "-")
    }
    /// The same over connections opened before.
    pub(super) fn open_floor(&self) -> Result<Measure, Box<dyn Error>> {
        let sockets = tempfile::TempDir::with_prefix("edb-")?;
        run(self.script(rivals::OPEN, sockets.path(), "-"), "open connections")?;
        let measure = self.rival(rivals::OPEN_FLOOR, sockets.path(), "-");
        run(self.script(rivals::CLOSE, sockets.path(), "-"), "close connections")?;
        measure
    }
    /// What every node runs, by `bin/APP rpc` on all hosts at once.
    pub(super) fn rpc(&self, path: &str) -> Result<Measure, Box<dyn Error>> {
        self.rival(rivals::RPC, Path::new(self.project.app()), path)
    }
    /// The same, one host after the other.
    pub(super) fn rpc_in_turn(&self, path: &str) -> Result<Measure, Box<dyn Error>> {
        self.rival(rivals::RPC_IN_TURN, Path::new(self.project.app()), path)
    }
    /// A one-line change, built by edeliver.
    pub(super) fn build(&self, who: &str, round: usize) -> Result<Measure, Box<dyn Error>> {
        self.aim("apps")?;
        self.project.change(&format!("{who} {round}"))?;
        self.edeliver("build release --force")
    }
    /// A one-line change, pushed and built by hand.
    pub(super) fn build_by_hand(&self, who: &str, round: usize) -> Result<Measure, Box<dyn Error>> {
        self.project.change(&format!("{who} {round}"))?;
        let mut command = self.script(rivals::BUILD, self.project.dir(), "-");
        command.current_dir(self.project.dir());
        self.measure(command, "build by hand")
    }
    fn rival(&self, script: &str, what: &Path, to: &str) -> Result<Measure, Box<dyn Error>> {
        self.measure(self.script(script, what, to), to)
    }
    /// `$1`: ssh's configuration, `$2`: what to send, `$3`: where to; then the hosts.
    fn script(&self, script: &str, what: &Path, to: &str) -> Command {
        let mut command = self.lab.command("sh");
        command.args(["-ec", script, "sh"]).arg(self.lab.ssh_config()).arg(what).arg(to).args(&self.hosts);
        command
    }
    /// Nobody waits for the disk to take what the command before has left to be written: edeliver does not end before its own is there,
    /// scp and rsync do.
    fn measure(&self, command: Command, title: &str) -> Result<Measure, Box<dyn Error>> {
        rustix::fs::sync();
        let before = self.traffic()?;
        let began = Instant::now();
        run(command, title)?;
        let wall = began.elapsed();
        let after = self.traffic()?;
        Ok(Measure { wall, bytes: after.0 - before.0, logins: after.1 - before.1, refused: after.2 - before.2 })
    }
    fn traffic(&self) -> Result<(u64, usize, usize), Box<dyn Error>> {
        let rows = self.lab.netstat()?;
        let mut sum = (0, 0, 0);
        for row in rows.values() {
            sum = (sum.0 + row.rx + row.tx, sum.1 + row.logins, sum.2 + row.dropped + row.sessions_refused);
        }
        Ok(sum)
    }
}

fn run(mut command: Command, title: &str) -> Result<(), Box<dyn Error>> {
    let output = command.stdin(Stdio::null()).output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{title} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into()),
    }
}
