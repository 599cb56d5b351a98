//! Where a variable is assigned in a bash script, as far as that can be seen without running it.

/// The line (from 1) of the assignment that counts, if the text shows it: the last one at the start of a line; else the only one that is
/// indented; else the only one anywhere. Which branch of an `if` ran can't be seen.
pub fn assignment(text: &str, name: &str) -> Option<usize> {
    let mut found: [Vec<usize>; 3] = Default::default();
    for (index, line) in text.lines().enumerate() {
        if let Some(depth) = depth(line, name) {
            found[depth].push(index + 1);
        }
    }
    match &found {
        [outer, ..] if !outer.is_empty() => outer.last().copied(),
        [_, indented, _] if !indented.is_empty() => only(indented),
        [_, _, inside] => only(inside),
    }
}

fn only(lines: &[usize]) -> Option<usize> {
    match lines {
        [line] => Some(*line),
        _ => None,
    }
}

/// 0: at the start of the line, 1: indented, 2: further inside.
fn depth(line: &str, name: &str) -> Option<usize> {
    let code = line.trim_start();
    if code.starts_with('#') {
        return None;
    }
    if assigns(without_keyword(code), name) {
        return Some(usize::from(code.len() != line.len()));
    }
    let starts = code.match_indices(name).map(|(at, _)| at).filter(|at| separated(&code[..*at]));
    let default = |at: usize| {
        code[..at].ends_with("${") && (code[at + name.len()..].starts_with(":=") || code[at + name.len()..].starts_with('='))
    };
    starts.into_iter().any(|at| assigns(&code[at..], name) || default(at)).then_some(2)
}

/// Whether a word may begin here.
fn separated(before: &str) -> bool {
    before.ends_with([' ', '\t', ';', '&', '|', '(', '{'])
}

fn assigns(code: &str, name: &str) -> bool {
    let Some(after) = code.strip_prefix(name) else { return false };
    after.starts_with('=') || after.starts_with("+=")
}

/// The code behind `export`, `declare -x` and the like.
fn without_keyword(code: &str) -> &str {
    let Some((word, rest)) = code.split_once([' ', '\t']) else { return code };
    if !["export", "declare", "typeset", "readonly"].contains(&word) {
        return code;
    }
    let mut rest = rest.trim_start();
    while let Some((_, after)) = rest.split_once([' ', '\t']).filter(|(option, _)| option.starts_with('-')) {
        rest = after.trim_start();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_found() {
        let text = "# APP=\"no\"\nAPP=\"yes\"\nexport BUILD_HOST=b\ndeclare -a -x HOSTS=(a b)\n: ${BRANCH:=main}\n[ -n \"$X\" ] && TEST_AT=/x\nhook() {\n  __sync_remote \"\n    APP='$APP' MIX_ENV=prod mix\n  \"\n}\n";
        assert_eq!(assignment(text, "APP"), Some(2));
        assert_eq!(assignment(text, "BUILD_HOST"), Some(3));
        assert_eq!(assignment(text, "HOSTS"), Some(4));
        assert_eq!(assignment(text, "BRANCH"), Some(5));
        assert_eq!(assignment(text, "TEST_AT"), Some(6));
        assert_eq!(assignment(text, "DELIVER_TO"), None);
    }

    #[test]
    fn the_last_plain_assignment_counts_and_branches_are_not_guessed() {
        assert_eq!(assignment("A=1\nA=2\n", "A"), Some(2));
        assert_eq!(assignment("A=1\nA+=2\n", "A"), Some(2));
        assert_eq!(assignment("if x; then\n  A=1\nelse\n  A=2\nfi\n", "A"), None);
        assert_eq!(assignment("if x; then\n  A=1\nfi\n", "A"), Some(2));
        assert_eq!(assignment("AA=1\nXA=2\n", "A"), None);
    }
}
