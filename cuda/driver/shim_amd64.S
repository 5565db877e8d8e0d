//go:build cuda

/* One trampoline a driver function: it jumps to where shim.c found the function, so that arguments pass untouched. */

.macro forward name
	.text
	.globl \name
	.type \name, @function
\name:
	jmp *classlens_slot_\name(%rip)
	.size \name, . - \name
.endm

#define SYMBOL(name) forward name
#include "shim_symbols.h"

	.section .note.GNU-stack, "", @progbits
