use super::*;
use crate::term::Atom;
use crate::term::testing::{arbitrary_atom, arbitrary_written_term};
use crate::testing::Erl;
use proptest::prelude::*;
use std::error::Error;

fn atoms() -> impl Strategy<Value = Vec<Atom>> {
    prop::collection::vec(arbitrary_atom(), 0..30)
}

fn purge() -> impl Strategy<Value = Purge> {
    prop_oneof![Just(Purge::Soft), Just(Purge::Brutal)]
}

fn suspend() -> impl Strategy<Value = Suspend> {
    let timeout = prop_oneof![Just(Timeout::Default), Just(Timeout::Infinity), (1..u64::MAX / 2).prop_map(Timeout::Millis)];
    (arbitrary_atom(), prop::option::of(timeout)).prop_map(|(module, timeout)| Suspend { module, timeout })
}

fn mfa() -> impl Strategy<Value = Mfa> {
    (arbitrary_atom(), arbitrary_atom(), prop::collection::vec(arbitrary_written_term(), 0..3))
        .prop_map(|(module, function, args)| Mfa { module, function, args })
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Up), Just(Direction::Down)]
}

fn instruction() -> impl Strategy<Value = Instruction> {
    let changes = prop::collection::vec((arbitrary_atom(), arbitrary_written_term()), 0..4);
    let nodes = prop_oneof![atoms().prop_map(Nodes::List), mfa().prop_map(Nodes::Call)];
    prop_oneof![
        (arbitrary_atom(), "[0-9.a-z+-]{0,6}", atoms()).prop_map(|(app, vsn, modules)| Instruction::LoadObjectCode {
            app,
            vsn,
            modules
        }),
        Just(Instruction::PointOfNoReturn),
        (arbitrary_atom(), purge(), purge()).prop_map(|(module, pre, post)| Instruction::Load { module, pre, post }),
        (arbitrary_atom(), purge(), purge()).prop_map(|(module, pre, post)| Instruction::Remove { module, pre, post }),
        atoms().prop_map(Instruction::Purge),
        prop::collection::vec(suspend(), 0..20).prop_map(Instruction::Suspend),
        atoms().prop_map(Instruction::Resume),
        (prop::option::of(direction()), changes).prop_map(|(mode, modules)| Instruction::CodeChange { mode, modules }),
        atoms().prop_map(Instruction::Stop),
        atoms().prop_map(Instruction::Start),
        (arbitrary_written_term(), nodes).prop_map(|(id, nodes)| Instruction::SyncNodes { id, nodes }),
        mfa().prop_map(Instruction::Apply),
        Just(Instruction::RestartNewEmulator),
        Just(Instruction::RestartEmulator),
    ]
}

fn relup() -> impl Strategy<Value = Relup> {
    let version = || "[0-9][0-9a-z.+-]{0,6}".prop_map(|text| Vsn::new(text).unwrap());
    let way = || (version(), arbitrary_written_term(), prop::collection::vec(instruction(), 0..8));
    let ways = || prop::collection::vec(way().prop_map(|(other, description, script)| Way { other, description, script }), 0..3);
    let ways = (version(), ways(), ways());
    ways.prop_map(|(vsn, up, down)| Relup { vsn, up, down })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(relup in relup()) {
        prop_assert_eq!(Relup::parse(relup.to_file().unwrap().as_bytes()).unwrap(), relup);
    }

    #[test]
    fn no_term_makes_the_reader_or_the_check_panic(term in arbitrary_written_term(), relup in relup()) {
        let _ = Instruction::from_term(&term);
        let _ = Relup::from_term(&Term::tuple([Term::string("1"), Term::list([term]), Term::list([])]));
        let _ = relup.check(&relup.vsn, &[]);
    }

    #[test]
    fn an_instruction_damaged_in_one_place_is_an_error_or_another_instruction(instruction in instruction(), at in any::<prop::sample::Index>(), by in arbitrary_written_term()) {
        let Term::Tuple(mut parts) = instruction.to_term() else { return Ok(()) };
        let at = at.index(parts.len());
        parts[at] = by;
        let damaged = Term::Tuple(parts);
        if let Ok(read) = Instruction::from_term(&damaged) {
            prop_assert_eq!(read.to_term(), damaged);
        }
    }
}

fn vsn(text: &str) -> Vsn {
    Vsn::new(text).unwrap()
}

/// A relup with one way up, of these instructions.
fn up(script: &str) -> Result<Relup, RelupError> {
    Relup::parse(format!("{{\"0.2.0\",[{{\"0.1.0\",[],[{script}]}}],[]}}.").as_bytes())
}

fn whole(error: &RelupError) -> String {
    format!("{error}: {}", error.source().unwrap())
}

#[test]
fn an_error_points_at_the_instruction() {
    let message = |script| whole(&up(script).unwrap_err());
    assert_eq!(
        message("point_of_no_return, {load,m}"),
        "up from 0.1.0, instruction 2 can't be read: expected {Module, PrePurge, PostPurge}, found m in {load,m}"
    );
    assert_eq!(
        message("{lod,{m,soft_purge,soft_purge}}"),
        "up from 0.1.0, instruction 1 can't be read: expected an instruction of a relup, found {lod,{m,soft_purge,soft_purge}}"
    );
    assert_eq!(
        message("{suspend,[a,{b,0}]}"),
        "up from 0.1.0, instruction 1 can't be read: expected default, infinity or milliseconds, found 0 in {suspend,[a,{b,0}]}"
    );
    assert_eq!(
        message("{update,m}"),
        "up from 0.1.0, instruction 1 can't be read: expected an instruction of a relup, found {update,m}"
    );
}

#[test]
fn a_relup_is_easy_to_edit() {
    let modules = (1..9).map(|n| Atom::new(format!("Elixir.Application.Module{n}")).unwrap()).collect::<Vec<_>>();
    let script = vec![
        Instruction::apply("m", "f", []),
        Instruction::LoadObjectCode { app: Atom::literal("app"), vsn: "2".to_owned(), modules },
        Instruction::PointOfNoReturn,
        Instruction::load(Atom::literal("m")),
    ];
    let way = Way { other: vsn("1"), description: Term::list([]), script };
    let text = Relup { vsn: vsn("2"), up: vec![way.clone()], down: vec![Way { script: vec![], ..way }] }.to_file().unwrap();
    assert_eq!(text, include_str!("tests/edit.relup"));
}

fn problems(script: &str) -> Vec<String> {
    let relup = up(script).unwrap();
    let found = check_script(Direction::Up, &relup.up[0].script);
    found.iter().map(|(number, problem)| format!("{}: {problem}", number.unwrap_or(0))).collect()
}

#[test]
fn a_good_script_has_no_problems() {
    let script = "{load_object_code,{a,\"2\",[m,n]}}, point_of_no_return, {suspend,[m,{s,infinity}]}, {load,{m,soft_purge,soft_purge}},
        {load,{n,soft_purge,soft_purge}}, {code_change,up,[{m,[]}]}, {code_change,[{s,[]}]}, {resume,[s,m]}, {stop,[x]}, {start,[x]}, {apply,{a,b,[]}}";
    assert_eq!(problems(script), Vec::<String>::new());
}

#[test]
fn what_would_go_wrong_in_an_upgrade_is_found() {
    assert_eq!(problems(""), ["0: point_of_no_return stands 0 times in the script, it must stand there once"]);
    assert_eq!(
        problems("point_of_no_return, point_of_no_return"),
        ["0: point_of_no_return stands 2 times in the script, it must stand there once"]
    );
    assert_eq!(
        problems("{apply,{io,nl,[]}}, point_of_no_return"),
        ["1: apply before point_of_no_return is carried out when the release is only checked"]
    );
    assert_eq!(
        problems(
            "point_of_no_return, {load_object_code,{a,\"2\",[m]}}, {load,{m,soft_purge,soft_purge}}, {load,{n,soft_purge,soft_purge}}, {load,{m,soft_purge,soft_purge}}"
        ),
        [
            "2: load_object_code must stand before point_of_no_return",
            "4: module n is loaded, but no load_object_code before it names it",
            "5: module m is loaded twice"
        ]
    );
    assert_eq!(
        problems("point_of_no_return, {suspend,[a,b]}, {resume,[a]}, {code_change,down,[{a,[]}]}, {suspend,[c]}, {resume,[c,d]}"),
        [
            "4: code_change down in a script that goes up",
            "4: code_change of module a, which is not suspended here",
            "5: a second suspend while other modules are suspended; suspend all of them at once",
            "6: module d is resumed, but it is not suspended here",
            "2: module b is suspended and never resumed"
        ]
    );
    assert_eq!(
        problems("point_of_no_return, {start,[a]}, {stop,[b]}, restart_emulator"),
        [
            "2: module a is started, but it is not stopped before",
            "4: restart_emulator restarts the node, and only where OTP's own start program and heart run it; deploy with a restart instead",
            "3: module b is stopped and never started"
        ]
    );
}

#[test]
fn the_ways_of_a_relup_are_checked() {
    let file = br#"{"2",[{"1",[],[point_of_no_return]},{"1",[],[point_of_no_return]}],[{"0.9",[],[]}]}."#;
    let relup = Relup::parse(file).unwrap();
    let found = |to: &str, others: &[Vsn]| relup.check(&vsn(to), others).iter().map(Finding::to_string).collect::<Vec<_>>();
    let always = [
        "up from 1: there is a way before it between the same releases, this one is never used",
        "down to 0.9: point_of_no_return stands 0 times in the script, it must stand there once",
    ];
    assert_eq!(found("2", &[]), always);
    assert_eq!(found("2", &[vsn("1")]), [always[0], "down to 1: there is no such way in the relup", always[1]]);
    assert!(found("3", &[vsn("1")]).contains(&"up from 1: the relup belongs to release 2".to_owned()));
}

#[test]
fn hooks_copied_from_another_way_are_found() {
    let to = vsn("2");
    let script = |from: &str, to: &Vsn| vec![hooks::load_agent(to), Instruction::PointOfNoReturn, hooks::config(&vsn(from), to)];
    let way = |script| Way { other: vsn("1"), description: Term::list([]), script };
    let found = |up, down| Relup { vsn: to.clone(), up: vec![way(up)], down: vec![way(down)] }.check(&to, &[]);
    assert_eq!(found(script("1", &to), script("2", &vsn("1"))), []);
    let wrong = found(script("0", &vsn("3")), script("2", &vsn("1")));
    assert_eq!(
        wrong.iter().map(Finding::to_string).collect::<Vec<_>>(),
        [
            "up from 1, instruction 1: erl_eval is told other versions than those of this way",
            "up from 1, instruction 3: config is told other versions than those of this way"
        ]
    );
}

#[test]
fn relups_of_several_releases_become_one() {
    let of = |other: &str, script: &str| {
        Relup::parse(format!("{{\"3\",[{{\"{other}\",[],[{script}]}}],[{{\"{other}\",[],[]}}]}}.").as_bytes()).unwrap()
    };
    let mut relup = of("1", "");
    relup.merge(of("2", "")).unwrap();
    relup.merge(of("1", "point_of_no_return")).unwrap();
    let others = |ways: &[Way]| ways.iter().map(|way| way.other.to_string()).collect::<Vec<_>>();
    assert_eq!(
        (others(&relup.up), others(&relup.down)),
        (vec!["1".to_owned(), "2".to_owned()], vec!["1".to_owned(), "2".to_owned()])
    );
    assert_eq!(relup.way(Direction::Up, &vsn("1")).unwrap().script, [Instruction::PointOfNoReturn]);
    assert!(relup.merge(Relup { vsn: vsn("4"), up: vec![], down: vec![] }).is_err());
}

#[test]
fn the_form_that_loads_the_agent_is_its_source() {
    let source = format!("{:?}", include_str!("hooks/load_agent.erl"));
    let forms = Erl::new().eval(&format!(
        "{{ok, T, _}} = erl_scan:string({source}), {{ok, E}} = erl_parse:parse_exprs(T), \
         io:format(\"~p.~n\", [[erl_parse:map_anno(fun(_) -> 0 end, X) || X <- E]])"
    ));
    assert_eq!(source::consult_one(&forms).unwrap(), source::consult_one(include_bytes!("hooks/load_agent.terms")).unwrap());
}

#[test]
fn the_call_that_nobody_can_read_is_explained() {
    let way = Way { other: vsn("1"), description: Term::list([]), script: vec![hooks::load_agent(&vsn("2"))] };
    let relup = Relup { vsn: vsn("2"), up: vec![way], down: vec![] };
    let text = relup.to_file().unwrap();
    assert!(text.contains("\n   [%% loads edeliver's agent"));
    assert_eq!(Relup::parse(text.as_bytes()).unwrap(), relup);
}

#[test]
fn only_our_own_call_may_stand_before_the_point_of_no_return() {
    let ours = hooks::load_agent(&vsn("0.2.0+é"));
    assert!(ours.loads_agent());
    let Instruction::Apply(mut mfa) = ours.clone() else { panic!("not a call") };
    mfa.args[1] = Term::list([Term::atom("a")]);
    let changed = Instruction::Apply(mfa);
    assert!(!changed.loads_agent());
    let script = [ours, changed, Instruction::PointOfNoReturn];
    assert_eq!(check_script(Direction::Up, &script), [(Some(2), Problem::TooEarly("apply"))]);
}

/// `release_handler` would find the file missing before anything has changed.
#[test]
fn a_missing_agent_is_found_before_anything_changes_and_one_that_is_there_is_loaded_once() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("releases/0.2.0");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("edeliver_agent.erl"), "-module(edeliver_agent).\n-export([x/0]).\nx() -> 1.\n").unwrap();
    let call = hooks::load_agent(&vsn("0.2.0")).to_term();
    let output = Erl::new().env("RELEASE_ROOT", root.path()).eval(&format!(
        "{{apply, {{M, F, A}}}} = {call}, {{'EXIT', {{{{no_agent, _, enoent}}, _}}}} = (catch apply(M, F, A)), \
         false = code:is_loaded(edeliver_agent), \
         {{ok, _}} = compile:file({:?}, [{{outdir, {:?}}}]), \
         apply(M, F, A), 1 = edeliver_agent:x(), \
         apply(M, F, A), false = erlang:check_old_code(edeliver_agent), io:format(\"done\")",
        dir.join("edeliver_agent.erl"),
        dir
    ));
    assert_eq!(output, b"done");
}
