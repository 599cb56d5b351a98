//! The verdicts over hot upgrades: modules, what is done with them, and what is to be known.

use edeliver_core::upgrade::{Finding, Judgement, Level, Verdict, show::Row};
use maud::{Markup, html};

use super::{
    parts::{self, Mark},
    story::Story,
};

pub(super) fn content(story: &Story) -> Option<Markup> {
    let judgements = &story.judgements;
    (!judgements.is_empty()).then(|| html! { @for judgement in judgements { (self::judgement(judgement)) } })
}

fn judgement(judgement: &Judgement) -> Markup {
    let mark = match judgement.verdict {
        Verdict::Hot => Mark::Good,
        Verdict::HotWithWarnings => Mark::Warn,
        Verdict::Restart => Mark::Bad,
    };
    html! {
        article.judgement {
            h3 {
                span { (judgement.name) " " (judgement.from) " " (parts::arrow()) " " (judgement.to) }
                " " span class={ "tag " (mark.class()) } { (parts::icon(mark)) (judgement.verdict.word()) }
            }
            @if !judgement.apps.is_empty() || !judgement.protocols.is_empty() { (table(&judgement.rows())) }
            @if !judgement.findings.is_empty() { ul.findings { @for finding in &judgement.findings { (self::finding(finding)) } } }
            (lines("Configuration that differs", &judgement.config))
            (lines("Applications whose start/2 is called once more", &judgement.discover))
        }
    }
}

fn table(rows: &[Row]) -> Markup {
    html! {
        table.modules {
            thead { tr { th scope="col" { "Application, module" } th scope="col" { "What differs" } th scope="col" { "What is done" } } }
            tbody {
                @for row in rows {
                    tr.app[!row.is_module] {
                        td.name { (row.name) }
                        td data-label="What differs" { div { (row.changes) } }
                        td data-label="What is done" { div { (row.action) } }
                    }
                }
            }
        }
    }
}

fn finding(finding: &Finding) -> Markup {
    let (word, mark) = match finding.level {
        Level::Restart => ("restart", Mark::Bad),
        Level::Warning => ("warning", Mark::Warn),
        Level::Note => ("note", Mark::Info),
    };
    let place = [&finding.app, &finding.module].into_iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    html! {
        li {
            (parts::icon(mark))
            div {
                p { span.label { (word) } " " b { (parts::text(&finding.what)) } @if !place.is_empty() { " " span.dim { "in " (place) } } }
                p { (parts::text(&finding.why)) }
                @if finding.level != Level::Note && !finding.remedy.is_empty() { p.hint { span.label { "Hint" } " " (parts::text(&finding.remedy)) } }
            }
        }
    }
}

fn lines(title: &str, lines: &[String]) -> Markup {
    html! {
        @if !lines.is_empty() {
            h4 { (title) }
            ul.plain { @for line in lines { li { code { (line) } } } }
        }
    }
}
