use super::*;
use crate::testing::Erl;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn otp(file: &str) -> Vec<u8> {
    let lib = Path::new("/usr/lib/erlang/lib");
    let (app, module) = file.split_once('/').unwrap();
    let dir = std::fs::read_dir(lib).unwrap().map(|entry| entry.unwrap().path());
    let dir = dir.into_iter().find(|dir| dir.file_name().unwrap().to_str().unwrap().starts_with(&format!("{app}-"))).unwrap();
    std::fs::read(dir.join(format!("ebin/{module}.beam"))).unwrap()
}

/// A file of these chunks.
fn form<'a>(chunks: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Vec<u8> {
    let mut body = b"BEAM".to_vec();
    for (name, data) in chunks {
        body.extend(name.as_bytes());
        body.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        body.extend(&data);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    [b"FOR1", &u32::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat()
}

/// The file with one chunk replaced.
fn with_chunk(file: &[u8], name: &'static str, data: Vec<u8>) -> Vec<u8> {
    let chunks = Chunks::parse(file).unwrap();
    let names: Vec<String> = chunks.names().collect();
    form(names.iter().map(|id| (id.as_str(), if id == name { data.clone() } else { chunks.get(id).unwrap().to_vec() })))
}

/// Reads everything there is to read.
fn read_all(file: &[u8]) -> Option<usize> {
    let beam = Beam::parse(file).ok()?;
    let sizes = [
        beam.exports().map(|list| list.len()),
        beam.imports().map(|list| list.len()),
        beam.behaviours().map(|list| list.len()),
        beam.vsn().map(|list| list.len()),
        beam.literals().map(|list| list.len()),
        beam.md5().map(|_| 0),
        beam.md5_without_meta().map(|_| 0),
    ];
    Some(beam.atoms().len() + sizes.into_iter().flatten().sum::<usize>())
}

#[test]
fn a_module_is_described() {
    let file = otp("stdlib/gen_server");
    let beam = Beam::parse(&file).unwrap();
    assert_eq!(beam.module().as_str(), "gen_server");
    assert!(beam.is_exported("start_link", 3).unwrap() && !beam.is_exported("start_link", 9).unwrap());
    assert!(beam.imports().unwrap().iter().any(|import| import.module == "proc_lib" && import.function.name == "init_ack"));
    assert_eq!(beam.vsn().unwrap().len(), 1);
    let file = otp("kernel/kernel");
    assert_eq!(Beam::parse(&file).unwrap().behaviours().unwrap(), [Atom::literal("supervisor")].into());
    let file = otp("stdlib/erl_lint");
    assert!(Beam::parse(&file).unwrap().literals().unwrap().iter().any(|term| matches!(term, Term::Map(_))));
}

#[test]
fn what_is_no_module_is_refused() {
    assert_eq!(Beam::parse(b"").unwrap_err(), BeamError::NotBeam);
    assert_eq!(Beam::parse(b"FOR1\0\0\0\x04BEA").unwrap_err(), BeamError::NotBeam);
    assert_eq!(Beam::parse(b"\x1f\x8bxyz").unwrap_err(), BeamError::Gzip);
    assert_eq!(Beam::parse(&form([])).unwrap_err(), BeamError::Missing("AtU8"));
    assert_eq!(Beam::parse(&form([("AtU8", vec![0; 4])])).unwrap_err(), BeamError::Damaged("AtU8"));
    let file = form([("AtU8", b"\0\0\0\x01\x01m".to_vec()), ("ExpT", vec![0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1])]);
    let beam = Beam::parse(&file).unwrap();
    assert_eq!(beam.exports(), Err(BeamError::Damaged("ExpT")));
    assert_eq!(beam.md5(), Err(BeamError::Missing("Code")));
}

/// OTP 28 writes the lengths of atoms in another form, and no longer compresses literals.
#[test]
fn the_tables_of_otp_28_are_read() {
    let file = otp("stdlib/erl_lint");
    let old = Beam::parse(&file).unwrap();
    let long = "é".repeat(255);
    let names = || old.atoms().iter().map(Atom::as_str).chain([long.as_str()]);
    let mut atoms = (-i32::try_from(names().count()).unwrap()).to_be_bytes().to_vec();
    for name in names() {
        match name.len() {
            len @ 0..16 => atoms.push(u8::try_from(len << 4).unwrap()),
            len => atoms.extend([u8::try_from(len >> 8 << 5).unwrap() | 0b1000, u8::try_from(len & 0xff).unwrap()]),
        }
        atoms.extend(name.as_bytes());
    }
    let inflated = match old.chunks.get("LitT").unwrap().split_at(4) {
        ([0, 0, 0, 0], literals) => literals.to_vec(),
        (_, literals) => chunks::inflate(literals).unwrap(),
    };
    let new = with_chunk(&file, "AtU8", atoms);
    let new = with_chunk(&new, "LitT", [vec![0; 4], inflated].concat());
    let new = Beam::parse(&new).unwrap();
    assert_eq!(new.atoms()[..old.atoms().len()], *old.atoms());
    assert_eq!(new.atoms().last().unwrap().as_str(), long);
    assert_eq!(new.exports(), old.exports());
    assert_eq!(new.literals(), old.literals());
    assert!(!old.literals().unwrap().is_empty());
}

#[test]
fn counts_that_cannot_be_allocate_nothing() {
    for count in [i32::MIN, -1, i32::MAX] {
        assert_eq!(Beam::parse(&form([("AtU8", count.to_be_bytes().to_vec())])).unwrap_err(), BeamError::Damaged("AtU8"));
    }
    let file = with_chunk(&otp("stdlib/erl_anno"), "ImpT", vec![0xff; 16]);
    assert_eq!(Beam::parse(&file).unwrap().imports(), Err(BeamError::Damaged("ImpT")));
    let file = with_chunk(&otp("stdlib/erl_lint"), "LitT", [vec![0; 4], vec![0xff; 12]].concat());
    assert_eq!(Beam::parse(&file).unwrap().literals(), Err(BeamError::Damaged("LitT")));
}

#[test]
fn md5_ignores_lines_attributes_and_old_uniq() {
    let file = otp("stdlib/erl_lint");
    let md5 = |file: &[u8]| Beam::parse(file).unwrap().md5().unwrap();
    for name in ["Line", "Attr", "Dbgi", "CInf", "LocT"] {
        assert_eq!(md5(&with_chunk(&file, name, vec![1, 2, 3])), md5(&file), "{name}");
    }
    let chunk = |name| Chunks::parse(&file).unwrap().get(name).unwrap().to_vec();
    let mut funs = chunk("FunT");
    funs[24..28].copy_from_slice(&[9; 4]);
    assert_eq!(md5(&with_chunk(&file, "FunT", funs.clone())), md5(&file));
    funs[23] ^= 1;
    assert_ne!(md5(&with_chunk(&file, "FunT", funs)), md5(&file));
    let mut meta = chunk("Meta");
    meta[10] ^= 1;
    let changed = with_chunk(&file, "Meta", meta);
    assert_ne!(md5(&changed), md5(&file));
    assert_eq!(Beam::parse(&changed).unwrap().md5_without_meta(), Beam::parse(&file).unwrap().md5_without_meta());
}

/// Every module of the OTP that is installed, as beam_lib sees it; and those of stdlib stripped and compressed.
#[test]
fn beam_lib_and_we_agree_about_every_module() {
    let dir = tempfile::tempdir().unwrap();
    Erl::new().env("DIR", dir.path()).eval(
        r#"
        Out = fun(Name) -> filename:join(os:getenv("DIR"), Name) end,
        Files = filelib:wildcard(filename:join(code:lib_dir(), "*/ebin/*.beam")),
        [begin
             {ok, Original} = file:read_file(F), %% given a file's name, strip would change the file
             {ok, {_, Stripped}} = beam_lib:strip(Original),
             ok = file:write_file(Out(filename:basename(F)), Stripped)
         end || F <- Files, string:find(F, "/stdlib-") =/= nomatch],
        Copies = filelib:wildcard(Out("*.beam")),
        Facts = [begin
             {ok, {M, [{exports, E}, {imports, I}, {attributes, A}]}} = beam_lib:chunks(F, [exports, imports, attributes], [allow_missing_chunks]),
             {ok, {M, Md5}} = beam_lib:md5(F),
             {unicode:characters_to_binary(F), M, Md5, lists:sort(E), lists:sort(I), A}
         end || F <- Files ++ Copies],
        ok = file:write_file(Out("facts"), term_to_binary(Facts))."#,
    );
    let facts = etf::decode(&std::fs::read(dir.path().join("facts")).unwrap()).unwrap();
    let facts = facts.as_list().unwrap();
    assert!(facts.len() > 1000);
    for fact in facts {
        let [path, module, md5, exports, imports, attributes] = fact.as_tuple().unwrap() else { panic!("{fact}") };
        let path = PathBuf::from(str::from_utf8(path.as_binary().unwrap()).unwrap());
        let file = std::fs::read(&path).unwrap();
        let beam = Beam::parse(&file).unwrap();
        assert_eq!(beam.module(), module.as_atom().unwrap());
        assert_eq!(beam.md5().unwrap(), md5.as_binary().unwrap(), "{path:?}");
        assert_eq!(&sorted(beam.exports().unwrap().iter().map(|function| mfa(None, function))), exports, "{path:?}");
        assert_eq!(&sorted(beam.imports().unwrap().iter().map(|import| mfa(Some(&import.module), &import.function))), imports);
        assert_eq!(merged(beam.attributes().unwrap()), listed(attributes), "{path:?}");
    }
}

fn mfa(module: Option<&Atom>, function: &Function) -> Term {
    let rest = [Term::Atom(function.name.clone()), Term::from(i64::from(function.arity))];
    Term::tuple(module.cloned().map(Term::Atom).into_iter().chain(rest))
}

fn sorted(terms: impl Iterator<Item = Term>) -> Term {
    let mut terms: Vec<Term> = terms.collect();
    terms.sort();
    Term::List(terms)
}

/// As beam_lib lists them: sorted by name, values of equal names together.
fn merged(attributes: Vec<(Atom, Vec<Term>)>) -> Vec<(Atom, Vec<Term>)> {
    let mut merged: std::collections::BTreeMap<Atom, Vec<Term>> = Default::default();
    for (name, values) in attributes {
        merged.entry(name).or_default().extend(values);
    }
    merged.into_iter().collect()
}

fn listed(attributes: &Term) -> Vec<(Atom, Vec<Term>)> {
    // A stripped module has none, which beam_lib calls missing_chunk.
    let pairs = attributes.as_list().unwrap_or_default().iter();
    pairs
        .map(|pair| {
            (pair.as_tuple().unwrap()[0].as_atom().unwrap().clone(), pair.as_tuple().unwrap()[1].as_list().unwrap().to_vec())
        })
        .collect()
}

/// A release has some thousand modules, and a plan looks at two releases.
#[test]
fn two_thousand_modules_take_less_than_a_second() {
    let files = glob_beams();
    let start = std::time::Instant::now();
    let mut read = 0;
    for file in files.iter().cycle().take(2000) {
        let beam = Beam::parse(file).unwrap();
        beam.md5().unwrap();
        read += beam.exports().unwrap().len() + beam.imports().unwrap().len() + beam.behaviours().unwrap().len();
    }
    let took = start.elapsed();
    assert!(read > 10_000);
    // Without optimisation everything but the hash is ten times slower than in the product.
    let limit = if cfg!(debug_assertions) { 5 } else { 1 };
    assert!(took.as_secs() < limit, "{took:?}");
}

fn glob_beams() -> Vec<Vec<u8>> {
    let ebins = std::fs::read_dir("/usr/lib/erlang/lib").unwrap().map(|app| app.unwrap().path().join("ebin"));
    let files = ebins.filter_map(|ebin| std::fs::read_dir(ebin).ok()).flatten().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|kind| kind == "beam")).map(|path| std::fs::read(path).unwrap()).collect()
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_all(&bytes);
        read_all(&form([("AtU8", bytes.clone()), ("ImpT", bytes.clone()), ("ExpT", bytes.clone()), ("LitT", bytes.clone()), ("Attr", bytes)]));
    }

    #[test]
    fn damaged_modules_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut file = otp("stdlib/erl_anno");
        prop_assert!(read_all(&file).is_some());
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if cut {
            file.truncate(end.index(file.len()));
        }
        read_all(&file);
    }
}
