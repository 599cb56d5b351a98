//! `edeliver increase [major|minor] versions`: the versions in the sources of an Erlang project.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use edeliver_core::{
    hint::Hint,
    increase::{self, Found, Step},
    name::Revision,
};
use indexmap::IndexMap;

use crate::{
    ctx::Ctx,
    error::{Error, Kind},
    git::Repository,
};

/// Arguments of `increase`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Counts the version up of every application (src/*.app.src) that has changed since the last tag, and that of the release, in rebar.config, \
relx.config and reltool.config. The words mean what they meant with edeliver 1.x:

  edeliver increase minor versions    # 1.2.3 becomes 1.2.4; so does `edeliver increase`
  edeliver increase major versions    # 1.2.3 becomes 1.3
  edeliver increase versions          # 1.2.3 becomes 2.0

The version of a mix project is counted up for a build, by `build release --increment-version=PART`.")]
pub struct Args {
    /// What is counted up
    #[arg(value_name = "major|minor", value_parser = ["major", "minor", "versions", "version"], num_args = 0..=2)]
    pub words: Vec<String>,
    /// Applications that have changed since this revision [default: the last tag]
    #[arg(long, value_name = "REVISION")]
    pub from: Option<Revision>,
    /// Applications that have changed up to this revision
    #[arg(long, value_name = "REVISION", default_value = "HEAD")]
    pub to: Revision,
}

impl Args {
    fn step(&self) -> Result<Step, Error> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        Ok(match &words[..] {
            [] | ["minor"] | ["minor", "version" | "versions"] => Step::Minor,
            ["major"] | ["major", "version" | "versions"] => Step::Major,
            ["version" | "versions"] => Step::Version,
            _ => return Err(Error::usage(format!("`{}` is one word too much", words[1..].join(" ")))),
        })
    }
}

/// Folders that are not the project's own sources.
const NOT_OURS: [&str; 5] = ["_build", "deps", "node_modules", "_rel", ".git"];
/// Files that say a release's version.
const OF_RELEASES: [&str; 3] = ["rebar.config", "relx.config", "reltool.config"];

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let step = args.step()?;
    let app = ctx.settings()?.app.clone();
    let changed = changed(ctx, &args).await?;
    let applications = sources(&ctx.project, &changed)?;
    let releases = files(&ctx.project, &|name| OF_RELEASES.contains(&name))?;
    let mut counting = Counting { project: &ctx.project, step, rows: Vec::new(), texts: Vec::new() };
    for file in applications {
        counting.count(&file, increase::of_application)?;
    }
    let before = counting.rows.len();
    for file in releases {
        counting.count(&file, |text| increase::of_release(text, app.as_str()))?;
    }
    let release = counting.rows.get(before).map(|row| row["to"].clone());
    let rows = counting.written()?;
    ctx.answer_rows(rows, "no application has changed, and no file says the release's version");
    if let Some(version) = release {
        ctx.reporter.info(format!("when it is committed: git tag {version}"));
    }
    Ok(0)
}

async fn changed(ctx: &Ctx, args: &Args) -> Result<Vec<String>, Error> {
    let repository = Repository::open(&ctx.project).await?;
    let from = match &args.from {
        Some(from) => from.clone(),
        None => match repository.last_tag().await? {
            Some(tag) => tag.parse().map_err(Error::usage)?,
            None => return Err(Error::usage("there is no tag to count from").hint(Hint::text("name a revision with `--from=`"))),
        },
    };
    Ok(repository.changed(&from, &args.to).await?)
}

/// The `.app.src` files beside what has changed.
fn sources(project: &Path, changed: &[String]) -> Result<BTreeSet<PathBuf>, Error> {
    let folder =
        |file: &String| file.rfind("src/").filter(|at| *at == 0 || file[..*at].ends_with('/')).map(|at| file[..at + 3].to_owned());
    let mut found = BTreeSet::new();
    for folder in changed.iter().filter_map(folder).collect::<BTreeSet<_>>() {
        found.extend(files(&project.join(folder), &|name| name.ends_with(".app.src"))?);
    }
    Ok(found)
}

/// The files of such a name in a folder and below, but in none that is not ours.
fn files(dir: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else { return Ok(found) };
    for entry in entries {
        let entry = entry.map_err(|error| Error::new(Kind::Internal, error).context(format!("can't read {}", dir.display())))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) => found.extend(files(&entry.path(), wanted)?),
            Ok(kind) if kind.is_file() && wanted(&name) => found.push(entry.path()),
            _ => {}
        }
    }
    found.sort();
    Ok(found)
}

/// What is to be written: nothing is, before all of it is known.
struct Counting<'a> {
    project: &'a Path,
    step: Step,
    rows: Vec<IndexMap<String, String>>,
    texts: Vec<(PathBuf, String)>,
}

impl Counting<'_> {
    fn count(&mut self, file: &Path, find: impl Fn(&str) -> Option<Found>) -> Result<(), Error> {
        let shown = file.strip_prefix(self.project).unwrap_or(file).display().to_string();
        let text = fs::read_to_string(file).map_err(|error| Error::usage(error).context(format!("can't read {shown}")))?;
        let Some(found) = find(&text) else { return Ok(()) };
        let Some(next) = increase::next(&found.version, self.step) else {
            let error = Error::usage(format!("{shown} has the version {:?}, which can't be counted up", found.version));
            return Err(error.hint(Hint::text("nothing was changed")));
        };
        self.texts.push((file.to_owned(), found.replaced(&text, &next)));
        let cells = [("file", shown), ("from", found.version), ("to", next)];
        self.rows.push(cells.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect());
        Ok(())
    }
    fn written(self) -> Result<Vec<IndexMap<String, String>>, Error> {
        for (file, text) in self.texts {
            fs::write(&file, text).map_err(|error| Error::usage(error).context(format!("can't write {}", file.display())))?;
        }
        Ok(self.rows)
    }
}
