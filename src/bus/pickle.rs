//! An event as a Python pickle, for handlers that unpickle their own event classes.
//!
//! A pickle is a program for a small stack machine; this writes only what an event needs, in
//! protocol 3, which every Python 3 reads. Of the opcodes used:
//!
//! | opcode | byte | does |
//! |---|---|---|
//! | `PROTO` | `80` | is followed by the protocol's number |
//! | `GLOBAL` | `c` | pushes the class found under the two lines that follow: module, name |
//! | `EMPTY_TUPLE` `EMPTY_LIST` `EMPTY_DICT` | `)` `]` `}` | pushes that |
//! | `MARK` | `(` | marks the stack for the next of `TUPLE`, `APPENDS`, `SETITEMS` |
//! | `TUPLE` | `t` | makes a tuple of all above the mark |
//! | `APPENDS` | `e` | appends all above the mark to the list below it |
//! | `SETITEMS` | `u` | puts all above the mark, keys and values in turn, into the dict below it |
//! | `NEWOBJ` | `81` | takes a class and a tuple, pushes `class.__new__(class, *tuple)` |
//! | `BUILD` | `b` | takes a dict, and sets each entry as an attribute of the object below it |
//! | `NONE` `NEWTRUE` `NEWFALSE` | `N` `88` `89` | pushes that |
//! | `BININT` | `J` | pushes the integer that follows: 4 bytes, the lowest first |
//! | `LONG1` | `8a` | pushes an integer: a byte tells how many bytes follow, the lowest first |
//! | `BINFLOAT` | `G` | pushes the float that follows: 8 bytes, the highest first |
//! | `BINUNICODE` | `X` | pushes a text: 4 bytes tell how many bytes of UTF-8 follow |
//! | `STOP` | `.` | ends the program: what is on the stack is its value |
//!
//! Protocol 2 would do as well, but there Python looks for classes under Python 2's names first.
//! Nothing is remembered in the memo: an event holds nothing twice.

use serde_json::{Number, Value};

use super::PickleClasses;
use crate::event::{Button, Content, Event, Message, Peer, Reaction, Reply, User};

/// The pickle of an event: an object of the reader's event class, made without calling its
/// `__init__`, whose parts are the reader's `NamedTuple`s.
#[must_use]
pub fn pickle(event: &Event, classes: &PickleClasses) -> Vec<u8> {
    let mut writer = Writer { classes, out: vec![0x80, 3] };
    writer.event(event);
    writer.out.push(b'.');
    writer.out
}

struct Writer<'a> {
    classes: &'a PickleClasses,
    out: Vec<u8>,
}

impl Writer<'_> {
    /// The attributes stand in the order in which the predecessor set them.
    fn event(&mut self, event: &Event) {
        self.class(&self.classes.event_module, &self.classes.event_class);
        self.op(b')');
        self.op(0x81);
        self.op(b'}');
        self.op(b'(');
        self.text("event_type");
        self.text(event.event_type().as_str());
        self.text("event_id");
        self.text(&event.event_id);
        self.text("peer");
        self.peer(&event.peer);
        self.text("user");
        self.user(&event.user);
        match &event.content {
            Content::Message(message) | Content::Command(message) => {
                self.text("message");
                self.message(message);
            }
            Content::Button(button) => {
                self.text("button");
                self.button(button);
            }
            Content::Reaction(reaction) => {
                self.text("reaction");
                self.reaction(reaction);
            }
        }
        self.op(b'u');
        self.op(b'b');
    }

    fn peer(&mut self, Peer { bpid, cid, name }: &Peer) {
        self.object("Peer", |it| {
            it.int(*bpid);
            it.int(*cid);
            it.text(name);
        });
    }

    fn user(&mut self, User { uuid, name, firstname, lastname, nick }: &User) {
        self.object("User", |it| {
            it.int(*uuid);
            it.text(name);
            it.text(firstname);
            it.text(lastname);
            it.text(nick);
        });
    }

    fn message(&mut self, Message { cmid, text, reply, forward, attachments }: &Message) {
        self.object("Message", |it| {
            it.int(*cmid);
            it.text(text);
            match reply {
                Some(reply) => it.reply(reply),
                None => it.op(b'N'),
            }
            it.list(forward, Self::reply);
            it.list(attachments, |it, word| it.text(word));
        });
    }

    /// The predecessor's reply begins with the author, which VK may have left out.
    fn reply(&mut self, Reply { cmid, text, uuid }: &Reply) {
        self.object("Reply", |it| {
            match uuid {
                Some(uuid) => it.int(*uuid),
                None => it.op(b'N'),
            }
            it.int(*cmid);
            it.text(text);
        });
    }

    fn button(&mut self, Button { cmid, beid, payload }: &Button) {
        self.object("Button", |it| {
            it.int(*cmid);
            it.text(beid);
            it.json(payload);
        });
    }

    fn reaction(&mut self, Reaction { cmid, rid }: &Reaction) {
        self.object("Reaction", |it| {
            it.int(*cmid);
            it.int(*rid);
        });
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
            // A ninth byte keeps the sign a plus.
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
        #[expect(clippy::expect_used, reason = "Redis takes no value of half a gigabyte")]
        let length = u32::try_from(text.len()).expect("a text is shorter than 4 GiB");
        self.op(b'X');
        self.out.extend(length.to_le_bytes());
        self.out.extend(text.as_bytes());
    }

    fn list<T>(&mut self, items: &[T], item: impl Fn(&mut Self, &T)) {
        self.op(b']');
        self.op(b'(');
        for it in items {
            item(self, it);
        }
        self.op(b'e');
    }

    /// A `NamedTuple`, whose `__new__` takes the fields in their order.
    fn object(&mut self, class: &str, fields: impl FnOnce(&mut Self)) {
        self.class(&self.classes.objects_module, class);
        self.op(b'(');
        fields(self);
        self.op(b't');
        self.op(0x81);
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
