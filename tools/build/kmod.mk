# SPDX-License-Identifier: MIT
# machnet.ko, built on a copy of its sources so that the tree stays clean: build/kmod/ for the kernel it is meant
# for, and build/kmod-RELEASE/ for the kernel of the VMs where that is another one (MN_VM_KERNEL, see kernel.sh).

KVER ?= $(shell tools/build/kernel.sh module)
VM_KVER ?= $(shell tools/build/kernel.sh vm)
KVER := $(KVER)
VM_KVER := $(VM_KVER)

KMOD_SRCS := Kbuild VERSION $(sort $(wildcard kmod/*.[ch])) include/uapi/linux/machnet.h
kmod_dir = build/kmod$(if $(filter-out $(KVER),$1),-$1)
kernel_root = $(if $(filter $(VM_KVER),$1),$(MN_VM_KERNEL))
# A kernel that is built anew keeps its name, but not what the module is built on.
kernel_config = $(wildcard $(call kernel_root,$1)/lib/modules/$1/build/.config)
# Kernels of today want pahole, for type information that nothing here uses.
no_btf = $(if $(shell command -v pahole),,CONFIG_DEBUG_INFO_BTF_MODULES=)
VM_KMOD := $(call kmod_dir,$(VM_KVER))/machnet.ko

# $1: kernel release
define kmod_rule
$(call kmod_dir,$1)/machnet.ko: $(KMOD_SRCS) tools/build/kmod.mk $(call kernel_config,$1)
	$$(if $(V),,@printf '  %-7s %s\n' KMOD '$1')
	$$(Q)mkdir -p $$(@D) && cp -pu --parents $(KMOD_SRCS) $$(@D)
	$$(Q)$$(MAKE) -C $(call kernel_root,$1)/lib/modules/$1/build M=$$(abspath $$(@D)) MACHNET_VERSION='$(VERSION)' KCFLAGS=-Werror $$(no_btf) \
		$(if $(V),V=1,-s) modules >$$(@D)/log 2>&1 || { cat $$(@D)/log >&2; exit 1; }
	$$(Q)sed '/Skipping BTF generation/d; /differs from the one used to build the kernel/,+2d' $$(@D)/log >&2
	$$(Q)test -e $$@ && touch $$@
endef

kernels := $(sort $(KVER) $(VM_KVER))
$(foreach k,$(kernels),$(eval $(call kmod_rule,$k)))

ifneq ($(kernels),)
kmod: $(foreach k,$(kernels),$(call kmod_dir,$k)/machnet.ko)
else
kmod:
	@echo "Error: no kernel headers below /lib/modules (hint: apt-get install linux-headers-amd64)" >&2; exit 1
endif

.PHONY: kmod
