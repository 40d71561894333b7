# What comes from Debian's packages: sources of newlib and libfdt, the board's firmware files.
# Everything lands in $(CACHE), which `make clean` keeps.

NEWLIB := $(CACHE)/newlib
LIBFDT := $(CACHE)/libfdt
FIRMWARE := $(CACHE)/firmware
GUEST_FIRMWARE := $(CACHE)/guest-firmware
CBMC := $(CACHE)/cbmc
# A cache that was filled before notices were kept is fetched again.
OUTDATED := $(foreach f,$(LIBFDT)/COPYRIGHT $(FIRMWARE)/linux-copyright.txt,$(if $(wildcard $f),,$(wildcard $(dir $f))))
$(if $(OUTDATED),$(shell rm -rf $(OUTDATED)))

setup:
	@tools/setup

# A folder exists only when it is complete (tools/fetch-sources), so it serves as its own stamp.
$(NEWLIB) $(LIBFDT) $(FIRMWARE) $(GUEST_FIRMWARE) $(CBMC): | setup
	@echo "  FETCH   $(@F)"
	@tools/fetch-sources $(@F) $@

# Compiler and header folders for EL2: newlib's and the compiler's own, nothing of the host.
HCC = aarch64-linux-gnu-gcc
HOBJCOPY = aarch64-linux-gnu-objcopy
HAR = aarch64-linux-gnu-gcc-ar
HLD = aarch64-linux-gnu-ld
GCC_INCLUDE = $(eval GCC_INCLUDE := $$(shell $(HCC) -print-file-name=include))$(GCC_INCLUDE)
LIBC_INCLUDES = -nostdinc -isystem mk/newlib -isystem $(NEWLIB)/libc/include -isystem $(GCC_INCLUDE)

# Code at EL2 must not touch FP/SIMD registers (they are a guest's), nor rely on LSE atomics (Cortex-A72 is
# Armv8.0); where the MMU may be off, nor on unaligned access.
EL2_FLAGS := -mcpu=cortex-a72 -mgeneral-regs-only -mno-outline-atomics -mcmodel=tiny \
	-fno-pic -fno-pie -fno-common -fno-stack-protector -fno-delete-null-pointer-checks \
	-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables

MMU_OFF_FLAGS := -mstrict-align

# The members that could be of use; only those used end in the image.
LIBC_SOURCES := stdlib/strtol.c stdlib/strtoul.c stdlib/strtoll.c \
	stdlib/strtoull.c stdlib/abs.c stdlib/labs.c search/qsort.c \
	search/bsearch.c ctype/ctype_.c \
	$(addprefix ctype/,$(addsuffix .c,isalnum isalpha isdigit islower isprint ispunct isspace \
		isupper isxdigit tolower toupper)) \
	$(addprefix string/,$(addsuffix .c,memccpy memchr memcmp memcpy memmem memmove memrchr memset strcat \
		strchr strchrnul strcmp strcpy strcspn strlcat strlcpy strlen strncat strncmp strncpy strnlen \
		strnstr strpbrk strrchr strsep strspn strstr strtok_r strcasecmp strncasecmp))
# Loops in memset and memcpy must not become calls of themselves.
LIBC_FLAGS := -std=gnu11 -w -fomit-frame-pointer $(EL2_FLAGS) $(MMU_OFF_FLAGS) -ffreestanding -fno-builtin -fno-tree-loop-distribute-patterns \
	-D_LIBC -DINTEGER_ONLY
LIB := build/lib

LIBC_OBJECTS := $(LIBC_SOURCES:%.c=$(LIB)/libc/%.o)

$(LIB)/libc/%.o: mk/deps.mk mk/newlib/newlib.h | $(NEWLIB)
	@mkdir -p $(@D)
	@$(HCC) $(if $(findstring /mem,$@),-O2,-Os) $(LIBC_FLAGS) $(LIBC_INCLUDES) -c $(NEWLIB)/libc/$*.c -o $@

$(LIB)/libc.a: $(LIBC_OBJECTS)
	@echo "  AR      $@"
	@rm -f $@ && $(HAR) rcs $@ $^

FDT_OBJECTS := $(addprefix $(LIB)/libfdt/,$(addsuffix .o,fdt fdt_ro fdt_rw fdt_wip fdt_sw fdt_strerror \
	fdt_empty_tree fdt_addresses))

# What it writes into is a tree that it began itself: not to be looked at anew with each property (libfdt_internal.h).
$(LIB)/libfdt/fdt_sw.o: EL2_FLAGS += -DFDT_ASSUME_MASK=7

$(LIB)/libfdt/%.o: mk/deps.mk mk/newlib/newlib.h | $(LIBFDT) $(NEWLIB)
	@mkdir -p $(@D)
	@$(HCC) -std=gnu11 -Os -flto -w -fomit-frame-pointer $(EL2_FLAGS) $(MMU_OFF_FLAGS) $(LIBC_INCLUDES) -I$(LIBFDT) -c $(LIBFDT)/$*.c -o $@

$(LIB)/libfdt.a: $(FDT_OBJECTS)
	@echo "  AR      $@"
	@rm -f $@ && $(HAR) rcs $@ $^
