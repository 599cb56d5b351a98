//! ssh's questions (passphrases, passwords) on a terminal that also shows moving lines.

use async_trait::async_trait;

use super::Handle;
use crate::{
    report::Reporter,
    transport::prompt::{Prompter, Terminal},
};

/// Asks on the terminal, when the moving lines have made room.
pub struct PoliteTerminal {
    terminal: Terminal,
    ui: Handle,
    reporter: Reporter,
}

impl PoliteTerminal {
    /// `None` where there is no terminal.
    pub fn open(ui: &Handle, reporter: &Reporter) -> Option<Self> {
        Some(Self { terminal: Terminal::open()?, ui: ui.clone(), reporter: reporter.clone() })
    }
}

#[async_trait]
impl Prompter for PoliteTerminal {
    async fn ask(&self, question: &str) -> Option<String> {
        let _room = self.ui.make_room().await;
        self.terminal.ask(question).await
    }
    async fn tell(&self, text: &str) {
        self.reporter.info(text.trim());
    }
}
