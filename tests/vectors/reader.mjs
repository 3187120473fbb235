// Opens sealed values and whole items with nothing but Node's own cipher module. Written from docs/envelope_format.md,
// whose sections are named beside the code. Binary is a Buffer or Uint8Array, as the AWS SDK for JavaScript gives it.

import { createCipheriv, createDecipheriv } from "node:crypto";

const SHORTEST = 50;
const MOST_CONTAINERS = 32;
const NOT_SEALED_BINARY = ["_src", "_policy"];
const UTF_8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }); // ignoreBOM: it is kept, as any character

/** Says by its message why a value was not opened: `not_sealed` or `does_not_open`. */
export class Refused extends Error {}

/** The typed value of one sealed value. A path is an array of `{key}` and `"element"`; dataKeys a Map by key id. */
export function openSealed(sealed, { dataKeys, dataset, tenantId, itemId, path }) {
  const dataKey = dataKeys.get(keyIdOf(sealed));
  if (dataKey?.length !== 32) throw new Refused("does_not_open");
  const nonce = sealed.subarray(5, 29);
  const key = subkey(dataKey, nonce.subarray(0, 12)); // section 5, steps 1 to 4
  const cipher = createDecipheriv("aes-256-gcm", key, nonce.subarray(12), { authTagLength: 16 });
  cipher.setAAD(associatedData(dataset, tenantId, itemId, path)).setAuthTag(sealed.subarray(-16));
  const plaintext = cipher.update(sealed.subarray(29, -16));
  try {
    cipher.final();
  } catch {
    throw new Refused("does_not_open");
  }
  return decode(plaintext);
}

/** The item with every sealed value opened where it stood (section 1). */
export function openItem(item, place) {
  const entries = Object.entries(item).map(([name, value]) =>
    NOT_SEALED_BINARY.includes(name) ? [name, value] : [name, openWithin(value, { ...place, path: [{ key: name }] })],
  );
  return Object.fromEntries(entries);
}

/** Ids of the data keys that an item needs, eight hexadecimal digits each. */
export function keyIdsOf(item) {
  const within = ([[type, content]]) => {
    if (type === "B") return [keyIdOf(content)];
    if (type !== "L" && type !== "M") return [];
    return Object.values(content).flatMap((value) => within(Object.entries(value)));
  };
  const values = Object.entries(item).filter(([name]) => !NOT_SEALED_BINARY.includes(name));
  return new Set(values.flatMap(([, value]) => within(Object.entries(value))));
}

/** The key id in front of a sealed value (section 2). */
export function keyIdOf(sealed) {
  check(sealed.length >= SHORTEST && sealed[0] === 1);
  const id = Buffer.from(sealed.subarray(1, 5)).toString("hex");
  check(id !== "00000000");
  return id;
}

function openWithin(value, place) {
  const [[type, content]] = Object.entries(value);
  const below = (inner, component) => openWithin(inner, { ...place, path: [...place.path, component] });
  if (type === "B") return openSealed(content, place);
  if (type === "L") return { L: content.map((element) => below(element, "element")) };
  if (type !== "M") return value;
  return { M: Object.fromEntries(Object.entries(content).map(([key, inner]) => [key, below(inner, { key })])) };
}

// section 4

function associatedData(dataset, tenantId, itemId, path) {
  const components = path.map((part) => (part === "element" ? ["e"] : ["k", text(part.key)])).flat();
  const parts = ["\x01", text(dataset), text(tenantId), text(itemId), ...components];
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

function text(content) {
  if (!content.isWellFormed()) throw new Refused("does_not_open"); // Buffer would read U+FFFD
  const raw = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(raw.length);
  return Buffer.concat([length, raw]);
}

// section 5

function subkey(key, salt) {
  const aes = createCipheriv("aes-256-ecb", key, null);
  const k1 = doubled(aes.update(Buffer.alloc(16)));
  const halves = [1, 2].map((half) => aes.update(xor(Buffer.from([0, half, 0x58, 0, ...salt]), k1)));
  return Buffer.concat(halves);
}

function doubled(block) {
  const shifted = block.map((byte, at) => (byte << 1) | ((block[at + 1] ?? 0) >> 7));
  if (block[0] & 0x80) shifted[15] ^= 0x87;
  return shifted;
}

function xor(one, other) {
  return one.map((byte, at) => byte ^ other[at]);
}

// section 6

function decode(plaintext) {
  const [value, rest] = readValue(plaintext, MOST_CONTAINERS);
  check(rest.length === 0);
  return value;
}

function readValue(raw, containersLeft) {
  check(raw.length >= 1);
  const [content, rest] = readSized(raw.subarray(1));
  return [readContent(String.fromCharCode(raw[0]), content, containersLeft), rest];
}

function readContent(tag, content, containersLeft) {
  switch (tag) {
    case "S":
      return { S: readText(content) };
    case "N":
      return { N: readNumber(content) };
    case "B":
      return { B: content };
    case "?":
      check(content.length === 1 && content[0] <= 1);
      return { BOOL: content[0] === 1 };
    case "0":
      check(content.length === 0);
      return { NULL: true };
    case "s":
      return { SS: readSet(content).map(readText) };
    case "n":
      return { NS: readSet(content).map(readNumber) };
    case "b":
      return { BS: readSet(content) };
    case "L":
      check(containersLeft > 0);
      return { L: parts(content, (raw) => readValue(raw, containersLeft - 1)) };
    case "M":
      check(containersLeft > 0);
      return { M: readMap(content, containersLeft - 1) };
    default:
      throw new Refused("not_sealed");
  }
}

function readMap(content, containersLeft) {
  const entries = parts(content, (raw) => {
    const [key, afterKey] = readSized(raw);
    const [value, rest] = readValue(afterKey, containersLeft);
    return [[key, value], rest];
  });
  checkAscending(entries.map(([key]) => key));
  return Object.fromEntries(entries.map(([key, value]) => [readText(key), value]));
}

function readSet(content) {
  const members = parts(content, readSized);
  check(members.length > 0);
  checkAscending(members);
  return members;
}

function parts(content, readPart) {
  const found = [];
  for (let rest = content; rest.length > 0; ) {
    const [part, after] = readPart(rest);
    found.push(part);
    rest = after;
  }
  return found;
}

function readSized(raw) {
  check(raw.length >= 4);
  const end = 4 + raw.readUInt32BE(0);
  check(raw.length >= end);
  return [raw.subarray(4, end), raw.subarray(end)];
}

function readText(raw) {
  try {
    return UTF_8.decode(raw);
  } catch {
    throw new Refused("not_sealed");
  }
}

function readNumber(raw) {
  const number = raw.toString("latin1");
  const spelled = /^-?(0|[1-9][0-9]*)(?:\.([0-9]*[1-9]))?$/.exec(number);
  check(spelled !== null && number !== "-0");
  const [, whole, fraction = ""] = spelled;
  const significant = (whole + fraction).replace(/^0+/, "").replace(/0+$/, "");
  check(significant.length <= 38 && whole.length <= 126);
  check(whole !== "0" || !/^0{130}/.test(fraction));
  return number;
}

function checkAscending(members) {
  check(members.every((member, at) => at === 0 || Buffer.compare(members[at - 1], member) < 0));
}

function check(holds) {
  if (!holds) throw new Refused("not_sealed");
}
