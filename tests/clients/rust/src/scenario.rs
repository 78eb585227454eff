//! What both forms of the client are put through, written once: `scenario!` makes it for one of them.
//!
//! Parameters: the client's module, a macro that makes the value of a call out of what it returns, a macro that passes
//! a strategy the way the coders of that module take it, and a builder of its HTTP client.

/// A call is written down under its name without the module, and must succeed.
macro_rules! call {
    ($report:ident, $api:ident, $wait:ident, $name:literal, $call:expr) => {{
        $report.called(concat!(stringify!($api), "::", $name));
        let result = $wait!($call);
        $report.value(concat!(stringify!($api), "::", $name), result)
    }};
}

/// A call that cannot fail.
macro_rules! made {
    ($report:ident, $api:ident, $name:literal, $call:expr) => {{
        $report.called(concat!(stringify!($api), "::", $name));
        $call
    }};
}

macro_rules! scenario {
    ($api:ident, $wait:ident, $pass:ident, $http:expr) => {
        use apache_avro::types::Value as Avro;
        use schema_registry_converter::$api::schema_registry::{self as sr, SrSettings};
        use schema_registry_converter::$api::{avro, json, proto_decoder, proto_encoder, proto_raw};
        use schema_registry_converter::prost_reflect::{DynamicMessage, Value as Proto};
        use schema_registry_converter::schema_registry_common::{
            SchemaType, SrCall, SubjectNameStrategy,
        };
        use serde_json::{Value as Json, json};

        use crate::report::Report;
        use crate::values;

        fn settings(report: &mut Report, url: &str) -> Option<SrSettings> {
            made!(report, $api, "schema_registry::SrSettings::new", SrSettings::new(url.to_owned()));
            let new = || SrSettings::new_builder(url.to_owned());
            let mut builder = made!(report, $api, "schema_registry::SrSettings::new_builder", new());
            made!(report, $api, "schema_registry::SrSettingsBuilder::add_url", builder.add_url(url.to_owned()));
            made!(report, $api, "schema_registry::SrSettingsBuilder::set_token_authorization", builder.set_token_authorization("t"));
            made!(report, $api, "schema_registry::SrSettingsBuilder::set_basic_authorization", builder.set_basic_authorization("user", Some("word")));
            made!(report, $api, "schema_registry::SrSettingsBuilder::add_header", builder.add_header("x-test", "1"));
            made!(report, $api, "schema_registry::SrSettingsBuilder::set_timeout", builder.set_timeout(std::time::Duration::from_secs(20)));
            made!(report, $api, "schema_registry::SrSettingsBuilder::no_proxy", builder.no_proxy());
            report.called(concat!(stringify!($api), "::schema_registry::SrSettingsBuilder::build_with"));
            let with = new().build_with($http);
            report.value("build_with", with);
            // The registry as its own proxy: it is asked in the form that proxies are.
            let mut proxied = new();
            made!(report, $api, "schema_registry::SrSettingsBuilder::set_proxy", proxied.set_proxy(url));
            let proxied = proxied.build();
            if let Some(proxied) = report.value("proxied", proxied) {
                let asked = $wait!(sr::get_all_subjects(&proxied));
                report.value("asked as a proxy", asked);
            }
            report.called(concat!(stringify!($api), "::schema_registry::SrSettingsBuilder::build"));
            let built = builder.build();
            report.value("build", built)
        }

        fn registry(report: &mut Report, settings: &SrSettings) -> Option<()> {
            let subject = concat!(stringify!($api), "-orders");
            let post = |schema| sr::post_schema(settings, subject.to_owned(), schema);
            let made = call!(report, $api, $wait, "schema_registry::post_schema", post(values::avro()))?;
            let again = $wait!(post(values::avro()));
            report.equal("registered again", report_id(&again), Some(made.id));
            let broken = values::plain(SchemaType::Avro, values::BROKEN_AVRO);
            let refused = $wait!(post(broken.clone()));
            report.refused("incompatible", 40901, refused);
            let same = |text: &str| serde_json::from_str::<Json>(text).ok();
            let wanted = same(values::ORDER_AVRO);
            let found = call!(report, $api, $wait, "schema_registry::get_schema_by_id", sr::get_schema_by_id(made.id, settings))?;
            report.equal("by id", same(&found.schema), wanted.clone());
            let unknown = $wait!(sr::get_schema_by_id(4711, settings));
            report.refused("unknown id", 40403, unknown);
            let found = call!(report, $api, $wait, "schema_registry::get_schema_by_id_and_type", sr::get_schema_by_id_and_type(made.id, settings, SchemaType::Avro))?;
            report.equal("by id and type", same(&found.schema), wanted.clone());
            let guid = found.guid.clone().unwrap_or_default();
            let found = call!(report, $api, $wait, "schema_registry::get_schema_by_guid", sr::get_schema_by_guid(&guid, settings))?;
            report.equal("by guid", same(&found.schema), wanted.clone());
            let found = call!(report, $api, $wait, "schema_registry::get_schema_by_guid_and_type", sr::get_schema_by_guid_and_type(&guid, settings, SchemaType::Avro))?;
            report.equal("by guid and type", same(&found.schema), wanted.clone());
            let strategy = SubjectNameStrategy::RecordNameStrategy(subject.to_owned());
            let found = call!(report, $api, $wait, "schema_registry::get_schema_by_subject", sr::get_schema_by_subject(settings, &strategy))?;
            report.equal("by subject", (found.id, found.version, found.subject.as_deref()), (made.id, Some(1), Some(subject)));
            let reference = found.references.first()?;
            report.equal("reference", (reference.name.as_str(), reference.subject.as_str(), reference.version), ("shop.Money", "shop.Money", 1));
            let found = call!(report, $api, $wait, "schema_registry::get_referenced_schema", sr::get_referenced_schema(settings, reference))?;
            report.equal("referenced", same(&found.schema), same(values::MONEY_AVRO));
            let found = call!(report, $api, $wait, "schema_registry::perform_sr_call", sr::perform_sr_call(settings, SrCall::GetLatest(subject)))?;
            report.equal("latest", found.id, Some(made.id));
            let subjects = call!(report, $api, $wait, "schema_registry::get_all_subjects", sr::get_all_subjects(settings))?;
            report.equal("listed", subjects.contains(&subject.to_owned()), true);
            let versions = call!(report, $api, $wait, "schema_registry::get_all_versions", sr::get_all_versions(settings, subject.to_owned()))?;
            report.equal("versions", versions, vec![1]);
            let compatible = call!(report, $api, $wait, "schema_registry::is_compatible_schema", sr::is_compatible_schema(settings, subject.to_owned(), values::avro()))?;
            report.equal("compatible", compatible, true);
            let compatible = $wait!(sr::is_compatible_schema(settings, subject.to_owned(), broken));
            report.equal("incompatible", compatible.ok(), Some(false));
            Some(())
        }

        fn report_id<E>(
            result: &Result<schema_registry_converter::schema_registry_common::RegisteredSchema, E>,
        ) -> Option<u32> {
            result.as_ref().ok().map(|schema| schema.id)
        }

        /// The strategy that registers `schema` for the values of a topic of this form's own.
        fn topic(name: &str, schema: schema_registry_converter::schema_registry_common::SuppliedSchema) -> SubjectNameStrategy {
            SubjectNameStrategy::TopicNameStrategyWithSchema(format!(concat!(stringify!($api), "-{}"), name), false, schema)
        }

        fn avro_coders(report: &mut Report, settings: &SrSettings) -> Option<()> {
            let strategy = topic("avro", values::avro());
            let encoder = made!(report, $api, "avro::AvroEncoder::new", avro::AvroEncoder::new(settings.clone()));
            let decoder = made!(report, $api, "avro::AvroDecoder::new", avro::AvroDecoder::new(settings.clone()));
            made!(report, $api, "avro::AvroEncoder::remove_errors_from_cache", encoder.remove_errors_from_cache());
            made!(report, $api, "avro::AvroDecoder::remove_errors_from_cache", decoder.remove_errors_from_cache());
            let wanted: Avro = values::order_value();
            let one = call!(report, $api, $wait, "avro::AvroEncoder::encode", encoder.encode(values::order_fields(), $pass!(strategy)))?;
            let two = call!(report, $api, $wait, "avro::AvroEncoder::encode_struct", encoder.encode_struct(values::order(), &strategy))?;
            report.equal("same bytes", &one, &two);
            let found = call!(report, $api, $wait, "avro::AvroDecoder::decode", decoder.decode(Some(&one)))?;
            report.equal("avro", found.value, wanted.clone());
            let found = call!(report, $api, $wait, "avro::AvroDecoder::decode_with_schema", decoder.decode_with_schema(Some(&one)))??;
            report.equal("avro with schema", found.value, wanted.clone());
            let (body, header) = call!(report, $api, $wait, "avro::AvroEncoder::encode_with_header_id", encoder.encode_with_header_id(values::order_fields(), $pass!(strategy), false))?;
            report.equal("bare", &one[5..], &body[..]);
            let found = call!(report, $api, $wait, "avro::AvroDecoder::decode_with_header_id", decoder.decode_with_header_id(Some(&header.value), Some(&body)))?;
            report.equal("avro by header", found.value, wanted.clone());
            let (body, header) = call!(report, $api, $wait, "avro::AvroEncoder::encode_struct_with_header_id", encoder.encode_struct_with_header_id(values::order(), &strategy, false))?;
            let found = call!(report, $api, $wait, "avro::AvroDecoder::decode_with_schema_with_header_id", decoder.decode_with_schema_with_header_id(Some(&header.value), Some(&body)))??;
            report.equal("avro by header with schema", found.value, wanted);
            Some(())
        }

        fn json_coders(report: &mut Report, settings: &SrSettings) -> Option<()> {
            let strategy = topic("json", values::json());
            let encoder = made!(report, $api, "json::JsonEncoder::new", json::JsonEncoder::new(settings.clone()));
            let decoder = made!(report, $api, "json::JsonDecoder::new", json::JsonDecoder::new(settings.clone()));
            made!(report, $api, "json::JsonEncoder::remove_errors_from_cache", encoder.remove_errors_from_cache());
            made!(report, $api, "json::JsonDecoder::remove_errors_from_cache", decoder.remove_errors_from_cache());
            let value = json!({"id": 7, "total": {"units": -3}});
            let bytes = call!(report, $api, $wait, "json::JsonEncoder::encode", encoder.encode(&value, $pass!(strategy)))?;
            let found = call!(report, $api, $wait, "json::JsonDecoder::decode", decoder.decode(Some(&bytes)))??;
            report.equal("json", &found.value, &value);
            made!(report, $api, "json::JsonDecoder::validate", ());
            let valid = decoder.validate(&found.schema, &value);
            report.value("valid", valid);
            report.equal("not valid", decoder.validate(&found.schema, &json!({"id": 7, "total": {"units": "x"}})).is_err(), true);
            let (body, header) = call!(report, $api, $wait, "json::JsonEncoder::encode_with_header_id", encoder.encode_with_header_id(&value, $pass!(strategy), false))?;
            let found = call!(report, $api, $wait, "json::JsonDecoder::decode_with_header_id", decoder.decode_with_header_id(Some(&header.value), Some(&body)))??;
            report.equal("json by header", found.value, value);
            let schema = call!(report, $api, $wait, "json::JsonDecoder::get_schema", decoder.get_schema(found.schema.id.max(u32::from(bytes[4]))))?;
            report.equal("its reference", schema.references.len(), 1);
            let registered = $wait!(sr::get_schema_by_subject(settings, &strategy)).ok()?;
            let schema = call!(report, $api, $wait, "json::get_json_schema", json::get_json_schema(settings, registered))?;
            report.equal("of its own", schema.schema["required"].clone(), json!(["id"]));
            Some(())
        }

        /// The field `id` of a message.
        fn number(message: &DynamicMessage) -> Option<i32> {
            message.get_field_by_name("id").and_then(|id| id.as_i32())
        }

        fn protobuf_coders(report: &mut Report, settings: &SrSettings) -> Option<()> {
            let strategy = topic("protobuf", values::protobuf());
            let single = topic("single", values::plain(SchemaType::Protobuf, values::SINGLE_PROTO));
            let encoder = made!(report, $api, "proto_raw::ProtoRawEncoder::new", proto_raw::ProtoRawEncoder::new(settings.clone()));
            let decoder = made!(report, $api, "proto_raw::ProtoRawDecoder::new", proto_raw::ProtoRawDecoder::new(settings.clone()));
            made!(report, $api, "proto_raw::ProtoRawEncoder::remove_errors_from_cache", encoder.remove_errors_from_cache());
            made!(report, $api, "proto_raw::ProtoRawDecoder::remove_errors_from_cache", decoder.remove_errors_from_cache());
            let bytes = call!(report, $api, $wait, "proto_raw::ProtoRawEncoder::encode", encoder.encode(&values::RAW, "shop.Order", $pass!(strategy)))?;
            // The second message of its file: one index (zigzag 1), which is 1.
            report.equal("framing", &bytes[5..], &[2, 2, 8, 7][..]);
            let found = call!(report, $api, $wait, "proto_raw::ProtoRawDecoder::decode", decoder.decode(Some(&bytes)))??;
            report.equal("raw", (found.full_name.as_str(), &found.bytes[..]), ("shop.Order", &values::RAW[..]));
            let (body, header) = call!(report, $api, $wait, "proto_raw::ProtoRawEncoder::encode_with_header_id", encoder.encode_with_header_id(&values::RAW, "shop.Order", $pass!(strategy), false))?;
            let found = call!(report, $api, $wait, "proto_raw::ProtoRawDecoder::decode_with_header_id", decoder.decode_with_header_id(Some(&header.value), Some(&body)))??;
            report.equal("raw by header", found.full_name.as_str(), "shop.Order");
            let one = call!(report, $api, $wait, "proto_raw::ProtoRawEncoder::encode_single_message", encoder.encode_single_message(&values::RAW, $pass!(single)))?;
            report.equal("single framing", &one[5..], &[0, 8, 7][..]);
            let (body, _) = call!(report, $api, $wait, "proto_raw::ProtoRawEncoder::encode_single_message_with_header_id", encoder.encode_single_message_with_header_id(&values::RAW, $pass!(single), false))?;
            report.equal("single bare", &body[..], &values::RAW[..]);

            let encoder = made!(report, $api, "proto_encoder::ProtoEncoder::new", proto_encoder::ProtoEncoder::new(settings.clone()));
            let decoder = made!(report, $api, "proto_decoder::ProtoDecoder::new", proto_decoder::ProtoDecoder::new(settings.clone()));
            made!(report, $api, "proto_encoder::ProtoEncoder::remove_errors_from_cache", encoder.remove_errors_from_cache());
            made!(report, $api, "proto_decoder::ProtoDecoder::remove_errors_from_cache", decoder.remove_errors_from_cache());
            let descriptor = call!(report, $api, $wait, "proto_encoder::ProtoEncoder::get_message_descriptor", encoder.get_message_descriptor("shop.Order", &strategy))?;
            let mut message = DynamicMessage::new(descriptor);
            message.set_field_by_name("id", Proto::I32(7));
            let found = call!(report, $api, $wait, "proto_encoder::ProtoEncoder::encode", encoder.encode(&message, &strategy))?;
            report.equal("encoded", &found, &bytes);
            let found = call!(report, $api, $wait, "proto_decoder::ProtoDecoder::decode", decoder.decode(Some(&bytes)))?;
            report.equal("decoded", found.as_message().and_then(number), Some(7));
            let found = call!(report, $api, $wait, "proto_decoder::ProtoDecoder::decode_with_context", decoder.decode_with_context(Some(&bytes)))??;
            report.equal("decoded with context", (found.full_name.as_str(), number(&found.value)), ("shop.Order", Some(7)));
            let (body, header) = call!(report, $api, $wait, "proto_encoder::ProtoEncoder::encode_with_header_id", encoder.encode_with_header_id(&message, &strategy, false))?;
            let found = call!(report, $api, $wait, "proto_decoder::ProtoDecoder::decode_with_header_id", decoder.decode_with_header_id(Some(&header.value), Some(&body)))?;
            report.equal("decoded by header", found.as_message().and_then(number), Some(7));
            let value = json!({"id": 7});
            let found = call!(report, $api, $wait, "proto_encoder::ProtoEncoder::encode_json", encoder.encode_json(&value, "shop.Order", &strategy))?;
            report.equal("encoded from JSON", &found, &bytes);
            let (body, header) = call!(report, $api, $wait, "proto_encoder::ProtoEncoder::encode_json_with_header_id", encoder.encode_json_with_header_id(&value, "shop.Order", &strategy, false))?;
            let found = call!(report, $api, $wait, "proto_decoder::ProtoDecoder::decode_with_context_and_header_id", decoder.decode_with_context_and_header_id(Some(&header.value), Some(&body)))??;
            report.equal("decoded by header with context", number(&found.value), Some(7));
            Some(())
        }

        /// The parts that both forms have.
        fn common(report: &mut Report, url: &str) -> Option<SrSettings> {
            let settings = settings(report, url)?;
            let _ = registry(report, &settings);
            let _ = avro_coders(report, &settings);
            let _ = json_coders(report, &settings);
            let _ = protobuf_coders(report, &settings);
            Some(settings)
        }
    };
}

pub(crate) use {call, made, scenario};
