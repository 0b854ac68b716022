# SPDX-License-Identifier: MIT
# Tests of the tree as such and of the harness.

TESTS += $(addprefix selftests/tree/,style.sh module_clean.sh install.sh)
TESTS += selftests/vm/harness.sh selftests/vm/end_to_end.sh
