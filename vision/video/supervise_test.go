package video

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"classlens/vision/probe"
	"classlens/vision/scene"
)

// misbehaviour in the environment makes the child do what a decoder may.
const misbehaviour = "CLASSLENS_TEST_MISBEHAVIOUR"

func misbehaveIfAsked() {
	if os.Getenv(workerMark) == "" {
		return
	}
	switch os.Getenv(misbehaviour) {
	case "crash":
		_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
		time.Sleep(time.Minute)
	case "hang":
		time.Sleep(time.Hour)
	case "memory":
		panic("runtime: cannot allocate memory")
	case "babble":
		_, _ = os.NewFile(3, "steps").Write(bytes.Repeat([]byte{0xff}, 64))
		os.Exit(0)
	case "silence":
		os.Exit(0)
	}
}

// However the child goes, the recording ends with a reason in one line, the
// private folder goes, and no child stays.
func TestChildMisbehaves(t *testing.T) {
	path := made(t, "a.mp4", h264...)
	for how, want := range map[string]error{"crash": ErrCrashed, "hang": ErrHung, "memory": ErrMemory, "babble": ErrCrashed, "silence": ErrCrashed} {
		t.Run(how, func(t *testing.T) {
			t.Setenv(misbehaviour, how)
			t.Setenv("TMPDIR", t.TempDir())
			var o Options
			if how == "hang" { // the others end by themselves, however long starting takes here
				o.Hang = 3 * time.Second
			}
			_, err := Open(context.Background(), path, o)
			if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), path) || strings.Contains(err.Error(), "\n") {
				t.Errorf("said %q, want %q", err, want)
			}
			if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
				t.Errorf("%v was left behind", left)
			}
		})
	}
}

// large is a clip whose steps do not fit into the pipe together.
func large(t *testing.T) string {
	return made(t, "a.mp4", "-t", "4", "-s", "1280x960", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
}

// A child that dies half way ends the recording; what was given stays.
func TestChildKilledHalfWay(t *testing.T) {
	r, err := Open(context.Background(), large(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if err := r.child.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for err = nil; err == nil; {
		_, err = r.Next()
	}
	if _, again := r.Next(); !errors.Is(err, ErrCrashed) || !errors.Is(again, ErrCrashed) {
		t.Errorf("said %v, then %v", err, again)
	}
}

// A bomb that passes the probe meets the child's memory limit.
func TestMemoryBomb(t *testing.T) {
	path := made(t, "a.avi", "-frames:v", "2", "-vf", "scale=9000:9000", "-c:v", "mjpeg")
	limited := Options{Limits: probe.Limits{MaxWidth: 1 << 14, MaxHeight: 1 << 14}, MemoryBytes: 512 << 20}
	if _, steps, err := readAll(t, path, limited); !errors.Is(err, ErrMemory) || len(steps) > 0 {
		t.Fatalf("%d steps, %v", len(steps), err)
	}
	path = made(t, "b.mp4", "-frames:v", "30", "-vf", "scale=1920:1080") // and others do not: the program itself does not count
	if _, steps, err := readAll(t, path, limited); err != nil || len(steps) == 0 {
		t.Errorf("%d steps of a usual recording, %v", len(steps), err)
	}
}

// On a machine of many processors FFmpeg does not take a thread for each, which the limit on memory would not hold; and the steps are the same, though the
// decoder, which is further behind there, gives more of the last frames without their time.
func TestManyProcessors(t *testing.T) {
	dir := t.TempDir()
	source, library := filepath.Join(dir, "many.c"), filepath.Join(dir, "many.so")
	if err := os.WriteFile(source, []byte(`#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
long sysconf(int name) {
	return name == _SC_NPROCESSORS_ONLN ? 96 : ((long (*)(int))dlsym(RTLD_NEXT, "sysconf"))(name);
}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-shared", "-fPIC", "-o", library, source, "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v: %s", err, out)
	}
	limited := Options{MemoryBytes: 512 << 20, StepSeconds: .5, NoFlow: true}
	paths := []string{made(t, "b.mp4", "-frames:v", "30", "-vf", "scale=1920:1080"), made(t, "c.mp4", h264...), made(t, "d.mp4", append(variable, h264...)...)}
	var few [][]*scene.Step
	for _, path := range paths {
		_, steps, err := readAll(t, path, limited)
		if err != nil {
			t.Fatal(err)
		}
		few = append(few, steps)
	}
	t.Setenv("LD_PRELOAD", library)
	for i, path := range paths {
		_, steps, err := readAll(t, path, limited)
		if err != nil || len(steps) != len(few[i]) {
			t.Errorf("%d steps, %d with few processors: %v", len(steps), len(few[i]), err)
			continue
		}
		for k, s := range steps {
			if d := math.Abs(s.Time - few[i][k].Time); d > .1 || i < 2 && (d > 1e-3 || !bytes.Equal(s.Frame.Pix, few[i][k].Frame.Pix)) {
				t.Errorf("recording %d, step %d at %.3f s, %.3f with few processors, or another picture", i, k, s.Time, few[i][k].Time)
			}
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r, err := Open(ctx, large(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	for err == nil {
		_, err = r.Next()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("said %v", err)
	}
}

// A caller may take its time: only the child is held to the clock.
func TestSlowCallerIsNoHang(t *testing.T) {
	r, err := Open(context.Background(), large(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	usual := r.silent.tick
	r.silent.tick = time.Millisecond // nothing is awaited now: whoever counts has counted to the end in two seconds
	time.Sleep(2 * time.Second)
	r.silent.tick = usual
	n := 0
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 4 {
		t.Errorf("%d steps", n)
	}
}

func TestJPEG(t *testing.T) {
	f := scene.Frame{Width: 64, Height: 48, Pix: make([]byte, 3*64*48)}
	for i := range f.Pix {
		f.Pix[i] = []byte{200, 100, 50}[i%3]
	}
	b, err := EncodeJPEG(f, 90)
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeJPEG(b)
	if err != nil || back.Width != 64 || back.Height != 48 {
		t.Fatalf("%dx%d, %v", back.Width, back.Height, err)
	}
	for i, v := range back.Pix {
		if d := int(v) - int(f.Pix[i]); d < -4 || d > 4 {
			t.Fatalf("byte %d is %d, was %d", i, v, f.Pix[i])
		}
	}
	for _, bad := range [][]byte{nil, {1, 2, 3}, b[:20], bytes.Repeat([]byte{0xff}, 99)} {
		if _, err := DecodeJPEG(bad); err == nil {
			t.Errorf("%d bytes of nothing are a picture", len(bad))
		}
	}
	if _, err := EncodeJPEG(scene.Frame{Width: 9, Height: 9}, 90); err == nil {
		t.Error("a frame without pixels was packed")
	}
}

func TestAnnotate(t *testing.T) {
	in := made(t, "a.mp4", append([]string{"-t", "2"}, h264...)...)
	dir := t.TempDir()
	out := filepath.Join(dir, "out.mp4")
	blurred := 0
	blacken := func(f scene.Frame, b scene.Box) {
		blurred++
		for y := int(b.Y); y < int(b.Y+b.H); y++ {
			clear(f.Pix[3*(y*f.Width+int(b.X)) : 3*(y*f.Width+int(b.X+b.W))])
		}
	}
	white := [3]byte{255, 255, 255}
	draw := func(f scene.Frame) ([]Overlay, error) {
		return []Overlay{
			{Box: scene.Box{X: 40, Y: 40, W: 30, H: 30}, Label: "S01 read", Blur: true, Colour: white, Trail: [][2]float64{{90, 20}, {110, 20}}},
			{Box: scene.Box{X: -50, Y: 110, W: 400, H: 90}},
			{Box: scene.Box{X: 100, Y: 40, W: 24, H: 40}, Line: Dashed, Colour: white},
			{Box: scene.Box{X: 130, Y: 40, W: 20, H: 20}, Line: Cross, Colour: white},
			{Box: scene.Box{X: 5, Y: 30, W: 20, H: 20}, Line: NoLine, Blur: true, Colour: white},
		}, nil
	}
	if err := Annotate(context.Background(), in, out, Options{}, draw, blacken); err != nil {
		t.Fatal(err)
	}
	r, steps, err := readAll(t, out, Options{})
	if err != nil || r.Info().Frames != 50 || blurred != 100 || len(steps) != 2 {
		t.Fatalf("%+v, %d blurred, %v", r.Info(), blurred, err)
	}
	row := steps[0].Frame.Pix[3*55*160:]
	if edge, inside := row[3*40], row[3*55]; edge < 150 || inside > 60 {
		t.Errorf("the box's side has %d, its inside %d", edge, inside)
	}
	at := func(x, y int) byte { return steps[0].Frame.Pix[3*(y*160+x)] }
	if on, off := at(100, 41), at(100, 46); on < 150 || int(on)-int(off) < 60 { // a stroke of four pixels, then a gap of four
		t.Errorf("the dashed side has %d in its stroke and %d in its gap", on, off)
	}
	if trail, cross := at(100, 20), at(140, 50); trail < 150 || cross < 150 {
		t.Errorf("the trail has %d, the cross's middle %d", trail, cross)
	}
	if hidden := at(15, 40); hidden > 60 {
		t.Errorf("a place that is only blurred has %d", hidden)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%v is left", left)
	}
	failing := func(scene.Frame) ([]Overlay, error) { return nil, io.ErrUnexpectedEOF }
	if err := Annotate(context.Background(), in, filepath.Join(dir, "not.mp4"), Options{}, failing, blacken); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a drawing that fails ends as %v", err)
	}
	if err := Annotate(context.Background(), in, filepath.Join(dir, "none", "out.mp4"), Options{}, draw, func(scene.Frame, scene.Box) {}); err == nil {
		t.Error("written into a folder that is not there")
	}
}

// A step comes through the pipe as it was; its grey frames, which are kept for many steps, do not lie in the
// picture's memory.
func TestStepThroughThePipe(t *testing.T) {
	sent := &scene.Step{Index: 3, Time: 2.9, Shot: 1, KeyFrame: true, Frame: scene.Frame{Time: 2.9, Width: 4, Height: 2, Pix: []byte("abcdefghijklmnopqrstuvwx")},
		Flow:    &scene.Flow{Width: 2, Height: 1, Scale: 2, Interval: .04, UV: []float32{1, -2.5, 0, 3e-9}},
		Between: []scene.Gray{{Time: 2.5, Width: 2, Height: 2, Pix: []byte{1, 2, 3, 4}}, {Time: 2.9, Width: 2, Height: 2, Pix: []byte{5, 6, 7, 8}}}}
	m, err := readMessage(bytes.NewReader(stepMessage(t, sent)))
	if err != nil {
		t.Fatal(err)
	}
	if m.kind != msgStep || !reflect.DeepEqual(m.step, sent) {
		t.Errorf("got %+v, sent %+v", m.step, sent)
	}
	if g := m.step.Between[0].Pix; cap(g) > 64 {
		t.Errorf("a grey frame of 4 bytes has %d", cap(g))
	}
}

// stepMessage is what the child writes of a step.
func stepMessage(t testing.TB, s *scene.Step) []byte {
	var b bytes.Buffer
	if err := writeStep(bufio.NewWriter(&b), s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Of a message without pictures that claims to be large, not even the memory is taken.
func TestSmallMessagesAreSmall(t *testing.T) {
	for _, kind := range []byte{msgInfo, msgAlive, msgGap, msgEnd, msgFail, '?'} {
		if _, err := readMessage(bytes.NewReader([]byte{kind, 1, 0, 16, 0})); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v", kind, err)
		}
	}
}

// Nor is the memory of a picture that does not come.
func TestAbsentPicturesTakeNoMemory(t *testing.T) {
	b := stepMessage(t, &scene.Step{Frame: scene.Frame{Width: 16000, Height: 16000}})
	binary.LittleEndian.PutUint32(b[1:], maxMessage)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := readMessage(bytes.NewReader(b)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Errorf("it took %d MB", took>>20)
	}
}

// FuzzReadMessage: the child has read a stranger's file and may say anything.
func FuzzReadMessage(f *testing.F) {
	b := stepMessage(f, &scene.Step{Frame: scene.Frame{Width: 4, Height: 2, Pix: make([]byte, 24)}, Flow: &scene.Flow{Width: 2, Height: 1, UV: make([]float32, 4)},
		Between: []scene.Gray{{Width: 4, Height: 2, Pix: make([]byte, 8)}}})
	longer := append(bytes.Clone(b), 0)
	longer[1]++
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add(longer)
	f.Add([]byte{msgStep, 8, 0, 0, 0, 255, 255, 255, 255, 1, 2, 3, 4})
	f.Add([]byte{msgInfo, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := readMessage(bytes.NewReader(b))
		if err != nil || m.kind != msgStep {
			return
		}
		s := m.step
		if len(s.Frame.Pix) != 3*s.Frame.Width*s.Frame.Height {
			t.Errorf("%dx%d in %d bytes", s.Frame.Width, s.Frame.Height, len(s.Frame.Pix))
		}
		if s.Flow != nil && len(s.Flow.UV) != 2*s.Flow.Width*s.Flow.Height {
			t.Errorf("flow of %dx%d in %d numbers", s.Flow.Width, s.Flow.Height, len(s.Flow.UV))
		}
		for _, g := range s.Between {
			if len(g.Pix) != g.Width*g.Height {
				t.Errorf("%dx%d in %d bytes", g.Width, g.Height, len(g.Pix))
			}
		}
	})
}

// Whoever gives up on a recording closes it while another goroutine still reads:
// both come to an end.
func TestClosedWhileReading(t *testing.T) {
	path := large(t)
	ctx, cancel := context.WithCancel(context.Background()) // one that can end, as in a real run: os/exec then hands its end to one waiter only
	defer cancel()
	for range 4 {
		r, err := Open(ctx, path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		read := make(chan error)
		go func() {
			for {
				if _, err := r.Next(); err != nil {
					read <- err
					return
				}
			}
		}()
		closed := make(chan error)
		go func() { closed <- r.Close() }()
		for _, end := range []<-chan error{closed, read} {
			<-end // one that does not come is the test binary's time-out, with the goroutines' stacks
		}
	}
}
