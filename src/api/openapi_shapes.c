/* SPDX-License-Identifier: Apache-2.0 */
/* What goes in and out besides records, by the names that rows of the route table give. */
#include "api/openapi.h"

/* Written as JSON; the preprocessor makes it text. There true must stay the word that it is. */
#undef true
#undef false
#define S(name, ...) {#name, #__VA_ARGS__}

#define REF(name)  {"$ref" : #name} /* openapi.c makes it a pointer */
#define ID         {"type" : "string", "description" : "Id, 13 characters"}
#define TEXT       {"type" : "string"}
#define FLAG       {"type" : "boolean"}
#define NUMBER     {"type" : "integer"}
#define INSTANT    {"type" : "string", "format" : "date-time"}
#define DAY        {"type" : "string", "format" : "date"}
#define WHEN       {"type" : "string", "description" : "A date, or a date and time"}

/* clang-format off */
#define SENT                                                                                       \
    {"type": "array", "description": "How it went out beside the portal",                          \
     "items": {"type": "object", "properties": {                                                   \
        "channel": {"enum": ["email", "sms", "push"]},                                             \
        "state": {"enum": ["queued", "sent", "dead"]}, "at": INSTANT, "tries": NUMBER,             \
        "proof": {"type": "string", "description": "What the other side answered; for staff"}}}}
#define LIST_OF(...)                                                                               \
    {"type": "object", "required": ["items"], "properties": {                                      \
        "items": {"type": "array", "items": __VA_ARGS__},                                          \
        "next": {"type": "string", "description": "Cursor of the next page; absent on the last"}}}
/* The argument is expanded first, so the words above can be used. */
#define SHAPE(name, ...) S(name, __VA_ARGS__)

static const struct {
    const char *name, *text;
} shapes[] = {
    SHAPE(Problem, {"type": "object", "description": "RFC 9457 problem details",
        "required": ["type", "title", "status", "code"], "properties": {
            "type": TEXT, "title": TEXT, "status": NUMBER,
            "code": {"type": "string", "description": "Stable word of the kind of error"},
            "detail": TEXT, "request": {"type": "string", "description": "Id of the request, for support"},
            "issues": {"type": "array", "items": {"type": "object",
                "required": ["pointer", "code", "message"], "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer into the body"},
                    "code": TEXT, "message": TEXT}}}}}),
    SHAPE(Label, {"type": "object", "properties": {"vi": TEXT, "en": TEXT}}),
    SHAPE(Portal, {"type": "object", "required": ["city", "centre", "bounds", "languages"], "properties": {
        "city": REF(Label), "centre": {"type": "array", "items": {"type": "number"}},
        "bounds": {"type": "array", "items": {"type": "number"}},
        "languages": {"type": "array", "items": TEXT}, "version": TEXT,
        "attributions": {"type": "array", "items": {"type": "object", "properties": {
            "text": REF(Label), "url": TEXT, "licence": TEXT}}}}}),
    SHAPE(SearchList, LIST_OF({"type": "object", "required": ["type", "id", "title"], "properties": {
        "type": TEXT, "id": TEXT, "title": TEXT, "text": TEXT, "link": TEXT}})),
    SHAPE(NearbyList, LIST_OF({"type": "object", "required": ["id", "meta"], "properties": {
        "id": ID, "meta": REF(RecordMeta)}})),
    SHAPE(AuditList, LIST_OF(REF(Event))),
    SHAPE(AuditVerdict, {"type": "object", "required": ["ok", "events", "findings"], "properties": {
        "ok": FLAG, "events": NUMBER, "rows": NUMBER, "findings": {"type": "array", "items": {"type": "object",
            "properties": {"seq": NUMBER, "what": TEXT, "detail": TEXT}}}}}),
    SHAPE(Case, {"type": "object", "properties": {"type": TEXT, "id": ID}}),
    SHAPE(RecordMeta, {"type": "object", "required": ["type", "revision", "valid_from"], "properties": {
        "type": TEXT, "revision": NUMBER, "valid_from": INSTANT,
        "valid_to": {"type": ["string", "null"], "format": "date-time"}, "recorded_at": INSTANT,
        "masked": {"type": "array", "items": TEXT, "description": "Fields that are hidden from this reader"}}}),
    SHAPE(MergePatch, {"type": "object",
        "description": "RFC 7396: fields that change; null removes a field"}),
    SHAPE(Correction, {"type": "object", "required": ["fields", "reason"], "properties": {
        "fields": {"type": "object"}, "reason": TEXT, "valid_from": WHEN}}),
    SHAPE(History, LIST_OF({"type": "object", "properties": {
        "revision": NUMBER, "kind": TEXT, "recorded_at": INSTANT,
        "valid_from": {"type": ["string", "null"], "format": "date-time"},
        "valid_to": {"type": ["string", "null"], "format": "date-time"}, "by": TEXT, "reason": TEXT,
        "who": REF(Doer),
        "changes": {"type": "array", "items": {"type": "object", "properties": {
            "pointer": TEXT, "before": true, "after": true}}}}})),
    SHAPE(Timeline, LIST_OF({"type": "object", "properties": {
        "seq": NUMBER, "at": INSTANT, "kind": TEXT, "type": TEXT, "subject": ID, "by": TEXT,
        "reason": TEXT, "who": REF(Doer), "text": REF(Label), "data": true}})),
    SHAPE(Doer, {"type": "object", "description": "Who did it, as far as the reader may know",
        "properties": {
        "kind": {"enum": ["staff", "reporter", "system", "public"]}, "name": TEXT, "unit": TEXT,
        "unit_name": TEXT}}),
    SHAPE(ImportReport, {"type": "object", "properties": {
        "dry_run": FLAG, "read": NUMBER, "created": NUMBER, "updated": NUMBER, "unchanged": NUMBER,
        "failed": NUMBER, "errors_not_listed": NUMBER, "ignored": true,
        "errors": {"type": "array", "items": {"type": "object", "properties": {
            "line": NUMBER, "feature": NUMBER, "id": TEXT, "code": TEXT, "issues": {"type": "array", "items": REF(Message)}}}}}}),
    SHAPE(FeatureCollection, {"type": "object", "description": "GeoJSON, RFC 7946", "properties": {
        "type": {"const": "FeatureCollection"}, "features": {"type": "array", "items": {"type": "object"}}}}),
    SHAPE(Type, {"type": "object", "properties": {
        "type": TEXT, "version": NUMBER, "label": REF(Label), "label_plural": REF(Label),
        "process": TEXT, "may": true, "schema": {"type": ["object", "boolean"]}}}),
    SHAPE(TypeList, LIST_OF(REF(Type))),
    SHAPE(AccessList, LIST_OF({"type": "object", "properties": {
        "at": INSTANT, "by": TEXT, "role": TEXT, "unit": TEXT, "type": TEXT, "record": ID,
        "title": TEXT, "purpose": TEXT, "fields": {"type": "array", "items": TEXT}}})),

    SHAPE(SessionOpen, {"type": "object", "required": ["username", "password"], "properties": {
        "username": TEXT, "password": {"type": "string", "format": "password"}}}),
    SHAPE(Session, {"type": "object", "properties": {
        "token": {"type": "string", "description": "For Authorization: Bearer; only when it is opened"},
        "csrf": TEXT, "expires_at": INSTANT, "account": {"anyOf": [REF(Account), {"type": "null"}],
            "description": "null: nobody is signed in"}}}),
    SHAPE(Grant, {"type": "object", "properties": {
        "id": ID, "role": TEXT, "unit": TEXT, "from": INSTANT, "until": INSTANT, "delegated_by": ID,
        "reason": TEXT}}),
    SHAPE(Account, {"type": "object", "required": ["id", "username"], "properties": {
        "id": ID, "username": TEXT, "name": TEXT, "kind": {"enum": ["person", "machine"]},
        "state": TEXT, "unit": TEXT, "unit_name": TEXT, "phone": TEXT, "email": TEXT, "lang": TEXT,
        "created_at": INSTANT, "roles": {"type": "array", "items": REF(Grant)}}}),
    SHAPE(AccountList, LIST_OF(REF(Account))),
    SHAPE(AccountCreate, {"type": "object", "required": ["username", "password", "name"], "properties": {
        "username": TEXT, "password": {"type": "string", "format": "password"}, "name": TEXT,
        "phone": TEXT, "email": TEXT, "lang": {"enum": ["vi", "en"]}}}),
    SHAPE(AccountManage, {"type": "object", "required": ["username", "name"], "properties": {
        "username": TEXT, "password": {"type": "string", "format": "password"}, "name": TEXT,
        "kind": {"enum": ["person", "machine"]}, "unit": TEXT, "phone": TEXT, "email": TEXT,
        "lang": {"enum": ["vi", "en"]}}}),
    SHAPE(AccountUpdate, {"type": "object", "properties": {
        "name": TEXT, "unit": TEXT, "phone": TEXT, "email": TEXT, "lang": {"enum": ["vi", "en"]},
        "state": TEXT, "password": {"type": "string", "format": "password"}}}),
    SHAPE(MeUpdate, {"type": "object", "properties": {
        "name": TEXT, "phone": TEXT, "email": TEXT, "lang": {"enum": ["vi", "en"]},
        "password": {"type": "string", "format": "password"},
        "old_password": {"type": "string", "format": "password"}}}),
    SHAPE(GrantCreate, {"type": "object", "required": ["role"], "properties": {
        "role": TEXT, "unit": TEXT, "from": WHEN, "until": WHEN, "reason": TEXT}}),
    SHAPE(DelegationCreate, {"type": "object", "required": ["to", "role"], "properties": {
        "to": {"type": "string", "description": "User name"}, "role": TEXT, "unit": TEXT,
        "from": WHEN, "until": WHEN, "reason": TEXT}}),
    SHAPE(DelegationList, LIST_OF({"type": "object", "properties": {
        "to": TEXT, "grant": REF(Grant)}})),
    SHAPE(RoleList, LIST_OF({"type": "object"})),
    SHAPE(PrintList, LIST_OF({"type": "object", "required": ["key", "title", "url"], "properties": {
        "key": TEXT, "title": REF(Label), "url": TEXT}})),
    SHAPE(Key, {"type": "object", "properties": {
        "id": ID, "account": ID, "name": TEXT, "hint": TEXT, "created_at": INSTANT,
        "expires_at": INSTANT, "secret": {"type": "string", "description": "Only when it is made"}}}),
    SHAPE(KeyList, LIST_OF(REF(Key))),
    SHAPE(KeyCreate, {"type": "object", "required": ["account"], "properties": {
        "account": ID, "name": TEXT, "expires_at": WHEN}}),

    SHAPE(NoticeList, {"type": "object", "required": ["unread", "items"], "properties": {
        "unread": NUMBER, "next": TEXT, "items": {"type": "array", "items": {"type": "object", "properties": {
            "id": ID, "at": INSTANT, "title": TEXT, "body": TEXT, "link": TEXT, "case": ID,
            "read": FLAG, "sent": SENT}}}}}),
    SHAPE(ToldList, {"type": "object", "required": ["items"], "properties": {
        "next": TEXT, "items": {"type": "array", "items": {"type": "object", "properties": {
            "id": ID, "at": INSTANT, "title": TEXT, "read_at": INSTANT, "sent": SENT}}}}}),
    SHAPE(NoticeRead, {"type": "object", "properties": {
        "ids": {"type": "array", "items": ID, "minItems": 1, "maxItems": 200}, "all": FLAG}}),
    SHAPE(Preferences, {"type": "object", "properties": {
        "channels": {"type": "object", "properties": {"email": FLAG, "sms": FLAG, "push": FLAG},
            "additionalProperties": false},
        "quiet": {"type": ["object", "null"], "required": ["from", "to"], "properties": {
            "from": {"type": "string", "examples": ["21:00"]},
            "to": {"type": "string", "examples": ["07:00"]}}},
        "lang": {"enum": ["vi", "en"]}}}),
    SHAPE(PushKey, {"type": "object", "properties": {"key": TEXT}}),
    SHAPE(PushDeviceList, LIST_OF({"type": "object", "properties": {
        "endpoint": TEXT, "service": TEXT, "since": INSTANT}})),
    SHAPE(PushSubscription, {"type": "object", "required": ["endpoint", "keys"], "properties": {
        "endpoint": {"type": "string", "format": "uri"},
        "keys": {"type": "object", "required": ["p256dh", "auth"], "properties": {
            "p256dh": TEXT, "auth": TEXT}}}}),

    SHAPE(File, {"type": "object", "properties": {
        "id": TEXT, "url": TEXT, "media_type": TEXT, "bytes": NUMBER, "width": NUMBER,
        "height": NUMBER}}),
    SHAPE(Health, {"type": "object", "properties": {
        "version": TEXT, "uptime_s": NUMBER, "resident_bytes": NUMBER, "cpu_ms": NUMBER,
        "connections": NUMBER, "waiting": NUMBER, "streams": NUMBER, "workers_queue": NUMBER,
        "store": {"type": "object", "properties": {
            "kind": {"enum": ["sqlite", "postgres"]}, "commits": NUMBER, "writes": NUMBER,
            "rollbacks": NUMBER, "retries": NUMBER, "queue": NUMBER, "wal_bytes": NUMBER,
            "events": NUMBER}}}}),
    SHAPE(Event, {"type": "object", "properties": {
        "seq": NUMBER, "at": INSTANT, "kind": TEXT, "type": TEXT,
        "subject": {"type": ["string", "null"]}, "about": {"type": ["string", "null"]},
        "unit": TEXT, "by": TEXT, "data": true}}),
    SHAPE(EventList, {"type": "object", "required": ["items", "seen"], "properties": {
        "items": {"type": "array", "items": REF(Event)}, "next": TEXT,
        "seen": {"type": "integer", "description": "Go on after this number"}}}),
    SHAPE(Figures, {"type": "object", "required": ["key", "as_of", "totals"], "properties": {
        "key": TEXT, "as_of": INSTANT, "totals": {"type": "object"},
        "by_unit": {"type": "array", "items": {"type": "object"}},
        "by_category": {"type": "array", "items": {"type": "object"}},
        "by_day": {"type": "array", "items": {"type": "object"}}}}),

    SHAPE(Task, {"type": "object", "required": ["id", "key", "state"], "properties": {
        "id": ID, "key": TEXT, "name": REF(Label), "title": TEXT, "case": REF(Case), "instance": ID,
        "process": TEXT, "state": {"enum": ["open", "claimed", "done", "cancelled"]}, "role": TEXT,
        "unit": TEXT, "unit_name": TEXT, "claimed_by": ID, "claimed_name": TEXT, "may": FLAG,
        "owner": ID, "created_at": INSTANT, "done_at": INSTANT, "due_at": INSTANT, "paused": FLAG,
        "minutes_left": {"type": "integer", "description": "Working time; negative when overdue"},
        "form": {"type": ["object", "boolean"], "description": "JSON Schema of the variables"}}}),
    SHAPE(TaskList, LIST_OF(REF(Task))),
    SHAPE(TaskComplete, {"type": "object", "properties": {"variables": {"type": "object"}}}),
    SHAPE(Process, {"type": "object", "properties": {
        "key": TEXT, "version": NUMBER, "name": REF(Label), "deployed_at": INSTANT,
        "running": NUMBER}}),
    SHAPE(ProcessList, LIST_OF(REF(Process))),
    SHAPE(InstanceStart, {"type": "object", "properties": {
        "variables": {"type": "object"}, "case": REF(Case)}}),
    SHAPE(InstanceId, {"type": "object", "required": ["id"], "properties": {"id": ID}}),
    SHAPE(Instance, {"type": "object", "properties": {
        "id": ID, "process": TEXT, "version": NUMBER, "case": REF(Case), "parent": ID, "state": TEXT,
        "started_at": INSTANT, "ended_at": INSTANT,
        "tokens": {"type": "array", "items": {"type": "object", "properties": {
            "element": TEXT, "since": INSTANT}}},
        "variables": {"type": "object"}}}),
    SHAPE(MessageSend, {"type": "object", "properties": {
        "case": true, "correlation": TEXT, "variables": {"type": "object"}}}),
    SHAPE(SignalSend, {"type": "object", "properties": {"variables": {"type": "object"}}}),
    SHAPE(InstanceMove, {"type": "object", "required": ["from", "to", "reason"], "properties": {
        "from": {"type": "string", "description": "Id of the element where it stands"},
        "to": {"type": "string", "description": "Id of an element of the same sub-process"},
        "reason": TEXT}}),
    SHAPE(ProcessMigrate, {"type": "object", "required": ["from", "to"], "properties": {
        "from": NUMBER, "to": NUMBER,
        "mapping": {"type": "object", "description": "Old element: new element; null drops an event that waits beside something. Without an entry the id is the same"},
        "dry_run": FLAG, "reason": {"type": "string", "description": "Needed unless dry_run"},
        "after": ID, "limit": {"type": "integer", "minimum": 1, "maximum": 1000}}}),
    SHAPE(ProcessMigrated, {"type": "object", "required": ["checked", "moved"], "properties": {
        "checked": NUMBER, "moved": NUMBER,
        "next": {"type": "string", "description": "Go on after this instance"}}}),
    SHAPE(MessageSent, {"type": "object", "properties": {"delivered": NUMBER}}),
    SHAPE(JobList, LIST_OF({"type": "object", "properties": {
        "id": ID, "instance": ID, "element": TEXT, "attempts": NUMBER, "error": TEXT}})),
    SHAPE(DecisionCall, {"type": "object",
        "description": "Either model (the text of a DMN file) or decision_ref; one of decision, service, bkm; or many calls as cases",
        "properties": {
            "model": TEXT, "imports": {"type": "array", "items": TEXT},
            "decision_ref": {"type": "string", "examples": ["feedback/routing"]},
            "decision": TEXT, "service": TEXT, "bkm": TEXT, "inputs": {"type": "object"},
            "cases": {"type": "array", "items": {"type": "object"}}}}),
    SHAPE(Message, {"type": "object", "properties": {"pointer": TEXT, "code": TEXT, "message": TEXT}}),
    SHAPE(DecisionResult, {"type": "object", "description": "Of one call; or of each case in results",
        "properties": {
            "result": true, "messages": {"type": "array", "items": REF(Message)},
            "results": {"type": "array", "items": {"type": "object"}}}}),
    SHAPE(PackList, LIST_OF({"type": "object", "properties": {
        "id": TEXT, "version": TEXT, "title": REF(Label), "loaded_at": INSTANT, "files": NUMBER}})),

    SHAPE(Unit, {"type": "object", "required": ["code", "name"], "properties": {
        "code": TEXT, "name": TEXT, "name_en": TEXT, "kind": TEXT, "level": TEXT, "parent": TEXT,
        "agency": TEXT, "agency_name": TEXT, "valid_from": DAY, "valid_to": DAY, "decision": TEXT,
        "seat": TEXT, "population": NUMBER, "area_km2": {"type": "number"},
        "centre": {"type": "object", "properties": {
            "lon": {"type": "number"}, "lat": {"type": "number"}}},
        "successors": {"type": "array", "items": {"type": "object", "properties": {
            "code": TEXT, "name": TEXT, "part": {"enum": ["whole", "part"]},
            "needs_decision": FLAG}}},
        "matched": TEXT}}),
    SHAPE(UnitList, LIST_OF(REF(Unit))),
};
/* clang-format on */

struct kh_str kh_openapi_shape(struct kh_str name)
{
    for (size_t i = 0; i < KH_LEN(shapes); i++)
        if (kh_str_is(name, shapes[i].name))
            return kh_cstr(shapes[i].text);
    return kh_str(NULL, 0);
}

struct kh_str kh_openapi_shape_name(size_t i)
{
    return i < KH_LEN(shapes) ? kh_cstr(shapes[i].name) : KH_S("");
}
