//! Facts as a tree of JSON in which every text still says what kind it is.
//!
//! A `Text<K>` serialises as a newtype of its kind's name ([`crate::facts::text::kind::Kind`]), which JSON leaves out and
//! this serialiser writes before the text. So redaction follows the types: a new field is covered by the type it has, and
//! one that is a bare `String` is taken for words that anybody may have written.

use serde::ser::{self, Serialize};
use serde_json::{Error, Map, Number, Value};

/// What a text in the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Host,
    Address,
    Path,
    Comment,
    Fingerprint,
    Group,
    Server,
    Blob,
    Plain,
}

const KINDS: &[(&str, char, Kind)] = &[
    ("User", 'u', Kind::User),
    ("Host", 'h', Kind::Host),
    ("Address", 'a', Kind::Address),
    ("Path", 'p', Kind::Path),
    ("Comment", 'c', Kind::Comment),
    ("Fingerprint", 'f', Kind::Fingerprint),
    ("Group", 'g', Kind::Group),
    ("Server", 's', Kind::Server),
    ("Blob", 'b', Kind::Blob),
    ("", 't', Kind::Plain),
];

/// Begins every text of the tree, before the letter of its kind. No escaped text has it, and names of variants stand
/// without it.
const MARK: char = '\u{1}';

/// The kind of a text of the tree, and the text; `None` for the name of a variant.
pub(super) fn kind(text: &str) -> Option<(Kind, &str)> {
    let mut letters = text.strip_prefix(MARK)?.chars();
    let letter = letters.next()?;
    let (_, _, kind) = KINDS.iter().find(|(_, mark, _)| *mark == letter)?;
    Some((*kind, letters.as_str()))
}

/// The tree of `value`.
pub(super) fn tree<T: Serialize>(value: &T) -> Result<Value, Error> {
    value.serialize(Marking)
}

fn marked(name: &str, text: &str) -> Value {
    let letter = KINDS.iter().find(|(kind, ..)| *kind == name).map_or('t', |(_, letter, _)| *letter);
    Value::String(format!("{MARK}{letter}{text}"))
}

/// `{"variant": value}`, as serde_json writes a variant that holds something.
fn variant(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

struct Marking;

/// The elements of a sequence, a tuple or a variant of one.
struct List {
    variant: Option<&'static str>,
    values: Vec<Value>,
}

/// The fields of a struct, a map or a variant of one.
struct Fields {
    variant: Option<&'static str>,
    key: Option<String>,
    values: Map<String, Value>,
}

impl List {
    fn new(variant: Option<&'static str>) -> Self {
        Self { variant, values: Vec::new() }
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.values.push(value.serialize(Marking)?);
        Ok(())
    }

    fn done(self) -> Value {
        let list = Value::Array(self.values);
        self.variant.map_or_else(|| list.clone(), |name| variant(name, list.clone()))
    }
}

impl Fields {
    fn new(variant: Option<&'static str>) -> Self {
        Self { variant, key: None, values: Map::new() }
    }

    fn put<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), Error> {
        self.values.insert(key.to_owned(), value.serialize(Marking)?);
        Ok(())
    }

    fn done(self) -> Value {
        let fields = Value::Object(self.values);
        match self.variant {
            Some(name) => variant(name, fields),
            None => fields,
        }
    }
}

macro_rules! numbers {
    ($($name:ident: $type:ty),*) => {
        $(fn $name(self, value: $type) -> Result<Value, Error> {
            Ok(Value::from(value))
        })*
    };
}

impl ser::Serializer for Marking {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    numbers! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    }

    fn serialize_f32(self, value: f32) -> Result<Value, Error> {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<Value, Error> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn serialize_char(self, value: char) -> Result<Value, Error> {
        Ok(marked("", value.encode_utf8(&mut [0; 4])))
    }

    fn serialize_str(self, value: &str) -> Result<Value, Error> {
        Ok(marked("", value))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value, Error> {
        Ok(Value::Array(value.iter().map(|byte| Value::from(*byte)).collect()))
    }

    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<Value, Error> {
        Ok(Value::String(name.to_owned()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<Value, Error> {
        let plain = value.serialize(self)?;
        Ok(match plain.as_str().and_then(kind) {
            Some((Kind::Plain, text)) => marked(name, text),
            _ => plain,
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        Ok(variant(name, value.serialize(self)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, Error> {
        Ok(List::new(None))
    }

    fn serialize_tuple(self, _: usize) -> Result<List, Error> {
        Ok(List::new(None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, Error> {
        Ok(List::new(None))
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, name: &'static str, _: usize) -> Result<List, Error> {
        Ok(List::new(Some(name)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields, Error> {
        Ok(Fields::new(None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, Error> {
        Ok(Fields::new(None))
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, name: &'static str, _: usize) -> Result<Fields, Error> {
        Ok(Fields::new(Some(name)))
    }
}

macro_rules! lists {
    ($($trait:ident: $method:ident),*) => {
        $(impl ser::$trait for List {
            type Ok = Value;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.push(value)
            }

            fn end(self) -> Result<Value, Error> {
                Ok(self.done())
            }
        })*
    };
}

lists! {
    SerializeSeq: serialize_element, SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field, SerializeTupleVariant: serialize_field
}

macro_rules! structs {
    ($($trait:ident),*) => {
        $(impl ser::$trait for Fields {
            type Ok = Value;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
                self.put(key, value)
            }

            fn end(self) -> Result<Value, Error> {
                Ok(self.done())
            }
        })*
    };
}

structs! { SerializeStruct, SerializeStructVariant }

impl ser::SerializeMap for Fields {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let key = key.serialize(Marking)?;
        let text = key.as_str().map(|text| kind(text).map_or(text, |(_, text)| text));
        self.key = Some(text.map_or_else(|| key.to_string(), str::to_owned));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = self.key.take().unwrap_or_default();
        self.put(&key, value)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(self.done())
    }
}
