# SPDX-License-Identifier: MIT
# Programs for Microsoft's Machnet, compiled by the tests themselves: no header of ours but the installed ones.
TESTS += selftests/compat/existing.sh
