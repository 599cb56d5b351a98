//! Applications that come and go.

use super::super::*;
use super::samples::*;
use super::script;
use crate::image::Kind;

#[test]
fn new_applications_start_before_what_needs_them_goes_on_and_gone_ones_stop_when_nothing_does() {
    let plain = |name| module(name, Kind::Plain, &[], &[]);
    let apps = || {
        vec![
            app("http", "", "1", vec![(None, Some(plain("http")))]).needs(&["pool", "kernel"]),
            app("pool", "", "1", vec![(None, Some(plain("pool")))]),
            app("plugin", "", "1", vec![(None, Some(plain("plugin")))]).needs(&["main"]),
            app("main", "1", "2", vec![both(module("main", Kind::Process, &[], &[]))]),
            app("old_pool", "1", "", vec![(Some(plain("old_pool")), None)]),
            app("old_http", "1", "", vec![(Some(plain("old_http")), None)]).needs(&["old_pool"]),
        ]
    };
    assert_eq!(
        script(&changes(apps()), Direction::Up),
        [
            "read http-1 http",
            "read main-2 main",
            "read plugin-1 plugin",
            "read pool-1 pool",
            "point_of_no_return",
            "config",
            "load http",
            "load pool",
            "application:start(pool,permanent]",
            "application:start(http,permanent]",
            "suspend main",
            "load plugin",
            "load main",
            "code_change up main",
            "resume main",
            "application:start(plugin,permanent]",
            "application:stop(old_http]",
            "application:stop(old_pool]",
            "remove old_http",
            "remove old_pool",
            "purge old_http, old_pool",
            "application:unload(old_http]",
            "application:unload(old_pool]",
        ]
    );
    let down = script(&changes(apps()), Direction::Down);
    let at = |line: &str| down.iter().position(|found| found == line).unwrap();
    assert!(at("application:start(old_pool,permanent]") < at("application:start(old_http,permanent]"));
    assert!(at("application:start(old_http,permanent]") < at("suspend main"));
    assert!(at("application:stop(plugin]") > at("resume main") && at("application:stop(http]") < at("application:stop(pool]"));
}

#[test]
fn applications_are_only_started_as_far_as_the_boot_script_does() {
    use crate::rel::StartType;
    let plain = |name| vec![(None, Some(module(name, Kind::Plain, &[], &[])))];
    let started = |name, start| {
        let mut sample = app(name, "", "1", plain(name));
        sample.after.as_mut().unwrap().start = start;
        sample
    };
    let mut grown = app("grown", "1", "2", vec![]);
    grown.before.as_mut().unwrap().start = StartType::Load;
    let changes =
        changes(vec![started("a", StartType::Load), started("b", StartType::None), started("c", StartType::Temporary), grown]);
    let calls =
        |direction| script(&changes, direction).into_iter().filter(|line| line.starts_with("application")).collect::<Vec<_>>();
    assert_eq!(
        calls(Direction::Up),
        ["application:load(a]", "application:start(c,temporary]", "application:start(grown,permanent]"]
    );
    assert_eq!(
        calls(Direction::Down),
        ["application:stop(grown]", "application:stop(c]", "application:unload(c]", "application:unload(a]"]
    );
}

#[test]
fn a_module_that_moves_to_another_application_is_loaded_and_not_removed() {
    let m = || Some(module("m", Kind::Process, &[], &[]));
    let changes = changes(vec![app("a", "1", "2", vec![(m(), None)]), app("b", "", "1", vec![(None, m())])]);
    let up = script(&changes, Direction::Up);
    assert_eq!(up[..3], ["read b-1 m", "point_of_no_return", "config"]);
    assert_eq!(up[3..], ["suspend m", "load m", "code_change up m", "resume m", "application:start(b,permanent]"]);
    assert!(script(&changes, Direction::Down).contains(&"read a-1 m".to_owned()));
}
