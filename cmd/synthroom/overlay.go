package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"classlens/samples/room"
)

// runOverlay draws a truth table on the video it belongs to, so that an error
// in either is seen by eye. It needs ffmpeg, not the assets.
func runOverlay(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("truth-overlay", flag.ExitOnError)
	video := fs.String("video", "samples/lesson.mp4", "")
	truth := fs.String("truth", "samples/lesson/truth.csv", "")
	out := fs.String("out", "", "video to write, .mp4, or a folder for pictures of each frame that has a truth")
	w, h := fs.Int("w", lessonW, "the video's width"), fs.Int("h", lessonH, "and height")
	fps := fs.Int("fps", lessonFPS, "and frames a second")
	if _, err := parse(fs, args); err != nil {
		return err
	}
	if *out == "" {
		return missing("truth-overlay", "out")
	}
	if *w < 1 || *h < 1 || *fps < 1 || *w > 7680 || *h > 7680 {
		return usageError{errors.New("truth-overlay: -w and -h must be 1 to 7680, -fps above 0")}
	}
	f, err := os.Open(*truth)
	if err != nil {
		return err
	}
	defer f.Close()
	all, err := room.ReadTruth(f)
	if err != nil {
		return err
	}
	take, finish, err := overlaySink(ctx, *out, *w, *h, *fps)
	if err != nil {
		return err
	}
	dec := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-i", *video, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
	dec.Stderr = os.Stderr
	in, err := dec.StdoutPipe()
	if err != nil {
		return err
	}
	if err := dec.Start(); err != nil {
		return err
	}
	rgb := make([]uint8, *w**h*3)
	k := 0
	for n := 0; ; n++ {
		if _, err := io.ReadFull(in, rgb); err != nil {
			break // the end
		}
		for k+1 < len(all) && all[k+1].Frame <= n {
			k++
		}
		if k >= len(all) {
			continue
		}
		im := picture(rgb, *w, *h)
		room.Overlay(im, all[k].People)
		if err := take(n, all[k].Frame == n, im.Pix); err != nil {
			return err
		}
	}
	return errors.Join(dec.Wait(), finish())
}

// overlaySink gives where frames go: a video, or pictures in a folder.
func overlaySink(ctx context.Context, out string, w, h, fps int) (take func(n int, exact bool, rgba []uint8) error, finish func() error, err error) {
	rgbOf := func(rgba []uint8) []uint8 {
		rgb := make([]uint8, w*h*3)
		for i := range w * h {
			copy(rgb[3*i:3*i+3], rgba[4*i:])
		}
		return rgb
	}
	if filepath.Ext(out) == ".mp4" {
		in, wait, err := encoder(ctx, out, w, h, fps, 20)
		if err != nil {
			return nil, nil, err
		}
		return func(_ int, _ bool, rgba []uint8) error { _, err := in.Write(rgbOf(rgba)); return err },
			func() error { return errors.Join(in.Close(), wait()) }, nil
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, nil, err
	}
	return func(n int, exact bool, rgba []uint8) error {
		if !exact {
			return nil
		}
		return writePNG(filepath.Join(out, fmt.Sprintf("%06d.png", n)), picture(rgbOf(rgba), w, h))
	}, func() error { return nil }, nil
}
