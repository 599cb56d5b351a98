use super::{
    said::{Lines, Said},
    *,
};

fn all() -> Vec<Migration> {
    let migration = |version, status| Migration { repo: "A.Repo".into(), status, version, name: format!("m{version}") };
    vec![migration(1, Status::Up), migration(2, Status::Up), migration(3, Status::Down), migration(4, Status::Down)]
}

fn versions(action: Action, version: Option<u64>) -> Vec<u64> {
    let order = Order { app: "a".parse().unwrap(), action, version, repos: Vec::new(), task: None };
    order.concerns(&all()).iter().map(|migration| migration.version).collect()
}

#[test]
fn down_takes_back_one_unless_told_how_far() {
    assert_eq!(versions(Action::Down, None), [2]);
    assert_eq!(versions(Action::Down, Some(1)), [2, 1]);
    assert_eq!(versions(Action::Down, Some(3)), [] as [u64; 0]);
    assert_eq!(versions(Action::Up, None), [3, 4]);
    assert_eq!(versions(Action::Up, Some(3)), [3]);
}

#[test]
fn a_migration_without_its_file_is_passed_over_and_said_to_be() {
    let gone = |version| Migration { repo: "A.Repo".into(), status: Status::Up, version, name: "** FILE NOT FOUND **".into() };
    let told = |version, all: &[Migration]| {
        let order = Order { app: "a".parse().unwrap(), action: Action::Down, version, repos: Vec::new(), task: None };
        let versions = |of: Vec<&Migration>| of.iter().map(|migration| migration.version).collect::<Vec<_>>();
        (versions(order.concerns(all)), versions(order.passed_over(all)))
    };
    let [first, second, ..] = &all()[..] else { panic!() };
    assert_eq!(told(None, &[first.clone(), second.clone(), gone(5)]), (vec![2], vec![5]));
    assert_eq!(told(None, &[first.clone(), gone(1), second.clone()]), (vec![2], vec![]), "the step does not come so far");
    assert_eq!(told(Some(0), &[gone(0), first.clone(), second.clone()]), (vec![2, 1], vec![0]));
    assert_eq!(told(None, &[gone(5)]), (vec![], vec![5]));
}

#[test]
fn the_last_migration_of_several_repositories_is_not_one() {
    let elsewhere = Migration { repo: "B.Repo".into(), status: Status::Down, version: 9, name: "m9".into() };
    let undecided = |action| {
        let order = Order { app: "a".parse().unwrap(), action, version: None, repos: Vec::new(), task: None };
        order.undecided(&[all(), vec![elsewhere.clone()]].concat())
    };
    assert_eq!(undecided(Action::Down), ["A.Repo", "B.Repo"]);
    assert_eq!(undecided(Action::Up), [] as [&str; 0]);
}

#[test]
fn lines_for_people_are_told_apart_from_those_for_us() {
    let (mut said, mut lines, mut told) = (Said::default(), Lines::default(), Vec::new());
    let mut take = |line: &str| told.extend(said.line(line).map(str::to_owned));
    for piece in ["info: == Run", "ning\nedeliver-migrate\tdone\tA.Repo\t3\nedel", "iver-migrate\tend\nlast"] {
        lines.take(piece, &mut take);
    }
    lines.finish(&mut take);
    assert_eq!(told, ["info: == Running", "last"]);
    assert_eq!((said.done, said.ended), (vec![("A.Repo".to_owned(), 3)], true));
}
