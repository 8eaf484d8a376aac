/* Keyboard first: "/" to the search, "?" for the list of keys, "g" then a letter to a page.
   Menus close on Escape and on a click elsewhere. Nothing here is needed to use a page. */
(() => {
  "use strict";
  const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;
  let afterG = 0;
  const dialog = () => document.getElementById("k-shortcuts");
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      document.querySelectorAll("details.k-menu[open]").forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "/") {
      const search = document.querySelector("[data-search]") || document.getElementById("k-search");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.key === "?" && dialog()) {
      event.preventDefault(); dialog().showModal();
    } else if (event.key === "g") {
      afterG = Date.now();
    } else if (Date.now() - afterG < 1200) {
      afterG = 0;
      const link = document.querySelector(`.k-nav [data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
    } else {
      const pressed = document.querySelector(`[data-press="${CSS.escape(event.key)}"]`);
      if (pressed && !document.querySelector("dialog[open]")) { event.preventDefault(); pressed.click(); }
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
    const sharer = event.target.closest("[data-copied]");
    if (sharer) navigator.clipboard?.writeText(location.href).then(() => { sharer.textContent = sharer.dataset.copied; });
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) { document.getElementById(opener.dataset.open).showModal(); }
    document.querySelectorAll("details.k-menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });
  document.addEventListener("submit", (event) => {
    const asked = event.target.dataset.ask;
    if (asked && !window.confirm(asked)) event.preventDefault();
  });
})();
