//! How a phone and its owner behave. Pure: what a phone does next depends on the seed, its number and the messages
//! that it has had, in their order.

use super::config::{self, ConfigError, Weighted};
use super::draw::{self, Purpose};
use regex::{Regex, RegexBuilder};
use std::collections::HashMap;
use std::time::Duration;

/// What kind of owner a phone has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The phone is out of reach: messages to it fail.
    OutOfReach,
    /// Reads, and never answers.
    Silent,
    /// Gives this many answers, then says STOP (`stop`) or falls silent.
    Quits {
        /// How many answers.
        after: u32,
        /// STOP or silence.
        stop: bool,
    },
    /// Answers to the end.
    Completes,
}

/// The script by which all phones act, compiled from the configuration.
#[derive(Debug)]
pub struct Script {
    seed: u64,
    config: config::Phones,
    rules: Vec<CompiledRule>,
    /// The owners of the phones that exist; `None` if every number is a phone.
    cast: Option<HashMap<u64, Owner>>,
}

#[derive(Debug)]
struct CompiledRule {
    pattern: Regex,
    between: Option<[i64; 2]>,
    answers: Vec<Weighted>,
    wrong: Vec<Weighted>,
    silent: bool,
}

/// The state of one phone.
#[derive(Clone, Debug)]
pub struct Phone {
    number: u64,
    owner: Owner,
    received: u64,
    answers: u32,
    wrong_in_a_row: u32,
    stopped: bool,
}

/// What a phone does with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// How long the owner thinks about it.
    pub after: Duration,
    /// It is STOP.
    pub stop: bool,
}

impl Script {
    /// Compiles the script and draws the owners of the phones that exist.
    pub fn new(seed: u64, config: &config::Phones) -> Result<Self, ConfigError> {
        let mut rules = Vec::new();
        for (i, rule) in config.rules.iter().enumerate() {
            let value = |reason: String| ConfigError::Value { key: format!("phones.rules[{i}]"), reason };
            let pattern = RegexBuilder::new(&rule.pattern)
                .case_insensitive(true)
                .build()
                .map_err(|error| value(format!("match: {error}")))?;
            let ways =
                [rule.between.is_some(), !rule.answers.is_empty(), rule.silent].into_iter().filter(|way| *way).count();
            if ways != 1 {
                return Err(value("needs one of `between`, `answers` and `silent`".to_owned()));
            }
            if rule.between.is_some_and(|[from, to]| from > to) {
                return Err(value("between: [from, to], the smaller first".to_owned()));
            }
            rules.push(CompiledRule {
                pattern,
                between: rule.between,
                answers: rule.answers.clone(),
                wrong: rule.wrong.clone(),
                silent: rule.silent,
            });
        }
        let population = config.population()?;
        let cast = (!population.is_empty()).then(|| cast(seed, config, &population));
        Ok(Self { seed, config: config.clone(), rules, cast })
    }

    /// The phone with this number as it is before its first message; `None` if there is no such phone.
    pub fn phone(&self, number: u64) -> Option<Phone> {
        let owner = match &self.cast {
            Some(cast) => *cast.get(&number)?,
            None => cast(self.seed, &self.config, &[number])[&number],
        };
        Some(Phone { number, owner, received: 0, answers: 0, wrong_in_a_row: 0, stopped: false })
    }

    /// The language of a phone's owner.
    pub fn language(&self, number: u64) -> &str {
        let unit = draw::unit(self.seed, number, 0, Purpose::Language);
        draw::weighted(&self.config.languages, unit).map_or("eng", |language| &language.text)
    }

    /// Is a message with a token that the phone has seen before answered?
    pub fn answers_repeats(&self) -> bool {
        self.config.answer_repeats
    }
}

/// Who owns each phone.
fn cast(seed: u64, config: &config::Phones, population: &[u64]) -> HashMap<u64, Owner> {
    let reached = draw::members(&config.reach, population, seed, Purpose::Reach);
    let answering = draw::members(&config.respond, &reached, seed, Purpose::Respond);
    let completing = draw::members(&config.complete, &answering, seed, Purpose::Complete);
    let mut cast: HashMap<u64, Owner> = population.iter().map(|&p| (p, Owner::OutOfReach)).collect();
    cast.extend(reached.iter().map(|&p| (p, Owner::Silent)));
    let [from, to] = config.quit_after;
    cast.extend(answering.iter().map(|&p| {
        let unit = draw::unit(seed, p, 0, Purpose::QuitAfter);
        let after = from + ((f64::from(to - from) + 1.0) * unit) as u32;
        (p, Owner::Quits { after, stop: false })
    }));
    cast.extend(completing.iter().map(|&p| (p, Owner::Completes)));
    let quitting: Vec<u64> =
        answering.iter().copied().filter(|p| matches!(cast.get(p), Some(Owner::Quits { .. }))).collect();
    for phone in draw::members(&config.stop, &quitting, seed, Purpose::Stop) {
        if let Some(Owner::Quits { stop, .. }) = cast.get_mut(&phone) {
            *stop = true;
        }
    }
    cast
}

impl Phone {
    /// A phone that answers everything without thinking, for load.
    pub fn tireless(number: u64) -> Self {
        Self { number, owner: Owner::Completes, received: 0, answers: 0, wrong_in_a_row: 0, stopped: false }
    }

    /// What kind of owner it has.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Is it in reach of the network?
    pub fn in_reach(&self) -> bool {
        self.owner != Owner::OutOfReach
    }

    /// The phone gets a text. `None`: its owner does not answer.
    pub fn receive(&mut self, script: &Script, text: &str, repeated: bool) -> Option<Answer> {
        // A second copy is the product's doing: it must not shift what the phone draws for the messages after it.
        if repeated && !script.config.answer_repeats {
            return None;
        }
        self.received += 1;
        if self.stopped {
            return None;
        }
        let rule = script.rules.iter().find(|rule| rule.pattern.is_match(text));
        if rule.is_some_and(|rule| rule.silent) {
            return None;
        }
        let (seed, nth) = (script.seed, self.received);
        let unit = |purpose| draw::unit(seed, self.number, nth, purpose);
        let after = script.config.delay.at(unit(Purpose::Think));
        match self.owner {
            Owner::OutOfReach | Owner::Silent => return None,
            Owner::Quits { after: limit, stop } if self.answers >= limit => {
                if !stop {
                    return None;
                }
                self.stopped = true;
                let words = draw::weighted(&script.config.stop_words, unit(Purpose::Choice));
                let text = words.map_or_else(|| "STOP".to_owned(), |word| word.text.clone());
                return Some(Answer { text, after, stop: true });
            }
            Owner::Quits { .. } | Owner::Completes => {}
        }
        let wrong = self.wrong_in_a_row < script.config.wrong_in_a_row
            && draw::chance(script.config.wrong, seed, self.number, nth, Purpose::Wrong);
        let choice = unit(Purpose::Choice);
        let text = if wrong {
            self.wrong_in_a_row += 1;
            let own = rule.map(|rule| rule.wrong.as_slice()).filter(|wrong| !wrong.is_empty());
            self.choose(script, own.unwrap_or(&script.config.wrong_answers), choice)?
        } else {
            self.wrong_in_a_row = 0;
            match rule {
                Some(CompiledRule { between: Some([from, to]), .. }) => {
                    let span = to.saturating_sub(*from).saturating_add(1) as f64;
                    (*from + (span * choice) as i64).to_string()
                }
                Some(rule) => self.choose(script, &rule.answers, choice)?,
                None => self.choose(script, &script.config.other_answers, choice)?,
            }
        };
        self.answers += 1;
        Some(Answer { text, after, stop: false })
    }

    /// One of the choices that are for any language or for the owner's.
    fn choose(&self, script: &Script, choices: &[Weighted], unit: f64) -> Option<String> {
        let language = script.language(self.number);
        if choices.iter().all(|choice| choice.language.is_none()) {
            return draw::weighted(choices, unit).map(|choice| choice.text.clone());
        }
        let own: Vec<Weighted> = choices
            .iter()
            .filter(|choice| choice.language.as_deref().is_none_or(|own| own == language))
            .cloned()
            .collect();
        draw::weighted(&own, unit).map(|choice| choice.text.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator_sim::config::Config;

    fn script(phones: &str) -> Script {
        let config: Config = format!("[phones]\n{phones}").parse().unwrap();
        Script::new(7, &config.phones).unwrap()
    }

    fn owners(script: &Script, numbers: std::ops::Range<u64>) -> Vec<Owner> {
        numbers.filter_map(|n| script.phone(n)).map(|phone| phone.owner()).collect()
    }

    #[test]
    fn exact_counts_hold_at_each_stage() {
        let script = script(
            "numbers = ['+231990000001..+231990000482']\n reach = { count = 289 }\n respond = { count = 165 }\n\
             complete = { count = 119 }\n stop = { count = 9 }\n quit_after = [1, 14]",
        );
        let owners = owners(&script, 231_990_000_001..231_990_000_483);
        let count = |test: fn(&Owner) -> bool| owners.iter().filter(|owner| test(owner)).count();
        assert_eq!(owners.len(), 482);
        assert_eq!(count(|o| *o == Owner::OutOfReach), 482 - 289);
        assert_eq!(count(|o| *o == Owner::Silent), 289 - 165);
        assert_eq!(count(|o| *o == Owner::Completes), 119);
        assert_eq!(count(|o| matches!(o, Owner::Quits { stop: true, .. })), 9);
        assert!(owners.iter().all(|o| !matches!(o, Owner::Quits { after: 0 | 15.., .. })));
        assert!(script.phone(231_990_000_483).is_none());
    }

    #[test]
    fn without_numbers_every_number_is_a_phone() {
        let script = script("reach = 0.5");
        let reached = owners(&script, 1..1_001).iter().filter(|o| **o == Owner::Completes).count();
        assert!((430..570).contains(&reached), "{reached}");
    }

    #[test]
    fn rules_decide_by_the_text_of_the_question() {
        let script = script(
            "rules = [{ match = 'how many BEDS', between = [3, 5] }, { match = 'running water', answers = ['yes'] },\n\
             { match = 'thank you', silent = true }]\n other_answers = ['fine']",
        );
        let mut phone = script.phone(231_990_000_001).unwrap();
        let mut ask = |text: &str| phone.receive(&script, text, false).map(|answer| answer.text);
        let beds: i64 = ask("3. How many beds are there?").unwrap().parse().unwrap();
        assert!((3..=5).contains(&beds));
        assert_eq!(ask("Is there running water?").as_deref(), Some("yes"));
        assert_eq!(ask("How are you?").as_deref(), Some("fine"));
        assert_eq!(ask("Thank you, good-bye."), None);
    }

    #[test]
    fn a_number_between_reaches_both_ends() {
        let script = script("rules = [{ match = 'q', between = [-1, 1] }]");
        let mut phone = script.phone(1).unwrap();
        let mut seen: Vec<String> = (0..100).map(|_| phone.receive(&script, "q", false).unwrap().text).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen, ["-1", "0", "1"]);
    }

    #[test]
    fn wrong_answers_are_bounded_in_a_row() {
        let script = script("wrong = 1.0\n wrong_in_a_row = 2\n wrong_answers = ['eh']\n other_answers = ['ok']");
        let mut phone = script.phone(1).unwrap();
        let said: Vec<String> = (0..7).map(|_| phone.receive(&script, "q", false).unwrap().text).collect();
        assert_eq!(said, ["eh", "eh", "ok", "eh", "eh", "ok", "eh"]);
    }

    #[test]
    fn quitters_fall_silent_or_say_stop() {
        let run = |stop: &str| {
            let script =
                script(&format!("complete = 0.0\n quit_after = [2, 2]\n stop = {stop}\n stop_words = ['Arret']"));
            let mut phone = script.phone(1).unwrap();
            (0..5).map(|_| phone.receive(&script, "q", false).map(|a| a.stop)).collect::<Vec<_>>()
        };
        assert_eq!(run("0.0"), [Some(false), Some(false), None, None, None]);
        assert_eq!(run("1.0"), [Some(false), Some(false), Some(true), None, None]);
    }

    #[test]
    fn a_token_seen_before_is_read_and_not_answered() {
        let script = script("");
        let mut phone = script.phone(1).unwrap();
        assert!(phone.receive(&script, "q", false).is_some());
        assert!(phone.receive(&script, "q", true).is_none());
        // Nor does it shift what is drawn for the messages after it.
        let script = self::script("delay = '1s..9s'\n other_answers = ['a', 'b', 'c', 'd', 'e']");
        let mut phones = [script.phone(7).unwrap(), script.phone(7).unwrap()];
        phones[0].receive(&script, "q", false);
        phones[0].receive(&script, "q", true);
        phones[1].receive(&script, "q", false);
        let [doubled, single] = &mut phones;
        for _ in 0..20 {
            assert_eq!(doubled.receive(&script, "q", false), single.receive(&script, "q", false));
        }
        let eager = self::script("answer_repeats = true");
        assert!(eager.phone(1).unwrap().receive(&eager, "q", true).is_some());
    }

    #[test]
    fn the_owner_speaks_a_language() {
        let script = script(
            "languages = ['eng', 'fra']\n other_answers = [{ text = 'yes', language = 'eng' },\n\
             { text = 'oui', language = 'fra' }]",
        );
        for number in 1..50 {
            let answer = script.phone(number).unwrap().receive(&script, "q", false).unwrap().text;
            assert_eq!(answer, if script.language(number) == "fra" { "oui" } else { "yes" });
        }
    }

    #[test]
    fn the_same_messages_give_the_same_answers() {
        let texts = ["beds?", "water?", "gloves?", "salary?"];
        let run = |backwards: bool| {
            let script = script("wrong = 0.3\n delay = '1s..9s'\n complete = 0.5\n quit_after = [1, 3]");
            let mut phones: HashMap<u64, Phone> = HashMap::new();
            let mut arrivals: Vec<(u64, usize)> = (1..40).flat_map(|p| (0..4).map(move |t| (p, t))).collect();
            if backwards {
                arrivals.sort_by_key(|(p, t)| (*t, 40 - p));
            }
            let mut answers: Vec<_> = arrivals
                .into_iter()
                .map(|(p, t)| {
                    let phone = phones.entry(p).or_insert_with(|| script.phone(p).unwrap());
                    (p, t, phone.receive(&script, texts[t], false))
                })
                .collect();
            answers.sort_by_key(|(p, t, _)| (*p, *t));
            answers
        };
        assert_eq!(run(false), run(true));
    }

    #[test]
    fn bad_rules_are_named() {
        let bad = |rule: &str| {
            let config: Config = format!("[phones]\nrules = [{rule}]").parse().unwrap();
            Script::new(1, &config.phones).unwrap_err().to_string()
        };
        assert!(bad("{ match = '(' , silent = true }").contains("phones.rules[0]: match"));
        assert!(bad("{ match = 'x' }").contains("needs one of"));
        assert!(bad("{ match = 'x', between = [2, 1] }").contains("the smaller first"));
    }
}
