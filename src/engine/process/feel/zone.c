/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/process/feel/when.h"

bool feel_zone_find(struct kh_str name, uint16_t *ret_zone)
{
    if (!kh_str_is(name, "Etc/UTC"))
        return false;
    *ret_zone = 0;
    return true;
}

struct kh_str feel_zone_name(uint16_t zone)
{
    (void)zone;
    return KH_S("Etc/UTC");
}

int32_t feel_zone_offset(uint16_t zone, int64_t utc_s)
{
    (void)zone;
    (void)utc_s;
    return 0;
}

int32_t feel_zone_offset_local(uint16_t zone, int64_t local_s)
{
    return feel_zone_offset(zone, local_s);
}
