# Tests, style, sizes, debugging.

test: setup lint $(UNIT_TESTS) sdcard ## run every test, or one: make test T=name
	@tools/runtests $(T)

soak: sdcard ## the long tests
	@tools/runtests --soak $(T)

lint: setup $(NEWLIB) $(LIBFDT) build/include/bulkhead/version.h ## check style, layering, warnings of other compilers
	@tools/lint

format: setup ## format all C
	@git ls-files '*.c' '*.h' | xargs -r clang-format -i

size: hyp ## sizes of the hypervisor, against their limits
	@tools/size $(HYP) $(HYP_SOURCES)

debug: sdcard ## boot the card image halted, with gdb attached
	@tools/debug $(CARD) $(HYP)/bulkhead.elf

.PHONY: test soak lint format size debug
