//! What is wrong with a configuration, shown where it stands: file, line, column, and the line itself.

use std::{fmt, ops::Range};

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin as Header, Renderer, Snippet};
use serde::Serialize;

use super::{origin::Origin, secret};

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// File and line, environment variable or flag.
    pub origin: Origin,
    /// The bytes of the file's text, where they are known.
    pub span: Option<Range<usize>>,
    /// What the user calls it, where that is not its key: the variable of a classic config or of the environment, the flag.
    pub name: Option<String>,
}

impl Place {
    /// A place without exact bytes.
    pub fn of(origin: Origin) -> Self {
        let name = match &origin {
            Origin::Env { name } => Some(name.clone()),
            Origin::Flag { flag } => Some(flag.clone()),
            Origin::File { .. } | Origin::Default | Origin::Derived { .. } => None,
        };
        Self { origin, span: None, name }
    }
    /// The same place, under the name that the user gave it.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }
    /// A file as a whole.
    pub fn file(path: impl Into<String>) -> Self {
        Self::of(Origin::File { path: path.into(), line: None })
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What is wrong, lowercase, without a full stop.
    pub title: String,
    /// The rule that is broken, shown under the underlined text.
    pub label: String,
    /// What to do about it.
    pub remedies: Vec<String>,
    /// Where.
    pub place: Place,
}

impl Problem {
    /// A problem without label and remedy.
    pub fn new(title: impl Into<String>, place: Place) -> Self {
        Self { title: title.into(), label: String::new(), remedies: Vec::new(), place }
    }
    /// With this rule shown at the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }
    /// With one more remedy.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedies.push(remedy.into());
        self
    }
}

/// Everything that is wrong with one configuration, and the texts it was read from, without their secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    sources: Vec<(String, String)>,
}

impl Problems {
    /// `sources` are pairs of path and text, as the problems' places name them. Secrets in the texts are masked here.
    pub fn new(mut list: Vec<Problem>, sources: &[(&str, &str)]) -> Self {
        list.sort_by_key(|problem| order(sources, &problem.place));
        list.dedup();
        let sources = sources.iter().map(|(path, text)| ((*path).to_owned(), secret::masked_source(text))).collect();
        Self { list, sources }
    }
    /// Each of them, those of files in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }
    /// For people: every problem with its place and the source line underlined.
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let mut out: Vec<String> = self.list.iter().map(|problem| renderer.render(&[self.group(problem)])).collect();
        if self.list.len() > 1 {
            out.insert(0, format!("the configuration has {} errors", self.list.len()));
        }
        out.join("\n\n")
    }
    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let title = Level::ERROR.no_name().primary_title(problem.title.as_str());
        let group = title.element(self.place(problem));
        group.elements(problem.remedies.iter().map(|remedy| Level::HELP.message(remedy.as_str())))
    }
    /// The line with the place underlined, or at least the name of the file, variable or flag.
    fn place<'a>(&'a self, problem: &'a Problem) -> Element<'a> {
        match (&problem.place.origin, self.source(&problem.place)) {
            (Origin::File { path, .. }, Some((text, span))) => {
                let annotation =
                    AnnotationKind::Primary.span(span).label((!problem.label.is_empty()).then_some(problem.label.as_str()));
                Snippet::source(text).path(path.as_str()).annotation(annotation).into()
            }
            (origin, _) => {
                let label = if problem.label.is_empty() { String::new() } else { format!(": {}", problem.label) };
                Header::path(format!("{origin}{label}")).into()
            }
        }
    }
    fn source(&self, place: &Place) -> Option<(&str, Range<usize>)> {
        let Origin::File { path, line } = &place.origin else { return None };
        let (_, text) = self.sources.iter().find(|(name, _)| name == path)?;
        let span = place.span.clone().or_else(|| line.map(|line| line_span(text, line)))?;
        Some((text, span.start.min(text.len())..span.end.min(text.len())))
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}

/// Files in the given order, places in the order of the file; then everything that is in no file.
fn order(sources: &[(&str, &str)], place: &Place) -> (usize, usize, usize) {
    let Origin::File { path, line } = &place.origin else { return (usize::MAX, 0, 0) };
    let file = sources.iter().position(|(name, _)| name == path).unwrap_or(sources.len());
    (file, line.unwrap_or(usize::MAX), place.span.as_ref().map_or(0, |span| span.start))
}

/// The bytes of a line (counted from 1), without its indentation and line end.
fn line_span(text: &str, line: usize) -> Range<usize> {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let content = text[start..].lines().next().unwrap_or_default();
    let indent = content.len() - content.trim_start().len();
    start + indent..start + content.trim_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_exact_bytes_is_underlined_whole() {
        let text = "A=1\n  export B='x y'  \n";
        assert_eq!(&text[line_span(text, 2)], "export B='x y'");
        assert_eq!(line_span("", 3), 0..0);
    }

    #[test]
    fn secrets_of_quoted_lines_are_not_shown() {
        let place = Place::of(Origin::File { path: "x.toml".into(), line: Some(1) });
        let problems = Problems::new(vec![Problem::new("wrong", place)], &[("x.toml", "env = { TOKEN = \"hunter2\", A = 1 }")]);
        let shown = format!("{problems} {problems:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("TOKEN = *********, A = 1"), "{shown}");
    }
}
