package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde/avrov2"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde/jsonschema"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde/protobuf"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/test"
	"google.golang.org/protobuf/proto"
)

// confluentSerdes takes values of all three formats through confluent-kafka-go's serializers and librdkafka.
func confluentSerdes(r *report, arguments []string) {
	url, bootstrap, prefix := arguments[0], arguments[1], arguments[2]
	client := must(schemaregistry.NewClient(schemaregistry.NewConfig(url)))
	producer := must(kafka.NewProducer(&kafka.ConfigMap{"bootstrap.servers": bootstrap, "linger.ms": 5}))
	defer producer.Close()

	// trip writes records and reads back as many.
	trip := func(topic string, records []*kafka.Message) []*kafka.Message {
		reports := make(chan kafka.Event, len(records))
		for _, record := range records {
			record.TopicPartition = kafka.TopicPartition{Topic: &topic, Partition: kafka.PartitionAny}
			check(producer.Produce(record, reports))
		}
		for range records {
			check((<-reports).(*kafka.Message).TopicPartition.Error)
		}
		consumer := must(kafka.NewConsumer(&kafka.ConfigMap{"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest"}))
		defer consumer.Close()
		check(consumer.SubscribeTopics([]string{topic}, nil))
		var read []*kafka.Message
		for len(read) < len(records) {
			read = append(read, must(consumer.ReadMessage(time.Minute)))
		}
		return read
	}
	registered := func(subject string, schema schemaregistry.SchemaInfo) schemaregistry.SchemaMetadata {
		return must(client.RegisterFullResponse(subject, schema, false))
	}
	framed := func(value []byte, id int, more ...byte) bool {
		start := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), more...)
		return strings.HasPrefix(string(value), string(start))
	}
	key := func(number int) []byte { return []byte(fmt.Sprint(number)) }

	r.step("avro", func() {
		topic := prefix + "-avro"
		registered("shop.Money", schemaregistry.SchemaInfo{Schema: moneyAvro})
		references := []schemaregistry.Reference{{Name: "shop.Money", Subject: "shop.Money", Version: 1}}
		made := registered(topic+"-value", schemaregistry.SchemaInfo{Schema: orderAvro, References: references})
		conf := avrov2.NewSerializerConfig()
		conf.AutoRegisterSchemas, conf.UseLatestVersion = false, true
		serializer := must(avrov2.NewSerializer(client, serde.ValueSerde, conf))
		deserializer := must(avrov2.NewDeserializer(client, serde.ValueSerde, avrov2.NewDeserializerConfig()))
		var records []*kafka.Message
		for number, value := range orders() {
			bytes := must(serializer.Serialize(topic, &value))
			r.equal("framing", framed(bytes, made.ID), true)
			records = append(records, &kafka.Message{Key: key(number), Value: bytes})
		}
		got := map[string]order{}
		for _, message := range trip(topic, records) {
			var value order
			check(deserializer.DeserializeInto(topic, message.Value, &value))
			got[string(message.Key)] = value
		}
		checkTrip(r, topic, got, orders(), deeply)
		// A schema that the library derives from the type and registers.
		derived := must(avrov2.NewSerializer(client, serde.KeySerde, avrov2.NewSerializerConfig()))
		bytes := must(derived.Serialize(topic, &money{Units: 7, Currency: "EUR"}))
		var back money
		keys := must(avrov2.NewDeserializer(client, serde.KeySerde, avrov2.NewDeserializerConfig()))
		check(keys.DeserializeInto(topic, bytes, &back))
		r.equal("key", back, money{Units: 7, Currency: "EUR"})
		r.equal("its subject", must(client.GetAllVersions(topic+"-key")), []int{1})
		_, err := serializer.Serialize("nothing", &money{})
		r.refused("unregistered", 40401, err)
	})

	r.step("json", func() {
		topic := prefix + "-json"
		registered("money", schemaregistry.SchemaInfo{Schema: moneyJSON, SchemaType: "JSON"})
		references := []schemaregistry.Reference{{Name: "money.json", Subject: "money", Version: 1}}
		made := registered(topic+"-value", schemaregistry.SchemaInfo{Schema: orderJSON, SchemaType: "JSON", References: references})
		conf := jsonschema.NewSerializerConfig()
		conf.AutoRegisterSchemas, conf.UseLatestVersion = false, true
		serializer := must(jsonschema.NewSerializer(client, serde.ValueSerde, conf))
		deserializer := must(jsonschema.NewDeserializer(client, serde.ValueSerde, jsonschema.NewDeserializerConfig()))
		var records []*kafka.Message
		for number, value := range orders() {
			bytes := must(serializer.Serialize(topic, &value))
			r.equal("framing", framed(bytes, made.ID, '{'), true)
			records = append(records, &kafka.Message{Key: key(number), Value: bytes})
		}
		got := map[string]order{}
		for _, message := range trip(topic, records) {
			var value order
			check(deserializer.DeserializeInto(topic, message.Value, &value))
			got[string(message.Key)] = value
		}
		checkTrip(r, topic, got, orders(), deeply)
		derived := must(jsonschema.NewSerializer(client, serde.KeySerde, jsonschema.NewSerializerConfig()))
		must(derived.Serialize(topic, &money{Units: 7, Currency: "EUR"}))
		r.equal("derived", must(client.GetAllVersions(topic+"-key")), []int{1})
	})

	r.step("protobuf", func() {
		topic := prefix + "-protobuf"
		serializer := must(protobuf.NewSerializer(client, serde.ValueSerde, protobuf.NewSerializerConfig()))
		deserializer := must(protobuf.NewDeserializer(client, serde.ValueSerde, protobuf.NewDeserializerConfig()))
		var sent []*test.DependencyMessage
		var records []*kafka.Message
		for number := range count {
			value := &test.DependencyMessage{IsActive: number%2 == 0, TestMesssage: &test.TestMessage{TestString: fmt.Sprint("ü", number), TestSint64: -int64(number) << 33, TestBytes: key(number)}}
			bytes := must(serializer.Serialize(topic, value))
			// The first message of its file: no index but a zero.
			r.equal("framing", framed(bytes, must(client.GetLatestSchemaMetadata(topic+"-value")).ID, 0), true)
			sent = append(sent, value)
			records = append(records, &kafka.Message{Key: key(number), Value: bytes})
		}
		latest := must(client.GetLatestSchemaMetadata(topic + "-value"))
		r.equal("references", []string{latest.References[0].Name, latest.References[0].Subject}, []string{"test.proto", "test.proto"})
		r.equal("text", strings.Contains(latest.Schema, "message DependencyMessage"), true)
		got := map[string]*test.DependencyMessage{}
		for _, message := range trip(topic, records) {
			value := &test.DependencyMessage{}
			check(deserializer.DeserializeInto(topic, message.Value, value))
			got[string(message.Key)] = value
		}
		checkTrip(r, topic, got, sent, func(a, b *test.DependencyMessage) bool { return proto.Equal(a, b) })
		// The second message (after the map's entries) inside the fourth of its file.
		inner := &test.NestedMessage_InnerMessage{Id: "x", Ids: []int32{1, -2, 3}}
		bytes := must(serializer.Serialize("inner", inner))
		r.equal("nested framing", framed(bytes, must(client.GetLatestSchemaMetadata("inner-value")).ID, 4, 6, 2), true)
		back := &test.NestedMessage_InnerMessage{}
		check(deserializer.DeserializeInto("inner", bytes, back))
		r.equal("nested", proto.Equal(back, inner), true)
	})

	r.step("headers", func() {
		topic := prefix + "-headers"
		made := registered(topic+"-value", schemaregistry.SchemaInfo{Schema: moneyAvro})
		conf := avrov2.NewSerializerConfig()
		conf.AutoRegisterSchemas, conf.UseLatestVersion = false, true
		serializer := must(avrov2.NewSerializer(client, serde.ValueSerde, conf))
		serializer.SchemaIDSerializer = serde.HeaderSchemaIDSerializer
		deserializer := must(avrov2.NewDeserializer(client, serde.ValueSerde, avrov2.NewDeserializerConfig()))
		var records []*kafka.Message
		for number := range 5 {
			headers, bytes, err := serializer.SerializeWithHeaders(topic, &money{Units: int64(number), Currency: "EUR"})
			check(err)
			records = append(records, &kafka.Message{Key: key(number), Value: bytes, Headers: headers})
		}
		header := records[0].Headers[0]
		r.equal("header", []string{header.Key, hex.EncodeToString(header.Value)}, []string{"__value_schema_id", "01" + strings.ReplaceAll(made.GUID, "-", "")})
		for _, message := range trip(topic, records) {
			var value money
			check(deserializer.DeserializeWithHeadersInto(topic, message.Headers, message.Value, &value))
			r.equal("value", fmt.Sprint(value.Units), string(message.Key))
		}
	})
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}
