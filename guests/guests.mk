# Small guest programs, each an arm64 Image: build/guests/NAME.bin from guests/NAME and guests/lib.

GUESTS := probe reader talker
GUEST_FLAGS := -std=gnu11 -O2 -g $(WARNINGS) -ffreestanding -fpie -mgeneral-regs-only -mstrict-align \
	-mno-outline-atomics -fno-common -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fno-tree-loop-distribute-patterns -mcpu=cortex-a72
guest_objects = $(patsubst guests/%,build/guests/obj/%.o,$(basename $(wildcard guests/$(1)/*.[cS])))

guests: $(GUESTS:%=build/guests/%.bin)

build/guests/%.bin: build/guests/%.elf
	@$(HOBJCOPY) -O binary $< $@
	@echo "  GUEST   $@"

build/guests/obj/%.o: guests/%.c guests/guests.mk guests/lib/lib.h | setup
	@mkdir -p $(@D)
	@$(HCC) $(GUEST_FLAGS) -c $< -o $@

build/guests/obj/%.o: guests/%.S guests/guests.mk | setup
	@mkdir -p $(@D)
	@$(HCC) -c $< -o $@

define guest_rule
build/guests/$(1).elf: $(call guest_objects,lib) $(call guest_objects,$(1)) guests/lib/guest.lds
	@$$(HLD) -pie --no-dynamic-linker -z max-page-size=4096 --no-warn-rwx-segments -T guests/lib/guest.lds -o $$@ $$(filter %.o,$$^)
endef
$(foreach g,$(GUESTS),$(eval $(call guest_rule,$(g))))

.SECONDARY:
.PHONY: guests
