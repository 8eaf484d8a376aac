/* The rule editor: completes names of facts, and tries the rule while somebody writes. The button does without it. */
(() => {
  "use strict";
  const form = document.getElementById("rule"), text = document.getElementById("r-text");
  const place = document.getElementById("tried"), options = document.getElementById("r-options");
  const list = document.getElementById("r-facts"), find = document.getElementById("r-find");
  if (!form || !text || !place) return;
  const names = [...list.querySelectorAll("[data-name]")].map((row) => row.dataset.name).concat(list.dataset.words.split("|"));
  let asked = 0, waiting = 0, chosen = 0, start = 0;

  async function attempt() {
    const mine = ++asked;
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.dataset.try, { method: "POST", headers: { "HX-Request": "true" }, body: new FormData(form) });
      const words = await answer.text();
      if (mine === asked && answer.ok) place.innerHTML = words;
    } catch { /* the server is away: what was said stays */ }
    finally { if (mine === asked) place.setAttribute("aria-busy", "false"); }
  }
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(attempt, 350); };

  const close = () => { options.hidden = true; text.removeAttribute("aria-activedescendant"); };
  function offer() {
    const before = text.value.slice(0, text.selectionStart), word = /[a-z_][a-z_0-9]*$/i.exec(before)?.[0] ?? "";
    start = before.length - word.length;
    const quotes = (before.slice(0, start).match(/'/g) ?? []).length;
    const low = word.toLowerCase();
    const found = word.length < 2 || quotes % 2 ? [] : [...names.filter((n) => n.startsWith(low) && n !== low), ...names.filter((n) => !n.startsWith(low) && n.includes(low))].slice(0, 8);
    options.replaceChildren(...found.map((name, index) => {
      const row = document.createElement("li");
      row.id = `r-option-${index}`; row.textContent = name; row.setAttribute("role", "option"); row.setAttribute("aria-selected", String(index === 0));
      row.addEventListener("mousedown", (event) => { event.preventDefault(); take(name); });
      return row;
    }));
    chosen = 0; options.hidden = !found.length;
    if (found.length) text.setAttribute("aria-activedescendant", "r-option-0"); else close();
  }
  function choose(step) {
    const rows = [...options.children];
    rows[chosen]?.setAttribute("aria-selected", "false");
    chosen = (chosen + step + rows.length) % rows.length;
    rows[chosen].setAttribute("aria-selected", "true"); rows[chosen].scrollIntoView({ block: "nearest" });
    text.setAttribute("aria-activedescendant", rows[chosen].id);
  }
  function put(name, from, to) {
    text.setRangeText(name, from, to, "end"); text.focus(); close(); soon();
  }
  const take = (name) => put(name, start, text.selectionStart);
  text.setAttribute("aria-autocomplete", "list"); text.setAttribute("aria-controls", "r-options");
  text.addEventListener("input", () => { offer(); soon(); });
  text.addEventListener("blur", close);
  text.addEventListener("keydown", (event) => {
    if (options.hidden) return;
    if (event.key === "ArrowDown") { event.preventDefault(); choose(1); }
    else if (event.key === "ArrowUp") { event.preventDefault(); choose(-1); }
    else if (event.key === "Enter" || event.key === "Tab") { event.preventDefault(); take(options.children[chosen].textContent); }
    else if (event.key === "Escape") { event.stopPropagation(); close(); }
  });
  form.addEventListener("input", (event) => { if (event.target !== text) soon(); });
  form.addEventListener("change", soon);
  form.addEventListener("submit", (event) => { event.preventDefault(); attempt(); });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    if (button) put(button.dataset.insert, text.selectionStart, text.selectionEnd);
  });
  find.addEventListener("input", () => {
    const word = find.value.toLowerCase();
    list.querySelectorAll("li").forEach((row) => { row.hidden = !row.textContent.toLowerCase().includes(word); });
  });
})();
