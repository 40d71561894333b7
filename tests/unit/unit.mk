# Host unit tests: each tests/unit/test_X.c is one program, build/unit/test_X, with sanitizers on.
# Its first line names what it is linked with:  // sources: core/config.c tests/fake/arch.c

UNIT_CC ?= gcc
UNIT_FLAGS := -std=gnu11 -O1 -g $(WARNINGS) -fno-common -fsanitize=address,undefined \
	-fno-sanitize-recover=all -Iinclude -Ibuild/include -Itests -I. -isystem $(LIBFDT) -DBULKHEAD_HOST
UNIT_TESTS := $(patsubst tests/unit/%.c,build/unit/%,$(wildcard tests/unit/test_*.c))

unit: $(UNIT_TESTS) ## build and run the host unit tests only
	@$(PYTHON) tools/runtests --unit $(T)

# $(call unit_sources,FILE)
unit_sources = $(shell sed -n '1s,^// sources:,,p' $(1))
unit_objects = $(patsubst %.c,build/unit/obj/%.o,$(1) $(call unit_sources,$(1)))

build/unit/obj/%.o: %.c tests/unit/unit.mk | $(LIBFDT) build/include/bulkhead/version.h
	@mkdir -p $(@D)
	@$(UNIT_CC) $(UNIT_FLAGS) -MMD -MP -c $< -o $@

# The same libfdt as at EL2, under the sanitizers too.
UNIT_FDT := $(FDT_OBJECTS:$(LIB)/libfdt/%=build/unit/libfdt/%)

build/unit/libfdt/%.o: tests/unit/unit.mk | $(LIBFDT)
	@mkdir -p $(@D)
	@$(UNIT_CC) -O1 -g -w -fsanitize=address,undefined -I$(LIBFDT) -c $(LIBFDT)/$*.c -o $@

build/unit/libfdt.a: $(UNIT_FDT)
	@rm -f $@ && ar rcs $@ $^

define unit_rule
build/unit/$(1): $$(call unit_objects,tests/unit/$(1).c) build/unit/libfdt.a
	@echo "  TEST    $$@"
	@$$(UNIT_CC) -fsanitize=address,undefined -o $$@ $$^ -lcmocka
-include $$(patsubst %.o,%.d,$$(call unit_objects,tests/unit/$(1).c))
endef
$(foreach t,$(notdir $(UNIT_TESTS)),$(eval $(call unit_rule,$(t))))

.SECONDARY:
.PHONY: unit
