/* SPDX-License-Identifier: Apache-2.0 */
/**
 * net/assets -- the portal's files: in the binary, or from a directory while developing.
 *
 * Owns   ready-made responses, one per file and encoding.
 * Used   by net/http.c for GET and HEAD of what no route takes.
 */
#ifndef KH_NET_ASSETS_H
#define KH_NET_ASSETS_H

#include "net/net_impl.h"

/** A file as the build has packed it (tools/embed.c); encodings that do not pay are empty. */
struct kh_asset_row {
    const char *path; /**< "/assets/index-4f9b3c.js" */
    const char *type;
    const char *etag; /**< in quotes */
    bool hashed;      /**< the name changes with the content: cache for ever */
    size_t at, n, gzip_at, gzip_n, zstd_at, zstd_n;
};
/* Generated; sorted by path, and empty if the build had no portal. */
extern const struct kh_asset_row kh_asset_rows[];
extern const size_t kh_asset_rows_n;
extern const char kh_asset_bytes[];

struct kh_assets;

/** Make the responses. @param csp Content-Security-Policy of pages */
struct kh_assets *kh_assets_new(struct kh_arena *a, struct kh_str csp, bool tls);
void kh_assets_drop(struct kh_assets *as);
/** @return true if the request was answered (*ret_done says how that went) */
bool kh_assets_serve(struct kh_assets *as, struct exchange *x, enum MHD_Result *ret_done);

/** Same from the directory config->web: nothing is kept, nothing is compressed. */
bool kh_assets_serve_dir(struct exchange *x, struct kh_str dir, struct kh_str csp,
                         enum MHD_Result *ret_done);
/** Fill the reply of `/` when there is no portal. */
enum kh_next kh_assets_none(struct kh_call *c);
/** @return true if a path without file gets the portal's page: its own addresses, asked for by a
 *  browser that wants a page */
bool kh_assets_is_page(const struct kh_call *c);
/** Content-Type by the end of a name. */
const char *kh_assets_type(struct kh_str path);

#endif
