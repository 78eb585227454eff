//! Reading request bodies as forgivingly as the reference does: scalars of another type are converted, unknown members
//! ignored, but an object stays an object (registry API spec §1.2).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

/// Most entries of one list or map in a request. Real requests have some dozens; without a bound a body of small
/// entries would take many times its own size in memory.
const MOST_ENTRIES: usize = 100_000;

/// A JSON object, or null. serde's derived code would also take an array for a struct.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object<T>(pub(crate) Option<T>);

/// Text; numbers and booleans count as their text. Null is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text(pub(crate) Option<String>);

/// A 32-bit integer; fractions are cut off, quoted integers read, blank text and `"null"` are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Int(pub(crate) Option<i32>);

/// A boolean; integers count as "not 0", `true` and `false` are read in quotes too, blank text and `"null"` are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) Option<bool>);

/// One of some words, or its position among them, or null. Anything else is of the wrong shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word<W>(pub(crate) Option<&'static str>, PhantomData<W>);

/// The words that a member may have.
pub(crate) trait Words {
    /// Their names, as they are kept.
    const NAMES: &'static [&'static str];
}

impl<W: Words> Word<W> {
    /// Describes the member: one of the names, or null.
    pub(crate) fn described() -> utoipa::openapi::Object {
        let names = W::NAMES.iter().map(|name| serde_json::Value::from(*name));
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .enum_values(Some(names.chain([serde_json::Value::Null])))
            .build()
    }
}

impl<W> Default for Word<W> {
    fn default() -> Self {
        Self(None, PhantomData)
    }
}

impl<'de, W: Words> Deserialize<'de> for Word<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?.0;
        let find = |text: String| {
            let text = text.trim();
            let position = || text.parse::<usize>().ok().filter(|_| !text.starts_with('+'));
            let at = || W::NAMES.get(position()?);
            let known = W::NAMES.iter().find(|name| **name == text).or_else(at).copied();
            known.ok_or_else(|| D::Error::unknown_variant(text, W::NAMES))
        };
        Ok(Self(text.map(find).transpose()?, PhantomData))
    }
}

/// A value that cannot be null where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Present<T>(pub(crate) T);

/// A value that may be null.
pub(crate) trait Nullable {
    /// Whether it is.
    fn is_null(&self) -> bool;
}

impl Nullable for Text {
    fn is_null(&self) -> bool {
        self.0.is_none()
    }
}

impl<T> Nullable for List<T> {
    fn is_null(&self) -> bool {
        self.0.is_none()
    }
}

impl<'de, T: Deserialize<'de> + Nullable> Deserialize<'de> for Present<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = T::deserialize(deserializer)?;
        if value.is_null() { Err(D::Error::custom("null where a value has to be")) } else { Ok(Self(value)) }
    }
}

/// A list, or null. Null items are left out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct List<T>(pub(crate) Option<Vec<T>>);

/// An object of any keys, or null.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Map<T>(pub(crate) Option<BTreeMap<String, T>>);

/// A member that may be missing, which differs from null.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Member<T>(pub(crate) Option<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for Map<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl List<Text> {
    /// The texts.
    pub(crate) fn texts(self) -> Option<Vec<String>> {
        self.0.map(|items| items.into_iter().filter_map(|text| text.0).collect())
    }
}

impl List<Present<Text>> {
    /// The texts as a set.
    pub(crate) fn text_set(self) -> Option<BTreeSet<String>> {
        self.0.map(|items| items.into_iter().filter_map(|text| text.0.0).collect())
    }
}

impl Map<Present<Text>> {
    /// The texts.
    pub(crate) fn texts(self) -> Option<BTreeMap<String, String>> {
        self.0.map(|map| map.into_iter().filter_map(|(key, text)| Some((key, text.0.0?))).collect())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Member<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Visit<T> {
            type Value = Object<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_unit<E: Error>(self) -> Result<Object<T>, E> {
                Ok(Object(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|value| Object(Some(value)))
            }
        }
        deserializer.deserialize_any(Visit(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl Visitor<'_> for Visit {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_unit<E: Error>(self) -> Result<Text, E> {
                Ok(Text(None))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(Some(text.to_owned())))
            }
            fn visit_string<E: Error>(self, text: String) -> Result<Text, E> {
                Ok(Text(Some(text)))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Text, E> {
                Ok(Text(Some(value.to_string())))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Text, E> {
                Ok(Text(Some(value.to_string())))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Text, E> {
                Ok(Text(Some(value.to_string())))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Text, E> {
                Ok(Text(serde_json::Number::from_f64(value).map(|number| number.to_string())))
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl Visitor<'_> for Visit {
            type Value = Int;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a 32-bit integer")
            }
            fn visit_unit<E: Error>(self) -> Result<Int, E> {
                Ok(Int(None))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Int, E> {
                let trimmed = text.trim();
                if matches!(trimmed, "" | "null") {
                    return Ok(Int(None));
                }
                let parsed = trimmed.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))?;
                Ok(Int(Some(parsed)))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Int, E> {
                let value =
                    i32::try_from(value).map_err(|_| E::invalid_value(Unexpected::Signed(value), &self))?;
                Ok(Int(Some(value)))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Int, E> {
                let value =
                    i32::try_from(value).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &self))?;
                Ok(Int(Some(value)))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Int, E> {
                let whole = value.trunc();
                if !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&whole) {
                    return Err(E::invalid_value(Unexpected::Float(value), &self));
                }
                #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
                Ok(Int(Some(whole as i32)))
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl Visitor<'_> for Visit {
            type Value = Flag;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }
            fn visit_unit<E: Error>(self) -> Result<Flag, E> {
                Ok(Flag(None))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(Some(value)))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Flag, E> {
                Ok(Flag(Some(value != 0)))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Flag, E> {
                Ok(Flag(Some(value != 0)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Flag, E> {
                match text.trim() {
                    "" | "null" => Ok(Flag(None)),
                    "true" | "True" | "TRUE" => Ok(Flag(Some(true))),
                    "false" | "False" | "FALSE" => Ok(Flag(Some(false))),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Visit)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Visit<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_unit<E: Error>(self) -> Result<List<T>, E> {
                Ok(List(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() >= MOST_ENTRIES {
                        return Err(A::Error::custom("too many items"));
                    }
                    items.push(item);
                }
                Ok(List(Some(items)))
            }
        }
        deserializer.deserialize_any(Visit(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Map<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Visit<T> {
            type Value = Map<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_unit<E: Error>(self) -> Result<Map<T>, E> {
                Ok(Map(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Map<T>, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some((key, value)) = map.next_entry()? {
                    if entries.len() >= MOST_ENTRIES {
                        return Err(A::Error::custom("too many members"));
                    }
                    entries.insert(key, value);
                }
                Ok(Map(Some(entries)))
            }
        }
        deserializer.deserialize_any(Visit(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Body {
        text: Text,
        int: Int,
        flag: Flag,
        list: List<Text>,
        map: Map<Present<Text>>,
        word: Word<Colours>,
        member: Member<Int>,
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Colours;

    impl Words for Colours {
        const NAMES: &'static [&'static str] = &["RED", "GREEN"];
    }

    fn read(json: &str) -> Option<Body> {
        serde_json::from_str::<Object<Body>>(json).ok().map(|object| object.0.unwrap_or_default())
    }

    #[test]
    fn scalars_are_converted() {
        let text = |t: &str| Body { text: Text(Some(t.to_owned())), ..Body::default() };
        let int = |i| Body { int: Int(Some(i)), ..Body::default() };
        let flag = |b| Body { flag: Flag(Some(b)), ..Body::default() };
        let cases = [
            (r#"{"text":"a"}"#, Some(text("a"))),
            (r#"{"text":5}"#, Some(text("5"))),
            (r#"{"text":5.0}"#, Some(text("5.0"))),
            (r#"{"text":true}"#, Some(text("true"))),
            (r#"{"text":null}"#, Some(Body::default())),
            (r#"{"text":[]}"#, None),
            (r#"{"text":{}}"#, None),
            (r#"{"int":1.7}"#, Some(int(1))),
            (r#"{"int":-1.7}"#, Some(int(-1))),
            (r#"{"int":" 5 "}"#, Some(int(5))),
            (r#"{"int":""}"#, Some(Body::default())),
            (r#"{"int":"null","flag":"null"}"#, Some(Body::default())),
            (r#"{"int":"1.7"}"#, None),
            (r#"{"int":true}"#, None),
            (r#"{"int":2147483648}"#, None),
            (r#"{"int":1e300}"#, None),
            (r#"{"flag":1}"#, Some(flag(true))),
            (r#"{"flag":0}"#, Some(flag(false))),
            (r#"{"flag":"True"}"#, Some(flag(true))),
            (r#"{"flag":"yes"}"#, None),
            (r#"{"flag":1.0}"#, None),
            (r#"{"unknown":[[{}]]}"#, Some(Body::default())),
        ];
        for (json, expected) in cases {
            assert_eq!(read(json), expected, "{json}");
        }
    }

    #[test]
    fn words_are_names_as_they_are_written_or_positions() {
        let cases = [
            ("\"GREEN\"", Some(Some("GREEN"))),
            ("\" RED \"", Some(Some("RED"))),
            ("1", Some(Some("GREEN"))),
            ("\"0\"", Some(Some("RED"))),
            ("\"+1\"", None),
            ("null", Some(None)),
            ("\"green\"", None),
            ("\"\"", None),
            ("2", None),
            ("-1", None),
            ("1.0", None),
            ("true", None),
        ];
        for (word, expected) in cases {
            assert_eq!(read(&format!("{{\"word\":{word}}}")).map(|body| body.word.0), expected, "{word}");
        }
    }

    #[test]
    fn shapes_are_not_converted() {
        for json in [
            "[]",
            "\"x\"",
            "5",
            "true",
            r#"{"list":{}}"#,
            r#"{"list":"x"}"#,
            r#"{"map":[]}"#,
            r#"{"map":"x"}"#,
            r#"{"map":{"a":null}}"#,
        ] {
            assert_eq!(read(json), None, "{json}");
        }
        let lists = read(r#"{"list":["a",null,1],"map":{"a":1}}"#).unwrap();
        assert_eq!(lists.list.texts(), Some(vec!["a".to_owned(), "1".to_owned()]));
        assert_eq!(
            lists.map.texts().unwrap().into_iter().collect::<Vec<_>>(),
            [("a".to_owned(), "1".to_owned())]
        );
    }

    #[test]
    fn a_missing_member_differs_from_null() {
        assert_eq!(read("{}").unwrap().member, Member(None));
        assert_eq!(read(r#"{"member":null}"#).unwrap().member, Member(Some(Int(None))));
    }
}
