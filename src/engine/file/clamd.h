/* SPDX-License-Identifier: Apache-2.0 */
/**
 * file/clamd -- ask a ClamAV daemon about bytes.
 *
 * Used   by file.c on a worker thread; it blocks, at most about half a minute.
 * Source clamd(8): command INSTREAM.
 */
#ifndef KH_FILE_CLAMD_H
#define KH_FILE_CLAMD_H

#include "base/kh.h"

/**
 * @param where "unix:/path" or "tcp:host:port"
 * @param err   FILE_INFECTED (422); OUTBOUND_FAILED (502): no answer, or none that is understood
 */
KH_CHECK
bool kh_clamd_scan(const char *where, struct kh_str bytes, struct kh_error *err);

#endif
