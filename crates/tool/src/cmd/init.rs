//! `edeliver init`: the first configuration of a project.

use std::{fs, io, path::Path};

use edeliver_core::{
    hint::Hint,
    init::{self, Answers, Project, Typed},
    name::{AppName, HostPath, TargetName},
};

use crate::{
    config::{CLASSIC, TOML},
    ctx::Ctx,
    error::{Error, Kind},
};

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Looks at the project, asks for what it can't know, writes edeliver.toml, and tells git to leave the release store alone. What is given here \
is not asked for.

  edeliver init
  edeliver init --build-host=builder@build.example.com --target=production=deploy@web1,deploy@web2
  edeliver init --build-host=localhost --target=staging=localhost:/tmp/stage")]
pub struct Args {
    /// Name of the release; found in the project's files
    #[arg(long, value_name = "NAME")]
    pub app: Option<AppName>,
    /// Where releases are built; `localhost` is this machine
    #[arg(long, value_name = "[USER@]HOST[:PATH]")]
    pub build_host: Option<Typed>,
    /// A target and its hosts; may be repeated
    #[arg(long = "target", value_name = "NAME=[USER@]HOST[:PATH],…", value_parser = target)]
    pub targets: Vec<Target>,
    /// The folder on the hosts that the release's own folder is made in
    #[arg(long, value_name = "PATH", default_value = "/srv")]
    pub path: HostPath,
}

/// A target as it is typed.
#[derive(Debug, Clone)]
pub struct Target(TargetName, Vec<Typed>);

fn target(text: &str) -> Result<Target, String> {
    let (name, hosts) = text.split_once('=').ok_or("write it like production=web1,web2")?;
    Ok(Target(name.parse().map_err(|error| format!("{error}"))?, hosts_of(hosts).map_err(|error| error.to_string())?))
}

fn hosts_of(text: &str) -> Result<Vec<Typed>, edeliver_core::name::NameError> {
    text.split([',', ' ']).map(str::trim).filter(|host| !host.is_empty()).map(str::parse).collect()
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    refuse_second(&ctx.project)?;
    let project = look(&ctx.project);
    if !project.known {
        let hint = Hint::text("run it in the folder of the project, or name that with `--project`");
        return Err(Error::usage("there is no mix.exs, rebar.config or src/*.app.src here").hint(hint));
    }
    let answers = ask(ctx, args, &project).await?;
    write(&ctx.project.join(TOML), &init::toml(&answers))?;
    let ignored = ignore(&ctx.project.join(".gitignore"))?;
    let also = if ignored { " and .gitignore" } else { "" };
    ctx.answer_text(format!("wrote {TOML}{also} for the release {} (named by {})", answers.app, project.named_by));
    ctx.reporter.info("look at it with `edeliver config show`, commit it, then: edeliver doctor");
    Ok(0)
}

fn refuse_second(project: &Path) -> Result<(), Error> {
    if project.join(TOML).exists() {
        let error = Error::usage(format!("there is an {TOML} already"));
        return Err(error.hint(Hint::command("what it says", "edeliver config show")));
    }
    if project.join(CLASSIC).exists() {
        let error = Error::usage(format!("this project has the {CLASSIC} of edeliver 1.x, which is used as it is"));
        return Err(error.hint(Hint::command("to have it as TOML", "edeliver config import")));
    }
    Ok(())
}

fn look(project: &Path) -> Project {
    let sources = fs::read_dir(project.join("src")).into_iter().flatten().flatten();
    let mut sources: Vec<String> = sources.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    sources.retain(|name| name.ends_with(".app.src"));
    sources.sort();
    let folder = project.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    init::look(|name| fs::read_to_string(project.join(name)).ok(), &sources, &folder)
}

async fn ask(ctx: &Ctx, args: Args, project: &Project) -> Result<Answers, Error> {
    let app = match args.app {
        Some(app) => app,
        None => project.app.parse().map_err(|error| Error::usage(error).hint(Hint::text("name the release with `--app=NAME`")))?,
    };
    let build = match args.build_host {
        Some(build) => build,
        None => {
            typed(ctx, "Where are releases built (user@host, or localhost for this machine)?", "localhost", "--build-host=HOST")
                .await?
                .parse()?
        }
    };
    let mut targets: Vec<(TargetName, Vec<Typed>)> = args.targets.into_iter().map(|Target(name, hosts)| (name, hosts)).collect();
    if targets.is_empty() {
        let question = "Which hosts run it in production (user@host, several with blanks; nothing: add them later)?";
        let hosts = hosts_of(&typed(ctx, question, "", "--target=production=HOST").await?)?;
        targets.extend((!hosts.is_empty()).then(|| ("production".parse().expect("it is a name"), hosts)));
    }
    Ok(Answers { app, build, targets, path: args.path })
}

async fn typed(ctx: &Ctx, question: &str, suggestion: &str, option: &str) -> Result<String, Error> {
    let line = ctx.ui.type_in(question, suggestion, option).await?;
    line.ok_or_else(|| Error::new(Kind::Interrupted, "nothing was written"))
}

/// Adds the lines that are missing; says whether there were any.
fn ignore(file: &Path) -> Result<bool, Error> {
    let before = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Error::new(Kind::Internal, error).context("can't read .gitignore")),
    };
    let missing = init::not_ignored(&before);
    if missing.is_empty() {
        return Ok(false);
    }
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    write(file, &format!("{before}{gap}{}\n", missing.join("\n")))?;
    Ok(true)
}

fn write(file: &Path, text: &str) -> Result<(), Error> {
    fs::write(file, text).map_err(|error| Error::new(Kind::Internal, error).context(format!("can't write {}", file.display())))
}
