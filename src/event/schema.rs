//! The JSON Schema of events, for those who consume them.

use schemars::{Schema, generate::SchemaSettings};
use serde_json::json;

use super::form::Form;

/// The schema of an event as it stands on the bus: which attributes each type has, and no others.
#[must_use]
pub fn event_schema() -> Schema {
    let mut schema = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Form<'_>>();
    schema.insert("examples".to_owned(), json!([example()]));
    schema
}

/// The specification's example.
fn example() -> serde_json::Value {
    json!({
        "event_type": "command",
        "event_id": "b0d7020c0bd1ad36b76567054400abc8b279f960",
        "user": {
            "uuid": 206_295_116,
            "name": "Руслан Башинский",
            "firstname": "Руслан",
            "lastname": "Башинский",
            "nick": "oidaho",
        },
        "peer": { "bpid": 2_000_000_002_i64, "cid": 2, "name": "FUNCKA | TOASTER | DEV | CHAT" },
        "message": {
            "cmid": 3895,
            "text": "/command",
            "reply": null,
            "forward": [],
            "attachments": [],
        },
    })
}
