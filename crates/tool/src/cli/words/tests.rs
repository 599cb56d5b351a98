use super::*;

/// A tree like the program's, so that these tests do not move with every new option.
fn tree() -> Command {
    let target = || clap::Arg::new("target");
    let flag = |name: &'static str| clap::Arg::new(name).long(name).action(clap::ArgAction::SetTrue);
    let value = |name: &'static str| clap::Arg::new(name).long(name);
    let mut tree = Command::new("edeliver")
        .disable_help_subcommand(true)
        .arg(flag("verbose").short('V').global(true))
        .arg(flag("plain").short('P').global(true))
        .arg(value("project").global(true))
        .subcommand(Command::new("build").subcommand(Command::new("release").arg(value("branch"))))
        .subcommand(Command::new("deploy").subcommand(Command::new("release").args([
            target(),
            value("version"),
            value("host"),
            flag("start-deploy"),
            value("branch"),
        ])))
        .subcommand(Command::new("ping").arg(target()))
        .subcommand(Command::new("exec").arg(target()).arg(clap::Arg::new("command").last(true).num_args(1..)))
        .subcommand(Command::new("migrate").args([target(), value("direction"), value("version")]))
        .subcommand(Command::new("show").subcommand(Command::new("releases").alias("release")))
        .subcommand(Command::new("eval").arg(clap::Arg::new("code")).arg(target()))
        .subcommand(Command::new("task").arg(clap::Arg::new("code")).arg(target()))
        .subcommand(Command::new("run").subcommand(Command::new("list")))
        .subcommand(Command::new("help").arg(clap::Arg::new("words").num_args(0..)));
    tree.build();
    tree
}

fn read(line: &str) -> Result<String, WordError> {
    let argv = line.split_whitespace().map(OsString::from).collect();
    let out = canonical(argv, &tree())?;
    Ok(out.into_iter().map(|word| word.into_string().unwrap()).collect::<Vec<_>>().join(" "))
}

#[track_caller]
fn same(written: &str, canonical: &str) {
    assert_eq!(read(written).as_deref(), Ok(canonical), "{written}");
}

#[test]
fn the_originals_ways_of_saying_it_are_one_command() {
    for written in [
        "edeliver deploy release to production",
        "edeliver deploy release production",
        "edeliver deploy production",
        "edeliver deploy to production",
        "edeliver deploy production release",
        "edeliver deploy to production release",
    ] {
        same(written, "edeliver deploy release production");
    }
    same("edeliver ping on staging", "edeliver ping staging");
    same("edeliver ping", "edeliver ping");
    same("edeliver build", "edeliver build release");
    same("edeliver build release", "edeliver build release");
    same("edeliver show release", "edeliver show releases");
    same("edeliver deploy release locally", "edeliver deploy release local");
}

#[test]
fn options_may_stand_anywhere() {
    same("edeliver -V deploy --start-deploy to production", "edeliver deploy release -V --start-deploy production");
    same("edeliver build --branch main", "edeliver build release --branch main");
    same("edeliver deploy --version 1.0 release to production", "edeliver deploy release --version 1.0 production");
    same("edeliver --project to ping on staging -P", "edeliver ping --project to staging -P");
    same("edeliver deploy --help", "edeliver deploy release --help");
    same("edeliver -V build -P", "edeliver build release -V -P");
    same("edeliver --branch deploy build", "edeliver build release --branch deploy");
}

/// D13: the original searched all arguments for `production`.
#[test]
fn production_is_chosen_by_a_whole_word_in_its_place_only() {
    same("edeliver deploy release --branch=non-production", "edeliver deploy release --branch=non-production");
    same("edeliver deploy release --branch production", "edeliver deploy release --branch production");
    same("edeliver deploy release production --branch=staging-x", "edeliver deploy release production --branch=staging-x");
    same("edeliver deploy release --version to staging", "edeliver deploy release --version to staging");
}

/// D14: the original's `ping --verbose production` acted on staging, and `ping -V` on a target called `-V`.
#[test]
fn an_option_is_never_taken_for_the_target_and_never_swallows_it() {
    same("edeliver ping --verbose production", "edeliver ping --verbose production");
    same("edeliver ping -V on production", "edeliver ping -V production");
    same("edeliver ping -V", "edeliver ping -V");
}

#[test]
fn a_wrong_word_is_answered_with_the_right_one() {
    let unknown = |path: &[&str], word: &str, like: Option<&str>| WordError::Unknown {
        path: path.iter().map(|word| (*word).to_owned()).collect(),
        word: word.to_owned(),
        like: like.map(str::to_owned),
    };
    assert_eq!(read("edeliver depoly release"), Err(unknown(&[], "depoly", Some("deploy"))));
    assert_eq!(read("edeliver frobnicate"), Err(unknown(&[], "frobnicate", None)));
    assert_eq!(read("edeliver deploy relaese production"), Err(unknown(&["deploy"], "relaese", Some("release"))));
    assert_eq!(read("edeliver show nothing"), Err(unknown(&["show"], "nothing", None)));
}

#[test]
fn a_doubtful_target_is_refused() {
    let two = |first: &str, second: &str| WordError::TwoTargets { first: first.to_owned(), second: second.to_owned() };
    assert_eq!(read("edeliver deploy to staging production"), Err(two("staging", "production")));
    assert_eq!(read("edeliver ping production --verbose staging"), Err(two("production", "staging")));
    assert_eq!(read("edeliver deploy release to"), Err(WordError::NoTarget { filler: "to".to_owned() }));
    assert_eq!(read("edeliver ping on --verbose"), Err(WordError::NoTarget { filler: "on".to_owned() }));
}

#[test]
fn a_command_for_hosts_stands_behind_two_dashes() {
    same("edeliver exec on production -- ls -l to", "edeliver exec production -- ls -l to");
    same("edeliver exec -- uptime", "edeliver exec -- uptime");
    same("edeliver -V exec --host=one production -- ls", "edeliver exec -V --host=one production -- ls");
    let line = "edeliver exec production -- ls".to_owned();
    assert_eq!(read("edeliver exec on production ls -l"), Err(WordError::NoDashes { line }));
}

#[test]
fn code_and_target_stand_in_any_order() {
    for written in [
        "edeliver eval Node.self() on production",
        "edeliver eval Node.self() production",
        "edeliver eval production Node.self()",
        "edeliver eval on production Node.self()",
        "edeliver eval -- production Node.self()",
    ] {
        same(written, "edeliver eval Node.self() production");
    }
    same("edeliver eval pi", "edeliver eval pi");
    same("edeliver eval x on production -V", "edeliver eval -V x production");
    same("edeliver eval on production -- -1", "edeliver eval -- -1 production");
    same("edeliver eval locally 1+1", "edeliver eval 1+1 local");
    let which = WordError::WhichIsTheTarget { one: "pi".to_owned(), other: "production".to_owned() };
    assert_eq!(read("edeliver eval pi production"), Err(which));
    assert_eq!(read("edeliver eval on production"), Err(WordError::NoCode { target: "production".to_owned() }));
    assert_eq!(read("edeliver eval IO.puts( 1 )"), Err(WordError::NotOneWord));
    let two = WordError::TwoTargets { first: "a".to_owned(), second: "b".to_owned() };
    assert_eq!(read("edeliver eval x on a on b"), Err(two));
    assert_eq!(read("edeliver eval x on"), Err(WordError::NoTarget { filler: "on".to_owned() }));
}

#[test]
fn a_task_can_be_run_as_one_says_it() {
    same("edeliver run MyApp.Release.migrate on production", "edeliver task MyApp.Release.migrate production");
    same("edeliver run my_app:migrate", "edeliver task my_app:migrate");
    same("edeliver -V run A.b -P production", "edeliver task -V -P A.b production");
    same("edeliver run list", "edeliver run list");
}

#[test]
fn the_direction_of_a_migration_may_stand_on_both_sides_of_the_target() {
    same("edeliver migrate production down --version=7", "edeliver migrate production --direction=down --version=7");
    same("edeliver migrate down on production", "edeliver migrate --direction=down production");
    same("edeliver migrate up", "edeliver migrate --direction=up");
    same("edeliver migrate", "edeliver migrate");
    same("edeliver migrate on down", "edeliver migrate down");
}

#[test]
fn help_and_whatever_follows_a_double_dash_are_left_alone() {
    same("edeliver help deploy release", "edeliver help deploy release");
    same("edeliver ping -- to", "edeliver ping -- to");
    same("edeliver", "edeliver");
}

proptest::proptest! {
    #[test]
    fn any_argument_list_is_read_or_refused_and_reading_twice_changes_nothing(
        words in proptest::collection::vec("(deploy|release|to|on|ping|build|production|-V|--branch|--version=1|--|x|help|)", 0..7)
    ) {
        let argv: Vec<OsString> = std::iter::once("edeliver".to_owned()).chain(words).map(OsString::from).collect();
        if let Ok(once) = canonical(argv, &tree()) {
            proptest::prop_assert_eq!(canonical(once.clone(), &tree()), Ok(once));
        }
    }

    #[test]
    fn any_words_of_code_are_read_or_refused(words in proptest::collection::vec("(to|on|production|-V|--|x|[A-Z][.]b|-1|1 [+] 1|)", 0..6)) {
        let given: Vec<OsString> = ["edeliver", "eval"].into_iter().map(str::to_owned).chain(words).map(OsString::from).collect();
        if let Ok(read) = canonical(given, &tree()) {
            let words = read[2..].iter().filter(|word| !word.to_string_lossy().starts_with('-'));
            proptest::prop_assert!(words.count() <= 2, "the code and the target: {:?}", read);
        }
    }
}

#[test]
fn plan_in_front_of_a_command_is_its_option() {
    same("edeliver plan deploy release to production", "edeliver deploy release --plan production");
    same("edeliver -V plan deploy production --version=1.0", "edeliver deploy release -V --plan production --version=1.0");
    assert!(
        matches!(read("edeliver deploy plan"), Ok(line) if line == "edeliver deploy release plan"),
        "a target may have that name"
    );
}
