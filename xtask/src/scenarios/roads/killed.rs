//! edeliver or the node is killed while an upgrade goes on.

use std::{
    error::Error,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    super::{
        compose::Composed,
        look::{Identity, Look, differences},
        row::When,
        trial::{Trial, tail},
    },
    PATIENCE,
};

const PAUSE: Duration = Duration::from_millis(100);

/// After how much of the time that an upgrade takes edeliver is killed, in eighths; besides in its middle.
const MOMENTS: [u32; 2] = [4, 7];

impl Trial<'_, '_> {
    /// Whenever edeliver is killed, the node comes to an end by itself, and the next run finds what is and brings it to a good end: from there
    /// is a way back, and after the last one that release boots, in the process too.
    pub(super) fn client_killed(&mut self, new: &Composed) -> Result<(), Box<dyn Error>> {
        self.seed()?;
        let before = self.node.look()?;
        self.killed(new, &before, |trial| trial.in_the_middle(new))?;
        for eighths in MOMENTS {
            if self.is_fine() {
                self.down(&before)?;
            }
            if self.is_fine() {
                let after = self.takes * eighths / 8;
                self.killed(new, &before, |trial| trial.after(after, new))?;
            }
        }
        if self.is_fine() {
            let hot = self.node.look()?;
            self.boots_in_place(&hot)?;
            self.stopped_and_started(&hot)?;
        }
        Ok(())
    }
    fn killed(
        &mut self,
        new: &Composed,
        before: &Look,
        begun: impl FnOnce(&mut Self) -> Result<Child, Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let was = self.node.started()?;
        let mut client = begun(self)?;
        client.kill()?;
        client.wait()?;
        // At once, while the node may be at work; afterwards, when it has come to its end.
        let words = format!("deploy upgrade to TARGET --version={}", new.version);
        let attempt = self.attempt(&words)?;
        if attempt.done.code == 0 {
            self.takes = attempt.done.took;
            return self.is_there(&attempt, new, before, When::Version(2));
        }
        self.settles(&was, before, new)?;
        if self.is_fine() { self.finishes(&words, new) } else { Ok(()) }
    }
    /// Nothing is suspended any more, and the code is that of one release.
    fn settles(&mut self, was: &Identity, before: &Look, new: &Composed) -> Result<(), Box<dyn Error>> {
        let began = Instant::now();
        let version = loop {
            let look = self.node.look()?;
            let settled = if self.node.stuck()?.is_empty() { self.one_of(before, &look, new) } else { None };
            match settled {
                Some(version) => break version,
                None if began.elapsed() > PATIENCE => {
                    self.fault("after the client's end, the node has neither the old release nor the new one");
                    return self.stands_still();
                }
                None => thread::sleep(PAUSE),
            }
        };
        if !self.node.started()?.is(was) {
            self.fault("the node has been restarted");
        }
        self.holds(version, "after the client's end")
    }
    /// Which release the node has, whole.
    fn one_of(&self, before: &Look, look: &Look, new: &Composed) -> Option<When> {
        let has =
            |of: &Composed| of.modules.iter().all(|(module, md5)| look.portrait.get(&format!("module {module}")) == Some(md5));
        let same = differences(&before.pids, &look.pids, &self.restarted()).is_empty();
        match (has(self.old), has(new)) {
            (true, false) if same => Some(When::Version(1)),
            (false, true) if same => Some(When::Version(2)),
            _ => None,
        }
    }
    /// The next run. While the node watches an upgrade whose operator was lost, it says so.
    fn finishes(&mut self, words: &str, new: &Composed) -> Result<(), Box<dyn Error>> {
        let began = Instant::now();
        loop {
            let before = self.node.look()?;
            let attempt = self.attempt(words)?;
            let waits = ["is being watched", "is being carried out"].iter().any(|how| attempt.done.said.contains(how));
            if attempt.done.code == 0 || !waits || began.elapsed() > PATIENCE {
                self.takes = attempt.done.took;
                return self.is_upgraded(&attempt, new, &before, When::Version(2));
            }
            thread::sleep(PAUSE);
        }
    }

    /// It is started again with the old release, and the next upgrade works.
    pub(super) fn node_killed(&mut self, new: &Composed) -> Result<(), Box<dyn Error>> {
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

    /// An upgrade whose processes are suspended just now.
    fn in_the_middle(&mut self, new: &Composed) -> Result<Child, Box<dyn Error>> {
        let mut client = self.begun(new)?;
        let began = Instant::now();
        let mut stuck = Vec::new();
        // Twice, because the emulator suspends processes of its own for a moment.
        while !self.node.stuck()?.iter().any(|process| stuck.contains(process)) {
            if client.try_wait()?.is_some() || began.elapsed() > PATIENCE {
                let output = client.wait_with_output()?;
                return Err(format!("nothing was suspended: {}", tail(&String::from_utf8_lossy(&output.stderr))).into());
            }
            stuck = self.node.stuck()?;
            thread::sleep(PAUSE);
        }
        Ok(client)
    }
    /// One that has gone on for this long.
    fn after(&mut self, time: Duration, new: &Composed) -> Result<Child, Box<dyn Error>> {
        let client = self.begun(new)?;
        thread::sleep(time);
        Ok(client)
    }
    fn begun(&mut self, new: &Composed) -> Result<Child, Box<dyn Error>> {
        let words = self.node.on_target(&format!("deploy upgrade to TARGET --version={}", new.version));
        Ok(self.node.stage.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
    }
}
