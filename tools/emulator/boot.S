# SPDX-License-Identifier: Apache-2.0
# The boot sector of tools/emulate's disk: reads pieces of the disk to where they belong in memory and
# enters the kernel as its PVH protocol says, in 32-bit mode with paging off. There is no boot loader,
# and the kernel is not compressed: on an emulated processor both would take longer than the rest.
#
# tools/emulate appends what it fills in behind the code: at `plan`, the kernel's entry point, the
# address of its start information, then per piece its address, first sector and number of sectors,
# ended by an address of zero.
  .code16
  .globl _start
_start:
  cli
  xor %ax, %ax
  mov %ax, %ds
  in $0x92, %al  # lines of the address bus above 20
  or $2, %al
  out %al, $0x92
  lgdt gdt_pointer
  mov $1, %eax  # protected mode
  mov %eax, %cr0
  ljmp $8, $protected

  .code32
protected:
  mov $16, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  mov $plan, %esi
  cld
  lodsl
  mov %eax, %ebp
  lodsl
  push $0x7c00
  pop %esp
  push %eax
next_piece:
  lodsl
  test %eax, %eax
  jz enter
  mov %eax, %edi
  lodsl
  mov %eax, %ebx
  lodsl
  mov %eax, %ecx
next_sector:
  push %ecx
  call read_sector
  pop %ecx
  inc %ebx
  loop next_sector
  jmp next_piece
enter:
  pop %ebx
  jmp *%ebp

# Reads sector ebx of the first disk to edi, by programmed input.
read_sector:
  mov $0x1f2, %edx
  mov $1, %al
  out %al, %dx
  mov %ebx, %eax
  mov $3, %ecx
1:
  inc %edx
  out %al, %dx
  shr $8, %eax
  loop 1b
  inc %edx
  or $0xe0, %al
  out %al, %dx
  inc %edx
  mov $0x20, %al
  out %al, %dx
2:
  in %dx, %al
  and $0x88, %al
  cmp $8, %al
  jne 2b
  mov $0x1f0, %edx
  mov $128, %ecx
  rep insl
  ret

  .balign 8
gdt:
  .quad 0
  .quad 0x00cf9b000000ffff  # code, all 4 GiB
  .quad 0x00cf93000000ffff  # data, all 4 GiB
gdt_pointer:
  .word . - gdt - 1
  .long gdt
plan:
