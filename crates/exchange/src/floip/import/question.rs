//! Blocks that ask, and blocks that branch.

use super::action::is_error;
use super::text::Said;
use super::{Block, FlowImport, Named, Node, WayOut, parsed};
use crate::floip::expression::{Answer, decide, literal};
use crate::floip::shape::{self, ANSWERED, By, Choice, MAX_CASES, OTHER, UNBOUNDED};
use crate::floip::{ids, model};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Where an answer leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// An exit of the document.
    Exit(usize),
    /// Tests that depend on more than this answer.
    Tests,
    /// The question once more.
    Again,
    /// Nowhere.
    End,
}

/// A category on its way.
struct Category {
    uuid: Uuid,
    name: String,
    translations: BTreeMap<String, String>,
    target: Target,
}

impl FlowImport<'_> {
    pub(super) fn select_one(&mut self, block: &Block) {
        let choices = self.choices(block);
        let mut cases = shape::cases_of(&choices);
        if choices.is_empty() {
            self.problem(Some(block), "it has no choices; any answer will do", "Name its choices.");
            return self.open(block, None);
        }
        if choices.len() > MAX_CASES {
            let what = format!(
                "it has {} choices, and no more than {MAX_CASES} are possible; any answer will do",
                choices.len()
            );
            self.problem(Some(block), &what, "Divide the question.");
            return self.open(block, None);
        }
        if cases.len() > MAX_CASES {
            let what = "it has so many choices that they can be made by name alone, not by number";
            self.problem(Some(block), what, "Divide the question.");
            cases.retain(|(_, by, _)| *by == By::Tag);
        }
        for (at, choice) in choices.iter().enumerate() {
            if cases.iter().all(|(other, ..)| *other != at) {
                let what = format!("nothing that a contact can write makes the choice '{}'", choice.tag);
                self.problem(Some(block), &what, "Give the choice a name in words.");
            }
        }
        let numbers = choices.iter().all(|choice| choice.tag.parse::<u64>().is_err());
        let targets: Vec<Target> = choices
            .iter()
            .enumerate()
            .map(|(at, choice)| {
                let number = shape::place(at);
                let mut answers = vec![Answer::Text(&choice.tag)];
                if choices.iter().all(|other| !other.tag.eq_ignore_ascii_case(&choice.label)) {
                    answers.push(Answer::Text(&choice.label));
                }
                if numbers {
                    answers.push(Answer::Text(&number));
                }
                self.target(block, &answers)
            })
            .collect();
        // All go through the tests when some must.
        let tested = targets.contains(&Target::Tests);
        let mut categories = Vec::with_capacity(choices.len() + 1);
        for (choice, target) in choices.iter().zip(&targets) {
            categories.push(Category {
                uuid: ids::part_of(block.uuid, &format!("choice {}", choice.tag)),
                name: choice.tag.clone(),
                translations: choice.translations.iter().map(|(l, text)| (l.clone(), shape::short(text))).collect(),
                target: if tested { Target::Tests } else { *target },
            });
        }
        let cases = cases
            .into_iter()
            .map(|(at, by, words)| {
                let choice = &choices[at];
                let uuid = ids::part_of(block.uuid, &format!("{by:?} {}", choice.tag));
                if by == By::Label {
                    let others = choice.translations.iter();
                    let others =
                        others.map(|(language, text)| (language.clone(), json!([literal(text)]))).collect::<Vec<_>>();
                    self.translate(uuid, "arguments", others);
                }
                json!({
                    "uuid": uuid, "type": "has_only_phrase", "arguments": [literal(&words)],
                    "category_uuid": categories[at].uuid,
                })
            })
            .collect();
        let prompt = self.question(block, Some(&choices));
        self.ask(block, prompt, None, cases, categories);
    }

    pub(super) fn select_many(&mut self, block: &Block) {
        let choices = self.choices(block);
        if choices.is_empty() {
            self.problem(Some(block), "it has no choices; any answer will do", "Name its choices.");
            return self.open(block, None);
        }
        let mut languages: Vec<&String> = choices.iter().flat_map(|choice| choice.translations.keys()).collect();
        languages.sort();
        languages.dedup();
        let pattern = |language: Option<&str>| literal(&shape::pattern_of(&choices, language));
        let (own, others) =
            (pattern(None), languages.into_iter().map(|l| (l.clone(), pattern(Some(l)))).collect::<Vec<_>>());
        if others.iter().map(|(_, pattern)| pattern).chain([&own]).any(|pattern| pattern.chars().count() > 10_000) {
            self.problem(
                Some(block),
                "it has more choices than one pattern can hold; any answer will do",
                "Divide the question.",
            );
            return self.open(block, None);
        }
        let valid = self.valid(block);
        let uuid = ids::part_of(block.uuid, "chosen");
        let others = others.into_iter().map(|(language, pattern)| (language, json!([pattern])));
        self.translate(uuid, "arguments", others);
        let case = json!({
            "uuid": uuid, "type": "has_pattern", "arguments": [own],
            "category_uuid": valid.uuid,
        });
        let prompt = self.question(block, Some(&choices));
        self.ask(block, prompt, None, vec![case], vec![valid]);
    }

    pub(super) fn numeric(&mut self, block: &Block) {
        let bound = |key: &str| model::number(block.config.get(key)).filter(|number| number.abs() < UNBOUNDED);
        let (least, most) = (bound("validation_minimum"), bound("validation_maximum"));
        let text = |number: f64| shape::plain(number).to_string();
        let (test, arguments) = match (least, most) {
            (Some(least), Some(most)) => ("has_number_between", vec![text(least), text(most)]),
            (Some(least), None) => ("has_number_gte", vec![text(least)]),
            (None, Some(most)) => ("has_number_lte", vec![text(most)]),
            (None, None) => ("has_number", Vec::new()),
        };
        let valid = self.valid(block);
        let case = json!({
            "uuid": ids::part_of(block.uuid, "number"), "type": test, "arguments": arguments, "category_uuid": valid.uuid,
        });
        let prompt = self.question(block, None);
        self.ask(block, prompt, None, vec![case], vec![valid]);
    }

    pub(super) fn open(&mut self, block: &Block, hint: Option<&str>) {
        if let Some(hint) = hint {
            let what =
                format!("it needs a smartphone to send {}", if hint == "image" { "a picture" } else { "a place" });
            self.problem(Some(block), &what, "Ask for a text where contacts have basic phones.");
            if let Some(said) = self.question(block, None) {
                return self.say_before(block, &said, hint);
            }
        }
        let valid = self.valid(block);
        let invalid = self.target(block, &[Answer::Nothing]);
        if let Target::Exit(at) = invalid
            && invalid != valid.target
            && !block.exits[at].destination.is_empty()
        {
            let what = format!(
                "its exit '{}' is for no answer in time; the conversation ends there instead",
                block.exits[at].tag
            );
            self.problem(Some(block), &what, "Nothing has to be done when it only says goodbye.");
        }
        if let Some(most) = block.config.get("text").and_then(|text| model::number(text.get("max_response_characters")))
        {
            let what = format!("answers of more than {} characters are taken too", shape::plain(most));
            self.problem(Some(block), &what, "Nothing has to be done unless long answers do harm.");
        }
        let prompt = self.question(block, None);
        self.ask(block, prompt, hint, Vec::new(), vec![valid]);
    }

    /// A question that has no words of its own by the specification, after those that it has all the same.
    fn say_before(&mut self, block: &Block, said: &Said, hint: &str) {
        let mut behind = block.clone();
        behind.uuid = ids::part_of(block.uuid, "wait");
        for key in ["prompt", "question_prompt", "message"] {
            behind.config.remove(key);
        }
        let action = self.send(block, said);
        let uuid = self.fresh(ids::part_of(block.uuid, "prompt"));
        let way = WayOut { uuid, destination: Some(behind.uuid), from_document: false };
        let node = Node {
            uuid: block.uuid,
            actions: vec![action],
            router: None,
            exits: vec![way],
            kind: "execute_actions",
            below: 0,
            last: false,
        };
        self.node(block, node);
        self.place.1 += 120;
        self.open(&behind, Some(hint));
    }

    /// The category of a usable answer to a question without choices.
    fn valid(&mut self, block: &Block) -> Category {
        let target = self.target(block, &[Answer::Something]);
        let (name, translations) = match target {
            Target::Exit(at) => self.label(&block.exits[at].label, &block.exits[at].tag, ANSWERED),
            _ => (ANSWERED.to_owned(), BTreeMap::new()),
        };
        Category { uuid: ids::part_of(block.uuid, "answered"), name, translations, target }
    }

    /// Which exit is taken for an answer, which may be written in several ways.
    fn target(&mut self, block: &Block, answers: &[Answer<'_>]) -> Target {
        let usable = answers != [Answer::Nothing];
        for (at, exit) in block.exits.iter().enumerate().filter(|(_, exit)| !exit.default) {
            let Some(test) = parsed(exit) else { continue };
            let test = match test {
                Ok(test) => test,
                Err(error) => {
                    let what =
                        format!("the test of its exit '{}' cannot be read ({error}) and is never true", exit.tag);
                    self.problem(Some(block), &what, "Correct the test.");
                    continue;
                }
            };
            let known: Vec<Option<bool>> = answers.iter().map(|answer| decide(&test, *answer)).collect();
            if known.contains(&Some(true)) {
                return Target::Exit(at);
            }
            if known.contains(&None) && usable {
                return Target::Tests;
            }
        }
        let default = block.exits.iter().position(|exit| exit.default);
        let plain = |error: bool| {
            block.exits.iter().position(|exit| !exit.default && exit.test.is_none() && is_error(&exit.tag) == error)
        };
        // The first drafts had a default exit for answers and one for errors; later the default one is for errors.
        let chosen = if usable { default.or_else(|| plain(false)) } else { plain(true).or(default) };
        match chosen {
            Some(at) => Target::Exit(at),
            None if usable => Target::End,
            None => Target::Again,
        }
    }

    /// What a question says; with its choices listed when only they are not in its prompt.
    fn question(&mut self, block: &Block, choices: Option<&[Choice]>) -> Option<Said> {
        if !model::text(block.config.get("prompt")).is_empty() {
            return self.prompt(block, &["prompt"]);
        }
        let mut said = self.prompt(block, &["question_prompt", "message"])?;
        if let Some(more) = self.said(&model::text(block.config.get("choices_prompt"))) {
            said.own = format!("{}\n{}", said.own, more.own);
            for (language, text) in &mut said.others {
                *text = format!("{text}\n{}", more.others.get(language).unwrap_or(&more.own));
            }
        } else if let Some(choices) = choices {
            let list = |language: Option<&String>| {
                let line = |(at, choice): (usize, &Choice)| {
                    let label =
                        language.and_then(|language| choice.translations.get(language)).unwrap_or(&choice.label);
                    format!("\n{}. {label}", at + 1)
                };
                choices.iter().enumerate().map(line).collect::<String>()
            };
            said.own.push_str(&list(None));
            for (language, text) in &mut said.others {
                text.push_str(&list(Some(language)));
            }
        }
        Some(said)
    }

    /// The nodes of a question: the prompt, the wait with its router, and the tests behind it if they depend on more.
    fn ask(
        &mut self,
        block: &Block,
        prompt: Option<Said>,
        hint: Option<&str>,
        cases: Vec<Value>,
        mut categories: Vec<Category>,
    ) {
        let named = self.named(block);
        let wait = match &prompt {
            Some(said) => {
                let wait = ids::part_of(block.uuid, "wait");
                let action = self.send(block, said);
                let exit = self.fresh(ids::part_of(block.uuid, "prompt"));
                let way = WayOut { uuid: exit, destination: Some(wait), from_document: false };
                let node = Node {
                    uuid: block.uuid,
                    actions: vec![action],
                    router: None,
                    exits: vec![way],
                    kind: "execute_actions",
                    below: 0,
                    last: false,
                };
                self.node(block, node);
                wait
            }
            None => block.uuid,
        };
        let tests = ids::part_of(block.uuid, "tests");
        // Without a case every answer is usable, so that there is no other category.
        if !cases.is_empty() {
            let target = self.target(block, &[Answer::Nothing]);
            if target == Target::Again {
                let what = "no exit is for unusable answers; the question is asked again";
                self.problem(Some(block), what, "Nothing has to be done unless something else was meant.");
            }
            let shared = categories.iter().any(|category| category.target == target);
            let (name, translations) = match target {
                Target::Exit(at) if !shared => self.label(&block.exits[at].label, &block.exits[at].tag, OTHER),
                _ => (OTHER.to_owned(), BTreeMap::new()),
            };
            categories.push(Category { uuid: ids::part_of(block.uuid, "other"), name, translations, target });
        }
        let mut exits: Vec<(Target, WayOut)> = Vec::new();
        for category in &categories {
            if exits.iter().any(|(target, _)| *target == category.target) {
                continue;
            }
            let derived = |part: &str| ids::part_of(block.uuid, part);
            let way = match category.target {
                Target::Exit(at) => self.exit(block, at),
                Target::Tests => {
                    WayOut { uuid: self.fresh(derived("to tests")), destination: Some(tests), from_document: false }
                }
                Target::Again => {
                    WayOut { uuid: self.fresh(derived("again")), destination: Some(block.uuid), from_document: false }
                }
                Target::End => WayOut { uuid: self.fresh(derived("end")), destination: None, from_document: false },
            };
            exits.push((category.target, way));
        }
        let exit_of = |target: Target| exits.iter().find(|(other, _)| *other == target).map(|(_, way)| way.uuid);
        let listed: Vec<Value> = categories
            .iter()
            .map(
                |category| json!({"uuid": category.uuid, "name": category.name, "exit_uuid": exit_of(category.target)}),
            )
            .collect();
        let default = categories.last().map(|category| category.uuid);
        for category in categories.iter().filter(|category| !category.translations.is_empty()) {
            let others = category.translations.iter().map(|(language, text)| (language.clone(), json!([text])));
            let others: Vec<(String, Value)> = others.collect();
            self.translate(category.uuid, "name", others);
        }
        let mut waiting = json!({"type": "msg"});
        if let Some(hint) = hint {
            waiting["hint"] = json!({"type": hint});
        }
        let router = json!({
            "type": "switch", "wait": waiting, "operand": "@input.text", "cases": cases, "categories": listed,
            "default_category_uuid": default, "result_name": named.as_ref().map(|named| named.result.clone()),
        });
        let tested = categories.iter().any(|category| category.target == Target::Tests);
        let below = if prompt.is_some() { 120 } else { 0 };
        let exits = exits.into_iter().map(|(_, way)| way).collect();
        let node = Node {
            uuid: wait,
            actions: Vec::new(),
            router: Some(router),
            exits,
            kind: "wait_for_response",
            below,
            last: true,
        };
        self.node(block, node);
        if tested {
            self.tests(block, tests, named.as_ref(), below + 120);
        }
    }

    pub(super) fn case(&mut self, block: &Block) {
        if block.exits.iter().all(|exit| exit.default || exit.test.is_none()) {
            return self.actions(block, Vec::new());
        }
        self.tests(block, block.uuid, None, 0);
    }

    /// A node that takes the first exit whose test is true.
    fn tests(&mut self, block: &Block, node: Uuid, current: Option<&Named>, below: i64) {
        let (mut cases, mut categories, mut exits) = (Vec::new(), Vec::new(), Vec::new());
        for (at, exit) in block.exits.iter().enumerate().filter(|(_, exit)| !exit.default) {
            let test = match parsed(exit) {
                None => continue,
                Some(Ok(test)) => test,
                Some(Err(error)) => {
                    let what =
                        format!("the test of its exit '{}' cannot be read ({error}) and is never true", exit.tag);
                    self.problem(Some(block), &what, "Correct the test.");
                    continue;
                }
            };
            let test = self.with_expressions(block, current, |expressions| expressions.test(test));
            let test = self.bounded(block, test, "@(false)");
            let category = ids::part_of(node, &format!("test {}", cases.len()));
            let (name, translations) = self.label(&exit.label, &exit.tag, "True");
            let way = self.exit(block, at);
            cases.push(json!({
                "uuid": ids::part_of(category, "case"), "type": "has_only_text", "arguments": [test], "category_uuid": category,
            }));
            categories.push(json!({"uuid": category, "name": name, "exit_uuid": way.uuid}));
            let others: Vec<(String, Value)> =
                translations.into_iter().map(|(language, text)| (language, json!([text]))).collect();
            self.translate(category, "name", others);
            exits.push(way);
        }
        if cases.len() >= MAX_CASES {
            let what = format!("it has more than {MAX_CASES} exits; the last ones are never taken");
            self.problem(Some(block), &what, "Divide the block.");
            for list in [&mut cases, &mut categories] {
                list.truncate(MAX_CASES - 1);
            }
            exits.truncate(MAX_CASES - 1);
        }
        let default = block.exits.iter().position(|exit| exit.default);
        let default = default.or_else(|| block.exits.iter().position(|exit| exit.test.is_none()));
        let (name, translations) = match default {
            Some(at) => self.label(&block.exits[at].label, &block.exits[at].tag, OTHER),
            None => (OTHER.to_owned(), BTreeMap::new()),
        };
        let way = match default {
            Some(at) => self.exit(block, at),
            None => WayOut { uuid: self.fresh(ids::part_of(node, "end")), destination: None, from_document: false },
        };
        if cases.is_empty() {
            let (actions, exits) = (Vec::new(), vec![way]);
            let node = Node { uuid: node, actions, router: None, exits, kind: "execute_actions", below, last: true };
            return self.node(block, node);
        }
        let category = ids::part_of(node, "other");
        categories.push(json!({"uuid": category, "name": name, "exit_uuid": way.uuid}));
        let others: Vec<(String, Value)> =
            translations.into_iter().map(|(language, text)| (language, json!([text]))).collect();
        self.translate(category, "name", others);
        exits.push(way);
        let router = json!({
            "type": "switch", "operand": "true", "cases": cases, "categories": categories, "default_category_uuid": category,
        });
        let node = Node {
            uuid: node,
            actions: Vec::new(),
            router: Some(router),
            exits,
            kind: "split_by_expression",
            below,
            last: true,
        };
        self.node(block, node);
    }
}
