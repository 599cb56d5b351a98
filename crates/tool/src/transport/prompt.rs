//! Asking the user what ssh wants to know: passphrases, passwords, one-time codes. Never host keys.

mod terminal;

use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;
use tokio::sync::Mutex;

pub use self::terminal::Terminal;
use crate::report::printable;

/// Someone who can ask the user.
#[async_trait]
pub trait Prompter: Send + Sync {
    /// Shows the question and waits for the answer, which is not shown when it is typed. `None`: the user declined.
    async fn ask(&self, question: &str) -> Option<String>;
    /// Says something that needs no answer: "touch your key".
    async fn tell(&self, text: &str);
}

/// All questions of a run: one at a time, and a key's passphrase once for all hosts.
pub(super) struct Prompts {
    prompter: Option<Arc<dyn Prompter>>,
    /// Passphrases by question. Holding the lock while the user types is the point: one question at a time.
    known: Mutex<HashMap<String, String>>,
}

impl fmt::Debug for Prompts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prompts")
    }
}

impl Prompts {
    pub(super) fn new(prompter: Option<Arc<dyn Prompter>>) -> Self {
        Self { prompter, known: Mutex::default() }
    }
    /// Can anybody be asked?
    pub(super) fn possible(&self) -> bool {
        self.prompter.is_some()
    }
    /// The answer to a question. `again`: the same login has asked it before, so what we know is wrong. `reusable`: it is a key's
    /// passphrase, and good for other hosts too.
    pub(super) async fn ask(&self, question: &str, reusable: bool, again: bool) -> Option<String> {
        let prompter = self.prompter.as_ref()?;
        let mut known = self.known.lock().await;
        if let Some(answer) = known.get(question).filter(|_| reusable && !again) {
            return Some(answer.clone());
        }
        // A server may write the question, and must not get at the terminal with it.
        let shown: Vec<_> = question.lines().map(printable).collect();
        let answer = prompter.ask(&format!("{} ", shown.join("\n"))).await?;
        if reusable {
            known.insert(question.to_owned(), answer.clone());
        }
        Some(answer)
    }
    pub(super) async fn tell(&self, text: &str) {
        if let Some(prompter) = &self.prompter {
            prompter.tell(&printable(text)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counting(AtomicUsize);

    #[async_trait]
    impl Prompter for Counting {
        async fn ask(&self, _: &str) -> Option<String> {
            Some(self.0.fetch_add(1, Ordering::SeqCst).to_string())
        }
        async fn tell(&self, _: &str) {}
    }

    #[tokio::test]
    async fn a_passphrase_is_asked_once_and_again_only_if_it_was_wrong() {
        let prompts = Prompts::new(Some(Arc::new(Counting::default())));
        assert_eq!(prompts.ask("key a", true, false).await.unwrap(), "0");
        assert_eq!(prompts.ask("key a", true, false).await.unwrap(), "0");
        assert_eq!(prompts.ask("key a", true, true).await.unwrap(), "1");
        assert_eq!(prompts.ask("key a", true, false).await.unwrap(), "1");
        assert_eq!(prompts.ask("key b", true, false).await.unwrap(), "2");
    }

    #[tokio::test]
    async fn a_one_time_code_is_asked_every_time() {
        let prompts = Prompts::new(Some(Arc::new(Counting::default())));
        assert_eq!(prompts.ask("code", false, false).await.unwrap(), "0");
        assert_eq!(prompts.ask("code", false, false).await.unwrap(), "1");
    }

    /// Answers with the question.
    struct Echo;

    #[async_trait]
    impl Prompter for Echo {
        async fn ask(&self, question: &str) -> Option<String> {
            Some(question.to_owned())
        }
        async fn tell(&self, _: &str) {}
    }

    #[tokio::test]
    async fn a_question_cannot_drive_the_terminal() {
        let prompts = Prompts::new(Some(Arc::new(Echo)));
        assert_eq!(prompts.ask("two\nlines\u{1b}[2J: ", false, false).await.unwrap(), "two\nlines: ");
    }

    #[tokio::test]
    async fn without_a_prompter_there_is_no_answer() {
        assert_eq!(Prompts::new(None).ask("key", true, false).await, None);
    }
}
