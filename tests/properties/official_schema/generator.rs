//! Random instances of VK's dialect of JSON Schema: `required` is a boolean of the property,
//! `$ref` may stand beside other keywords, every object is open.

use std::{collections::HashMap, fs, path::PathBuf};

use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};
use serde_json::{Map, Value, json};

/// Levels below which only what is required is generated.
const DEPTH: usize = 6;
/// Values of one instance, after which only what is required is generated.
const SIZE: usize = 200;

/// Ids that someone has: VK's schema does not bound them.
const AUTHORS: [i64; 5] = [1, 1_999_999_999, -1, -2_000_000_000, -2_000_000_001];
const PEERS: [i64; 6] = [2_000_000_001, 2_100_000_000, 1, 1_999_999_999, -1, -2_000_000_001];

pub(crate) struct Generator {
    folder: PathBuf,
    /// The definitions of each file read, by its path within the folder.
    files: HashMap<String, Value>,
    rng: TestRng,
    /// Values generated for the current instance.
    size: usize,
}

impl Generator {
    pub(crate) fn new(folder: PathBuf) -> Self {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        Self { folder, files: HashMap::new(), rng, size: 0 }
    }

    pub(crate) fn definitions(&mut self, file: &str) -> Vec<String> {
        self.file(file).as_object().expect("definitions").keys().cloned().collect()
    }

    pub(crate) fn enumeration(&mut self, file: &str, definition: &str) -> Vec<String> {
        let values = self.file(file)[definition]["enum"].as_array().expect("an enumeration");
        values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    pub(crate) fn instance(&mut self, file: &str, definition: &str) -> Value {
        self.size = 0;
        self.reference(file, definition, 0)
    }

    fn file(&mut self, file: &str) -> &Value {
        self.files.entry(file.to_owned()).or_insert_with(|| {
            let path = self.folder.join(file);
            let text = fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let mut whole: Value = serde_json::from_str(&text).expect("a schema is JSON");
            whole["definitions"].take()
        })
    }

    fn reference(&mut self, file: &str, definition: &str, depth: usize) -> Value {
        let schema = self.file(file)[definition].clone();
        assert!(schema.is_object(), "{file} defines no {definition}");
        self.value(&schema, depth)
    }

    /// An instance of all that the schema says: of what it refers to, of its parts, of itself.
    fn value(&mut self, schema: &Value, depth: usize) -> Value {
        self.size += 1;
        let mut instance = Value::Null;
        if let Some(target) = schema["$ref"].as_str() {
            let (file, definition) = target.split_once("#/definitions/").expect("a reference");
            let file = file.strip_prefix("../").expect("references name the file");
            instance = self.reference(file, definition, depth);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            merge(&mut instance, self.value(part, depth));
        }
        for alternatives in ["oneOf", "anyOf"] {
            if let Some(alternatives) = schema[alternatives].as_array() {
                let chosen = &alternatives[self.below(alternatives.len())];
                merge(&mut instance, self.value(chosen, depth));
            }
        }
        if let Some(choices) = schema["enum"].as_array() {
            instance = choices[self.below(choices.len())].clone();
        } else if schema["properties"].is_object() {
            merge(&mut instance, self.object(schema, depth));
        } else if instance.is_null() {
            instance = self.plain(schema, depth);
        }
        instance
    }

    fn plain(&mut self, schema: &Value, depth: usize) -> Value {
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds[self.below(kinds.len())].clone(),
            kind => kind.clone(),
        };
        match kind.as_str() {
            Some("integer") => self.integer(schema).into(),
            Some("number") => json!(f64::from(self.rng.next_u32()) / 2.0),
            Some("boolean") => self.chance(2).into(),
            Some("string") => self.string(schema).into(),
            Some("array") => {
                let length = if self.is_exhausted(depth) { 0 } else { self.below(4) };
                let most = schema["maxItems"]
                    .as_u64()
                    .map_or(usize::MAX, |most| usize::try_from(most).expect("a small bound"));
                let items = (0..length.min(most)).map(|_| self.value(&schema["items"], depth + 1));
                items.collect::<Vec<_>>().into()
            }
            Some("object") => self.object(schema, depth),
            _ => self.anything(),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let mut object = Map::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let required = property["required"] == true;
            if !required && (self.is_exhausted(depth) || self.chance(2)) {
                continue;
            }
            let value = match name.as_str() {
                "peer_id" => PEERS[self.below(PEERS.len())].into(),
                "from_id" | "user_id" | "reacted_id" => AUTHORS[self.below(AUTHORS.len())].into(),
                _ => self.value(property, depth + 1),
            };
            object.insert(name.clone(), value);
        }
        if self.chance(4) {
            object.insert("not_in_the_schema".to_owned(), self.anything());
        }
        object.into()
    }

    fn integer(&mut self, schema: &Value) -> i64 {
        let least = schema["minimum"].as_i64().unwrap_or(-1_000);
        let most = schema["maximum"].as_i64().unwrap_or(match schema["format"].as_str() {
            Some("int64") => i64::MAX,
            _ => i64::from(i32::MAX),
        });
        match self.below(4) {
            0 => least,
            1 => most,
            _ => {
                let within =
                    i128::from(self.rng.next_u64()) % (i128::from(most) - i128::from(least) + 1);
                i64::try_from(i128::from(least) + within).expect("between two bounds")
            }
        }
    }

    fn string(&mut self, schema: &Value) -> String {
        const TEXTS: [&str; 8] =
            ["", "/ban", "!", "Привет", "\"quoted\"\\", "line\nline\0", "👨‍👩‍👧", "plain"];
        let text = if schema["format"] == "uri" {
            "https://vk.ru/a?b=%D0%B0".to_owned()
        } else {
            TEXTS[self.below(TEXTS.len())].repeat(1 + self.below(3))
        };
        let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
        text.chars().take(usize::try_from(most).unwrap_or(usize::MAX)).collect()
    }

    fn anything(&mut self) -> Value {
        let choices =
            [json!(null), json!(-1), json!("text"), json!([[]]), json!({"peer_id": [0.5]})];
        choices[self.below(choices.len())].clone()
    }

    fn is_exhausted(&self, depth: usize) -> bool {
        depth >= DEPTH || self.size >= SIZE
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn below(&mut self, bound: usize) -> usize {
        self.rng.next_u32() as usize % bound
    }
}

/// Adds the entries of one object to another; any other value is put in place of what was there.
fn merge(instance: &mut Value, part: Value) {
    match (instance, part) {
        (Value::Object(instance), Value::Object(part)) => instance.extend(part),
        (instance, part) => *instance = part,
    }
}
