use crate::config::{Around, inventory::SrvRecord, raw::Table, settle_toml};

use super::{Answer, hosts};

/// The hosts of a target whose `hosts` are this, after its sources have answered.
fn found(setting: &str, answers: &[Answer]) -> Result<Vec<String>, String> {
    let text = format!("app = \"shop\"\n[targets.production]\npath = \"/srv\"\nuser = \"deploy\"\nhosts = {setting}\n");
    let around = Around { flags: &Table::default(), env: &|_| None, folder: "shop", home: None };
    let (settings, _) = settle_toml("edeliver.toml", &text, &around).map_err(|problems| problems.to_string())?;
    let hosts = hosts(&settings.inventories[0], answers).map_err(|problems| problems.to_string())?;
    let shown = hosts.iter().map(|host| {
        let mut words = vec![format!("{}@{}", host.user.as_ref().unwrap(), host.name)];
        words.extend(host.address.iter().map(|address| format!("at {address}")));
        words.extend(host.port.iter().map(|port| format!("port {port}")));
        words.extend((host.path.as_str() != "/srv").then(|| format!("path {}", host.path)));
        words.extend(host.node.iter().map(|node| format!("node {node}")));
        words.extend(
            (!host.tags.is_empty())
                .then(|| format!("tags {}", host.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>().join(","))),
        );
        words.join(" ")
    });
    Ok(shown.collect())
}
const COMMAND: &str = "{ command = \"bin/hosts\" }";

fn printed(text: &str) -> Result<Vec<String>, String> {
    found(COMMAND, &[Answer::Json(text.to_owned())])
}
fn printed_of(group: &str, text: &str) -> Result<Vec<String>, String> {
    found(&format!("{{ command = \"bin/hosts\", group = {group:?} }}"), &[Answer::Json(text.to_owned())])
}
#[track_caller]
fn says(done: Result<Vec<String>, String>, parts: &[&str]) {
    let error = done.unwrap_err();
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in\n{error}");
    }
}

#[test]
fn a_command_prints_names_and_tables_of_hosts_and_their_order_is_kept() {
    let text =
        r#"["web2", "root@web1", {"name": "db", "port": 2222, "path": "/opt", "node": "shop@db", "tags": ["db"], "user": null}]"#;
    let expected = ["deploy@web2", "root@web1", "deploy@db port 2222 path /opt node shop@db tags db"];
    assert_eq!(printed(text).unwrap(), expected);
    assert_eq!(printed_of("db", text).unwrap(), expected[2..]);
}

#[test]
fn a_list_may_have_hosts_and_several_sources() {
    let setting = "[\"first\", { command = \"a\" }, { name = \"mid\", tags = [\"x\"] }, { srv = \"_edeliver._tcp.example.com\" }]";
    let records = vec![SrvRecord { priority: 0, port: 0, target: "Last.example.com.".into() }];
    let answers = [Answer::Json("[\"a1\"]".into()), Answer::Records(records)];
    assert_eq!(found(setting, &answers).unwrap(), ["deploy@first", "deploy@a1", "deploy@mid tags x", "deploy@last.example.com"]);
}

const ANSIBLE: &str = r#"{
    "_meta": {"hostvars": {
        "web1": {"ansible_host": "10.0.0.1", "ansible_port": "2222", "ansible_user": "root", "ansible_become_password": "hunter2"},
        "web2": {"ansible_host": "10.0.0.2", "ansible_port": 22, "ansible_connection": "ssh", "big": {"a": [{"b": {"c": {"d": 1}}}]}},
        "db1": {"edeliver_path": "/data", "edeliver_node": "shop@db1"}
    }},
    "all": {"children": ["ungrouped", "eu", "db"]},
    "ungrouped": {"hosts": []},
    "eu": {"children": ["web"]},
    "web": {"hosts": ["web2", "web1"]},
    "db": {"hosts": ["db1", "web1"], "vars": {"x": 1}},
    "_odd name": {"hosts": ["web1"]}
}"#;

#[test]
fn ansibles_inventory_gives_hosts_with_their_groups_as_tags() {
    let all = printed(ANSIBLE).unwrap();
    let web2 = "deploy@web2 at 10.0.0.2 port 22 tags eu,web";
    let web1 = "root@web1 at 10.0.0.1 port 2222 tags eu,web,db";
    let db1 = "deploy@db1 path /data node shop@db1 tags db";
    assert_eq!(all, [web2, web1, db1]);
    assert_eq!(printed_of("db", ANSIBLE).unwrap(), [db1, web1]);
    assert_eq!(printed_of("eu", ANSIBLE).unwrap(), [web2, web1], "hosts of groups below a group are in it");
    assert_eq!(printed_of("_odd name", ANSIBLE).unwrap(), [web1]);
}

#[test]
fn what_ansible_itself_prints_is_understood() {
    let printed = printed(include_str!("ansible-core-2.19.json")).unwrap();
    let web2 = "deploy@web2 at 10.0.0.2 port 2222 tags eu,web";
    let web1 = "root@web1 at fe80::1%eth0 tags db,eu,web";
    assert_eq!(printed, ["deploy@stray", web2, web1, "deploy@db1 path /data tags db"]);
}

#[test]
fn the_short_form_of_dynamic_inventories_is_understood_and_groups_may_contain_each_other() {
    assert_eq!(
        printed(r#"{"web": ["w1", "w2"], "db": {"hosts": ["w2"]}}"#).unwrap(),
        ["deploy@w1 tags web", "deploy@w2 tags web,db"]
    );
    let cycle = r#"{"a": {"hosts": ["x"], "children": ["b"]}, "b": {"hosts": ["y"], "children": ["a"]}}"#;
    assert_eq!(printed_of("b", cycle).unwrap(), ["deploy@y tags a,b", "deploy@x tags a,b"]);
}

#[test]
fn a_group_that_is_not_there_is_told_with_those_that_are() {
    says(printed_of("wbe", ANSIBLE), &["the inventory has no group \"wbe\"", "it has all, ungrouped, eu, web, db"]);
    says(printed_of("wbe", "[\"a\"]"), &["the command `bin/hosts`, group wbe has no hosts", "edeliver.toml:5"]);
}

#[test]
fn what_is_no_json_is_told_by_line_and_column_and_never_quoted() {
    says(
        printed("[\"web1\",\n  \"secret\" x]"),
        &["what it printed is not JSON", "the output of the command `bin/hosts`, line 2, column 12"],
    );
    let error = printed("[\"web1\",\n  \"secret\" x]").unwrap_err();
    assert!(!error.contains("secret"), "{error}");
    says(printed(" \n"), &["the command `bin/hosts` printed nothing", "JSON is expected", "ansible-inventory --list"]);
    says(printed("\"web1\""), &["is no list of hosts", "[\"web1\", {\"name\": \"web2\", \"port\": 2222}]"]);
    says(printed("[]"), &["the command `bin/hosts` has no hosts", "edeliver.toml:5"]);
    says(printed(&"[".repeat(100_000)), &["is not JSON"]);
}

#[test]
fn hostile_and_wrong_hosts_are_refused_where_they_stand() {
    says(printed("[\"web1\", \"-oProxyCommand=x\"]"), &["\"-oProxyCommand=x\" is not a host name", "line 1, column 10"]);
    says(printed("[\"a b\"]"), &["is not a host name"]);
    says(printed("[{\"name\": \"a\", \"port\": 0}]"), &["`host.port` is 0, and should be a port"]);
    says(printed("[{\"name\": \"a\", \"prot\": 1}]"), &["unknown key `prot`", "did you mean `port`?"]);
    says(printed("[{\"name\": \"a\", \"name\": \"b\"}]"), &["the key \"name\" stands twice"]);
    says(printed("[{\"name\": [[[[[1]]]]]}]"), &["`host.name` is a list"]);
    says(printed("[{\"port\": 22}]"), &["a host without a name"]);
    says(printed("[1]"), &["should be a host"]);
    says(printed("[\"web1\", \"web1\"]"), &["web1 is listed twice", "line 1, column 10"]);
    says(
        printed(r#"{"web": {"hosts": ["w"]}, "_meta": {"hostvars": {"w": {"ansible_host": "{{ x }}"}}}}"#),
        &["is not a host name"],
    );
    says(
        printed(r#"{"web": {"hosts": ["w"]}, "_meta": {"hostvars": {"w": {"ansible_connection": "winrm"}}}}"#),
        &["`host.transport` can't be"],
    );
    says(printed(r#"{"web": {"hosts": "w"}}"#), &["the group \"web\" can't be read"]);
}

#[test]
fn a_host_of_two_sources_is_told() {
    let answers = [Answer::Json("[\"a\"]".into()), Answer::Json("[\"a\"]".into())];
    says(found("[{ command = \"x\" }, { command = \"y\" }]", &answers), &["a is listed twice", "the output of the command `y`"]);
}

#[test]
fn a_file_is_a_host_called_like_it() {
    let file = |name: &str, text: &str| (format!("deploy/hosts/{name}.toml"), text.to_owned());
    let dir = "{ dir = \"deploy/hosts\" }";
    let files = vec![file("db1", "tags = [\"db\"]\nport = 2222\n"), file("web.eu", ""), file("other", "name = \"me@web9\"\n")];
    let expected = ["deploy@db1 port 2222 tags db", "deploy@web.eu", "me@web9"];
    assert_eq!(found(dir, &[Answer::Files(files)]).unwrap(), expected);
    says(found(dir, &[Answer::Files(vec![file("x", "prot = 1\n")])]), &["unknown key `prot`", "deploy/hosts/x.toml:1"]);
    says(found(dir, &[Answer::Files(vec![file("x", "port = \n")])]), &["deploy/hosts/x.toml"]);
    says(found(dir, &[Answer::Files(vec![file("a b", "")])]), &["\"a b\" is not a host name"]);
    says(found(dir, &[Answer::Files(vec![])]), &["the folder deploy/hosts has no hosts", "edeliver.toml:5"]);
}

#[test]
fn records_are_taken_by_priority_and_name_with_their_ports() {
    let record = |priority, port, target: &str| SrvRecord { priority, port, target: target.to_owned() };
    let records =
        vec![record(20, 22, "z."), record(10, 2222, "b.example.com."), record(10, 0, "a.example.com."), record(1, 1, ".")];
    let srv = "{ srv = \"_edeliver._tcp.example.com\" }";
    assert_eq!(
        found(srv, &[Answer::Records(records)]).unwrap(),
        ["deploy@a.example.com", "deploy@b.example.com port 2222", "deploy@z port 22"]
    );
    says(
        found(srv, &[Answer::Records(vec![record(1, 1, "a\\;b.")])]),
        &["is not a host name", "the SRV records of _edeliver._tcp.example.com"],
    );
    says(found(srv, &[Answer::Records(vec![])]), &["has no hosts"]);
}

#[test]
fn wrong_sources_are_told_before_anybody_is_asked() {
    says(found("{ command = \"x\", dir = \"y\" }", &[]), &["two sources in one table", "choose one of command, dir and srv"]);
    says(found("{ comand = \"x\" }", &[]), &["should be a list", "hosts = { comand"]);
    says(found("{ dir = \"x\", group = \"web\" }", &[]), &["`targets.production.hosts.group` belongs to `command`"]);
    says(found("{ command = \"x\", server = \"1.1.1.1\" }", &[]), &["`targets.production.hosts.server` belongs to `srv`"]);
    says(found("{ srv = \"a b\" }", &[]), &["is not a name with SRV records", "_edeliver._tcp.example.com"]);
    says(found("{ srv = \"a.b\", server = \"localhost\" }", &[]), &["is not the address of a server", "127.0.0.1:8600"]);
    says(found("{ command = \"x\", timeout = 5 }", &[]), &["should be a length of time"]);
    says(found("{ command = \"a\\nb\" }", &[]), &["is not a command", "write it in one line"]);
    says(found("[{ command = \"x\", tags = [\"a\"] }]", &[]), &["unknown key `tags`"]);
}

#[test]
fn what_looks_like_a_secret_in_a_command_is_not_shown() {
    let error = found("{ command = \"bin/hosts && TOKEN=hunter2 bin/more\" }", &[Answer::Json(String::new())]).unwrap_err();
    assert!(error.contains("bin/hosts && TOKEN=") && !error.contains("hunter2"), "{error}");
}
