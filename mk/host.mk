# Programs for the build machine. Each object is built twice: plainly for tools (build/host), and with
# sanitizers for unit tests (build/unit).

HOST_CC := gcc
HOST_FLAGS := -std=gnu11 -O1 -g $(WARNINGS) -fno-common -DBULKHEAD_HOST \
	-Iinclude -Ibuild/include -Itests -I. -isystem $(LIBFDT)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all

# The first line of a program names what it is linked with:  // sources: core/config.c core/log.c
sources_of = $(if $(wildcard $(1)),$(1) $(shell sed -n '1s,^// sources:,,p' $(1)))
host_objects = $(patsubst %.c,build/host/obj/%.o,$(call sources_of,$(1)))
unit_objects = $(patsubst %.c,build/unit/obj/%.o,$(call sources_of,$(1)))

build/host/obj/%.o: %.c mk/host.mk | $(LIBFDT) build/include/bulkhead/version.h
	@mkdir -p $(@D)
	@$(HOST_CC) $(HOST_FLAGS) -MMD -MP -c $< -o $@

build/unit/obj/%.o: %.c mk/host.mk | $(LIBFDT) build/include/bulkhead/version.h
	@mkdir -p $(@D)
	@$(HOST_CC) $(HOST_FLAGS) $(SANITIZE) -MMD -MP -c $< -o $@

# The same libfdt as at EL2.
HOST_FDT := $(notdir $(FDT_OBJECTS))

build/host/libfdt/%.o: mk/host.mk | $(LIBFDT)
	@mkdir -p $(@D)
	@$(HOST_CC) -O1 -g -w -I$(LIBFDT) -c $(LIBFDT)/$*.c -o $@

build/unit/libfdt/%.o: mk/host.mk | $(LIBFDT)
	@mkdir -p $(@D)
	@$(HOST_CC) -O1 -g -w $(SANITIZE) -I$(LIBFDT) -c $(LIBFDT)/$*.c -o $@

build/host/libfdt.a: $(addprefix build/host/libfdt/,$(HOST_FDT)) mk/deps.mk mk/host.mk
	@rm -f $@ && ar rcs $@ $(filter %.o,$^)

build/unit/libfdt.a: $(addprefix build/unit/libfdt/,$(HOST_FDT)) mk/deps.mk mk/host.mk
	@rm -f $@ && ar rcs $@ $(filter %.o,$^)

.SECONDARY:
