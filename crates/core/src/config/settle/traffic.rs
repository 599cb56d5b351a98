//! Reading how hosts are taken out of the traffic: `drain`, `resume` and `drain_timeout` of `[rollout]`.

use super::{Settling, notices::PROGRAM, upgrade::COMMAND};
use crate::config::{
    problem::Problem,
    raw::{Kind, Value},
    scope::Scope,
    settings::{Traffic, TrafficProgram},
    typed::{FromValue, Wrong},
};

impl Settling<'_> {
    /// `None`: something is wrong, and that was noted.
    pub(super) fn traffic(&self, scope: &mut Scope<'_>) -> Option<Option<Traffic>> {
        let places = ["drain", "resume"].map(|key| scope.place(key));
        let program = |given: Option<TrafficProgram>| {
            given.map(|program| match program {
                TrafficProgram::Here(path) => TrafficProgram::Here(self.here(&path.to_string_lossy())),
                TrafficProgram::OnHost(command) => TrafficProgram::OnHost(command),
            })
        };
        let (drain, resume) = (program(scope.get("drain")), program(scope.get("resume")));
        let timeout = scope.get("drain_timeout");
        match places {
            [None, None] => return timeout.map(|_| None),
            [Some(_), Some(_)] => {}
            [Some(drain), None] => {
                self.half("drain", "resume", "who takes a host out of the traffic says how it comes back", drain, scope)
            }
            [None, Some(resume)] => self.half("resume", "drain", "nothing comes back that was not taken out", resume, scope),
        }
        Some(Some(Traffic { drain: drain?, resume: resume?, timeout: timeout? }))
    }
    fn half(&self, given: &str, missing: &str, why: &str, place: crate::config::Place, scope: &Scope<'_>) {
        let problem = Problem::new(format!("there is `{}`, and no `{}`", scope.key(given), scope.key(missing)), place).label(why);
        self.found.problem(problem.remedy(format!("add {missing} = …, or `{{ command = \"true\" }}` if nothing is to be done")));
    }
}

/// A path is a program of the project's; a table has a command for the host.
impl FromValue for TrafficProgram {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        let wrong = || Wrong::Kind("a program or a table with command", "write it like \"deploy/drain\" or { command = \"…\" }");
        match &value.kind {
            Kind::Text(_) | Kind::Word(_) => Ok(Self::Here(PROGRAM.text(value)?.into())),
            Kind::Table(table) => {
                match table.entries.iter().map(|(name, entry)| (name.as_str(), &entry.value)).collect::<Vec<_>>()[..] {
                    [("command", command)] => {
                        let text = COMMAND.text(command);
                        text.map(Self::OnHost).map_err(|wrong| Wrong::Item(Box::new(wrong), Box::new(command.clone())))
                    }
                    _ => Err(wrong()),
                }
            }
            _ => Err(wrong()),
        }
    }
    fn show(&self) -> String {
        match self {
            Self::Here(program) => program.display().to_string(),
            Self::OnHost(command) => format!("command {}", crate::config::secret::shown("command", command)),
        }
    }
}
