"""confluent-kafka's serializers of all three formats, through a registry and a Kafka broker and back.

    serdes.py URL BOOTSTRAP PREFIX sync|async

Writes to the topics PREFIX-avro, PREFIX-json, PREFIX-protobuf, PREFIX-headers and PREFIX-associated, which exist.
"""

import asyncio
import base64
import json
import sys
import time

import confluent_kafka
from confluent_kafka import Consumer, Producer
from confluent_kafka import schema_registry as sr
from confluent_kafka.schema_registry import avro, json_schema, protobuf
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from report import Report

COUNT = 50
DEADLINE_SECONDS = 60

MONEY_AVRO = json.dumps({"type": "record", "name": "Money", "namespace": "shop", "fields": [
    {"name": "units", "type": "long"}, {"name": "currency", "type": {"type": "enum", "name": "Currency", "symbols": ["EUR", "SEK"]}}]})
ORDER_AVRO = json.dumps({"type": "record", "name": "Order", "namespace": "shop", "fields": [
    {"name": "id", "type": "long"}, {"name": "total", "type": "shop.Money"}, {"name": "notes", "type": {"type": "array", "items": "string"}},
    {"name": "gift", "type": ["null", "string"], "default": None}]})
ORDER_AVRO_NEXT = json.dumps({**json.loads(ORDER_AVRO), "fields": [*json.loads(ORDER_AVRO)["fields"], {"name": "channel", "type": "string", "default": "web"}]})
MONEY_JSON = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "$id": "money.json", "title": "Money", "type": "object",
    "properties": {"units": {"type": "integer"}, "currency": {"enum": ["EUR", "SEK"]}}, "required": ["units"], "additionalProperties": False})
ORDER_JSON = json.dumps({"$schema": "http://json-schema.org/draft-07/schema#", "title": "Order", "type": "object",
    "properties": {"id": {"type": "integer"}, "total": {"$ref": "money.json"}, "notes": {"type": "array", "items": {"type": "string"}},
                   "gift": {"type": ["null", "string"]}}, "required": ["id"], "additionalProperties": False})


def protobuf_order():
    """The class of shop.Order, whose file imports another one and a well-known type."""
    field = descriptor_pb2.FieldDescriptorProto
    money = descriptor_pb2.FileDescriptorProto(name="shop/money.proto", package="shop", syntax="proto3")
    message = money.message_type.add(name="Money")
    message.field.add(name="units", number=1, type=field.TYPE_INT64, label=field.LABEL_OPTIONAL, json_name="units")
    message.field.add(name="currency", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL, json_name="currency")
    order = descriptor_pb2.FileDescriptorProto(name="shop/order.proto", package="shop", syntax="proto3",
                                               dependency=["shop/money.proto", "google/protobuf/timestamp.proto"])
    # A first message that is not sent, so that the message index matters.
    order.message_type.add(name="Unused").field.add(name="a", number=1, type=field.TYPE_BOOL, label=field.LABEL_OPTIONAL, json_name="a")
    message = order.message_type.add(name="Order")
    message.field.add(name="id", number=1, type=field.TYPE_INT64, label=field.LABEL_OPTIONAL, json_name="id")
    message.field.add(name="total", number=2, type=field.TYPE_MESSAGE, type_name=".shop.Money", label=field.LABEL_OPTIONAL, json_name="total")
    message.field.add(name="notes", number=3, type=field.TYPE_STRING, label=field.LABEL_REPEATED, json_name="notes")
    message.field.add(name="at", number=4, type=field.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp", label=field.LABEL_OPTIONAL, json_name="at")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(money.SerializeToString())
    pool.AddSerializedFile(order.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))


def order(number):
    return {"id": number << 33, "total": {"units": -number, "currency": "SEK"}, "notes": [f"n{number}", "ü"] * (number % 3),
            "gift": None if number % 2 else "ribbon"}


class Side:
    """One of the two forms of the library: plain calls, or coroutines run to their end."""

    def __init__(self, kind):
        self.asynchronous = kind == "async"
        self.loop = asyncio.new_event_loop()

    def done(self, value):
        return self.loop.run_until_complete(value) if self.asynchronous and asyncio.iscoroutine(value) else value

    def make(self, module, name, *arguments, **named):
        """A client, serializer or deserializer, wrapped so that calling it gives the value."""
        thing = self.done(getattr(module, ("Async" if self.asynchronous else "") + name)(*arguments, **named))
        return lambda *a: self.done(thing(*a))

    def client(self, url):
        return (sr.AsyncSchemaRegistryClient if self.asynchronous else sr.SchemaRegistryClient)({"url": url})


def main(url, bootstrap, prefix, kind):
    report = Report(f"confluent-kafka {confluent_kafka.__version__} {kind} serializers")
    side = Side(kind)
    registry = side.client(url)
    ask = lambda name, *arguments: side.done(getattr(registry, name)(*arguments))  # noqa: E731
    values = [order(number) for number in range(COUNT)]

    def context(topic, field=MessageField.VALUE, headers=None):
        return SerializationContext(topic, field, headers)

    def through_kafka(topic, records):
        """Writes (key, value, headers) records and reads back as many."""
        producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
        errors = []
        for key, value, headers in records:
            producer.produce(topic, key=key, value=value, headers=headers, on_delivery=lambda e, _: e and errors.append(str(e)))
            producer.poll(0)
        report.equal(f"{topic}: left to send", producer.flush(DEADLINE_SECONDS), 0)
        report.equal(f"{topic}: refused", errors, [])
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"{topic}-{kind}", "auto.offset.reset": "earliest"})
        consumer.subscribe([topic])
        read, deadline = [], time.monotonic() + DEADLINE_SECONDS
        while len(read) < len(records) - len(errors) and time.monotonic() < deadline:
            read += [message for message in consumer.consume(len(records), 0.2) if not message.error()]
        consumer.close()
        report.equal(f"{topic}: read", len(read), len(records))
        return read

    def round_trip(topic, serialize, deserialize, messages, schema_type, framing):
        records = [(b"%d" % n, serialize(message, context(topic)), None) for n, message in enumerate(messages)]
        latest = ask("get_latest_version", f"{topic}-value")
        report.equal(f"{topic}: registered under its subject", latest.schema.schema_type, schema_type)
        start = bytes([0]) + latest.schema_id.to_bytes(4, "big") + framing
        report.true(f"{topic}: framing", all(value.startswith(start) for _, value, _ in records))
        read = through_kafka(topic, records)
        got = {int(m.key()): deserialize(m.value(), context(topic)) for m in read}
        report.equal(f"{topic}: same values", [got.get(n) for n in range(len(messages))], messages)
        return latest

    def avro_format():
        topic = f"{prefix}-avro"
        ask("register_schema", "shop.Money", sr.Schema(MONEY_AVRO, "AVRO"))
        schema = sr.Schema(ORDER_AVRO, "AVRO", [sr.SchemaReference("shop.Money", "shop.Money", 1)])
        serialize = side.make(avro, "AvroSerializer", registry, schema)
        deserialize = side.make(avro, "AvroDeserializer", registry)
        latest = round_trip(topic, serialize, deserialize, values, "AVRO", b"")
        report.equal("reference kept", [r.name for r in latest.schema.references], ["shop.Money"])
        # The next version, registered by hand; a serializer that uses the latest, a reader that knows it.
        following = sr.Schema(ORDER_AVRO_NEXT, "AVRO", [sr.SchemaReference("shop.Money", "shop.Money", 1)])
        number = ask("register_schema", f"{topic}-value", following)
        ask("clear_latest_caches")
        newest = side.make(avro, "AvroSerializer", registry, None, conf={"auto.register.schemas": False, "use.latest.version": True})
        data = newest({**values[3], "channel": "shop"}, context(topic))
        report.equal("uses the latest", int.from_bytes(data[1:5], "big"), number)
        report.equal("reads the latest", deserialize(data, context(topic))["channel"], "shop")
        reader = side.make(avro, "AvroDeserializer", registry, following)
        report.equal("reads the first as the second", reader(serialize(values[3], context(topic)), context(topic))["channel"], "web")
        # What may not be registered is not written: reads of old data would break.
        broken = json.dumps({"type": "record", "name": "Order", "namespace": "shop", "fields": [{"name": "other", "type": "long"}]})
        refused = side.make(avro, "AvroSerializer", registry, broken)
        report.refused("incompatible", 409, 40901, lambda: refused({"other": 1}, context(topic)))
        by_record = side.make(avro, "AvroSerializer", registry, '{"type":"record","name":"Parcel","namespace":"shop","fields":[]}',
                              conf={"subject.name.strategy": sr.record_subject_name_strategy, "normalize.schemas": True})
        by_record({}, context(topic))
        report.equal("by record name", ask("get_versions", "shop.Parcel"), [1])
        unregistered = side.make(avro, "AvroSerializer", registry, '"string"', conf={"auto.register.schemas": False})
        report.refused("unregistered", 404, 40401, lambda: unregistered("a", context("nothing")))
        key = side.make(avro, "AvroSerializer", registry, '"string"')
        data = key("a key", context(topic, MessageField.KEY))
        report.equal("key", deserialize(data, context(topic, MessageField.KEY)), "a key")
        report.equal("key's subject", ask("get_versions", f"{topic}-key"), [1])

    def json_format():
        topic = f"{prefix}-json"
        ask("register_schema", "money", sr.Schema(MONEY_JSON, "JSON"))
        schema = sr.Schema(ORDER_JSON, "JSON", [sr.SchemaReference("money.json", "money", 1)])
        serialize = side.make(json_schema, "JSONSerializer", schema, registry)
        deserialize = side.make(json_schema, "JSONDeserializer", None, schema_registry_client=registry)
        latest = round_trip(topic, serialize, deserialize, values, "JSON", b"{")
        report.equal("reference kept", [(r.name, r.subject, r.version) for r in latest.schema.references], [("money.json", "money", 1)])
        report.equal("text", json.loads(latest.schema.schema_str), json.loads(ORDER_JSON))
        changed = json.loads(ORDER_JSON)
        changed["properties"]["id"] = {"type": "string"}
        refused = side.make(json_schema, "JSONSerializer", sr.Schema(json.dumps(changed), "JSON", schema.references), registry)
        report.refused("incompatible", 409, 40901, lambda: refused({"id": "1"}, context(topic)))
        report.refused("no schema", 422, 42201, lambda: ask("register_schema", "x", sr.Schema('{"type":17}', "JSON")))

    def protobuf_format():
        topic = f"{prefix}-protobuf"
        Order = protobuf_order()
        messages = []
        for value in values:
            plain = {name: content for name, content in value.items() if name != "gift"}
            message = Order(**plain)
            message.at.FromSeconds(1_700_000_000 + value["id"] % 1000)
            messages.append(message)
        serialize = side.make(protobuf, "ProtobufSerializer", Order, registry, {"use.deprecated.format": False})
        # A client of its own: this library remembers a schema it registered as text and would read that as base64.
        deserialize = side.make(protobuf, "ProtobufDeserializer", Order, {"use.deprecated.format": False}, side.client(url))
        # The second message of its file: one index (zigzag 1), which is 1.
        latest = round_trip(topic, serialize, deserialize, messages, "PROTOBUF", bytes([2, 2]))
        report.equal("references", sorted(r.name for r in latest.schema.references), ["shop/money.proto"])
        report.true("text", "message Order" in latest.schema.schema_str and 'import "shop/money.proto"' in latest.schema.schema_str)
        report.equal("the imported file", ask("get_versions", "shop/money.proto"), [1])
        ask("clear_caches")
        binary = base64.b64decode(ask("get_latest_version", "shop/money.proto", "serialized").schema.schema_str)
        parsed = descriptor_pb2.FileDescriptorProto.FromString(binary)
        report.equal("as bytes", [message.name for message in parsed.message_type], ["Money"])
        report.refused("no schema", 422, 42201, lambda: ask("register_schema", "x", sr.Schema("message {", "PROTOBUF")))

    def headers():
        """The schema's guid travels in a header, the value is bare."""
        topic = f"{prefix}-headers"
        schema = '{"type":"record","name":"Small","namespace":"shop","fields":[{"name":"id","type":"long"}]}'
        serialize = side.make(avro, "AvroSerializer", registry, schema, conf={"schema.id.serializer": sr.header_schema_id_serializer})
        deserialize = side.make(avro, "AvroDeserializer", registry)
        records = []
        for number in range(5):
            # Numbers whose datum is longer than the prefix, which this library insists on.
            carried = []
            records.append((b"%d" % number, serialize({"id": (1 << 40) + number}, context(topic, headers=carried)), carried))
        guid = ask("get_latest_version", f"{topic}-value").guid
        report.equal("header", records[0][2], [("__value_schema_id", b"\x01" + bytes.fromhex(guid.replace("-", "")))])
        ask("clear_caches")
        got = [deserialize(m.value(), context(topic, headers=m.headers()))["id"] for m in through_kafka(topic, records)]
        report.equal("same values", sorted(got), [(1 << 40) + number for number in range(5)])

    def associated():
        """A topic that is associated with a subject of another name writes under that."""
        topic = f"{prefix}-associated"
        ask("register_schema", "somewhere-else", sr.Schema('"long"', "AVRO"))
        info = sr.AssociationCreateOrUpdateInfo(subject="somewhere-else", association_type="value", lifecycle="WEAK")
        ask("create_association", sr.AssociationCreateOrUpdateRequest(topic, "lkc-1", "t1", "topic", [info]))
        serialize = side.make(avro, "AvroSerializer", registry, '"long"', conf={"auto.register.schemas": False})
        deserialize = side.make(avro, "AvroDeserializer", registry)
        read = through_kafka(topic, [(b"k", serialize(1 << 50, context(topic)), None)])
        report.equal("value", [deserialize(m.value(), context(topic)) for m in read], [1 << 50])
        report.true("no subject of its own", f"{topic}-value" not in ask("get_subjects"))

    for part in (avro_format, json_format, protobuf_format, headers, associated):
        report.step(part)
    report.print()


if __name__ == "__main__":
    main(*sys.argv[1:])
