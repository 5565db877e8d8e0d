// Package configs embeds the files of this folder, so that the program carries
// its own manual: default.yaml is every setting with unit, range and price, and
// labels.yaml is how behaviour is read as attention and engagement.
package configs

import _ "embed"

// DefaultYAML is configs/default.yaml as committed.
//
//go:embed default.yaml
var DefaultYAML []byte

// LabelsYAML is configs/labels.yaml as committed.
//
//go:embed labels.yaml
var LabelsYAML []byte
