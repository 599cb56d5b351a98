use super::*;
use crate::term::etf;
use crate::testing::{Erl, Files, compiled, installed};
use std::collections::BTreeSet;
use std::path::Path;

fn atom(name: &str) -> Atom {
    Atom::new(name).unwrap()
}

fn installed_module(name: &str) -> Module {
    let file = installed().into_iter().find(|path| path.file_stem().is_some_and(|stem| stem == name)).unwrap();
    Module::parse(&std::fs::read(file).unwrap()).unwrap()
}

fn module(text: &str) -> Module {
    let text = format!("-module(m).\n-compile([export_all, nowarn_export_all]).\n{text}\n");
    Module::parse(&compiled(&[&text], "")["m"]).unwrap()
}

#[test]
fn what_a_module_is_shows_in_its_file() {
    let implementation = |of: &str, for_type: &str| Kind::Implementation { of: Some(atom(of)), for_type: Some(atom(for_type)) };
    for (name, kind) in [
        ("lists", Kind::Plain),
        ("kernel", Kind::Supervisor),
        ("ssl_app", Kind::Application { starts_list: false }),
        ("inets_sup", Kind::Supervisor),
        ("gen_server", Kind::Process),
        ("file_server", Kind::Process),
        ("Elixir.Enum", Kind::Plain),
        ("Elixir.Enumerable", Kind::Protocol { consolidated: false }),
        ("Elixir.Enumerable.Range", implementation("Elixir.Enumerable", "Elixir.Range")),
        ("Elixir.String.Chars.Integer", implementation("Elixir.String.Chars", "Elixir.Integer")),
        ("Elixir.Logger.App", Kind::Application { starts_list: true }),
        ("Elixir.Registry.Supervisor", Kind::Supervisor),
        ("Elixir.ExUnit.Server", Kind::Process),
    ] {
        assert_eq!(installed_module(name).kind, kind, "{name}");
    }
}

/// All structs of Elixir, as a real node makes them.
#[test]
fn structs_have_the_fields_that_a_node_gives_them() {
    let out = tempfile::tempdir().unwrap();
    Erl::new().env("OUT", out.path().join("structs")).eval(
        r#"
        code:add_pathsa(filelib:wildcard("/usr/lib/elixir/lib/*/ebin")),
        Names = [list_to_atom(filename:basename(F, ".beam")) || F <- filelib:wildcard("/usr/lib/elixir/lib/*/ebin/*.beam")],
        Structs = [{M, maps:keys(maps:remove('__struct__', M:'__struct__'()))}
                   || M <- Names, {module, M} =:= code:ensure_loaded(M), erlang:function_exported(M, '__struct__', 0)],
        ok = file:write_file(os:getenv("OUT"), term_to_binary(Structs))."#,
    );
    let structs = etf::decode(&std::fs::read(out.path().join("structs")).unwrap()).unwrap();
    let structs: BTreeMap<String, BTreeSet<Atom>> = structs
        .as_list()
        .unwrap()
        .iter()
        .map(|pair| {
            let [name, keys] = pair.as_tuple().unwrap() else { panic!("{pair}") };
            let keys = keys.as_list().unwrap().iter().map(|key| key.as_atom().unwrap().clone());
            (name.as_atom().unwrap().to_string(), keys.collect())
        })
        .collect();
    assert!(structs.len() > 60, "{}", structs.len());
    for path in installed().iter().filter(|path| path.starts_with("/usr/lib/elixir")) {
        let module = Module::parse(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(module.struct_fields.as_ref(), structs.get(module.name.as_str()), "{path:?}");
    }
}

#[test]
fn who_names_a_struct_may_hold_one_and_who_only_calls_its_module_does_not() {
    let mentions = |name: &str, of: &str| installed_module(name).mentions_structs.contains(&atom(of));
    assert!(mentions("Elixir.Enumerable.Range", "Elixir.Range") || mentions("Elixir.Range", "Elixir.Range"));
    assert!(mentions("Elixir.DateTime", "Elixir.NaiveDateTime"));
    assert!(!mentions("Elixir.Enum", "Elixir.Stream.Reducers"));
    let text = "f(#{'__struct__' := 'Elixir.Seen'}) -> 'Elixir.Called':f().";
    assert_eq!(module(text).mentions_structs, [atom("Elixir.Seen")].into());
}

#[test]
fn records_show_where_they_are_made_and_where_they_are_matched() {
    let text = "-record(st, {a, b = []}).\n-record(made, {a}).\nnew() -> #st{}.\nget(#st{a = A}) -> A.\nmake(A) -> #made{a = A}.";
    let records = module(text).records;
    assert_eq!((&records[&atom("st")], &records[&atom("made")]), (&[3].into(), &[2].into()));
    assert!(!records.contains_key(&atom("a")));
}

#[test]
fn a_receive_that_processes_stay_in_is_told_from_one_that_ends() {
    for stays in [
        "loop(N) -> receive up -> loop(N + 1); stop -> N end.",
        "loop(N) -> receive M -> handle(M, N) end.\nhandle(up, N) -> loop(N + 1);\nhandle(_, N) -> N.",
        "loop(N) -> receive up -> loop(N + 1) after 1000 -> loop(N) end.",
        "once() -> receive stop -> ok end.",
        "once() -> receive after infinity -> ok end.",
    ] {
        assert_eq!(module(stays).receives, Known::Yes, "{stays}");
    }
    for ends in [
        "none() -> ok.",
        "sleep() -> receive after 1000 -> ok end.",
        "flush() -> receive M -> M after 0 -> none end.",
        "call(P) -> R = monitor(process, P), P ! R, receive {R, A} -> A; {'DOWN', R, _, _, _} -> down end.",
    ] {
        assert_eq!(module(ends).receives, Known::No, "{ends}");
    }
}

#[test]
fn a_callback_that_waits_is_busy_and_a_process_that_it_starts_is_not() {
    let server = |call: &str| module(&format!("init(S) -> {{ok, S}}.\nhandle_call(M, _, S) -> {call}.\n")).receives;
    assert_eq!(server("S ! M, receive {S, A} -> {reply, A, S} end"), Known::No);
    assert_eq!(server("{reply, ask(M, S), S}.\nask(M, S) -> S ! M, receive {S, A} -> A end"), Known::No);
    assert_eq!(server("{reply, spawn(fun() -> receive M -> S ! M end end), S}"), Known::Yes);
    assert_eq!(server("loop(M, S).\nloop(M, S) -> receive M -> {reply, M, S}; _ -> loop(M, S) end"), Known::Yes);
    assert_eq!(server("{reply, spawn(?MODULE, waits, [M]), S}.\nwaits(M) -> receive M -> ok end"), Known::Yes);
}

#[test]
fn a_fun_that_is_only_called_is_told_from_one_that_may_be_kept() {
    for called in [
        "f(L, A) -> lists:map(fun(X) -> X + A end, L).",
        "f(L) -> M = lists:map(fun(X) -> X + 1 end, L), lists:sum(lists:filter(fun(X) -> X > 1 end, M)).",
        "f(L) -> 'Elixir.Enum':reduce(L, [], fun(X, Xs) -> [X | Xs] end).",
        "f(L) -> [X || X <- L].",
        "f(M, A) -> 'Elixir.Map':update(M, k, 1, fun(X) -> X + A end).",
    ] {
        assert_eq!(module(called).keeps_funs, Known::No, "{called}");
    }
    for kept in [
        "f(A) -> fun() -> A end.",
        "f(A) -> {state, fun() -> A end}.",
        "f(A) -> spawn(fun() -> A end).",
        "f(M, A) -> 'Elixir.Map':put(M, k, fun() -> A end).",
        "f(P, A) -> P ! fun() -> A end.",
        "f(L, A) -> F = fun(X) -> X + A end, {lists:map(F, L), F}.",
        "f(A) -> g(fun() -> A end).\ng(F) -> F.",
        "f(A) -> F = fun() -> A end, lists:map(fun(X) -> {X, F} end, [1]).",
        "f(A, B) -> F = fun() -> A end, case B of true -> lists:map(F, [1]); false -> F end.",
        "f(L, A) -> lists:map(fun(X) -> fun() -> X + A end end, L).",
        "f(F) -> 'Elixir.Enum':map([F(fun() -> F end)], fun(X) -> X end).",
    ] {
        assert_eq!(module(kept).keeps_funs, Known::Yes, "{kept}");
    }
}

#[test]
fn funs_and_native_functions_and_what_runs_on_loading_show_in_the_code() {
    assert_eq!(module("f(A) -> fun() -> A end.").keeps_funs, Known::Yes);
    assert_eq!(module("f() -> fun ?MODULE:g/0.\ng() -> ok.").keeps_funs, Known::No);
    let text = |load: &str| format!("-on_load(init/0).\n{load}\nf(_) -> erlang:nif_error(not_loaded).");
    let private = module(&text("init() -> erlang:load_nif(\"m\", 0)."));
    assert_eq!((private.on_load, private.nif), (Known::Yes, Some(Nif { on_load_only: true })));
    let again = module(&text("init() -> ok.\nload(Path) -> erlang:load_nif(Path, 0)."));
    assert_eq!((again.on_load, again.nif), (Known::Yes, Some(Nif { on_load_only: false })));
    assert_eq!(module("f() -> ok.").on_load, Known::No);
    let crypto = installed_module("crypto");
    assert_eq!((crypto.on_load, crypto.nif), (Known::Yes, Some(Nif { on_load_only: true })));
}

#[test]
fn an_application_that_lists_its_children_is_told_from_one_that_names_a_supervisor() {
    let kind =
        |start: &str| module(&format!("-behaviour(application).\nstart(T, A) -> {start}.\nstop(_) -> ok.\nlist(_) -> [].")).kind;
    let list = |starts_list| Kind::Application { starts_list };
    assert_eq!(kind("_ = T, 'Elixir.Supervisor':start_link(list(A), [{strategy, one_for_one}])"), list(true));
    assert_eq!(kind("_ = {T, A}, 'Elixir.Supervisor':start_link([{a, b}], [])"), list(true));
    assert_eq!(kind("_ = T, 'Elixir.Supervisor':start_link('Elixir.Demo.Sup', A)"), list(false));
    assert_eq!(kind("_ = {T, A}, demo_sup:start_link()"), list(false));
}

#[test]
fn a_supervisor_and_a_server_without_a_declaration_are_found() {
    let supervisor = "start_link() -> supervisor:start_link({local, m}, ?MODULE, []).\ninit([]) -> {ok, {#{}, []}}.";
    assert_eq!(module(supervisor).kind, Kind::Supervisor);
    let server = "init([]) -> {ok, 0}.\nhandle_call(_, _, S) -> {reply, ok, S}.\nhandle_cast(_, S) -> {noreply, S}.";
    assert_eq!(module(server).kind, Kind::ProcessWithoutCodeChange);
    assert_eq!(module("init(_) -> ok.").kind, Kind::Plain);
}

/// Modules that the compilers of OTP 27 and 29 have written, stripped as `mix release` strips them; sources beside them.
#[test]
fn modules_of_later_otp_are_read() {
    let file = |name: &str| std::fs::read(Path::new("src/image/samples").join(name)).unwrap();
    let hex = |md5: &[u8]| md5.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for otp in ["27", "29"] {
        let module = Module::parse(&file(&format!("sample-{otp}.beam"))).unwrap();
        let md5 = String::from_utf8(file(&format!("sample-{otp}.md5"))).unwrap();
        assert_eq!(hex(&module.md5), md5.trim(), "OTP {otp}");
        assert_eq!((module.name.as_str(), module.kind), ("sample", Kind::Process), "OTP {otp}");
        assert_eq!((module.receives, module.keeps_funs, module.on_load), (Known::Yes, Known::No, Known::Yes), "OTP {otp}");
        assert_eq!(module.records[&atom("st")], [2, 3].into(), "the record, and what code_change takes for one; OTP {otp}");
    }
    let native = Module::parse(&file("native-29.beam")).unwrap();
    let md5 = String::from_utf8(file("native-29.md5")).unwrap();
    assert_eq!((hex(&native.md5).as_str(), native.keeps_funs), (md5.trim(), Known::No), "native records are in the MD5");
}

#[test]
fn a_release_is_read_with_its_configuration() {
    let config =
        br#"[{demo,[{a,1}]},{elixir,[{config_provider_init,#{providers => [{'Elixir.Config.Reader',{path,<<"x">>}}]}}]}]."#;
    let files = Files::release("1", &[("demo", "1"), ("kernel", "8.5.3")])
        .with("bin/demo", "")
        .with("releases/1/another.rel", "nonsense")
        .with("releases/1/sys.config", config)
        .with("releases/1/vm.args", "-name demo")
        .with("releases/1/runtime.exs", "import Config")
        .with("lib/demo-1/priv/native.so", "ELF")
        .with("lib/demo-1/src/demo.erl", "-module(demo).")
        .with("lib/demo-1/ebin/demo.appup", "{\"1\",[],[]}.");
    let image = files.without("lib/kernel-8.5.3/ebin/kernel.app").image("1").unwrap();
    let demo = &image.apps[&atom("demo")];
    assert_eq!(demo.others.keys().collect::<Vec<_>>(), ["priv/native.so"]);
    assert_eq!((demo.dir.as_str(), demo.appup.as_deref()), ("lib/demo-1", Some(&b"{\"1\",[],[]}."[..])));
    let kernel = &image.apps[&atom("kernel")];
    assert_eq!((kernel.app.vsn.as_str(), kernel.modules.len()), ("8.5.3", 0), "the host brings it");
    assert_eq!(image.config.providers[0].0, "Elixir.Config.Reader");
    assert_eq!(image.config.files.keys().collect::<Vec<_>>(), ["runtime.exs", "vm.args"]);
}

/// `releases/VSN/consolidated` is mix's place for them, `lib/APP-VSN/consolidated` Distillery's.
#[test]
fn consolidated_protocols_are_found_in_both_places() {
    let protocol = std::fs::read("/usr/lib/elixir/lib/elixir/ebin/Elixir.Enumerable.beam").unwrap();
    for dir in ["releases/1/consolidated", "lib/demo-1/consolidated"] {
        let files = Files::release("1", &[("demo", "1")]).with("lib/demo-1/ebin/Elixir.Enumerable.beam", protocol.clone());
        let image = files.with(&format!("{dir}/Elixir.Enumerable.beam"), protocol.clone()).image("1").unwrap();
        let name = atom("Elixir.Enumerable");
        assert_eq!(image.consolidated[&name].kind, Kind::Protocol { consolidated: true }, "{dir}");
        assert_eq!(image.apps[&atom("demo")].modules[&name].kind, Kind::Protocol { consolidated: false }, "{dir}");
    }
}

#[test]
fn the_module_that_the_resource_file_names_starts_the_application() {
    let text = "-module(demo_start).\n-export([start/2]).\nstart(_, _) -> {ok, self()}.\n";
    let app = "{application,demo,[{vsn,\"1\"},{mod,{demo_start,[]}}]}.";
    let files = Files::release("1", &[("demo", "1")])
        .with("lib/demo-1/ebin/demo.app", app)
        .with("lib/demo-1/ebin/demo_start.beam", compiled(&[text], "")["demo_start"].clone());
    let image = files.image("1").unwrap();
    assert_eq!(image.apps[&atom("demo")].modules[&atom("demo_start")].kind, Kind::Application { starts_list: false });
}

#[test]
fn a_file_that_is_not_what_it_should_be_is_named() {
    let release = || Files::release("1", &[("demo", "1")]).with("lib/demo-1/priv/x", "");
    let message = |files: Files| files.image("1").unwrap_err().to_string();
    assert_eq!(message(Files::default()), "the release has no releases/1/NAME.rel");
    assert_eq!(message(release().with("releases/1/demo.rel", "{")), "releases/1/demo.rel can't be used");
    let other = b"{release,{\"demo\",\"2\"},{erts,\"13.1.5\"},[]}.";
    assert_eq!(message(release().with("releases/1/demo.rel", other)), "releases/1/demo.rel is of demo 2");
    assert_eq!(message(release().without("lib/demo-1/ebin/demo.app")), "lib/demo-1/ebin/demo.app is missing");
    assert_eq!(message(release().with("lib/demo-1/ebin/demo.app", "x.")), "lib/demo-1/ebin/demo.app can't be used");
    let app = "{application,demo,[{vsn,\"1.0\"}]}.";
    assert_eq!(message(release().with("lib/demo-1/ebin/demo.app", app)), "lib/demo-1/ebin/demo.app is of demo 1.0");
    assert_eq!(message(release().with("lib/demo-1/ebin/a.beam", "FOR1")), "lib/demo-1/ebin/a.beam can't be used");
    let lists = std::fs::read("/usr/lib/elixir/lib/elixir/ebin/Elixir.Range.beam").unwrap();
    assert_eq!(message(release().with("lib/demo-1/ebin/a.beam", lists)), "lib/demo-1/ebin/a.beam is of Elixir.Range");
    assert_eq!(message(release().with("releases/1/sys.config", "[{a,")), "releases/1/sys.config can't be used");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

    /// Bits turned, bytes copied, the end cut off: an error or a module, never a panic.
    #[test]
    fn damaged_modules_are_modules_or_errors(
        damage in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), proptest::prelude::any::<u8>()), 1..12),
        cut in proptest::option::of(proptest::prelude::any::<proptest::sample::Index>()),
    ) {
        static FILE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| std::fs::read("src/image/samples/sample-29.beam").unwrap());
        let mut file = FILE.clone();
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        drop(Module::parse(&file));
    }
}

/// Seconds this thread has computed: on a busy machine it waits much longer.
fn computed() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Everything that is to be known of 2,000 modules: what a plan reads of two releases when no file is the same in both.
#[test]
fn two_thousand_modules_are_parsed_in_less_than_a_second() {
    let files: Vec<Vec<u8>> = installed().iter().map(|path| std::fs::read(path).unwrap()).collect();
    let start = computed();
    let read = files.iter().cycle().take(2000).map(|file| Module::parse(file).unwrap().imports.len()).sum::<usize>();
    let took = computed() - start;
    println!("2,000 modules took {took:.2} s of one processor");
    assert!(read > 10_000);
    // Without optimisation it is some ten times slower.
    assert!(took < if cfg!(debug_assertions) { 20.0 } else { 1.0 }, "{took} s");
}
