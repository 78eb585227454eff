//! The asynchronous form, and the wrappers over it that hold their parts in shared pointers.

use schema_registry_converter::async_impl::{
    easy_avro, easy_json, easy_proto_decoder, easy_proto_encoder, easy_proto_raw,
};

use crate::scenario::{call, made, scenario};

/// Runs a future to its end.
fn finished<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

macro_rules! wait {
    ($call:expr) => {
        finished(async { $call.await })
    };
}
macro_rules! by_value {
    ($strategy:ident) => {
        $strategy.clone()
    };
}

scenario!(async_impl, wait, by_value, reqwest::ClientBuilder::new());

/// Everything.
pub fn all(report: &mut Report, url: &str) {
    let Some(settings) = common(report, url) else { return };
    let _ = only_here(report, &settings);
    let _ = easy_avro_coders(report, &settings);
    let _ = easy_json_coders(report, &settings);
    let _ = easy_protobuf_coders(report, &settings);
}

/// What the blocking form lacks.
fn only_here(report: &mut Report, settings: &SrSettings) -> Option<()> {
    let found = call!(
        report,
        async_impl,
        wait,
        "schema_registry::get_schema_by_subject_and_version",
        sr::get_schema_by_subject_and_version(settings, "shop.Money", Some(1))
    )?;
    report.equal("by version", found.version, Some(1));
    let strategy = topic("avro", values::avro());
    let encoder = avro::AvroEncoder::new(settings.clone());
    let decoder = avro::AvroDecoder::new(settings.clone());
    let bytes = call!(
        report,
        async_impl,
        wait,
        "avro::AvroEncoder::encode_value",
        encoder.encode_value(values::order_value(), &strategy)
    )?;
    let (body, _) = call!(
        report,
        async_impl,
        wait,
        "avro::AvroEncoder::encode_value_with_header_id",
        encoder.encode_value_with_header_id(values::order_value(), &strategy, false)
    )?;
    report.equal("bare", &bytes[5..], &body[..]);
    let known = call!(
        report,
        async_impl,
        wait,
        "avro::AvroEncoder::get_schema_and_id",
        encoder.get_schema_and_id("async_impl-avro-value", strategy.clone())
    )?;
    let schema =
        call!(report, async_impl, wait, "avro::AvroDecoder::get_schema", decoder.get_schema(known.id))?;
    report.equal("same schema", &schema.parsed, &known.parsed);
    let registered = wait!(sr::get_schema_by_id(known.id, settings)).ok()?;
    let schema = call!(
        report,
        async_impl,
        wait,
        "avro::get_avro_schema",
        avro::get_avro_schema(settings, registered)
    )?;
    report.equal("same once more", &schema.parsed, &known.parsed);
    Some(())
}

fn easy_avro_coders(report: &mut Report, settings: &SrSettings) -> Option<()> {
    let strategy = topic("easy-avro", values::avro());
    let encoder = made!(
        report,
        async_impl,
        "easy_avro::EasyAvroEncoder::new",
        easy_avro::EasyAvroEncoder::new(settings.clone())
    );
    let decoder = made!(
        report,
        async_impl,
        "easy_avro::EasyAvroDecoder::new",
        easy_avro::EasyAvroDecoder::new(settings.clone())
    );
    let wanted = values::order_value();
    let one = call!(
        report,
        async_impl,
        wait,
        "easy_avro::EasyAvroEncoder::encode",
        encoder.encode(values::order_fields(), strategy.clone())
    )?;
    let two = call!(
        report,
        async_impl,
        wait,
        "easy_avro::EasyAvroEncoder::encode_struct",
        encoder.encode_struct(values::order(), &strategy)
    )?;
    let three = call!(
        report,
        async_impl,
        wait,
        "easy_avro::EasyAvroEncoder::encode_value",
        encoder.encode_value(values::order_value(), &strategy)
    )?;
    report.equal("same bytes", (&one, &one), (&two, &three));
    let (body, header) = call!(
        report,
        async_impl,
        wait,
        "easy_avro::EasyAvroEncoder::encode_with_header_id",
        encoder.encode_with_header_id(values::order_fields(), strategy.clone(), false)
    )?;
    let (two, _) = call!(
        report,
        async_impl,
        wait,
        "easy_avro::EasyAvroEncoder::encode_struct_with_header_id",
        encoder.encode_struct_with_header_id(values::order(), &strategy, false)
    )?;
    let (three, _) = call!(
        report,
        async_impl,
        wait,
        "easy_avro::EasyAvroEncoder::encode_value_with_header_id",
        encoder.encode_value_with_header_id(values::order_value(), &strategy, false)
    )?;
    report.equal("same bare", (&body, &body), (&two, &three));
    let known = call!(
        report,
        async_impl,
        wait,
        "easy_avro::EasyAvroEncoder::get_schema_and_id",
        encoder.get_schema_and_id("async_impl-easy-avro-value", strategy.clone())
    )?;
    report.equal("its id", known.id.to_be_bytes().as_slice(), &one[1..5]);
    let found =
        call!(report, async_impl, wait, "easy_avro::EasyAvroDecoder::decode", decoder.decode(Some(&one)))?;
    report.equal("decoded", found.value, wanted.clone());
    let found = call!(
        report,
        async_impl,
        wait,
        "easy_avro::EasyAvroDecoder::decode_with_schema",
        decoder.decode_with_schema(Some(&one))
    )??;
    report.equal("decoded with schema", found.value, wanted.clone());
    let found = call!(
        report,
        async_impl,
        wait,
        "easy_avro::EasyAvroDecoder::decode_with_header_id",
        decoder.decode_with_header_id(Some(&header.value), Some(&body))
    )?;
    report.equal("decoded by header", found.value, wanted.clone());
    let found = call!(
        report,
        async_impl,
        wait,
        "easy_avro::EasyAvroDecoder::decode_with_schema_with_header_id",
        decoder.decode_with_schema_with_header_id(Some(&header.value), Some(&body))
    )??;
    report.equal("decoded by header with schema", found.value, wanted);
    Some(())
}

fn easy_json_coders(report: &mut Report, settings: &SrSettings) -> Option<()> {
    let strategy = topic("easy-json", values::json());
    let encoder = made!(
        report,
        async_impl,
        "easy_json::EasyJsonEncoder::new",
        easy_json::EasyJsonEncoder::new(settings.clone())
    );
    let decoder = made!(
        report,
        async_impl,
        "easy_json::EasyJsonDecoder::new",
        easy_json::EasyJsonDecoder::new(settings.clone())
    );
    let value = json!({"id": 7, "total": {"units": -3}});
    let bytes = call!(
        report,
        async_impl,
        wait,
        "easy_json::EasyJsonEncoder::encode",
        encoder.encode(&value, strategy.clone())
    )?;
    let (body, header) = call!(
        report,
        async_impl,
        wait,
        "easy_json::EasyJsonEncoder::encode_with_header_id",
        encoder.encode_with_header_id(&value, strategy.clone(), false)
    )?;
    let found =
        call!(report, async_impl, wait, "easy_json::EasyJsonDecoder::decode", decoder.decode(Some(&bytes)))??;
    report.equal("decoded", &found.value, &value);
    made!(report, async_impl, "easy_json::EasyJsonDecoder::validate", ());
    let valid = decoder.validate(&found.schema, &value);
    report.value("valid", valid);
    let found = call!(
        report,
        async_impl,
        wait,
        "easy_json::EasyJsonDecoder::decode_with_header_id",
        decoder.decode_with_header_id(Some(&header.value), Some(&body))
    )??;
    report.equal("decoded by header", found.value, value);
    Some(())
}

fn easy_protobuf_coders(report: &mut Report, settings: &SrSettings) -> Option<()> {
    let strategy = topic("easy-protobuf", values::protobuf());
    let single = topic("easy-single", values::plain(SchemaType::Protobuf, values::SINGLE_PROTO));
    let encoder = made!(
        report,
        async_impl,
        "easy_proto_raw::EasyProtoRawEncoder::new",
        easy_proto_raw::EasyProtoRawEncoder::new(settings.clone())
    );
    let decoder = made!(
        report,
        async_impl,
        "easy_proto_raw::EasyProtoRawDecoder::new",
        easy_proto_raw::EasyProtoRawDecoder::new(settings.clone())
    );
    let bytes = call!(
        report,
        async_impl,
        wait,
        "easy_proto_raw::EasyProtoRawEncoder::encode",
        encoder.encode(&values::RAW, "shop.Order", strategy.clone())
    )?;
    let (body, header) = call!(
        report,
        async_impl,
        wait,
        "easy_proto_raw::EasyProtoRawEncoder::encode_with_header_id",
        encoder.encode_with_header_id(&values::RAW, "shop.Order", strategy.clone(), false)
    )?;
    let one = call!(
        report,
        async_impl,
        wait,
        "easy_proto_raw::EasyProtoRawEncoder::encode_single_message",
        encoder.encode_single_message(&values::RAW, single.clone())
    )?;
    let (bare, _) = call!(
        report,
        async_impl,
        wait,
        "easy_proto_raw::EasyProtoRawEncoder::encode_single_message_with_header_id",
        encoder.encode_single_message_with_header_id(&values::RAW, single.clone(), false)
    )?;
    report.equal("single", &one[6..], &bare[..]);
    let found = call!(
        report,
        async_impl,
        wait,
        "easy_proto_raw::EasyProtoRawDecoder::decode",
        decoder.decode(Some(&bytes))
    )??;
    report.equal("raw", found.full_name.as_str(), "shop.Order");
    let found = call!(
        report,
        async_impl,
        wait,
        "easy_proto_raw::EasyProtoRawDecoder::decode_with_header_id",
        decoder.decode_with_header_id(Some(&header.value), Some(&body))
    )??;
    report.equal("raw by header", &found.bytes[..], &values::RAW[..]);

    let encoder = made!(
        report,
        async_impl,
        "easy_proto_encoder::EasyProtoEncoder::new",
        easy_proto_encoder::EasyProtoEncoder::new(settings.clone())
    );
    let decoder = made!(
        report,
        async_impl,
        "easy_proto_decoder::EasyProtoDecoder::new",
        easy_proto_decoder::EasyProtoDecoder::new(settings.clone())
    );
    let descriptor = call!(
        report,
        async_impl,
        wait,
        "easy_proto_encoder::EasyProtoEncoder::get_message_descriptor",
        encoder.get_message_descriptor("shop.Order", &strategy)
    )?;
    let mut message = DynamicMessage::new(descriptor);
    message.set_field_by_name("id", Proto::I32(7));
    let value = json!({"id": 7});
    let one = call!(
        report,
        async_impl,
        wait,
        "easy_proto_encoder::EasyProtoEncoder::encode",
        encoder.encode(&message, &strategy)
    )?;
    let two = call!(
        report,
        async_impl,
        wait,
        "easy_proto_encoder::EasyProtoEncoder::encode_json",
        encoder.encode_json(&value, "shop.Order", &strategy)
    )?;
    report.equal("same bytes", (&one, &two), (&bytes, &bytes));
    let (one, header) = call!(
        report,
        async_impl,
        wait,
        "easy_proto_encoder::EasyProtoEncoder::encode_with_header_id",
        encoder.encode_with_header_id(&message, &strategy, false)
    )?;
    let (two, _) = call!(
        report,
        async_impl,
        wait,
        "easy_proto_encoder::EasyProtoEncoder::encode_json_with_header_id",
        encoder.encode_json_with_header_id(&value, "shop.Order", &strategy, false)
    )?;
    report.equal("same bare", &one, &two);
    let found = call!(
        report,
        async_impl,
        wait,
        "easy_proto_decoder::EasyProtoDecoder::decode",
        decoder.decode(Some(&bytes))
    )?;
    report.equal("decoded", found.as_message().and_then(number), Some(7));
    let found = call!(
        report,
        async_impl,
        wait,
        "easy_proto_decoder::EasyProtoDecoder::decode_with_context",
        decoder.decode_with_context(Some(&bytes))
    )??;
    report.equal("decoded with context", number(&found.value), Some(7));
    let found = call!(
        report,
        async_impl,
        wait,
        "easy_proto_decoder::EasyProtoDecoder::decode_with_header_id",
        decoder.decode_with_header_id(Some(&header.value), Some(&one))
    )?;
    report.equal("decoded by header", found.as_message().and_then(number), Some(7));
    let found = call!(
        report,
        async_impl,
        wait,
        "easy_proto_decoder::EasyProtoDecoder::decode_with_context_and_header_id",
        decoder.decode_with_context_and_header_id(Some(&header.value), Some(&one))
    )??;
    report.equal("decoded by header with context", number(&found.value), Some(7));
    Some(())
}
