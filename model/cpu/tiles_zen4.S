/* The micro-kernel for a Zen 4, whose tiles in C (kernels.h) leave a tenth to a fifth of the multipliers' time unused where few channels are summed.
 * Measured there: a multiply-add that broadcasts its input itself, beside one that has it in a register, is not slower but leaves the ways out of
 * the registers to the stores; sums that start as plain products do so too; and a tile that follows without a call begins while the last one's results
 * are stored. Of the multipliers' time tiles of 16 channels so use 0.98 instead of 0.81, of 64 channels 0.98 instead of 0.95.
 *
 * cl_tiles_MxH(const struct cl_tiles *): tiles of M pixels by H half blocks of 8 channels. H half blocks are H / 2 vectors of 512 bits and, where H
 * is odd, one of 256, whose other half is stored as zeros. */
#if defined(__x86_64__) && defined(__ELF__)
#include "tiles_zen4.h"
        .intel_syntax noprefix
        .altmacro
        .text

/* rdi: the task. Of a tile: r8 its first pixel, r9 its results, r10 what is added to them. Of a segment: rax its inputs, rbp those of the fourth pixel,
 * rdx weights, rcx channels left. r11 segments left, rbx full ones among them, rsi their offsets, r12 what to prefetch, r13 from pixel to pixel, r14 tiles
 * left, r15 from block to block of the results. */

/* One instruction each, so that numbers of registers can be computed. */
.macro WEIGHTS r, at
        vmovups zmm\r, [rdx + \at]
.endm
.macro HALF_WEIGHTS r, at
        vmovups ymm\r, [rdx + \at]
.endm
.macro PRODUCT start, sum, weights, at:vararg
  .if \start
        vmulps  zmm\sum, zmm\weights, dword ptr [\at]{1to16}
  .else
        vfmadd231ps zmm\sum, zmm\weights, dword ptr [\at]{1to16}
  .endif
.endm
.macro HALF_PRODUCT start, sum, weights, at:vararg
  .if \start
        vmulps  ymm\sum, ymm\weights, dword ptr [\at]{1to8}
  .else
        vfmadd231ps ymm\sum, ymm\weights, dword ptr [\at]{1to8}
  .endif
.endm
.macro PLUS sum, from, at
        vaddps  zmm\sum, zmm\sum, [\from + \at]
.endm
.macro HALF_PLUS sum, from, at
        vaddps  ymm\sum, ymm\sum, [\from + \at]
.endm
.macro RESULT sum, at
        vmaxps  zmm\sum, zmm\sum, zmm30
        vminps  zmm\sum, zmm\sum, zmm31
        vmovups [rax + \at], zmm\sum
.endm
.macro HALF_RESULT sum, at /* instructions on 256 bits leave zeros above */
        vmaxps  ymm\sum, ymm\sum, ymm30
        vminps  ymm\sum, ymm\sum, ymm31
        vmovups [rax + \at], zmm\sum
.endm

/* What pixel m's input lies at. */
.macro AT_PIXEL do, start, sum, weights
  .if m == 0
        \do \start, \sum, \weights, rax
  .elseif m == 1
        \do \start, \sum, \weights, rax + r13
  .elseif m == 2
        \do \start, \sum, \weights, rax + r13 * 2
  .elseif m == 3
        \do \start, \sum, \weights, rbp
  .elseif m == 4
        \do \start, \sum, \weights, rax + r13 * 4
  .else
        \do \start, \sum, \weights, rbp + r13 * 2
  .endif
.endm
/* One input channel of all pixels. Sum j of pixel m is register m V + j, the weights come after all sums. */
.macro CHANNEL M, H, V, start
        .set sums, \M * \V
        .set j, 0
        .rept \H / 2
        WEIGHTS %(sums + j), %(64 * j)
        .set j, j + 1
        .endr
        .if \H % 2
        HALF_WEIGHTS %(sums + j), %(64 * j)
        .endif
        .set m, 0
        .rept \M
          .set j, 0
          .rept \H / 2
        AT_PIXEL PRODUCT, \start, %(m * \V + j), %(sums + j)
          .set j, j + 1
          .endr
          .if \H % 2
        AT_PIXEL HALF_PRODUCT, \start, %(m * \V + j), %(sums + j)
          .endif
          .set m, m + 1
        .endr
        add     rdx, 32 * \H
        add     rax, 4
        add     rbp, 4
.endm

/* What lies at [from] is added to block j of all pixels, which it holds `step` bytes apart. */
.macro ADD_BLOCK M, H, V, block, from, step
        .set m, 0
        .rept \M
          .if \block < \H / 2
        PLUS    %(m * \V + \block), \from, %(m * \step)
          .else
        HALF_PLUS %(m * \V + \block), \from, %(m * \step)
          .endif
          .set m, m + 1
        .endr
.endm
.macro STORE_BLOCK M, H, V, block
        .set m, 0
        .rept \M
          .if \block < \H / 2
        RESULT  %(m * \V + \block), %(64 * m)
          .else
        HALF_RESULT %(m * \V + \block), %(64 * m)
          .endif
          .set m, m + 1
        .endr
.endm

.macro TILES M, H, V
        .globl  cl_tiles_\M\()x\H
        .hidden cl_tiles_\M\()x\H
        .type   cl_tiles_\M\()x\H, @function
        .balign 64
cl_tiles_\M\()x\H:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     r8, [rdi + CL_TILES_A]
        mov     r9, [rdi + CL_TILES_OUT]
        mov     r10, [rdi + CL_TILES_RES]
        mov     r12, [rdi + CL_TILES_NEXT]
        mov     r13, [rdi + CL_TILES_LDA]
        mov     r14, [rdi + CL_TILES_COUNT]
        mov     r15, [rdi + CL_TILES_OUT_BLOCK]
1:      /* a tile */
        mov     rdx, [rdi + CL_TILES_W]
        mov     rsi, [rdi + CL_TILES_OFF]
        mov     r11, [rdi + CL_TILES_SEGMENTS]
        mov     rbx, [rdi + CL_TILES_FULL]
        movsxd  rax, dword ptr [rsi]
        lea     rax, [r8 + rax * 4]
        lea     rbp, [r13 + r13 * 2]
        add     rbp, rax
        mov     rcx, [rdi + CL_TILES_KSEG]
        test    rbx, rbx
        cmovle  rcx, [rdi + CL_TILES_KLAST]
        CHANNEL \M, \H, \V, 1
        dec     rcx
        jz      3f
        .balign 32
2:      CHANNEL \M, \H, \V, 0
        dec     rcx
        jnz     2b
3:      /* the end of a segment */
        mov     rcx, [rdi + CL_TILES_LINES]
        test    rcx, rcx
        jz      5f
4:      prefetcht1 [r12]
        add     r12, 64
        dec     rcx
        jnz     4b
5:      dec     r11
        jz      6f
        add     rsi, 4
        movsxd  rax, dword ptr [rsi]
        lea     rax, [r8 + rax * 4]
        lea     rbp, [r13 + r13 * 2]
        add     rbp, rax
        mov     rcx, [rdi + CL_TILES_KSEG]
        dec     rbx
        cmovle  rcx, [rdi + CL_TILES_KLAST]
        jmp     2b
6:      /* the end of a tile */
        test    r10, r10
        jz      7f
        mov     rax, r10
        .set k, 0
        .rept \V
        ADD_BLOCK \M, \H, \V, %k, rax, 64
        add     rax, [rdi + CL_TILES_RES_BLOCK]
        .set k, k + 1
        .endr
        add     r10, 64 * \M
7:      mov     rcx, [rdi + CL_TILES_BIAS]
        vbroadcastss zmm30, dword ptr [rdi + CL_TILES_LO]
        vbroadcastss zmm31, dword ptr [rdi + CL_TILES_HI]
        mov     rax, r9
        .set k, 0
        .rept \V
        ADD_BLOCK \M, \H, \V, %k, rcx, 0
        STORE_BLOCK \M, \H, \V, %k
        add     rcx, 64
        add     rax, r15
        .set k, k + 1
        .endr
        add     r8, [rdi + CL_TILES_STEP]
        add     r9, 64 * \M
        dec     r14
        jnz     1b
        vzeroupper
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret
        .size   cl_tiles_\M\()x\H, . - cl_tiles_\M\()x\H
.endm

        .set pixels, 1
        .rept 6
        TILES   %pixels, 1, 1
        TILES   %pixels, 2, 1
        TILES   %pixels, 3, 2
        TILES   %pixels, 4, 2
        .set pixels, pixels + 1
        .endr
        .set pixels, 1
        .rept 5
        TILES   %pixels, 5, 3
        TILES   %pixels, 6, 3
        .set pixels, pixels + 1
        .endr
#endif
#if defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
