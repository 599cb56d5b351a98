//! Configs as projects have them: what they mean, and that an import keeps it. `NAME.sh` is the config, `NAME.txt` what is made of it.

use edeliver_core::config::Origin;

use super::{
    import,
    tests::{Project, told},
    *,
};

const ALL: [(&str, &str, &str); 5] = [
    ("phoenix", include_str!("corpus/phoenix.sh"), include_str!("corpus/phoenix.txt")),
    ("erlang", include_str!("corpus/erlang.sh"), include_str!("corpus/erlang.txt")),
    ("environments", include_str!("corpus/environments.sh"), include_str!("corpus/environments.txt")),
    ("one_host", include_str!("corpus/one_host.sh"), include_str!("corpus/one_host.txt")),
    ("ci", include_str!("corpus/ci.sh"), include_str!("corpus/ci.txt")),
];

fn project(config: &str) -> Project {
    let secrets = "export DATABASE_URL=\"ecto://app:hunter2@db/billing\"\n";
    Project::new(&[(CLASSIC, config), (".deliver/secrets", secrets)]).with_env(&[("HOME", "/home/me"), ("USER", "me")])
}

/// Everything that is not a plain default, the warnings, and the functions.
fn summary(project: &Project, loaded: &Loaded) -> String {
    let given = loaded.origins.iter().filter(|(key, setting)| setting.origin != Origin::Default && !is_shared(loaded, key));
    let mut out: String = given.map(|(key, setting)| format!("{key} = {}  [{}]\n", setting.value, setting.origin)).collect();
    out.extend(loaded.warnings.iter().map(|(text, _)| format!("warning: {text}\n")));
    let parked = loaded.take_shell().unwrap();
    let mut functions: Vec<String> = parked.functions.iter().map(|f| format!("function {} [line {}]\n", f.name, f.line)).collect();
    functions.sort();
    out.extend(functions);
    out.replace(project.root.to_str().unwrap(), "PROJECT")
}

fn is_shared(loaded: &Loaded, key: &str) -> bool {
    let name = key.strip_prefix("targets.").and_then(|rest| rest.split_once('.')).map(|(_, name)| name);
    name.is_some_and(|name| loaded.origins.get(&format!("deploy.{name}")) == loaded.origins.get(key))
}

#[test]
fn configs_of_real_projects_keep_their_meaning() {
    let mut now = String::new();
    for (name, config, wanted) in ALL {
        let project = project(config);
        let summary = summary(&project, &project.load());
        if summary != wanted {
            now.push_str(&format!("=== {name}\n{summary}"));
        }
    }
    assert!(now.is_empty(), "these mean now:\n{now}");
}

#[test]
fn they_can_all_be_imported() {
    for (name, config, _) in ALL {
        let project = project(config);
        let env = |variable: &str| match variable {
            "HOME" => Some("/home/me".to_owned()),
            "USER" => Some("me".to_owned()),
            _ => None,
        };
        let imported =
            import::import(&project.root, env).unwrap_or_else(|error| panic!("{name}: {}", crate::error::chain(&error).join(": ")));
        assert_eq!(imported.hooks.is_some(), config.contains("()"), "{name}");
        let again = load(&project.root, &Flags::default(), env).unwrap_or_else(|error| panic!("{name}: {}", told(&error)));
        assert_eq!(again.form, Form::Toml);
    }
}
