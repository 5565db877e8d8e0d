// What an access costs beyond the least.
#include <algorithm>

#include "access.h"

namespace sim {

// Shared memory has 32 banks of 4 bytes and serves 128 bytes at once: 32 lanes of 4 bytes, 16 of 8, 8 of 16. Lanes that want
// different words of one bank are served one after another; each turn beyond the first is a replay.
static u64 replays(u32 lanes, const u64* addresses, int bytes) {
	const int words = (bytes + 3) / 4, atOnce = bytes == 16 ? 8 : bytes == 8 ? 16 : 32;
	u64 extra = 0;
	for (int first = 0; first < LANES; first += atOnce) {
		u64 wanted[32][32];
		int count[32] = {}, most = 0;
		for (int l = first; l < first + atOnce; l++) {
			if (!isOn(lanes, l)) continue;
			for (int k = 0; k < words; k++) {
				u64 word = addresses[l] / 4 + k;
				int bank = word & 31;
				if (std::find(wanted[bank], wanted[bank] + count[bank], word) == wanted[bank] + count[bank]) wanted[bank][count[bank]++] = word;
				most = std::max(most, count[bank]);
			}
		}
		if (most > 1) extra += most - 1;
	}
	return extra;
}

// Global memory is moved in sectors of 32 bytes; the least is what the different bytes asked for would fill.
static u64 excessSectors(u32 lanes, const u64* addresses, int bytes) {
	u64 sectors[LANES * 2], starts[LANES];
	int n = 0, different = 0;
	auto add = [](u64* set, int& size, u64 v) { if (std::find(set, set + size, v) == set + size) set[size++] = v; };
	EACH_ON(l, lanes) {
		add(starts, different, addresses[l]);
		for (u64 s = addresses[l] / 32; s <= (addresses[l] + bytes - 1) / 32; s++) add(sectors, n, s);
	}
	int needed = (different * bytes + 31) / 32;
	return n > needed ? n - needed : 0;
}

void countWaste(Instruction& i, u32 lanes, const u64* addresses, int bytes, bool shared) {
	i.accesses++;
	i.waste += shared ? replays(lanes, addresses, bytes) : excessSectors(lanes, addresses, bytes);
}

}  // namespace sim
