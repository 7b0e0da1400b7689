# From reset to board_main: memory protection, statics, stack.
	.option arch, +zicsr
	.section .start, "ax"
	.globl _start
_start:
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	la	tp, tls_start
	la	sp, stack_top
	la	t0, trap_entry
	csrw	mtvec, t0
	la	t0, trap_stack_top
	csrw	mscratch, t0

	# Physical memory protection (The RISC-V Instruction Set Manual, volume II, 3.7), locked, so that it binds machine
	# mode: 32 MB of flash may be read and executed, 400 KB of RAM read and written, and nothing else is there.
	li	t0, (0x20000000 >> 2) | ((32 * 1024 * 1024 >> 3) - 1)
	csrw	pmpaddr0, t0
	la	t0, ram_start
	srli	t0, t0, 2
	csrw	pmpaddr1, t0
	la	t0, ram_end
	srli	t0, t0, 2
	csrw	pmpaddr2, t0
	li	t0, -1
	csrw	pmpaddr3, t0
	# L NAPOT r-x | L off | L TOR rw- | L NAPOT ---
	li	t0, 0x9d | 0x80 << 8 | 0x8b << 16 | 0x98 << 24
	csrw	pmpcfg0, t0

	la	t0, data_load
	la	t1, data_start
	la	t2, data_end
	j	2f
1:	lw	t3, 0(t0)
	sw	t3, 0(t1)
	addi	t0, t0, 4
	addi	t1, t1, 4
2:	bltu	t1, t2, 1b
	la	t1, bss_start
	la	t2, bss_end
	j	4f
3:	sw	zero, 0(t1)
	addi	t1, t1, 4
4:	bltu	t1, t2, 3b
	la	t1, stack_bottom
	li	t3, 0x5ca1ab1e
5:	sw	t3, 0(t1)
	addi	t1, t1, 4
	bltu	t1, sp, 5b
	j	board_main

# A trap never returns: says what it was, and ends the board.
	.balign 4
trap_entry:
	csrrw	sp, mscratch, sp
	csrr	a0, mcause
	csrr	a1, mepc
	csrr	a2, mtval
	j	trap

# semihost(operation, parameter block) → result (RISC-V Semihosting 1.0: these three instructions, uncompressed and in one page)
	.globl semihost
	.section .text.semihost, "ax"
	.balign 16
	.option push
	.option norvc
semihost:
	slli	zero, zero, 0x1f
	ebreak
	srai	zero, zero, 7
	ret
	.option pop

	.section .bss.trap_stack
	.balign 16
	.space 2048
trap_stack_top:
