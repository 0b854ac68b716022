# SPDX-License-Identifier: MIT
# The front door: installs what is missing, then hands over to tools/build/main.mk.

TARGETS := all demo check bench install fuzz

all:

# The installer names the groups of packages that a target needs; it is silent and quick when nothing is missing.
deps_all := build
deps_install := build module
deps_demo := build $(if $(filter netns,$(DEMO)),net,vm net)
deps_bench := build net
deps_check := build vm net test
deps_fuzz := build test

# All processors, unless the caller has said how many.
jobs = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
run = $(MAKE) --no-print-directory $(jobs) -f tools/build/main.mk $@

$(TARGETS):
	@tools/build/install-deps.sh $(deps_$@)
	+@$(run)

uninstall clean:
	+@$(run)

help:
	@sed 's/^/  /' tools/build/help.txt

.PHONY: $(TARGETS) uninstall clean help
