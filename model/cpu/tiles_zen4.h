/* What a tile of tiles_zen4.S is given; shared by C and the assembler, which knows the offsets. */
#define CL_TILES_A 0
#define CL_TILES_W 8
#define CL_TILES_BIAS 16
#define CL_TILES_RES 24
#define CL_TILES_OUT 32
#define CL_TILES_OFF 40
#define CL_TILES_NEXT 48
#define CL_TILES_OUT_BLOCK 56
#define CL_TILES_RES_BLOCK 64
#define CL_TILES_SEGMENTS 72
#define CL_TILES_FULL 80
#define CL_TILES_KSEG 88
#define CL_TILES_KLAST 96
#define CL_TILES_COUNT 104
#define CL_TILES_LINES 112
#define CL_TILES_LDA 120
#define CL_TILES_STEP 128
#define CL_TILES_LO 136
#define CL_TILES_HI 140

#ifndef __ASSEMBLER__
/* `count` tiles, one after another: pixels lda apart in a (a tile's end is `step` from its begin), 16 floats in out and res (NULL: none). The other
 * fields are cl_gemm's, and what of the next panel is drawn nearer: `lines` cache lines after each segment. Distances are in bytes. */
struct cl_tiles {
    const float *a, *w, *bias, *res;
    float *out;
    const int *off;
    const float *next;
    long out_block, res_block, segments, full, kseg, klast, count, lines, lda, step;
    float lo, hi;
};
#endif
