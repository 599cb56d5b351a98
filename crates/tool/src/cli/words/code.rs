//! Commands that take code beside their target: `rpc 'Node.self()' on production`, and the other way round.

use edeliver_core::name::TargetName;

use super::WordError;

/// The words of such a command.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Behind `to` or `on`.
    target: Option<String>,
    /// The others: the code, and perhaps the target.
    loose: Vec<String>,
}

impl Words {
    /// Takes the next word, which may have had `to` or `on` in front of it.
    pub(super) fn take(&mut self, word: String, behind_a_filler: bool) -> Result<(), WordError> {
        if !behind_a_filler {
            self.loose.push(word);
            return Ok(());
        }
        match self.target.replace(word.clone()) {
            Some(first) => Err(WordError::TwoTargets { first, second: word }),
            None => Ok(()),
        }
    }
    /// The code and the target, as far as they were given. A word that can't be a target is the code.
    pub(super) fn sort_out(self) -> Result<(Option<String>, Option<String>), WordError> {
        let mut loose = self.loose.into_iter();
        match (loose.next(), loose.next(), loose.next(), self.target) {
            (None, _, _, Some(target)) => Err(WordError::NoCode { target }),
            (code, None, _, target) => Ok((code, target)),
            (Some(one), Some(other), None, None) => match (is_target(&one), is_target(&other)) {
                (false, true) => Ok((Some(one), Some(other))),
                (true, false) => Ok((Some(other), Some(one))),
                (true, true) => Err(WordError::WhichIsTheTarget { one, other }),
                (false, false) => Err(WordError::NotOneWord),
            },
            _ => Err(WordError::NotOneWord),
        }
    }
}

fn is_target(word: &str) -> bool {
    word.parse::<TargetName>().is_ok()
}
