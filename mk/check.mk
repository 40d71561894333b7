# Tests, style, sizes, debugging.

test: setup lint $(UNIT_TESTS) $(if $(T),,$(FUZZERS)) guests sdcard build/host/count.so ## run every test, or one: make test T=name
	@$(if $(T),,tools/size $(HYP) $(HYP_SOURCES) && tools/fuzz --each 5 &&) tools/runtests $(T)

soak: guests sdcard ## the long tests
	@tools/runtests --soak $(T)

attack: guests sdcard ## all cases of the attacking guest, beside a witness
	@tools/runtests --attack $(T); s=$$?; cat build/test/attack.txt; exit $$s

guards: setup build/include/bulkhead/version.h | $(LIBFDT) ## take each guard out once: its test must turn red
	@tools/guards $(T)

prove: build/include/bulkhead/version.h | $(CBMC) ## model checking (CBMC, from a later Debian)
	@tools/prove $(CBMC) $(T)

demo: sdcard ## two Debians, one of which is ruined in many ways (SERIAL=/dev/ttyUSB0: on a real board)
	@tools/demo $(if $(SERIAL),--serial $(SERIAL),$(CARD))

# Every C file of the hypervisor is seen by a second compiler and by clang-tidy, for EL2; what must compile
# for the host alone is seen there by both compilers. Files already seen are not seen again.
HOST_DIRS := core vgic virtio vdev
LINT_SOURCES := $(filter %.c,$(HYP_SOURCES))
LINT_HOST := $(filter $(addsuffix /%,$(HOST_DIRS)),$(LINT_SOURCES))
LINT_HEADERS := $(wildcard include/bulkhead/*.h $(addsuffix /*.h,$(HYP_DIRS)))
CLANG_INCLUDE = $(eval CLANG_INCLUDE := $$(shell clang -print-resource-dir)/include)$(CLANG_INCLUDE)
CLANG_FLAGS = --target=aarch64-none-elf -std=c11 -mcpu=cortex-a72 -mgeneral-regs-only -nostdinc \
	-Iinclude -Ibuild/include -I. -isystem mk/newlib -isystem $(NEWLIB)/libc/include \
	-isystem $(CLANG_INCLUDE) -isystem $(LIBFDT)

build/lint/%.ok: %.c $(LINT_HEADERS) .clang-tidy mk/check.mk | $(NEWLIB) $(LIBFDT) build/include/bulkhead/version.h
	@mkdir -p $(@D)
	@echo "  LINT    $<"
	@clang $(CLANG_FLAGS) $(WARNINGS) -fsyntax-only $<
	@clang-tidy --quiet $< -- $(CLANG_FLAGS) 2> $@.log || { cat $@.log; exit 1; }
	@touch $@

build/lint/host/%.ok: %.c $(LINT_HEADERS) mk/check.mk | $(LIBFDT) build/include/bulkhead/version.h
	@mkdir -p $(@D)
	@gcc $(HOST_FLAGS) -fsyntax-only $<
	@clang $(HOST_FLAGS) -fsyntax-only $<
	@touch $@

lint: setup $(LINT_SOURCES:%.c=build/lint/%.ok) $(LINT_HOST:%.c=build/lint/host/%.ok) ## check style, layering, warnings
	@tools/lint

format: setup ## format all C
	@git ls-files '*.c' '*.h' | xargs -r clang-format -i

# What counts the hypervisor's instructions in the emulator; with its own declarations of QEMU's interface.
build/host/count.so: tools/benchmark/count.c
	@mkdir -p $(@D)
	@echo "  HOSTLD  $@"
	@$(HOST_CC) -O2 $(WARNINGS) -shared -fPIC -fvisibility=hidden -o $@ $<

bench: setup hyp guests build/host/count.so | $(FIRMWARE) ## what each path to EL2 costs, against others
	@tools/bench

size: hyp ## sizes of the hypervisor, against their limits
	@tools/size $(HYP) $(HYP_SOURCES)

debug: sdcard ## boot the card image halted, with gdb attached
	@tools/debug $(CARD) $(HYP)/bulkhead.elf

.PHONY: bench test soak attack demo guards prove lint format size debug
