package config

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

var (
	unknownField = regexp.MustCompile(`^(line \d+): field (\S+) not found in type \S+$`)
	wrongNode    = regexp.MustCompile("^(line \\d+): cannot unmarshal (!!\\w+)(?: `(.*)`)? into (.+)$")
)

// PlainYAML rewrites a YAML error in plain words, without Go's types; into is the value that the file was decoded into.
func PlainYAML(err error, into any) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty")
	}
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		if err != nil && strings.Contains(err.Error(), "cannot start any token") { // what the library says of a tab
			return fmt.Errorf("%w (a tab? YAML is indented with spaces)", err)
		}
		return err
	}
	var reasons []string
	for _, reason := range wrong.Errors {
		if m := unknownField.FindStringSubmatch(reason); m != nil {
			reason = fmt.Sprintf("%s: unknown key %q; did you mean %q?", m[1], m[2], Nearest(m[2], keysOf(reflect.TypeOf(into))))
		}
		if m := wrongNode.FindStringSubmatch(reason); m != nil {
			got := fmt.Sprintf("%q", m[3])
			switch m[2] {
			case "!!seq":
				got = "a list"
			case "!!map":
				got = "a table of keys"
			}
			reason = fmt.Sprintf("%s: %s where %s is wanted", m[1], got, inWords(m[4]))
		}
		reasons = append(reasons, reason)
	}
	return errors.New(strings.Join(reasons, "; "))
}

// inWords is one of Go's types in the words of somebody who edits settings.
func inWords(goType string) string {
	name := strings.TrimLeft(goType, "*")
	switch {
	case strings.HasPrefix(name, "[]"):
		return "a list"
	case strings.HasPrefix(name, "uint"):
		return kinds["int"]
	case name == "float32":
		return kinds["float64"]
	case kinds[name] != "":
		return kinds[name]
	case strings.Contains(name, ".") || strings.HasPrefix(name, "map["):
		return "a table of keys"
	}
	return name
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
