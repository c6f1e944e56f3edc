/** Calls of the three APIs by the generated TypeScript types, on a running demo. */

import assert from "node:assert/strict";
import { test } from "node:test";
import createClient from "openapi-fetch";
import type { components, paths as Practice } from "anamnesis-client/practice";
import type { paths as Public } from "anamnesis-client/public";
import type { paths as General } from "anamnesis-client/general";
import { everyPatient } from "./pages.js";
import { retrying } from "./retrying.js";

const { ANAMNESIS_URL: baseUrl, ANAMNESIS_KEY: key, ANAMNESIS_ORG: org_id } = process.env as Record<
  "ANAMNESIS_URL" | "ANAMNESIS_KEY" | "ANAMNESIS_ORG",
  string
>;
const bearer = { Authorization: `Bearer ${key}` };
const practice = createClient<Practice>({ baseUrl, headers: bearer, fetch: retrying() });
const open = createClient<Public>({ baseUrl, headers: bearer, fetch: retrying() });
const general = createClient<General>({ baseUrl, headers: { "X-User-Token": key }, fetch: retrying() });
const path = { org_id };

/** Returns what is there, and fails where nothing is. */
function given<Value>(value: Value | null | undefined): Value {
  assert.ok(value != null);
  return value;
}

/** Sends the create of a patient in the practice dialect. */
function createPatient(body: components["schemas"]["PatientRequest"], idempotencyKey: string) {
  return practice.POST("/api/v1/{org_id}/patients", {
    params: { path, header: { "Idempotency-Key": idempotencyKey } },
    body,
  });
}

test("practice: a list is one page, with the total", async () => {
  const { data } = await practice.GET("/api/v1/{org_id}/patients", { params: { path, query: { page_size: 2 } } });
  const page = given(data);
  assert.equal(page.items.length, 2);
  assert.ok(page.total > 2);
  assert.equal(typeof given(page.items[0]).last_name, "string");
});

test("practice: a create is processed once for each Idempotency-Key", async () => {
  const body = { first_name: "Ada", last_name: "Quist", date_of_birth: "1990-02-03" };
  const first = await createPatient(body, "typescript-once");
  const again = await createPatient(body, "typescript-once");
  const other = await createPatient({ ...body, last_name: "Other" }, "typescript-once");

  assert.deepEqual([first, again, other].map(({ response }) => response.status), [201, 201, 409]);
  assert.deepEqual(again.data, first.data);
  assert.equal(given(first.data).date_of_birth, "1990-02-03");
  assert.equal(again.response.headers.get("Idempotent-Replayed"), "true");
  assert.equal(other.error?.detail, "Idempotency conflict");
});

test("practice: values that do not validate are named", async () => {
  const { response, error } = await createPatient({ first_name: "Ada", last_name: "" }, "typescript-invalid");
  const detail = given(error).detail;
  assert.equal(response.status, 422);
  assert.ok(Array.isArray(detail));
  assert.deepEqual(detail.map(({ loc }) => loc), [["body", "last_name"]]);
});

test("practice: a change that was made on an older version is refused", async () => {
  const patient = given((await createPatient({ first_name: "Ada", last_name: "Version" }, "typescript-version")).data);
  const change = (last_name: string) =>
    practice.PATCH("/api/v1/{org_id}/patients/{patient_uuid}", {
      params: { path: { org_id, patient_uuid: patient.id } },
      body: { base_version: patient.version, last_name },
    });
  const changed = await change("Changed");
  const stale = await change("Stale");

  assert.equal(changed.data?.last_name, "Changed");
  assert.equal(stale.response.status, 409);
  assert.equal(stale.error?.detail, `Version conflict: expected ${patient.version + 1}, got ${patient.version}`);
});

test("practice: a walk by cursors meets every patient once", async () => {
  const { data } = await practice.GET("/api/v1/{org_id}/patients", { params: { path } });
  const ids = new Set<string>();
  let met = 0;
  for await (const patient of everyPatient(practice, org_id, 3)) {
    ids.add(patient.id);
    met += 1;
  }
  assert.ok(met > 6);
  assert.deepEqual([met, ids.size], [given(data).total, given(data).total]);
});

test("public: a list, a create, a record", async () => {
  const list = given((await open.GET("/v1/patients", { params: { query: { perPage: 2 } } })).data);
  assert.equal(list.data.length, 2);
  assert.equal(typeof list.meta.nextCursor, "string");

  const groups = given((await practice.GET("/api/v1/{org_id}/care-groups", { params: { path } })).data);
  const protocols = given((await practice.GET("/api/v1/{org_id}/protocols", { params: { path } })).data);
  const protocol = given(protocols.items[0]);
  const created = await open.POST("/v1/patients", {
    body: {
      accountName: "typescript",
      email: "typescript@clinic.example",
      firstName: "Ada",
      lastName: "Quist",
      sex: "female",
      organizationId: org_id,
      groupId: given(groups.items[0]).id,
      programId: protocol.program.uuid,
      protocolId: protocol.id,
    },
  });
  assert.equal(created.response.status, 201);
  const patient_id = given(created.data).data.id;
  const read = await open.GET("/v1/patients/{patient_id}", { params: { path: { patient_id } } });
  assert.equal(read.data?.data.firstName, "Ada");
});

test("public: values that do not validate are named", async () => {
  const { response, error } = await open.GET("/v1/patients", { params: { query: { perPage: 1000 } } });
  assert.equal(response.status, 422);
  assert.deepEqual(given(error).errors.map(({ attribute }) => attribute), ["perPage"]);
});

test("public: a report has the same rows as pages, CSV and NDJSON", async () => {
  const days = { startDate: "2000-01-01", endDate: "2099-12-31" };
  const params = { query: days };
  const rows = [];
  for (let cursor: string | undefined, more = true; more; ) {
    const { data } = await open.GET("/v1/export/measurements", { params: { query: { ...days, perPage: 50, cursor } } });
    rows.push(...given(data).data);
    cursor = given(data).meta.nextCursor ?? undefined;
    more = cursor !== undefined;
  }
  const csv = given((await open.GET("/v1/export/measurements.csv", { params, parseAs: "text" })).data);
  const ndjson = given((await open.GET("/v1/export/measurements.ndjson", { params, parseAs: "text" })).data);

  assert.ok(rows.length > 50);
  assert.deepEqual(ndjson.trimEnd().split("\n").map((line) => JSON.parse(line) as unknown), rows);
  const [header, ...lines] = csv.trimEnd().split("\r\n");
  assert.deepEqual(given(header).split(","), Object.keys(given(rows[0])));
  assert.equal(lines.length, rows.length);
});

test("general: a list, a create, a record, and values that do not validate", async () => {
  const list = await general.GET("/general/v1/patients", { params: { query: { page_size: 2 } } });
  assert.equal(given(list.data).length, 2);
  assert.ok(Number(list.response.headers.get("X-Total")) > 2);

  const patient = { first_name: "Ada", last_name: "General", date_of_birth: "1990-02-03" };
  const created = await general.POST("/general/v1/patients", { body: { patient } });
  const patient_id = given(created.data).id;
  assert.equal(typeof patient_id, "number");
  const read = await general.GET("/general/v1/patients/{patient_id}", { params: { path: { patient_id } } });
  assert.equal(read.data?.last_name, "General");

  const refused = await general.POST("/general/v1/patients", { body: { patient: { ...patient, first_name: "" } } });
  const errors = given(refused.error).errors;
  assert.equal(refused.response.status, 422);
  assert.ok(typeof errors === "object");
  assert.deepEqual(Object.keys(errors), ["first_name"]);
});

/** Sends a create to who answers with each status in turn; returns the last status, and the requests that were made. */
async function retried(headers: Record<string, string>, statuses: number[], wait = "0") {
  const got: { key: string | null; body: string }[] = [];
  const send = async (request: Request) => {
    got.push({ key: request.headers.get("Idempotency-Key"), body: await request.text() });
    const status = given(statuses.shift());
    return new Response("{}", { status, headers: status < 400 ? {} : { "Retry-After": wait } });
  };
  const request = new Request("http://clinic.example/", { method: "POST", headers, body: '{"a": 1}' });
  return { status: (await retrying(send)(request)).status, got };
}

test("retrying: the same request goes again with its Idempotency-Key", async () => {
  const { status, got } = await retried({ "Idempotency-Key": "k" }, [429, 503, 409, 201]);
  assert.equal(status, 201);
  assert.deepEqual(got, Array(4).fill({ key: "k", body: '{"a": 1}' }));
});

test("retrying: a create without a key goes again after 429 only", async () => {
  const { status, got } = await retried({}, [429, 503]);
  assert.deepEqual([status, got.length], [503, 2]);
});

test("retrying: the last response is returned after some attempts", async () => {
  const { status, got } = await retried({ "Idempotency-Key": "k" }, Array<number>(9).fill(503));
  assert.deepEqual([status, got.length], [503, 5]);
});

for (const wait of ["", "Fri, 31 Dec 1999 23:59:59 GMT"]) {
  test(`retrying: a response with "${wait}" instead of seconds is returned`, async () => {
    const { status, got } = await retried({ "Idempotency-Key": "k" }, [503], wait);
    assert.deepEqual([status, got.length], [503, 1]);
  });
}
