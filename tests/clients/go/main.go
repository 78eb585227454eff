// The Go clients against Muster: every method of each registry client, and their serializers through a Kafka broker.
//
//	clients franz-methods|confluent-methods URL
//	clients franz-serdes|confluent-serdes URL BOOTSTRAP PREFIX
//
// The latter write to the topics PREFIX-avro, PREFIX-json, PREFIX-protobuf and PREFIX-headers, which exist.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

const (
	idField   = `{"name":"id","type":"long"}`
	noteField = `{"name":"note","type":"string","default":""}`
)

var (
	order1      = record("Order", idField)
	order2      = record("Order", idField, noteField)
	orderBroken = record("Order", `{"name":"id","type":"string"}`)
	line        = record("Line", `{"name":"order","type":"shop.Order"}`)
)

const strange = "a/b c%3A:ü?#+"

func record(name string, fields ...string) string {
	all := make([]json.RawMessage, len(fields))
	for i, field := range fields {
		all[i] = json.RawMessage(field)
	}
	text, _ := json.Marshal(map[string]any{"type": "record", "name": name, "namespace": "shop", "fields": all})
	return string(text)
}

func main() {
	commands := map[string]func(*report, []string){
		"franz-methods":     franzMethods,
		"franz-serdes":      franzSerdes,
		"confluent-methods": confluentMethods,
		"confluent-serdes":  confluentSerdes,
	}
	if len(os.Args) < 3 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "see main.go for how to call this")
		os.Exit(2)
	}
	r := &report{Client: os.Args[1], Methods: []string{}, Uncalled: []string{}, Failures: []string{}}
	commands[os.Args[1]](r, os.Args[2:])
	r.print()
}
