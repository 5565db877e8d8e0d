package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"classlens/configs"

	"github.com/spf13/viper"
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
	own := viper.New()
	own.SetConfigType("yaml")
	if err := own.ReadConfig(bytes.NewReader(raw)); err != nil {
		return fmt.Errorf("config file %s: %w", file, err)
	}
	keys := own.AllKeys()
	slices.Sort(keys)
	for _, key := range keys {
		if !slices.Contains(known, key) {
			return unknownKey(file, key, known)
		}
	}
	return v.MergeConfigMap(own.AllSettings())
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
