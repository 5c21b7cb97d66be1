// SPDX-License-Identifier: Apache-2.0
// Open311 GeoReport v2 from end to end: another city's app reports, an officer here does the work, and
// the app sees it closed. The details of the standard are in tests/unit/api/open311_test.c.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { City } from '../support/city.mjs';

let city, officer;
const form = (fields) => ({ method: 'POST', body: new URLSearchParams(fields) });
const open = (path, init) => fetch(`${city.url}/open311/v2/${path}`, init);

before(async () => {
  city = await City.start();
  officer = await city.as('officer');
});
after(() => city?.drop());

describe('another city\'s app', () => {
  it('finds its way from discovery to a closed request', async () => {
    const discovery = await (await fetch(`${city.url}/open311/v2/discovery.json`)).json();
    assert.equal(discovery.endpoints[0].url, `${city.url}/open311/v2`);
    const services = await (await open('services.json')).json();
    assert.ok(services.find((s) => s.service_code === 'pothole').metadata);

    const made = await open('requests.json', form({ service_code: 'pothole', lat: '21.0288', long: '105.8525', description: 'Ổ gà sâu trước cổng trường', 'attribute[SIZE]': 'large' }));
    assert.equal(made.status, 200);
    const [{ service_request_id: id, service_notice }] = await made.json();
    assert.match(id, /^[0-9a-z]{13}$/);
    assert.match(service_notice, /PA-\d{4}-\d{6}/);

    const read = async () => (await (await open(`requests/${id}.json`)).json())[0];
    const first = await read();
    assert.equal(first.status, 'open');
    assert.match(first.agency_responsible, /Hoàn Kiếm/);

    assert.equal((await officer.complete(await officer.task(id, 'triage'), { decision: 'accept' })).status, 200);
    const accepted = await read();
    assert.equal(accepted.status, 'open');
    assert.ok(accepted.expected_datetime, 'who takes it says until when');
    assert.equal((await officer.complete(await officer.task(id, 'handle'), { decision: 'done', answer: 'Đã vá.' })).status, 200);
    const last = await read();
    assert.equal(last.status, 'closed');
    assert.equal(last.status_notes, 'Đã vá.');
    assert.ok(last.updated_datetime >= first.requested_datetime);
    const closed = await (await open(`requests.json?status=closed&service_code=pothole&page_size=5`)).json();
    assert.equal(closed.length, 5);
    assert.equal(closed[0].service_request_id, id, 'newest first');
    const xml = await (await open(`requests/${id}.xml`)).text();
    assert.match(xml, /^<\?xml version="1.0" encoding="utf-8"\?>\n<service_requests><request>.*<status>closed<\/status>/);
  });

  it('finds the words that it sent, however few', async () => {
    const made = async (more) => {
      const [{ service_request_id: id }] = await (await open('requests.json', form({ service_code: 'pothole', lat: '21.0288', long: '105.8525', ...more }))).json();
      return (await (await open(`requests/${id}.json`)).json())[0].description;
    };
    assert.equal(await made({ description: 'hole' }), 'hole');
    assert.match(await made({}), /Ổ gà/, 'without words the service says what is wrong');
  });

  it('may run in any browser page', async () => {
    const reply = await open('services.json', { method: 'OPTIONS', headers: { origin: 'https://elsewhere.example', 'access-control-request-method': 'GET' } });
    assert.equal(reply.status, 204);
    assert.equal(reply.headers.get('access-control-allow-origin'), '*');
  });

  it('sends a photo with the form', async () => {
    const jpeg = Buffer.from('ffd8ffdb004300' + '01'.repeat(64) + 'ffc0000b080002000201011100ffda0008010100003f007fffd9', 'hex');
    const body = new FormData();
    for (const [k, v] of Object.entries({ service_code: 'pothole', lat: '21.0288', long: '105.8525', description: 'With a photo of it' })) body.append(k, v);
    body.append('media', new Blob([jpeg], { type: 'image/jpeg' }), '../../etc/passwd');
    const made = await open('requests.json', { method: 'POST', body });
    assert.equal(made.status, 200, await made.clone().text());
    const [{ service_request_id: id }] = await made.json();
    const [{ media_url: url }] = await (await open(`requests/${id}.json`)).json();
    const photo = await fetch(url);
    assert.equal(photo.status, 200);
    assert.equal(photo.headers.get('content-type'), 'image/jpeg');
    const part = await fetch(url, { headers: { range: 'bytes=0-1' } });
    assert.equal(part.status, 206);
    assert.equal(Buffer.from(await part.arrayBuffer()).toString('hex'), 'ffd8');
    const tail = await fetch(url, { headers: { range: 'bytes=-2' } });
    assert.equal(Buffer.from(await tail.arrayBuffer()).toString('hex'), 'ffd9');
  });
});
