/* SPDX-License-Identifier: Apache-2.0 */
#include "base/kh.h"

int main(void)
{
    return 0;
}
