# Small guest programs, each an arm64 Image: build/guests/NAME.bin from guests/NAME and guests/lib.

GUESTS := $(filter-out lib witness,$(patsubst guests/%/,%,$(sort $(dir $(wildcard guests/*/*.c)))))
GUEST_FLAGS := -std=gnu11 -O2 -g $(WARNINGS) -ffreestanding -fpie -mgeneral-regs-only -mstrict-align \
	-mno-outline-atomics -fno-common -fno-stack-protector -fno-asynchronous-unwind-tables \
	-fno-tree-loop-distribute-patterns -mcpu=cortex-a72
guest_objects = $(patsubst guests/%,build/guests/obj/%.o,$(basename $(wildcard guests/$(1)/*.[cS])))

EFI_GUESTS := probe# boot loaders of hostile disks

guests: $(GUESTS:%=build/guests/%.bin) build/guests/witness.elf $(EFI_GUESTS:%=build/guests/%.efi)

build/guests/%.bin: build/guests/%.elf
	@$(HOBJCOPY) -O binary $< $@
	@echo "  GUEST   $@"

build/guests/%.efi: guests/efi/efi.S build/guests/%.bin
	@$(HCC) -c -DIMAGE='"build/guests/$*.bin"' -o build/guests/obj/$*.efi.o $<
	@$(HOBJCOPY) -O binary build/guests/obj/$*.efi.o $@
	@echo "  GUEST   $@"

build/guests/obj/%.o: guests/%.c guests/guests.mk $(wildcard guests/*/*.h) | setup
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

# The witness is a Linux program: the only one in its initrd.
WITNESS_FLAGS := -std=gnu11 -O2 -g $(WARNINGS) -ffreestanding -static -nostdlib -mno-outline-atomics \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -fno-pie -no-pie

build/guests/witness.elf: $(wildcard guests/witness/*.[ch]) guests/lib/mem.c guests/guests.mk | setup
	@mkdir -p $(@D)
	@$(HCC) $(WITNESS_FLAGS) -o $@ $(filter %.c,$^)
	@echo "  GUEST   $@"

.SECONDARY:
.PHONY: guests
