//! An event as a Python pickle, for handlers that unpickle their own event classes.
//!
//! A pickle is a program for a stack machine. This module writes the opcodes that an event needs, in
//! protocol 3, which every Python 3 reads:
//!
//! | opcode | byte | effect |
//! |---|---|---|
//! | `PROTO` | `80` | the protocol's number follows |
//! | `GLOBAL` | `c` | pushes the class found under the two lines that follow: module, name |
//! | `EMPTY_TUPLE` `EMPTY_LIST` `EMPTY_DICT` | `)` `]` `}` | pushes an empty tuple, list or dict |
//! | `MARK` | `(` | marks the stack for the next of `TUPLE`, `APPENDS`, `SETITEMS` |
//! | `TUPLE` | `t` | makes a tuple of all above the mark |
//! | `APPENDS` | `e` | appends all above the mark to the list below it |
//! | `SETITEMS` | `u` | puts all above the mark, keys and values in turn, into the dict below it |
//! | `NEWOBJ` | `81` | takes a class and a tuple, pushes `class.__new__(class, *tuple)` |
//! | `BUILD` | `b` | takes a dict, and sets each entry as an attribute of the object below it |
//! | `NONE` `NEWTRUE` `NEWFALSE` | `N` `88` `89` | pushes `None`, `True` or `False` |
//! | `BININT` | `J` | pushes the integer that follows: 4 bytes, little-endian |
//! | `LONG1` | `8a` | pushes an integer: one byte with the length, then as many bytes, little-endian |
//! | `BINFLOAT` | `G` | pushes the float that follows: 8 bytes, big-endian |
//! | `BINUNICODE` | `X` | pushes a text: 4 bytes with the length, then as many bytes of UTF-8 |
//! | `STOP` | `.` | ends the program: its value is on the stack |
//!
//! Not protocol 2, since Python maps class names of that protocol from Python 2's. The memo is not used:
//! an event contains no object twice.

use serde_json::{Number, Value};

use self::Py::{Int, Json, List, Object, Text};
use crate::event::{Button, Content, Event, Message, Peer, Reaction, Reply, User};

/// The Python classes of a pickled event, in the consumer's code. All names are ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PickleClasses {
    /// The module of the event's class, such as `toaster.broker.events.events`.
    pub event_module: String,
    /// The event's class, such as `Event`.
    pub event_class: String,
    /// The module of `Peer`, `User`, `Message` and the others.
    pub objects_module: String,
    /// The version of the predecessor that the handler was written for.
    pub version: Version,
}

/// A version of the predecessor, by the name of its package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The first: the attribute `user` precedes `peer`, and `forward` contains only messages of the event's own
    /// conversation, because handlers act on their numbers there.
    Toaster,
    /// Its successor: `peer` precedes `user`, and `forward` contains all messages.
    FunckaBots,
}

impl PickleClasses {
    /// The accepted values of `bus.pubsub.classes`, for error messages.
    pub(super) const EXPECTED: &str = "\"toaster\", \"funcka_bots\", or the event's class and the \
         module of its objects, such as \"handler.events.Event handler.objects\"";

    /// Parses the value of `bus.pubsub.classes`: the name of a preset, or two paths.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (paths, version) = match text {
            "toaster" => (
                "toaster.broker.events.events.Event toaster.broker.events.objects",
                Version::Toaster,
            ),
            "funcka_bots" => (
                "funcka_bots.events.events.VkEvent funcka_bots.events.objects",
                Version::FunckaBots,
            ),
            paths => (paths, Version::FunckaBots),
        };
        Self::from_paths(paths, version)
    }

    /// Parses the path of the event's class, a space, and the module of the objects.
    fn from_paths(paths: &str, version: Version) -> Option<Self> {
        let (event, objects) = paths.split_once(' ')?;
        let (module, class) = event.rsplit_once('.')?;
        let is_path = |path: &str| path.split('.').all(is_name);
        (is_path(event) && is_path(objects)).then(|| Self {
            event_module: module.to_owned(),
            event_class: class.to_owned(),
            objects_module: objects.to_owned(),
            version,
        })
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}

/// Pickles an event: an object of the consumer's event class, created without calling its `__init__`,
/// whose parts are the consumer's `NamedTuple`s.
#[must_use]
pub fn pickle(event: &Event, classes: &PickleClasses) -> Vec<u8> {
    let Event { event_id, peer, user, content } = event;
    let content = match content {
        Content::Message(it) | Content::Command(it) => {
            ("message", message(it, peer.bpid, classes.version))
        }
        Content::Button(Button { cmid, beid, payload }) => {
            ("button", Object("Button", vec![Int(*cmid), Text(beid), Json(payload)]))
        }
        Content::Reaction(Reaction { cmid, rid }) => {
            ("reaction", Object("Reaction", vec![Int(*cmid), Int(*rid)]))
        }
    };
    let Peer { bpid, cid, name } = peer;
    let peer = ("peer", Object("Peer", vec![Int(*bpid), Int(*cid), Text(name)]));
    let User { uuid, name, firstname, lastname, nick } = user;
    let names = [name, firstname, lastname, nick].map(|name| Text(name));
    let user = ("user", Object("User", [Int(*uuid)].into_iter().chain(names).collect()));
    let (second, third) = match classes.version {
        Version::Toaster => (user, peer),
        Version::FunckaBots => (peer, user),
    };
    let mut writer = Writer { classes, out: vec![0x80, 3] };
    writer.event([
        // In the order in which that version of the predecessor set them.
        ("event_type", Text(event.event_type().as_str())),
        ("event_id", Text(event_id)),
        second,
        third,
        content,
    ]);
    writer.out
}

/// A Python value.
enum Py<'a> {
    None,
    Int(i64),
    Text(&'a str),
    Json(&'a Value),
    List(Vec<Self>),
    /// A `NamedTuple` of this class, whose `__new__` takes the fields in their order.
    Object(&'static str, Vec<Self>),
}

fn message(message: &Message, peer: i64, version: Version) -> Py<'_> {
    let Message { cmid, text, reply: of, forward, attachments } = message;
    let of = of.as_ref().map_or(Py::None, reply);
    let all = version == Version::FunckaBots;
    let forward = forward.iter().filter(|it| all || it.bpid == Some(peer)).map(reply).collect();
    let attachments = attachments.iter().map(|it| Text(it)).collect();
    Object("Message", vec![Int(*cmid), Text(text), of, List(forward), List(attachments)])
}

/// The predecessor's reply starts with the author, which VK may omit.
fn reply(Reply { cmid, text, uuid, .. }: &Reply) -> Py<'_> {
    Object("Reply", vec![uuid.map_or(Py::None, Int), Int(*cmid), Text(text)])
}

struct Writer<'a> {
    classes: &'a PickleClasses,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn event<'a>(&mut self, attributes: impl IntoIterator<Item = (&'a str, Py<'a>)>) {
        self.class(&self.classes.event_module, &self.classes.event_class);
        self.out.extend([b')', 0x81, b'}', b'(']);
        for (name, value) in attributes {
            self.text(name);
            self.value(&value);
        }
        self.out.extend(*b"ub.");
    }

    fn value(&mut self, value: &Py<'_>) {
        match value {
            Py::None => self.op(b'N'),
            Int(number) => self.int(*number),
            Text(text) => self.text(text),
            Json(value) => self.json(value),
            List(items) => self.list(items, Self::value),
            Object(class, fields) => {
                self.class(&self.classes.objects_module, class);
                self.op(b'(');
                for field in fields {
                    self.value(field);
                }
                self.out.extend([b't', 0x81]);
            }
        }
    }

    fn json(&mut self, value: &Value) {
        match value {
            Value::Null => self.op(b'N'),
            Value::Bool(true) => self.op(0x88),
            Value::Bool(false) => self.op(0x89),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.text(text),
            Value::Array(items) => self.list(items, Self::json),
            Value::Object(entries) => {
                self.op(b'}');
                self.op(b'(');
                for (key, value) in entries {
                    self.text(key);
                    self.json(value);
                }
                self.op(b'u');
            }
        }
    }

    fn number(&mut self, number: &Number) {
        if let Some(number) = number.as_i64() {
            self.int(number);
        } else if let Some(number) = number.as_u64() {
            // A ninth byte, 0, since the integer is signed.
            self.out.extend([0x8a, 9]);
            self.out.extend(number.to_le_bytes());
            self.out.push(0);
        } else {
            self.op(b'G');
            self.out.extend(number.as_f64().unwrap_or(f64::NAN).to_be_bytes());
        }
    }

    fn int(&mut self, number: i64) {
        if let Ok(number) = i32::try_from(number) {
            self.op(b'J');
            self.out.extend(number.to_le_bytes());
        } else {
            self.out.extend([0x8a, 8]);
            self.out.extend(number.to_le_bytes());
        }
    }

    fn text(&mut self, text: &str) {
        #[expect(clippy::expect_used, reason = "Redis accepts no value above 512 MiB")]
        let length = u32::try_from(text.len()).expect("a text is shorter than 4 GiB");
        self.op(b'X');
        self.out.extend(length.to_le_bytes());
        self.out.extend(text.as_bytes());
    }

    fn list<T>(&mut self, items: impl IntoIterator<Item = T>, item: impl Fn(&mut Self, T)) {
        self.op(b']');
        self.op(b'(');
        for it in items {
            item(self, it);
        }
        self.op(b'e');
    }

    fn class(&mut self, module: &str, name: &str) {
        self.op(b'c');
        for line in [module, name] {
            self.out.extend(line.as_bytes());
            self.out.push(b'\n');
        }
    }

    fn op(&mut self, opcode: u8) {
        self.out.push(opcode);
    }
}
