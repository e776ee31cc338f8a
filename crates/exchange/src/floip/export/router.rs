//! Questions and branches.

use super::definition::{Case, Category};
use super::{Draft, FlowExport, Node, Question, Router, block_name};
use crate::floip::expression::{Expr, Operator, literal_of, test};
use crate::floip::ids;
use crate::floip::shape::{self, Choice, UNBOUNDED};
use serde_json::{Map, Value, json};
use uuid::Uuid;

impl FlowExport<'_> {
    /// A question. `node` is where it says its prompt, `routing` where it waits.
    pub(super) fn question(
        &mut self,
        node: &Node,
        routing: &Node,
        router: &Router,
        prompt: Option<&Value>,
    ) -> Option<Draft> {
        let said = prompt.map(|action| self.said(node, action));
        if !matches!(router.operand.trim(), "@input.text" | "@input" | "@(input.text)" | "@(input)") {
            let what = format!("a question must branch on its answer, not on {}", router.operand);
            self.refuse(routing, None, &what);
            return None;
        }
        if router.wait.as_ref().is_some_and(|wait| wait.get("timeout").is_some_and(|timeout| !timeout.is_null())) {
            self.refuse(routing, None, "a wait of its own length (a time-out) has no place: only a flow has one");
            return None;
        }
        let question = match Question::of(self.definition, router) {
            Ok(question) => question,
            Err(what) => {
                self.refuse(routing, None, &what);
                return None;
            }
        };
        let Some(default) = router.default_category() else {
            self.refuse(routing, None, "it says nothing about answers that fit no category");
            return None;
        };
        let name = match router.result_name.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => block_name(name),
            None => self.name("question"),
        };
        let mut config = Map::new();
        if !matches!(question, Question::Photo | Question::Location) {
            let resource = said.unwrap_or_else(|| {
                let resource = ids::part_of(routing.uuid, "said");
                self.resources.push(json!({"uuid": resource, "values": []}));
                resource
            });
            config.insert("prompt".to_owned(), json!(resource));
        }
        let answered = || Expr::binary(Operator::NotEqual, Expr::path("block.value"), Expr::Null);
        let mut tests: Vec<(Uuid, Expr)> = Vec::new();
        let mut tested = false;
        let kind = match &question {
            Question::One { choices, exact } => {
                tested = true;
                if !exact {
                    let what = "which words make a choice is not said: choices are made by their names and numbers";
                    self.leave_out(routing, None, what);
                }
                config.insert("choices".to_owned(), self.choices(routing, choices));
                for choice in choices {
                    let category = router.categories.iter().find(|category| shape::short(&category.name) == choice.tag);
                    let chosen =
                        Expr::binary(Operator::Equal, Expr::path("block.value"), Expr::Text(choice.tag.clone()));
                    tests.extend(category.map(|category| (category.uuid, chosen)));
                }
                "MobilePrimitives.SelectOneResponse"
            }
            Question::Many(choices) => {
                tested = true;
                config.insert("choices".to_owned(), self.choices(routing, choices));
                tests.extend(router.cases.first().map(|case| (case.category_uuid, answered())));
                "MobilePrimitives.SelectManyResponses"
            }
            Question::Number { least, most } => {
                bounds(*least, *most, &mut config);
                tests.extend(router.cases.first().map(|case| (case.category_uuid, answered())));
                "MobilePrimitives.NumericResponse"
            }
            Question::Ranges => {
                bounds(-UNBOUNDED, UNBOUNDED, &mut config);
                for case in &router.cases {
                    match self.case_test(&Expr::path("block.value"), case) {
                        Ok(expr) => tests.push((case.category_uuid, expr)),
                        Err(what) => self.refuse(routing, None, &what),
                    }
                }
                "MobilePrimitives.NumericResponse"
            }
            Question::Open => {
                tests.extend(router.cases.first().map(|case| (case.category_uuid, answered())));
                "MobilePrimitives.OpenResponse"
            }
            Question::Location => {
                config.insert("accuracy_threshold_meters".to_owned(), json!(5));
                config.insert("accuracy_timeout_seconds".to_owned(), json!(120));
                "SmartDevices.LocationResponse"
            }
            Question::Photo => "SmartDevices.PhotoResponse",
        };
        let exits = self.exits(routing, router, default, tests, tested);
        Some(Draft { kind, name, config: Value::Object(config), exits: Some(exits) })
    }

    fn choices(&mut self, node: &Node, choices: &[Choice]) -> Value {
        let mut named = Map::new();
        for choice in choices {
            let resource = ids::part_of(node.uuid, &format!("choice {}", choice.tag));
            self.resource(resource, &choice.label, &choice.translations);
            named.insert(choice.tag.clone(), json!(resource));
        }
        Value::Object(named)
    }

    /// A branch.
    pub(super) fn case(&mut self, node: &Node, router: &Router) -> Option<Draft> {
        if router.kind != "switch" {
            self.refuse(node, None, "no block chooses by chance");
            return None;
        }
        if router.wait.is_some() {
            self.refuse(node, None, "no block waits for anything but an answer");
            return None;
        }
        let Some(default) = router.default_category() else {
            self.refuse(node, None, "it says nothing about what fits no category");
            return None;
        };
        if router.result_name.as_ref().is_some_and(|name| !name.is_empty()) {
            self.leave_out(node, None, "the result of a branch is not recorded");
        }
        // A branch that came from FLOIP compares tests with true.
        let constant = literal_of(&router.operand).is_some_and(|operand| operand == "true");
        let operand = match self.floip().single(&router.operand) {
            Ok(operand) => operand,
            Err(what) => {
                self.refuse(node, None, &what);
                return None;
            }
        };
        let mut tests = Vec::new();
        for case in &router.cases {
            let expr = match case.arguments.as_slice() {
                [argument] if constant && case.kind == "has_only_text" => self.floip().single(argument),
                _ => self.case_test(&operand, case),
            };
            if ["has_phrase", "has_any_word", "has_all_words"].contains(&case.kind.as_str()) {
                self.leave_out(node, None, "words are found within others there (\"no\" in \"know\")");
            }
            match expr {
                Ok(expr) => tests.push((case.category_uuid, expr)),
                Err(what) => self.refuse(node, None, &what),
            }
        }
        let exits = self.exits(node, router, default, tests, true);
        Some(Draft { kind: "Core.Case", name: self.name("branch"), config: json!({}), exits: Some(exits) })
    }

    /// The exits: those with tests in the order of these, the default one last.
    fn exits(
        &mut self,
        node: &Node,
        router: &Router,
        default: &Category,
        tests: Vec<(Uuid, Expr)>,
        tested: bool,
    ) -> Vec<Value> {
        // Neighbours that lead to the same exit are one test; what comes later gets an exit of its own.
        let mut groups: Vec<(&Category, Vec<Expr>)> = Vec::new();
        for (category, expr) in tests {
            let Some(category) = router.category(category) else { continue };
            match groups.last_mut() {
                Some((last, list)) if last.exit_uuid == category.exit_uuid => list.push(expr),
                _ => groups.push((category, vec![expr])),
            }
        }
        // What leads where everything else leads needs no test, if nothing comes between.
        while groups.last().is_some_and(|(category, _)| category.exit_uuid == default.exit_uuid) {
            groups.pop();
        }
        let by_value = matches!(Question::of(self.definition, router), Ok(Question::One { .. })) && router.waits();
        if by_value {
            // Choices exclude each other, so that their order means nothing.
            groups.retain(|(category, _)| category.exit_uuid != default.exit_uuid);
            let mut merged: Vec<(&Category, Vec<Expr>)> = Vec::new();
            for (category, list) in groups {
                match merged.iter_mut().find(|(other, _)| other.exit_uuid == category.exit_uuid) {
                    Some((_, all)) => all.extend(list),
                    None => merged.push((category, list)),
                }
            }
            groups = merged;
        }
        let mut exits = Vec::new();
        let mut seen: Vec<Uuid> = vec![default.exit_uuid];
        for (at, (category, mut list)) in groups.into_iter().enumerate() {
            let expr = if list.len() == 1 { list.remove(0) } else { Expr::Call("or".to_owned(), list) };
            let uuid = if seen.contains(&category.exit_uuid) {
                ids::part_of(category.exit_uuid, &format!("again {at}"))
            } else {
                category.exit_uuid
            };
            seen.push(uuid);
            let translations = self.definition.translated(category.uuid, "name");
            let to = node.destination(category.exit_uuid);
            exits.push(self.way(uuid, to, &category.name, &translations, Some(test(&expr)), false, tested));
        }
        // An exit that only the default leads to is called after it; one that is shared, after what it is shared with.
        let sharing =
            router.categories.iter().find(|category| category.exit_uuid == default.exit_uuid).unwrap_or(default);
        let translations = self.definition.translated(sharing.uuid, "name");
        let to = node.destination(default.exit_uuid);
        exits.push(self.way(default.exit_uuid, to, &sharing.name, &translations, None, true, tested));
        exits
    }

    /// What a case tests, as an expression on `operand`.
    fn case_test(&self, operand: &Expr, case: &Case) -> Result<Expr, String> {
        let arguments = case.arguments.iter().map(|argument| self.argument(argument)).collect::<Result<Vec<_>, _>>()?;
        let compare = |operator: Operator, with: &Expr| Expr::binary(operator, operand.clone(), with.clone());
        let joined = |name: &str, list: Vec<Expr>| match list.len() {
            1 => list.into_iter().next().unwrap_or(Expr::Null),
            _ => Expr::Call(name.to_owned(), list),
        };
        let within = |text: &str| {
            let (needle, in_text) = (Expr::Text(text.to_lowercase()), Expr::call("lower", [operand.clone()]));
            Expr::call("contains", [needle, in_text])
        };
        let words = |name: &str, text: &Expr| match text {
            Expr::Text(text) if !text.trim().is_empty() => {
                Ok(joined(name, text.split_whitespace().map(within).collect()))
            }
            _ => Err(format!("{} with computed words has no words there", case.kind)),
        };
        let date = |expr: &Expr| Expr::call("datevalue", [expr.clone()]);
        let dates = |operator: Operator, with: &Expr| Expr::binary(operator, date(operand), date(with));
        Ok(match (case.kind.as_str(), arguments.as_slice()) {
            ("has_text" | "has_value", []) => compare(Operator::NotEqual, &Expr::Null),
            ("has_only_text" | "has_only_phrase" | "has_number_eq", [with]) => compare(Operator::Equal, with),
            ("has_number", []) => Expr::call("isnumber", [operand.clone()]),
            ("has_number_lt", [with]) => compare(Operator::Less, with),
            ("has_number_lte", [with]) => compare(Operator::LessOrEqual, with),
            ("has_number_gt", [with]) => compare(Operator::Greater, with),
            ("has_number_gte", [with]) => compare(Operator::GreaterOrEqual, with),
            ("has_number_between", [least, most]) => {
                Expr::call("and", [compare(Operator::GreaterOrEqual, least), compare(Operator::LessOrEqual, most)])
            }
            ("has_date_lt", [with]) => dates(Operator::Less, with),
            ("has_date_eq", [with]) => dates(Operator::Equal, with),
            ("has_date_gt", [with]) => dates(Operator::Greater, with),
            ("has_category", [_, ..]) => {
                joined("or", arguments.iter().map(|with| compare(Operator::Equal, with)).collect())
            }
            ("has_beginning", [with]) => {
                let start = Expr::call("left", [operand.clone(), Expr::call("len", [with.clone()])]);
                Expr::binary(Operator::Equal, start, with.clone())
            }
            ("has_phrase", [Expr::Text(text)]) if !text.trim().is_empty() => within(text.trim()),
            ("has_any_word", [text]) => words("or", text)?,
            ("has_all_words", [text]) => words("and", text)?,
            _ => return Err(format!("the test {} has no words there", case.kind)),
        })
    }

    /// An argument of a test: a number where it is written as one.
    fn argument(&self, source: &str) -> Result<Expr, String> {
        let expr = self.floip().single(source)?;
        Ok(match expr {
            Expr::Text(text)
                if text.trim().parse::<f64>().is_ok_and(f64::is_finite) && !text.contains(['e', 'E', '+']) =>
            {
                match text.trim().strip_prefix('-') {
                    Some(number) => Expr::Negate(Box::new(Expr::Number(number.to_owned()))),
                    None => Expr::Number(text.trim().to_owned()),
                }
            }
            other => other,
        })
    }
}

/// The bounds of a number, which the schema demands.
fn bounds(least: f64, most: f64, config: &mut Map<String, Value>) {
    let digits =
        if most >= UNBOUNDED { 10 } else { format!("{:.0}", most.abs().max(least.abs().min(most.abs()))).len() };
    config.insert("validation_minimum".to_owned(), Value::Number(shape::plain(least)));
    config.insert("validation_maximum".to_owned(), Value::Number(shape::plain(most)));
    config.insert("ivr".to_owned(), json!({"max_digits": digits}));
}
