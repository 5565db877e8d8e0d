// Package training trains the classroom network on a data set: it cuts the
// pictures once into a cache, augments them, trains with model/train, judges each
// epoch on the validation part with the engine, and keeps the best weights.
package training

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"classlens/internal/config"
	"classlens/model/classroom"
	"classlens/model/train"

	"gopkg.in/yaml.v3"
)

// Config is a training run. configs/train-s.yaml describes each key.
type Config struct {
	Data        string         `yaml:"data"`    // folder that classlens dataset can read
	Split       string         `yaml:"split"`   // file of classlens dataset split
	Init        string         `yaml:"init"`    // weights to start from: weights.safetensors or weights.onnx of another run
	Shipped     string         `yaml:"shipped"` // s, m or l: the network that ships is trained on; network, init and losses.points are not used
	Seed        uint64         `yaml:"seed"`
	Epochs      int            `yaml:"epochs"`
	Patience    int            `yaml:"patience"` // epochs without a better validation score before it stops; 0: never
	Batch       int            `yaml:"batch"`
	Steps       int            `yaml:"steps"` // T: a still picture is shown at so many steps
	Optimizer   train.Rule     `yaml:"optimizer"`
	Momentum    *float64       `yaml:"momentum,omitempty"` // sgd: momentum; rmsprop: of the mean square; adam: beta1
	Decay       float64        `yaml:"decay"`
	Clip        float64        `yaml:"clip"`
	Precision   string         `yaml:"precision,omitempty"` // of a GPU: float32 (also ""), fp16 or bf16
	Average     float64        `yaml:"average"`
	Schedule    train.Schedule `yaml:"schedule"`
	Smoothing   float32        `yaml:"smoothing"`
	Focal       float32        `yaml:"focal"`
	Balance     float64        `yaml:"balance"` // class weight n^-balance
	Losses      Weights        `yaml:"losses"`
	Augment     Augment        `yaml:"augment"`
	Adversarial Adversarial    `yaml:"adversarial"`
	Plan        train.Plan     `yaml:"network"`
	Tune        *Tune          `yaml:"tune,omitempty"`
}

// Weights of the heads' losses beside behaviour's 1.
type Weights struct {
	Attention  float32 `yaml:"attention"`
	Engagement float32 `yaml:"engagement"`
	Points     float32 `yaml:"points"` // 17 body points, where the data set labels them
}

// Augment says how far pictures are changed; 0 leaves them.
type Augment struct {
	Mirror     bool    `yaml:"mirror"`
	Shift      float64 `yaml:"shift"`      // share of the side
	Scale      float64 `yaml:"scale"`      // 0.2: from 1/1.2 to 1.2
	Crop       float64 `yaml:"crop"`       // chance of a closer crop, by up to 30 %
	Rotate     float64 `yaml:"rotate"`     // degrees
	Brightness float64 `yaml:"brightness"` // of the range -1..1
	Contrast   float64 `yaml:"contrast"`   // 0.4: from 1/1.4 to 1.4
	Colour     float64 `yaml:"colour"`     // chance that colours fade towards grey
	Blur       float64 `yaml:"blur"`       // largest deviation in pixels
	JPEG       float64 `yaml:"jpeg"`       // chance of JPEG's traces, quality 15 to 75
	Noise      float64 `yaml:"noise"`      // deviation, of the range -1..1
	Cutout     float64 `yaml:"cutout"`     // chance of one grey rectangle
	Hide       float64 `yaml:"hide"`       // chance that a step is hidden
	Jitter     float64 `yaml:"jitter"`     // seconds by which a step's time may be off
}

// Adversarial says how often batches are attacked, and how.
type Adversarial struct {
	Share float64 `yaml:"share"` // of the batches; 0: none
	Size  float32 `yaml:"size"`  // most change of a value, of the range -1..1
	Steps int     `yaml:"steps"` // 1: FGSM; more: PGD
}

// Tune is a search over settings, judged on the validation part.
type Tune struct {
	Trials int              `yaml:"trials"` // random combinations tried; 0: all of the grid
	Epochs int              `yaml:"epochs"` // of each trial
	Values map[string][]any `yaml:"values"` // key, such as schedule.rate: what is tried
}

// LoadConfig reads a run's YAML file; unknown keys are errors.
func LoadConfig(file string) (Config, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return Config{}, err
	}
	c, err := parseConfig(raw)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

func parseConfig(raw []byte) (Config, error) {
	c := Config{Losses: Weights{Attention: 0.3, Engagement: 0.3}}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		return Config{}, config.PlainYAML(err, c)
	}
	var tree yaml.Node
	if err := yaml.Unmarshal(raw, &tree); err != nil {
		return Config{}, err
	}
	if err := finite(&tree); err != nil {
		return Config{}, err
	}
	return c, c.check()
}

// finite refuses the numbers of YAML that nothing can be trained with, .inf and .nan: every comparison lets one of them pass.
func finite(n *yaml.Node) error {
	var v float64
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!float" && n.Decode(&v) == nil && v-v != 0 {
		return fmt.Errorf("line %d: %s is no number to train with", n.Line, n.Value)
	}
	for _, child := range n.Content {
		if err := finite(child); err != nil {
			return err
		}
	}
	return nil
}

// mostSteps of a sequence: half an hour at a step a second would be 1,800, which no attention over steps is meant for.
const mostSteps = 512

func (c Config) check() error {
	share := func(v float64) bool { return v >= 0 && v <= 1 }
	a := c.Augment
	switch {
	case c.Data == "":
		return fmt.Errorf("data is missing: name the folder of a labelled set")
	case c.Epochs <= 0 || c.Batch <= 1 || c.Steps <= 0 || c.Steps > mostSteps:
		return fmt.Errorf("epochs %d, batch %d, steps %d: want at least 1, 2 and 1, and at most %d steps", c.Epochs, c.Batch, c.Steps, mostSteps)
	case !slices.Contains([]string{"", "float32", "fp16", "bf16"}, c.Precision):
		return fmt.Errorf("precision is %q: want float32, fp16 or bf16", c.Precision)
	case c.Clip <= 0 || c.Average < 0 || c.Average >= 1:
		return fmt.Errorf("clip is %g, average %g: want above 0, and 0 to below 1", c.Clip, c.Average)
	case c.Momentum != nil && (*c.Momentum < 0 || *c.Momentum >= 1):
		return fmt.Errorf("momentum is %g: want 0 to below 1", *c.Momentum)
	case c.Smoothing < 0 || c.Smoothing >= 1 || c.Focal < 0:
		return fmt.Errorf("smoothing is %g, focal %g: want 0 to below 1, and 0 or more", c.Smoothing, c.Focal)
	case !share(a.Crop) || !share(a.Colour) || !share(a.JPEG) || !share(a.Cutout) || !share(a.Hide) || !share(c.Adversarial.Share):
		return fmt.Errorf("augment: crop, colour, jpeg, cutout and hide, and adversarial.share, are chances from 0 to 1")
	case min(a.Shift, a.Scale, a.Rotate, a.Brightness, a.Contrast, a.Blur, a.Noise, a.Jitter) < 0 || a.Shift > 1 || a.Rotate > 180 || max(a.Scale, a.Contrast, a.Blur, a.Jitter) > 30 || max(a.Brightness, a.Noise) > 2:
		return fmt.Errorf("augment: nothing is below 0; shift is at most 1, rotate 180, brightness and noise 2, scale, contrast, blur and jitter 30")
	case c.Adversarial.Share > 0 && (c.Adversarial.Size <= 0 || c.Adversarial.Steps < 1):
		return fmt.Errorf("adversarial: size is %g, steps %d: want above 0 and at least 1", c.Adversarial.Size, c.Adversarial.Steps)
	}
	schedule := c.Schedule
	if schedule.Kind == "cosine" && schedule.Total == 0 { // it is filled in
		schedule.Total = schedule.Warm + 1
	}
	if err := schedule.Check(); err != nil {
		return err
	}
	if _, err := train.NewOptimizer[float32](c.Optimizer, c.Decay); err != nil {
		return err
	}
	if c.Shipped != "" {
		_, err := classroom.Shipped(c.Shipped)
		return err
	}
	return c.Plan.Check()
}
