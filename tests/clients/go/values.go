package main

import (
	"fmt"
	"reflect"
)

const count = 50

const (
	moneyAvro = `{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"units","type":"long"},{"name":"currency","type":{"type":"enum","name":"Currency","symbols":["EUR","SEK"]}}]}`
	orderAvro = `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"long"},{"name":"total","type":"shop.Money"},{"name":"notes","type":{"type":"array","items":"string"}},{"name":"gift","type":["null","string"],"default":null}]}`
	moneyJSON = `{"$schema":"http://json-schema.org/draft-07/schema#","$id":"money.json","title":"Money","type":"object","properties":{"units":{"type":"integer"},"currency":{"enum":["EUR","SEK"]}},"required":["units"],"additionalProperties":false}`
	orderJSON = `{"$schema":"http://json-schema.org/draft-07/schema#","title":"Order","type":"object","properties":{"id":{"type":"integer"},"total":{"$ref":"money.json"},"notes":{"type":"array","items":{"type":"string"}},"gift":{"type":["null","string"]}},"required":["id"],"additionalProperties":false}`
)

type money struct {
	Units    int64  `avro:"units" json:"units"`
	Currency string `avro:"currency" json:"currency"`
}

type order struct {
	ID    int64    `avro:"id" json:"id"`
	Total money    `avro:"total" json:"total"`
	Notes []string `avro:"notes" json:"notes"`
	Gift  *string  `avro:"gift" json:"gift"`
}

func orders() []order {
	ribbon := "ribbon"
	all := make([]order, count)
	for number := range all {
		all[number] = order{ID: int64(number) << 33, Total: money{Units: -int64(number), Currency: "SEK"}, Notes: []string{fmt.Sprint("n", number), "ü"}[number%2:]}
		if number%2 == 0 {
			all[number].Gift = &ribbon
		}
	}
	return all
}

// checkTrip compares what came back, by number, with what was sent.
func checkTrip[T any](r *report, topic string, got map[string]T, sent []T, same func(a, b T) bool) {
	r.equal(topic+": read", len(got), len(sent))
	for number, wanted := range sent {
		if value, ok := got[fmt.Sprint(number)]; !ok || !same(value, wanted) {
			r.fail("%s: record %d: got %+v, wanted %+v", topic, number, value, wanted)
		}
	}
}

func deeply[T any](a, b T) bool { return reflect.DeepEqual(a, b) }
