# SPDX-License-Identifier: MIT
# install and uninstall: one list of "source:place" pairs serves both. Static libraries go without what gcc of one version
# alone can inline across files: programs of others link them.

INSTALL_MAN_PLACE = $(foreach m,$(INSTALL_MAN),$m:share/man/man$(patsubst .%,%,$(suffix $m))/$(notdir $m))
install_files = \
	$(foreach p,$(INSTALL_BIN),$(O)/bin/$p:bin/$p) \
	$(foreach p,$(INSTALL_SBIN),$(O)/bin/$p:sbin/$p) \
	$(foreach l,$(INSTALL_LIB),$(call lib_file,$l):lib/$(notdir $(call lib_file,$l))) \
	$(foreach h,$(INSTALL_HEADERS),$h:include/$(patsubst include/%,%,$(patsubst include/uapi/%,include/%,$h))) \
	$(foreach p,$(INSTALL_PC),$(O)/pkgconfig/$p.pc:lib/pkgconfig/$p.pc) \
	$(INSTALL_MAN_PLACE) $(INSTALL_FILES)
install_links = $(INSTALL_LINKS) \
	$(foreach l,$(INSTALL_LIB),$(if $($l_SO),$(call soname,$l):lib/$l.so))

left = $(word 1,$(subst :, ,$1))
right = $(word 2,$(subst :, ,$1))
root := $(DESTDIR)$(PREFIX)
module_place = $(DESTDIR)/lib/modules/$(KVER)/updates/machnet.ko

unit := $(O)/systemd/machnetd@.service

install: all $(foreach p,$(INSTALL_PC),$(O)/pkgconfig/$p.pc) $(unit)
	$(Q)set -e; $(foreach f,$(install_files), \
		install -D -m $$([ -x $(call left,$f) ] && echo 755 || echo 644) $(call left,$f) $(root)/$(call right,$f);)
	$(Q)set -e; $(foreach l,$(INSTALL_LIB),$(if $($l_SO),, \
		objcopy -w -R '.gnu.lto_*' -R '.gnu.debuglto_*' $(root)/lib/$(notdir $(call lib_file,$l));))
	$(Q)set -e; $(foreach f,$(install_links), \
		mkdir -p $(root)/$(dir $(call right,$f)); ln -sfn $(call left,$f) $(root)/$(call right,$f);)
	$(Q)install -D -m 644 $(call kmod_dir,$(KVER))/machnet.ko $(module_place)
	$(Q)if [ -z "$(DESTDIR)" ]; then ldconfig; depmod $(KVER); fi
	@echo "Installed below $(or $(root),/); the module for $(KVER)."
	@running=$$(uname -r); [ "$$running" = "$(KVER)" ] || \
		echo "Warning: the module is for $(KVER), but $$running runs: modprobe does not find it" \
		     "(hint: install linux-headers-$$running, then make install KVER=$$running)" >&2

uninstall:
	$(Q)rm -f $(foreach f,$(install_files) $(install_links),$(root)/$(call right,$f)) $(module_place)
	$(Q)rmdir --ignore-fail-on-non-empty $(root)/include/machnet 2>/dev/null || true
	$(Q)if [ -z "$(DESTDIR)" ]; then ldconfig; depmod $(KVER); fi

$(foreach p,$(INSTALL_PC),$(O)/pkgconfig/$p.pc): $(O)/pkgconfig/%.pc: $$(or $$($$*_PC_IN),user/lib/%.pc.in) VERSION | $(O)/pkgconfig/.dir
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@VERSION@|$(VERSION)|g' $< >$@

# The prefix may be another one this time.
$(unit): tools/systemd/machnetd@.service.in FORCE | $(O)/systemd/.dir
	$(Q)sed 's|@PREFIX@|$(PREFIX)|g' $< >$@

FORCE:

.PHONY: install uninstall FORCE
