// Element-wise instructions: an operation is a struct with a static function `of`; these run it over the lanes of a warp.
#pragma once
#include "warp.h"

namespace sim {

template <class T> inline void store(T* to, const T* values, u32 lanes) {
	if (lanes == ALL_LANES) memcpy(to, values, LANES * sizeof(T));
	else EACH_LANE(l) to[l] = isOn(lanes, l) ? values[l] : to[l];
}

template <class T, class Op> void unary(Warp& w, Instruction& i, u32 lanes) {
	T *a = w.at<T>(i.operand[1]), r[LANES];
	EACH_LANE(l) r[l] = Op::of(a[l]);
	store(w.at<T>(i.operand[0]), r, lanes);
}
template <class T, class Op> void binary(Warp& w, Instruction& i, u32 lanes) {
	T *a = w.at<T>(i.operand[1]), *b = w.at<T>(i.operand[2]), r[LANES];
	EACH_LANE(l) r[l] = Op::of(a[l], b[l]);
	store(w.at<T>(i.operand[0]), r, lanes);
}
template <class T, class Op> void ternary(Warp& w, Instruction& i, u32 lanes) {
	T *a = w.at<T>(i.operand[1]), *b = w.at<T>(i.operand[2]), *c = w.at<T>(i.operand[3]), r[LANES];
	EACH_LANE(l) r[l] = Op::of(a[l], b[l], c[l]);
	store(w.at<T>(i.operand[0]), r, lanes);
}

// Sets run when the choice exists; for the ends of the families' choices.
inline bool runs(Instruction& i, Execute f) { return (i.run = f) != nullptr; }

#define UNARY(Name, expression) struct Name { template <class T> static inline T of(T a) { return expression; } };
#define BINARY(Name, expression) struct Name { template <class T> static inline T of(T a, T b) { return expression; } };
#define TERNARY(Name, expression) struct Name { template <class T> static inline T of(T a, T b, T c) { return expression; } };

}  // namespace sim
