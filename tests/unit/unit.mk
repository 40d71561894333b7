# Host unit tests: each tests/unit/test_X.c is one program, build/unit/test_X, with sanitizers on.
# Its first line names what it is linked with:  // sources: core/config.c tests/fake/arch.c

UNIT_TESTS := $(patsubst tests/unit/%.c,build/unit/%,$(wildcard tests/unit/test_*.c))

unit: setup $(UNIT_TESTS) ## build and run the host unit tests only (T=name for one)
	@tools/runtests --unit $(T)

define unit_rule
build/unit/$(1): $$(call unit_objects,tests/unit/$(1).c) build/unit/libfdt.a
	@echo "  TEST    $$@"
	@$$(HOST_CC) $$(SANITIZE) -o $$@ $$^ -lcmocka
-include $$(patsubst %.o,%.d,$$(call unit_objects,tests/unit/$(1).c))
endef
$(foreach t,$(notdir $(UNIT_TESTS)),$(eval $(call unit_rule,$(t))))

.PHONY: unit
