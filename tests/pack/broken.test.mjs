// SPDX-License-Identifier: Apache-2.0
// `khue pack check` is as strict as a compiler: each row spoils one thing in a good pack, and the
// complaint must be this one, at this place.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, it } from 'node:test';
import { run } from '../support/city.mjs';

const label = (vi, en) => `{ "vi": "${vi}", "en": "${en}" }`;
const good = {
  'pack.json': `{
  "id": "lamps", "version": "1.0.0",
  "title": ${label('Đèn đường', 'Street lamps')},
  "depends": ["base"], "owner": "H26"
}
`,
  'roles.json': `{ "roles": [
  { "role": "lighter", "title": ${label('Thợ đèn', 'Lamp lighter')},
    "about": ${label('Sửa đèn.', 'Mends lamps.')} }
] }
`,
  'types/lamp.schema.json': `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "lamp", "type": "object",
  "x-kh": { "key": "code", "title": "code", "process": "repair", "sensitivity": "public",
    "label": ${label('Đèn', 'Lamp')}, "label_plural": ${label('Đèn', 'Lamps')},
    "access": [
      { "role": "public", "ops": ["read", "list"], "where": "all", "see": "public" },
      { "role": "lighter", "ops": ["create", "update"], "where": "all", "see": "internal" } ] },
  "properties": {
    "code": { "type": "string", "maxLength": 10, "x-kh": { "unique": true, "index": true, "label": ${label('Mã', 'Code')} } },
    "kind": { "type": "string", "maxLength": 10, "x-kh": { "ref": "kind", "label": ${label('Loại', 'Kind')} } },
    "post": { "type": "integer", "x-kh": { "unique": true, "label": ${label('Cột', 'Post')} } },
    "state": { "type": "string", "maxLength": 10, "x-kh": { "figure": true, "label": ${label('Tình trạng', 'State')} } }
  },
  "required": ["code"], "additionalProperties": false
}
`,
  'processes/repair.bpmn': `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:kh="https://khue.vn/bpmn" targetNamespace="lamps">
  <process name="Sửa đèn" id="repair" isExecutable="true" kh:nameEn="Mending" kh:starter="lighter">
    <startEvent id="dark"/>
    <sequenceFlow id="f1" sourceRef="dark" targetRef="judge"/>
    <businessRuleTask id="judge" kh:decision="lamps/urgency#urgency" kh:result="urgent">
      <extensionElements>
        <kh:input name="kind">case.kind</kh:input>
      </extensionElements>
    </businessRuleTask>
    <sequenceFlow id="f2" sourceRef="judge" targetRef="note"/>
    <serviceTask id="note" kh:function="record.patch">
      <extensionElements>
        <kh:input name="state">"dark"</kh:input>
      </extensionElements>
    </serviceTask>
    <sequenceFlow id="f3" sourceRef="note" targetRef="mend"/>
    <userTask id="mend" name="Sửa" kh:nameEn="Mend" kh:role="lighter" kh:due="PT8H" kh:calendar="night">
      <extensionElements>
        <kh:form>{ "type": "object", "properties": { "done": { "type": "boolean",
          "x-kh": { "label": ${label('Xong', 'Done')} } } } }</kh:form>
      </extensionElements>
    </userTask>
    <sequenceFlow id="f4" sourceRef="mend" targetRef="tell"/>
    <serviceTask id="tell" kh:function="notify.send">
      <extensionElements>
        <kh:input name="template">"lamps/mended"</kh:input>
        <kh:input name="role">"lighter"</kh:input>
        <kh:input name="data">{code: case.code}</kh:input>
      </extensionElements>
    </serviceTask>
    <sequenceFlow id="f5" sourceRef="tell" targetRef="end"/>
    <endEvent id="end"/>
  </process>
</definitions>
`,
  'decisions/urgency.dmn': `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" name="urgency" namespace="lamps">
  <inputData id="in" name="kind"><variable name="kind" typeRef="string"/></inputData>
  <decision id="d1" name="urgency">
    <variable name="urgency" typeRef="boolean"/>
    <informationRequirement><requiredInput href="#in"/></informationRequirement>
    <literalExpression><text>kind = "signal"</text></literalExpression>
  </decision>
</definitions>
`,
  'calendars/night.json': `{ "title": ${label('Đêm', 'Night')},
  "weekly": { "mon": [["20:00", "23:00"]] } }
`,
  'notices/repair.json': `{
  "mended": {
    "vi": { "title": "Đèn {code} đã sửa", "body": "Đèn {code} sáng lại.", "sms": "Den {code} sang lai." },
    "en": { "title": "Lamp {code} is mended", "body": "Lamp {code} shines.", "sms": "Lamp {code} shines." } }
}
`,
  'indicators/lamps.json': `{
  "key": "lamps", "type": "lamp", "title": ${label('Đèn', 'Lamps')},
  "cuts": ["state"],
  "measures": [ { "name": "dark", "stock": { "state": ["dark"] } } ]
}
`,
  'i18n/vi.json': '{ "on": "bật",\n  "off": "tắt" }\n',
  'i18n/en.json': '{ "on": "on",\n  "off": "off" }\n',
  'data/10-lamp.ndjson': '{"code":"A1","kind":"signal","post":1}\n{"code":"A2","kind":"street","post":2}\n',
  'data/SOURCES.md': '10-lamp.ndjson: made for this test, CC0\n',
};
const base = {
  'pack.json': `{ "id": "base", "version": "1.0.0", "title": ${label('Nền', 'Base')}, "depends": [], "owner": "H26" }\n`,
  'types/kind.schema.json': `{ "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "kind", "type": "object",
  "x-kh": { "key": "code", "title": "code", "label": ${label('Loại', 'Kind')}, "label_plural": ${label('Loại', 'Kinds')}, "sensitivity": "public",
    "access": [{ "role": "public", "ops": ["read", "list"], "where": "all", "see": "public" }] },
  "properties": { "code": { "type": "string", "maxLength": 10, "x-kh": { "unique": true, "index": true, "label": ${label('Mã', 'Code')} } } },
  "required": ["code"], "additionalProperties": false }\n`,
  'data/10-kind.ndjson': '{"code":"street"}\n{"code":"signal"}\n',
  'data/SOURCES.md': '10-kind.ndjson: made for this test, CC0\n',
};

/** [what, file, from, to, complaints]: from undefined adds a file. */
const bpmn = 'processes/repair.bpmn', type = 'types/lamp.schema.json', data = 'data/10-lamp.ndjson';
const rows = [
  ['JSON that is none', 'roles.json', '"roles": [', '"roles": [,',
    'roles.json:1:13: error: Not JSON: a value expected at byte 12 (line 1, column 13). [json]'],
  ['a file that does not belong', 'scripts/run.sh', undefined, 'echo',
    'scripts/run.sh:1:1: error: A pack has no such file at this place. [unknown_file]'],
  ['a table of records that is no NDJSON', 'data/20-kind.csv', undefined, 'code\n',
    'data/20-kind.csv:1:1: error: A pack has no such file at this place. [unknown_file]'],
  ['text that is not UTF-8', 'README.md', undefined, Buffer.from([0xff, 0x61]),
    'README.md:1:1: error: The file is not UTF-8. [utf8]'],
  ['a pack that is not there', 'pack.json', '"base"', '"base", "cellar"',
    'pack.json:4:23: error: No such pack beside this one. [depends]'],
  ['a version that is none', 'pack.json', '1.0.0', '1.0',
    'pack.json:2:29: error: A version looks like 1.0.0. [version]'],
  ['a title in one language', 'pack.json', ', "en": "Street lamps"', '',
    'pack.json:3:12: error: Vietnamese (vi) and English (en) are both needed. [language]'],
  ['a key that is none', 'pack.json', '"owner"', '"licens": "MIT", "owner"',
    'pack.json:4:34: error: No such key here. [unknown_key]'],
  ['a role in one language', 'roles.json', ', "en": "Mends lamps."', '',
    'roles.json:3:14: error: Vietnamese (vi) and English (en) are both needed. [language]'],
  ['a role with a blank', 'roles.json', '"lighter"', '"lamp lighter"',
    'roles.json:2:3: error: A role is lower case letters, digits and underscores. [role]',
    'types/lamp.schema.json:8:17: error: No such role in the pack and those that it builds on. [role]',
    'processes/repair.bpmn:3:3: error: There is no such role: lighter. [role]',
    'processes/repair.bpmn:18:5: error: There is no such role: lighter. [role]',
    'processes/repair.bpmn:28:9: error: There is no such role: lighter. [role]'],
  ['a text without the other language', 'i18n/vi.json', '"off"', '"out"',
    'i18n/en.json:2:10: error: The other language lacks this key. [language]',
    'i18n/vi.json:2:10: error: The other language lacks this key. [language]'],
  ['an access rule for a role that is nowhere', type, '"role": "lighter"', '"role": "lighthouse"',
    'types/lamp.schema.json:8:17: error: No such role in the pack and those that it builds on. [role]'],
  ['a type in one language', type, ', "en": "Kind"', '',
    'types/lamp.schema.json:11:13: error: Vietnamese (vi) and English (en) are both needed. [language]',
    'types/lamp.schema.json:11:84: error: Vietnamese (vi) and English (en) are both needed. [language]'],
  ['a reference to no type', type, '"ref": "kind"', '"ref": "sort"',
    'types/lamp.schema.json:11:67: error: No such type in the pack and those that it builds on. [ref]'],
  ['answers to a list that is nowhere', type, '"state": {', `"said": { "type": "object", "x-kh": { "answers": "kind.questions", "label": ${label('Trả lời', 'Answers')} } },
    "state": {`,
    'types/lamp.schema.json:13:54: error: The type referred to has no such list of questions (code, datatype). [answers]'],
  ['answers to nobody', type, '"state": {', `"said": { "type": "object", "x-kh": { "answers": "code.questions", "label": ${label('Trả lời', 'Answers')} } },
    "state": {`,
    'types/lamp.schema.json:13:54: error: answers of an object is "reference.list": the field that names the record that asks, and the list of its questions. [x-kh]'],
  ['a process that is nowhere', type, '"process": "repair"', '"process": "mending"',
    'types/lamp.schema.json:4:56: error: The pack has no process with this id. [process]'],
  ['an annotation that is none', type, '"unique": true, "label"', '"uniq": true, "label"',
    'types/lamp.schema.json:12:52: error: There is no such x-kh annotation. [x-kh]'],
  ['a margin around a city without a place', type, '"process": "repair"', '"process": "repair", "city_margin_m": 5',
    'types/lamp.schema.json:4:83: error: city_margin_m is 0 to 100000 metres, of a type with geo. [x-kh]'],
  ['a key that is no field', type, '"key": "code"', '"key": "number"',
    'types/lamp.schema.json:4:20: error: There is no field of this name. [x-kh]'],
  ['a schema that is none', type, '"maxLength": 10', '"maxLength": "10"',
    'types/lamp.schema.json:10:46: error: Must be an integer, 0 or more [schema]'],
  ['XML that is none', bpmn, '</userTask>', '',
    'processes/repair.bpmn:34:13: error: The XML is not well formed, or beyond the limits of the reader. [xml]'],
  ['an element that the engine does not run', bpmn, '<endEvent id="end"/>', '<endEvent id="end"/>\n    <complexGateway id="or"/>',
    'processes/repair.bpmn:34:5: error: The element complexGateway is not supported. [unsupported]'],
  ['an event that the engine does not run', bpmn, '<endEvent id="end"/>', '<endEvent id="end"><cancelEventDefinition/></endEvent>',
    'processes/repair.bpmn:33:24: error: The element cancelEventDefinition is not supported here. [unsupported]'],
  ['a loop without an end', bpmn, '<serviceTask id="note" kh:function="record.patch">', '<serviceTask id="note" kh:function="record.patch"><standardLoopCharacteristics/>',
    'processes/repair.bpmn:12:55: error: A loop needs a loopCondition or a loopMaximum. [condition]'],
  ['an extension that is none', bpmn, 'kh:due', 'kh:deadline',
    'processes/repair.bpmn:18:5: error: There is no attribute kh:deadline here. [extension]',
    'processes/repair.bpmn:18:5: error: kh:calendar needs kh:due. [required]'],
  ['a flow to nowhere', bpmn, 'targetRef="tell"', 'targetRef="told"',
    'processes/repair.bpmn:24:5: error: The flow f4 does not join two nodes that exist. [flow]',
    'processes/repair.bpmn:18:5: error: No flow leaves mend. [flow]',
    'processes/repair.bpmn:25:5: error: No flow enters tell. [flow]',
    'processes/repair.bpmn:33:5: error: No path leads to end. [unreachable]'],
  ['FEEL that is none', bpmn, 'case.kind<', 'case.kind +<',
    'processes/repair.bpmn:8:9: error: The FEEL expression is not valid: line 1, column 12: the expression ends too early [feel]'],
  ['a service function that is none', bpmn, 'notify.send', 'notify.shout',
    'processes/repair.bpmn:25:5: error: There is no service function notify.shout. [function]'],
  ['a decision file that is nowhere', bpmn, 'lamps/urgency#urgency', 'lamps/hurry#urgency',
    'processes/repair.bpmn:6:5: error: There is no such decision: lamps/hurry#urgency. [decision]'],
  ['a decision that its file has not', bpmn, '#urgency', '#hurry',
    'processes/repair.bpmn:6:5: error: There is no such decision: lamps/urgency#hurry. [decision]'],
  ['a decision of a pack that is nowhere', bpmn, 'lamps/urgency#', 'lights/urgency#',
    'processes/repair.bpmn:6:5: error: There is no such decision: lights/urgency#urgency. [decision]'],
  ['a form that is no schema', bpmn, '"type": "boolean"', '"type": "boolish"',
    'processes/repair.bpmn:20:9: error: The form is not a valid JSON Schema: /properties/done/type: There is no such type [form]'],
  ['a form that is no JSON', bpmn, '"done": {', '"done": {{',
    'processes/repair.bpmn:20:9: error: The form is not valid JSON: a key in quotes expected at byte 45 (line 1, column 46) [form]'],
  ['an answer with a name that is taken', bpmn, '"done": { "type"', '"result": { "type"',
    'processes/repair.bpmn:20:9: error: The name "result" is not valid for a variable, or reserved. [name]'],
  ['a form in one language', bpmn, ', "en": "Done"', '',
    'processes/repair.bpmn:18:5: error: The form says something in one language only, in: mend. [language]'],
  ['a form of a type that is nowhere', bpmn, 'kh:due="PT8H"', 'kh:due="PT8H" kh:form="sort"',
    'processes/repair.bpmn:18:5: error: There is no type for the form: sort. [form]'],
  ['a task name in one language', bpmn, ' kh:nameEn="Mend"', '',
    'processes/repair.bpmn:18:5: error: name and kh:nameEn are both needed for: mend. [language]'],
  ['a process name in one language', bpmn, ' kh:nameEn="Mending"', '',
    'processes/repair.bpmn:3:3: error: name and kh:nameEn are both needed for: repair. [language]'],
  ['a task for a role that is nowhere', bpmn, 'kh:role="lighter"', 'kh:role="lighthouse"',
    'processes/repair.bpmn:18:5: error: There is no such role: lighthouse. [role]'],
  ['a starter that is nowhere', bpmn, 'kh:starter="lighter"', 'kh:starter="lighthouse"',
    'processes/repair.bpmn:3:3: error: There is no such role: lighthouse. [role]'],
  ['a calendar that is nowhere', bpmn, 'kh:calendar="night"', 'kh:calendar="day"',
    'processes/repair.bpmn:18:5: error: There is no such calendar: day. [calendar]'],
  ['a message that is nowhere', bpmn, 'lamps/mended', 'lamps/broken',
    'processes/repair.bpmn:27:9: error: There is no such message: lamps/broken. [template]'],
  ['a message to a role that is nowhere', bpmn, '>"lighter"<', '>"lighthouse"<',
    'processes/repair.bpmn:28:9: error: There is no such role: lighthouse. [role]'],
  ['a message without its field', bpmn, '{code: case.code}', '{lamp: case.kind}',
    'processes/repair.bpmn:29:9: error: The message needs this field in data: code. [fields]'],
  ['a change of a field that the case has not', bpmn, 'name="state"', 'name="status"',
    'processes/repair.bpmn:14:9: error: The type of the case has no such field: status. [field]'],
  ['a called process that is nowhere', bpmn, '<endEvent id="end"/>', '<callActivity id="end" calledElement="sweep"/>\n    <sequenceFlow id="f6" sourceRef="end" targetRef="last"/><endEvent id="last"/>',
    'processes/repair.bpmn:33:5: error: There is no such process: sweep. [process]'],
  ['a duration that is none', bpmn, 'PT8H', 'P8X',
    'processes/repair.bpmn:18:5: error: "P8X" is no duration (an example: PT8H). [timer]'],
  ['FEEL in a decision that is none', 'decisions/urgency.dmn', 'kind = "signal"', 'kind = = "signal"',
    'decisions/urgency.dmn:7:24: error: d1: The expression is not valid: line 7, column 8: expected a value [feel]'],
  ['an input of a decision that is nowhere', 'decisions/urgency.dmn', '#in', '#out',
    'decisions/urgency.dmn:6:29: error: d1: The reference points to nothing: #out [href]',
    'decisions/urgency.dmn:4:3: error: d1: The logic uses a name that is not required: kind [name]'],
  ['a name that a decision does not know', 'decisions/urgency.dmn', 'kind = "signal"', 'colour = "signal"',
    'decisions/urgency.dmn:4:3: error: d1: The logic uses a name that is not required: colour [name]'],
  ['DMN that is none', 'decisions/urgency.dmn', '</decision>', '',
    'decisions/urgency.dmn:9:15: error: The XML is not well formed, or beyond the limits of the reader. [xml]'],
  ['a calendar in one language', 'calendars/night.json', ', "en": "Night"', '',
    'calendars/night.json:1:12: error: Vietnamese (vi) and English (en) are both needed. [language]'],
  ['hours that are none', 'calendars/night.json', '23:00', '25:00',
    'calendars/night.json:2:23: error: ["HH:MM","HH:MM"] is needed, in order and without overlap. [hours]'],
  ['a message in one language', 'notices/repair.json', '"en": {', '"fr": {',
    'notices/repair.json:2:13: error: title and body are needed in vi and en [language]',
    'notices/repair.json:2:13: error: sms is needed in both languages, or in none. [language]'],
  ['a short message in one language', 'notices/repair.json', ', "sms": "Lamp {code} shines."', '',
    'notices/repair.json:2:13: error: sms is needed in both languages, or in none. [language]'],
  ['a message whose languages name other fields', 'notices/repair.json', 'Lamp {code} is mended', 'Lamp {number} is mended',
    'notices/repair.json:2:13: error: vi and en name different {fields} [fields]'],
  ['figures of a type that is nowhere', 'indicators/lamps.json', '"type": "lamp"', '"type": "lantern"',
    'indicators/lamps.json:2:27: error: There is no such type. [ref]'],
  ['a figure cut by a field that is nowhere', 'indicators/lamps.json', '"cuts": ["state"]', '"cuts": ["street"]',
    'indicators/lamps.json:3:12: error: The type has no such field. [field]'],
  ['a figure cut by a pair with a field that is nowhere', 'indicators/lamps.json', '"cuts": ["state"]', '"cuts": ["state", "state|street"]',
    'indicators/lamps.json:3:21: error: The type has no such field. [field]'],
  ['a figure cut by a pair of three', 'indicators/lamps.json', '"cuts": ["state"]', '"cuts": ["state", "state|state|state"]',
    'indicators/lamps.json:3:21: error: a cut is a field, or two fields with | between them after the first cut [cut]'],
  ['a figure of a field that is nowhere', 'indicators/lamps.json', '"stock": { "state"', '"stock": { "status"',
    'indicators/lamps.json:4:56: error: The type has no such field. [field]'],
  ['a figure with another key', 'indicators/lamps.json', '"key": "lamps"', '"key": "lights"',
    'indicators/lamps.json:2:10: error: The key must be the name of the file. [key]'],
  ['a record with a wrong type', data, '"post":2', '"post":"2"',
    'data/10-lamp.ndjson:2:37: error: Must be a whole number [type]'],
  ['a record without a needed field', data, '"code":"A2",', '',
    'data/10-lamp.ndjson:2:1: error: This field is required [required]'],
  ['a record with a field that is none', data, '"post":2', '"posts":2',
    'data/10-lamp.ndjson:2:38: error: There is no such field here [additionalProperties]'],
  ['a record twice', data, 'A2', 'A1',
    'data/10-lamp.ndjson:2:1: error: A line before this one has the same key. [duplicate]'],
  ['a value twice that may be once', data, '"post":2', '"post":1',
    'data/10-lamp.ndjson:2:1: error: A line before this one has the same key: post. [duplicate]'],
  ['a reference to a record that is nowhere', data, 'street', 'stret',
    'data/10-lamp.ndjson:2:21: error: No kind has this code. [ref]'],
  ['a record that is no JSON', data, '"post":2}', '"post":2',
    'data/10-lamp.ndjson:2:38: error: This line is not JSON: \',\' or \'}\' expected. [json]'],
  ['records without a source', 'data/SOURCES.md', '10-lamp.ndjson', '10-lamps',
    'data/10-lamp.ndjson:1:1: error: SOURCES.md beside it does not say where this file comes from. [sources]'],
  ['records of a type that is nowhere', 'demo/10-lantern.ndjson', undefined, '{}\n',
    'demo/10-lantern.ndjson:1:1: error: SOURCES.md beside it does not say where this file comes from. [sources]',
    'demo/10-lantern.ndjson:1:1: error: There is no type lantern. [type]'],
];

const top = mkdtempSync(join(tmpdir(), 'khue-packs-'));
after(() => rmSync(top, { recursive: true, force: true }));

function write(dir, files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
}

/** The pack with one thing spoilt, beside the one that it builds on. @returns its folder */
function spoilt(i, file, from, to) {
  const files = { ...good };
  if (from !== undefined) assert.ok(good[file].includes(from), `${file} has ${from}`);
  files[file] = from === undefined ? to : good[file].replace(from, to);
  write(join(top, String(i), 'base'), base);
  write(join(top, String(i), 'lamps'), files);
  return join(top, String(i), 'lamps');
}

it('a good pack is good', () => {
  write(join(top, 'good', 'base'), base);
  write(join(top, 'good', 'lamps'), good);
  for (const pack of ['base', 'lamps']) {
    const dir = join(top, 'good', pack), checked = run(['pack', 'check', dir]);
    assert.equal(checked.stdout, `${dir}: good\n`, checked.stderr);
    assert.equal(checked.status, 0);
  }
});

it('a model as a modeller saves it, with one name for each thing, is good', () => {
  const file = Object.keys(good).find((name) => name.endsWith('.bpmn'));
  const files = { ...good, [file]: good[file].replace(/ kh:nameEn="[^"]*"/g, '') };
  assert.notEqual(files[file], good[file]);
  write(join(top, 'drawn', 'base'), base);
  write(join(top, 'drawn', 'lamps'), files);
  const checked = run(['pack', 'check', join(top, 'drawn', 'lamps')]);
  assert.equal(checked.status, 0, checked.stderr);
});

const dirs = rows.map(([, file, from, to], i) => spoilt(i, file, from, to));
const all = run(['pack', 'check', ...dirs]);

for (const [i, [what, , , , ...complaints]] of rows.entries())
  it(`refuses ${what}`, () => {
    const said = all.stderr.split('\n').filter((l) => l.startsWith(`${dirs[i]}/`)).map((l) => l.slice(dirs[i].length + 1));
    assert.deepEqual(said, complaints);
  });

it('says so in its exit status', () => assert.equal(all.status, 1));
