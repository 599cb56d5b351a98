//! Whether a text is the call of one function, and in which language.

use crate::ask::code::{Code, Language};

/// `Module.function(…)`, `:module.function(…)` or `module:function(…)`; without parentheses it has no arguments. What stands in the
/// parentheses is the node's to read.
pub(in crate::cmd) fn parse(text: &str) -> Option<Code> {
    let text = text.trim().trim_end_matches('.');
    if let Some(arguments) = elixir(text) {
        return is_arguments(arguments).then(|| Code { language: Language::Elixir, source: text.to_owned() });
    }
    let arguments = erlang(text).filter(|arguments| is_arguments(arguments))?;
    let source = if arguments.is_empty() { format!("{text}()") } else { text.to_owned() };
    Some(Code { language: Language::Erlang, source })
}

fn is_arguments(text: &str) -> bool {
    text.is_empty() || text.starts_with('(') && text.ends_with(')')
}

/// What follows the function.
fn elixir(text: &str) -> Option<&str> {
    let rest = match text.strip_prefix(':') {
        Some(module) => name(module, is_lower)?,
        None => alias(text)?,
    };
    name(rest.strip_prefix('.')?, is_lower)
}

/// What follows the function.
fn erlang(text: &str) -> Option<&str> {
    name(name(text, is_lower)?.strip_prefix(':')?, is_lower)
}

/// What follows `MyApp.Release`.
fn alias(text: &str) -> Option<&str> {
    let rest = name(text, |c| c.is_ascii_uppercase())?;
    match rest.strip_prefix('.') {
        Some(next) if next.starts_with(|c: char| c.is_ascii_uppercase()) => alias(next),
        _ => Some(rest),
    }
}

/// What follows a name that begins so, or stands in quotes.
fn name(text: &str, begins: fn(char) -> bool) -> Option<&str> {
    if let Some(quote) = text.chars().next().filter(|c| "'\"".contains(*c)) {
        return text[1..].split_once(quote).map(|(_, rest)| rest);
    }
    let rest = text.strip_prefix(begins)?;
    Some(rest.trim_start_matches(|c: char| c.is_alphanumeric() || "_@?!".contains(c)))
}

fn is_lower(c: char) -> bool {
    c.is_lowercase() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Language, String)> {
        parse(text).map(|code| (code.language, code.source))
    }

    #[test]
    fn calls_of_both_languages_are_told_apart() {
        for call in ["Node.self()", "MyApp.Release.migrate", ":erlang.node()", "IO.puts(\"a.b:c\")", "A.b?(1)", "A.\"c d\"()"] {
            assert_eq!(read(call), Some((Language::Elixir, call.to_owned())));
        }
        for call in ["erlang:node()", "lists:map(fun(X) -> X end, [1])", "'Elixir.Node':self()"] {
            assert_eq!(read(call), Some((Language::Erlang, call.to_owned())));
        }
        assert_eq!(read("my_app:migrate"), Some((Language::Erlang, "my_app:migrate()".to_owned())));
        assert_eq!(read(" erlang:node(). "), Some((Language::Erlang, "erlang:node()".to_owned())));
    }

    #[test]
    fn what_is_no_call_is_none() {
        for text in ["", "production", "1 + 1", "Node", "Node.Self()", "node()", "a:b:c", "A.b 1", "x = A.b()", ":a", "'a", "A.b(1"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
