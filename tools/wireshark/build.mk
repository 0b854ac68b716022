# SPDX-License-Identifier: MIT
# The dissector, where Debian's Wireshark looks for them.

wireshark_plugins := lib/$(shell gcc -print-multiarch)/wireshark/plugins
INSTALL_FILES += tools/wireshark/machnet.lua:$(wireshark_plugins)/machnet.lua
