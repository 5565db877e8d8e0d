package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

var unknownField = regexp.MustCompile(`^(line \d+): field (\S+) not found in type \S+$`)

// PlainYAML rewrites a YAML error in plain words, without Go's types; into is the value that the file was decoded into.
func PlainYAML(err error, into any) error {
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		return err
	}
	var reasons []string
	for _, reason := range wrong.Errors {
		if m := unknownField.FindStringSubmatch(reason); m != nil {
			reason = fmt.Sprintf("%s: unknown key %q; did you mean %q?", m[1], m[2], Nearest(m[2], keysOf(reflect.TypeOf(into))))
		}
		reasons = append(reasons, reason)
	}
	return errors.New(strings.Join(reasons, "; "))
}

// keysOf are the YAML keys of a struct and of all structs in it, including those in lists and maps.
func keysOf(t reflect.Type) (keys []string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return keysOf(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
			if key != "" && key != "-" {
				keys = append(keys, key)
			}
			keys = append(keys, keysOf(t.Field(i).Type)...)
		}
	}
	return keys
}
