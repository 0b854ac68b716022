# SPDX-License-Identifier: MIT
# DPDK is linked statically with the drivers named here. The shared build loads every driver there is at each start:
# 192 of them, which takes 6 s in a VM without hardware virtualization instead of 1 s.

DPDK_DRIVERS := bus_pci bus_vdev mempool_ring \
	net_af_packet net_memif net_null net_ring net_tap net_vhost net_virtio
# What the clouds have besides virtio: AWS, Google, VMware, SR-IOV of Intel, Azure.
DPDK_DRIVERS += net_ena net_gve net_vmxnet3 common_iavf net_iavf \
	bus_auxiliary bus_vmbus common_mlx5 net_mlx4 net_mlx5 net_netvsc
dpdk_static = $(call pkg_config,static --libs,libdpdk)
# Azure's newest NIC: in DPDK 24.11 (Debian 13), not in 22.11 (Debian 12).
dpdk_mana = $(if $(filter -l:librte_net_mana.a,$(dpdk_static)),$1)

DPDK_SYSTEM_LIBS := -lmlx5 -lmlx4 -libverbs -lbsd -lnuma -lelf -lpcap -lfdt -ljansson -lz -ldl -lm

# Nothing refers to a part of ethdev by name: its device class registers itself, too.
dpdk_drivers = $(patsubst %,-l:librte_%.a,$(DPDK_DRIVERS) $(call dpdk_mana,net_mana)) -l:librte_ethdev.a
dpdk_driver_kinds := baseband bus common compress crypto dma event gpu mempool ml net raw regex vdpa
# All other libraries of DPDK: no driver.
dpdk_core = $(filter-out $(foreach k,$(dpdk_driver_kinds),-l:librte_$k_%), \
	$(filter -l:librte_%,$(dpdk_static)))
dpdk_libs = -Wl,--whole-archive $(dpdk_drivers) -Wl,--no-whole-archive \
	-Wl,--start-group $(dpdk_core) -Wl,--end-group -Wl,--as-needed $(call dpdk_mana,-lmana) $(DPDK_SYSTEM_LIBS)
