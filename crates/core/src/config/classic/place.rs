//! Paths on hosts, as a classic config writes them.

use super::Reading;
use crate::{config::problem::Problem, hint::Hint};

impl Reading<'_> {
    /// A folder on a host where `user` logs in. `~user/x` and `~/x` are the login's home; another user's home can't be named.
    pub(super) fn host_path(&mut self, variable: &str, user: Option<&str>) -> Option<String> {
        let path = self.text(variable)?;
        self.notice_local_home(variable, path, user);
        let Some(after) = path.strip_prefix('~') else { return Some(path.to_owned()) };
        let (named, rest) = after.split_once('/').unwrap_or((after, ""));
        if named.is_empty() || Some(named) == user {
            return Some(if rest.is_empty() { ".".to_owned() } else { format!("~/{rest}") });
        }
        let problem = Problem::new(format!("{variable}: {path:?} is in the home of another user"), self.place(variable));
        let login = user.unwrap_or("your ssh_config's user");
        self.out
            .problems
            .push(problem.label(format!("the login there is {login}")).remedy("write the whole path, or one that begins with ~/"));
        Some(".".to_owned()) // so that the path does not count as missing too
    }
    /// The default of edeliver 1.x was `~APP_USER/app`, the folder `app` in the home of the user who logs in.
    pub(super) const DEFAULT_DELIVER_TO: &'static str = "~/app";

    /// An unquoted `~` or a `$HOME` is expanded where the config is read, that is here.
    fn notice_local_home(&mut self, variable: &str, path: &str, user: Option<&str>) {
        let script = self.script;
        let inside = script.home.as_deref().is_some_and(|home| home.len() > 1 && path.starts_with(&format!("{home}/")));
        if inside && user.is_some() && user != script.user.as_deref() {
            let text = format!("{variable} is {path}, which is in your home on this machine, and is used as it stands on the host");
            let hint = Hint::text(format!("for the home of the login there write {variable}='~/…' with quotes"));
            self.warn(text, hint);
        }
    }
    /// A start-up file of this machine's home (`$HOME/.profile`) means the same file in the login's home.
    pub(super) fn far_home(&self, path: &str) -> String {
        let home = self.script.home.as_deref().filter(|home| home.len() > 1);
        match home.and_then(|home| path.strip_prefix(home)).and_then(|rest| rest.strip_prefix('/')) {
            Some(rest) => format!("~/{rest}"),
            None => path.to_owned(),
        }
    }
}
