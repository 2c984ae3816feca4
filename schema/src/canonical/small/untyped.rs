//! From types to a [`Value`].
//!
//! The one rule: what a document of ours cannot hold (fractions, bytes, large integers) is refused, not rounded.

use super::{Key, Refusal, Value, exact};
use serde::ser::{
    Error as _, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct,
    SerializeStructVariant, SerializeTuple, Serializer,
};
use std::collections::BTreeMap;
use std::fmt::Display;

impl serde::ser::Error for Refusal {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Built<T = Value> = Result<T, Refusal>;

/// Builds one value.
pub(super) struct Builder;

/// Builds a list.
pub(super) struct List(Vec<Value>);

/// Builds a map; with a name, the map stands alone in another under it.
pub(super) struct Fields {
    name: Option<&'static str>,
    key: String,
    map: BTreeMap<Key, Value>,
}

impl Fields {
    fn new(name: Option<&'static str>) -> Self {
        Self {
            name,
            key: String::new(),
            map: BTreeMap::new(),
        }
    }

    fn add<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Built<()> {
        let value = value.serialize(Builder)?;
        self.map.insert(Key(key), value);
        Ok(())
    }

    fn built(self) -> Value {
        match self.name {
            None => Value::Map(self.map),
            Some(name) => under(name, Value::Map(self.map)),
        }
    }
}

fn under(name: &str, value: Value) -> Value {
    Value::Map(BTreeMap::from([(Key(name.into()), value)]))
}

fn no<T>(what: &str) -> Built<T> {
    Err(Refusal::custom(what))
}

impl Serializer for Builder {
    type Ok = Value;
    type Error = Refusal;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = Impossible<Value, Refusal>;
    type SerializeTupleVariant = Impossible<Value, Refusal>;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    fn serialize_bool(self, value: bool) -> Built {
        Ok(Value::Bool(value))
    }
    fn serialize_i8(self, value: i8) -> Built {
        self.serialize_i64(value.into())
    }
    fn serialize_i16(self, value: i16) -> Built {
        self.serialize_i64(value.into())
    }
    fn serialize_i32(self, value: i32) -> Built {
        self.serialize_i64(value.into())
    }
    fn serialize_i64(self, value: i64) -> Built {
        exact(value).map(Value::Integer).map_err(Refusal)
    }
    fn serialize_u8(self, value: u8) -> Built {
        self.serialize_i64(value.into())
    }
    fn serialize_u16(self, value: u16) -> Built {
        self.serialize_i64(value.into())
    }
    fn serialize_u32(self, value: u32) -> Built {
        self.serialize_i64(value.into())
    }
    fn serialize_u64(self, value: u64) -> Built {
        self.serialize_i64(i64::try_from(value).unwrap_or(i64::MAX))
    }
    fn serialize_f32(self, _: f32) -> Built {
        no("a fraction")
    }
    fn serialize_f64(self, _: f64) -> Built {
        no("a fraction")
    }
    fn serialize_char(self, value: char) -> Built {
        Ok(Value::Text(value.into()))
    }
    fn serialize_str(self, value: &str) -> Built {
        Ok(Value::Text(value.into()))
    }
    fn serialize_bytes(self, _: &[u8]) -> Built {
        no("bytes")
    }
    fn serialize_none(self) -> Built {
        Ok(Value::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Built {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Built {
        Ok(Value::Null)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Built {
        Ok(Value::Null)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Built {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Built {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Built {
        Ok(under(variant, value.serialize(self)?))
    }
    fn serialize_seq(self, _: Option<usize>) -> Built<List> {
        Ok(List(Vec::new()))
    }
    fn serialize_tuple(self, _: usize) -> Built<List> {
        Ok(List(Vec::new()))
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Built<Self::SerializeTupleStruct> {
        no("a tuple with a name")
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Built<Self::SerializeTupleVariant> {
        no("a tuple with a name")
    }
    fn serialize_map(self, _: Option<usize>) -> Built<Fields> {
        Ok(Fields::new(None))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Built<Fields> {
        Ok(Fields::new(None))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Built<Fields> {
        Ok(Fields::new(Some(variant)))
    }
}

impl SerializeSeq for List {
    type Ok = Value;
    type Error = Refusal;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Built<()> {
        self.0.push(value.serialize(Builder)?);
        Ok(())
    }
    fn end(self) -> Built {
        Ok(Value::List(self.0))
    }
}

impl SerializeTuple for List {
    type Ok = Value;
    type Error = Refusal;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Built<()> {
        SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Built {
        SerializeSeq::end(self)
    }
}

impl SerializeMap for Fields {
    type Ok = Value;
    type Error = Refusal;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Built<()> {
        match key.serialize(Builder)? {
            Value::Text(key) => self.key = key,
            _ => return no("a key that is no text"),
        }
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Built<()> {
        let key = std::mem::take(&mut self.key);
        self.add(key, value)
    }
    fn end(self) -> Built {
        Ok(self.built())
    }
}

impl SerializeStruct for Fields {
    type Ok = Value;
    type Error = Refusal;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Built<()> {
        self.add(key.into(), value)
    }
    fn end(self) -> Built {
        Ok(self.built())
    }
}

impl SerializeStructVariant for Fields {
    type Ok = Value;
    type Error = Refusal;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Built<()> {
        self.add(key.into(), value)
    }
    fn end(self) -> Built {
        Ok(self.built())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(map) => {
                serializer.collect_map(map.iter().map(|(key, value)| (&key.0, value)))
            }
        }
    }
}
