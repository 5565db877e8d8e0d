package main

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"classlens/model/classroom"
)

//go:embed theirs.py
var script string

// compare runs PyTorch's variants and prints each beside ours.
func (b *bench) compare(python string, counts []int, first []float32) error {
	dir, err := os.MkdirTemp("", "gpubench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	plan, _ := b.plan()
	var said bytes.Buffer
	if err := binary.Write(&said, binary.LittleEndian, first); err != nil {
		return err
	}
	net, ours, planned := filepath.Join(dir, "net.onnx"), filepath.Join(dir, "ours.f32"), filepath.Join(dir, "plan.json")
	for name, data := range map[string][]byte{net: classroom.Default(), ours: said.Bytes()} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			return err
		}
	}
	if err := planFile(plan, planned); err != nil {
		return err
	}
	args := []string{"-c", script, net, strconv.Itoa(steps), planned, ours}
	for _, c := range counts {
		args = append(args, strconv.Itoa(c))
	}
	cmd := exec.Command(python, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ratios := b.beside(out)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("PyTorch: %w", err)
	}
	for _, row := range ratios {
		fmt.Println(row)
	}
	return nil
}

// beside prints each of PyTorch's rows beside ours and gives the lines with the ratios to its best ones.
func (b *bench) beside(out io.Reader) (ratios []string) {
	best := map[string]float64{}
	var order []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) != 4 || f[0] != "theirs" {
			fmt.Println("gpubench:", lines.Text())
			continue
		}
		ms, err := strconv.ParseFloat(f[3], 64)
		if err != nil {
			continue
		}
		if b.small || b.ours[f[1]] == 0 { // a dry run has made-up times and other rows
			fmt.Printf("gpubench: %s pytorch_ms %.4f variant %s\n", f[1], ms, f[2])
			continue
		}
		fmt.Printf("gpubench: %s pytorch_ms %.4f variant %s ratio %.2f\n", f[1], ms, f[2], ms/b.ours[f[1]])
		if best[f[1]] == 0 {
			order = append(order, f[1])
			best[f[1]] = ms
		}
		best[f[1]] = min(best[f[1]], ms)
	}
	for _, row := range order {
		ratios = append(ratios, fmt.Sprintf("gpubench: %s ratio_to_best %.2f", row, best[row]/b.ours[row]))
	}
	return ratios
}
