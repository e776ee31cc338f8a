//! Words by which a person stops our messages, and takes them up again.
//!
//! Only a message that is such a word and nothing else counts: "please stop by the clinic" is an answer.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::text::fold;

/// What a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// No more messages.
    OptOut,
    /// Messages again.
    OptIn,
}

const OPT_OUT: &[&str] = &[
    "stop",
    "stopall",
    "stop all",
    "unsubscribe",
    "end",
    "quit",
    "revoke",
    "optout",
    "opt out",
    "opt-out",
    "cancel",
    "arret",
    "arreter",
    "desabonner",
];
const OPT_IN: &[&str] = &["start", "unstop", "optin", "opt in", "opt-in", "reprendre", "commencer"];

/// The words of one ministry: the usual English and French ones, without those it switched off, with its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    opt_out: BTreeSet<String>,
    opt_in: BTreeSet<String>,
}

impl Default for Words {
    fn default() -> Self {
        let set = |words: &[&str]| words.iter().map(|word| key(word)).collect();
        Self { opt_out: set(OPT_OUT), opt_in: set(OPT_IN) }
    }
}

impl Words {
    /// No words at all.
    pub fn none() -> Self {
        Self { opt_out: BTreeSet::new(), opt_in: BTreeSet::new() }
    }

    /// Switches a word off, on whichever side it is. Writing it with other case or accents makes no difference.
    pub fn without(mut self, word: &str) -> Self {
        let word = key(word);
        self.opt_out.remove(&word);
        self.opt_in.remove(&word);
        self
    }

    /// Adds a word or a phrase; one without letters or digits is ignored. It leaves the other side.
    pub fn with(mut self, word: &str, wish: Wish) -> Self {
        let word = key(word);
        if word.is_empty() {
            return self;
        }
        let (to, from) = match wish {
            Wish::OptOut => (&mut self.opt_out, &mut self.opt_in),
            Wish::OptIn => (&mut self.opt_in, &mut self.opt_out),
        };
        from.remove(&word);
        to.insert(word);
        self
    }

    /// What the message asks for: it must be one of the words, whole, in any case, with or without accents,
    /// punctuation and spaces around it.
    pub fn wish(&self, message: &str) -> Option<Wish> {
        // No word is this long: most messages are settled without folding them.
        if message.len() > 160 {
            return None;
        }
        let message = key(message);
        if self.opt_out.contains(&message) {
            Some(Wish::OptOut)
        } else if self.opt_in.contains(&message) {
            Some(Wish::OptIn)
        } else {
            None
        }
    }

    /// The words that stop messages, folded, in alphabetical order.
    pub fn opt_out(&self) -> impl Iterator<Item = &str> {
        self.opt_out.iter().map(String::as_str)
    }

    /// The words that start them again, folded, in alphabetical order.
    pub fn opt_in(&self) -> impl Iterator<Item = &str> {
        self.opt_in.iter().map(String::as_str)
    }
}

fn key(text: &str) -> String {
    let folded = fold(text);
    folded.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_messages_count() {
        let words = Words::default();
        for text in [
            "STOP",
            " stop. ",
            "«Stop!»",
            "ARRÊT",
            "arret",
            "Opt  Out",
            "opt-out",
            "STOP\u{a0}ALL",
            "Quit\n",
            "\u{200b}stop",
        ] {
            assert_eq!(words.wish(text), Some(Wish::OptOut), "{text:?}");
        }
        for text in ["START", "unstop", "Reprendre !", "opt in"] {
            assert_eq!(words.wish(text), Some(Wish::OptIn), "{text:?}");
        }
        for text in ["", "!", "yes", "please stop", "stop it", "nonstop", "the end", "s t o p", "1"] {
            assert_eq!(words.wish(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_ministry_changes_its_words() {
        let words = Words::default()
            .without("Cancel")
            .with("Acha", Wish::OptOut)
            .with("END", Wish::OptIn)
            .with("!", Wish::OptOut);
        assert_eq!(words.wish("cancel"), None);
        assert_eq!(words.wish("ACHA"), Some(Wish::OptOut));
        assert_eq!(words.wish("end"), Some(Wish::OptIn));
        assert_eq!(words.wish("!"), None);
        assert_eq!(Words::none().wish("stop"), None);
    }
}
