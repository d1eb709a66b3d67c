//! The Python package agrees with the JSON Schema.

use event_fetcher::event::{Event, event_schema};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    events::{events, samples},
    python::python,
};

/// The attributes of the package's classes, and the events that it reads.
fn package(events: &[Event]) -> (Value, Vec<Value>) {
    let input: String = events.iter().map(|it| serde_json::to_string(it).unwrap() + "\n").collect();
    let output = python("package.py", &input);
    let mut lines = output.lines().map(|line| serde_json::from_str(line).unwrap());
    (lines.next().unwrap(), lines.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_the_package_reads_is_valid_and_what_was_written(events in events(false)) {
        let schema = event_schema();
        let validator = jsonschema::validator_for(schema.as_value()).unwrap();
        let (_, read) = package(&events);
        prop_assert_eq!(read.len(), events.len());
        for (event, read) in events.iter().zip(&read) {
            prop_assert!(validator.is_valid(read), "{}", read);
            let written: Value = serde_json::from_str(&event.as_dict().to_string()).unwrap();
            prop_assert_eq!(read.to_string(), written.to_string(), "keys in the same order too");
        }
    }
}

#[test]
fn the_packages_classes_have_the_schemas_attributes() {
    let (classes, _) = package(&samples());
    let schema = event_schema().to_value();
    let definitions = schema["$defs"].as_object().unwrap();
    let attributes = definitions.iter().map(|(name, definition)| {
        let properties: Vec<_> = definition["properties"].as_object().unwrap().keys().collect();
        (name.clone(), json!([properties, definition["required"]]))
    });
    let mut attributes: Map<_, _> = attributes.collect();
    attributes.sort_keys();
    let mut classes = classes.as_object().unwrap().clone();
    classes.sort_keys();
    assert_eq!(Value::Object(classes).to_string(), Value::Object(attributes).to_string());
}
