//! Rule sets: waits, calls and splits.

use super::super::legacy_expression::{Options, migrate};
use super::texts::Texts;
use super::{Conversion, Object, Result, items, migrated, text, whole};
use crate::definition::DefinitionError;
use crate::engine::result_key;
use crate::pairs::Pairs;
use base::Scheme;
use serde_json::{Value, json};

/// What the webhooks of rule sets sent: a standard payload about the contact and the run.
const PAYLOAD: &str = r#"@(json(object(
  "contact", object("uuid", contact.uuid, "name", contact.name, "urn", contact.urn),
  "flow", run.flow,
  "path", run.path,
  "results", foreach_value(results, extract_object, "category", "category_localized", "created_on", "input", "name", "node_uuid", "value"),
  "run", object("uuid", run.uuid, "created_on", run.created_on),
  "input", if(
    input,
    object(
      "attachments", foreach(input.attachments, attachment_parts),
      "channel", input.channel,
      "created_on", input.created_on,
      "text", input.text,
      "type", input.type,
      "urn", if(
        input.urn,
        object(
          "display", default(format_urn(input.urn), ""),
          "path", urn_parts(input.urn).path,
          "scheme", urn_parts(input.urn).scheme
        ),
        null
      ),
      "uuid", input.uuid
    ),
    null
  ),
  "channel", default(input.channel, null)
)))"#;

/// A distinct category of a rule set.
struct Category {
    uuid: String,
    name: String,
    exit: String,
}

/// What the rules of a set become.
#[derive(Default)]
struct Rules {
    categories: Vec<Category>,
    cases: Vec<Value>,
    exits: Vec<Value>,
    default: String,
    timeout: Option<Value>,
    /// Arguments that the editor shows instead of a case's own.
    case_configs: Object,
}

/// The arguments of a test: its type today, and whether there is one at all.
enum Test {
    Plain(&'static str, Vec<String>),
    Localized(&'static str, Texts, Options),
    /// A test that is the default besides.
    Status(&'static str, Vec<String>),
    Default,
    Timeout(i64),
}

impl Conversion<'_> {
    fn test(&self, source: &Value) -> Result<Test> {
        let plain = |name: &'static str, keys: &[&str]| {
            let value = |key: &&str| migrated(&self.texts(source.get(*key)).base);
            Ok(Test::Plain(name, keys.iter().map(value).filter(|v| !v.is_empty()).collect()))
        };
        let localized =
            |name: &'static str, options: Options| Ok(Test::Localized(name, self.texts(source.get("test")), options));
        let words = Options::default();
        match text(source, "type") {
            "true" => Ok(Test::Default),
            "timeout" => Ok(Test::Timeout(whole(source, "minutes") * 60)),
            "between" => plain("has_number_between", &["min", "max"]),
            "eq" => plain("has_number_eq", &["test"]),
            "gt" => plain("has_number_gt", &["test"]),
            "gte" => plain("has_number_gte", &["test"]),
            "lt" => plain("has_number_lt", &["test"]),
            "lte" => plain("has_number_lte", &["test"]),
            "contains" => localized("has_all_words", words),
            "contains_any" => localized("has_any_word", words),
            "contains_phrase" => localized("has_phrase", words),
            "contains_only_phrase" => localized("has_only_phrase", words),
            "starts" => localized("has_beginning", words),
            "regex" => localized("has_pattern", words),
            "not_empty" => plain("has_text", &[]),
            "number" => plain("has_number", &[]),
            "date" => plain("has_date", &[]),
            "phone" => plain("has_phone", &[]),
            "has_email" => plain("has_email", &[]),
            "state" => plain("has_state", &[]),
            "date_equal" | "date_after" | "date_before" => {
                let name = match text(source, "type") {
                    "date_equal" => "has_date_eq",
                    "date_after" => "has_date_gt",
                    _ => "has_date_lt",
                };
                let value = migrate(&self.texts(source.get("test")).base, &Options { raw_dates: true, ..words });
                Ok(Test::Plain(name, vec![value]))
            }
            "in_group" => {
                let group = &source["test"];
                let name = text(group, "name");
                let mut arguments = vec![text(group, "uuid").to_owned()];
                if !name.is_empty() {
                    arguments.push(name.to_owned());
                }
                Ok(Test::Plain("has_group", arguments))
            }
            "district" => plain("has_district", &["test"]),
            "ward" => plain("has_ward", &["district", "state"]),
            "subflow" => Ok(Test::Plain("has_only_text", vec![text(source, "exit_type").to_owned()])),
            "webhook_status" => {
                let status = if text(source, "status") == "success" { "Success" } else { "Failure" };
                Ok(Test::Status("has_only_text", vec![status.to_owned()]))
            }
            "airtime_status" if text(source, "exit_status") == "success" => {
                Ok(Test::Status("has_category", vec!["Success".to_owned()]))
            }
            "airtime_status" => Ok(Test::Status("", Vec::new())),
            other => Err(DefinitionError::new(format!("unable to migrate legacy test type: '{other}'"))),
        }
    }

    fn category(&mut self, rule: &Value, rules: &mut Rules) -> String {
        let names = self.texts(rule.get("category"));
        if let Some(known) = rules.categories.iter().find(|c| c.name == names.base) {
            return known.uuid.clone();
        }
        let uuid = self.uuid();
        let name = self.localize(&names, &uuid, "name", &|text| text.to_owned());
        let exit = match text(rule, "uuid") {
            "" => self.uuid(),
            exit => exit.to_owned(),
        };
        rules.exits.push(self.exit(&exit, text(rule, "destination")));
        rules.categories.push(Category { uuid: uuid.clone(), name, exit });
        uuid
    }

    fn rules(&mut self, set: &Value) -> Result<Rules> {
        let mut rules = Rules::default();
        // Categories first, so that ids don't depend on tests.
        let categories: Vec<String> = items(set, "rules").iter().map(|rule| self.category(rule, &mut rules)).collect();
        for (rule, category) in items(set, "rules").iter().zip(categories) {
            let source = &rule["test"];
            let mut case = |conversion: &mut Self, name: &str, arguments: &[String]| {
                let uuid = conversion.uuid();
                let mut case = json!({"uuid": uuid, "type": name, "category_uuid": category});
                if !arguments.is_empty() {
                    case["arguments"] = json!(arguments);
                }
                rules.cases.push(case);
                uuid
            };
            match self.test(source)? {
                Test::Default => rules.default = category,
                Test::Timeout(seconds) => {
                    rules.timeout = Some(json!({"seconds": seconds, "category_uuid": category}));
                }
                Test::Status(name, arguments) => {
                    if !name.is_empty() {
                        case(self, name, &arguments);
                    }
                    rules.default = category;
                }
                Test::Plain(name, arguments) => {
                    let uuid = case(self, name, &arguments);
                    if let Some(days) = relative_days(text(source, "test")) {
                        rules.case_configs.insert(uuid, json!({"arguments": [days]}));
                    }
                }
                Test::Localized(name, texts, options) => {
                    let change =
                        |text: &str| if name == "has_pattern" { text.to_owned() } else { migrate(text, &options) };
                    let uuid = case(self, name, &[change(&texts.base)]);
                    self.localize(&texts, &uuid, "arguments", &change);
                }
            }
        }
        Ok(rules)
    }

    pub(super) fn webhook(&mut self, set: &Value, config: &Value, label: &str) -> Value {
        let either = |key: &str| match text(config, key) {
            "" => text(set, key).to_owned(),
            found => found.to_owned(),
        };
        let method = match either("webhook_action") {
            none if none.is_empty() => "POST".to_owned(),
            method => method.to_uppercase(),
        };
        let url = migrate(&either("webhook"), &Options { url_encode: true, ..Options::default() });
        let mut headers = Object::new();
        if method == "POST" {
            headers.insert("Content-Type".to_owned(), json!("application/json"));
        }
        for header in items(config, "webhook_headers").iter().filter(|h| !text(h, "name").is_empty()) {
            headers.insert(text(header, "name").to_owned(), json!(migrated(text(header, "value"))));
        }
        let mut action = json!({
            "uuid": self.uuid(), "type": "call_webhook", "method": method, "url": url, "headers": headers,
        });
        if method == "POST" {
            action["body"] = json!(PAYLOAD);
        }
        if !label.is_empty() {
            action["result_name"] = json!(label);
        }
        action
    }

    fn airtime(&mut self, config: &Value) -> Result<Value> {
        let mut amounts: Pairs<Value> = Pairs::default();
        for country in config.as_object().into_iter().flatten().map(|(_, country)| country) {
            let (currency, amount) = (text(country, "currency_code"), &country["amount"]);
            let amount = match amount {
                Value::String(text) => text
                    .trim()
                    .parse::<f64>()
                    .map_or(Value::Null, |n| if n.fract() == 0.0 { json!(n as i64) } else { json!(n) }),
                other => other.clone(),
            };
            match amounts.get(currency) {
                Some(known) if known.as_f64() != amount.as_f64() => {
                    return Err(DefinitionError::new(format!(
                        "unable to migrate airtime ruleset with different amounts in {currency}"
                    )));
                }
                _ if currency.is_empty() || amount.is_null() => {}
                _ => amounts.set(currency, amount),
            }
        }
        Ok(json!({"uuid": self.uuid(), "type": "transfer_airtime", "amounts": amounts}))
    }

    /// A node, and what the editor shows of it.
    pub(super) fn rule_set(&mut self, set: &Value) -> Result<(Object, Value)> {
        let mut rules = self.rules(set)?;
        let label = text(set, "label");
        let config = &set["config"];
        let operand_source = text(set, "operand");
        let (mut actions, mut wait, mut ui_config) = (Vec::new(), None, Object::new());
        let mut router_kind = "switch";
        let mut result_name = label;
        let kind = match text(set, "ruleset_type") {
            "" => "wait_message",
            kind => kind,
        };
        let operand_id = operand_source.rsplit_once('.').map(|(_, id)| id);
        let operand;
        let shown = match kind {
            "wait_message" | "wait_audio" | "wait_recording" | "wait_video" | "wait_photo" | "wait_gps"
            | "wait_digit" | "wait_digits" => {
                let (shown, hint) = match kind {
                    "wait_audio" | "wait_recording" => ("wait_for_audio", json!({"type": "audio"})),
                    "wait_video" => ("wait_for_video", json!({"type": "video"})),
                    "wait_photo" => ("wait_for_image", json!({"type": "image"})),
                    "wait_gps" => ("wait_for_location", json!({"type": "location"})),
                    "wait_digit" => ("wait_for_menu", json!({"type": "digits", "count": 1})),
                    "wait_digits" => {
                        ("wait_for_digits", json!({"type": "digits", "terminated_by": text(set, "finished_key")}))
                    }
                    _ => ("wait_for_response", Value::Null),
                };
                let mut waits = json!({"type": "msg"});
                if !hint.is_null() {
                    waits["hint"] = hint;
                }
                if let Some(timeout) = rules.timeout.take().filter(|t| t["seconds"].as_i64().is_some_and(|s| s > 0)) {
                    waits["timeout"] = timeout;
                }
                wait = Some(waits);
                operand = if kind.starts_with("wait_digit") { "@input.text" } else { "@input" }.to_owned();
                shown
            }
            "subflow" => {
                let flow = &config["flow"];
                if text(flow, "uuid").is_empty() {
                    return Err(DefinitionError::new("subflow ruleset has no flow configured"));
                }
                let flow = json!({"uuid": text(flow, "uuid"), "name": text(flow, "name")});
                actions.push(json!({"uuid": self.uuid(), "type": "enter_flow", "flow": flow}));
                operand = "@child.status".to_owned();
                "split_by_subflow"
            }
            "webhook" => {
                let action = self.webhook(set, config, label);
                actions.push(action);
                operand = format!("@results.{}.category", result_key(label));
                result_name = "";
                "split_by_webhook"
            }
            "resthook" => {
                let mut action =
                    json!({"uuid": self.uuid(), "type": "call_resthook", "resthook": text(config, "resthook")});
                if !label.is_empty() {
                    action["result_name"] = json!(label);
                }
                actions.push(action);
                operand = format!("@results.{}.category", result_key(label));
                result_name = "";
                "split_by_resthook"
            }
            "airtime" => {
                let mut action = self.airtime(config)?;
                action["result_name"] = json!(label);
                actions.push(action);
                operand = format!("@results.{}", result_key(label));
                result_name = "";
                "split_by_airtime"
            }
            "form_field" => {
                let source = migrated(operand_source);
                let inner = source.strip_prefix('@').unwrap_or(&source);
                let inner = inner.strip_prefix('(').and_then(|i| i.strip_suffix(')')).unwrap_or(inner);
                let (index, delimiter) = (whole(config, "field_index"), text(config, "field_delimiter"));
                operand = format!("@(field({inner}, {index}, {}))", crate::expression::quote(delimiter));
                if let Some(id) = operand_id {
                    ui_config.insert("operand".to_owned(), json!({"id": id}));
                    ui_config.insert("delimiter".to_owned(), json!(delimiter));
                    ui_config.insert("index".to_owned(), json!(index));
                }
                "split_by_run_result_delimited"
            }
            "group" => {
                operand = "@contact.groups".to_owned();
                "split_by_groups"
            }
            "flow_field" | "contact_field" | "expression" => {
                let options = Options { default_to_self: kind == "expression", ..Options::default() };
                let migrated = migrate(operand_source, &options);
                operand = if migrated.is_empty() { "@input".to_owned() } else { migrated };
                match (kind, operand_id) {
                    ("flow_field", Some(id)) => _ = ui_config.insert("operand".to_owned(), json!({"id": id})),
                    ("contact_field", Some(id)) => _ = ui_config.insert("operand".to_owned(), contact_operand(id)),
                    _ => {}
                }
                match kind {
                    "flow_field" => "split_by_run_result",
                    "contact_field" => "split_by_contact_field",
                    _ => "split_by_expression",
                }
            }
            "random" => {
                operand = String::new();
                router_kind = "random";
                "split_by_random"
            }
            other => return Err(DefinitionError::new(format!("unable to migrate legacy ruleset type: '{other}'"))),
        };
        let categories: Vec<Value> =
            rules.categories.iter().map(|c| json!({"uuid": c.uuid, "name": c.name, "exit_uuid": c.exit})).collect();
        let mut router = json!({"type": router_kind, "categories": categories});
        if router_kind == "switch" {
            router["operand"] = json!(operand);
            router["cases"] = json!(rules.cases);
            router["default_category_uuid"] = json!(rules.default);
        }
        if let Some(wait) = wait {
            router["wait"] = wait;
        }
        if !result_name.is_empty() {
            router["result_name"] = json!(result_name);
        }
        let mut node = Object::new();
        node.insert("uuid".to_owned(), json!(text(set, "uuid")));
        if !actions.is_empty() {
            node.insert("actions".to_owned(), json!(actions));
        }
        node.insert("router".to_owned(), router);
        node.insert("exits".to_owned(), json!(rules.exits));
        if !rules.case_configs.is_empty() {
            ui_config.insert("cases".to_owned(), Value::Object(rules.case_configs));
        }
        let mut ui = json!({"type": shown});
        if !ui_config.is_empty() {
            ui["config"] = Value::Object(ui_config);
        }
        Ok((node, ui))
    }
}

/// What a split on a contact's property is shown as.
fn contact_operand(id: &str) -> Value {
    if Scheme::NAMES.contains(&id) {
        json!({"id": id, "type": "scheme"})
    } else if id == "tel_e164" {
        json!({"id": "tel", "type": "scheme"})
    } else if matches!(id, "name" | "language" | "first_name" | "uuid" | "created_on") {
        json!({"id": id, "type": "property"})
    } else {
        json!({"id": id, "type": "field"})
    }
}

/// The days of `@(date.today + N)`.
fn relative_days(template: &str) -> Option<String> {
    let inner = template.strip_prefix("@(date.today")?.strip_suffix(')')?.trim();
    let (sign, days) = match inner.strip_prefix('+') {
        Some(days) => ("", days),
        None => ("-", inner.strip_prefix('-')?),
    };
    let days = days.trim();
    days.parse::<i64>().ok()?;
    Some(format!("{sign}{days}"))
}
