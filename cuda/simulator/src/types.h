// Widths, types and address spaces of PTX, and the fault that ends a launch.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace sim {

using u8 = uint8_t; using u16 = uint16_t; using u32 = uint32_t; using u64 = uint64_t;
using i8 = int8_t; using i16 = int16_t; using i32 = int32_t; using i64 = int64_t;
using std::string; using std::vector;

const int LANES = 32;          // threads of a warp
const u32 ALL_LANES = ~0u;

enum Type : u8 { NONE, B8, U8, S8, B16, U16, S16, F16, BF16, B32, U32, S32, F32, F16X2, BF16X2, B64, U64, S64, F64, PRED };
enum Space : u8 { GENERIC, GLOBAL, SHARED, LOCAL, PARAM };

inline int widthOf(Type t) {   // in bytes; 0 for predicates
	switch (t) {
	case B8: case U8: case S8: return 1;
	case B16: case U16: case S16: case F16: case BF16: return 2;
	case B32: case U32: case S32: case F32: case F16X2: case BF16X2: return 4;
	case B64: case U64: case S64: case F64: return 8;
	default: return 0;
	}
}
inline bool isFloat(Type t) { return t == F16 || t == BF16 || t == F32 || t == F64; }
inline bool isPacked(Type t) { return t == F16X2 || t == BF16X2; }
inline bool isSigned(Type t) { return t == S8 || t == S16 || t == S32 || t == S64; }
Type typeNamed(const string& name);   // "f32" -> F32; NONE for other words

// Where generic addresses of the spaces begin. Device memory lies where the host has nothing, so that the host faults when it uses
// such an address.
const u64 DEVICE_BASE = 0x700000000000ull, SHARED_BASE = 0x7e0000000000ull, LOCAL_BASE = 0x7e1000000000ull,
          PARAM_BASE = 0x7e2000000000ull;

// The results of the driver API that the simulator gives (CUresult).
enum Result {
	SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_DEVICE = 101, INVALID_CONTEXT = 201, NO_BINARY = 209, INVALID_PTX = 218,
	UNSUPPORTED_PTX = 222,
	INVALID_HANDLE = 400, ILLEGAL_STATE = 401, NOT_FOUND = 500, NOT_READY = 600, ILLEGAL_ADDRESS = 700, LAUNCH_OUT_OF_RESOURCES = 701,
	LAUNCH_TIMEOUT = 702, MISALIGNED_ADDRESS = 716, LAUNCH_FAILED = 719, NOT_SUPPORTED = 801, CAPTURE_UNSUPPORTED = 900,
	CAPTURE_INVALIDATED = 901, CAPTURE_UNMATCHED = 903, CAPTURE_UNJOINED = 904, CAPTURE_ISOLATION = 905, CAPTURED_EVENT = 907,
};

struct Fault {
	int code;          // Result
	string message;
};

string hex(u64 v);

}  // namespace sim
