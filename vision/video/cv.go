// Package video reads recordings: it opens them safely, decodes them in a child
// process running the same binary, and gives steps with picture, optical flow, camera
// motion and shot. It also writes annotated videos. It is the only importer of gocv; shim.cc has what gocv
// lacks, and wraps calls that may throw C++ exceptions.
//
// Parent and child: Recording (parent) supervises the process, reads its messages (protocol.go) and turns a
// crash, a hang or exhausted memory into an error; worker (child) decodes and computes (step.go).
package video

/*
#cgo CXXFLAGS: -std=c++17 -O2 -Wall
#cgo pkg-config: opencv4
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"classlens/vision/scene"

	"gocv.io/x/gocv"
)

// Versions names the versions of OpenCV and FFmpeg in use.
func Versions() string {
	text := "OpenCV " + gocv.OpenCVVersion()
	for _, line := range strings.Split(C.GoString(C.cl_cv_build()), "\n") {
		if f := strings.Fields(line); len(f) > 1 && (f[0] == "avcodec:" || f[0] == "avformat:") {
			text += ", " + strings.TrimSuffix(f[0], ":") + " " + strings.Trim(f[len(f)-1], "()")
		}
	}
	return text
}

// cvError gives the reason for the last failure on this thread. The caller must have locked its goroutine to the thread before the call that failed.
func cvError(what string) error {
	return errors.New(what + ": " + strings.TrimSpace(C.GoString(C.cl_cv_error())))
}

func bytesPointer(b []byte) *C.uchar { return (*C.uchar)(unsafe.Pointer(unsafe.SliceData(b))) }

// EncodeJPEG compresses a frame; quality is 1 to 100.
func EncodeJPEG(f scene.Frame, quality int) ([]byte, error) {
	runtime.LockOSThread() // see cvError
	defer runtime.UnlockOSThread()
	if f.Width <= 0 || len(f.Pix) != 3*f.Width*f.Height {
		return nil, fmt.Errorf("a frame of %dx%d with %d bytes", f.Width, f.Height, len(f.Pix))
	}
	var out *C.uchar
	var size C.int
	if C.cl_jpeg_encode(bytesPointer(f.Pix), C.int(f.Width), C.int(f.Height), C.int(quality), &out, &size) != 0 {
		return nil, cvError("JPEG")
	}
	defer C.cl_free_bytes(out)
	return C.GoBytes(unsafe.Pointer(out), size), nil
}

// DecodeJPEG is the inverse of EncodeJPEG.
func DecodeJPEG(b []byte) (scene.Frame, error) {
	runtime.LockOSThread() // see cvError
	defer runtime.UnlockOSThread()
	if len(b) == 0 {
		return scene.Frame{}, errors.New("JPEG: empty")
	}
	var picture unsafe.Pointer
	var w, h C.int
	if C.cl_jpeg_decode(bytesPointer(b), C.int(len(b)), &picture, &w, &h) != 0 {
		return scene.Frame{}, cvError("JPEG")
	}
	f := scene.Frame{Width: int(w), Height: int(h), Pix: make([]byte, 3*w*h)}
	if C.cl_jpeg_take(picture, bytesPointer(f.Pix)) != 0 {
		return scene.Frame{}, cvError("JPEG")
	}
	return f, nil
}

// shrink resizes a grey frame to at most the given width.
func shrink(g scene.Gray, width int) (scene.Gray, error) {
	if g.Width <= width {
		return g, nil
	}
	out := scene.Gray{Time: g.Time, Width: width, Height: max(1, (g.Height*width+g.Width/2)/g.Width)}
	out.Pix = make([]byte, out.Width*out.Height)
	if C.cl_resize_gray(bytesPointer(g.Pix), C.int(g.Width), C.int(g.Height), bytesPointer(out.Pix), C.int(out.Width), C.int(out.Height)) != 0 {
		return out, cvError("resizing")
	}
	return out, nil
}

// disFlow is dense flow from a to b, (h, w, 2) in their pixels.
func disFlow(a, b scene.Gray) ([]float32, error) {
	runtime.LockOSThread() // see cvError
	defer runtime.UnlockOSThread()
	uv := make([]float32, 2*a.Width*a.Height)
	if C.cl_dis_flow(bytesPointer(a.Pix), bytesPointer(b.Pix), C.int(a.Width), C.int(a.Height), 0, (*C.float)(&uv[0])) != 0 {
		return nil, cvError("optical flow")
	}
	return uv, nil
}

// cameraMotion fits a similarity transform from a to b by sparse features; share is the
// fraction of the features that agree with it, 0 if none can be fitted.
func cameraMotion(a, b scene.Gray) (cam scene.Camera, share float64, err error) {
	var m [6]C.double
	var s C.double
	if C.cl_camera(bytesPointer(a.Pix), bytesPointer(b.Pix), C.int(a.Width), C.int(a.Height), &m[0], &s) != 0 {
		return scene.Still(), 0, cvError("camera motion")
	}
	cam.A = [2][2]float64{{float64(m[0]), float64(m[1])}, {float64(m[2]), float64(m[3])}}
	cam.B = [2]float64{float64(m[4]), float64(m[5])}
	return cam, float64(s), nil
}

// capture is OpenCV's FFmpeg reader.
type capture struct{ c *C.cl_capture }

// OpenCV's property numbers.
const (
	propPosMsec    = 0
	propWidth      = 3
	propHeight     = 4
	propFPS        = 5
	propFrameCount = 7
	propPixelWide  = 40 // a pixel's shape, as a fraction
	propPixelHigh  = 41
)

// turnByDecoder leaves the pictures' orientation to OpenCV.
const turnByDecoder = -1

// openCapture opens a recording whose pictures are turned clockwise by 0, 90, 180 or 270 degrees.
func openCapture(path string, turn int) (*capture, error) {
	p := C.CString(path)
	defer C.free(unsafe.Pointer(p))
	c := C.cl_capture_open(p, C.int(turn))
	if c == nil {
		return nil, cvError("opening")
	}
	return &capture{c}, nil
}

func (c *capture) get(property int) float64 {
	return float64(C.cl_capture_get(c.c, C.int(property)))
}
func (c *capture) grab() bool     { return C.cl_capture_grab(c.c) == 1 }
func (c *capture) retrieve() bool { return C.cl_capture_retrieve(c.c) == 1 }
func (c *capture) close()         { C.cl_capture_close(c.c) }

func (c *capture) rgb(w, h int) ([]byte, error) {
	pix := make([]byte, 3*w*h)
	if C.cl_capture_rgb(c.c, bytesPointer(pix), C.int(w), C.int(h)) != 0 {
		return nil, cvError("converting")
	}
	return pix, nil
}

func (c *capture) gray(w, h int) ([]byte, error) {
	pix := make([]byte, w*h)
	if C.cl_capture_gray(c.c, bytesPointer(pix), C.int(w), C.int(h)) != 0 {
		return nil, cvError("converting")
	}
	return pix, nil
}

// setThreads limits OpenCV's own threads.
func setThreads(n int) { C.cl_cv_threads(C.int(n)) }

// setDecoderThreads limits FFmpeg's decoding threads in captures opened from now on.
func setDecoderThreads(most int) { C.cl_decoder_threads(C.int(most)) }

// writer is OpenCV's FFmpeg writer: H.264 if there is an encoder, else MPEG-4.
type writer struct{ c *C.cl_writer }

func openWriter(path string, fps float64, w, h int) (*writer, error) {
	runtime.LockOSThread() // see cvError
	defer runtime.UnlockOSThread()
	p := C.CString(path)
	defer C.free(unsafe.Pointer(p))
	c := C.cl_writer_open(p, C.double(fps), C.int(w), C.int(h))
	if c == nil {
		return nil, cvError("writing video")
	}
	return &writer{c}, nil
}

func (w *writer) write(rgb []byte) error {
	runtime.LockOSThread() // see cvError
	defer runtime.UnlockOSThread()
	if C.cl_writer_write(w.c, bytesPointer(rgb)) != 0 {
		return cvError("writing video")
	}
	return nil
}
func (w *writer) close() { C.cl_writer_close(w.c) }
