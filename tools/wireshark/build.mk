# SPDX-License-Identifier: MIT
# The dissectors, where Debian's Wireshark looks for them.

wireshark_plugins := lib/$(shell gcc -print-multiarch)/wireshark/plugins
INSTALL_FILES += $(foreach d,machnet.lua machnet1.lua,tools/wireshark/$d:$(wireshark_plugins)/$d)
