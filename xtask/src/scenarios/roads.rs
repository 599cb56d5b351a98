//! What happens to a node besides one upgrade: several in a row, accidents, other people.

mod killed;

use std::{
    error::Error,
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    base,
    compose::Composed,
    look::Look,
    row::{Road, Tool, When},
    trial::{Attempt, Trial, tail},
};

/// How long something may take that nobody waits for.
const PATIENCE: Duration = Duration::from_secs(30);

impl Trial<'_, '_> {
    /// The way that the row wants, on a node of its own.
    ///
    /// # Errors
    /// The node is not there any more.
    pub(super) fn road(&mut self, new: &[Composed]) -> Result<(), Box<dyn Error>> {
        match self.row.road {
            Road::UpAndDown | Road::ByHand | Road::Built => self.for_good(&new[0]),
            Road::Three => self.three(new),
            Road::Damaged => self.damaged(&new[0]),
            Road::ClientKilled => self.client_killed(&new[0]),
            Road::NodeKilled => self.node_killed(&new[0]),
            Road::TwoOperators => self.two_operators(&new[0]),
            Road::Restart => self.restarted_in_place(&new[0]),
            Road::OtherFrom => self.other_from(new),
        }
    }

    /// Up, down, and up again for good: stopped and started, it is what it was before.
    pub(super) fn for_good(&mut self, new: &Composed) -> Result<(), Box<dyn Error>> {
        self.up_and_down(new)?;
        if !self.is_fine() || !self.is_hot() {
            return Ok(());
        }
        let before = self.node.look()?;
        self.up(new, &before)?;
        let hot = self.node.look()?;
        self.stopped_and_started(&hot)?;
        if self.row.seeds.is_empty() {
            self.holds(When::Version(2), "after a cold start")?;
        }
        Ok(())
    }
    /// What boots is what the node was upgraded to.
    fn stopped_and_started(&mut self, hot: &Look) -> Result<(), Box<dyn Error>> {
        self.node.load.aim(0);
        self.node.ok("stop TARGET")?;
        self.node.ok("start TARGET")?;
        self.node.aim()?;
        self.boots_as(hot)
    }

    /// To each version, and back from each to the one before.
    fn three(&mut self, new: &[Composed]) -> Result<(), Box<dyn Error>> {
        self.seed()?;
        let mut looks = vec![self.node.look()?];
        let mark = self.node.load.mark();
        for (at, to) in new.iter().enumerate() {
            let attempt = self.attempt(&format!("deploy upgrade to TARGET --version={}", to.version))?;
            let version = u8::try_from(at + 2).expect("rows have few versions");
            self.is_upgraded(&attempt, to, &looks[at], When::Version(version))?;
            looks.push(self.node.look()?);
        }
        for at in (0..new.len()).rev().filter(|_| self.is_fine()).collect::<Vec<_>>() {
            let version = if at == 0 { &self.old.version } else { &new[at - 1].version };
            let attempt = self.attempt(&format!("rollback TARGET --version={version}"))?;
            self.is_back(&attempt, &looks[at], When::Version(u8::try_from(at + 1).expect("rows have few versions")))?;
        }
        self.count(mark);
        Ok(())
    }

    /// Once without, so that everything is on the host; then something is done to it.
    fn damaged(&mut self, new: &Composed) -> Result<(), Box<dyn Error>> {
        self.seed()?;
        let before = self.node.look()?;
        let attempt = self.attempt(&format!("deploy upgrade to TARGET --version={}", new.version))?;
        self.is_upgraded(&attempt, new, &before, When::Version(2))?;
        if self.is_fine() {
            self.down(&before)?;
        }
        if self.is_fine() {
            self.shell(&self.row.damage.clone(), new)?;
            let mark = self.node.load.mark();
            let tried = self.first_time(new, &before);
            self.shell(&self.row.repair.clone(), new)?;
            tried?;
            self.count(mark);
        }
        Ok(())
    }

    /// One of them is done; the other one is done too, or says why not.
    fn two_operators(&mut self, new: &Composed) -> Result<(), Box<dyn Error>> {
        self.seed()?;
        let before = self.node.look()?;
        let mark = self.node.load.mark();
        let words = self.node.on_target(&format!("deploy upgrade to TARGET --version={}", new.version));
        let first = self.node.stage.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        thread::sleep(Duration::from_millis(800));
        let second = self.attempt(&format!("deploy upgrade to TARGET --version={}", new.version))?;
        let first = first.wait_with_output()?;
        self.found.said.push_str(&String::from_utf8_lossy(&first.stderr));
        match (first.status.success(), second.is_done()) {
            (true, _) => self.is_there(&second, new, &before, When::Version(2))?,
            (false, _) => self.fault(format!("the first one failed: {}", tail(&String::from_utf8_lossy(&first.stderr)))),
        }
        self.count(mark);
        Ok(())
    }

    /// `init:restart`: the node reads its configuration again, in the same process.
    fn restarted_in_place(&mut self, new: &Composed) -> Result<(), Box<dyn Error>> {
        self.seed()?;
        let before = self.node.look()?;
        let attempt = self.attempt(&format!("deploy upgrade to TARGET --version={}", new.version))?;
        self.is_upgraded(&attempt, new, &before, When::Version(2))?;
        let hot = self.node.look()?;
        self.boots_in_place(&hot)?;
        self.holds(When::Version(2), "after a restart in place")
    }
    /// What a restart in the process boots is what the node was upgraded to.
    fn boots_in_place(&mut self, hot: &Look) -> Result<(), Box<dyn Error>> {
        let was = self.node.started()?;
        self.node.load.aim(0);
        self.node.restart_in_place()?;
        let began = Instant::now();
        while self.node.identity().is_none_or(|now| now.is(&was) || !now.started) {
            if began.elapsed() > PATIENCE {
                self.fault("it did not start again");
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        self.node.aim()?;
        self.boots_as(hot)
    }

    /// The node runs the third version, and the stored upgrade is from the first to the second. The store has not got the third, which is taken
    /// from the host then, and the upgrade is made.
    fn other_from(&mut self, new: &[Composed]) -> Result<(), Box<dyn Error>> {
        self.node.start(&new[1].version)?;
        self.holds(When::Version(3), "before")?;
        let before = self.node.look()?;
        let words = format!("deploy upgrade to TARGET --version={}", new[0].version);
        let manifest = self.node.stage.manifest(&new[1].version);
        fs::remove_file(&manifest)?;
        let attempt = self.attempt(&words)?;
        self.is_upgraded(&attempt, &new[0], &before, When::Version(2))?;
        if !manifest.exists() {
            self.fault("the store has not got what the host had");
        }
        Ok(())
    }

    fn attempt_down(&mut self, words: &str) -> Result<(), Box<dyn Error>> {
        let done = self.node.ok(words)?;
        self.found.said.push_str(&done.said);
        Ok(())
    }
    fn shell(&self, lines: &[String], new: &Composed) -> Result<(), Box<dyn Error>> {
        let root = self.node.stage.root(self.node.engine);
        for line in lines {
            let mut sh = Command::new("sh");
            base::run(sh.args(["-ec", line]).current_dir(&root).env("OLD", &self.old.version).env("NEW", &new.version))?;
        }
        Ok(())
    }
}

impl Attempt {
    fn is_done(&self) -> bool {
        self.done.code == 0
    }
}

/// The release of an archive, put where edeliver would put it. Archives of relx have a folder on top.
///
/// # Errors
/// tar's.
pub(super) fn unpack(archive: &Path, root: &Path, tool: Tool) -> Result<(), Box<dyn Error>> {
    let to = if tool == Tool::Relx { root.parent().expect("it is in a folder") } else { root };
    fs::create_dir_all(to)?;
    base::run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(to))
}
