//! `rpc`, `eval` and `run TASK` on real nodes.

use rustix::process::{Signal, kill_process};

use crate::{fleet::Fleet, store::App};

fn running(app: App, hosts: usize) -> Fleet {
    let fleet = Fleet::new(app, hosts);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    fleet
}

#[test]
fn a_call_is_answered_in_its_language_and_equal_answers_are_told_once() {
    let fleet = running(App::Mix, 2);
    let out = |words: &[&str]| fleet.words(words).ok().out;
    assert_eq!(out(&["rpc", "Enum.to_list(1..3)", "on", "staging"]), "2 hosts: [1, 2, 3]\n");
    assert_eq!(out(&["rpc", "staging", "lists:seq(1, 3)"]), "2 hosts: [1,2,3]\n");
    assert_eq!(out(&["eval", "%{a: \"ä\", b: nil}"]), "2 hosts: %{a: \"ä\", b: nil}\n");
    assert_eq!(
        out(&["eval", "--erlang", "X = 1, {X, <<\"b\">>}.", "--host=one"]),
        "{1,<<\"b\">>}\n",
        "of one host it is all there is"
    );
    let names = out(&["rpc", "Node.self"]);
    let lines: Vec<&str> = names.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("one: :") && lines[1].starts_with("two: :"), "{names}");
    let json = out(&["rpc", "--json", "Enum.to_list(1..3)", "on", "staging"]);
    assert!(json.contains(r#""event":"answer","hosts":["one","two"],"of":2,"text":"[1, 2, 3]"}"#), "{json}");
}

#[test]
fn what_code_prints_carries_the_hosts_names() {
    for (app, code) in [(App::Mix, "IO.puts(\"über\"); IO.write(\"b\")"), (App::Relx, "io:format(\"~ts~nb\", [[252, $b, $e, $r]])")]
    {
        let fleet = running(app, 2);
        let done = fleet.words(&["eval", code]).ok();
        let mut lines: Vec<&str> = done.out.lines().collect();
        assert!(lines.pop().unwrap().ends_with("ok"), "{}", done.out);
        lines.sort_unstable();
        assert_eq!(lines, ["one | b", "one | über", "two | b", "two | über"]);
    }
}

#[test]
fn code_that_does_not_end_with_a_value_is_told_with_its_stack() {
    let fleet = running(App::Mix, 2);
    let failing = |words: &[&str], code: i32| fleet.words(words).ends_with(code).err;
    let err = failing(&["eval", "raise \"boom\""], 8);
    assert!(err.contains("2 hosts: failed: it raised an exception\n  ** (RuntimeError) boom\n"), "{err}");
    let err = failing(&["rpc", "Integer.parse(:x)"], 8);
    assert!(err.contains("(FunctionClauseError)") && err.contains("Integer.parse"), "{err}");
    let err = failing(&["eval", "throw(:x)"], 8);
    assert!(err.contains("it threw a value\n  ** (throw) :x"), "{err}");
    let err = failing(&["eval", "exit(:bye)"], 8);
    assert!(err.contains("it exited\n  ** (exit) :bye"), "{err}");
    let err = failing(&["rpc", "erlang:error(boom)"], 8);
    assert!(err.contains("exception error: boom"), "{err}");
    let err = failing(&["eval", "1 +"], 2);
    assert!(err.contains("the code can't be read\n") && err.contains("expression is incomplete"), "{err}");
    let err = failing(&["eval", "--erlang", "foo("], 2);
    assert!(err.contains("line 1: syntax error"), "{err}");
    let err = failing(&["rpc", "1 + 1", "on", "staging"], 2);
    assert!(err.contains("not the call of a function") && err.contains("edeliver eval"), "{err}");
}

#[test]
fn a_release_without_elixir_speaks_erlang() {
    let fleet = running(App::Relx, 1);
    assert_eq!(fleet.words(&["eval", "lists:sum([1, 2])"]).ok().out, "3\n");
    let err = fleet.words(&["rpc", "Node.self()"]).ends_with(2).err;
    assert!(err.contains("the release has no Elixir"), "{err}");
}

#[test]
fn a_node_that_gives_no_answer_is_told_as_what_it_is() {
    let fleet = running(App::Relx, 3);
    fleet.edeliver("stop staging --host=two").ok();
    kill_process(fleet.beam("three").unwrap(), Signal::STOP).unwrap();
    let done = fleet.words(&["rpc", "erlang:abs(-1)", "on", "staging"]).ends_with(8);
    assert_eq!(done.out, "one: 1\n");
    assert!(done.err.contains("two: failed: no node is running\n"), "{}", done.err);
    assert!(done.err.contains("three: failed: the node hangs"), "{}", done.err);
    let done = fleet.words(&["eval", "timer:sleep(60000)", "--host=one", "--timeout=1s"]).ends_with(11);
    assert!(done.err.contains("did not return within 1 s") && done.err.contains("--timeout=TIME"), "{}", done.err);
}

#[test]
fn a_value_of_fifty_megabytes_is_cut_where_nobody_reads_on_and_questions_leave_no_atoms() {
    let fleet = running(App::Mix, 1);
    let out = |code: &str| fleet.words(&["eval", code]).ok().out;
    let long = out("String.duplicate(\"x\", 50_000_000)");
    assert!(long.len() < 100_000 && long.contains("..."), "{} bytes", long.len());
    let full = fleet.words(&["eval", "--full", "Enum.to_list(1..5000)"]).ok().out;
    assert!(full.contains("4999,") && !full.contains("..."), "{full}");
    let atoms = || out(":erlang.system_info(:atom_count)").trim().parse::<u32>().unwrap();
    let before = atoms();
    for _ in 0..5 {
        atoms();
    }
    assert_eq!(atoms(), before);
}

#[test]
fn output_without_an_end_ends_with_the_time() {
    let fleet = running(App::Mix, 1);
    let done = fleet.words(&["eval", "for n <- Stream.cycle([1]), do: IO.puts(n)", "--timeout=2s"]).ends_with(11);
    assert!(done.out.lines().all(|line| line == "one | 1"), "{}", &done.out[..200]);
    assert!(done.err.contains("did not return within 2 s"), "{}", done.err);
}

#[test]
fn a_task_runs_on_one_node_is_recorded_and_fails_when_it_says_so() {
    let fleet = running(App::Mix, 2);
    let done = fleet.words(&["run", "IO.puts(\"migrated\")", "on", "staging"]).ok();
    assert!(done.out.contains("one | migrated\n") && !done.out.contains("two"), "{}", done.out);
    assert!(done.out.contains("one   done    returned :ok"), "{}", done.out);
    let all = fleet.words(&["task", "IO.puts(\"migrated\")", "--all-hosts"]).ok();
    assert!(all.out.contains("two | migrated\n"), "{}", all.out);
    let picked = fleet.words(&["task", "Node.self", "--host=two"]).ok();
    assert!(picked.out.contains("\ntwo ") && !picked.out.contains("\none "), "{}", picked.out);
    let failed = fleet.words(&["run", "List.to_tuple([:error, :locked])"]).ends_with(8);
    assert!(failed.out.contains("one   failed  returned {:error, :locked}"), "{}", failed.out);
    let raised = fleet.words(&["run", "Hotapp.Release.migrate"]).ends_with(8);
    assert!(raised.err.contains("(UndefinedFunctionError)"), "{}", raised.err);
    assert!(fleet.words(&["run", "list"]).ok().out.contains("run Hotapp.Release.migrate on staging"));
    let id = raised.err.lines().next().and_then(|title| title.split_whitespace().last()).unwrap();
    let record = fleet.words(&["run", "show", id]).ok();
    assert!((record.out.clone() + &record.err).contains("(UndefinedFunctionError)"), "{}{}", record.out, record.err);
}
