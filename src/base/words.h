/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/words -- numbers and dates as Vietnamese papers write them.
 *
 * Owns   nothing.
 * Used   by print (forms, receipts), packs' texts.
 * Source domain facts 1.3; NĐ 30/2020/NĐ-CP, annex I (dates).
 */
#ifndef KH_BASE_WORDS_H
#define KH_BASE_WORDS_H

#include "base/kh.h"

/** A whole number in words: 1205015 is "một triệu hai trăm linh năm nghìn không trăm mười lăm". */
struct kh_str kh_words_number(struct kh_arena *a, int64_t n);
/** An amount in đồng for "Bằng chữ": "Một triệu hai trăm linh năm nghìn đồng". */
struct kh_str kh_words_money(struct kh_arena *a, int64_t dong);
/** "1.205.000" */
struct kh_str kh_words_grouped(struct kh_arena *a, int64_t n);
/** "05/9/2026": days below 10 and the months 1 and 2 have a leading zero. */
struct kh_str kh_words_date(struct kh_arena *a, int64_t us);
/** "ngày 05 tháng 9 năm 2026" */
struct kh_str kh_words_date_long(struct kh_arena *a, int64_t us);
/** "15 giờ 05 phút, ngày 05/9/2026" */
struct kh_str kh_words_when(struct kh_arena *a, int64_t us);

#endif
