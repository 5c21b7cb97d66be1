/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/vietqr -- the text of a VietQR: a transfer that a bank's app reads from a code.
 *
 * EMVCo merchant-presented mode as NAPAS uses it: fields "IDLLvalue", account and bank in field 38, a
 * CRC-16/CCITT-FALSE at the end. Lengths count characters, so a purpose is written without accents.
 *
 * Owns   nothing.
 * Used   by process (service function "vietqr.make"), tests.
 * Source EMV QRCPS-MPM 1.1; domain facts 8.1.
 */
#ifndef KH_BASE_VIETQR_H
#define KH_BASE_VIETQR_H

#include "base/kh.h"

struct kh_vietqr {
    struct kh_str bin;     /**< of the bank: six digits */
    struct kh_str account; /**< 1 to 19 letters and digits */
    bool card;             /**< account is the number of a card */
    int64_t amount;        /**< đồng; 0: the payer says */
    struct kh_str bill;    /**< at most 25 characters, or "" */
    struct kh_str purpose; /**< cut to 25 characters, accents taken off, or "" */
};

/** @return p NULL if bin, account, amount or bill are not what they should be */
struct kh_str kh_vietqr_text(struct kh_arena *a, const struct kh_vietqr *q);

/** @return true if the text ends with the right sum: for what comes from outside */
bool kh_vietqr_sum_ok(struct kh_str text);

#endif
