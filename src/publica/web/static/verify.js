// Checks a proof file (format publica-proof/1) with the ledger's public key and nothing else: no request is made.
// The steps are those of docs/verify.md; hashes and signatures are the browser's own (WebCrypto).

const FORMAT = "publica-proof/1";
const DIRECTORY_BLOCK = 256, SET_BLOCK = 4096;
const encoder = new TextEncoder();

// `code`: "not-a-proof", "no-key", "no-crypto", or "altered" with the step that fails.
export class NotProved extends Error {
  constructor(code, step = null, passed = []) {
    super(step ? `${code} at ${step}` : code);
    Object.assign(this, { code, step, passed });
  }
}

// The proof in `text` (JSON), checked with `keys` (verifier keys, one a line).
// Resolves to {use, at, organisation, activity, key, touched, released, form, passed}; rejects with NotProved.
export async function verify(text, keys) {
  const lines = keys.split(/\s+/).filter(Boolean);
  if (!lines.length) throw new NotProved("no-key");
  if (!globalThis.crypto?.subtle) throw new NotProved("no-crypto");
  const proof = parsed(text);
  let first = null;
  for (const line of lines) {
    try {
      return await check(proof, await publicKey(line));
    } catch (error) {
      if (!(error instanceof NotProved)) throw error;
      first ??= error;
    }
  }
  throw first;
}

function parsed(text) {
  let proof;
  try {
    proof = JSON.parse(text);
  } catch {
    throw new NotProved("not-a-proof");
  }
  if (!isObject(proof) || proof.format !== FORMAT) throw new NotProved("not-a-proof");
  // Numbers are whole and written so; JSON.parse takes 66.0 and 66e0 for 66.
  if (/[0-9][.eE]/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, '""'))) throw new NotProved("altered", "format");
  return proof;
}

async function check(proof, key) {
  const passed = [];
  let step = "format";
  const fail = () => new NotProved("altered", step, passed);
  const tools = toolsOf(fail);
  try {
    tools.fields(proof, ["format", "checkpoint", "receipt", "directory", "subject", "touched", "released", "says"]);
    // 1. The ledger's state, signed.
    step = "checkpoint";
    const tree = await signedTree(tools.text(proof.checkpoint), key, tools);
    passed.push(step);
    // 2. The receipt and the directory's segment are entries of that ledger.
    step = "receipt";
    const receipt = await entry(proof.receipt, "receipt", tree, tools);
    passed.push(step);
    step = "directory";
    const segment = await entry(proof.directory, "directory", tree, tools);
    passed.push(step);
    // 3. The directory binds this person's key to a position.
    step = "subject";
    const position = await bound(proof.subject, segment, tools);
    passed.push(step);
    // 4. The receipt's sets, opened at that position.
    step = "touched";
    const touched = await member(proof.touched, receipt.touched, position, tools);
    passed.push(step);
    step = "released";
    const out = await member(proof.released, receipt.released, position, tools);
    const released = out && receipt.released.exact !== true ? "at most" : out;
    passed.push(step);
    // 5. What the file says is what follows.
    step = "says";
    tools.fields(proof.says, ["use", "touched", "released"]);
    const { says } = proof;
    if (says.use !== receipt.id || says.touched !== touched || says.released !== released) throw fail();
    passed.push(step);
    return { use: tools.text(receipt.id), at: tools.text(receipt.at), organisation: tools.text(receipt.organisation),
      activity: tools.text(receipt.activity), key: proof.subject.key, touched, released, form: receipt.form, passed };
  } catch (error) {
    throw error instanceof NotProved ? error : fail();
  }
}

// What every step needs; each throws what `fail` makes unless the value is as it must be.
function toolsOf(fail) {
  const text = (value) => {
    if (typeof value !== "string" || !wellFormed(value)) throw fail();
    return value;
  };
  const number = (value) => {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw fail();
    return value;
  };
  const bytes = (value, size = null) => {
    let found;
    try {
      found = Uint8Array.from(atob(text(value)), (letter) => letter.charCodeAt(0));
    } catch {
      throw fail();
    }
    if (base64(found) !== value || (size !== null && found.length !== size)) throw fail();
    return found;
  };
  const path = (value) => {
    if (!Array.isArray(value)) throw fail();
    return value.map((each) => bytes(each, 32));
  };
  const fields = (value, names) => {
    if (!isObject(value) || Object.keys(value).sort().join() !== [...names].sort().join()) throw fail();
    return value;
  };
  return { fail, text, number, bytes, path, fields };
}

// Signed notes: https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint.
async function signedTree(note, key, tools) {
  const at = note.lastIndexOf("\n\n");
  if (at < 0 || /[\u0000-\u0009\u000b-\u001f]/.test(note)) throw tools.fail();
  const text = note.slice(0, at + 1);
  const lines = note.slice(at + 2).split("\n");
  if (lines.pop() !== "" || !lines.length || lines.length > 100) throw tools.fail();
  let signed = false;
  for (const line of lines) {
    const found = /^— ((?:[^\s+\u0085]|\ufeff)+) ([A-Za-z0-9+/]+=*)$/.exec(line); // blanks are Unicode's own
    if (!found) throw tools.fail();
    const signature = tools.bytes(found[2]);
    if (signature.length < 5) throw tools.fail();
    if (found[1] !== key.name || hex(signature.slice(0, 4)) !== key.id) continue;
    if (!(await genuine(key, signature.slice(4), text))) throw tools.fail();
    signed = true;
  }
  const stated = text.split("\n");
  if (!signed || stated.length < 4 || stated.pop() !== "" || stated.includes("")) throw tools.fail();
  if (stated[0] !== key.name || !/^(0|[1-9][0-9]{0,15})$/.test(stated[1])) throw tools.fail();
  return { size: tools.number(Number(stated[1])), root: tools.bytes(stated[2], 32) };
}

async function publicKey(line) {
  const [name, id, encoded, ...rest] = splitKey(line);
  const tools = toolsOf(() => new NotProved("no-key"));
  const key = tools.bytes(encoded, 33);
  const own = hex((await sha256(encoder.encode(`${name}\n`), key)).slice(0, 4));
  if (rest.length || !name || key[0] !== 1 || own !== id) throw new NotProved("no-key");
  try {
    const imported = await crypto.subtle.importKey("raw", key.slice(1), { name: "Ed25519" }, false, ["verify"]);
    return { name, id, imported };
  } catch {
    throw new NotProved("no-crypto");
  }
}

// `name+keyid+base64`: base64 may hold further plus signs.
function splitKey(line) {
  const first = line.indexOf("+"), second = line.indexOf("+", first + 1);
  if (first < 1 || second < 0) throw new NotProved("no-key");
  return [line.slice(0, first), line.slice(first + 1, second), line.slice(second + 1)];
}

async function genuine(key, signature, text) {
  return crypto.subtle.verify({ name: "Ed25519" }, key.imported, signature, encoder.encode(text));
}

// An entry of that kind, shown to be in the tree.
async function entry(given, kind, tree, tools) {
  tools.fields(given, ["entry", "position", "path"]);
  const text = tools.text(given.entry);
  const leaf = await sha256([0], encoder.encode(text));
  if (!(await includes(leaf, tools.number(given.position), tree.size, tools.path(given.path), tree.root))) throw tools.fail();
  const found = JSON.parse(text);
  if (!isObject(found) || canonical(found) !== text || found.kind !== kind) throw tools.fail();
  return found;
}

// The number that the directory gives this person.
async function bound(subject, segment, tools) {
  tools.fields(subject, ["concept", "key", "position", "salt", "block", "path"]);
  const position = tools.number(subject.position), block = tools.bytes(subject.block);
  const words = canonical([tools.text(subject.concept), tools.text(subject.key), position]);
  const own = await sha256(tools.bytes(subject.salt, 16), encoder.encode(words));
  const index = position - tools.number(segment.first), count = tools.number(segment.count);
  if (index < 0 || index >= count) throw tools.fail();
  const place = Math.floor(index / DIRECTORY_BLOCK), offset = 32 * (index % DIRECTORY_BLOCK);
  if (!same(block.slice(offset, offset + 32), own)) throw tools.fail();
  const blocks = Math.ceil(count / DIRECTORY_BLOCK), leaf = await sha256([0], block);
  if (!(await includes(leaf, place, blocks, tools.path(subject.path), tools.bytes(segment.root, 32)))) throw tools.fail();
  return position;
}

// Whether that number is in a list that the receipt commits to. Without a list, nobody is.
async function member(opening, committed, position, tools) {
  if (committed === undefined) throw tools.fail();
  if (committed === null || position >= tools.number(committed.size)) {
    if (opening !== null) throw tools.fail();
    return false;
  }
  tools.fields(opening, ["salt", "bits", "path"]);
  const bits = tools.bytes(opening.bits, SET_BLOCK / 8);
  const leaf = await sha256([0], tools.bytes(opening.salt, 16), bits);
  const place = Math.floor(position / SET_BLOCK), blocks = Math.ceil(committed.size / SET_BLOCK);
  if (!(await includes(leaf, place, blocks, tools.path(opening.path), tools.bytes(committed.root, 32)))) throw tools.fail();
  const offset = position % SET_BLOCK;
  return (bits[offset >> 3] & (0x80 >> (offset & 7))) !== 0;
}

// RFC 9162, section 2.1.3.2, walking down from the top to know the turns.
async function includes(leaf, index, size, path, root) {
  if (index >= size) return false;
  const turns = [];
  let start = 0, end = size;
  while (end - start > 1) {
    let half = 1;
    while (half * 2 < end - start) half *= 2;
    const left = index < start + half;
    turns.push(left);
    if (left) end = start + half; else start += half;
  }
  if (turns.length !== path.length) return false;
  let hash = leaf;
  turns.reverse();
  for (const [number, left] of turns.entries()) {
    hash = left ? await sha256([1], hash, path[number]) : await sha256([1], path[number], hash);
  }
  return same(hash, root);
}

// Canonical JSON (RFC 8785): JSON.stringify is it, but for the order of names.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}

async function sha256(...parts) {
  const bytes = parts.map((part) => Uint8Array.from(part));
  const whole = new Uint8Array(bytes.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of bytes) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const wellFormed = (text) => !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
