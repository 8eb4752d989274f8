// Azure's JavaScript SDK for keys: what the service computes agrees with what the client computes on its own.
"use strict";

const assert = require("node:assert/strict");
const crypto = require("node:crypto");
const test = require("node:test");
const { setTimeout } = require("node:timers/promises");
const { DefaultAzureCredential } = require("@azure/identity");
const { CryptographyClient, KeyClient } = require("@azure/keyvault-keys");

const credential = new DefaultAzureCredential();
const client = new KeyClient(process.env.VAULT_URL, credential);

async function deleted(name) {
  for await (const item of client.listDeletedKeys()) if (item.name === name) return true;
  return false;
}

function digest(text) {
  return crypto.createHash("sha256").update(text).digest();
}

test("an RSA key encrypts, wraps and signs", async () => {
  const key = await client.createRsaKey("js-rsa", { keySize: 2048 });
  assert.equal(key.keyType, "RSA");
  assert.equal(key.key.n.length, 256);
  const remote = new CryptographyClient(key.id, credential);
  const sent = await remote.encrypt({ algorithm: "RSA-OAEP", plaintext: Buffer.from("hello") });
  const read = await remote.decrypt({ algorithm: "RSA-OAEP", ciphertext: sent.result });
  assert.equal(Buffer.from(read.result).toString(), "hello");
  const wrapped = await remote.wrapKey("RSA-OAEP-256", Buffer.alloc(32, 7));
  assert.deepEqual(Buffer.from((await remote.unwrapKey("RSA-OAEP-256", wrapped.result)).result), Buffer.alloc(32, 7));
  const signature = await remote.sign("RS256", digest("hello"));
  assert.equal((await remote.verify("RS256", digest("hello"), signature.result)).result, true);
  assert.equal((await remote.verify("RS256", digest("other"), signature.result)).result, false);
  const there = crypto.createPublicKey({
    key: { kty: "RSA", n: Buffer.from(key.key.n).toString("base64url"), e: Buffer.from(key.key.e).toString("base64url") },
    format: "jwk",
  });
  assert.ok(crypto.verify("sha256", Buffer.from("hello"), there, Buffer.from(signature.result)));
});

test("an elliptic-curve key signs", async () => {
  const key = await client.createEcKey("js-ec", { curve: "P-256" });
  const remote = new CryptographyClient(key.id, credential);
  const signature = await remote.sign("ES256", digest("hello"));
  assert.equal(signature.result.length, 64);
  assert.equal((await remote.verify("ES256", digest("hello"), signature.result)).result, true);
});

test("a key is listed, rotated, disabled, deleted, recovered and purged", async () => {
  const key = await client.createKey("js-life", "RSA", { tags: { team: "a" } });
  const rotated = await client.rotateKey("js-life");
  assert.notEqual(rotated.id, key.id);
  const versions = [];
  for await (const item of client.listPropertiesOfKeyVersions("js-life")) versions.push(item.version);
  assert.equal(versions.length, 2);
  const names = [];
  for await (const item of client.listPropertiesOfKeys()) names.push(item.name);
  assert.ok(names.includes("js-life"));
  const off = await client.updateKeyProperties("js-life", rotated.properties.version, { enabled: false });
  assert.equal(off.properties.enabled, false);
  const policy = await client.updateKeyRotationPolicy("js-life", {
    expiresIn: "P90D",
    lifetimeActions: [{ action: "Rotate", timeAfterCreate: "P30D" }],
  });
  assert.equal(policy.expiresIn, "P90D");
  assert.equal((await client.getKeyRotationPolicy("js-life")).lifetimeActions[0].timeAfterCreate, "P30D");
  const backup = await client.backupKey("js-life");
  await (await client.beginDeleteKey("js-life", { intervalInMs: 50 })).pollUntilDone();
  assert.equal((await client.getDeletedKey("js-life")).name, "js-life");
  await (await client.beginRecoverDeletedKey("js-life", { intervalInMs: 50 })).pollUntilDone();
  await (await client.beginDeleteKey("js-life", { intervalInMs: 50 })).pollUntilDone();
  await client.purgeDeletedKey("js-life");
  while (await deleted("js-life")) await setTimeout(100);
  await assert.rejects(client.getKey("js-life"), { statusCode: 404, code: "KeyNotFound" });
  assert.equal((await client.restoreKeyBackup(backup)).name, "js-life");
});
