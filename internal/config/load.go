package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"classlens/configs"

	"github.com/spf13/viper"
	"gopkg.in/yaml.v3"
)

// Load reads the defaults, then the file (none when empty), then the
// environment, then overrides ("section.key" to value, from flags), and checks
// every value. Errors name the key and, for an unknown key, the nearest known one.
func Load(file string, overrides map[string]any) (Config, error) {
	v := viper.New()
	v.SetConfigType("yaml")
	if err := v.ReadConfig(bytes.NewReader(configs.DefaultYAML)); err != nil {
		return Config{}, fmt.Errorf("configs/default.yaml: %w", err)
	}
	known := v.AllKeys()
	if file != "" {
		if err := mergeFile(v, file, known); err != nil {
			return Config{}, err
		}
	}
	v.SetEnvPrefix("CLASSLENS")
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	v.AutomaticEnv()
	if err := checkEnvironment(os.Environ(), known); err != nil {
		return Config{}, err
	}
	for key, value := range overrides {
		if !slices.Contains(known, key) {
			return Config{}, unknownKey("flag", key, known)
		}
		v.Set(key, value)
	}
	var c Config
	if err := kindsFit(v, reflect.TypeFor[Config](), ""); err != nil {
		return Config{}, err
	}
	if err := v.UnmarshalExact(&c); err != nil {
		return Config{}, fmt.Errorf("settings: %w", onlyReason(err, v))
	}
	if err := c.validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Keys are all settings, as section.key, in alphabetical order.
func Keys() []string {
	v := viper.New()
	v.SetConfigType("yaml")
	if err := v.ReadConfig(bytes.NewReader(configs.DefaultYAML)); err != nil {
		return nil // Load reports it
	}
	return slices.Sorted(slices.Values(v.AllKeys()))
}

// mergeFile checks the keys of the user's file and merges it over the defaults.
func mergeFile(v *viper.Viper, file string, known []string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("config file: %w", err)
	}
	if err := oneTable(raw); err != nil {
		return fmt.Errorf("config file %s: %w", file, err)
	}
	own := viper.New()
	own.SetConfigType("yaml")
	if err := own.ReadConfig(bytes.NewReader(raw)); err != nil {
		return fmt.Errorf("config file %s: %w", file, err)
	}
	settings := own.AllSettings()
	for _, key := range slices.Sorted(slices.Values(own.AllKeys())) {
		section := slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, key+".") })
		switch {
		case slices.Contains(known, key):
		case section && own.Get(key) == nil: // all keys of the section are commented out
			delete(settings, key)
		case section:
			return fmt.Errorf("%s: %s is a section, not a setting: write its settings below it, indented", file, key)
		default:
			return unknownKey(file, key, known)
		}
	}
	return v.MergeConfigMap(settings)
}

// oneTable tells what is wrong with a file that is no table of sections, or more than one.
func oneTable(raw []byte) error {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	var first, second yaml.Node
	switch err := d.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil // an empty file, or one of comments, sets nothing
	case err != nil:
		return PlainYAML(err, nil)
	}
	if top := first.Content[0]; top.Kind != yaml.MappingNode && top.Tag != "!!null" {
		return errors.New("it holds no sections with settings (classlens settings prints some)")
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return errors.New("it holds several YAML documents (parted by ---): only one is read")
	}
	var keys map[string]any
	return PlainYAML(first.Decode(&keys), keys) // finds a key that is there twice
}

// kindsFit refuses values that the decoder would bend into another kind without a word: 1.5 threads to 1, nothing to 0 or false.
func kindsFit(v *viper.Viper, t reflect.Type, prefix string) error {
	for i := range t.NumField() {
		field := t.Field(i)
		key := prefix + field.Tag.Get("mapstructure")
		if field.Type.Kind() == reflect.Struct {
			if err := kindsFit(v, field.Type, key+"."); err != nil {
				return err
			}
			continue
		}
		kind, fits := field.Type.Kind(), true
		switch value := v.Get(key).(type) {
		case float64:
			fits = kind == reflect.Float64 || kind == reflect.String || kind == reflect.Int && value == math.Trunc(value)
		case int:
			fits = kind != reflect.Bool
		case bool:
			fits = kind == reflect.Bool
		case string:
			fits = kind == reflect.String || strings.TrimSpace(value) != ""
		}
		if !fits {
			return fmt.Errorf("settings: %s is %q; it must be %s", key, fmt.Sprint(v.Get(key)), kinds[kind.String()])
		}
	}
	return nil
}

// checkEnvironment reports a variable that looks like a setting but is none. The program's other variables, such as CLASSLENS_CACHE, do not begin with the name of a
// section.
func checkEnvironment(environment, known []string) error {
	for _, line := range environment {
		name, _, _ := strings.Cut(line, "=")
		for _, key := range known {
			section, _, _ := strings.Cut(key, ".")
			if !strings.HasPrefix(name, variable(section)+"_") {
				continue
			}
			if !slices.ContainsFunc(known, func(k string) bool { return variable(k) == name }) {
				var all []string
				for _, k := range known {
					all = append(all, variable(k))
				}
				return unknownKey("environment", name, all)
			}
			break
		}
	}
	return nil
}

// variable is a key's name in the environment.
func variable(key string) string {
	return "CLASSLENS_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// wrongKind matches mapstructure's error for a value of the wrong type.
var wrongKind = regexp.MustCompile(`^'(\S+?)' (?:cannot parse value as|expected type) '(\w+)'`)

// kinds are Go's types in the words of somebody who edits settings.
var kinds = map[string]string{"int": "a whole number", "float64": "a number", "bool": "true or false", "string": "a text"}

// onlyReason rewrites mapstructure's errors in plain words, on one line.
func onlyReason(err error, v *viper.Viper) error {
	var reasons []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "decoding failed") {
			continue
		}
		if m := wrongKind.FindStringSubmatch(line); m != nil && kinds[m[2]] != "" {
			line = fmt.Sprintf("%s is %q; it must be %s", m[1], fmt.Sprint(v.Get(m[1])), kinds[m[2]])
		}
		reasons = append(reasons, line)
	}
	return errors.New(strings.Join(reasons, "; "))
}

func unknownKey(where, key string, known []string) error {
	return fmt.Errorf("%s: unknown setting %q; did you mean %q?", where, key, Nearest(key, known))
}

// Nearest is the known key with the least edit distance to key; of several, the
// first in alphabetical order.
func Nearest(key string, known []string) string {
	sorted := slices.Sorted(slices.Values(known))
	return slices.MinFunc(sorted, func(a, b string) int { return editDistance(key, a) - editDistance(key, b) })
}

// Near is the known word that key was probably meant to be: one that differs in at most half of its letters, or one that begins with key. Words of three letters are all
// close to one another (gpu, cpu), so these are guessed only by their beginning.
func Near(key string, known []string) (string, bool) {
	if len(known) == 0 || key == "" {
		return "", false
	}
	if near := Nearest(key, known); len(key) > 3 && 2*editDistance(key, near) <= len(near) {
		return near, true
	}
	for _, k := range known {
		if strings.HasPrefix(k, key) {
			return k, true
		}
	}
	return "", false
}

// editDistance is the Levenshtein distance: the fewest insertions, deletions and replacements of bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
