//! In which order modules are loaded.

use super::super::*;
use super::samples::*;
use super::short;
use crate::image::Kind;

#[test]
fn callers_and_callees_that_need_each_other_are_a_circle_and_are_told() {
    let plain = |name, exports: &[&str], calls: &[&str]| module(name, Kind::Plain, exports, calls);
    let modules = vec![
        (Some(plain("a", &[], &[])), Some(plain("a", &["f"], &["b:f"]))),
        (Some(plain("b", &[], &[])), Some(plain("b", &["f"], &["a:f"]))),
        (None, Some(plain("n1", &["f"], &["n2:f"]))),
        (None, Some(plain("n2", &["f"], &["n1:f"]))),
    ];
    let generated = generate(&changes(vec![app("x", "1", "2", modules)])).unwrap();
    assert_eq!(generated.circles, [[atom("a"), atom("b")]]); // nothing calls n1 and n2 yet
}

#[test]
fn what_a_new_module_calls_is_there_before_anything_calls_the_new_module() {
    let plain = |name, calls: &[&str]| Some(module(name, Kind::Plain, &["f"], calls));
    let modules = vec![
        (plain("a_user", &[]), plain("a_user", &["new1:f"])),
        (None, plain("new1", &["new2:f", "z_changed:g"])),
        (None, plain("new2", &["new1:f", "new3:f"])),
        (None, plain("new3", &[])),
        (plain("z_changed", &[]), Some(module("z_changed", Kind::Plain, &["f", "g"], &[]))),
    ];
    let generated = generate(&changes(vec![app("a", "1", "2", modules)])).unwrap();
    let script: Vec<String> = generated.relup.up[0].script.iter().map(short).filter(|line| line.starts_with("load ")).collect();
    assert_eq!(script, ["load new3", "load z_changed", "load new1", "load new2", "load a_user"]);
    assert!(generated.circles.is_empty());
}

#[test]
fn thousands_of_modules_take_no_time() {
    let names: Vec<String> = (0..3000).map(|n| format!("m{n}")).collect();
    let made = |n: usize| {
        let calls: Vec<String> = (1..20).map(|k| format!("{}:f", names[(n * k + 7) % names.len()])).collect();
        module(&names[n], Kind::Process, &["f"], &calls.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let modules = (0..names.len()).map(|n| if n % 3 == 0 { (None, Some(made(n))) } else { both(made(n)) }).collect();
    let changes = changes(vec![app("a", "1", "2", modules)]);
    let start = std::time::Instant::now();
    let text = generate(&changes).unwrap().relup.to_file().unwrap();
    println!("{} bytes in {:?}", text.len(), start.elapsed());
    assert!(start.elapsed() < std::time::Duration::from_secs(20)); // unoptimised, on a busy machine
}
