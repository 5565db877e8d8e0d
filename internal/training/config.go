// Package training trains the classroom network on a data set: it cuts the
// pictures once into a cache, augments them, trains with model/train, judges each
// epoch on the validation part with the engine, and keeps the best weights.
package training

import (
	"bytes"
	"fmt"
	"os"

	"classlens/model/train"

	"gopkg.in/yaml.v3"
)

// Config is a training run. configs/train-s.yaml describes each key.
type Config struct {
	Data      string         `yaml:"data"`  // folder that classlens dataset can read
	Split     string         `yaml:"split"` // file of classlens dataset split
	Seed      uint64         `yaml:"seed"`
	Epochs    int            `yaml:"epochs"`
	Patience  int            `yaml:"patience"` // epochs without a better validation macro-F1 before it stops; 0: never
	Batch     int            `yaml:"batch"`
	Steps     int            `yaml:"steps"` // T: a still picture is shown at so many steps
	Optimizer train.Rule     `yaml:"optimizer"`
	Decay     float64        `yaml:"decay"`
	Clip      float64        `yaml:"clip"`
	Average   float64        `yaml:"average"`
	Schedule  train.Schedule `yaml:"schedule"`
	Smoothing float32        `yaml:"smoothing"`
	Focal     float32        `yaml:"focal"`
	Balance   float64        `yaml:"balance"` // class weight n^-balance
	Augment   Augment        `yaml:"augment"`
	Plan      train.Plan     `yaml:"network"`
}

// Augment says how far pictures are changed; 0 leaves them.
type Augment struct {
	Mirror     bool    `yaml:"mirror"`
	Shift      float64 `yaml:"shift"`      // share of the side
	Scale      float64 `yaml:"scale"`      // 0.2: from 1/1.2 to 1.2
	Rotate     float64 `yaml:"rotate"`     // degrees
	Brightness float64 `yaml:"brightness"` // of the range -1..1
	Contrast   float64 `yaml:"contrast"`   // 0.4: from 1/1.4 to 1.4
	Noise      float64 `yaml:"noise"`      // deviation, of the range -1..1
	Cutout     float64 `yaml:"cutout"`     // chance of one grey rectangle
	Hide       float64 `yaml:"hide"`       // chance that a step is hidden
}

// LoadConfig reads a run's YAML file; unknown keys are errors.
func LoadConfig(file string) (Config, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return Config{}, err
	}
	var c Config
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("%s: %w", file, err)
	}
	if err := c.check(); err != nil {
		return Config{}, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

func (c Config) check() error {
	switch {
	case c.Data == "":
		return fmt.Errorf("data is missing")
	case c.Epochs <= 0 || c.Batch <= 1 || c.Steps <= 0:
		return fmt.Errorf("epochs %d, batch %d, steps %d: want at least 1, 2 and 1", c.Epochs, c.Batch, c.Steps)
	case c.Clip <= 0 || c.Average < 0 || c.Average >= 1:
		return fmt.Errorf("clip is %g, average %g: want above 0, and 0 to below 1", c.Clip, c.Average)
	}
	if err := c.Schedule.Check(); err != nil && c.Schedule.Kind != "cosine" { // a cosine's total is filled in
		return err
	}
	return c.Plan.Check()
}
