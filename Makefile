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

$(TARGETS):
	+@tools/build/install-deps.sh $(deps_$@)
	+@$(MAKE) --no-print-directory -f tools/build/main.mk $@

uninstall clean:
	+@$(MAKE) --no-print-directory -f tools/build/main.mk $@

help:
	@sed 's/^/  /' tools/build/help.txt

.PHONY: $(TARGETS) uninstall clean help
