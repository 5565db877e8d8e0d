package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// From a labelled recording to weights and figures with three commands: what train sees of
// the recording, with its flow, teaches it.
func TestTrainFromRecording(t *testing.T) {
	dir := t.TempDir()
	lesson := filepath.Join("..", "..", "samples", "lesson")
	at := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) string {
		t.Helper()
		out, stderr, code := classlens(t, args...)
		if code != 0 {
			t.Fatalf("%v: exit %d\n%s%s", args, code, out, stderr)
		}
		return out + stderr
	}
	run("dataset", "split", lesson, "--by", "time", "--out", at("split.json"))
	config := fmt.Sprintf(`data: %s
split: %s
seed: 1
epochs: 4
batch: 16
steps: 5
optimizer: adamw
clip: 5
schedule: {kind: constant, rate: 0.003}
network: {size: 32, stem: 16, stages: [{expand: 32, out: 16, stride: 2, repeat: 1}, {expand: 48, out: 32, stride: 2, repeat: 1}], top: 64, embedding: 32, width: 16, heads: 2}
`, lesson, at("split.json"))
	if err := os.WriteFile(at("train.yaml"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	run("train", at("train.yaml"), "--out", at("run"), "--device", "cpu")
	f, err := os.Open(at("run/metrics.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Fatalf("%d rows of metrics, %v", len(rows), err)
	}
	var first, last float64
	fmt.Sscan(rows[1][2], &first)
	fmt.Sscan(rows[4][2], &last)
	if last <= 0 || last > .9*first {
		t.Errorf("training loss %g in the first epoch, %g in the last", first, last)
	}
	weights, err := os.ReadFile(at("run/weights.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := classlens(t, "train", at("train.yaml"), "--out", at("run"), "--device", "cpu"); code != exitUsage || !strings.Contains(stderr, "--resume") {
		t.Errorf("over a run: exit %d, %s", code, stderr)
	}
	if again, err := os.ReadFile(at("run/weights.onnx")); err != nil || !bytes.Equal(again, weights) {
		t.Error("a second training touched the first one's weights")
	}
	out := run("eval", lesson, "--split", at("split.json"), "--weights", at("run/weights.onnx"), "--predictions", at("p.csv"))
	if !strings.Contains(out, "accuracy") {
		t.Errorf("eval says %s", out)
	}
	p, err := os.ReadFile(at("p.csv"))
	if err != nil || strings.Count(string(p), "\n") < 30 {
		t.Errorf("predictions: %d lines, %v", strings.Count(string(p), "\n"), err)
	}
}

func TestWrongTrainingConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "train.yaml")
	if err := os.WriteFile(file, []byte("data: x\nepoch: 3\naugment: {miror: true}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, code := classlens(t, "train", file)
	for _, want := range []string{`line 2: unknown key "epoch"; did you mean "epochs"?`, `unknown key "miror"; did you mean "mirror"?`} {
		if code != exitUsage || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("exit %d, said %q; want %q", code, stderr, want)
		}
	}
	if _, stderr, code := classlens(t, "eval", "x", "--part", "tests"); code != exitUsage || !strings.Contains(stderr, "want train, val or test") {
		t.Errorf("eval --part tests: exit %d, %s", code, stderr)
	}
}
