# Fuzzers (libFuzzer): each tests/fuzz/fuzz_X.c is one program, build/fuzz/fuzz_X, with sanitizers on.
# Its first line names what it is linked with, as a unit test's does; its inputs are in corpus/X.

FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS := 3600
FUZZ_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz_objects = $(patsubst %.c,build/fuzz/obj/%.o,$(call sources_of,$(1)))

fuzz: setup $(FUZZERS) ## fuzz for FUZZ_SECONDS=3600 in all (T=fuzz_x for one)
	@tools/fuzz --seconds $(FUZZ_SECONDS) $(T)

build/fuzz/obj/%.o: %.c mk/host.mk tests/fuzz/fuzz.mk | $(LIBFDT) build/include/bulkhead/version.h
	@mkdir -p $(@D)
	@clang $(HOST_FLAGS) $(FUZZ_SANITIZE) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

build/fuzz/libfdt/%.o: mk/host.mk tests/fuzz/fuzz.mk | $(LIBFDT)
	@mkdir -p $(@D)
	@clang -O1 -g -w $(FUZZ_SANITIZE) -fsanitize=fuzzer-no-link -I$(LIBFDT) -c $(LIBFDT)/$*.c -o $@

build/fuzz/libfdt.a: $(FDT_OBJECTS:$(LIB)/libfdt/%=build/fuzz/libfdt/%)
	@rm -f $@ && ar rcs $@ $^

define fuzz_rule
build/fuzz/$(1): $$(call fuzz_objects,tests/fuzz/$(1).c) build/fuzz/libfdt.a
	@echo "  FUZZER  $$@"
	@clang $$(FUZZ_SANITIZE) -fsanitize=fuzzer -o $$@ $$^ -lcmocka
-include $$(patsubst %.o,%.d,$$(call fuzz_objects,tests/fuzz/$(1).c))
endef
$(foreach t,$(notdir $(FUZZERS)),$(eval $(call fuzz_rule,$(t))))

.PHONY: fuzz
