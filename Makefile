# Bulkhead: a type-1 hypervisor for the Raspberry Pi 4. `make help` lists the targets.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

# Downloads; BULKHEAD_CACHE may name a folder that several work trees share.
CACHE := $(or $(abspath $(BULKHEAD_CACHE)),build/cache)
ifneq ($(BULKHEAD_CACHE),)
override export BULKHEAD_CACHE := $(CACHE)
endif

include mk/deps.mk
include mk/hyp.mk
include mk/host.mk
include tests/unit/unit.mk
include tests/fuzz/fuzz.mk
include $(wildcard guests/guests.mk)
include mk/card.mk
include mk/check.mk

all: hyp ## build the hypervisor only

help: ## list the targets
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1|\2/p' Makefile mk/*.mk tests/unit/unit.mk | \
		column -t -s '|'

clean: ## remove what was built; keep downloads and built guests
	@rm -rf build/lib build/include build/unit build/fuzz build/guards build/prove build/host build/lint build/test build/rpi4/obj build/rpi4/bulkhead.*

distclean: ## remove everything that was built or downloaded
	@chmod -Rf u+w build 2>/dev/null; rm -rf build

FORCE:
.PHONY: FORCE setup hyp all help clean distclean
