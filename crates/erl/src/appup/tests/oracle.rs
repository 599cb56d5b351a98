//! `systools_rc` as the judge of the translation, over some hundred made-up scripts.

use super::super::*;
use crate::rel::StartType;
use crate::relup::Instruction;
use crate::testing::Erl;

/// Xorshift: the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn shuffled(&mut self, mut items: Vec<String>) -> Vec<String> {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
        items
    }
}

fn library(name: &'static str, vsn: &str, modules: usize, start: StartType) -> Library {
    let modules = (0..modules).map(|n| Atom::new(format!("{name}{n}")).unwrap()).collect();
    Library { name: Atom::literal(name), vsn: vsn.to_owned(), modules, start }
}

/// Applications of the release after, and of the one before.
fn releases() -> (Vec<Library>, Vec<Library>) {
    let both = |vsn| vec![library("a", vsn, 5, StartType::Permanent), library("b", vsn, 3, StartType::Load)];
    let (mut after, mut before) = (both("2"), both("1"));
    after.extend([library("new", "1", 2, StartType::Transient), library("code", "1", 1, StartType::None)]);
    before.push(library("gone", "1", 2, StartType::Permanent));
    (after, before)
}

/// An instruction about a module in one of its forms.
fn about(random: &mut Random, module: &str, needs: &str) -> String {
    let purges = format!("{},{}", random.one(&["soft_purge", "brutal_purge"]), random.one(&["soft_purge", "brutal_purge"]));
    let change = random.one(&["soft", "{advanced,[]}", "{advanced,{x,1}}"]);
    let timeout = random.one(&["default", "infinity", "7000", "0"]);
    let kind = random.one(&["static", "dynamic"]);
    match random.below(if needs == "[]" { 15 } else { 9 }) {
        0 => format!("{{update,{module},{needs}}}"),
        1 => format!("{{update,{module},{change},{needs}}}"),
        2 => format!("{{update,{module},{change},{purges},{needs}}}"),
        3 => format!("{{update,{module},{timeout},{change},{purges},{needs}}}"),
        4 => format!("{{update,{module},{kind},{timeout},{change},{purges},{needs}}}"),
        5 => format!("{{load_module,{module},{needs}}}"),
        6 => format!("{{load_module,{module},{purges},{needs}}}"),
        7 => format!("{{add_module,{module},{needs}}}"),
        8 => format!("{{delete_module,{module},{needs}}}"),
        9 => format!("{{update,{module}}}"),
        10 => format!("{{update,{module},supervisor}}"),
        11 => format!("{{update,{module},{change}}}"),
        12 => format!("{{load_module,{module}}}"),
        13 => format!("{{add_module,{module}}}"),
        _ => format!("{{delete_module,{module}}}"),
    }
}

/// Instructions of which modules hang together in chains, sometimes in circles: there systools leaves nothing to chance.
fn modules(random: &mut Random) -> Vec<String> {
    let modules = random.shuffled(["a0", "a1", "a2", "a3", "a4", "b0", "b1", "b2"].map(str::to_owned).to_vec());
    let count = random.below(modules.len() + 1);
    let chained: Vec<bool> = (0..count).map(|_| random.below(3) == 0).collect();
    let steps = (0..count).map(|at| {
        let next = (chained[at] && at + 1 < count).then(|| modules[at + 1].clone());
        let back = (at > 0 && chained[at - 1] && random.below(4) == 0).then(|| modules[at - 1].clone());
        let needs: Vec<String> = next.into_iter().chain(back).collect();
        about(random, &modules[at], &format!("[{}]", needs.join(",")))
    });
    let steps = steps.collect();
    random.shuffled(steps)
}

const OTHERS: [&str; 22] = [
    "{apply,{m,f,[1]}}",
    "{apply,{m,f,[]}}",
    "{add_application,new}",
    "{add_application,new,load}",
    "{add_application,code,none}",
    "{add_application,nothing}",
    "{remove_application,gone}",
    "{remove_application,a}",
    "{restart_application,b}",
    "{restart_application,gone}",
    "restart_emulator",
    "restart_new_emulator",
    "point_of_no_return",
    "{load_object_code,{a,\"2\",[a1,a0]}}",
    "{load_object_code,{c,\"2\",[c1]}}",
    "{load,{c1,soft_purge,soft_purge}}",
    "{suspend,[c1,{c2,infinity}]}",
    "{resume,[c2,c1]}",
    "{stop,[c1]}",
    "{start,[c1]}",
    "{sync_nodes,x,[n@h]}",
    "{update,a0,x}",
];

/// One to three scripts, as text.
fn scripts(random: &mut Random) -> String {
    let mut steps = modules(random);
    for _ in 0..random.below(5) {
        let at = random.below(steps.len() + 1);
        steps.insert(at, random.one(&OTHERS).to_owned());
    }
    let scripts = 1 + random.below(3);
    let each = steps.len().div_ceil(scripts).max(1);
    let scripts: Vec<String> = steps.chunks(each).map(|steps| format!("[{}]", steps.join(","))).collect();
    format!("[{}]", scripts.join(","))
}

/// What `systools_rc` makes of the scripts: the low-level script, or none.
fn theirs(cases: &[(Direction, String)]) -> Vec<Option<Vec<Term>>> {
    let (after, before) = releases();
    let dir = tempfile::tempdir().unwrap();
    let words = |direction| if direction == Direction::Up { "up" } else { "dn" };
    let file: String = cases.iter().map(|(direction, scripts)| format!("{{{},{scripts}}}.\n", words(*direction))).collect();
    std::fs::write(dir.path().join("cases"), file).unwrap();
    let applications = |libraries: &[Library]| {
        let one = |library: &Library| {
            let modules = Term::list(library.modules.iter().cloned().map(Term::Atom));
            format!("A({},{},{},{modules})", library.name, library.start.as_str(), Term::string(&library.vsn))
        };
        format!("[{}]", libraries.iter().map(one).collect::<Vec<_>>().join(","))
    };
    let output = Erl::new().eval(&format!(
        "A = fun(N, T, V, M) -> erlang:make_tuple(17, [], [{{1, application}}, {{2, N}}, {{3, T}}, {{4, V}}, {{7, M}}]) end, \
         {{ok, Cases}} = file:consult({:?}), \
         io:format(\"~w.~n\", [[case systools_rc:translate_scripts(Mode, Scripts, {}, {}) of {{ok, S}} -> S; {{error, _, E}} -> {{refused, E}} end \
           || {{Mode, Scripts}} <- Cases]])",
        dir.path().join("cases"),
        applications(&after),
        applications(&before)
    ));
    let answers = source::consult_one(&output).unwrap();
    answers.as_list().unwrap().iter().map(|answer| answer.as_list().map(<[_]>::to_vec)).collect()
}

fn ours(direction: Direction, scripts: &str) -> Option<Vec<Term>> {
    let (after, before) = releases();
    let term = source::parse(scripts).unwrap();
    let steps = |script: &Term| script.as_list().unwrap().iter().map(Step::from_term).collect::<Result<Vec<_>, _>>();
    let scripts = term.as_list().unwrap().iter().map(steps).collect::<Result<Vec<_>, _>>().ok()?;
    let low = translate(direction, &scripts, &after, &before).ok()?;
    Some(low.iter().map(Instruction::to_term).collect())
}

#[test]
fn scripts_are_translated_as_systools_does() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let cases: Vec<(Direction, String)> =
        (0..800).map(|n| (if n % 2 == 0 { Direction::Up } else { Direction::Down }, scripts(&mut random))).collect();
    let theirs = theirs(&cases);
    let mut translated = 0;
    for ((direction, scripts), theirs) in cases.iter().zip(theirs) {
        let shown = |script: &Option<Vec<Term>>| script.as_ref().map(|script| Term::List(script.clone()).to_string());
        assert_eq!(shown(&ours(*direction, scripts)), shown(&theirs), "{direction} {scripts}");
        translated += usize::from(theirs.is_some());
    }
    assert!((300..700).contains(&translated), "{translated} of 800 are good scripts: too few or too many to mean something");
}

#[test]
fn the_longest_form_of_an_instruction_means_the_same() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..300 {
        let Ok(step) = Step::from_term(&source::parse(&about(&mut random, "m", "[n]")).unwrap()) else { continue };
        assert_eq!(Step::from_term(&step.to_term()), Ok(step));
    }
}
