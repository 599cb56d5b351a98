//! What happens to a node besides one upgrade: several in a row, accidents, other people.

use std::{
    error::Error,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    base,
    compose::Composed,
    look::{Identity, Look},
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
        self.node.load.aim(0);
        self.node.ok("stop TARGET")?;
        self.node.ok("start TARGET")?;
        self.node.aim()?;
        self.boots_as(&hot)?;
        if self.row.seeds.is_empty() {
            self.holds(When::Version(2), "after a cold start")?;
        }
        Ok(())
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

    /// The node comes to an end by itself, and the next run finds what is.
    fn client_killed(&mut self, new: &Composed) -> Result<(), Box<dyn Error>> {
        self.seed()?;
        let (before, was) = (self.node.look()?, self.node.started()?);
        let mut client = self.in_the_middle(new)?;
        client.kill()?;
        client.wait()?;
        self.settles(&was, &before, new)?;
        if self.is_fine() {
            let before = self.node.look()?;
            let attempt = self.attempt(&format!("deploy upgrade to TARGET --version={}", new.version))?;
            self.is_upgraded(&attempt, new, &before, When::Version(2))?;
        }
        Ok(())
    }
    /// Nothing is suspended any more, and the code is that of one release.
    fn settles(&mut self, was: &Identity, before: &Look, new: &Composed) -> Result<(), Box<dyn Error>> {
        let began = Instant::now();
        while !self.node.stuck()?.is_empty() && began.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(100));
        }
        self.stands_still()?;
        if !self.node.started()?.is(was) {
            self.fault("the node has been restarted");
        }
        let look = self.node.look()?;
        let has =
            |of: &Composed| of.modules.iter().all(|(module, md5)| look.portrait.get(&format!("module {module}")) == Some(md5));
        match (has(self.old), has(new)) {
            (true, false) if before.pids == look.pids => self.holds(When::Version(1), "after the client's end"),
            (false, true) => self.holds(When::Version(2), "after the client's end"),
            _ => {
                self.fault("after the client's end, the node has neither the old release nor the new one");
                Ok(())
            }
        }
    }

    /// It is started again with the old release, and the next upgrade works.
    fn node_killed(&mut self, new: &Composed) -> Result<(), Box<dyn Error>> {
        self.seed()?;
        let client = self.in_the_middle(new)?;
        self.node.kill();
        let output = client.wait_with_output()?;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        self.found.said.push_str(&said);
        if output.status.success() {
            self.fault("edeliver says that it is done");
        }
        self.attempt_down("start TARGET")?;
        self.node.started()?;
        self.node.aim()?;
        self.seed()?;
        let before = self.node.look()?;
        let attempt = self.attempt(&format!("deploy upgrade to TARGET --version={}", new.version))?;
        self.is_upgraded(&attempt, new, &before, When::Version(2))
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
        let (hot, was) = (self.node.look()?, self.node.started()?);
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
        self.holds(When::Version(2), "after a restart in place")?;
        self.boots_as(&hot)
    }

    /// The node runs the third version, and there is an upgrade from the first to the second.
    fn other_from(&mut self, new: &[Composed]) -> Result<(), Box<dyn Error>> {
        self.node.start(&new[1].version)?;
        self.holds(When::Version(3), "before")?;
        let before = self.node.look()?;
        let attempt = self.attempt(&format!("deploy upgrade to TARGET --version={}", new[0].version))?;
        self.words(&attempt);
        if attempt.is_done() {
            self.fault("it was upgraded");
        }
        self.same_start(&attempt)?;
        self.looks_as(&before, "after the attempt")
    }

    /// An upgrade whose processes are suspended just now.
    fn in_the_middle(&mut self, new: &Composed) -> Result<Child, Box<dyn Error>> {
        let words = self.node.on_target(&format!("deploy upgrade to TARGET --version={}", new.version));
        let mut client = self.node.stage.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let began = Instant::now();
        while self.node.stuck()?.is_empty() {
            if client.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                let output = client.wait_with_output()?;
                return Err(format!("nothing was suspended: {}", tail(&String::from_utf8_lossy(&output.stderr))).into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(client)
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
