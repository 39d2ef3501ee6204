#include "textflag.h"

// func lines(address unsafe.Pointer, offset, size uintptr)
TEXT ·lines(SB), NOSPLIT, $0-24
	MOVQ address+0(FP), AX
	ADDQ offset+8(FP), AX
	MOVQ size+16(FP), BX
	ADDQ AX, BX            // BX: the end
	ANDQ $~63, AX          // AX: the beginning of a line

next:
	PREFETCHT0 (AX)
	ADDQ $64, AX
	CMPQ AX, BX
	JCS  next              // below the end
	RET
