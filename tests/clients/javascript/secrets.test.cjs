// Azure's JavaScript SDK for secrets: what its users write, with the identity from the environment.
"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { setTimeout } = require("node:timers/promises");
const { DefaultAzureCredential, ClientSecretCredential } = require("@azure/identity");
const { SecretClient } = require("@azure/keyvault-secrets");

const credential = new DefaultAzureCredential();
const client = new SecretClient(process.env.VAULT_URL, credential);

async function collected(pages) {
  const items = [];
  for await (const item of pages) items.push(item);
  return items;
}

test("a secret is set, read, changed and listed", async () => {
  const made = await client.setSecret("js-db", "first", {
    contentType: "text/plain",
    tags: { team: "a" },
    expiresOn: new Date("2037-01-01T00:00:00Z"),
  });
  assert.match(made.properties.version, /^[0-9a-f]{32}$/);
  assert.equal(made.properties.recoveryLevel, "Recoverable+Purgeable");
  await client.setSecret("js-db", "second");
  assert.equal((await client.getSecret("js-db")).value, "second");
  const older = await client.getSecret("js-db", { version: made.properties.version });
  assert.equal(older.value, "first");
  assert.deepEqual(older.properties.tags, { team: "a" });
  assert.equal(older.properties.expiresOn.toISOString(), "2037-01-01T00:00:00.000Z");
  const changed = await client.updateSecretProperties("js-db", made.properties.version, { tags: { team: "b" } });
  assert.deepEqual(changed.tags, { team: "b" });
  const versions = await collected(client.listPropertiesOfSecretVersions("js-db"));
  assert.equal(versions.length, 2);
});

test("a list has as many pages as it needs", async () => {
  for (let number = 0; number < 27; number += 1) await client.setSecret(`js-page-${number}`, "value");
  const names = (await collected(client.listPropertiesOfSecrets())).map((item) => item.name);
  assert.equal(names.filter((name) => name.startsWith("js-page-")).length, 27);
  const sizes = [];
  for await (const page of client.listPropertiesOfSecrets().byPage({ maxPageSize: 10 })) sizes.push(page.length);
  assert.ok(sizes.length >= 3 && Math.max(...sizes) <= 10, String(sizes));
});

test("a disabled secret is refused", async () => {
  const made = await client.setSecret("js-off", "value", { enabled: false });
  await assert.rejects(client.getSecret("js-off"), { statusCode: 403, code: "Forbidden" });
  await client.updateSecretProperties("js-off", made.properties.version, { enabled: true });
  assert.equal((await client.getSecret("js-off")).value, "value");
});

test("a secret is deleted, recovered, backed up, purged and restored", async () => {
  await client.setSecret("js-gone", "kept");
  const backup = await client.backupSecret("js-gone");
  const deleting = await client.beginDeleteSecret("js-gone", { intervalInMs: 50 });
  const deleted = await deleting.pollUntilDone();
  assert.equal(deleted.name, "js-gone");
  assert.ok(deleted.properties.scheduledPurgeDate > deleted.properties.deletedOn);
  await assert.rejects(client.getSecret("js-gone"), { statusCode: 404, code: "SecretNotFound" });
  await assert.rejects(client.setSecret("js-gone", "other"), { statusCode: 409 });
  assert.ok((await collected(client.listDeletedSecrets())).some((item) => item.name === "js-gone"));
  assert.equal((await client.getDeletedSecret("js-gone")).name, "js-gone");
  const recovering = await client.beginRecoverDeletedSecret("js-gone", { intervalInMs: 50 });
  await recovering.pollUntilDone();
  assert.equal((await client.getSecret("js-gone")).value, "kept");
  await (await client.beginDeleteSecret("js-gone", { intervalInMs: 50 })).pollUntilDone();
  await client.purgeDeletedSecret("js-gone");
  while ((await collected(client.listDeletedSecrets())).some((item) => item.name === "js-gone")) await setTimeout(100);
  await assert.rejects(client.getDeletedSecret("js-gone"), { statusCode: 404 });
  await client.restoreSecretBackup(backup);
  assert.equal((await client.getSecret("js-gone")).value, "kept");
});

test("several api-versions are served side by side", async () => {
  for (const version of ["7.0", "7.2", "7.4", "7.6", "2025-07-01"]) {
    const old = new SecretClient(process.env.VAULT_URL, credential, { serviceVersion: version });
    assert.equal((await old.setSecret("js-versions", version)).value, version);
    assert.equal((await old.getSecret("JS-Versions")).value, version);
  }
});

test("an identity without rights, and a wrong secret, are refused", async () => {
  const { AZURE_TENANT_ID, DKV_EMULATOR_NORIGHTS_CLIENT_ID, DKV_EMULATOR_NORIGHTS_CLIENT_SECRET } = process.env;
  const nobody = new ClientSecretCredential(
    AZURE_TENANT_ID,
    DKV_EMULATOR_NORIGHTS_CLIENT_ID,
    DKV_EMULATOR_NORIGHTS_CLIENT_SECRET,
  );
  await assert.rejects(new SecretClient(process.env.VAULT_URL, nobody).getSecret("js-db"), { statusCode: 403 });
  const wrong = new ClientSecretCredential(AZURE_TENANT_ID, DKV_EMULATOR_NORIGHTS_CLIENT_ID, "wrong");
  await assert.rejects(wrong.getToken("https://vault.azure.net/.default"), /AADSTS7000215/);
});
