/* SPDX-License-Identifier: MIT */
/*
 * timeout.h - after kselftest_harness.h, for programs that run in a VM
 *
 * A test takes several times as long there without KVM, and again with a debug
 * kernel. This is for one that hangs.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	120
