//! The files that every schema may import without a reference (schema formats spec §2.5): the well-known types, the
//! common types of `google/type`, and Confluent's. Only what can be observed of them is kept: names, numbers, types.

use std::sync::LazyLock;

use super::model::ProtoFile;
use super::parse::{Budget, read_text};
use crate::limits::Limits;

macro_rules! texts {
    ($($path:literal)*) => { [$(($path, include_str!(concat!("builtin/", $path)))),*] };
}

const TEXTS: [(&str, &str); 30] = texts![
    "confluent/meta.proto"
    "confluent/type/decimal.proto"
    "confluent/type/variant.proto"
    "google/protobuf/any.proto"
    "google/protobuf/api.proto"
    "google/protobuf/descriptor.proto"
    "google/protobuf/duration.proto"
    "google/protobuf/empty.proto"
    "google/protobuf/field_mask.proto"
    "google/protobuf/source_context.proto"
    "google/protobuf/struct.proto"
    "google/protobuf/timestamp.proto"
    "google/protobuf/type.proto"
    "google/protobuf/wrappers.proto"
    "google/type/calendar_period.proto"
    "google/type/color.proto"
    "google/type/date.proto"
    "google/type/datetime.proto"
    "google/type/dayofweek.proto"
    "google/type/decimal.proto"
    "google/type/expr.proto"
    "google/type/fraction.proto"
    "google/type/interval.proto"
    "google/type/latlng.proto"
    "google/type/money.proto"
    "google/type/month.proto"
    "google/type/phone_number.proto"
    "google/type/postal_address.proto"
    "google/type/quaternion.proto"
    "google/type/timeofday.proto"
];

static FILES: LazyLock<Vec<(&str, ProtoFile)>> = LazyLock::new(|| {
    let limits = Limits::default();
    let read = |(path, text)| {
        let file = read_text(text, &mut Budget::new(&limits));
        (path, file.expect("the built-in files are valid, as the tests show"))
    };
    TEXTS.into_iter().map(read).collect()
});

/// Every built-in file: import path and file.
pub fn files() -> impl Iterator<Item = (&'static str, &'static ProtoFile)> {
    FILES.iter().map(|(path, file)| (*path, file))
}

/// A built-in file by import path, such as `google/protobuf/timestamp.proto`.
pub fn file(path: &str) -> Option<&'static ProtoFile> {
    files().find(|(name, _)| *name == path).map(|(_, file)| file)
}
