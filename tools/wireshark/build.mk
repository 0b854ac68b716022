# SPDX-License-Identifier: MIT
# The dissector, where Debian's Wireshark looks for it.

INSTALL_FILES += tools/wireshark/machnet.lua:lib/$(shell gcc -print-multiarch)/wireshark/plugins/machnet.lua
