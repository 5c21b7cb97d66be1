/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include "base/config.h"
#include "cli/open.h"

#include <stdio.h>

int cli_config(int argc, char **argv)
{
    struct kh_args args = {argc - 1, argv + 1};
    struct kh_opened o = {0};
    struct kh_error err = {0};
    bool explain = kh_args_flag(&args, "--explain");
    bool sample = kh_args_flag(&args, "--sample");
    kh_auto_arena a = kh_arena_new(16 << 20);
    struct kh_buf out = kh_buf(a, 1 << 20);
    bool of_city = false, ok = true;
    const char *key;

    for (int i = 0; i < args.argc; i++)
        of_city |= strncmp(args.argv[i], "--data", 6) == 0;
    if (of_city)
        ok = kh_open_config(&args, &o, &err);
    if (!ok) {
        kh_cli_fail("config", &err);
        kh_city_close(&o);
        return 1;
    }
    key = kh_args_word(&args);
    if (sample)
        kh_config_sample(&out);
    else if (explain || of_city || key)
        ok = kh_config_explain(o.config, kh_cstr(key ? key : ""), &out);
    else
        ok = false;
    if (!ok)
        fprintf(stderr, "khue config --explain [KEY] | --data DIR [KEY] | --sample\n");
    fwrite(out.p ? out.p : "", 1, out.n, stdout);
    kh_city_close(&o);
    return ok ? 0 : 2;
}
