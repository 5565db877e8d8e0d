// mma.sync and ldmatrix. Where an element lies in which lane's register is the PTX manual's figure of each fragment.
#include <cmath>

#include "access.h"
#include "halffloat.h"
#include "lanes.h"
#include "opcode.h"

namespace sim {

enum Elements { HALF, BFLOAT, TENSOR_FLOAT };
static const int ROWS = 16, COLUMNS = 8;

static float element(int kind, u32 v, int half) {
	if (kind == TENSOR_FLOAT) return bitsAs<float>(v & 0xffffe000);   // the hardware ignores the low bits
	u16 h = half ? v >> 16 : v;
	return kind == HALF ? floatOfHalf(h) : floatOfBfloat(h);
}

// A sum as tensor cores are known to do it (Fasi et al. 2021): eight exact products and the sum so far are cut off at the last place of the
// greatest of them, added, and the sum cut off to a float. Later devices keep a bit or two more.
static float roughSum(float c, const float* a, const float (*b)[COLUMNS], int n, int K) {
	for (int k = 0; k < K; k += 8) {
		double term[9] = {c}, sum = 0, greatest = std::fabs((double)c);
		int terms = 1;
		for (int j = k; j < std::min(K, k + 8); j++) {
			term[terms] = (double)a[j] * b[j][n];
			greatest = std::max(greatest, std::fabs(term[terms++]));
		}
		if (!(greatest < INFINITY) || greatest == 0) {
			for (int j = 0; j < terms; j++) sum += term[j];
			c = sum;
			continue;
		}
		int exponent;
		std::frexp(greatest, &exponent);   // greatest is in [2^(exponent-1), 2^exponent)
		const double unit = std::ldexp(1.0, exponent - 24);
		for (int j = 0; j < terms; j++) sum += std::trunc(term[j] / unit) * unit;
		std::frexp(sum, &exponent);
		const double last = std::ldexp(1.0, exponent - 24);
		c = sum == 0 ? 0 : std::trunc(sum / last) * last;
	}
	return c;
}

// D(16x8) = A(16xK) * B(Kx8) + C in f32. Lane l holds of A rows l/4 and l/4+8, of B column l/4, of C and D columns 2(l%4), +1.
// size: K; mode: Elements; vector: registers of A. The order of summation is by k; the hardware's is its own.
static void multiplyMatrices(Warp& w, Instruction& i, u32 lanes) {
	if (lanes != ALL_LANES) fault(w, i, firstOf(~lanes), LAUNCH_FAILED, "mma.sync needs all 32 lanes");
	const int K = i.size, ofA = i.vector, ofB = ofA / 2;
	const Operand *D = i.operand, *A = D + 4, *B = A + ofA, *C = B + ofB;
	float a[ROWS][16], b[16][COLUMNS], c[ROWS][COLUMNS];
	const bool single = i.mode == TENSOR_FLOAT;   // one element a register instead of two
	EACH_LANE(l) {
		const int g = l >> 2, q = l & 3;
		for (int r = 0; r < ofA; r++)
			for (int h = 0; h < 2 - single; h++) a[g + 8 * (r & 1)][single ? q + 4 * (r >> 1) : q * 2 + h + 8 * (r >> 1)] = element(i.mode, w.at<u32>(A[r])[l], h);
		for (int r = 0; r < ofB; r++)
			for (int h = 0; h < 2 - single; h++) b[single ? q + 4 * r : q * 2 + h + 8 * r][g] = element(i.mode, w.at<u32>(B[r])[l], h);
		for (int r = 0; r < 4; r++) c[g + 8 * (r >> 1)][q * 2 + (r & 1)] = w.at<float>(C[r])[l];
	}
	for (int r = 0; settings.rough && r < ROWS; r++)
		for (int n = 0; n < COLUMNS; n++) c[r][n] = roughSum(c[r][n], a[r], b, n, K);
	for (int r = 0; !settings.rough && r < ROWS; r++)
		for (int k = 0; k < K; k++)
			for (int n = 0; n < COLUMNS; n++) c[r][n] += a[r][k] * b[k][n];
	EACH_LANE(l)
		for (int r = 0; r < 4; r++) w.at<float>(D[r])[l] = c[(l >> 2) + 8 * (r >> 1)][(l & 3) * 2 + (r & 1)];
}

// 1, 2 or 4 matrices of 8x8 halves; lane 8m+r has the address of row r of matrix m. Lane l gets elements 2(l%4), +1 of row l/4.
// option: .trans
static void loadMatrices(Warp& w, Instruction& i, u32 lanes) {
	if (lanes != ALL_LANES) fault(w, i, firstOf(~lanes), LAUNCH_FAILED, "ldmatrix needs all 32 lanes");
	const int n = i.vector;
	u32 addressing = n == 4 ? ALL_LANES : (1u << 8 * n) - 1;
	u8* p[LANES];
	resolve(w, i, addressing, i.operand[n], i.offset, 16, READ, p);
	for (int m = 0; m < n; m++) {
		u32* d = w.at<u32>(i.operand[m]);
		EACH_LANE(l) {
			u16 h[2];
			for (int e = 0; e < 2; e++) {
				int row = l >> 2, column = (l & 3) * 2 + e;
				if (i.option) std::swap(row, column);
				memcpy(&h[e], p[m * 8 + row] + 2 * column, 2);
			}
			d[l] = h[0] | (u32)h[1] << 16;
		}
	}
}

static bool chooseMma(Instruction& i, const Opcode& op) {
	// .row.col.f32.<a>.<b>.f32: accumulators are f32
	auto& s = op.suffixes;
	if (s.size() < 4 || s.back() != "f32" || s[s.size() - 4] != "f32" || s[s.size() - 2] != s[s.size() - 3]) return false;
	int kind = op.which({"f16", "bf16", "tf32"}), shape = op.which({"m16n8k16", "m16n8k8", "m16n8k4"});
	if (kind < 0 || shape < 0 || !op.has("row") || !op.has("col")) return false;
	int k = 16 >> shape, perRegister = kind == TENSOR_FLOAT ? 1 : 2, ofA = ROWS * k / (LANES * perRegister);
	if (kind == TENSOR_FLOAT ? k > 8 : k < 8) return false;
	i.mode = kind;
	i.size = k;
	i.vector = ofA;
	i.kind = TOGETHER;
	return i.operands == 4 + ofA + ofA / 2 + 4 && runs(i, multiplyMatrices);
}

bool chooseMatrix(Instruction& i, const Opcode& op) {
	if (op.name == "mma") return op.has("sync") && chooseMma(i, op);
	if (op.name != "ldmatrix" || !op.has("m8n8") || !op.has("b16")) return false;
	int n = op.has("x4") ? 4 : op.has("x2") ? 2 : 1;
	i.option = op.has("trans");
	i.space = SHARED;
	i.kind = TOGETHER;
	return i.vector == n && i.operands == n + 1 && runs(i, loadMatrices);
}

}  // namespace sim
