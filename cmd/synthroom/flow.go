package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"classlens/samples/room"
)

// runFlow writes the optical flow of chosen frames of the lesson: a .flo file
// (Middlebury's: the word PIEH, width, height, u and v a pixel, little endian)
// from each frame to the next, and the two pictures without noise.
func runFlow(_ context.Context, args []string) error {
	fs := flag.NewFlagSet("flow", flag.ExitOnError)
	out := fs.String("out", "", "folder to fill")
	seed := fs.Int64("seed", lessonSeed, "")
	frames := fs.String("frames", "250,520,1030,1240", "frames of the lesson")
	if _, err := parse(fs, args); err != nil {
		return err
	}
	if *out == "" {
		return missing("flow", "out")
	}
	a, err := open()
	if err != nil {
		return err
	}
	defer a.Close()
	s, err := room.NewLesson(a, *seed, lessonW, lessonH, lessonOver)
	if err != nil {
		return err
	}
	s.Noise = 0
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	for _, word := range strings.Split(*frames, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil {
			return usageError{fmt.Errorf("flow: -frames: %q is no number of a frame", word)}
		}
		t0, t1 := float64(n)/lessonFPS, float64(n+1)/lessonFPS
		base := filepath.Join(*out, fmt.Sprintf("%06d", n))
		for name, t := range map[string]float64{"_a.png": t0, "_b.png": t1} {
			if err := writePNG(base+name, picture(s.Frame(t), lessonW, lessonH)); err != nil {
				return err
			}
		}
		f := s.FlowBetween(t0, t1)
		if err := writeFile(base+".flo", func(w io.Writer) error { return writeFlo(w, &f) }); err != nil {
			return err
		}
		if err := writePNG(base+"_flow.png", flowPicture(&f)); err != nil {
			return err
		}
	}
	return nil
}

func writeFlo(w io.Writer, f *room.Flow) error {
	if _, err := io.WriteString(w, "PIEH"); err != nil {
		return err
	}
	if err := binary.Write(w, binary.LittleEndian, [2]int32{int32(f.W), int32(f.H)}); err != nil {
		return err
	}
	return binary.Write(w, binary.LittleEndian, f.UV)
}
