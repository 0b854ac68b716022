# SPDX-License-Identifier: MIT
#
# The build. The fragments (*/build.mk) only declare what there is; here is how it is made.
#
#   LIBS += libx           library: static, or with libx_SO := 1 shared (libx_MAP its symbols, libx_SOVER)
#   PROGS += x             program: build/bin/x
#   TEST_PROGS += test_x   test program, run with sanitizers: build-san/tests/test_x
#   TSAN_PROGS += x        test program, run with the thread sanitizer: build-tsan/tests/x
#   VM_TEST_PROGS += x     test program, run inside a VM that has the module: build/tests/x
#   FUZZERS += fuzz_x      libFuzzer program, built by "make fuzz" alone
#   x_SRCS x_CFLAGS x_LDLIBS x_PKGS (pkg-config names) x_LIBS (ours; theirs come along)
#   TESTS += path          test scripts that run here          VM_TESTS += path    ... inside a VM
#   CHECKS += target       must be made before anything counts as built
#   INSTALL_BIN INSTALL_SBIN (programs), INSTALL_LIB (libraries), INSTALL_HEADERS, INSTALL_MAN (files),
#   INSTALL_PC (names of x.pc, made from x.pc.in), INSTALL_FILES (source:place below PREFIX),
#   INSTALL_LINKS (target:place below PREFIX)

MAKEFLAGS += -rR --no-print-directory
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.SUFFIXES:

VERSION := $(strip $(file <VERSION))
PREFIX ?= /usr
DEMO ?= vm
Q := $(if $(V),,@)

comma := ,
# The path of a message leads through small functions of many files: they are inlined across files. "rep stos", with which
# gcc clears structs of some hundred bytes, takes longer to begin than to clear them, and a frame or a packet is one. What is
# installed as a static library can be linked by other compilers, too.
OPT := -O2 -flto=auto -ffat-lto-objects $(if $(filter x86_64-%,$(shell gcc -dumpmachine)),-mmemset-strategy=vector_loop:512:noalign$(comma)libcall:-1:noalign)
ifdef SAN
O := build-san
OPT := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
else ifdef TSAN
O := build-tsan
# It takes no notice of fences: order that rests on one alone is for selftests/model.
OPT := -O1 -fno-omit-frame-pointer -fsanitize=thread -Wno-tsan
else ifdef FUZZ
O := build-fuzz
OPT := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined
else
O := build
endif

CC := $(if $(FUZZ),clang,gcc)
AR := gcc-ar
CFLAGS ?= -g
ALL_CFLAGS = -std=gnu11 -Wall -Wextra -Werror $(OPT) $(CFLAGS) -fPIC -fno-semantic-interposition -fvisibility=hidden \
	-pthread -D_GNU_SOURCE -DMACHNET_VERSION='"$(VERSION)"' \
	-Iinclude -Iinclude/uapi -Iuser -Inetlink -I. -isystem $(LINUX_SOURCE)
LINUX_SOURCE := build/linux-source

# Sources that several programs share, by floor (selftests/tree/floors.sh).
base_srcs := $(wildcard user/base/*.c)
channel_srcs := $(wildcard user/channel/*.c) user/base/checksum.c
transport_srcs := $(wildcard user/steer/*.c user/transport/*.c)

include $(sort $(wildcard */build.mk */*/build.mk))

# --- pkg-config: each question is asked once, and only when something is built that needs the answer ---
empty :=
space := $(empty) $(empty)
# $1: what is asked, $2: names of packages
pkg_config = $(if $2,$(or $(pkg_$(subst $(space),+,$1_$2)),$(call pkg_ask,$1,$2,pkg_$(subst $(space),+,$1_$2))))
pkg_ask = $(eval $3 := $$(or $$(shell pkg-config --$1 $2),$(space)))$($3)
# The headers of others do not have to pass our warnings.
pkg_cflags = $(patsubst -I%,-isystem %,$(call pkg_config,cflags,$1))
pkg_libs = $(call pkg_config,libs,$(filter-out libdpdk,$1)) $(if $(filter libdpdk,$1),$(dpdk_libs))
include tools/build/dpdk.mk

# --- names ---
tests_here := $(if $(SAN),$(TEST_PROGS),$(if $(TSAN),$(TSAN_PROGS),$(VM_TEST_PROGS)))
test_progs := $(TEST_PROGS) $(TSAN_PROGS) $(VM_TEST_PROGS)
is_lib = $(filter $1,$(LIBS))
soname = $1.so.$(or $($1_SOVER),0)
lib_file = $(O)/lib/$(if $($1_SO),$(call soname,$1),$1.a)
prog_file = $(O)/$(if $(filter $1,$(test_progs)),tests,bin)/$1
file_of = $(if $(call is_lib,$1),$(call lib_file,$1),$(call prog_file,$1))
objs = $(patsubst %.c,$(O)/obj/$1/%.o,$($1_SRCS))
# The libraries of x and, unless they are shared, the libraries of those.
libs_of = $(foreach l,$($1_LIBS),$l $(if $($l_SO),,$(call libs_of,$l)))
static_part = $(foreach l,$1,$(if $($l_SO),,$l))
pkgs_of = $(sort $($1_PKGS) $(foreach l,$(call static_part,$(call libs_of,$1)),$($l_PKGS)))
ldlibs_of = $($1_LDLIBS) $(foreach l,$(call static_part,$(call libs_of,$1)),$($l_LDLIBS))

targets := $(LIBS) $(PROGS) $(test_progs) $(FUZZERS)
$(foreach t,$(targets),$(if $($t_SRCS),,$(error $t is declared but $t_SRCS is empty)))

say = @printf '  %-7s %s\n' '$1' '$(patsubst $(O)/%,%,$@)';
quiet = $(if $(V),,$(call say,$1))

# --- how one target is made ---
link_inputs = $(call objs,$1) $(foreach l,$(call libs_of,$1),$(call lib_file,$l))
link_libs = -Wl,--start-group $(foreach l,$(call libs_of,$1),$(call lib_file,$l)) -Wl,--end-group \
	$(call ldlibs_of,$1) $(call pkg_libs,$(call pkgs_of,$1))

define target_rules
$(O)/obj/$1/%.o: %.c VERSION $(if $(filter $1,$(test_progs) $(FUZZERS)),$(LINUX_SOURCE)/.stamp) | $$$$(@D)/.dir
	$$(call quiet,CC)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$($1_CFLAGS) $$(call pkg_cflags,$$(call pkgs_of,$1)) -MMD -MP -c -o $$@ $$<
-include $(patsubst %.o,%.d,$(call objs,$1))
$1: $(call file_of,$1)
endef

define static_rule
$(call lib_file,$1): $(call objs,$1) | $(O)/lib/.dir
	$$(call quiet,AR)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $(call objs,$1)
endef

define shared_rule
$(call lib_file,$1): $(call link_inputs,$1) $($1_MAP) | $(O)/lib/.dir
	$$(call quiet,LD)
	$$(Q)$$(CC) -shared $$(OPT) -pthread -Wl,-soname,$(call soname,$1) $$($1_MAP:%=-Wl$$(comma)--version-script=%) \
		-Wl,-z,defs -o $$@ $(call objs,$1) $$(call link_libs,$1)
	$$(Q)ln -sf $(call soname,$1) $(O)/lib/$1.so
endef

define prog_rule
$(call prog_file,$1): $(call link_inputs,$1) | $(dir $(call prog_file,$1)).dir
	$$(call quiet,LD)
	$$(Q)$$(CC) $(if $(filter $1,$(FUZZERS)),$$(subst -no-link,,$$(OPT)),$$(OPT)) -pthread \
		-Wl,-rpath,'$$$$ORIGIN/../lib' -o $$@ $(call objs,$1) $$(call link_libs,$1)
endef

$(foreach t,$(targets),$(eval $(call target_rules,$t)))
$(foreach t,$(LIBS),$(eval $(call $(if $($t_SO),shared,static)_rule,$t)))
$(foreach t,$(filter-out $(LIBS),$(targets)),$(eval $(call prog_rule,$t)))

%/.dir:
	@mkdir -p $(@D) && touch $@
.PRECIOUS: %/.dir

# What we use of the kernel's sources, from the package: the harness of its own tests, and the checker of its style.
linux_tarball := $(or $(firstword $(sort $(wildcard /usr/src/linux-source-6.*.tar.xz))),/usr/src/linux-source.tar.xz)
linux_files := $(addprefix tools/testing/selftests/,kselftest.h kselftest_harness.h) \
	$(addprefix scripts/,checkpatch.pl const_structs.checkpatch spelling.txt)
$(LINUX_SOURCE)/.stamp: $(linux_tarball) | $(LINUX_SOURCE)/.dir
	$(call quiet,XZ)
	$(Q)tar -xJf $< -C $(@D) --transform='s,.*/,,' --occurrence=1 \
		$(addprefix $(notdir $(<:.tar.xz=))/,$(linux_files))
	$(Q)touch $@

include tools/build/kmod.mk tools/build/install.mk

# --- what people ask for ---
user: $(foreach t,$(LIBS) $(PROGS),$(call file_of,$t))
all: user kmod $(CHECKS)
	@:
tests: $(foreach t,$(tests_here),$(call file_of,$t))
fuzzers: $(foreach t,$(FUZZERS),$(call file_of,$t))
fuzz:
	$(Q)$(MAKE) -f tools/build/main.mk FUZZ=1 fuzzers

demo: all
	@DEMO=$(DEMO) tools/demo/demo.sh

bench: all
	@tools/bench/run.sh

check: all tests
ifndef SAN
	$(Q)$(MAKE) -f tools/build/main.mk SAN=1 tests
	$(Q)$(MAKE) -f tools/build/main.mk TSAN=1 tests
endif
	@ln -sfn tests build/tests-newest
	@selftests/run --words "$(CHECK)" --vm "$(VM_TEST_PROGS:%=build/tests/%) $(VM_TESTS)" \
		$(if $(MN_VM_KERNEL),,--newest "$(patsubst %,build/tests-newest/%,$(filter-out test_machnetctl% test_many,$(VM_TEST_PROGS)))") \
		$(TEST_PROGS:%=build-san/tests/%) $(TSAN_PROGS:%=build-tsan/tests/%) $(TESTS)

check-headers: $(LINUX_SOURCE)/.stamp
	@for s in bookworm-backports newest; do tools/build/backports-kernel.sh $$s headers >/dev/null || exit; done
	@selftests/run selftests/tree/module_clean.sh

# On the kernel in MN_VM_KERNEL, which is some five times slower.
check-debug: export MN_TEST_SECONDS ?= 1800
check-debug: all tests
	@selftests/run --words "$(CHECK)" --vm "$(VM_TEST_PROGS:%=build/tests/%) $(VM_TESTS)"

clean:
	rm -rf build build-san build-tsan build-fuzz

.PHONY: all user tests fuzzers fuzz demo bench check check-headers check-debug clean \
	$(LIBS) $(PROGS) $(test_progs) $(FUZZERS)
