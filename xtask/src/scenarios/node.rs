//! The node on a stage's host: started and stopped by edeliver, looked at by the workshop, asked by the load.

use std::{
    error::Error,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use edeliver_erl::term::{Atom, Term};

use super::{
    look::{Identity, Look, pairs},
    row::{Engine, Tool},
    stage::{Done, Stage},
    workshop::{Workshop, words},
};
use crate::load::{Load, Question};

/// What the load asks, with few connections of its own.
const QUESTION: Question = Question { ask, on_one: 100 };

/// How long a node may take until it is there again.
const START: Duration = Duration::from_secs(40);

/// A node; it is killed when this is dropped.
pub(super) struct Node<'a> {
    pub(super) stage: &'a Stage,
    pub(super) engine: Engine,
    pub(super) load: Load,
    tool: Tool,
    workshop: Workshop,
    name: Atom,
}

impl<'a> Node<'a> {
    /// A node that does not run yet.
    ///
    /// # Errors
    /// No workshop.
    pub(super) fn new(stage: &'a Stage, engine: Engine, tool: Tool) -> Result<Self, Box<dyn Error>> {
        let host = Command::new("hostname").arg("-s").output()?;
        let name = Atom::new(format!("{}@{}", stage.node(engine), String::from_utf8_lossy(&host.stdout).trim()))?;
        Ok(Self { stage, engine, load: Load::start(QUESTION), tool, workshop: Workshop::open()?, name })
    }
    /// edeliver on this node's target; `TARGET` in the words is its name.
    ///
    /// # Errors
    /// It can't be started.
    pub(super) fn edeliver(&self, words: &str) -> Result<Done, Box<dyn Error>> {
        self.stage.edeliver(&self.on_target(words))
    }
    /// The same where it must succeed.
    ///
    /// # Errors
    /// It did not.
    pub(super) fn ok(&self, words: &str) -> Result<Done, Box<dyn Error>> {
        self.stage.ok(&self.on_target(words))
    }
    /// The words with the target's name.
    pub(super) fn on_target(&self, words: &str) -> String {
        words.replace("TARGET", self.engine.name())
    }
    /// Deploys this version and starts it, whatever runs.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn start(&mut self, version: &str) -> Result<(), Box<dyn Error>> {
        self.load.aim(0);
        self.ok(&format!("deploy release to TARGET --version={version} --start-deploy"))?;
        self.aim()
    }
    /// Starts what is in the root as a person would.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn start_by_hand(&mut self) -> Result<(), Box<dyn Error>> {
        let mut command = Command::new(self.stage.root(self.engine).join("bin/scene"));
        command.arg("daemon").env("RELEASE_NODE", self.stage.node(self.engine));
        super::base::run(&mut command)?;
        self.started()?;
        self.aim()
    }
    /// `init:restart/0`.
    ///
    /// # Errors
    /// The node does not answer.
    pub(super) fn restart_in_place(&mut self) -> Result<(), Box<dyn Error>> {
        let expression = if self.tool == Tool::Mix { ":init.restart()" } else { "init:restart()" };
        self.eval(expression).map(drop)
    }
    /// Lets the load ask the node that runs now.
    ///
    /// # Errors
    /// The node does not say its port.
    pub(super) fn aim(&mut self) -> Result<(), Box<dyn Error>> {
        let expression = if self.tool == Tool::Mix { ":scene_web.port()" } else { "scene_web:port()" };
        let port = self.eval(expression)?;
        self.load.aim(port.parse().map_err(|_| format!("{port:?} is no port"))?);
        Ok(())
    }
    /// Which start of the node answers; none where nobody does.
    pub(super) fn identity(&mut self) -> Option<Identity> {
        let answer = self.ask([Term::atom("identity"), Term::Atom(self.name.clone())]).ok()?;
        Identity::read(&answer)
    }
    /// The same, waiting for one that has started all its applications.
    ///
    /// # Errors
    /// None does in time.
    pub(super) fn started(&mut self) -> Result<Identity, Box<dyn Error>> {
        let began = Instant::now();
        while began.elapsed() < START {
            if let Some(identity) = self.identity().filter(|identity| identity.started) {
                return Ok(identity);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err("the node is not there".into())
    }
    /// All that can be compared.
    ///
    /// # Errors
    /// The node does not answer.
    pub(super) fn look(&mut self) -> Result<Look, Box<dyn Error>> {
        let root = self.stage.root(self.engine).canonicalize()?.display().to_string();
        let name = || Term::Atom(self.name.clone());
        let (one, two) = ([Term::atom("portrait"), name(), Term::string(&root)], [Term::atom("pids"), name()]);
        Ok(Look { portrait: pairs(&self.ask(one)?)?, pids: pairs(&self.ask(two)?)? })
    }
    /// Processes that stand still because somebody suspended them.
    ///
    /// # Errors
    /// The node does not answer.
    pub(super) fn stuck(&mut self) -> Result<Vec<String>, Box<dyn Error>> {
        let answer = self.ask([Term::atom("stuck"), Term::Atom(self.name.clone())])?;
        Ok(answer.as_list().into_iter().flatten().map(words).collect())
    }
    /// The value of an expression in the row's language, as text; what it raises, likewise.
    ///
    /// # Errors
    /// The node does not answer.
    pub(super) fn eval(&mut self, expression: &str) -> Result<String, Box<dyn Error>> {
        let language = Term::atom(self.tool.language());
        let answer =
            self.ask([Term::atom("eval"), Term::Atom(self.name.clone()), language, Term::binary(expression.as_bytes())])?;
        match answer.as_tuple() {
            Some([_, value]) => Ok(words(value)),
            _ => Err(format!("{answer} is no value").into()),
        }
    }
    /// Ends it at once.
    pub(super) fn kill(&mut self) {
        self.load.aim(0);
        if let Some(identity) = self.identity() {
            let _ = Command::new("kill").arg("-KILL").arg(identity.process.to_string()).output();
        }
    }
    fn ask<const N: usize>(&mut self, request: [Term; N]) -> Result<Term, Box<dyn Error>> {
        self.workshop.ask(&Term::tuple(request))
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether the answer to this request came, and is one to it.
fn ask(stream: &mut BufReader<TcpStream>, number: u64) -> bool {
    let mut answer = String::new();
    let asked = stream.get_mut().write_all(format!("{number}\n").as_bytes()).and_then(|()| stream.read_line(&mut answer));
    asked.is_ok() && answer.strip_prefix(&number.to_string()).is_some_and(|rest| rest.starts_with(' ') && rest.ends_with('\n'))
}
