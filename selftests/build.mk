# SPDX-License-Identifier: MIT
# Tests of the tree as such and of the harness; the model of the rings.

TESTS += $(addprefix selftests/tree/,style.sh floors.sh counters.sh module_clean.sh install.sh apt_lock.sh \
	debian_13.sh)
TESTS += selftests/model/ring.sh
TESTS += $(addprefix selftests/vm/,harness.sh nics.sh end_to_end.sh installed.sh systemd.sh iommu.sh queues.sh queues_opaque.sh failover.sh \
	peer_dies.sh)
