/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/registry/schema/program.h"

/* The meta-schemas of draft 2020-12, written out from sections 7 to 9 of its core document and
 * section 6 to 9 of its validation document. */

#define DRAFT "https://json-schema.org/draft/2020-12/"

static const char meta_schema[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$id\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$vocabulary\":{\"https://json-schema.org/draft/2020-12/vocab/core\":true"
    ",\"https://json-schema.org/draft/2020-12/vocab/applicator\":true,"
    "\"https://json-schema.org/draft/2020-12/vocab/unevaluated\":true,"
    "\"https://json-schema.org/draft/2020-12/vocab/validation\":true,"
    "\"https://json-schema.org/draft/2020-12/vocab/meta-data\":true,"
    "\"https://json-schema.org/draft/2020-12/vocab/format-annotation\":true,"
    "\"https://json-schema.org/draft/2020-12/vocab/content\":true},"
    "\"$dynamicAnchor\":\"meta\",\"title\":\"Core and Validation specifications me"
    "ta-schema\",\"allOf\":[{\"$ref\":\"meta/core\"},{\"$ref\":\"meta/applicator\"},"
    "{\"$ref\":\"meta/unevaluated\"},{\"$ref\":\"meta/validation\"},"
    "{\"$ref\":\"meta/meta-data\"},{\"$ref\":\"meta/format-annotation\"},"
    "{\"$ref\":\"meta/content\"}],\"type\":[\"object\",\"boolean\"],"
    "\"properties\":{\"definitions\":{\"$comment\":\"Former name of $defs\","
    "\"type\":\"object\",\"additionalProperties\":{\"$dynamicRef\":\"#meta\"},"
    "\"deprecated\":true,\"default\":{}},"
    "\"dependencies\":{\"$comment\":\"Split into dependentSchemas and dependentR"
    "equired\",\"type\":\"object\",\"additionalProperties\":{\"anyOf\":[{\"$dynamicRe"
    "f\":\"#meta\"},{\"$ref\":\"meta/validation#/$defs/stringArray\"}]},"
    "\"deprecated\":true,\"default\":{}},"
    "\"$recursiveAnchor\":{\"$comment\":\"Replaced by $dynamicAnchor\","
    "\"$ref\":\"meta/core#/$defs/anchorString\",\"deprecated\":true},"
    "\"$recursiveRef\":{\"$comment\":\"Replaced by $dynamicRef\","
    "\"$ref\":\"meta/core#/$defs/uriReferenceString\",\"deprecated\":true}}}";

static const char meta_core[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$id\":\"https://json-schema.org/draft/2020-12/meta/core\","
    "\"$vocabulary\":{\"https://json-schema.org/draft/2020-12/vocab/core\":true"
    "},\"$dynamicAnchor\":\"meta\",\"title\":\"Core vocabulary meta-schema\","
    "\"type\":[\"object\",\"boolean\"],\"properties\":{\"$id\":{\"$ref\":\"#/$defs/uriRe"
    "ferenceString\",\"$comment\":\"Non-empty fragments not allowed.\","
    "\"pattern\":\"^[^#]*#?$\"},\"$schema\":{\"$ref\":\"#/$defs/uriString\"},"
    "\"$ref\":{\"$ref\":\"#/$defs/uriReferenceString\"},"
    "\"$anchor\":{\"$ref\":\"#/$defs/anchorString\"},"
    "\"$dynamicRef\":{\"$ref\":\"#/$defs/uriReferenceString\"},"
    "\"$dynamicAnchor\":{\"$ref\":\"#/$defs/anchorString\"},"
    "\"$vocabulary\":{\"type\":\"object\",\"propertyNames\":{\"$ref\":\"#/$defs/uriStr"
    "ing\"},\"additionalProperties\":{\"type\":\"boolean\"}},"
    "\"$comment\":{\"type\":\"string\"},\"$defs\":{\"type\":\"object\","
    "\"additionalProperties\":{\"$dynamicRef\":\"#meta\"}}},"
    "\"$defs\":{\"anchorString\":{\"type\":\"string\","
    "\"pattern\":\"^[A-Za-z_][-A-Za-z0-9._]*$\"},\"uriString\":{\"type\":\"string\","
    "\"format\":\"uri\"},\"uriReferenceString\":{\"type\":\"string\","
    "\"format\":\"uri-reference\"}}}";

static const char meta_applicator[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$id\":\"https://json-schema.org/draft/2020-12/meta/applicator\","
    "\"$vocabulary\":{\"https://json-schema.org/draft/2020-12/vocab/applicator"
    "\":true},\"$dynamicAnchor\":\"meta\","
    "\"title\":\"Applicator vocabulary meta-schema\",\"type\":[\"object\","
    "\"boolean\"],\"properties\":{\"prefixItems\":{\"$ref\":\"#/$defs/schemaArray\"},"
    "\"items\":{\"$dynamicRef\":\"#meta\"},\"contains\":{\"$dynamicRef\":\"#meta\"},"
    "\"additionalProperties\":{\"$dynamicRef\":\"#meta\"},"
    "\"properties\":{\"type\":\"object\",\"additionalProperties\":{\"$dynamicRef\":\"#"
    "meta\"},\"default\":{}},\"patternProperties\":{\"type\":\"object\","
    "\"additionalProperties\":{\"$dynamicRef\":\"#meta\"},"
    "\"propertyNames\":{\"format\":\"regex\"},\"default\":{}},"
    "\"dependentSchemas\":{\"type\":\"object\","
    "\"additionalProperties\":{\"$dynamicRef\":\"#meta\"},\"default\":{}},"
    "\"propertyNames\":{\"$dynamicRef\":\"#meta\"},\"if\":{\"$dynamicRef\":\"#meta\"},"
    "\"then\":{\"$dynamicRef\":\"#meta\"},\"else\":{\"$dynamicRef\":\"#meta\"},"
    "\"allOf\":{\"$ref\":\"#/$defs/schemaArray\"},"
    "\"anyOf\":{\"$ref\":\"#/$defs/schemaArray\"},"
    "\"oneOf\":{\"$ref\":\"#/$defs/schemaArray\"},\"not\":{\"$dynamicRef\":\"#meta\"}},"
    "\"$defs\":{\"schemaArray\":{\"type\":\"array\",\"minItems\":1,"
    "\"items\":{\"$dynamicRef\":\"#meta\"}}}}";

static const char meta_unevaluated[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$id\":\"https://json-schema.org/draft/2020-12/meta/unevaluated\","
    "\"$vocabulary\":{\"https://json-schema.org/draft/2020-12/vocab/unevaluate"
    "d\":true},\"$dynamicAnchor\":\"meta\","
    "\"title\":\"Unevaluated applicator vocabulary meta-schema\","
    "\"type\":[\"object\",\"boolean\"],\"properties\":{\"unevaluatedItems\":{\"$dynami"
    "cRef\":\"#meta\"},\"unevaluatedProperties\":{\"$dynamicRef\":\"#meta\"}}}";

static const char meta_validation[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$id\":\"https://json-schema.org/draft/2020-12/meta/validation\","
    "\"$vocabulary\":{\"https://json-schema.org/draft/2020-12/vocab/validation"
    "\":true},\"$dynamicAnchor\":\"meta\","
    "\"title\":\"Validation vocabulary meta-schema\",\"type\":[\"object\","
    "\"boolean\"],\"properties\":{\"type\":{\"anyOf\":[{\"$ref\":\"#/$defs/simpleTypes"
    "\"},{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/simpleTypes\"},"
    "\"minItems\":1,\"uniqueItems\":true}]},\"const\":true,"
    "\"enum\":{\"type\":\"array\",\"items\":true},\"multipleOf\":{\"type\":\"number\","
    "\"exclusiveMinimum\":0},\"maximum\":{\"type\":\"number\"},"
    "\"exclusiveMaximum\":{\"type\":\"number\"},\"minimum\":{\"type\":\"number\"},"
    "\"exclusiveMinimum\":{\"type\":\"number\"},"
    "\"maxLength\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"minLength\":{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"},"
    "\"pattern\":{\"type\":\"string\",\"format\":\"regex\"},"
    "\"maxItems\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"minItems\":{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"},"
    "\"uniqueItems\":{\"type\":\"boolean\",\"default\":false},"
    "\"maxContains\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"minContains\":{\"$ref\":\"#/$defs/nonNegativeInteger\",\"default\":1},"
    "\"maxProperties\":{\"$ref\":\"#/$defs/nonNegativeInteger\"},"
    "\"minProperties\":{\"$ref\":\"#/$defs/nonNegativeIntegerDefault0\"},"
    "\"required\":{\"$ref\":\"#/$defs/stringArray\"},"
    "\"dependentRequired\":{\"type\":\"object\","
    "\"additionalProperties\":{\"$ref\":\"#/$defs/stringArray\"}}},"
    "\"$defs\":{\"nonNegativeInteger\":{\"type\":\"integer\",\"minimum\":0},"
    "\"nonNegativeIntegerDefault0\":{\"$ref\":\"#/$defs/nonNegativeInteger\","
    "\"default\":0},\"simpleTypes\":{\"enum\":[\"array\",\"boolean\",\"integer\","
    "\"null\",\"number\",\"object\",\"string\"]},\"stringArray\":{\"type\":\"array\","
    "\"items\":{\"type\":\"string\"},\"uniqueItems\":true,\"default\":[]}}}";

static const char meta_meta_data[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$id\":\"https://json-schema.org/draft/2020-12/meta/meta-data\","
    "\"$vocabulary\":{\"https://json-schema.org/draft/2020-12/vocab/meta-data\""
    ":true},\"$dynamicAnchor\":\"meta\",\"title\":\"Meta-data vocabulary meta-sche"
    "ma\",\"type\":[\"object\",\"boolean\"],"
    "\"properties\":{\"title\":{\"type\":\"string\"},"
    "\"description\":{\"type\":\"string\"},\"default\":true,"
    "\"deprecated\":{\"type\":\"boolean\",\"default\":false},"
    "\"readOnly\":{\"type\":\"boolean\",\"default\":false},"
    "\"writeOnly\":{\"type\":\"boolean\",\"default\":false},"
    "\"examples\":{\"type\":\"array\",\"items\":true}}}";

static const char meta_format_annotation[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$id\":\"https://json-schema.org/draft/2020-12/meta/format-annotation\","
    "\"$vocabulary\":{\"https://json-schema.org/draft/2020-12/vocab/format-ann"
    "otation\":true},\"$dynamicAnchor\":\"meta\","
    "\"title\":\"Format vocabulary meta-schema for annotation results\","
    "\"type\":[\"object\",\"boolean\"],\"properties\":{\"format\":{\"type\":\"string\"}}}";

static const char meta_format_assertion[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$id\":\"https://json-schema.org/draft/2020-12/meta/format-assertion\","
    "\"$vocabulary\":{\"https://json-schema.org/draft/2020-12/vocab/format-ass"
    "ertion\":true},\"$dynamicAnchor\":\"meta\","
    "\"title\":\"Format vocabulary meta-schema for assertion results\","
    "\"type\":[\"object\",\"boolean\"],\"properties\":{\"format\":{\"type\":\"string\"}}}";

static const char meta_content[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$id\":\"https://json-schema.org/draft/2020-12/meta/content\","
    "\"$vocabulary\":{\"https://json-schema.org/draft/2020-12/vocab/content\":t"
    "rue},\"$dynamicAnchor\":\"meta\",\"title\":\"Content vocabulary meta-schema\","
    "\"type\":[\"object\",\"boolean\"],\"properties\":{\"contentEncoding\":{\"type\":\"s"
    "tring\"},\"contentMediaType\":{\"type\":\"string\"},"
    "\"contentSchema\":{\"$dynamicRef\":\"#meta\"}}}";

struct kh_str kh_schema_meta(struct kh_str uri)
{
    static const struct {
        const char *name;
        struct kh_str text;
    } rows[] = {
        {"schema", {meta_schema, sizeof(meta_schema) - 1}},
        {"meta/core", {meta_core, sizeof(meta_core) - 1}},
        {"meta/applicator", {meta_applicator, sizeof(meta_applicator) - 1}},
        {"meta/unevaluated", {meta_unevaluated, sizeof(meta_unevaluated) - 1}},
        {"meta/validation", {meta_validation, sizeof(meta_validation) - 1}},
        {"meta/meta-data", {meta_meta_data, sizeof(meta_meta_data) - 1}},
        {"meta/format-annotation", {meta_format_annotation, sizeof(meta_format_annotation) - 1}},
        {"meta/format-assertion", {meta_format_assertion, sizeof(meta_format_assertion) - 1}},
        {"meta/content", {meta_content, sizeof(meta_content) - 1}},
    };

    if (kh_str_starts(uri, KH_S(DRAFT)))
        for (size_t i = 0; i < KH_LEN(rows); i++)
            if (kh_str_is(kh_str_skip(uri, sizeof(DRAFT) - 1), rows[i].name))
                return rows[i].text;
    return kh_str(NULL, 0);
}
