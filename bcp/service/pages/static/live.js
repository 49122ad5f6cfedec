// Refresh without losing anything: when the board moves, fetch this very page again and swap <main>.
// Says how old the picture is, and says loudly when it no longer moves. No state of its own.
(() => {
  const bar = document.getElementById("asof");
  if (!bar || !window.EventSource) return;
  let beat = Date.now(), wanted = false, busy = false;
  const busyTyping = () => {
    const main = document.getElementById("main"), at = document.activeElement;
    if (at && main.contains(at) && /INPUT|SELECT|TEXTAREA/.test(at.tagName)) return true;
    return [...main.querySelectorAll("input,textarea")].some(
      (e) => e.type !== "hidden" && (e.value !== e.defaultValue || e.checked !== e.defaultChecked));
  };
  const refresh = async () => {
    if (busy || document.hidden || busyTyping()) { wanted = true; return; }
    busy = true; wanted = false;
    try {
      const answer = await fetch(location.href, { headers: { "X-Refresh": "1" } });
      if (answer.redirected || !answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const id of ["main", "alarms", "asof"]) {
        const from = page.getElementById(id), to = document.getElementById(id);
        if (!from || !to) continue;
        const open = [...to.querySelectorAll("details")].map((d) => d.open);
        to.innerHTML = from.innerHTML;
        to.querySelectorAll("details").forEach((d, i) => { if (open[i]) d.open = true; });
      }
      document.title = page.title;
      alive(true);
    } catch { alive(false); }
    busy = false;
  };
  const alive = (yes) => {
    bar.classList.toggle("dead", !yes);
    if (!yes) bar.textContent = bar.dataset.dead;
  };
  const source = new EventSource("/events");
  source.addEventListener("beat", () => { beat = Date.now(); if (bar.classList.contains("dead")) refresh(); });
  source.addEventListener("change", () => { beat = Date.now(); refresh(); });
  source.onerror = () => alive(false);
  let age = Date.now();
  setInterval(() => {
    if (Date.now() - beat > 40000) alive(false);
    else if (wanted || Date.now() - age > 60000) { age = Date.now(); refresh(); }
  }, 5000);
})();
