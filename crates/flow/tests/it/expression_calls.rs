//! What all functions have in common: counts of arguments, and errors among them.

use flow::Environment;
use flow::expression::{Empty, Native, Scope, Template, functions};

fn error(template: &str) -> Option<String> {
    let env = Environment::default();
    let mut random = || 0.5;
    let now = "2026-11-23T09:00:00Z".parse().expect("a time");
    let mut scope = Scope::new(&env, &Empty, now, &mut random);
    Template::parse(template).value(&mut scope);
    scope.errors.pop().map(|problem| problem.text)
}

fn all() -> impl Iterator<Item = &'static Native> {
    functions().chain(flow::router::test::all())
}

/// Fewest and most arguments, as the parameters say: `text, start [, end]`, `values...`.
fn counts(parameters: &str) -> (usize, Option<usize>) {
    let names = |text: &str| text.split(',').filter(|name| !name.trim_matches([' ', '[', ']']).is_empty()).count();
    let required = names(parameters.split('[').next().unwrap_or_default());
    let many = parameters.ends_with("...");
    (required - usize::from(many), if many { None } else { Some(names(parameters)) })
}

#[test]
fn counts_of_arguments() {
    for native in all() {
        let (min, max) = counts(native.parameters);
        for given in 0..8 {
            let call = format!("@({}({}))", native.name, vec!["\"1\""; given].join(", "));
            let text = error(&call).unwrap_or_default();
            let refused = text.contains(" argument(s), got ");
            if refused {
                let place = format!("Error evaluating expression: error calling {}(...): need ", native.name);
                assert!(
                    text.starts_with(&place) && text.ends_with(&format!(" argument(s), got {given}")),
                    "{call}: {text}"
                );
                assert_eq!(text.contains("at least"), max.is_none(), "{call}: {text}");
                assert_eq!(text.contains(" to "), max.is_some_and(|max| max != min), "{call}: {text}");
            }
            // Some of those that take any number need one or more of them.
            let wanted = given < min || max.is_some_and(|max| given > max);
            assert!(refused == wanted || max.is_none() && given <= min || native.name == "has_ward", "{call}: {text}");
        }
    }
}

#[test]
fn an_error_among_the_arguments_is_the_result() {
    for native in all() {
        if ["if", "default", "is_error", "has_error"].contains(&native.name) {
            continue;
        }
        let (min, max) = counts(native.parameters);
        let count = max.unwrap_or(min + 2);
        for place in 0..count {
            let mut arguments = vec!["\"1\""; count];
            arguments[place] = "1 / 0";
            let call = format!("@({}({}))", native.name, arguments.join(", "));
            let text = error(&call);
            // Those that decide by the first of several don't look at the others.
            if native.name == "or" && place > 0 {
                assert_eq!(text, None, "{call}");
                continue;
            }
            let wanted = format!("Error evaluating expression: error calling {}(...): division by zero", native.name);
            assert_eq!(text.as_deref(), Some(wanted.as_str()), "{call}");
        }
    }
}

#[test]
fn errors_among_the_arguments_that_are_taken() {
    for (template, expected) in [
        ("@(is_error(1 / 0))", None),
        ("@(has_error(1 / 0))", None),
        ("@(default(1 / 0, 1))", None),
        ("@(default(1, 1 / 0))", None),
        ("@(default(1 / 0, 1 / 0))", Some("error calling default(...): division by zero")),
        ("@(if(true, 1, 1 / 0))", None),
        ("@(if(false, 1 / 0, 1))", None),
        ("@(if(1 / 0, 1, 1))", Some("error calling if(...): division by zero")),
        ("@(and(false, 1 / 0))", None),
        ("@(and(true, 1 / 0))", Some("error calling and(...): division by zero")),
        ("@(upper(lower(1 / 0)))", Some("error calling upper(...): error calling lower(...): division by zero")),
        ("@(foreach(array(0, 1), (x) => 1 / x))", Some("error calling foreach(...): division by zero")),
        ("@(filter(array(0, 1), (x) => 1 / x))", Some("error calling filter(...): division by zero")),
        ("@(nothing(1))", Some("context has no property 'nothing'")),
        ("@(\"upper\"(1))", Some("syntax error at (1)")),
        ("@((1)(2))", Some("1 is not a function")),
        ("@(x => x)", Some("syntax error at => x")),
        ("@(1 == 2)", Some("syntax error at = 2")),
        ("@(1 <> 2)", Some("syntax error at > 2")),
        ("@(1 + * a long way to go)", Some("syntax error at * a long w")),
        ("@(((x) => x)(1, 2))", Some("error calling <anon>(...): need 1 argument(s), got 2")),
    ] {
        let expected = expected.map(|text| format!("Error evaluating expression: {text}"));
        assert_eq!(error(template), expected, "{template}");
    }
}
