//! Reading and renaming the context paths of templates.

use flow::expression::{rewrite, template_paths};

#[test]
fn paths_that_a_template_reads() {
    let check = |source: &str, expected: &[&str]| {
        let found: Vec<String> = template_paths(source).into_iter().map(|path| path.join(".")).collect();
        assert_eq!(found, expected, "{source}");
    };
    check("Hi bob@example.com", &[]);
    check("@Contact.Fields.AGE and @(fields.age + 1)", &["contact.fields.age", "fields.age"]);
    check("@(upper(results[\"color\"].value) & locals[input])", &["results.color.value", "locals", "input"]);
    check("@(foreach(contact.groups, (contact) => contact.name & globals.org))", &["contact.groups", "globals.org"]);
    check("@(broken", &[]);
    check("@(1 + )", &[]);
}

#[test]
fn only_what_changes_is_printed_anew() {
    let check = |source: &str, expected: &str| {
        let renamed = rewrite(source, &mut |path| {
            let found = path[0] == "webhook";
            if found {
                path.insert(1, "json".to_owned());
            }
            found
        });
        assert_eq!(renamed, expected, "{source}");
    };
    check("@webhook @WEBHOOK.Foo", "@webhook.json @webhook.json.foo");
    check("@@webhook bob@webhook-x.com @nothing", "@@webhook bob@webhook.json-x.com @nothing");
    check("@( 1+2 ) @(UPPER( Webhook.x )+1)", "@( 1+2 ) @(upper(webhook.json.x) + 1)");
    check("@(webhook)", "@(webhook.json)");
    check("@(-webhook.a[1]^2&\"x\")", "@(-webhook.json.a[1] ^ 2 & \"x\")");
    check("@((webhook) => webhook.a)", "@((webhook) => webhook.a)");
    check("@(foreach(webhook,(x,Y)=>x[y]=webhook.z))", "@(foreach(webhook.json, (x, y) => x[y] = webhook.json.z))");
    check("@(webhook.x +", "@(webhook.x +");
    check("@(webhook.x + )", "@(webhook.x + )");
}
