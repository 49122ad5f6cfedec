// 未送信箱: a tick that cannot be sent is kept on this device and says so; never "done" before the log has it.
// On a step page it sends by itself when there is a connection; in the carry-out file it is handed over
// as a file or as text. Every act has an operation id: sent twice, it is recorded once.
(() => {
  "use strict";
  const me = document.currentScript.dataset, W = JSON.parse(me.words), KEY = "ict-bcp-outbox";
  const carry = "carryout" in me;
  const SENDS = ["start", "finish", "fail", "skip", "wait", "reopen", "attest", "decide"];
  const el = (tag, text, more) => Object.assign(document.createElement(tag), { textContent: text || "" }, more);
  const load = () => { try { return JSON.parse(localStorage.getItem(KEY)) || []; } catch { return []; } };
  const save = (box) => { try { localStorage.setItem(KEY, JSON.stringify(box)); return true; } catch { return false; } };
  const change = (op, how) => save(load().flatMap((i) => (i.op === op ? how(i) : [i])));
  const mine = (i) => i.who === (me.who || "");
  const stamp = () => {
    const d = new Date(), p = (n) => String(n).padStart(2, "0"), z = -d.getTimezoneOffset(), a = Math.abs(z);
    return `${d.getFullYear()}-${p(d.getMonth() + 1)}-${p(d.getDate())}T${p(d.getHours())}:${p(d.getMinutes())}:${p(d.getSeconds())}` +
      `${z < 0 ? "-" : "+"}${p(a / 60 | 0)}:${p(a % 60)}`;
  };
  const newOp = () => [...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("");
  const line = ({ op, at, stage, step, fields, by }) => ({ v: 1, op, at, stage, step, fields, by: by || "" });
  const say = (key, n) => (W[key] || key).replace("{n}", n);
  let busy = false, note = "";

  const bar = el("aside", "", { id: "outbox", hidden: true });
  bar.setAttribute("aria-label", say("title"));
  const head = el("p", "");
  head.setAttribute("role", "status");
  const list = el("ul"), acts = el("p", "", { className: "actions" });
  bar.append(head, list, acts);
  const button = (key, does) => {
    const made = el("button", say(key), { type: "button" });
    made.addEventListener("click", does);
    return made;
  };

  function draw() {
    const box = load(), own = box.filter(mine), others = box.length - own.length;
    bar.hidden = !box.length && !note;
    head.textContent = [own.length ? say("unsent", own.length) : "", others ? say("others", others) : "", note].filter(Boolean).join(" ／ ");
    list.replaceChildren(...own.map((i) => {
      const row = el("li", `${i.step} ${say("do_" + i.fields.do)} ${i.at.slice(11, 16)}${i.said ? " — " + i.said : ""}`);
      if (i.held) row.append(" ", button("drop", () => { change(i.op, () => []); draw(); }), " ", button("as_note", () => asNote(i)));
      else if (carry) row.append(" ", button("undo", () => { change(i.op, () => []); draw(); }));
      return row;
    }));
    acts.replaceChildren(...(own.length ? [...(carry ? [] : [button("send_now", () => flush())]), button("export", toFile), button("copy", toText)] : []));
    if (carry) marks(own);
  }

  function asNote(i) {
    const told = [say("do_" + i.fields.do), i.fields.option, i.fields.note, i.fields.reason].filter(Boolean).join(" ");
    change(i.op, (old) => [{ ...old, op: newOp(), held: false, said: "", fields: { do: "note", note: told, incident: old.fields.incident || "" } }]);
    draw(); flush();
  }

  const lines = () => load().filter(mine).map((i) => JSON.stringify(line(i)) + "\n").join("");
  function toFile() {
    const link = el("a", "", { href: URL.createObjectURL(new Blob([lines()], { type: "application/x-ndjson" })), download: "ict-bcp-outbox.jsonl" });
    document.body.append(link); link.click(); link.remove();
  }
  function toText() {
    const area = bar.querySelector("textarea") || bar.appendChild(el("textarea", "", { readOnly: true, rows: 6 }));
    area.setAttribute("aria-label", say("copy"));
    area.value = lines(); area.focus(); area.select();
    if (navigator.clipboard) navigator.clipboard.writeText(area.value).catch(() => {});
  }

  // --- sending (never from a file) --------------------------------------------------------------
  async function post(items, stage) {
    const csrf = document.querySelector("input[name=_csrf]"), base = stage === "real" ? "/disaster" : "/drills/" + encodeURIComponent(stage);
    const lines = items.map((i) => JSON.stringify(i)).join("\n");
    const answer = await fetch(base + "/outbox", {
      method: "POST", redirect: "manual", body: new URLSearchParams({ _csrf: csrf ? csrf.value : "", as: "json", lines }),
    });
    const told = await answer.json().catch(() => ({}));
    return { ok: answer.ok && !!told.results, status: answer.status, told };
  }
  const settle = (results) => results.forEach((r) => {
    const held = r.result === "conflict" || r.result === "refused";
    change(r.op, (i) => (held ? [{ ...i, held, said: r.said }] : []));
  });
  async function flush() {
    const open = load().filter((i) => mine(i) && !i.held);
    if (carry || busy || !open.length) return draw();
    busy = true;
    try {
      const hello = await fetch("/status", { cache: "no-store" });
      const skew = Date.parse(hello.headers.get("Date")) - Date.now();
      const true_ = (at) => (Math.abs(skew) > 120000 ? new Date(Date.parse(at) + skew).toISOString() : at);
      for (const stage of new Set(open.map((i) => i.stage))) {
        const some = open.filter((i) => i.stage === stage).slice(0, 200);
        const { ok, status, told } = await post(some.map((i) => ({ ...line(i), at: true_(i.at) })), stage);
        if (ok) { settle(told.results); note = ""; } else note = status === 0 || status === 403 ? say("signed_out") : told.what || String(status);
      }
    } catch { note = say("offline"); }
    busy = false;
    draw();
  }

  async function act(form, submitter) {
    const data = new FormData(form), fields = {};
    if (submitter && submitter.name) data.append(submitter.name, submitter.value);
    for (const [name, value] of data) {
      if (typeof value !== "string") { if (value.size) return false; continue; }
      if (name[0] !== "_" && name !== "op") fields[name] = value;
    }
    if (!SENDS.includes(fields.do) || fields.at) return false;
    const where = location.pathname.match(/^(.*)\/steps\/([^/]+)$/);
    const stage = where[1].startsWith("/drills/") ? decodeURIComponent(where[1].slice(8)) : "real";
    const item = { op: data.get("op") || newOp(), at: stamp(), stage, step: decodeURIComponent(where[2]), fields, who: me.who || "" };
    if (!save([...load().filter((i) => i.op !== item.op), item])) { note = say("not_stored"); draw(); return false; }
    note = say("sending"); draw();
    try {
      const { ok, status, told } = await post([{ ...line(item), at: null }], stage);
      if (!ok) throw { status, what: told.what };
      settle(told.results); note = "";
      if (!load().some((i) => i.op === item.op)) {
        const on = ["finish", "decide", "skip"].includes(fields.do);
        location.assign(on ? `${where[1]}/next?after=${where[2]}` : location.pathname);
        return true;
      }
    } catch (why) { note = why.status === 0 || why.status === 403 ? say("signed_out") : why.what || say("offline"); }
    draw();
    bar.scrollIntoView({ block: "nearest" });
    return true;
  }

  // --- the carry-out file: a button per step ------------------------------------------------------
  function tick(step, doing, reason) {
    const field = (id) => (document.getElementById(id) || {}).value || "";
    const fields = doing === "fail" ? { do: doing, reason } : { do: doing };
    const item = { op: newOp(), at: stamp(), stage: field("stage").trim() || "real", step, fields, by: field("who").trim(), who: "" };
    if (!save([...load().filter((i) => i.step !== step), item])) note = say("not_stored");
    draw();
  }
  function marks(own) {
    document.querySelectorAll("[data-step]").forEach((at) => {
      const found = own.find((i) => i.step === at.dataset.step);
      at.querySelector("output").textContent = found ? `${say("do_" + found.fields.do)} ${found.at.slice(11, 16)} — ${say("unsent", 1)}` : "";
    });
  }
  function equip() {
    document.querySelectorAll("[data-step]").forEach((at) => {
      const why = el("input", "", { placeholder: say("cannot_why") });
      why.setAttribute("aria-label", `${at.dataset.step} ${say("cannot_why")}`);
      at.append(button("done", () => tick(at.dataset.step, "finish")), " ", why, " ",
        button("cannot", () => (why.value.trim() ? tick(at.dataset.step, "fail", why.value.trim()) : why.focus())), " ", el("output"));
    });
    document.querySelectorAll("[data-script]").forEach((part) => { part.hidden = false; });
  }

  document.body.append(bar);
  if (carry) equip();
  else {
    document.addEventListener("submit", (event) => {
      const form = event.target;
      if (form.method !== "post" || !form.closest(".step") || !navigator.onLine && form.querySelector("input[type=file]")) return;
      const doing = (event.submitter && event.submitter.name === "do" ? event.submitter.value : (form.elements.do || {}).value) || "";
      const at = form.elements.at, file = form.querySelector("input[type=file]");
      if (!SENDS.includes(doing) || (at && at.value) || (file && file.files.length)) return;
      event.preventDefault();
      act(form, event.submitter).then((taken) => {
        if (taken) return;
        form.append(el("input", "", { type: "hidden", name: "do", value: doing }));
        form.submit();
      });
    });
    addEventListener("online", flush);
    setInterval(() => { if (load().length) flush(); }, 15000);
    flush();
  }
  addEventListener("storage", draw);
  draw();
})();
