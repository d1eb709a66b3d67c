//! A field that VK may omit, or send with a type that it does not document. Parsing it never fails, so that
//! an invalid field can be reported or ignored without losing the whole update.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// The value of a field.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Field<T> {
    /// Nothing, or `null`.
    #[default]
    Absent,
    /// A value of the expected type.
    Is(T),
    /// A value of another JSON type, which is named ("a string").
    Other(&'static str),
}

/// A type that a [`Field`] can hold, with the JSON values that it is made from.
pub(crate) trait Wire<'de>: Sized {
    /// The name of the type ("an integer").
    const NAME: &'static str;

    fn from_bool(_: bool) -> Option<Self> {
        None
    }

    fn from_integer(_: i64) -> Option<Self> {
        None
    }

    fn from_text(_: &str) -> Option<Self> {
        None
    }

    fn from_list<A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn from_object<A: MapAccess<'de>>(mut entries: A) -> Result<Option<Self>, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

impl Wire<'_> for i64 {
    const NAME: &'static str = "an integer";

    fn from_integer(number: i64) -> Option<Self> {
        Some(number)
    }
}

impl Wire<'_> for String {
    const NAME: &'static str = "a string";

    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

/// VK writes flags both ways: `true` (`is_cropped`) and `1` (`deleted`).
impl Wire<'_> for bool {
    const NAME: &'static str = "a flag";

    fn from_bool(flag: bool) -> Option<Self> {
        Some(flag)
    }

    fn from_integer(number: i64) -> Option<Self> {
        Some(number != 0)
    }
}

/// The first items of a list, at most `MOST`. The others are skipped, and take no memory.
#[derive(Debug)]
pub struct First<T, const MOST: usize> {
    pub(crate) items: Vec<T>,
    /// How many more there were.
    pub(crate) more: usize,
}

impl<T, const MOST: usize> Default for First<T, MOST> {
    fn default() -> Self {
        Self { items: Vec::new(), more: 0 }
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Wire<'de> for First<T, MOST> {
    const NAME: &'static str = "an array";

    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut first = Self::default();
        while first.items.len() < MOST {
            match list.next_element()? {
                Some(item) => first.items.push(item),
                None => return Ok(Some(first)),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            first.more += 1;
        }
        Ok(Some(first))
    }
}

/// Unlike that of a [`Field`], this fails if the value is no list.
impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for First<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Field::deserialize(deserializer)? {
            Field::Is(list) => Ok(list),
            Field::Absent => Err(D::Error::custom("null, not a list")),
            Field::Other(found) => Err(D::Error::custom(format_args!("{found}, not a list"))),
        }
    }
}

/// A structure that is parsed from an object only: serde's derived code accepts an array as well.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Wire<'de> for Object<T> {
    const NAME: &'static str = "an object";

    fn from_object<A: MapAccess<'de>>(entries: A) -> Result<Option<Self>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(entries)).map(|value| Some(Self(value)))
    }
}

impl<'de, T: Wire<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

fn or_other<T>(value: Option<T>, found: &'static str) -> Field<T> {
    value.map_or(Field::Other(found), Field::Is)
}

impl<'de, T: Wire<'de>> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Absent)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(or_other(T::from_bool(flag), "a boolean"))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(or_other(T::from_integer(number), "a number"))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(match i64::try_from(number) {
            Ok(number) => or_other(T::from_integer(number), "a number"),
            Err(_) => Field::Other("a number beyond 64 bits"),
        })
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Field::Other("a fractional number"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(or_other(T::from_text(text), "a string"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        Ok(or_other(T::from_list(items)?, "an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        Ok(or_other(T::from_object(entries)?, "an object"))
    }
}
