//! `.deliver/config` of edeliver 1.4-1.9: what its variables mean.
//!
//! The file is a bash script, so somebody else runs it; here its variables become the same tree that an edeliver.toml gives. What the
//! original meant is kept, its accidents are not: options of the command line win over a plain assignment, `HOST` of the environment moves
//! nothing, and a host list may be an array.

mod known;
pub mod lines;
mod linked;
mod notices;
mod place;
mod targets;

pub use self::known::{LISTENED, STRONGER_THAN_CONFIG, variable_of};
use self::known::{PLAIN, SWITCHES};
use super::{
    origin::Origin,
    problem::{Place, Problem},
    raw::{Kind, Table},
    settle::store,
};
use crate::hint::Hint;

/// A variable as the script left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// One value, or the items of an array.
    pub values: Vec<String>,
    /// Where it was assigned.
    pub origin: Origin,
}

/// A function that the script defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The file and line of its definition.
    pub origin: Origin,
}

/// A script after it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What the file is called in messages: `.deliver/config`.
    pub path: String,
    /// Variables that it set, and those of the environment that edeliver 1.x listens to.
    pub variables: Vec<Variable>,
    /// Functions that it defines.
    pub functions: Vec<Function>,
    /// The project's folder, absolute.
    pub project: String,
    /// Who runs this.
    pub user: Option<String>,
    /// The user's home directory on this machine.
    pub home: Option<String>,
}

/// What a script means.
#[derive(Debug, Default)]
pub struct Meaning {
    /// The settings, as if they stood in an edeliver.toml.
    pub table: Table,
    /// What is not meant as the user may think.
    pub warnings: Vec<(String, Vec<Hint>)>,
    /// What is wrong already here.
    pub problems: Vec<Problem>,
}

/// What the script's variables mean.
pub fn meaning(script: &Script) -> Meaning {
    let mut reading = Reading { script, out: Meaning::default() };
    reading.app();
    reading.build();
    reading.build_tools();
    reading.git();
    reading.store();
    reading.deploy();
    reading.targets();
    reading.notices();
    reading.out
}

struct Reading<'a> {
    script: &'a Script,
    out: Meaning,
}

impl<'a> Reading<'a> {
    /// A variable that has a value; an empty one counts as not set.
    fn variable(&self, name: &str) -> Option<&'a Variable> {
        let variable = self.script.variables.iter().find(|variable| variable.name == name)?;
        variable.values.iter().any(|value| !value.trim().is_empty()).then_some(variable)
    }
    /// Its text; of an array the first item, as bash has it.
    fn text(&self, name: &str) -> Option<&'a str> {
        Some(self.variable(name)?.values.first()?.trim())
    }
    fn place(&self, name: &str) -> Place {
        let origin = self.script.variables.iter().find(|variable| variable.name == name).map(|variable| variable.origin.clone());
        Place::of(origin.unwrap_or(Origin::File { path: self.script.path.clone(), line: None })).named(name)
    }
    fn set(&mut self, key: &str, value: impl Into<String>, variable: &str) {
        let place = self.place(variable);
        self.out.table.set(key, value, &place);
    }
    fn warn(&mut self, text: impl Into<String>, hint: Hint) {
        self.out.warnings.push((text.into(), vec![hint]));
    }
    fn app(&mut self) {
        if let Some(app) = self.text("APP") {
            self.set("app", app, "APP");
        }
    }
    fn build(&mut self) {
        for (variable, key) in PLAIN {
            match self.variable(variable).map(|found| found.values.as_slice()) {
                Some([value]) => self.set(key, value.trim(), variable),
                Some(values) => {
                    let items = values.to_vec();
                    let place = self.place(variable);
                    self.out.table.set_list(key, items, &place);
                }
                None => {}
            }
        }
        for (variable, key) in SWITCHES {
            if self.text(variable) == Some("true") {
                self.set(key, "true", variable);
            }
        }
        if let Some(hosts) = self.words("BUILD_HOST") {
            self.build_host(&hosts);
        }
    }
    fn build_host(&mut self, hosts: &[String]) {
        let place = self.place("BUILD_HOST");
        let refuse = |text: &str| Problem::new(text, place.clone());
        match hosts {
            [host] if self.variable("BUILD_AT").is_none() => {
                let problem = refuse("BUILD_AT is not set").label(format!("where on {host} should builds live?"));
                self.out.problems.push(problem.remedy("add a line like BUILD_AT=\"/home/builder/builds\""));
            }
            [host] => {
                let user = self.text("BUILD_USER");
                self.set("build.host", host, "BUILD_HOST");
                if let Some(user) = user {
                    self.set("build.user", user, "BUILD_USER");
                }
                if host == CONTAINER {
                    self.container();
                } else if self.is_here(host, user) {
                    self.set("build.transport", "local", "BUILD_HOST");
                }
                if let Some(path) = self.host_path("BUILD_AT", user) {
                    self.set("build.path", path, "BUILD_AT");
                }
            }
            _ => self.out.problems.push(refuse("BUILD_HOST names several hosts").label("there is one build host")),
        }
    }
    fn container(&mut self) {
        self.set("build.transport", "local", "BUILD_HOST");
        match self.text("DOCKER_BUILD_IMAGE") {
            Some(image) => self.set("build.image", image, "DOCKER_BUILD_IMAGE"),
            None => self.set("build.image", DEFAULT_IMAGE, "BUILD_HOST"),
        }
    }
    /// `localhost`, and no other user than the one who is here anyway.
    fn is_here(&self, host: &str, user: Option<&str>) -> bool {
        host == "localhost" && (user.is_none() || user == self.script.user.as_deref())
    }
    fn build_tools(&mut self) {
        if let Some(tool) = self.text("BUILD_CMD") {
            self.set("build.tool", program_name(tool), "BUILD_CMD");
        }
        match (self.text("RELEASE_CMD").map(program_name), self.text("USING_DISTILLERY")) {
            (Some("relx"), _) => self.set("build.release_tool", "relx", "RELEASE_CMD"),
            (Some("mix") | None, Some("true")) => self.set("build.release_tool", "distillery", "USING_DISTILLERY"),
            (Some("mix") | None, Some("false")) => self.set("build.release_tool", "native", "USING_DISTILLERY"),
            (Some("mix") | None, _) => {}
            (Some(tool @ ("rebar" | "rebar3")), _) => self.release_by(tool),
            (Some(_), _) => {
                let problem = Problem::new("RELEASE_CMD is not a release tool", self.place("RELEASE_CMD"));
                self.out.problems.push(problem.label("choose one of: mix, rebar3, rebar, relx"));
            }
        }
    }
    /// rebar and rebar3 assemble what they have compiled themselves, nothing else.
    fn release_by(&mut self, tool: &str) {
        match self.text("BUILD_CMD").map(program_name) {
            None => self.set("build.tool", tool, "RELEASE_CMD"),
            Some(build) if build == tool => {}
            Some(build) => {
                let problem =
                    Problem::new(format!("RELEASE_CMD={tool} with BUILD_CMD={build} is not supported"), self.place("RELEASE_CMD"));
                self.out
                    .problems
                    .push(problem.label(format!("{tool} assembles what {tool} has built")).remedy("remove one of the two"));
            }
        }
    }
    fn git(&mut self) {
        // The original pushed `REFSPEC`, or the branch; the part before a colon is what is built.
        let named = ["BRANCH", "REFSPEC"].into_iter().find_map(|name| Some((name, self.text(name)?)));
        match named {
            Some((name, spec)) => self.set("build.branch", spec.split(':').next().unwrap_or(spec).trim_start_matches('+'), name),
            None => {
                let place = Place::of(Origin::Derived { why: "default of edeliver 1.x" });
                self.out.table.insert("build.branch", Kind::Word("master".to_owned()), &place);
            }
        }
        if let Some(revision) = self.text("REVISION") {
            self.set("build.revision", revision, "REVISION");
        }
        if let Some(dir) = self.text("RELEASE_DIR") {
            let at = self.text("BUILD_AT").unwrap_or_default().trim_end_matches('/');
            let inside = dir.strip_prefix(at).and_then(|rest| rest.strip_prefix('/'));
            self.set("build.release_dir", inside.unwrap_or(dir), "RELEASE_DIR");
        }
    }
    fn store(&mut self) {
        for name in ["LOCAL_RELEASE_STORE", "RELEASE_STORE"] {
            match self.text(name) {
                Some(address) if store::s3::is_in_s3(address) => {
                    self.set("store.s3.url", address, name);
                    let hint = Hint::text(
                        "put them into ~/.aws/credentials or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and the bucket into [store.s3] of an \
                         edeliver.toml",
                    );
                    self.warn(format!("{name} has keys in it, for everybody who can read the config"), hint);
                }
                Some(address) if store::is_on_a_host(address) => self.set("store.remote", address, name),
                Some(path) => self.set("store.path", path, name),
                None => {}
            }
        }
    }
    fn deploy(&mut self) {
        if let Some(seconds) = self.text("SSH_TIMEOUT") {
            let unit = if seconds.chars().all(|c| c.is_ascii_digit()) { "s" } else { "" };
            self.set("ssh.connect_timeout", format!("{seconds}{unit}"), "SSH_TIMEOUT");
        }
        if let Some(profile) = self.text("PROFILE") {
            let profile = self.far_home(profile);
            self.set("build.profile", profile.clone(), "PROFILE");
            self.set("deploy.profile", profile, "PROFILE");
        }
        self.linked();
    }
    /// All words of a variable, an array's too; separated by blanks or commas.
    fn words(&self, name: &str) -> Option<Vec<String>> {
        let values = &self.variable(name)?.values;
        let words = values.iter().flat_map(|value| value.split(|c: char| c == ',' || c.is_whitespace()));
        Some(words.filter(|word| !word.is_empty()).map(str::to_owned).collect())
    }
}

/// The build host that is a container on this machine.
const CONTAINER: &str = "docker";
/// What edeliver 1.9 built in.
const DEFAULT_IMAGE: &str = "elixir:1.13.3";

/// `./rebar3` means rebar3.
fn program_name(command: &str) -> &str {
    command.rsplit('/').next().unwrap_or(command)
}

#[cfg(test)]
mod tests;
