# SPDX-License-Identifier: MIT
# The front door: installs what is missing, then hands over to tools/build/main.mk.

TARGETS := all demo check check-headers bench install fuzz

all:

# The installer names the groups of packages that a target needs; it is silent and quick when nothing is missing.
deps_all := build
deps_install := build module
deps_demo := build $(if $(filter netns,$(DEMO)),net,vm net)
deps_bench := build net
deps_check := build vm net test
deps_check-headers := build test
deps_check-debug := build vm net test debug
deps_fuzz := build test

# All processors, unless the caller has said how many.
jobs = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
run = $(MAKE) --no-print-directory $(jobs) -f tools/build/main.mk $@

$(TARGETS):
	@tools/build/install-deps.sh $(deps_$@)
	+@$(run)

# One after the other, each to its end.
DEBUG ?= 6.1 newest
check-debug:
	@tools/build/install-deps.sh $(deps_$@)
	+@failed=; for which in $(DEBUG); do echo "On the debug kernel $$which:"; \
		tools/build/debug-kernel.sh $$which && MN_VM_KERNEL="$$(tools/build/debug-kernel.sh $$which where)" $(run) || \
		failed="$$failed $$which"; \
	done; [ -z "$$failed" ] || { echo "Failed:$$failed" >&2; exit 1; }

uninstall clean:
	+@$(run)

help:
	@sed 's/^/  /' tools/build/help.txt

.PHONY: $(TARGETS) check-debug uninstall clean help
