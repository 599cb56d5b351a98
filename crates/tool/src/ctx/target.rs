//! Which hosts the user means.

use edeliver_core::{
    config::{HostSpec, Settings, TargetSettings},
    name::{HostName, TargetName},
    select::Selector,
};

use crate::cli::{
    options::{HostArg, TargetArgs},
    words::nearest,
};

/// The user named something that the configuration does not have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Nothing to choose from.
    #[error("the configuration has no target")]
    NoTargets,
    /// No such target.
    #[error("there is no target `{name}`")]
    Target {
        /// What was asked for.
        name: TargetName,
        /// What it resembles.
        like: Option<String>,
        /// Those that there are.
        known: Vec<String>,
    },
    /// No such host in it.
    #[error("the target `{target}` has no host `{name}`")]
    Host {
        /// The target.
        target: TargetName,
        /// What was asked for.
        name: HostName,
        /// What it resembles.
        like: Option<String>,
        /// Those that there are.
        known: Vec<String>,
    },
    /// It means none of them.
    #[error("no host of `{target}` is meant by `{selector}`")]
    Selector {
        /// The target.
        target: TargetName,
        /// What was asked for.
        selector: Selector,
        /// The tags that its hosts have, or their names.
        known: Vec<String>,
    },
}

/// The target that is called so.
pub(super) fn named<'a>(settings: &'a Settings, name: &TargetName) -> Result<&'a TargetSettings, TargetError> {
    settings.targets.get(name).ok_or_else(|| no_target(settings, name))
}

/// The target with just the hosts that were picked (all, if none was), in the order of the configuration.
pub(super) fn pick(mut target: TargetSettings, args: &TargetArgs) -> Result<TargetSettings, TargetError> {
    if let Some(stranger) = args.hosts.iter().find(|picked| target.hosts.iter().all(|host| host.name != picked.name)) {
        return Err(no_host(&target, &stranger.name));
    }
    if !args.hosts.is_empty() {
        target.hosts = target.hosts.iter().filter_map(|host| picked(host, &args.hosts)).collect();
    }
    if let Some(vain) = args.on.iter().find(|selector| !target.hosts.iter().any(|host| selector.means(host))) {
        return Err(means_none(&target, vain));
    }
    if !args.on.is_empty() {
        target.hosts.retain(|host| args.on.iter().any(|selector| selector.means(host)));
    }
    Ok(target)
}

/// A word that means nothing is a slip, also beside others that mean something: a deploy must not pass hosts over in silence.
fn means_none(target: &TargetSettings, selector: &Selector) -> TargetError {
    let mut known: Vec<String> = match selector {
        Selector::Tag(_) => target.hosts.iter().flat_map(|host| &host.tags).map(|tag| format!("@{tag}")).collect(),
        Selector::Pattern(_) => target.hosts.iter().map(|host| host.name.to_string()).collect(),
    };
    known.sort();
    known.dedup();
    TargetError::Selector { target: target.name.clone(), selector: selector.clone(), known }
}

/// The host with the login it was picked with; `None` if it was not picked.
fn picked(host: &HostSpec, picks: &[HostArg]) -> Option<HostSpec> {
    let pick = picks.iter().rev().find(|pick| pick.name == host.name)?;
    Some(HostSpec { user: pick.user.clone().or_else(|| host.user.clone()), ..host.clone() })
}

fn no_target(settings: &Settings, name: &TargetName) -> TargetError {
    let known: Vec<String> = settings.targets.keys().map(ToString::to_string).collect();
    if known.is_empty() {
        return TargetError::NoTargets;
    }
    let like = nearest(name.as_str(), known.iter().map(String::as_str)).map(str::to_owned);
    TargetError::Target { name: name.clone(), like, known }
}

fn no_host(target: &TargetSettings, name: &HostName) -> TargetError {
    let known: Vec<String> = target.hosts.iter().map(|host| host.name.to_string()).collect();
    let like = nearest(name.as_str(), known.iter().map(String::as_str)).map(str::to_owned);
    TargetError::Host { target: target.name.clone(), name: name.clone(), like, known }
}

#[cfg(test)]
mod tests {
    use edeliver_core::config::{Around, raw::Table, settle_toml};

    use super::*;

    const CONFIG: &str = r#"
        app = "shop"
        [targets.staging]
        path = "/srv"
        hosts = ["stage"]
        [targets.production]
        path = "/srv"
        user = "deploy"
        hosts = ["web1", { name = "web2", tags = ["canary"] }, { name = "db1", tags = ["db", "canary"] }]
    "#;

    fn picked(target: &str, hosts: &[&str]) -> Result<Vec<(String, Option<String>)>, TargetError> {
        let around = Around { flags: &Table::default(), env: &|_| None, folder: "shop", home: None };
        let (settings, _) = settle_toml("edeliver.toml", CONFIG, &around).unwrap();
        let hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let target = named(&settings, &target.parse().unwrap())?.clone();
        let target = pick(target.clone(), &TargetArgs { hosts, ..TargetArgs::all_of(target.name) })?;
        Ok(target.hosts.iter().map(|host| (host.name.to_string(), host.user.as_ref().map(ToString::to_string))).collect())
    }
    fn names(picked: Result<Vec<(String, Option<String>)>, TargetError>) -> String {
        picked.unwrap().into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn all_hosts_or_just_those_that_were_picked_in_the_order_of_the_configuration() {
        assert_eq!(names(picked("production", &[])), "web1 web2 db1");
        assert_eq!(names(picked("production", &["db1", "web1"])), "web1 db1");
    }

    #[test]
    fn a_picked_host_may_have_another_login() {
        let login = |login: &str| Some(login.to_owned());
        assert_eq!(
            picked("production", &["root@web1", "web2"]).unwrap(),
            [("web1".to_owned(), login("root")), ("web2".to_owned(), login("deploy"))]
        );
    }

    #[test]
    fn a_name_that_is_no_target_or_host_is_answered_with_the_right_one() {
        assert!(matches!(picked("productoin", &[]), Err(TargetError::Target { like: Some(like), .. }) if like == "production"));
        assert!(
            matches!(picked("prod", &[]), Err(TargetError::Target { like: None, known, .. }) if known == ["staging", "production"])
        );
        assert!(matches!(picked("production", &["web4"]), Err(TargetError::Host { like: Some(like), .. }) if like == "web1"));
        assert!(matches!(picked("production", &["stage"]), Err(TargetError::Host { like: None, .. })), "another target's host");
    }

    fn meant(on: &[&str]) -> Result<String, String> {
        let around = Around { flags: &Table::default(), env: &|_| None, folder: "shop", home: None };
        let (settings, _) = settle_toml("edeliver.toml", CONFIG, &around).unwrap();
        let on = on.iter().map(|selector| selector.parse().unwrap()).collect();
        let target = settings.targets[1].clone();
        let target = pick(target.clone(), &TargetArgs { on, ..TargetArgs::all_of(target.name) });
        let names = |target: TargetSettings| target.hosts.iter().map(|host| host.name.to_string()).collect::<Vec<_>>().join(" ");
        target.map(names).map_err(|error| crate::error::Error::from(error).hints[0].text.clone())
    }

    #[test]
    fn hosts_are_meant_by_tags_and_patterns_and_stay_in_their_order() {
        let ok = |names: &str| Ok(names.to_owned());
        assert_eq!(meant(&["@canary"]), ok("web2 db1"));
        assert_eq!(meant(&["@db", "web*"]), ok("web1 web2 db1"));
        assert_eq!(meant(&["web?"]), ok("web1 web2"));
    }

    #[test]
    fn a_selector_that_means_nobody_is_an_error_also_beside_others() {
        let is = |hint: &str| Err(hint.to_owned());
        assert_eq!(meant(&["@canary", "@web"]), is("its hosts have the tags @canary, @db"));
        assert_eq!(meant(&["eu-*"]), is("its hosts are db1, web1, web2"));
    }
}
