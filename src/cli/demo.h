/* SPDX-License-Identifier: Apache-2.0 */
/**
 * cli/demo -- fills a new city with accounts and a month of invented work.
 *
 * Nothing is written past the engines: reports are filed, taken, worked on and rated by the same
 * calls that the API makes, while the clock runs through the last thirty days. So history, figures,
 * messages and the audit chain are those of a city that has been at work.
 *
 * Owns   DIR/demo-accounts.json. Names, streets and stories are invented.
 * Used   by cli/init.c.
 */
#ifndef KH_CLI_DEMO_H
#define KH_CLI_DEMO_H

#include "cli/open.h"

/** Before packs are loaded: let the clock begin thirty-one days ago. */
void kh_demo_clock_begin(void);
/** Accounts, then the month; the clock is right again at the end.
 *  @param reports how many reports to invent */
KH_CHECK
bool kh_demo_fill(struct kh_opened *o, unsigned reports, struct kh_error *err);

#endif
