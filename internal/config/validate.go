package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// validate checks each value against the min, max and oneof tags of its field.
func (c Config) validate() error {
	return validateStruct(reflect.ValueOf(c), "")
}

func validateStruct(v reflect.Value, prefix string) error {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		key := prefix + field.Tag.Get("mapstructure")
		if value.Kind() == reflect.Struct {
			if err := validateStruct(value, key+"."); err != nil {
				return err
			}
			continue
		}
		if err := validateField(field, value, key); err != nil {
			return err
		}
	}
	return nil
}

func validateField(field reflect.StructField, value reflect.Value, key string) error {
	if choices := field.Tag.Get("oneof"); choices != "" {
		if known := strings.Fields(choices); !chosen(value.String(), known) {
			hint := ""
			if near, ok := Near(value.String(), known); ok {
				hint = "; did you mean " + near + "?"
			}
			return fmt.Errorf("setting %s is %q; it must be one of: %s%s", key, value.String(), strings.Join(known, ", "), hint)
		}
	}
	low, high := field.Tag.Get("min"), field.Tag.Get("max")
	if low == "" {
		return nil
	}
	number := 0.0
	if value.CanInt() {
		number = float64(value.Int())
	} else {
		number = value.Float()
	}
	lo, _ := strconv.ParseFloat(low, 64) // tags are constants; a test parses them all
	hi, _ := strconv.ParseFloat(high, 64)
	if !(number >= lo && number <= hi) {
		return fmt.Errorf("setting %s is %v; it must be between %s and %s", key, number, low, high)
	}
	return nil
}

// chosen tells whether a value is among the choices. A choice with capitals after a colon,
// such as cuda:N, stands for any value with the same beginning.
func chosen(value string, choices []string) bool {
	return slices.ContainsFunc(choices, func(c string) bool {
		kind, rest, named := strings.Cut(c, ":")
		own, which, _ := strings.Cut(value, ":")
		if named && rest == strings.ToUpper(rest) {
			return own == kind && which != ""
		}
		return c == value
	})
}
