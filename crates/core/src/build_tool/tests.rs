use super::*;
use crate::{config::Programs, name::AppName};

fn files(names: &[&str]) -> ProjectFiles {
    let has = |name| names.contains(&name);
    ProjectFiles {
        rebar: has("rebar.config"),
        relx: has("relx.config"),
        mix: has("mix.exs"),
        distillery: has("rel/config.exs"),
        erlang: has("src/x.app.src"),
        ..ProjectFiles::default()
    }
}

fn detected(names: &[&str]) -> (BuildTool, Assembler) {
    let tools = Tools::choose(&files(names), None, None).unwrap();
    (tools.build, tools.assemble)
}

#[test]
fn tools_are_detected_as_in_edeliver() {
    use Assembler as A;
    use BuildTool as B;
    let table: &[(&[&str], (B, A))] = &[
        (&["rebar.config"], (B::Rebar3, A::Rebar3)),
        (&["rebar.config", "mix.exs"], (B::Rebar3, A::Rebar3)),
        (&["relx.config", "mix.exs"], (B::Mix, A::Relx)),
        (&["rebar.config", "relx.config", "mix.exs"], (B::Mix, A::Relx)),
        (&["relx.config"], (B::Rebar, A::Relx)),
        (&["rebar.config", "relx.config"], (B::Rebar, A::Relx)),
        (&["mix.exs", "rel/config.exs"], (B::Mix, A::Distillery)),
        (&["src/x.app.src"], (B::Rebar, A::Rebar)),
    ];
    for (names, tools) in table {
        assert_eq!(detected(names), *tools, "{names:?}");
    }
}

#[test]
fn a_bare_mix_project_is_assembled_by_mix_itself() {
    assert_eq!(detected(&["mix.exs"]), (BuildTool::Mix, Assembler::Mix));
}

#[test]
fn without_a_project_there_are_no_tools() {
    assert_eq!(Tools::choose(&files(&["README.md"]), None, None), Err(ToolsError::NoProject));
}

#[test]
fn an_explicit_choice_wins_over_files() {
    let choose = |names: &[&str], build, assemble| Tools::choose(&files(names), build, assemble).unwrap();
    let native = choose(&["mix.exs", "rel/config.exs"], None, Some(MixRelease::Native));
    assert_eq!(native.assemble, Assembler::Mix);
    let mix = choose(&["mix.exs", "rebar.config"], Some(BuildTool::Mix), None);
    assert_eq!((mix.build, mix.assemble), (BuildTool::Mix, Assembler::Mix));
    let by_assembler = choose(&["mix.exs", "rebar.config"], None, Some(MixRelease::Distillery));
    assert_eq!((by_assembler.build, by_assembler.assemble), (BuildTool::Mix, Assembler::Distillery));
    let rebar = choose(&["rebar.config"], Some(BuildTool::Rebar), None);
    assert_eq!((rebar.build, rebar.assemble), (BuildTool::Rebar, Assembler::Rebar));
}

#[test]
fn choices_that_exclude_each_other_are_refused_in_words() {
    let error = Tools::choose(&files(&["rebar.config"]), Some(BuildTool::Rebar3), Some(MixRelease::Distillery)).unwrap_err();
    assert_eq!(error.to_string(), "distillery can't assemble what rebar3 compiles");
}

/// All stages in one text, a line per command, and where the release lies.
fn shown(build: BuildTool, assemble: Assembler, change: impl FnOnce(&mut Profile<'_>)) -> String {
    let (app, programs, options): (AppName, _, _) = ("my_app".parse().unwrap(), Programs::default(), ["--quiet".to_owned()]);
    let mut profile = Profile {
        app: &app,
        mix_env: "prod",
        rebar_profile: None,
        programs: &programs,
        own: Own::default(),
        names_release: false,
        rebar_config: None,
        release_options: &options[..0],
    };
    change(&mut profile);
    let commands = Commands { tools: Tools { build, assemble }, profile };
    let stages = [commands.deps(), commands.clean(), commands.compile(), commands.release()];
    let lines = stages.into_iter().flatten().map(|words| words.join(" ") + "\n");
    lines.chain([commands.release_dir()]).collect()
}

#[test]
fn command_lines_of_mix() {
    assert_eq!(
        shown(BuildTool::Mix, Assembler::Mix, |_| {}),
        "mix deps.get --only prod\nmix clean\nmix compile\nmix release --overwrite\n_build/prod/rel/my_app"
    );
    let several = shown(BuildTool::Mix, Assembler::Mix, |profile| profile.names_release = true);
    assert!(several.contains("mix release my_app --overwrite\n"), "{several}");
}

#[test]
fn command_lines_of_distillery() {
    let shown = shown(BuildTool::Mix, Assembler::Distillery, |_| {});
    assert!(shown.contains("mix distillery.release --verbose --env=prod --name=my_app\n_build/prod/rel/my_app"), "{shown}");
}

#[test]
fn command_lines_of_mix_with_relx() {
    assert_eq!(
        shown(BuildTool::Mix, Assembler::Relx, |_| {}),
        "mix deps.get --only prod\nmix clean\nmix do deps.compile, compile\nrelx release\n_rel/my_app"
    );
}

#[test]
fn command_lines_of_rebar3() {
    assert_eq!(
        shown(BuildTool::Rebar3, Assembler::Rebar3, |_| {}),
        "rebar3 get-deps\nrebar3 clean\nrebar3 compile\nrebar3 release -n my_app\n_build/default/rel/my_app"
    );
    let shown = shown(BuildTool::Rebar3, Assembler::Rebar3, |profile| {
        profile.rebar_profile = Some("prod,eu");
        profile.own.rebar3 = true;
        profile.rebar_config = Some("other.config");
    });
    assert!(shown.ends_with("./rebar3 release -n my_app\n_build/prod+eu/rel/my_app"), "{shown}");
}

#[test]
fn command_lines_of_rebar_2() {
    assert_eq!(
        shown(BuildTool::Rebar, Assembler::Rebar, |profile| profile.rebar_config = Some("ci.config")),
        "rebar -C ci.config update-deps get-deps\nrebar -C ci.config clean skip_deps=true\nrebar -C ci.config compile\n\
         rebar -C ci.config generate\nrel/my_app"
    );
}

#[test]
fn configured_programs_win_over_those_of_the_project() {
    let programs = Programs { rebar3: Some("/opt/rebar3".to_owned()), ..Programs::default() };
    let app = "my_app".parse().unwrap();
    let profile = Profile {
        app: &app,
        mix_env: "prod",
        rebar_profile: None,
        programs: &programs,
        own: Own { rebar3: true, ..Own::default() },
        names_release: false,
        rebar_config: None,
        release_options: &[],
    };
    let commands = Commands { tools: Tools { build: BuildTool::Rebar3, assemble: Assembler::Rebar3 }, profile };
    assert_eq!(commands.build_program(), "/opt/rebar3");
}
