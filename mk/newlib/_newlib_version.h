/* SPDX-License-Identifier: BSD-2-Clause */
/* Written by newlib's `configure` elsewhere; nothing here asks for the version. */
