//go:build cuda

package driver

/*
#cgo LDFLAGS: -L${SRCDIR}/lib -ldl
#include <stdlib.h>
#include <cuda.h>
#include "shim.h"
*/
import "C"

import (
	"os"
	"reflect"
	"sync"
	"unsafe"
)

var opening sync.Mutex

// open loads the library once. Not loaded and no error: there is no driver on this machine.
func open(library string) (loaded bool, err error) {
	opening.Lock()
	defer opening.Unlock()
	chosen := C.CString(library)
	defer C.free(unsafe.Pointer(chosen))
	code := int(C.shim_open(chosen))
	if C.shim_loaded() == 0 {
		if library == "" {
			return false, nil
		}
		return false, &Error{Op: "load " + library, Class: ErrNoDevice, Detail: C.GoString(C.shim_failure())}
	}
	if code == codeNoDevice {
		return false, nil // a driver without a card
	}
	if code != 0 {
		return false, &Error{Op: "initialize driver", Code: code, Name: nameOf(code), Detail: hints[code], Class: ErrNoDevice}
	}
	return true, nil
}

const codeNoDevice = 100

// simulated says whether the library is the simulated device, and is to be taken for what it is: see RehearsalVariable.
func simulated() bool { return interpreted() && os.Getenv(RehearsalVariable) == "" }

// interpreted says whether the library is the simulated device, which takes its time.
func interpreted() bool { return C.shim_simulated() != 0 }

// codeOf gives the CUresult of an error of cu, whose type is not exported.
func codeOf(err error) int {
	if err == nil {
		return 0
	}
	if v := reflect.ValueOf(err); v.CanInt() {
		return int(v.Int())
	}
	return int(C.CUDA_ERROR_UNKNOWN)
}

// result turns the answer of a function that cu does not have into an error that codeOf reads.
func result(r C.CUresult) error {
	if r == C.CUDA_SUCCESS {
		return nil
	}
	return resultCode(r)
}

type resultCode int

func (c resultCode) Error() string { return nameOf(int(c)) }

func nameOf(code int) string {
	var s *C.char
	if C.cuGetErrorName(C.CUresult(code), &s) != C.CUDA_SUCCESS || s == nil {
		return "CUDA_ERROR"
	}
	return C.GoString(s)
}

// convert makes the error of a failed call.
func convert(op string, code int) *Error {
	detail := C.GoString(C.shim_sim_message())
	if detail == "" {
		detail = hints[code]
	}
	return &Error{Op: op, Code: code, Name: nameOf(code), Detail: detail, Class: classOf(code)}
}
