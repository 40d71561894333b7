# The card image, and the emulator that boots it.

VMS := guests/vms.dts
CARD := build/$(BOARD)/sdcard.img
VMSCHECK := build/host/vmscheck

build/$(BOARD)/vms.dtb: $(VMS) FORCE | setup
	@mkdir -p $(@D)
	@dtc -q -I dts -O dtb -o $@.new $<
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

# The hypervisor's own checks of a configuration, as a program of the host. Like a unit test, the first
# line of its source names what it is linked with.
$(VMSCHECK): $(call host_objects,tools/vmscheck.c) build/host/libfdt.a
	@echo "  HOSTLD  $@"
	@$(HOST_CC) -o $@ $^

sdcard: hyp $(VMSCHECK) build/$(BOARD)/vms.dtb | $(FIRMWARE) ## build the card image (VMS=my.dts for other VMs)
	@tools/mksd build/$(BOARD)/vms.dtb $(CARD) --firmware $(FIRMWARE) --search $(dir $(VMS))

run: sdcard ## boot the card image in the emulator, console on this terminal
	@tools/qemu-rpi4 $(CARD)

-include $(patsubst %.o,%.d,$(call host_objects,tools/vmscheck.c))
.PHONY: sdcard run
