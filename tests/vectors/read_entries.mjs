// Answers, for each entry on standard input, what reader.mjs makes of it: `{value}`, `{item}` or `{refused}`.
// Entries are those of a vector file, or have an `item` and hexadecimal `data_keys`; Binary is Base64, as there.

import { readFileSync } from "node:fs";
import { keyIdsOf, openItem, openSealed, Refused } from "./reader.mjs";

const fromBase64 = (text) => Buffer.from(text, "base64");
const toBase64 = (raw) => raw.toString("base64");

function answer(entry) {
  const { dataset, tenant_id: tenantId, item_id: itemId, path } = entry;
  const dataKeys = keysOf(entry.data_keys ?? { [entry.key_id]: entry.data_key });
  const place = { dataKeys, dataset, tenantId, itemId, path };
  try {
    if (!entry.item) return { value: withBinary(openSealed(Buffer.from(entry.sealed, "hex"), place), toBase64) };
    const item = eachOf(entry.item, (value) => withBinary(value, fromBase64));
    const opened = openItem(item, place);
    return { key_ids: [...keyIdsOf(item)].sort(), item: eachOf(opened, (value) => withBinary(value, toBase64)) };
  } catch (error) {
    if (error instanceof Refused) return { refused: error.message };
    throw error;
  }
}

function keysOf(hexadecimal) {
  return new Map(Object.entries(hexadecimal).map(([id, key]) => [id, Buffer.from(key, "hex")]));
}

function withBinary(value, convert) {
  const [[type, content]] = Object.entries(value);
  if (type === "B") return { B: convert(content) };
  if (type === "BS") return { BS: content.map(convert) };
  if (type === "L") return { L: content.map((element) => withBinary(element, convert)) };
  if (type === "M") return { M: eachOf(content, (inner) => withBinary(inner, convert)) };
  return value;
}

function eachOf(object, convert) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, convert(value)]));
}

const entries = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(entries.map(answer)));
