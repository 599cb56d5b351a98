//! `edeliver report [RUN]`: a recorded run as a page to look at.

use std::path::{Path, PathBuf};

use crate::{
    ctx::Ctx,
    error::Error,
    runs::{self, Access},
    ui::page,
};

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The page is one HTML file that needs nothing else: no network, no scripts. It has the outcome of each host, waves and hosts on a time line, \
what failed and why, the verdict over a hot upgrade, and what hooks and steps printed. A run that goes on is shown as far as it is. \
Without -o the page lies beside the run's journal, where only you can read it; what is printed is its path.

  edeliver report
  edeliver report 3f2a -o report.html
  edeliver report -o - | ssh intranet 'cat > /var/www/deploys/latest.html'")]
pub struct Args {
    /// The run's id, its beginning, or its last four characters; without it, the latest run
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Write the page to this file, `-` for standard output
    #[arg(short = 'o', long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

pub(crate) fn run(ctx: &Ctx, args: &Args) -> Result<u8, Error> {
    let dir = ctx.runs_dir()?;
    let run = runs::meant(&dir, args.run.as_deref())?;
    let mut events = Vec::new();
    let ending = runs::replay(&dir, &run, |_, event| {
        events.push(event.clone());
        Ok(())
    })?;
    let page = page::page(&events, &ending, &jiff::tz::TimeZone::system());
    match &args.output {
        Some(file) if file == Path::new("-") => ctx.answer_text(page),
        Some(file) => put(ctx, file, &page, Access::AsUsual)?,
        None => put(ctx, &runs::page_of(&dir, &run), &page, Access::Owner)?,
    }
    Ok(0)
}

fn put(ctx: &Ctx, file: &Path, page: &str, access: Access) -> Result<(), Error> {
    runs::write_page(file, page, access)?;
    ctx.answer_text(file.display().to_string());
    Ok(())
}
