//! Targets of a classic config: `STAGING_…`, `PRODUCTION_…`, and whatever else has a `…_HOSTS` or `…_NODES`.

use super::Reading;
use crate::{
    config::{
        origin::Origin,
        problem::Place,
        raw::{Kind, Table, Value},
    },
    hint::Hint,
    name::HostName,
};

/// One word of a `…_NODES` list: `user@host:path|config`.
struct Node<'a> {
    user: Option<&'a str>,
    host: &'a str,
    path: Option<&'a str>,
    config: Option<&'a str>,
}

impl<'a> Node<'a> {
    fn parse(spec: &'a str) -> Self {
        let (spec, config) = spec.split_once('|').map_or((spec, None), |(spec, config)| (spec, Some(config)));
        let (user, rest) = spec.split_once('@').map_or((None, spec), |(user, rest)| (Some(user), rest));
        let (host, path) = rest.split_once(':').map_or((rest, None), |(host, path)| (host, Some(path)));
        Self { user, host, path: path.filter(|path| !path.is_empty()), config: config.filter(|config| !config.is_empty()) }
    }
}

impl Reading<'_> {
    pub(super) fn targets(&mut self) {
        self.target("STAGING", &["TEST_AT", "DELIVER_TO"]);
        self.target("PRODUCTION", &["DELIVER_TO"]);
        for name in self.other_targets() {
            self.target(&name, &["TEST_AT", "DELIVER_TO"]);
        }
        if !self.out.table.has("targets.local") {
            self.local_target();
        }
    }
    /// Node commands of edeliver 1.x took any word. A list that is clearly something else (`DB_HOSTS="db:5432"`) makes no target.
    fn other_targets(&self) -> Vec<String> {
        let assigned = |origin: &Origin| !matches!(origin, Origin::Env { .. });
        let lists = self.script.variables.iter().filter(|variable| assigned(&variable.origin));
        let mut names = Vec::new();
        for variable in lists {
            let hosts = variable.name.strip_suffix("_HOSTS");
            let Some(name) = hosts.or_else(|| variable.name.strip_suffix("_NODES")) else { continue };
            let all_hosts = || self.words(&variable.name).unwrap_or_default().iter().all(|word| is_host(word));
            let meant = hosts.is_none() || self.variable(&format!("{name}_USER")).is_some() || all_hosts();
            let upper = !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
            if meant && upper && !["STAGING", "PRODUCTION"].contains(&name) && !names.contains(&name.to_owned()) {
                names.push(name.to_owned());
            }
        }
        names
    }
    fn target(&mut self, upper: &str, path_variables: &[&'static str]) {
        let (hosts, nodes) = (format!("{upper}_HOSTS"), format!("{upper}_NODES"));
        let key = format!("targets.{}", upper.to_ascii_lowercase());
        match (self.words(&hosts), self.words(&nodes)) {
            (None, None) => return,
            (Some(words), None) => self.hosts(&key, &hosts, &words, upper),
            (None, Some(specs)) => self.nodes(&key, &nodes, &specs),
            (Some(words), Some(specs)) => {
                self.hosts(&key, &hosts, &words, upper);
                self.compare(&hosts, &words, &nodes, &specs);
            }
        }
        self.target_user(&key, upper);
        self.target_path(&key, upper, path_variables);
    }
    /// Targets that edeliver 1.x did not know by name used the staging user.
    fn user_variable(&self, upper: &str) -> Option<String> {
        let candidates = if upper == "PRODUCTION" {
            vec![format!("{upper}_USER")]
        } else {
            vec![format!("{upper}_USER"), "STAGING_USER".to_owned()]
        };
        candidates.into_iter().find(|name| self.variable(name).is_some())
    }
    fn target_user(&mut self, key: &str, upper: &str) {
        if let Some(variable) = self.user_variable(upper) {
            let user = self.text(&variable).unwrap_or_default().to_owned();
            self.set(&format!("{key}.user"), user, &variable);
        }
    }
    fn target_path(&mut self, key: &str, upper: &str, variables: &[&'static str]) {
        let user = self.user_variable(upper).and_then(|variable| self.text(&variable));
        let key = format!("{key}.path");
        match variables.iter().find(|name| self.variable(name).is_some()) {
            Some(variable) => {
                if let Some(path) = self.host_path(variable, user) {
                    self.set(&key, path, variable);
                }
            }
            None => {
                let place = Place::of(Origin::Derived { why: "default of edeliver 1.x" });
                self.out.table.set(&key, Self::DEFAULT_DELIVER_TO, &place);
            }
        }
    }
    fn hosts(&mut self, key: &str, variable: &str, words: &[String], upper: &str) {
        let place = self.place(variable);
        let user = self.user_variable(upper).and_then(|variable| self.text(&variable));
        let items = words.iter().map(|word| {
            if self.is_here(word, user) {
                host_table(&place, &[("name", word), ("transport", "local")])
            } else {
                Value { kind: Kind::Word(word.clone()), place: place.clone() }
            }
        });
        let items = items.collect();
        self.out.table.insert(&format!("{key}.hosts"), Kind::List(items), &place);
    }
    fn nodes(&mut self, key: &str, variable: &str, specs: &[String]) {
        let place = self.place(variable);
        let mut items = Vec::new();
        for spec in specs {
            let node = Node::parse(spec);
            let mut fields = vec![("name", node.host)];
            fields.extend(node.user.map(|user| ("user", user)));
            fields.extend(node.path.map(|path| ("path", path)));
            if self.is_here(node.host, node.user) {
                fields.push(("transport", "local"));
            }
            items.push(host_table(&place, &fields));
        }
        self.notice_configs(variable, specs);
        self.out.table.insert(&format!("{key}.hosts"), Kind::List(items), &place);
    }
    fn notice_configs(&mut self, variable: &str, specs: &[String]) {
        if let Some(config) = specs.iter().find_map(|spec| Node::parse(spec).config) {
            let text = format!("the part after `|` in {variable} ({config:?}) is not used: a node's start script gets no --config");
            self.warn(text, Hint::text("a release has its configuration in releases/VERSION, or reads it when it starts"));
        }
    }
    /// Deploys went to the hosts, node commands to the nodes; here both go to the hosts.
    fn compare(&mut self, hosts: &str, words: &[String], nodes: &str, specs: &[String]) {
        self.notice_configs(nodes, specs);
        let mut of_nodes: Vec<&str> = specs.iter().map(|spec| Node::parse(spec).host).collect();
        let mut of_hosts: Vec<&str> = words.iter().map(|word| word.rsplit('@').next().unwrap_or(word)).collect();
        for list in [&mut of_nodes, &mut of_hosts] {
            list.sort_unstable();
            list.dedup();
        }
        if of_nodes != of_hosts {
            let text = format!("{nodes} and {hosts} name different hosts: node commands act on {hosts}");
            self.warn(text, Hint::text(format!("make the lists equal, or keep only {nodes}")));
        }
    }
    /// `deploy release local` puts the release into a folder of the project.
    fn local_target(&mut self) {
        let place = Place::of(Origin::Derived { why: "the target `local` of edeliver 1.x" });
        let host = host_table(&place, &[("name", "localhost"), ("transport", "local")]);
        self.out.table.insert("targets.local.hosts", Kind::List(vec![host]), &place);
        match self.text("TEST_LOCALLY_AT") {
            Some(path) if path.starts_with(['/', '~']) => self.set("targets.local.path", path, "TEST_LOCALLY_AT"),
            Some(path) => self.set("targets.local.path", format!("{}/{path}", self.script.project), "TEST_LOCALLY_AT"),
            None => self.out.table.set("targets.local.path", format!("{}/.local-release", self.script.project), &place),
        }
    }
}

/// A name or an address, without a port.
fn is_host(word: &str) -> bool {
    word.parse::<HostName>().is_ok() && (!word.contains(':') || word.parse::<std::net::Ipv6Addr>().is_ok())
}

fn host_table(place: &Place, fields: &[(&str, &str)]) -> Value {
    let mut table = Table::default();
    for (key, value) in fields {
        table.set(key, *value, place);
    }
    Value { kind: Kind::Table(table), place: place.clone() }
}
