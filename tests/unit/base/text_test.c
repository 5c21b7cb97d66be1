/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "base/buf.h"
#include "base/hash.h"

#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <uninorm.h>
#include <unistr.h>

static struct kh_arena *a;

static int setup(void **state)
{
    (void)state;
    a = kh_arena_new(64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    kh_arena_drop(a);
    return 0;
}

/* Compare as text, so that a failure can be read. */
static void is(struct kh_str got, const char *want)
{
    assert_string_equal(kh_str_z(a, got), want);
}

static struct kh_str nfd(struct kh_str s)
{
    size_t n = 0;
    uint8_t *p = u8_normalize(UNINORM_NFD, (const uint8_t *)s.p, s.n, NULL, &n);
    struct kh_str r = kh_str_dup(a, kh_str((const char *)p, n));

    free(p);
    return r;
}

#define FOLD(lit)  kh_text_fold(a, KH_S(lit))
#define EXACT(lit) kh_text_exact(a, KH_S(lit))

static void nfc_gives_back_normal_text_without_a_copy(void **state)
{
    static const char *const same[] = {
        "", "Ha Noi", "Phường Hoàn Kiếm – Hà Nội, 5.000 ₫ “đúng hạn”", "日本語", "Ж"};

    (void)state;
    for (size_t i = 0; i < KH_LEN(same); i++) {
        struct kh_str s = kh_cstr(same[i]), r = kh_text_nfc(a, s);

        assert_ptr_equal(r.p, s.p);
        assert_int_equal(r.n, s.n);
    }
}

static void nfc_composes_what_a_mac_sends(void **state)
{
    static const char text[] = "Đường Nguyễn Văn Cừ, phường Bồ Đề, nhưỡng ỡ ẵ ỵ";

    (void)state;
    is(kh_text_nfc(a, nfd(KH_S("Đường Nguyễn Văn Cừ, phường Bồ Đề, nhưỡng ỡ ẵ ỵ"))), text);
}

static void nfc_orders_marks_that_came_in_another_order(void **state)
{
    (void)state;
    is(kh_text_nfc(a, KH_S("Viê\u0323t")), "Việt");
    is(kh_text_nfc(a, KH_S("Vie\u0323\u0302t")), "Việt");
    is(kh_text_nfc(a, KH_S("Vie\u0302\u0323t")), "Việt");
}

static void nfc_fast_path_agrees_with_unicode_for_every_character(void **state)
{
    (void)state;
    for (ucs4_t cp = 1; cp < 0x30000; cp++) {
        uint8_t in[8], out[64];
        size_t n = sizeof(out);
        int len = u8_uctomb(in, cp, sizeof(in));
        struct kh_str got;

        if (len <= 0)
            continue;
        assert_ptr_equal(u8_normalize(UNINORM_NFC, in, (size_t)len, out, &n), out);
        got = kh_text_nfc(a, kh_str((const char *)in, (size_t)len));
        if (!kh_str_eq(got, kh_str((const char *)out, n)))
            fail_msg("U+%04X", (unsigned)cp);
    }
}

static void nfc_leaves_ill_formed_bytes_alone(void **state)
{
    static const char *const bad[] = {"\xff", "a\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "e\xcc\x81\xc0\x80"};

    (void)state;
    for (size_t i = 0; i < KH_LEN(bad); i++) {
        struct kh_str s = kh_cstr(bad[i]);

        assert_true(kh_str_eq(kh_text_nfc(a, s), s));
    }
}

static void fold_takes_accents_off(void **state)
{
    (void)state;
    is(FOLD("Phường Hoàn Kiếm"), "phuong hoan kiem");
    is(FOLD("ĐỐNG ĐA"), "dong da");
    is(FOLD("Ăn Â Ê Ô Ơ Ư đ"), "an a e o o u d");
    is(FOLD("ăằẳẵắặâầẩẫấậêềểễếệôồổỗốộơờởỡớợưừửữứự"), "aaaaaaaaaaaaeeeeeeoooooooooooouuuuuu");
}

static void plain_is_what_a_typewriter_has(void **state)
{
    (void)state;
    is(kh_text_plain(a, KH_S("Đã vá “ổ gà” ở Ngõ 5 – cảm ơn… 5.000 ₫ 日"), 306),
       "Da va \"o ga\" o Ngo 5 - cam on... 5.000 d ?");
    is(kh_text_plain(a, nfd(KH_S("ĐƯỜNG Hòa Bình")), 306), "DUONG Hoa Binh");
    is(kh_text_plain(a, KH_S("một hai ba"), 10), "mot hai ba");
    is(kh_text_plain(a, KH_S("một hai ba"), 9), "mot ha...");
    is(kh_text_plain(a, KH_S("a\tb\xff\u200b"), 9), "a b?");
}

static void fold_is_the_same_for_nfd(void **state)
{
    struct kh_str s = KH_S("Xã Thượng Cát, huyện Đan Phượng; Khuê Văn Các; ngõ 12/5");

    (void)state;
    is(kh_text_fold(a, nfd(s)), "xa thuong cat huyen dan phuong khue van cac ngo 12 5");
    assert_true(kh_str_eq(kh_text_fold(a, nfd(s)), kh_text_fold(a, s)));
}

static void fold_parts_words_by_one_space(void **state)
{
    (void)state;
    is(FOLD("  12/5/120 -- ngõ\tXã\u00a0Đàn...  "), "12 5 120 ngo xa dan");
    is(FOLD("H'Mông, Y-Khoa"), "h mong y khoa");
    is(FOLD("…!?"), "");
    is(FOLD(""), "");
    is(FOLD("tuyến 09A"), "tuyen 09a");
}

static void fold_makes_final_i_and_y_one(void **state)
{
    (void)state;
    is(FOLD("Mỹ Đình"), "mi dinh");
    is(FOLD("Mĩ Đình"), "mi dinh");
    is(FOLD("Lý Quý Kỹ"), "li qui ki");
    is(FOLD("Lí Quí Kĩ"), "li qui ki");
    /* Other syllables than those with i: they stay apart. */
    is(FOLD("Thúy Thúi Tây Tai Y yêu"), "thuy thui tay tai y yeu");
}

static void fold_reads_other_scripts_and_wide_forms(void **state)
{
    (void)state;
    is(FOLD("Ӂй Ñandú Łódź Straße æther ﬁne"), "жи nandu lodz strasse aether fine");
    is(FOLD("ＨＡ\u3000ＮＯＩ １２３"), "ha noi 123");
    is(FOLD("m² ٣"), "m2 3");
    is(FOLD("河內"), "河內");
    /* Ð (eth) and Ɖ stand for Đ in files converted from old encodings. */
    is(FOLD("Ðống Ɖa"), "dong da");
}

static void fold_drops_what_is_not_seen(void **state)
{
    (void)state;
    is(FOLD("Hà\u200b Nội\ufeff Hoàn\u00adKiếm"), "ha noi hoankiem");
}

static void fold_agrees_with_unicode_for_every_latin_letter(void **state)
{
    (void)state;
    for (ucs4_t cp = 0xC0; cp <= 0x1EFF; cp = cp == 0x24F ? 0x1E00 : cp + 1) {
        uint8_t in[4], out[64];
        size_t n = sizeof(out);
        int len = u8_uctomb(in, cp, sizeof(in));
        char base;

        assert_ptr_equal(u8_normalize(UNINORM_NFD, in, (size_t)len, out, &n), out);
        base = (char)(out[0] >= 'A' && out[0] <= 'Z' ? out[0] + 32 : out[0]);
        if (out[0] < 0x80 && base >= 'a' && base <= 'z') {
            struct kh_str f = kh_text_fold(a, kh_str((const char *)in, (size_t)len));

            assert_int_equal(f.n, 1);
            assert_int_equal(f.p[0], base);
        }
    }
}

static void fold_survives_hostile_bytes(void **state)
{
    char noise[512];

    (void)state;
    is(FOLD("a\xff\xfe z\xc3"), "a z");
    is(kh_text_fold(a, kh_str("a\0b", 3)), "a b");
    is(FOLD("\xcc\x81\xcc\x81x"), "x");
    for (int round = 0; round < 300; round++) {
        struct kh_str s = kh_str(noise, (size_t)round);

        kh_random(noise, sizeof(noise));
        assert_true(kh_str_utf8(kh_text_fold(a, s)));
        assert_true(kh_str_utf8(kh_text_exact(a, s)));
        assert_true(kh_str_utf8(kh_text_sort_key(a, s)));
        assert_true(kh_str_utf8(kh_text_slug(a, s)));
        assert_true(kh_text_nfc(a, s).n <= 4 * sizeof(noise));
        (void)kh_text_name_key(a, s);
        (void)kh_text_unit_key(a, s);
        (void)kh_text_upper(a, s);
    }
}

static void fold_keeps_pace_with_long_runs_of_marks(void **state)
{
    size_t n = 200000;
    char *p = kh_alloc(a, n);

    (void)state;
    p[0] = 'e';
    for (size_t i = 1; i + 1 < n; i += 2)
        memcpy(p + i, i % 4 == 1 ? "\xcc\xa3" : "\xcc\x81", 2);
    is(kh_text_fold(a, kh_str(p, n - 1)), "e");
    is(kh_text_sort_key(a, kh_str(p, n - 1)), "H!6");
    assert_true(kh_text_nfc(a, kh_str(p, n - 1)).n > 0);
}

static void fold_holds_the_longest_expansion(void **state)
{
    struct kh_buf b = kh_buf(a, 1 << 20);

    (void)state;
    for (int i = 0; i < 2000; i++)
        kh_buf_z(&b, "\xef\xb7\xba"); /* U+FDFA: 18 letters */
    assert_int_equal(kh_text_fold(a, kh_buf_get(&b)).n, 2000 * 33);
}

static void exact_keeps_accents_and_places_the_tone(void **state)
{
    (void)state;
    is(EXACT("Phường HOÀN Kiếm!"), "phường hoàn kiếm");
    is(EXACT("Hòa Hoà"), "hoà hoà");
    is(EXACT("lóa lỏa lõa lọa lòa"), "loá loả loã loạ loà");
    is(EXACT("khỏe xòe tóe chọe ngõe"), "khoẻ xoè toé choẹ ngoẽ");
    is(EXACT("Thúy thủy thụy lũy lùy"), "thuý thuỷ thuỵ luỹ luỳ");
    is(EXACT("hòan tòan ngòai"), "hoàn toàn ngoài");
}

static void exact_leaves_other_syllables_alone(void **state)
{
    (void)state;
    is(EXACT("mía của cửa quý già quà"), "mía của cửa quý già quà");
    is(EXACT("tiếng muốn được thuyền ngoằn"), "tiếng muốn được thuyền ngoằn");
    is(EXACT("tò a"), "tò a");
    is(EXACT("Mỹ Mĩ"), "mỹ mĩ");
}

static void exact_reads_nfd_and_mixed_order(void **state)
{
    (void)state;
    is(kh_text_exact(a, nfd(KH_S("Xã Hòa Xá, Đông Mỹ, Ứng Hòa"))), "xã hoà xá đông mỹ ứng hoà");
    is(EXACT("Vie\u0301\u0302t Nu\u0301\u031b ha\u0306\u0323c"), "viết nứ hặc");
    is(EXACT("Ñandú"), "ñandú");
}

static int key_order(const char *x, const char *y)
{
    return kh_str_cmp(kh_text_sort_key(a, kh_cstr(x)), kh_text_sort_key(a, kh_cstr(y)));
}

static void sorts_by_letters_then_tones_then_case(void **state)
{
    static const char *const order[] = {
        "",   "1", "12", "9",  "a",  "A", "à",  "ả",  "ã",  "á",   "ạ",   "ab", "ac", "ă",
        "ằ",  "ẳ", "ẵ",  "ắ",  "ặ",  "â", "ậ",  "b",  "c",  "d",   "da",  "dz", "đ",  "đa",
        "e",  "é", "ê",  "f",  "g",  "h", "ha", "hà", "hạ", "hạc", "hai", "i",  "j",  "k",
        "l",  "m", "n",  "ng", "nz", "o", "ô",  "ơ",  "p",  "q",   "r",   "s",  "t",  "th",
        "tz", "u", "ư",  "v",  "w",  "x", "y",  "ỵ",  "z",  "Ж"};

    (void)state;
    for (size_t i = 1; i < KH_LEN(order); i++)
        if (key_order(order[i - 1], order[i]) >= 0)
            fail_msg("%s must stand before %s", order[i - 1], order[i]);
}

static void tones_count_only_when_all_letters_are_equal(void **state)
{
    (void)state;
    assert_true(key_order("Hạ Bình", "Hà Nam") < 0);
    assert_true(key_order("Hà Nội", "Hạ Nội") < 0);
    assert_true(key_order("Hà Đông", "Hà Du") > 0);
    assert_true(key_order("hoà", "hòa") == 0);
    assert_true(key_order("La Phù", "Lan") < 0);
}

static void sort_keys_can_be_kept_in_a_text_column(void **state)
{
    struct kh_str k = kh_text_sort_key(a, KH_S("Đường 19/5 \"Ba La\" – Ω; NGUYỄN"));

    (void)state;
    assert_true(kh_str_utf8(k));
    for (size_t i = 0; i < k.n; i++)
        assert_true((unsigned char)k.p[i] >= 0x20);
}

static int name_order(const char *x, const char *y)
{
    return kh_str_cmp(kh_text_name_key(a, kh_cstr(x)), kh_text_name_key(a, kh_cstr(y)));
}

static void people_stand_by_given_then_family_then_middle_name(void **state)
{
    static const char *const order[] = {
        "An",           "Bùi An",    "Nguyễn An",   "Nguyễn Thị An", "NGUYỄN VĂN AN",
        "Trần Bình An", "Lê Văn Ân", "Đỗ Thị Bình", "Nguyễn Hà", /* all Hà before all Hạ */
        "Trần Hà",      "Bùi Hạ",    "Y Khoa",      "Vũ  Thị   Yến",
    };

    (void)state;
    for (size_t i = 1; i < KH_LEN(order); i++)
        if (name_order(order[i - 1], order[i]) >= 0)
            fail_msg("%s must stand before %s", order[i - 1], order[i]);
    assert_int_equal(name_order("  Vũ Thị Yến ", "Vũ  Thị   Yến"), 0);
    assert_int_equal(name_order("", "   "), 0);
    assert_int_equal(name_order("NGUYỄN VĂN AN", "Nguyễn Văn An"), 0);
}

static void units_stand_without_their_kind(void **state)
{
    static const char *const same[] = {"Ba Đình",     "Phường Ba Đình",    "QUẬN BA ĐÌNH",
                                       "xã Ba  Đình", "Thành phố Ba Đình", "Thị trấn Ba Đình"};
    struct kh_str want = kh_text_unit_key(a, KH_S("ba đình"));

    (void)state;
    for (size_t i = 0; i < KH_LEN(same); i++)
        is(kh_text_unit_key(a, kh_cstr(same[i])), kh_str_z(a, want));
    is(kh_text_unit_key(a, nfd(KH_S("Phường Ba Đình"))), kh_str_z(a, want));
}

static void a_name_that_looks_like_a_kind_is_kept(void **state)
{
    struct kh_str key = kh_text_unit_key(a, KH_S("Phương Liệt")),
                  kind = kh_text_unit_key(a, KH_S("Phường Phương Liệt")),
                  alone = kh_text_unit_key(a, KH_S("Xã"));

    (void)state;
    assert_true(kh_str_eq(key, kind));
    assert_false(kh_str_eq(key, kh_text_unit_key(a, KH_S("Liệt"))));
    assert_true(alone.n > 0);
}

static void case_follows_vietnamese_letters(void **state)
{
    (void)state;
    is(kh_text_upper(a, KH_S("Nguyễn Thị Ước đường ơ")), "NGUYỄN THỊ ƯỚC ĐƯỜNG Ơ");
    is(kh_text_lower(a, KH_S("NGUYỄN THỊ ƯỚC ĐƯỜNG Ơ")), "nguyễn thị ước đường ơ");
    is(kh_text_upper(a, KH_S("abz{`019")), "ABZ{`019");
    is(kh_text_lower(a, KH_S("ABZ[@019")), "abz[@019");
    is(kh_text_upper(a, nfd(KH_S("đường"))), "ĐƯỜNG");
}

static void length_counts_characters(void **state)
{
    (void)state;
    assert_int_equal(kh_text_length(KH_S("")), 0);
    assert_int_equal(kh_text_length(KH_S("Hà Nội")), 6);
    assert_int_equal(kh_text_length(KH_S("😀đ")), 2);
}

static void slug_is_plain_and_hyphened(void **state)
{
    (void)state;
    is(kh_text_slug(a, KH_S("Phường Mỹ Đình 2 – Đường/Phố")), "phuong-my-dinh-2-duong-pho");
    is(kh_text_slug(a, KH_S("河 Ha 內")), "ha");
    is(kh_text_slug(a, KH_S("--")), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nfc_gives_back_normal_text_without_a_copy),
        cmocka_unit_test(nfc_composes_what_a_mac_sends),
        cmocka_unit_test(nfc_orders_marks_that_came_in_another_order),
        cmocka_unit_test(nfc_fast_path_agrees_with_unicode_for_every_character),
        cmocka_unit_test(nfc_leaves_ill_formed_bytes_alone),
        cmocka_unit_test(fold_takes_accents_off),
        cmocka_unit_test(plain_is_what_a_typewriter_has),
        cmocka_unit_test(fold_is_the_same_for_nfd),
        cmocka_unit_test(fold_parts_words_by_one_space),
        cmocka_unit_test(fold_makes_final_i_and_y_one),
        cmocka_unit_test(fold_reads_other_scripts_and_wide_forms),
        cmocka_unit_test(fold_drops_what_is_not_seen),
        cmocka_unit_test(fold_agrees_with_unicode_for_every_latin_letter),
        cmocka_unit_test(fold_survives_hostile_bytes),
        cmocka_unit_test(fold_keeps_pace_with_long_runs_of_marks),
        cmocka_unit_test(fold_holds_the_longest_expansion),
        cmocka_unit_test(exact_keeps_accents_and_places_the_tone),
        cmocka_unit_test(exact_leaves_other_syllables_alone),
        cmocka_unit_test(exact_reads_nfd_and_mixed_order),
        cmocka_unit_test(sorts_by_letters_then_tones_then_case),
        cmocka_unit_test(tones_count_only_when_all_letters_are_equal),
        cmocka_unit_test(sort_keys_can_be_kept_in_a_text_column),
        cmocka_unit_test(people_stand_by_given_then_family_then_middle_name),
        cmocka_unit_test(units_stand_without_their_kind),
        cmocka_unit_test(a_name_that_looks_like_a_kind_is_kept),
        cmocka_unit_test(case_follows_vietnamese_letters),
        cmocka_unit_test(length_counts_characters),
        cmocka_unit_test(slug_is_plain_and_hyphened),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
