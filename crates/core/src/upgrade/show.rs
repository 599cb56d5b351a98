//! A judgement as people read it: rows of a table, and lines. Without colours; the shell adds them.

use super::{Action, AppAction, AppJudgement, Judgement, Level, ModuleJudgement};

/// One row: an application, or a module of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The application and its versions, or the module.
    pub name: String,
    /// Whether it is a module, to be shown below its application.
    pub is_module: bool,
    /// What differs.
    pub changes: String,
    /// What is done.
    pub action: &'static str,
}

impl Judgement {
    /// Applications with their modules, then protocols.
    pub fn rows(&self) -> Vec<Row> {
        let apps = self.apps.iter().flat_map(AppJudgement::rows);
        let protocols = (!self.protocols.is_empty()).then(|| Row {
            name: "consolidated protocols".to_owned(),
            is_module: false,
            changes: String::new(),
            action: "",
        });
        apps.chain(protocols).chain(self.protocols.iter().map(ModuleJudgement::row)).collect()
    }
    /// The verdict in one line: `hotapp 0.1.0 to 0.2.0: hot, with warnings`.
    pub fn headline(&self) -> String {
        format!("{} {} to {}: {}", self.name, self.from, self.to, self.verdict.word())
    }
    /// Why a restart is needed, one line each; empty if none is.
    pub fn restart_reasons(&self) -> Vec<String> {
        self.lines(Level::Restart)
    }
    /// The findings of one level, one line each.
    pub fn lines(&self, level: Level) -> Vec<String> {
        self.findings.iter().filter(|finding| finding.level == level).map(super::Finding::line).collect()
    }
}

impl AppJudgement {
    fn rows(&self) -> Vec<Row> {
        let (before, after) = (self.before.as_deref(), self.after.as_deref());
        let name = match (before, after) {
            (Some(before), Some(after)) if before != after => format!("{} {before} to {after}", self.name),
            (_, Some(vsn)) | (Some(vsn), None) => format!("{} {vsn}", self.name),
            (None, None) => self.name.clone(),
        };
        let action = match self.action {
            AppAction::Start => "start",
            AppAction::Stop => "stop",
            AppAction::Upgrade => "upgrade",
            AppAction::FollowAppup => "follow its appup",
        };
        let changes = match self.action {
            AppAction::Start => "new",
            AppAction::Stop => "gone",
            _ => "",
        };
        let row = Row { name, is_module: false, changes: changes.to_owned(), action };
        // All modules of an application that comes or goes do the same.
        let whole = matches!(self.action, AppAction::Start | AppAction::Stop);
        let modules = self.modules.iter().filter(|_| !whole).map(ModuleJudgement::row);
        std::iter::once(row).chain(modules).collect()
    }
}

impl ModuleJudgement {
    fn row(&self) -> Row {
        let changes = match self.action {
            Action::Add => "new".to_owned(),
            Action::Remove => "gone".to_owned(),
            _ => self.changes.join("; "),
        };
        Row { name: format!("{} ({})", self.name, self.kind), is_module: true, changes, action: self.action.words() }
    }
}

impl Action {
    /// As it stands in tables.
    pub fn words(self) -> &'static str {
        match self {
            Self::Add => "load",
            Self::Load => "load",
            Self::Migrate => "suspend, load, code_change, resume",
            Self::Suspend => "suspend, load, resume",
            Self::Supervise => "suspend, load, code_change, resume, compare children",
            Self::Children => "load, compare children",
            Self::Appup => "as the appup says",
            Self::Leave => "nothing",
            Self::ReloadProtocol => "load the consolidated form",
            Self::Remove => "remove",
        }
    }
}
