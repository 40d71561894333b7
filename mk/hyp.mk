# The hypervisor: build/rpi4/bulkhead.elf and the bulkhead.img that U-Boot's booti enters.

BOARD := rpi4
HYP := build/$(BOARD)
HYP_DIRS := arch/arm64 core vgic virtio vdev drivers platform/$(BOARD)
HYP_SOURCES := $(sort $(wildcard $(addsuffix /*.c,$(HYP_DIRS)) $(addsuffix /*.S,$(HYP_DIRS))))
HYP_OBJECTS := $(patsubst %,$(HYP)/obj/%.o,$(basename $(HYP_SOURCES)))
HYP_SCRIPT := arch/arm64/bulkhead.lds

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wpointer-arith -Wwrite-strings -Wundef
HYP_INCLUDES = -Iinclude -Ibuild/include -I. $(LIBC_INCLUDES) -isystem $(LIBFDT)
# The image has a size to hold (tools/size): small code, seen as a whole. Not what runs with the MMU off.
HYP_OPT := -Os -fomit-frame-pointer -fno-move-loop-invariants
# Fast paths lose x0-x2 of the guest's registers and nothing else, so may call nothing (include/bulkhead/hot.h).
HYP_HOT := vgic/hot.c vdev/hot.c virtio/hot.c
HYP_NO_LTO := $(addprefix arch/arm64/,early.c early_refuse.c pagetable.c mmu.c) $(HYP_HOT)
HYP_LTO = $(if $(filter $(HYP_NO_LTO),$<),$(MMU_OFF_FLAGS),-flto)
HYP_HOT_FLAGS := -O2 $(foreach n,3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18,-fcall-saved-x$(n))
HYP_CFLAGS = -std=c11 $(HYP_OPT) -g $(WARNINGS) -Wframe-larger-than=2048 $(EL2_FLAGS) $(HYP_LTO) $(HYP_INCLUDES)

# No member of the archives may ask for an allocator: malloc is nowhere, so it would not link.
HYP_LDFLAGS := -static -nostdlib -no-pie -flto -flto-partition=one -Wl,--gc-sections -Wl,--build-id=none \
	-Wl,-z,max-page-size=4096 -Wl,--no-warn-rwx-segments -Wl,--fatal-warnings -Wl,--orphan-handling=error

# The image's end lies beyond the reach of one ADR.
$(HYP)/obj/arch/arm64/early.o $(HYP)/obj/arch/arm64/mmu.o: EL2_FLAGS += -mcmodel=small

hyp: $(HYP)/bulkhead.img

$(HYP)/bulkhead.img: $(HYP)/bulkhead.elf
	@$(HOBJCOPY) -O binary $< $@
	@echo "  IMAGE   $@ ($$(wc -c < $@) bytes)"

$(HYP)/hot.ok: $(HYP_HOT:%.c=$(HYP)/obj/%.o)
	@! $(HLD:%ld=%objdump) -dr $^ | grep -E 'CALL26|JUMP26|\sblr\s|\sbr\s' || \
		{ echo "a fast path calls something: include/bulkhead/hot.h"; exit 1; }
	@touch $@

$(HYP)/bulkhead.elf: $(HYP_OBJECTS) $(HYP)/hot.ok $(LIB)/libfdt.a $(LIB)/libc.a $(HYP_SCRIPT) mk/hyp.mk
	@echo "  LD      $@"
	@$(HCC) $(HYP_OPT) -g $(WARNINGS) -Wframe-larger-than=2048 $(EL2_FLAGS) $(HYP_LDFLAGS) -T $(HYP_SCRIPT) \
		-Wl,-Map,$(HYP)/bulkhead.map -o $@ $(HYP_OBJECTS) \
		-Wl,--start-group $(LIB)/libfdt.a $(LIB)/libc.a -Wl,--end-group

$(HYP)/obj/%.o: %.c mk/hyp.mk mk/deps.mk | build/include/bulkhead/version.h $(NEWLIB) $(LIBFDT)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(HCC) $(HYP_CFLAGS) $(if $(filter $(HYP_HOT),$<),$(HYP_HOT_FLAGS)) -MMD -MP -c $< -o $@

$(HYP)/obj/%.o: %.S mk/hyp.mk mk/deps.mk | $(NEWLIB)
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(HCC) $(HYP_CFLAGS) -D__ASSEMBLY__ -MMD -MP -c $< -o $@

# Rewritten only when the version changes; `git describe` where there is a repository. The time is
# where the guests' clock begins.
build/include/bulkhead/version.h: FORCE
	@mkdir -p $(@D)
	@version="$$(git describe --always --dirty --tags 2>/dev/null || echo unknown)"; \
		grep -qsF "BULKHEAD_VERSION \"$$version\"" $@ && grep -q BUILD_TIME $@ || \
		printf '#define BULKHEAD_VERSION "%s"\n#define BULKHEAD_BUILD_TIME %su\n' \
			"$$version" "$${SOURCE_DATE_EPOCH:-$$(date +%s)}" > $@

-include $(HYP_OBJECTS:.o=.d)
