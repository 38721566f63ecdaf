"use strict";
// A second verifier, of steps 1 to 6 of "exhibit verify": container, checkpoint with every signature line, tree with older checkpoints and
// single proofs, leaves, the times that witnesses vouch for, and manifest with every part.
// It shares nothing with the program but the formats (docs/formats.md) and their test vectors, and it reaches no network.
(() => {
  const text = new TextDecoder("utf-8", {fatal: true});
  const bytes = new TextEncoder();
  class Bad extends Error {}
  const must = (ok, say) => { if (!ok) throw new Bad(say); };
  const sha = async b => new Uint8Array(await crypto.subtle.digest("SHA-256", b));
  const hex = b => Array.from(b, x => x.toString(16).padStart(2, "0")).join("");
  const join = (...parts) => { const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0)); let at = 0; for (const p of parts) { out.set(p, at); at += p.length; } return out; };
  const holds = (b, x) => { for (let i = 0; i + x.length <= b.length; i++) if (x.every((c, k) => c === b[i + k])) return true; return false; };
  const table = Uint32Array.from({length: 256}, (_, c) => { for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1; return c; });
  const crc = b => { let c = 0xffffffff; for (const x of b) c = table[(c ^ x) & 255] ^ (c >>> 8); return (c ^ 0xffffffff) >>> 0; };
  const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
  const b64 = s => { must(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(s), "base64 is damaged"); const d = Uint8Array.from(atob(s), c => c.charCodeAt(0)); must(btoa(String.fromCharCode(...d)) === s, "base64 is written in a second way"); return d; };

  const name = /^[a-z0-9][a-z0-9_-]*(\.[a-z0-9]+(-[a-z0-9]+)*)*(\/[a-z0-9][a-z0-9_-]*(\.[a-z0-9]+(-[a-z0-9]+)*)*)*$/;
  const selfProven = p => p === "manifest.json" || p === "manifest-sha256.txt" || p.startsWith("log/") && p !== "log/policy.hint" || p.startsWith("proofs/");

  // container reads a ZIP file as strictly as the program: local headers one behind another, then the directory, then the end.
  async function container(file) {
    const read = async (at, n) => { const b = new Uint8Array(await file.slice(at, at + n).arrayBuffer()); must(b.length === n, "The file is cut off."); return b; };
    const view = b => new DataView(b.buffer, b.byteOffset, b.byteLength);
    must(file.size >= 22 && file.size < 2 ** 32, "The file is too small or too large.");
    const end = view(await read(file.size - 22, 22));
    const n = end.getUint16(10, true), size = end.getUint32(12, true), start = end.getUint32(16, true);
    must(end.getUint32(0, true) === 0x06054b50 && end.getUint32(4, true) === 0 && end.getUint16(8, true) === n && end.getUint16(20, true) === 0 && start + size === file.size - 22, "It is not a bundle: its end is wrong, or something stands behind it.");
    const dir = await read(start, size), parts = new Map();
    const rank = p => ["readme.html", "manifest.json", "manifest-sha256.txt"].indexOf(p) + 1 || 4;
    let at = 0, d = 0, before = null;
    for (let i = 0; i < n; i++) {
      must(d + 46 <= dir.length, "The directory is cut off.");
      const c = view(dir.subarray(d, d + 46)), len = c.getUint16(28, true);
      const p = {name: text.decode(dir.subarray(d + 46, d + 46 + len)), method: c.getUint16(10, true), packed: c.getUint32(20, true), size: c.getUint32(24, true), crc: c.getUint32(16, true)};
      must(c.getUint32(0, true) === 0x02014b50 && c.getUint16(4, true) === 20 && c.getUint16(6, true) === 20 && c.getUint32(34, true) === 0 && c.getUint32(38, true) === 0 && c.getUint16(8, true) === 0 && c.getUint32(12, true) === 0x210000 && c.getUint16(30, true) === 0 && c.getUint16(32, true) === 0 && c.getUint32(42, true) === at, "An entry of the directory is not as it is written.");
      must(name.test(p.name) && p.name.length <= 200 && !parts.has(p.name), "The name " + p.name + " is not allowed, or there twice.");
      must(before === null || rank(before) < rank(p.name) || rank(before) === rank(p.name) && before < p.name, p.name + " does not stand in its place among the parts.");
      before = p.name;
      must(p.size <= 2 ** 30 && (p.size <= 2 ** 20 || p.size <= 200 * p.packed), p.name + " unpacks to more than is allowed.");
      must(p.method === (selfProven(p.name) ? 0 : 8), p.name + " is packed in another way than it must be.");
      const local = await read(at, 30 + len), l = view(local);
      must(l.getUint32(0, true) === 0x04034b50 && l.getUint16(4, true) === 20 && l.getUint32(10, true) === 0x210000 && l.getUint16(6, true) === 0 && l.getUint16(8, true) === p.method && l.getUint32(14, true) === c.getUint32(16, true) && l.getUint32(18, true) === p.packed && l.getUint32(22, true) === p.size && l.getUint16(26, true) === len && l.getUint16(28, true) === 0 && same(local.subarray(30), dir.subarray(d + 46, d + 46 + len)), "The two headers of " + p.name + " differ.");
      p.start = at + 30 + len;
      at = p.start + p.packed;
      d += 46 + len;
      parts.set(p.name, p);
    }
    must(at === start && d === dir.length, "Something stands between the parts and the directory.");
    return {
      parts,
      packed: p => read(p.start, p.packed),
      async content(p, raw) {
        const out = p.method === 0 ? raw : new Uint8Array(await new Response(new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).arrayBuffer());
        must(out.length === p.size && crc(out) === p.crc, p.name + " has another size or checksum than it says.");
        return out;
      },
      async get(path) { const p = parts.get(path); must(p, "The bundle lacks " + path + "."); return this.content(p, await this.packed(p)); },
    };
  }

  // canonical writes a value as leaves and manifest must be written.
  function canonical(v) {
    if (typeof v === "string") return '"' + v.replace(/["\\\u0000-\u001f]/g, c => ({'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}[c] || "\\u00" + c.charCodeAt(0).toString(16).padStart(2, "0"))) + '"';
    if (typeof v === "boolean") return String(v);
    if (typeof v === "number") { must(Number.isSafeInteger(v) && v >= 0, "A number is not one of a log."); return String(v); }
    if (Array.isArray(v)) return "[" + v.map(canonical).join(",") + "]";
    must(v !== null && typeof v === "object", "A value is not one of a log.");
    return "{" + Object.keys(v).sort().map(k => { must(/^[a-z0-9_.-]+$/.test(k), "A key is not one of a log."); return '"' + k + '":' + canonical(v[k]); }).join(",") + "}";
  }
  function parse(s, what) {
    let v;
    try { v = JSON.parse(s); } catch { throw new Bad(what + " cannot be read."); }
    must(canonical(v) === s, what + " is written in a second way.");
    return v;
  }

  const kinds = new Set("genesis key connection page polls reset gap reconcile artifact attach detach review retire action config request coverage export anchor hold release erase adopt adopt-end".split(" "));
  const leafHash = b => sha(join(new Uint8Array([0]), b));
  const nodeHash = (a, b) => sha(join(new Uint8Array([1]), a, b));

  // rootOf gives the root over the subtrees of a stack.
  async function rootOf(stack) {
    let root = stack[stack.length - 1];
    for (let i = stack.length - 2; i >= 0; i--) root = await nodeHash(stack[i], root);
    return root;
  }

  // fold reads all leaves, checks each, and gives the root that they have together, and those at some sizes with the time until then.
  async function fold(b, sizes) {
    const stack = [], prefix = "exhibit/leaf/v1 ";
    let at = 0, n = 0, last = 0, made = null, pages = 0;
    const chains = new Map(), keys = new Set(), spans = [], anchors = [], hashes = [], roots = new Map(), records = new Map(), erased = new Map();
    while (at < b.length) {
      must(at + 2 <= b.length, "The leaves are cut off.");
      const len = b[at] * 256 + b[at + 1];
      must(len > 0 && at + 2 + len <= b.length, "The leaves are cut off.");
      const raw = b.subarray(at + 2, at + 2 + len);
      at += 2 + len;
      const s = text.decode(raw), lines = s.split("\n"), kind = lines[0].slice(prefix.length);
      must(s.startsWith(prefix) && lines.length === 3 && lines[2] === "", "Leaf " + n + " is not a leaf.");
      must(kinds.has(kind), "Leaf " + n + " is of a kind that this page does not know.");
      const f = parse(lines[1], "Leaf " + n);
      must(Number.isSafeInteger(f.at) && f.at >= last, "Leaf " + n + " goes back in time.");
      must((n === 0) === (kind === "genesis"), "Leaf " + n + " is of kind " + kind + ".");
      last = f.at;
      const chain = {page: "s", polls: "s", reset: "s"}[kind] ? "stream/" + f.connection + "/" + f.stream : kind === "artifact" ? "artifact/" + f.artifact : kind === "connection" ? "connection/" + f.connection :
        kind === "attach" || kind === "detach" ? "attachment/" + f.attachment : kind === "review" || kind === "retire" ? "review/" + f.artifact : kind === "config" ? "config/" + f.area + "/" + f.id : kind === "request" ? "request/" + f.request : kind === "hold" || kind === "release" ? "hold/" + f.hold : kind === "key" ? "key" : "";
      if (chain) {
        must(!("prev" in f) || f.prev === (chains.get(chain) || ""), "Leaf " + n + " does not follow the one before it in " + chain + ".");
        chains.set(chain, hex(await sha(raw)));
      }
      if (kind === "key") {
        if (f.op === "add") { keys.add(f.vkey); spans.push({vkey: f.vkey, until: Infinity}); }
        else { keys.delete(f.vkey); for (const s of spans) if (s.vkey === f.vkey) s.until = Math.min(s.until, n); }
      }
      if (kind === "anchor") anchors.push({...f, n});
      if (kind === "export") made = f;
      if (kind === "page") {
        pages++;
        records.set(f.connection + "/" + f.stream + "/" + f.page, chains.get(chain));
      }
      if (kind === "erase") erased.set(hex(await sha(raw)), f.targets);
      let h = await leafHash(raw);
      hashes.push(h);
      for (let k = n; k % 2 === 1; k = (k - 1) / 2) h = await nodeHash(stack.pop(), h);
      stack.push(h);
      n++;
      if (sizes.has(n)) roots.set(n, {root: await rootOf(stack), at: last});
    }
    must(n > 0, "There are no leaves.");
    return {n, root: await rootOf(stack), at: last, made, keys, spans, anchors, hashes, roots, pages, records, erased};
  }

  // keyOf reads a verifier key: of a log (1) or of a witness (4).
  async function keyOf(vkey) {
    const [who, id, ...rest] = vkey.split("+"), raw = b64(rest.join("+"));
    must(raw.length === 33 && (raw[0] === 1 || raw[0] === 4), "A verifier key is not one of a log or a witness.");
    must(hex((await sha(join(bytes.encode(who + "\n"), raw))).subarray(0, 4)) === id, "A verifier key is damaged.");
    return {vkey, who, id, cosigns: raw[0] === 4, key: await crypto.subtle.importKey("raw", raw.subarray(1), {name: "Ed25519"}, false, ["verify"])};
  }

  // signed gives the keys that signed a note, with the times of witnesses. Every line must be by one of the keys, and right.
  async function signed(note, lines, keys, what) {
    const by = [];
    for (const l of lines) {
      const sp = l.lastIndexOf(" "), sig = b64(l.slice(sp + 1)), who = l.slice(2, sp), id = hex(sig.subarray(0, 4));
      const k = keys.find(k => k.who === who && k.id === id);
      must(k, "A signature of " + what + " (" + who + ") is by nobody that the bundle names.");
      let text = bytes.encode(note), at = null;
      if (k.cosigns) {
        must(sig.length === 76, "The signature of " + who + " is damaged.");
        const t = new DataView(sig.buffer, sig.byteOffset).getBigUint64(4);
        at = Number(t) * 1000;
        text = join(bytes.encode("cosignature/v1\ntime " + t + "\n"), text);
      }
      must(await crypto.subtle.verify({name: "Ed25519"}, k.key, sig.subarray(k.cosigns ? 12 : 4), text), "The signature of " + who + " under " + what + " is wrong.");
      by.push({vkey: k.vkey, who, at});
    }
    return by;
  }

  // checkpoint takes a signed note apart.
  function checkpoint(b, what) {
    const cp = text.decode(b), cut = cp.lastIndexOf("\n\n");
    must(cut > 0 && cp.endsWith("\n"), what + " cannot be read.");
    const note = cp.slice(0, cut + 1), [origin, size, root, none, ...more] = note.split("\n"), lines = cp.slice(cut + 2, -1).split("\n");
    must(none === "" && more.length === 0 && /^(0|[1-9][0-9]*)$/.test(size) && lines.length <= 32 && lines.every(l => l.startsWith("— ")), what + " cannot be read.");
    return {note, origin, size, root: b64(root), lines};
  }

  // inclusion follows a proof from a leaf to the root of a tree.
  async function inclusion(n, size, h, path) {
    let last = size - 1;
    for (const p of path) {
      must(last > 0, "it is too long");
      if (n % 2 === 1 || n === last) {
        h = await nodeHash(p, h);
        while (n % 2 === 0 && n > 0) { n /= 2; last = Math.floor(last / 2); }
      } else h = await nodeHash(h, p);
      n = Math.floor(n / 2);
      last = Math.floor(last / 2);
    }
    must(last === 0, "it is too short");
    return h;
  }

  async function proofs(z, tree, end) {
    const paths = [...z.parts.keys()].filter(p => p.startsWith("proofs/"));
    for (const path of paths) {
      const s = text.decode(await z.get(path)), cut = s.indexOf("\n\n"), [form, index, ...hashes] = s.slice(0, cut).split("\n");
      const n = Number(/^index (0|[1-9][0-9]{0,15})$/.exec(index)?.[1] ?? NaN);
      must(cut > 0 && form === "c2sp.org/tlog-proof@v1" && n < tree.n && s.slice(cut + 2) === text.decode(end), path + " is no proof under the checkpoint.");
      must(same(await inclusion(n, tree.n, tree.hashes[n], hashes.map(b64)), tree.root), path + " does not lead to the root.");
    }
    return paths.length;
  }

  const slack = 5 * 60 * 1000; // clocks differ

  // vouched checks the time that a witness vouches for: no leaf that it saw says that it is of later.
  function vouched(by, at, what) {
    for (const s of by) must(s.at === null || at <= s.at + slack, s.who + " signed " + what + " before one of its leaves says that it was entered.");
  }

  // ended refuses a checkpoint that a key signed after its end.
  function ended(by, tree, size, what) {
    for (const s of tree.spans) must(!by.some(b => b.vkey === s.vkey) || size <= s.until, what + " is signed by a key that was ended before.");
  }

  // older checks the checkpoints of before against the leaves, and what the log says of time stamps.
  async function older(z, tree, keys, origin, sizes) {
    for (const size of sizes) {
      const path = "log/older/" + size + ".checkpoint", c = checkpoint(await z.get(path), path), then = tree.roots.get(size);
      must(then && c.origin === origin && c.size === String(size) && same(c.root, then.root), path + " is not a checkpoint of this log.");
      const by = await signed(c.note, c.lines, keys, path);
      must(by.some(b => tree.spans.some(s => s.vkey === b.vkey)), path + " is not signed by a key that the log names.");
      ended(by, tree, size, path);
      vouched(by, then.at, path);
    }
    const told = new Set();
    for (const a of tree.anchors) {
      const path = "log/older/" + a.size + ".tst", c = z.parts.has("log/older/" + a.size + ".checkpoint") && checkpoint(await z.get("log/older/" + a.size + ".checkpoint"), path);
      must(a.size <= a.n && c && hex(await sha(bytes.encode(c.note))) === a.checkpoint_sha, "Leaf " + a.n + " tells of another checkpoint than the bundle has.");
      if (!a.tst_sha) continue;
      must(hex(await sha(await z.get(path))) === a.tst_sha, path + " is not the time stamp that leaf " + a.n + " tells of.");
      told.add(path);
    }
    for (const p of z.parts.keys()) must(!p.startsWith("log/older/") || p.endsWith(".checkpoint") || told.has(p), "The log tells of nothing like " + p + ".");
  }

  // redacted holds that each record that is missing of a page was erased, by a leaf of the log, and that each of these is missing. It
  // gives how many are.
  async function redacted(z, tree, m) {
    const gone = new Map();
    for (const r of m.redactions || []) {
      const at = r.connection + "/" + r.stream + "/" + r.page, targets = tree.erased.get(r.record) || [];
      must(targets.some(t => t.page === tree.records.get(at) && String(t.segments) === String(r.segments)), "The log does not tell of what is missing of page " + r.page + ".");
      if (!gone.has(at)) gone.set(at, new Set());
      for (const s of r.segments) gone.get(at).add(s);
    }
    let n = 0;
    for (const f of m.files) {
      const name = /^raw\/(.*)\/([0-9]{8,})\.redacted$/.exec(f.path);
      if (!name || f.role !== "raw") continue;
      const at = name[1] + "/" + Number(name[2]), of = gone.get(at) || new Set();
      const {segments} = parse(text.decode(await z.get(f.path)), f.path);
      segments.forEach((s, i) => must("commit" in s === of.has(i), "Record " + (i - 1) / 2 + " of " + f.path + " is missing or there otherwise than the log says."));
      n += of.size;
      gone.delete(at);
    }
    must(gone.size === 0, "A page from which something was erased is shown as a whole one, or not at all.");
    return n;
  }

  async function verify(file, trusted, say) {
    const z = await container(file);
    say("The container is whole: " + z.parts.size + " parts.");
    const end = await z.get("log/end.checkpoint"), {note, origin, size, root, lines} = checkpoint(end, "The checkpoint");
    const fixed = new Set(["log/end.checkpoint", "log/end.tst", "log/leaves.bin", "log/frontier.txt", "log/policy.hint"]), sizes = new Set();
    for (const p of z.parts.keys()) {
      const old = /^log\/older\/(0|[1-9][0-9]{0,15})\.(checkpoint|tst)$/.exec(p);
      must(!p.startsWith("log/") || fixed.has(p) || old, "Nothing in the log speaks for " + p + ".");
      if (old && old[2] === "checkpoint") sizes.add(Number(old[1]));
    }
    const tree = await fold(await z.get("log/leaves.bin"), sizes);
    must(text.decode(await z.get("log/frontier.txt")) === "0\n", "This page reads only bundles that begin with the log's first leaf.");
    must(String(tree.n) === size && same(tree.root, root), "The leaves are not those of the checkpoint.");
    say(tree.n + " leaves give the root of the checkpoint.");
    const keys = [];
    for (const s of tree.spans) keys.push(await keyOf(s.vkey));
    for (const l of text.decode(await z.get("log/policy.hint")).split("\n")) if (l.startsWith("witness ")) keys.push(await keyOf(l.split(" ")[2]));
    const by = await signed(note, lines, keys, "the checkpoint");
    must(by.some(b => tree.keys.has(b.vkey)), "No key that the log names has signed the checkpoint.");
    ended(by, tree, tree.n, "The checkpoint");
    vouched(by, tree.at, "the checkpoint");
    for (const b of by) if (b.at !== null) say("Countersigned by " + b.who + ", whom the bundle names as a witness, at " + new Date(b.at).toISOString() + ".");
    await older(z, tree, keys, origin, sizes);
    if (sizes.size) say(sizes.size + " older checkpoints are of the same log.");
    if (z.parts.has("log/end.tst")) must(holds(await z.get("log/end.tst"), await sha(bytes.encode(note))), "The time stamp is of other data than the checkpoint.");
    const proven = await proofs(z, tree, end);
    if (proven) say(proven + " proofs lead to the root.");
    const raw = await z.get("manifest.json"), m = parse(text.decode(raw), "The manifest");
    must(tree.made && tree.made.bundle === m.bundle && tree.made.manifest_sha === hex(await sha(raw)), "The manifest is not the one that the log fixes.");
    must(m.origin === origin, "The manifest is of another log.");
    must(text.decode(await z.get("manifest-sha256.txt")) === m.files.map(f => f.sha256 + "  " + f.path + "\n").join(""), "manifest-sha256.txt does not name the same parts as the manifest.");
    const named = new Set(m.files.map(f => f.path));
    for (const p of z.parts.keys()) must(named.has(p) || selfProven(p), p + " is not in the manifest.");
    let done = 0;
    for (const f of m.files) {
      const p = z.parts.get(f.path);
      must(p && !selfProven(f.path), f.path + " is missing.");
      const packed = await z.packed(p);
      must(hex(await sha(packed)) === f.packed_sha256, f.path + " was changed.");
      const b = await z.content(p, packed);
      must(b.length === f.size && hex(await sha(b)) === f.sha256, f.path + " was changed.");
      if (++done % 50 === 0) say(done + " of " + m.files.length + " parts are as the manifest says…");
    }
    say("All " + done + " parts are as the manifest says.");
    const erased = await redacted(z, tree, m);
    if (erased) say(erased + " events were erased with the data of a person, as the log tells.");
    const held = m.files.filter(f => f.role === "raw").length;
    if (held < tree.pages) say("Of " + tree.pages + " pages that the log tells of the bundle holds " + held + ".");
    let authentic = false;
    if (trusted) {
      must(trusted.split("+")[0] === origin, "The key that you gave is of another log.");
      await keyOf(trusted);
      authentic = by.some(b => b.vkey === trusted);
    }
    return {authentic, origin, size, root: hex(root), trusted};
  }

  const out = document.getElementById("verdict");
  const line = (s, how) => { const p = document.createElement("p"); p.textContent = s; if (how) p.className = how; out.append(p); };
  document.getElementById("form").addEventListener("submit", async e => {
    e.preventDefault();
    out.replaceChildren();
    try {
      const r = await verify(document.getElementById("file").files[0], document.getElementById("key").value.trim().replace(/^log /, ""), s => line(s));
      if (r.authentic) line("AUTHENTIC: everything agrees, and the log is that of the key that you gave.", "good");
      else if (r.trusted) line("CONSISTENT only: everything agrees with itself, but the key that you gave has not signed it.", "bad");
      else line("CONSISTENT: everything agrees with itself. Whose log it is has not been shown, for you gave no key.", "warn");
      line("Log " + r.origin + ", " + r.size + " leaves, root " + r.root);
      line("Not checked here: that all pages of the period are there, that the artifacts follow from them, what was covered, what is attached to what, and time stamps. The program exhibit verify checks that.");
    } catch (err) {
      line("FAILED: " + (err instanceof Bad ? err.message : "it cannot be read (" + err.message + ")."), "bad");
    }
  });
})();
