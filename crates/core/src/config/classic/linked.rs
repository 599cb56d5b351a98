//! `LINK_VM_ARGS` and `LINK_SYS_CONFIG`: files of the host in place of the release's own.
//!
//! The original put links into the archive, so that a release was no longer what had been built. The start scripts of all build tools take
//! the paths as variables; a variable of another tool's script means nothing to this one. Under their own names they tell the running node,
//! so that a hot upgrade, too, reads what a start would.

use super::Reading;
use crate::config::problem::Problem;

/// What the start scripts of relx, Distillery and mix call the file with the flags of the VM.
const VM_ARGS: [&str; 3] = ["VMARGS_PATH", "RELEASE_VM_ARGS", "LINK_VM_ARGS"];
/// What those of relx and Distillery call the file with the configuration.
const SYS_CONFIG: [&str; 3] = ["RELX_CONFIG_PATH", "SYS_CONFIG_PATH", "LINK_SYS_CONFIG"];
/// What that of mix calls it, without its extension.
const SYS_CONFIG_OF_MIX: &str = "RELEASE_SYS_CONFIG";

impl<'a> Reading<'a> {
    pub(super) fn linked(&mut self) {
        if let Some(path) = self.file_of_host("LINK_VM_ARGS") {
            VM_ARGS.iter().for_each(|name| self.set(&format!("deploy.env.{name}"), path, "LINK_VM_ARGS"));
        }
        if let Some(path) = self.file_of_host("LINK_SYS_CONFIG") {
            SYS_CONFIG.iter().for_each(|name| self.set(&format!("deploy.env.{name}"), path, "LINK_SYS_CONFIG"));
            let Some(stem) = path.strip_suffix(".config") else {
                let problem =
                    Problem::new(format!("LINK_SYS_CONFIG: {path:?} is not called .config"), self.place("LINK_SYS_CONFIG"));
                let remedy = "give the file on the hosts a name that ends with .config";
                return self.out.problems.push(problem.label("Erlang reads configuration from such files only").remedy(remedy));
            };
            self.set(&format!("deploy.env.{SYS_CONFIG_OF_MIX}"), stem, "LINK_SYS_CONFIG");
        }
    }
    /// Nobody expands `~` in a variable's value.
    fn file_of_host(&mut self, variable: &str) -> Option<&'a str> {
        let path = self.text(variable)?;
        if !path.starts_with('/') {
            let problem = Problem::new(format!("{variable}: {path:?} is not a whole path"), self.place(variable));
            self.out.problems.push(problem.label("it has to begin with /").remedy("write the file's path on the hosts"));
        }
        Some(path)
    }
}
