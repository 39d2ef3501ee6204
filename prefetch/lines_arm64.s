#include "textflag.h"

// func lines(address unsafe.Pointer, offset, size uintptr)
TEXT ·lines(SB), NOSPLIT, $0-24
	MOVD address+0(FP), R0
	MOVD offset+8(FP), R1
	ADD  R1, R0
	MOVD size+16(FP), R1
	ADD  R0, R1            // R1: the end
	BIC  $63, R0           // R0: the beginning of a line

next:
	PRFM (R0), PLDL1KEEP
	ADD  $64, R0
	CMP  R1, R0
	BLO  next              // below the end
	RET
