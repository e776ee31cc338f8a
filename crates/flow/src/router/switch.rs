//! `switch`: the category of the first case whose test passes.

use super::test::Test;
use super::{CategoryIndex, Choice};
use crate::definition::DefinitionError;
use crate::definition::fields::{Fields, Item, Localized, MAX_TEMPLATE};
use crate::definition::localization::Localization;
use crate::engine::Execution;
use crate::expression::{Template, Value};
use serde_json::value::RawValue;

const MAX_CASES: usize = 100;
const MAX_ARGUMENTS: usize = 10;

/// A test, and the category that passing it takes.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) type_name: String,
    test: Test,
    pub(crate) arguments: Localized,
    category: usize,
}

/// The category of the first case whose test passes.
#[derive(Clone, Debug)]
pub(crate) struct Switch {
    pub(crate) operand: Template,
    pub(crate) cases: Vec<Case>,
    default: Option<usize>,
}

type Result<T> = std::result::Result<T, DefinitionError>;

impl Switch {
    pub(crate) fn read(fields: &Fields<'_>, localization: &Localization, categories: &CategoryIndex) -> Result<Self> {
        fields.required("operand", MAX_TEMPLATE)?;
        let default = match fields.optional_uuid("default_category_uuid")? {
            None => None,
            Some(uuid) => Some(
                categories
                    .place(&uuid)
                    .ok_or_else(|| DefinitionError::new(format!("default category {uuid} is not a valid category")))?,
            ),
        };
        let count = fields.list("cases", usize::MAX)?.len();
        if count > MAX_CASES {
            return Err(DefinitionError::new(format!("can't have more than {MAX_CASES} cases (has {count})")));
        }
        let mut cases = Vec::with_capacity(count);
        for case in fields.objects("cases", MAX_CASES)? {
            let uuid = case.uuid("uuid")?;
            let place = |e: DefinitionError| e.within(format!("invalid case[uuid={uuid}]"));
            let type_name = case.required("type", 64)?;
            let test = super::test::find(type_name)
                .ok_or_else(|| place(DefinitionError::new(format!("{type_name} is not a registered test function"))))?;
            let count = case.list("arguments", usize::MAX)?.len();
            if count > MAX_ARGUMENTS {
                let problem = format!("can't have more than {MAX_ARGUMENTS} arguments (has {count})");
                return Err(place(DefinitionError::new(problem)));
            }
            let arguments = Item { localization, uuid }
                .templates(&case, "arguments", MAX_ARGUMENTS, MAX_TEMPLATE)
                .map_err(place)?;
            let category = case.uuid("category_uuid")?;
            let category = categories
                .place(&category)
                .ok_or_else(|| place(DefinitionError::new(format!("category {category} is not a valid category"))))?;
            cases.push(Case { type_name: type_name.to_owned(), test, arguments, category });
        }
        Ok(Self { operand: fields.template("operand", MAX_TEMPLATE)?, cases, default })
    }

    pub(crate) fn choose(&self, ex: &mut Execution<'_>) -> Choice {
        let operand = ex.value(&self.operand);
        let input = operand.to_text().map_or_else(|_| String::new(), |t| t.to_string());
        let flow = ex.flow();
        for case in &self.cases {
            let languages = ex.languages();
            let (chosen, _) = case.arguments.choose(&languages, flow.language());
            let base = &case.arguments.base;
            let templates = if chosen.len() == base.len() { chosen } else { base.as_slice() };
            let mut arguments = Vec::with_capacity(templates.len() + 1);
            arguments.push(operand.clone());
            for template in templates {
                let value = ex.value(template);
                arguments.push(value);
            }
            match ex.test(case.test, &arguments) {
                Value::Error(error) => {
                    ex.error(format!("Error calling test {}(...): {error}", case.type_name));
                }
                Value::Object(object) if passed(&object) => {
                    let text = |value: Option<Value>| value.and_then(|v| v.to_text().ok()).map(|t| t.to_string());
                    return Choice {
                        category: Some(case.category),
                        value: text(object.get("match")).unwrap_or_default(),
                        input,
                        extra: object.get("extra").filter(|v| matches!(v, Value::Object(_))).and_then(|v| to_raw(&v)),
                    };
                }
                _ => {}
            }
        }
        Choice { category: self.default, value: input.clone(), input, extra: None }
    }
}

/// Whether a test's answer is yes.
fn passed(answer: &crate::expression::Object) -> bool {
    Value::Object(answer.clone()).to_bool().unwrap_or(false)
}

/// A value as JSON text.
pub(crate) fn to_raw(value: &Value) -> Option<Box<RawValue>> {
    RawValue::from_string(value.to_json_text()).ok()
}
