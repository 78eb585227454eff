"""confluent-kafka (librdkafka), driven by the tests: one command, a JSON object on stdin, a JSON answer on stdout.

    client.py produce  {config, topic, records: [{key, value, headers}], partition, transaction}
    client.py consume  {config, topics, count, seconds}
    client.py ends     {config, topic}
    client.py admin    {config, create: [{name, partitions, config}], delete: [name]}
    client.py brokers  {config}
    client.py avro     {config, registry, topic, count, schema, strategy}
    client.py decode   {config, registry, topic, count}
    client.py group    {config, topic, group, count}
    client.py load     {config, topic, count, per_second}

Keys and values are hexadecimal text, or null. An error is {code, name, text}.
"""

import json
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

DEADLINE_SECONDS = 60


def error_of(error):
    if error is None:
        return None
    if isinstance(error, KafkaException):
        error = error.args[0]
    if isinstance(error, KafkaError):
        return {"code": error.code(), "name": error.name(), "text": error.str()}
    return {"code": None, "name": type(error).__name__, "text": str(error)}


def to_bytes(text):
    return None if text is None else bytes.fromhex(text)


def to_text(data):
    return None if data is None else data.hex()


def flush(producer):
    left = producer.flush(DEADLINE_SECONDS)
    if left:
        sys.exit(f"{left} records were not delivered in {DEADLINE_SECONDS} s")


def produce(spec):
    """All records at once, so that they share batches as far as the settings allow."""
    producer = Producer({"linger.ms": 100, **spec["config"]})
    reports = [None] * len(spec["records"])

    def reporter(index):
        def report(error, message):
            reports[index] = {
                "error": error_of(error),
                "partition": message.partition(),
                "offset": None if error else message.offset(),
            }

        return report

    answer = {"reports": reports}
    if spec.get("transaction"):
        producer.init_transactions(DEADLINE_SECONDS)
        producer.begin_transaction()
    for index, record in enumerate(spec["records"]):
        producer.produce(
            spec["topic"],
            key=to_bytes(record.get("key")),
            value=to_bytes(record.get("value")),
            headers=[(name, to_bytes(value)) for name, value in record.get("headers", [])],
            partition=spec.get("partition", 0),
            on_delivery=reporter(index),
        )
        producer.poll(0)
    flush(producer)
    if spec.get("transaction"):
        try:
            if spec["transaction"] == "abort":
                producer.abort_transaction(DEADLINE_SECONDS)
            else:
                producer.commit_transaction(DEADLINE_SECONDS)
            answer["transaction"] = None
        except KafkaException as error:
            answer["transaction"] = error_of(error)
            answer["abortable"] = error.args[0].txn_requires_abort()
            producer.abort_transaction(DEADLINE_SECONDS)
            answer["attempts"] = transaction_after_abort(producer, spec)
    for record in [] if spec.get("transaction") else spec.get("then", []):
        reports.append(None)
        producer.produce(
            spec["topic"], value=to_bytes(record["value"]), partition=0, on_delivery=reporter(len(reports) - 1)
        )
    flush(producer)
    return answer


def transaction_after_abort(producer, spec):
    """The same producer goes on after an abort: sends `then` in a new transaction; how many attempts that took.

    After an INVALID_RECORD, from whatever broker, librdkafka's first attempt fails with "skipped sequence numbers" and is
    to be aborted; it then bumps its epoch.
    """
    for attempt in range(1, 4):
        producer.begin_transaction()
        for record in spec.get("then", []):
            producer.produce(
                spec["topic"], key=to_bytes(record.get("key")), value=to_bytes(record["value"]), partition=0
            )
        try:
            producer.commit_transaction(DEADLINE_SECONDS)
            return attempt
        except KafkaException as error:
            if not error.args[0].txn_requires_abort():
                raise
            producer.abort_transaction(DEADLINE_SECONDS)
    return None


def read(consumer, count, seconds):
    deadline = time.monotonic() + seconds
    records = []
    while len(records) < count and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error():
            if message.error().code() == KafkaError._PARTITION_EOF:
                continue
            raise KafkaException(message.error())
        records.append(message)
    return records


def consume(spec):
    """Reads all partitions of the topics from the start until `count` records are there."""
    consumer = Consumer({"group.id": "reader", "enable.auto.commit": False, **spec["config"]})
    partitions = []
    for topic in spec["topics"]:
        found = consumer.list_topics(topic, DEADLINE_SECONDS).topics[topic].partitions
        partitions += [TopicPartition(topic, partition, 0) for partition in found]
    consumer.assign(partitions)
    records = [
        {
            "topic": message.topic(),
            "partition": message.partition(),
            "offset": message.offset(),
            "key": to_text(message.key()),
            "value": to_text(message.value()),
            "headers": [[name, to_text(value)] for name, value in message.headers() or []],
        }
        for message in read(consumer, spec["count"], spec.get("seconds", DEADLINE_SECONDS))
    ]
    consumer.close()
    return records


def ends(spec):
    """The offset after the last record, per partition."""
    consumer = Consumer({"group.id": "ends", **spec["config"]})
    found = consumer.list_topics(spec["topic"], DEADLINE_SECONDS).topics[spec["topic"]].partitions
    offsets = {
        str(partition): consumer.get_watermark_offsets(TopicPartition(spec["topic"], partition), DEADLINE_SECONDS)[1]
        for partition in found
    }
    consumer.close()
    return offsets


def admin(spec):
    client = AdminClient(spec["config"])
    answer = {}

    def settle(futures):
        for name, future in futures.items():
            try:
                future.result(DEADLINE_SECONDS)
                answer[name] = None
            except Exception as error:
                answer[name] = error_of(error)

    if spec.get("create"):
        topics = [
            NewTopic(t["name"], num_partitions=t.get("partitions", 1), replication_factor=1, config=t.get("config", {}))
            for t in spec["create"]
        ]
        settle(client.create_topics(topics, validate_only=spec.get("validate_only", False)))
    if spec.get("delete"):
        settle(client.delete_topics(spec["delete"], operation_timeout=DEADLINE_SECONDS))
    return answer


def brokers(spec):
    metadata = AdminClient(spec["config"]).list_topics(timeout=DEADLINE_SECONDS)
    return {
        "brokers": sorted(f"{broker.host}:{broker.port}" for broker in metadata.brokers.values()),
        "topics": sorted(metadata.topics),
    }


def avro(spec):
    """Serializes with AvroSerializer, which registers the schema by itself, and reads back with AvroDeserializer."""
    from confluent_kafka.schema_registry import SchemaRegistryClient, record_subject_name_strategy
    from confluent_kafka.schema_registry import topic_record_subject_name_strategy, topic_subject_name_strategy
    from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    strategies = {
        "TopicNameStrategy": topic_subject_name_strategy,
        "RecordNameStrategy": record_subject_name_strategy,
        "TopicRecordNameStrategy": topic_record_subject_name_strategy,
    }
    registry = SchemaRegistryClient({"url": spec["registry"]})
    conf = {"subject.name.strategy": strategies[spec.get("strategy", "TopicNameStrategy")]}
    serialize = AvroSerializer(registry, spec["schema"], conf=conf)
    context = SerializationContext(spec["topic"], MessageField.VALUE)
    values = [{"id": index, "customer": f"customer {index}"} for index in range(spec["count"])]
    producer = Producer({"linger.ms": 20, **spec["config"]})
    failures = []

    def report(error, _):
        if error:
            failures.append(error_of(error))

    for value in values:
        producer.produce(spec["topic"], value=serialize(value, context), on_delivery=report)
        producer.poll(0)
    flush(producer)
    if failures:
        return {"failures": failures}
    deserialize = AvroDeserializer(registry)
    consumer = Consumer({"group.id": "avro", "auto.offset.reset": "earliest", **spec["config"]})
    consumer.subscribe([spec["topic"]])
    messages = read(consumer, spec["count"], DEADLINE_SECONDS)
    consumer.close()
    got = sorted((deserialize(m.value(), context) for m in messages), key=lambda value: value["id"])
    return {"failures": [], "read": len(got), "equal": got == values}


def decode(spec):
    """Reads `count` records and deserializes them with AvroDeserializer, which knows only the registry."""
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroDeserializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    deserialize = AvroDeserializer(SchemaRegistryClient({"url": spec["registry"]}))
    context = SerializationContext(spec["topic"], MessageField.VALUE)
    consumer = Consumer({"group.id": "decode", "auto.offset.reset": "earliest", **spec["config"]})
    consumer.subscribe([spec["topic"]])
    values = [deserialize(m.value(), context) for m in read(consumer, spec["count"], DEADLINE_SECONDS)]
    consumer.close()
    return {"count": len(values), "first": values[:1], "distinct": len({json.dumps(v, default=str) for v in values})}


def group(spec):
    """Two members of one group share the topic's partitions, commit, and leave nothing for a third."""
    config = {"auto.offset.reset": "earliest", "enable.auto.commit": False, **spec["config"], "group.id": spec["group"]}
    members = [Consumer(config), Consumer(config)]
    assigned = [0, 0]
    got = [[], []]
    done = threading.Event()

    def work(index):
        member = members[index]
        member.subscribe([spec["topic"]])
        while not done.is_set():
            message = member.poll(0.1)
            assigned[index] = len(member.assignment())
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            got[index].append((message.partition(), message.offset()))
            member.commit(message, asynchronous=False)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if len(set(got[0]) | set(got[1])) >= spec["count"] and all(assigned):
            break
        time.sleep(0.05)
    done.set()
    for thread in threads:
        thread.join()
    for member in members:
        member.close()
    third = Consumer(config)
    third.subscribe([spec["topic"]])
    rest = []
    while not third.assignment() and time.monotonic() < deadline:
        rest += read(third, 1, 0.1)
    rest = len(rest + read(third, 1, 1))
    third.close()
    return {"assigned": sorted(assigned), "distinct": len(set(got[0]) | set(got[1])), "left_over": rest}


def load(spec):
    """Numbers 0..count as records, spread over time; prints `sending` once under way, so that a test can interfere."""
    producer = Producer({"linger.ms": 5, **spec["config"]})
    value = to_bytes(spec.get("prefix", ""))
    delivered, failures = [], []

    def reporter(number):
        def report(error, message):
            if error:
                failures.append({"number": number, **error_of(error)})
            else:
                delivered.append(number)
                if len(delivered) == spec.get("announce", 100):
                    print("sending", flush=True)

        return report

    pause = 1 / spec["per_second"]
    start = time.monotonic()
    for number in range(spec["count"]):
        producer.produce(
            spec["topic"], value=value + number.to_bytes(4, "big"), partition=0, on_delivery=reporter(number)
        )
        producer.poll(0)
        ahead = start + number * pause - time.monotonic()
        if ahead > 0:
            producer.poll(ahead)
    flush(producer)
    return {"delivered": len(delivered), "failures": failures}


COMMANDS = (produce, consume, ends, admin, brokers, avro, decode, group, load)

if __name__ == "__main__":
    command = {function.__name__: function for function in COMMANDS}[sys.argv[1]]
    print(json.dumps(command(json.load(sys.stdin))), flush=True)
