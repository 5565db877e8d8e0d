package training

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"classlens/internal/safefile"
	"classlens/model/classroom"
	"classlens/model/cpu"
)

// environment is what a run's figures depend on beside its config.
type environment struct {
	Program      string         `json:"program"` // version of classlens, with the commit where the build knows it
	Go           string         `json:"go"`
	Platform     string         `json:"platform"`
	Instructions string         `json:"instruction_set"` // of the kernels: sums differ in the last digits between sets
	Cores        int            `json:"cores"`
	Data         string         `json:"data"`
	Form         string         `json:"form"`
	SplitSHA256  string         `json:"split_sha256"`
	Seed         uint64         `json:"seed"`
	Parameters   int            `json:"parameters"`
	Train        int            `json:"train_samples"`
	Val          int            `json:"val_samples"`
	Behaviours   map[string]int `json:"train_behaviours"`
	Metric       string         `json:"validated_by"`
}

func (r *run) writeEnvironment() error {
	e := environment{Program: "classlens", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), Data: r.set.Name, Form: r.set.Form, Seed: r.Seed,
		Train: len(r.train), Val: len(r.val), Behaviours: map[string]int{}, Metric: r.metric()}
	if info, ok := debug.ReadBuildInfo(); ok {
		e.Program = info.Main.Path + " " + info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" || (s.Key == "vcs.modified" && s.Value == "true") {
				e.Program += " " + s.Key[len("vcs."):] + " " + s.Value
			}
		}
	}
	if k, err := cpu.ForISA(""); err == nil {
		e.Instructions = k.Name()
	}
	if raw, err := os.ReadFile(r.Split); err == nil {
		sum := sha256.Sum256(raw)
		e.SplitSHA256 = hex.EncodeToString(sum[:])
	}
	for _, p := range r.params() {
		e.Parameters += len(p.Value)
	}
	for _, i := range r.train {
		if b := r.behaviour[i]; b >= 0 {
			e.Behaviours[classroom.Behaviours[b]]++
		}
	}
	raw, err := json.MarshalIndent(e, "", " ")
	if err != nil {
		return err
	}
	return safefile.WriteFile(filepath.Join(r.Out, environmentFile), append(raw, '\n'))
}
