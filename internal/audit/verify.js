"use strict";
// A second verifier, of steps 1 to 6 of "exhibit verify": container, checkpoint, tree, leaves, and manifest with every part.
// It shares nothing with the program but the formats (docs/formats.md) and their test vectors, and it reaches no network.
(() => {
  const text = new TextDecoder("utf-8", {fatal: true});
  const bytes = new TextEncoder();
  class Bad extends Error {}
  const must = (ok, say) => { if (!ok) throw new Bad(say); };
  const sha = async b => new Uint8Array(await crypto.subtle.digest("SHA-256", b));
  const hex = b => Array.from(b, x => x.toString(16).padStart(2, "0")).join("");
  const join = (...parts) => { const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0)); let at = 0; for (const p of parts) { out.set(p, at); at += p.length; } return out; };
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
    let at = 0, d = 0;
    for (let i = 0; i < n; i++) {
      must(d + 46 <= dir.length, "The directory is cut off.");
      const c = view(dir.subarray(d, d + 46)), len = c.getUint16(28, true);
      const p = {name: text.decode(dir.subarray(d + 46, d + 46 + len)), method: c.getUint16(10, true), packed: c.getUint32(20, true), size: c.getUint32(24, true)};
      must(c.getUint32(0, true) === 0x02014b50 && c.getUint16(8, true) === 0 && c.getUint32(12, true) === 0x210000 && c.getUint16(30, true) === 0 && c.getUint16(32, true) === 0 && c.getUint32(42, true) === at, "An entry of the directory is not as it is written.");
      must(name.test(p.name) && p.name.length <= 200 && !parts.has(p.name), "The name " + p.name + " is not allowed, or there twice.");
      must(p.method === (selfProven(p.name) ? 0 : 8), p.name + " is packed in another way than it must be.");
      const local = await read(at, 30 + len), l = view(local);
      must(l.getUint32(0, true) === 0x04034b50 && l.getUint16(6, true) === 0 && l.getUint16(8, true) === p.method && l.getUint32(14, true) === c.getUint32(16, true) && l.getUint32(18, true) === p.packed && l.getUint32(22, true) === p.size && l.getUint16(26, true) === len && l.getUint16(28, true) === 0 && same(local.subarray(30), dir.subarray(d + 46, d + 46 + len)), "The two headers of " + p.name + " differ.");
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
        if (p.method === 0) return raw;
        const out = new Uint8Array(await new Response(new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).arrayBuffer());
        must(out.length === p.size, p.name + " has another size than it says.");
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

  // fold reads all leaves, checks each, and gives the root that they have together.
  async function fold(b) {
    const stack = [], prefix = "exhibit/leaf/v1 ";
    let at = 0, n = 0, last = 0, made = null, pages = 0;
    const chains = new Map(), keys = new Set();
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
      if (kind === "key") f.op === "add" ? keys.add(f.vkey) : keys.delete(f.vkey);
      if (kind === "export") made = f;
      if (kind === "page") pages++;
      let h = await leafHash(raw);
      for (let k = n; k % 2 === 1; k = (k - 1) / 2) h = await nodeHash(stack.pop(), h);
      stack.push(h);
      n++;
    }
    must(n > 0, "There are no leaves.");
    let root = stack.pop();
    while (stack.length) root = await nodeHash(stack.pop(), root);
    return {n, root, made, keys, pages};
  }

  async function signedBy(vkey, note, lines) {
    const [who, id, data] = vkey.split("+", 2).concat(vkey.split("+").slice(2).join("+"));
    const raw = b64(data);
    must(raw.length === 33 && raw[0] === 1, "The verifier key is not one of a log.");
    must(hex((await sha(join(bytes.encode(who + "\n"), raw))).subarray(0, 4)) === id, "The verifier key is damaged.");
    const key = await crypto.subtle.importKey("raw", raw.subarray(1), {name: "Ed25519"}, false, ["verify"]);
    let found = false;
    for (const l of lines) {
      const sp = l.lastIndexOf(" "), sig = b64(l.slice(sp + 1));
      if (l.slice(2, sp) !== who || hex(sig.subarray(0, 4)) !== id) continue;
      must(await crypto.subtle.verify({name: "Ed25519"}, key, sig.subarray(4), note), "The signature of " + who + " is wrong.");
      found = true;
    }
    return found;
  }

  async function verify(file, trusted, say) {
    const z = await container(file);
    say("The container is whole: " + z.parts.size + " parts.");
    const cp = text.decode(await z.get("log/end.checkpoint")), cut = cp.lastIndexOf("\n\n");
    must(cut > 0 && cp.endsWith("\n"), "The checkpoint cannot be read.");
    const note = cp.slice(0, cut + 1), [origin, size, root, none, ...more] = note.split("\n"), lines = cp.slice(cut + 2, -1).split("\n");
    must(none === "" && more.length === 0 && lines.every(l => l.startsWith("— ")), "The checkpoint cannot be read.");
    const tree = await fold(await z.get("log/leaves.bin"));
    must(text.decode(await z.get("log/frontier.txt")) === "0\n", "This page reads only bundles that begin with the log's first leaf.");
    must(String(tree.n) === size && same(tree.root, b64(root)), "The leaves are not those of the checkpoint.");
    say(tree.n + " leaves give the root of the checkpoint.");
    let own = false;
    for (const k of tree.keys) own = await signedBy(k, bytes.encode(note), lines) || own;
    must(own, "No key that the log names has signed the checkpoint.");
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
    const held = m.files.filter(f => f.role === "raw").length;
    if (held < tree.pages) say("Of " + tree.pages + " pages that the log tells of the bundle holds " + held + ".");
    let authentic = false;
    if (trusted) {
      must(trusted.split("+")[0] === origin, "The key that you gave is of another log.");
      authentic = await signedBy(trusted, bytes.encode(note), lines);
    }
    return {authentic, origin, size, root: hex(b64(root)), trusted};
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
