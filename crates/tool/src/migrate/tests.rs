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
