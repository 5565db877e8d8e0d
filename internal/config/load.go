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

// Keys are all settings, as section.key, in the alphabet's order.
func Keys() []string {
	v := viper.New()
	v.SetConfigType("yaml")
	if err := v.ReadConfig(bytes.NewReader(configs.DefaultYAML)); err != nil {
		return nil // Load says so
	}
	return slices.Sorted(slices.Values(v.AllKeys()))
}

// mergeFile lays the user's file over the defaults after checking its keys.
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

// checkEnvironment finds a variable that is written like a setting's and is none. Others of the program, such as CLASSLENS_CACHE, begin with no section's name.
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

// wrongKind is what mapstructure says of a value that is none of the kind wanted.
var wrongKind = regexp.MustCompile(`^'(\S+?)' (?:cannot parse value as|expected type) '(\w+)'`)

// kinds are Go's types in the words of somebody who writes settings.
var kinds = map[string]string{"int": "a whole number", "float64": "a number", "bool": "true or false", "string": "a text"}

// onlyReason says what is wrong with values in the reader's words, without mapstructure's heading and blank lines.
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

// Nearest is the known key with the least edit distance to key; among equals
// the first in the alphabet.
func Nearest(key string, known []string) string {
	sorted := slices.Sorted(slices.Values(known))
	return slices.MinFunc(sorted, func(a, b string) int { return editDistance(key, a) - editDistance(key, b) })
}

// Near is the known word that key was probably meant to be: one that it begins, or one that differs in half of its letters at most. Words of three letters are all near
// one another (gpu, cpu): of those none is guessed.
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

// editDistance is Levenshtein's: insertions, deletions and replacements of bytes.
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
