package video

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"classlens/vision/probe"
	"classlens/vision/scene"
)

// hardwareMemory is the address space that a child decoding on a GPU may map: a CUDA context reserves
// far more than it uses, so the usual limit would keep it from opening.
const hardwareMemory = 1 << 46

// captureOptions is the environment variable whose options OpenCV passes to FFmpeg.
func captureOptions(decoder string) string {
	if decoder == "" {
		return formatWhitelist
	}
	return formatWhitelist + "|video_codec;" + decoder
}

// gpuDecoder is FFmpeg's decoder on the GPU's video unit (NVDEC) for a container's
// codec, "" if there is none.
func gpuDecoder(codec string) string {
	codec = strings.ToLower(codec)
	for name, marks := range map[string][]string{"h264_cuvid": {"avc", "h264"}, "hevc_cuvid": {"hev", "hvc", "h265"}} {
		for _, m := range marks {
			if strings.Contains(codec, m) {
				return name
			}
		}
	}
	return ""
}

// What ChooseDecoder demands of the GPU's decoder.
const (
	trialSteps  = 6   // steps read with each decoder
	worthwhile  = 1.2 // times as fast as the CPU
	samePicture = 4.0 // largest mean difference of the first pictures' pixels, out of 255: IDCT and colour conversion differ a little
)

// ChooseDecoder reads the first steps of a recording with the CPU's decoder and with the
// GPU's, and gives the GPU's name for Options.Decoder if that is worthwhile and shows the
// same picture. If anything goes wrong with it, the answer is "", the CPU's.
func ChooseDecoder(ctx context.Context, path string, o Options) string {
	found, err := probe.File(path, o.withDefaults().Limits)
	if err != nil {
		return "" // what is wrong with the file is reported when it is opened
	}
	decoder := gpuDecoder(found.Codec)
	if decoder == "" {
		return ""
	}
	return chooseDecoder(ctx, path, o, decoder)
}

func chooseDecoder(ctx context.Context, path string, o Options, decoder string) string {
	o.NoFlow, o.BetweenFPS, o.Hang, o.Decoder = true, 0, 10*time.Second, ""
	cpu, took, err := trial(ctx, path, o)
	if err != nil {
		return ""
	}
	o.Decoder = decoder
	gpu, tookGPU, err := trial(ctx, path, o)
	if err != nil || tookGPU*worthwhile > took || !alike(cpu, gpu) {
		return ""
	}
	return decoder
}

// trial gives the first picture and the seconds taken by the steps after it.
func trial(ctx context.Context, path string, o Options) (first scene.Frame, seconds float64, err error) {
	r, err := Open(ctx, path, o)
	if err != nil {
		return first, 0, err
	}
	defer r.Close()
	step, err := r.Next()
	if err != nil {
		return first, 0, err
	}
	begin := time.Now() // not before: opening a GPU takes long, but happens once
	for range trialSteps {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return first, 0, err
		}
	}
	return step.Frame, time.Since(begin).Seconds(), nil
}

// alike tells whether two decoders' pictures are the same, up to rounding.
func alike(a, b scene.Frame) bool {
	if a.Width != b.Width || a.Height != b.Height || len(a.Pix) == 0 || len(a.Pix) != len(b.Pix) {
		return false
	}
	sum := 0.0
	for i, v := range a.Pix {
		d := float64(v) - float64(b.Pix[i])
		if d < 0 {
			d = -d
		}
		sum += d
	}
	return sum <= samePicture*float64(len(a.Pix))
}
