package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sort"

	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/rest"
	"github.com/twmb/franz-go/pkg/sr"
)

// report is what every driver of a client hands back: which methods there are, which were not called, and what was
// wrong. A failing check is noted and the run goes on, so that one run shows everything.
type report struct {
	Client   string   `json:"client"`
	Methods  []string `json:"methods"`
	Uncalled []string `json:"uncalled"`
	Checks   int      `json:"checks"`
	Failures []string `json:"failures"`
}

func (r *report) fail(format string, values ...any) {
	r.Failures = append(r.Failures, fmt.Sprintf(format, values...))
}

// equal compares as JSON, so that an empty list is one however it is held.
func (r *report) equal(what string, got, wanted any) {
	r.Checks++
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(wanted)
	if string(g) != string(w) {
		r.fail("%s: got %s, wanted %s", what, g, w)
	}
}

// sameText compares two schemas by what they mean as JSON.
func (r *report) sameText(what, got, wanted string) {
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		r.fail("%s: got %q: %v", what, got, err)
	}
	_ = json.Unmarshal([]byte(wanted), &w)
	r.equal(what, g, w)
}

// refused: err must be the client's registry error with this code.
func (r *report) refused(what string, code int, err error) {
	r.Checks++
	var franz *sr.ResponseError
	var confluent *rest.Error
	got := 0
	switch {
	case errors.As(err, &franz):
		got = franz.ErrorCode
	case errors.As(err, &confluent):
		got = confluent.Code
	}
	if got != code {
		r.fail("%s: got error %v, wanted %d", what, err, code)
	}
}

// step runs one part of a scenario; a panic (which a failed call is) fails that part alone.
func (r *report) step(name string, part func()) {
	defer func() {
		if problem := recover(); problem != nil {
			r.fail("%s: %v", name, problem)
		}
	}()
	part()
}

func (r *report) print() {
	line, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

// subject calls methods by name, so that it knows which were called.
type subject struct {
	value  reflect.Value
	report *report
	before func()
}

// watch makes a subject of a client; `kind` is what its methods are enumerated from.
func watch(client any, kind reflect.Type, r *report, before func()) *subject {
	for i := range kind.NumMethod() {
		r.Methods = append(r.Methods, kind.Method(i).Name)
	}
	r.Uncalled = append([]string{}, r.Methods...)
	return &subject{reflect.ValueOf(client), r, before}
}

// try calls a method and gives its results but for the error, and the error.
func (s *subject) try(name string, arguments ...any) ([]any, error) {
	if at := sort.SearchStrings(s.report.Uncalled, name); at < len(s.report.Uncalled) && s.report.Uncalled[at] == name {
		s.report.Uncalled = append(s.report.Uncalled[:at], s.report.Uncalled[at+1:]...)
	}
	s.before()
	method := s.value.MethodByName(name)
	given := make([]reflect.Value, len(arguments))
	for i, argument := range arguments {
		given[i] = reflect.ValueOf(argument)
		if argument == nil {
			given[i] = reflect.Zero(method.Type().In(i))
		}
	}
	var results []any
	var err error
	for _, value := range method.Call(given) {
		if value.Type() == reflect.TypeFor[error]() {
			err, _ = value.Interface().(error)
		} else {
			results = append(results, value.Interface())
		}
	}
	return results, err
}

// get calls a method that must succeed, and gives its first result.
func get[T any](s *subject, name string, arguments ...any) T {
	results, err := s.try(name, arguments...)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", name, err))
	}
	return results[0].(T)
}

// do calls a method that must succeed and has no result.
func (s *subject) do(name string, arguments ...any) {
	if _, err := s.try(name, arguments...); err != nil {
		panic(fmt.Sprintf("%s: %v", name, err))
	}
}

// fails calls a method that must be refused with this code.
func (s *subject) fails(what string, code int, name string, arguments ...any) {
	_, err := s.try(name, arguments...)
	s.report.refused(what, code, err)
}
