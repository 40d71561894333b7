# The card image, and the emulator that boots it.

VMS := guests/vms.dts
CARD := build/$(BOARD)/sdcard.img
VMSCHECK := build/host/vmscheck

# The hypervisor's own checks of a configuration, as a program of the host. Like a unit test, the first
# line of its source names what it is linked with.
$(VMSCHECK): $(call host_objects,tools/vmscheck.c) build/host/libfdt.a
	@echo "  HOSTLD  $@"
	@$(HOST_CC) -o $@ $^

# The default card is built as anybody's is, by tools/bulkhead.
sdcard: hyp $(VMSCHECK) | $(FIRMWARE) $(GUEST_FIRMWARE) ## build the card image (VMS=my.dts for other VMs)
	@tools/bulkhead --file $(VMS) build --no-make --output $(CARD)

run: sdcard ## boot the card image in the emulator, console on this terminal
	@tools/qemu-rpi4 $(CARD)

-include $(patsubst %.o,%.d,$(call host_objects,tools/vmscheck.c))
.PHONY: sdcard run
