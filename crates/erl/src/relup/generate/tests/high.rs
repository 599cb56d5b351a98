//! Appups that are generated.

use super::super::*;
use super::samples::*;
use super::{hotapp, script};
use crate::appup::Appup;
use crate::image::Kind;

/// As if every application shipped what was generated for it, by way of its text.
fn with_appups(mut changes: Changes) -> Changes {
    for (app, appup) in appups(&changes) {
        let text = appup.to_file().unwrap();
        assert_eq!(Appup::parse(text.as_bytes()).unwrap(), appup, "{text}");
        changes.apps.get_mut(&app).unwrap().after.as_mut().unwrap().appup = Some(text.into_bytes());
    }
    changes
}

#[test]
fn generated_appups_give_the_relup_that_is_generated_without_them() {
    let shipped = with_appups(hotapp());
    for direction in [Direction::Up, Direction::Down] {
        assert_eq!(script(&shipped, direction), script(&hotapp(), direction), "{direction}");
    }
}

#[test]
fn an_appup_is_written_an_instruction_a_line_in_its_shortest_form() {
    let appup = appups(&hotapp()).remove(&atom("hotapp")).unwrap();
    let text = appup.to_file().unwrap();
    let up: Vec<&str> = text.lines().take_while(|line| !line.contains("down:")).map(str::trim).collect();
    assert_eq!(
        up,
        [
            "{\"0.2.0\",",
            "%% up: to this version from",
            "[{\"0.1.0\",",
            "[{load_module,'Describe.Integer'},",
            "{add_module,'New'},",
            "{load_module,'Pure'},",
            "{load_module,'User'},",
            "{update,'Bare'},",
            "{update,'Counter',{advanced,[]}},",
            "{update,'Sup',supervisor},",
            "{load_module,'App'},",
            "{delete_module,'Gone'},",
            "{apply,{edeliver_agent,children,[\"0.1.0\",\"0.2.0\",[{supervisor,'Sup'},{application,hotapp}]]}}]}],",
        ]
    );
}

#[test]
fn applications_that_are_new_gone_or_keep_their_version_have_none() {
    let plain = || vec![both(module("m", Kind::Plain, &[], &[]))];
    let one = |side: bool| {
        let module = Some(module("n", Kind::Plain, &[], &[]));
        vec![if side { (None, module) } else { (module, None) }]
    };
    let changes = changes(vec![app("same", "1", "1", plain()), app("new", "", "1", one(true)), app("gone", "1", "", one(false))]);
    assert!(appups(&changes).is_empty());
}
