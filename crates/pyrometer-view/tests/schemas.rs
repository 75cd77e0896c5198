//! What is written as JSON is what `docs/schemas` says: every document is validated, and no field is undocumented.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../pyrometer-analyze/tests/capture/mod.rs"]
mod capture;

use std::path::Path;

use pyrometer_analyze::{
    CallTree, Direction, FunctionOptions, FunctionTable, LineTable, Neighbours, Profile, ThreadTable, TreeOptions,
    Triage, TriageOptions, find_function,
};
use pyrometer_model::{MemorySource, Selection};
use serde::Serialize;
use serde_json::Value;

/// The part of JSON Schema that `docs/schemas` uses, read strictly: a property that the schema does not have is an error
/// too, and so is a keyword that is not known here.
fn validate(schema: &Value, root: &Value, value: &Value, at: &str, errors: &mut Vec<String>) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = reference.strip_prefix("#/$defs/").unwrap();
        return validate(&root["$defs"][name], root, value, at, errors);
    }
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "description" | "title" | "$schema" | "$defs" | "required" => {}
            "const" if rule == value => {}
            "enum" if rule.as_array().unwrap().contains(value) => {}
            "minimum" if value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()) => {}
            "type" if is_of_type(rule, value) => {}
            "anyOf" => {
                let fits = rule.as_array().unwrap().iter().any(|option| {
                    let mut errors = Vec::new();
                    validate(option, root, value, at, &mut errors);
                    errors.is_empty()
                });
                if !fits {
                    errors.push(format!("{at}: {value} is none of {rule}"));
                }
            }
            "items" => {
                for (position, item) in value.as_array().into_iter().flatten().enumerate() {
                    validate(rule, root, item, &format!("{at}[{position}]"), errors);
                }
            }
            "properties" => validate_object(schema, root, value, at, errors),
            _ => errors.push(format!("{at}: {value} breaks {keyword}: {rule}")),
        }
    }
}

fn validate_object(schema: &Value, root: &Value, value: &Value, at: &str, errors: &mut Vec<String>) {
    let Some(object) = value.as_object() else { return };
    for required in schema["required"].as_array().unwrap() {
        if !object.contains_key(required.as_str().unwrap()) {
            errors.push(format!("{at}: {required} is missing"));
        }
    }
    for (name, property) in object {
        match schema["properties"].get(name) {
            Some(rule) => validate(rule, root, property, &format!("{at}.{name}"), errors),
            None => errors.push(format!("{at}.{name} is not documented")),
        }
    }
}

fn is_of_type(rule: &Value, value: &Value) -> bool {
    match rule {
        Value::Array(options) => options.iter().any(|option| is_of_type(option, value)),
        Value::String(name) => match name.as_str() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "number" => value.is_number(),
            "integer" => value.is_u64() || value.is_i64(),
            "null" => value.is_null(),
            _ => false,
        },
        _ => false,
    }
}

/// Checks one document against the schema that its own `schema` field names.
fn check(document: &impl Serialize) {
    let value = serde_json::to_value(document).unwrap();
    let name = value["schema"].as_str().unwrap().strip_prefix("pyrometer.").unwrap().replace('/', "-");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/schemas/{name}.schema.json"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut errors = Vec::new();
    validate(&schema, &schema, &value, "$", &mut errors);
    assert_eq!(errors, Vec::<String>::new());
}

fn check_all(mut source: MemorySource) {
    let dictionary = source.dictionary.clone();
    for include_idle in [false, true] {
        let selection = Selection { include_idle, ..Selection::default() };
        let profile = Profile::read(&dictionary, &mut source, &selection).unwrap();
        check(&Triage::of(&profile, &TriageOptions::default()));
        let table = FunctionTable::of(&profile, &FunctionOptions::default()).unwrap();
        check(&table);
        check(&CallTree::of(&profile, TreeOptions::default()));
        check(&ThreadTable::of(&profile));
        for row in &table.rows {
            let found = find_function(&profile, &row.function.name).unwrap();
            check(&Neighbours::of(&profile, found.code, &found.others, Direction::Callers));
            check(&Neighbours::of(&profile, found.code, &found.others, Direction::Callees));
            check(&LineTable::of(&profile, found.code, &found.others));
        }
    }
}

#[test]
fn every_document_is_what_its_schema_says() {
    check_all(capture::ticket_service());
    check_all(capture::crawler());
    check_all(capture::threaded());
    check_all(MemorySource::default());
}

#[test]
fn the_validator_sees_what_is_wrong() {
    let schema: Value = serde_json::from_str(
        r##"{"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"type": "integer", "minimum": 0}},
        "required": ["a"], "$defs": {"A": {"anyOf": [{"enum": ["x"]}, {"type": "null"}]}}}"##,
    )
    .unwrap();
    let errors = |text: &str| {
        let mut errors = Vec::new();
        validate(&schema, &schema, &serde_json::from_str(text).unwrap(), "$", &mut errors);
        errors.len()
    };
    assert_eq!(errors(r#"{"a": "x", "b": 1}"#) + errors(r#"{"a": null}"#), 0);
    for wrong in [
        r#"{"b": 1}"#,
        r#"{"a": "y"}"#,
        r#"{"a": "x", "b": -1}"#,
        r#"{"a": "x", "b": 1.5}"#,
        r#"{"a": "x", "c": 1}"#,
        "[]",
    ] {
        assert_eq!(errors(wrong), 1, "{wrong}");
    }
}
