//! Questions, line by line, so that they work on every terminal.

use std::io::{self, BufRead as _, Write as _};

use super::style::{DANGER, STRONG, paint};

/// What is asked.
#[derive(Debug, Clone)]
pub enum Question {
    /// Yes or no; no is what an empty line means.
    Confirm {
        /// The whole question, with its question mark.
        text: String,
        /// What is at stake (`PRODUCTION`), shown so that it is not overlooked.
        banner: Option<String>,
    },
    /// One of these; an empty line takes none.
    Choose {
        /// The whole question, with its question mark.
        text: String,
        /// Shown with numbers from 1.
        options: Vec<String>,
    },
    /// A line of text.
    Text {
        /// The whole question, with its question mark.
        text: String,
        /// What an empty line means.
        suggestion: String,
    },
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No, or nothing chosen.
    No,
    /// The option with this index.
    Option(usize),
    /// What was typed.
    Text(String),
}

/// Asks on standard error and reads standard input, until the answer can be understood. End of input is a no.
///
/// # Errors
/// When the terminal can't be written or read.
pub fn on_terminal(question: &Question) -> io::Result<Answer> {
    let mut err = anstream::stderr();
    if let Question::Choose { options, .. } = question {
        for (number, option) in options.iter().enumerate() {
            writeln!(err, "{:>4}  {option}", number + 1)?;
        }
    }
    if let Question::Confirm { banner: Some(banner), .. } = question {
        writeln!(err, "{}", paint(DANGER, format_args!("  {banner}  ")))?;
    }
    loop {
        write!(err, "{} ", paint(STRONG, prompt(question)))?;
        err.flush()?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            writeln!(err)?;
            return Ok(Answer::No);
        }
        if let Some(answer) = understand(question, line.trim()) {
            return Ok(answer);
        }
    }
}

fn prompt(question: &Question) -> String {
    match question {
        Question::Confirm { text, .. } => format!("{text} [y/N]"),
        Question::Choose { text, options } => format!("{text} [1-{}]", options.len()),
        Question::Text { text, suggestion } if suggestion.is_empty() => text.clone(),
        Question::Text { text, suggestion } => format!("{text} [{suggestion}]"),
    }
}

fn understand(question: &Question, line: &str) -> Option<Answer> {
    match question {
        Question::Text { suggestion, .. } if line.is_empty() => Some(Answer::Text(suggestion.clone())),
        Question::Text { .. } => Some(Answer::Text(line.to_owned())),
        _ if line.is_empty() => Some(Answer::No),
        Question::Confirm { .. } => match line.to_lowercase().as_str() {
            "y" | "yes" => Some(Answer::Yes),
            "n" | "no" => Some(Answer::No),
            _ => None,
        },
        Question::Choose { options, .. } => {
            let by_number =
                line.parse::<usize>().ok().filter(|number| (1..=options.len()).contains(number)).map(|number| number - 1);
            by_number.or_else(|| options.iter().position(|option| option == line)).map(Answer::Option)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_a_yes() {
        let question = Question::Confirm { text: "Deploy?".to_owned(), banner: None };
        assert_eq!(understand(&question, "y"), Some(Answer::Yes));
        assert_eq!(understand(&question, "YES"), Some(Answer::Yes));
        assert_eq!(understand(&question, ""), Some(Answer::No));
        assert_eq!(understand(&question, "no"), Some(Answer::No));
        assert_eq!(understand(&question, "yep maybe"), None);
    }

    #[test]
    fn an_option_is_chosen_by_its_number_or_its_name() {
        let question = Question::Choose { text: "Which?".to_owned(), options: vec!["0.2.0".to_owned(), "0.1.0".to_owned()] };
        assert_eq!(understand(&question, "2"), Some(Answer::Option(1)));
        assert_eq!(understand(&question, "0.2.0"), Some(Answer::Option(0)));
        for wrong in ["0", "3", "-1", "0.3.0"] {
            assert_eq!(understand(&question, wrong), None, "{wrong}");
        }
        assert_eq!(understand(&question, ""), Some(Answer::No));
    }
}
