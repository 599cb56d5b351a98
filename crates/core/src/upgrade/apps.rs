//! Rules about applications as a whole.

use edeliver_erl::{
    appup::{Appup, Step},
    changes::{AppChange, AppState, ModuleChange},
    image::{Kind, Module},
    rel::StartType,
    relup::{Direction, Instruction},
    term::Atom,
};

use super::{Action, AppAction, AppJudgement, Judging, ModuleJudgement, Rule, list, shown_call};
use crate::step;

/// Applications that all processes stand on.
const CORE: [&str; 4] = ["kernel", "stdlib", "compiler", "elixir"];

/// Modules whose functions do no harm when `start/2` calls them a second time.
const HARMLESS: [&str; 14] = [
    "lists",
    "maps",
    "proplists",
    "string",
    "Elixir.Access",
    "Elixir.Application",
    "Elixir.Enum",
    "Elixir.Keyword",
    "Elixir.List",
    "Elixir.Map",
    "Elixir.Mix",
    "Elixir.String",
    "Elixir.String.Chars",
    "Elixir.Supervisor",
];
/// What does do harm among erlang's own functions.
const HARMFUL: [&str; 12] = [
    "!",
    "halt",
    "link",
    "monitor",
    "open_port",
    "register",
    "send",
    "spawn",
    "spawn_link",
    "spawn_monitor",
    "spawn_opt",
    "unregister",
];

impl Judging<'_> {
    pub(super) fn app(&mut self, app: &AppChange) -> AppJudgement {
        let action = match (&app.before, &app.after) {
            (Some(before), Some(after)) => {
                self.upgraded_app(app, before, after);
                self.appup(app.name.as_str(), before, after)
            }
            (_, None) => AppAction::Stop,
            (None, Some(after)) => {
                self.missing(app.name.as_str(), None, after);
                AppAction::Start
            }
        };
        let vsn = |state: &Option<AppState>| state.as_ref().map(|state| state.vsn.as_str().to_owned());
        AppJudgement {
            name: app.name.as_str().to_owned(),
            before: vsn(&app.before),
            after: vsn(&app.after),
            action,
            modules: match action {
                AppAction::FollowAppup => {
                    self.modules(app).into_iter().map(|module| ModuleJudgement { action: Action::Appup, ..module }).collect()
                }
                _ => self.modules(app),
            },
        }
    }
    fn upgraded_app(&mut self, app: &AppChange, before: &AppState, after: &AppState) {
        let name = app.name.as_str();
        if is_core(app) {
            return self.tell(Rule::Core, Some(name), None, becomes(name, before, after));
        }
        if before.vsn == after.vsn && code_changes(app) {
            self.tell(
                Rule::SameVersion,
                Some(name),
                None,
                format!("the code of {name} differs, and its version stays {}", after.vsn),
            );
        }
        self.missing(name, Some(before), after);
        self.files(app);
        self.start(name, before, after);
        self.included(name, before, after);
        self.listed_children(app, after);
    }
    /// An appup that knows the other version decides for its application: the newer one's, in both directions.
    fn appup(&mut self, name: &str, before: &AppState, after: &AppState) -> AppAction {
        let (newer, older, direction) = match self.direction {
            step::Direction::Up => (after, before, Direction::Up),
            step::Direction::Down => (before, after, Direction::Down),
        };
        let Some(text) = &newer.appup else { return AppAction::Upgrade };
        let script = Appup::parse(text).map_err(|error| error.to_string());
        let script = script.and_then(|appup| {
            let script = appup.script(direction, older.vsn.as_str()).map_err(|error| error.to_string())?;
            Ok(script.map(<[Step]>::to_vec))
        });
        match script {
            Ok(None) => AppAction::Upgrade,
            Ok(Some(script)) => {
                self.appup_restarts(name, &script);
                AppAction::FollowAppup
            }
            Err(error) => {
                self.tell(Rule::BadAppup, Some(name), None, format!("{name}.appup: {error}"));
                AppAction::Upgrade
            }
        }
    }
    fn appup_restarts(&mut self, name: &str, script: &[Step]) {
        if script.iter().any(restarts_node) {
            self.tell(Rule::Appup, Some(name), None, format!("the appup of {name} restarts the emulator"));
        } else if script.iter().any(|step| matches!(step, Step::RestartApplication(_))) {
            self.tell(Rule::AppRestart, Some(name), None, format!("the appup of {name} stops and starts an application"));
        }
    }
    /// Modules that the release lists and does not have. What was so before does no more harm now.
    fn missing(&mut self, name: &str, before: Option<&AppState>, after: &AppState) {
        let known = |module: &&Atom| before.is_some_and(|before| before.missing.contains(*module));
        let missing: Vec<String> = after.missing.iter().filter(|module| !known(module)).map(super::shown).collect();
        if !missing.is_empty() {
            let what = format!("{name}.app lists {}, whose file the release does not have", list(missing));
            self.tell(Rule::MissingModule, Some(name), None, what);
        }
    }
    fn files(&mut self, app: &AppChange) {
        let name = app.name.as_str();
        let (libraries, files): (Vec<&String>, Vec<&String>) = app.others.iter().partition(|path| is_shared_library(path));
        if !libraries.is_empty() && !self.reloads_libraries(app) {
            let what = format!("{} of {name} differ", list(libraries.into_iter().cloned()));
            self.tell(Rule::SharedLibrary, Some(name), None, what);
        }
        if !files.is_empty() {
            self.tell(Rule::Files, Some(name), None, format!("{} of {name} differ", list(files.into_iter().cloned())));
        }
    }
    /// Whether modules that load native code change too, and all of them may.
    fn reloads_libraries(&self, app: &AppChange) -> bool {
        let natives = app.modules.values().filter_map(after).filter(|module| module.nif.is_some());
        let allowed: Vec<bool> = natives.map(|module| self.allows_nif(&module.name)).collect();
        !allowed.is_empty() && allowed.into_iter().all(|allowed| allowed)
    }
    fn start(&mut self, name: &str, before: &AppState, after: &AppState) {
        if before.start != after.start {
            let word = |start: StartType| format!("{start:?}").to_lowercase();
            let what = format!("{name} is {} instead of {}", word(after.start), word(before.start));
            self.tell(Rule::StartType, Some(name), None, what);
        }
        match (&before.app.callback, &after.app.callback) {
            (Some((old, _)), Some((new, _))) if old != new => {
                let what = format!("{name} starts by {} instead of {}", super::shown(new), super::shown(old));
                self.tell(Rule::StartModule, Some(name), None, what);
            }
            (Some((_, old)), Some((_, new))) if old != new => {
                self.tell(Rule::StartArgs, Some(name), None, format!("the arguments of {name}'s start/2 differ"));
            }
            (None, Some((new, _))) => {
                self.tell(
                    Rule::StartModule,
                    Some(name),
                    None,
                    format!("{name} was a library and starts by {} now", super::shown(new)),
                );
            }
            _ => {}
        }
    }
    fn included(&mut self, name: &str, before: &AppState, after: &AppState) {
        let (old, new) = (&before.app.included_applications, &after.app.included_applications);
        let names = |of: &[Atom], other: &[Atom], sign: &str| -> Vec<String> {
            of.iter().filter(|app| !other.contains(app)).map(|app| format!("{sign}{}", app.as_str())).collect()
        };
        let changes = [names(new, old, "+"), names(old, new, "-")].concat();
        if !changes.is_empty() {
            self.tell(Rule::Included, Some(name), None, format!("the applications that {name} includes differ: {}", list(changes)));
        }
    }
    /// `Supervisor.start_link(list)` in `start/2` (Elixir).
    fn listed_children(&mut self, app: &AppChange, after: &AppState) {
        let name = app.name.as_str();
        let Some((callback, _)) = &after.app.callback else { return };
        let Some(ModuleChange::Changed { before, after: module, code: true }) = app.modules.get(callback) else { return };
        let lists = |module: &Module| matches!(module.kind, Kind::Application { starts_list: true });
        let shown = super::shown(callback);
        match (lists(before), lists(module)) {
            (false, false) => {}
            (true, true) if self.policy.discover_children => {
                self.discover.push(name.to_owned());
                let calls = foreign_calls(module);
                if !calls.is_empty() {
                    let what = format!("{shown} lists children, and calls {}", list(calls));
                    self.tell(Rule::ListedChildren, Some(name), Some(&shown), what);
                }
            }
            (true, true) => {
                self.tell(Rule::HiddenChildren, Some(name), Some(&shown), format!("{shown} lists children and differs"))
            }
            _ => self.tell(Rule::StartModule, Some(name), Some(&shown), format!("{shown} starts its children in another way")),
        }
    }
}

/// Whether what all processes stand on differs. One that is new has nobody on it yet.
pub(super) fn is_core(app: &AppChange) -> bool {
    let differs = app.before.as_ref().map(|state| &state.vsn) != app.after.as_ref().map(|state| &state.vsn);
    CORE.contains(&app.name.as_str()) && app.before.is_some() && (differs || code_changes(app))
}

fn restarts_node(step: &Step) -> bool {
    matches!(step, Step::Low(Instruction::RestartNewEmulator | Instruction::RestartEmulator))
}

fn code_changes(app: &AppChange) -> bool {
    app.modules.values().any(|change| !matches!(change, ModuleChange::Changed { code: false, .. }))
}

fn becomes(name: &str, before: &AppState, after: &AppState) -> String {
    match before.vsn == after.vsn {
        true => format!("the code of {name} {} differs", after.vsn),
        false => format!("{name} {} becomes {}", before.vsn, after.vsn),
    }
}

fn is_shared_library(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.ends_with(".so") || name.ends_with(".dylib") || name.contains(".so.")
}

fn after(change: &ModuleChange) -> Option<&Module> {
    match change {
        ModuleChange::Added(module) | ModuleChange::Changed { after: module, .. } => Some(module),
        ModuleChange::Removed(_) => None,
    }
}

/// Functions of others that `start/2` calls and that might do harm the second time. Its application's own modules are shown too: who
/// knows what they do.
fn foreign_calls(module: &Module) -> Vec<String> {
    let harmless = |module: &str, function: &str| match module {
        "erlang" => !HARMFUL.contains(&function),
        other => HARMLESS.contains(&other),
    };
    let calls = module.start_calls.iter().filter(|call| !harmless(call.module.as_str(), call.function.name.as_str()));
    calls.map(shown_call).collect()
}
