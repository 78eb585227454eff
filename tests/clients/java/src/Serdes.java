import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;

import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import org.apache.flink.avro.registry.confluent.shaded.org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.flink.avro.registry.confluent.shaded.org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.flink.avro.registry.confluent.shaded.org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.flink.avro.registry.confluent.shaded.org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.flink.avro.registry.confluent.shaded.org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.flink.avro.registry.confluent.shaded.org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.flink.avro.registry.confluent.shaded.org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.flink.avro.shaded.org.apache.avro.Schema;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericData;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericDatumReader;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericDatumWriter;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericRecord;
import org.apache.flink.avro.shaded.org.apache.avro.io.DecoderFactory;
import org.apache.flink.avro.shaded.org.apache.avro.io.EncoderFactory;
import org.apache.flink.formats.avro.registry.confluent.ConfluentSchemaRegistryCoder;

/** Avro values through Flink's coder, a Kafka broker and back: {@code Serdes URL BOOTSTRAP PREFIX}. */
final class Serdes {
  private static final int COUNT = 50;

  private Serdes() {}

  public static void main(String[] arguments) throws Exception {
    Report report = new Report("Flink's coder for Confluent's registry");
    report.step("avro", () -> avro(report, arguments[0], arguments[1], arguments[2] + "-avro"));
    report.print();
  }

  private static void avro(Report report, String url, String bootstrap, String topic) throws Exception {
    Schema schema = new Schema.Parser().parse(Methods.ORDER_2);
    CachedSchemaRegistryClient writing = new CachedSchemaRegistryClient(url, 10);
    ConfluentSchemaRegistryCoder writer = new ConfluentSchemaRegistryCoder(topic + "-value", writing);
    List<GenericRecord> sent = new ArrayList<>();
    List<Future<RecordMetadata>> acknowledgements = new ArrayList<>();
    Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "linger.ms", 5);
    try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int number = 0; number < COUNT; number++) {
        GenericRecord value = new GenericData.Record(schema);
        value.put("id", (long) number << 33);
        value.put("note", "n" + number);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        writer.writeSchema(schema, bytes);
        var encoder = EncoderFactory.get().binaryEncoder(bytes, null);
        new GenericDatumWriter<GenericRecord>(schema).write(value, encoder);
        encoder.flush();
        sent.add(value);
        acknowledgements.add(producer.send(new ProducerRecord<>(topic, bytes.toByteArray())));
      }
      for (Future<RecordMetadata> acknowledgement : acknowledgements) {
        acknowledgement.get();
      }
    }
    int id = writing.getLatestSchemaMetadata(topic + "-value").getId();

    // A client of its own, so that the schema comes from the registry.
    ConfluentSchemaRegistryCoder reader = new ConfluentSchemaRegistryCoder(new CachedSchemaRegistryClient(url, 10));
    List<GenericRecord> read = new ArrayList<>();
    Map<String, Object> reading = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "group.id", topic, "auto.offset.reset", "earliest"));
    try (var consumer = new KafkaConsumer<>(reading, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(List.of(topic));
      long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
      while (read.size() < COUNT && System.nanoTime() < deadline) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          report.equal("framing", List.of(record.value()[0], ByteBuffer.wrap(record.value()).getInt(1)), List.of((byte) 0, id));
          ByteArrayInputStream bytes = new ByteArrayInputStream(record.value());
          Schema found = reader.readSchema(bytes);
          read.add(new GenericDatumReader<GenericRecord>(found).read(null, DecoderFactory.get().binaryDecoder(bytes, null)));
        }
      }
    }
    report.equal("same values", read, sent);
  }
}
