package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/test"
	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/proto"
)

// A message inside another, of the same fields as test.NestedMessage_InnerMessage.
const framedProto = `syntax = "proto3";
package test;

message Unused {
  message Inner {
    string id = 1;
    repeated int32 ids = 2;
  }
}
`

// franzSerdes takes values of all three formats through franz-go's serde and its Kafka client.
func franzSerdes(r *report, arguments []string) {
	url, bootstrap, prefix := arguments[0], arguments[1], arguments[2]
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	client := must(sr.NewClient(sr.URLs(url)))
	producer := must(kgo.NewClient(kgo.SeedBrokers(bootstrap)))
	defer producer.Close()

	// trip writes values under their numbers and reads back as many.
	trip := func(topic string, values [][]byte) map[string][]byte {
		var records []*kgo.Record
		for number, value := range values {
			records = append(records, &kgo.Record{Topic: topic, Key: []byte(fmt.Sprint(number)), Value: value})
		}
		check(producer.ProduceSync(ctx, records...).FirstErr())
		consumer := must(kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumerGroup(topic), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())))
		defer consumer.Close()
		read := map[string][]byte{}
		for len(read) < len(values) {
			fetches := consumer.PollFetches(ctx)
			check(fetches.Err())
			fetches.EachRecord(func(record *kgo.Record) { read[string(record.Key)] = record.Value })
		}
		return read
	}
	created := func(subject string, schema sr.Schema) sr.SubjectSchema {
		return must(client.CreateSchema(ctx, subject, schema))
	}

	r.step("avro", func() {
		topic := prefix + "-avro"
		created("shop.Money", sr.Schema{Schema: moneyAvro})
		references := []sr.SchemaReference{{Name: "shop.Money", Subject: "shop.Money", Version: 1}}
		made := created(topic+"-value", sr.Schema{Schema: orderAvro, References: references})
		// The reference inlined by the registry, so that the codec needs no other schema.
		text := must(client.SchemaTextByID(sr.WithParams(ctx, sr.Format("resolved")), made.ID))
		schema := must(avro.Parse(text))
		var serde sr.Serde
		serde.Register(made.ID, order{}, sr.EncodeFn(func(v any) ([]byte, error) { return avro.Marshal(schema, v) }),
			sr.DecodeFn(func(b []byte, v any) error { return avro.Unmarshal(schema, b, v) }))
		var values [][]byte
		for _, value := range orders() {
			values = append(values, must(serde.Encode(value)))
		}
		got := map[string]order{}
		for key, bytes := range trip(topic, values) {
			var value order
			check(serde.Decode(bytes, &value))
			got[key] = value
		}
		checkTrip(r, topic, got, orders(), deeply)
	})

	r.step("json", func() {
		topic := prefix + "-json"
		created("money", sr.Schema{Schema: moneyJSON, Type: sr.TypeJSON})
		references := []sr.SchemaReference{{Name: "money.json", Subject: "money", Version: 1}}
		made := created(topic+"-value", sr.Schema{Schema: orderJSON, Type: sr.TypeJSON, References: references})
		r.equal("kept", []any{made.Type, made.References}, []any{sr.TypeJSON, references})
		var serde sr.Serde
		serde.Register(made.ID, order{}, sr.EncodeFn(json.Marshal), sr.DecodeFn(json.Unmarshal))
		var values [][]byte
		for _, value := range orders() {
			values = append(values, must(serde.Encode(value)))
		}
		got := map[string]order{}
		for key, bytes := range trip(topic, values) {
			var value order
			check(serde.Decode(bytes, &value))
			got[key] = value
		}
		checkTrip(r, topic, got, orders(), deeply)
	})

	r.step("protobuf", func() {
		topic := prefix + "-protobuf"
		made := created(topic+"-value", sr.Schema{Schema: framedProto, Type: sr.TypeProtobuf})
		r.equal("type", made.Type, sr.TypeProtobuf)
		var serde sr.Serde
		type inner = test.NestedMessage_InnerMessage
		serde.Register(made.ID, &inner{}, sr.Index(0, 0), sr.EncodeFn(func(v any) ([]byte, error) { return proto.Marshal(v.(*inner)) }),
			sr.DecodeFn(func(b []byte, v any) error { return proto.Unmarshal(b, v.(*inner)) }))
		var sent []*inner
		var values [][]byte
		for number := range count {
			value := &inner{Id: fmt.Sprint("ü", number), Ids: []int32{int32(number), -1}}
			sent, values = append(sent, value), append(values, must(serde.Encode(value)))
		}
		got := map[string]*inner{}
		for key, bytes := range trip(topic, values) {
			value := &inner{}
			check(serde.Decode(bytes, value))
			got[key] = value
		}
		checkTrip(r, topic, got, sent, func(a, b *inner) bool { return proto.Equal(a, b) })
	})
}
