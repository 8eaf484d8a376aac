/* A move of a slider asks the server at once and shows what it gives; without this file the button does the same. */
(() => {
  "use strict";
  const form = document.getElementById("sliders");
  const place = document.getElementById("outcome");
  if (!form || !place) return;
  let waiting = 0, asked = 0, running = null;

  const query = () => {
    const fields = new URLSearchParams();
    new FormData(form).forEach((value, name) => {
      if (value !== "" && !["csrfmiddlewaretoken", "title", "note"].includes(name)) fields.append(name, value);
    });
    return fields.toString();
  };

  async function move() {
    const mine = ++asked, words = query();
    if (running) running.abort();
    running = new AbortController();
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(`${form.dataset.move}?${words}`, { headers: { "HX-Request": "true" }, signal: running.signal });
      const text = await answer.text();
      if (mine !== asked || !answer.ok) return;
      const isOpen = place.querySelector("details")?.open;
      place.innerHTML = text;
      if (isOpen && place.querySelector("details")) place.querySelector("details").open = true;
      document.dispatchEvent(new CustomEvent("khana:figures"));
      history.replaceState(null, "", `${location.pathname}?${words}`);
    } catch { /* a newer move took its place, or the server is away: the figures stay as they were */ }
    finally { if (mine === asked) place.setAttribute("aria-busy", "false"); }
  }

  const soon = () => { clearTimeout(waiting); waiting = setTimeout(move, 120); };
  form.addEventListener("input", (event) => {
    const twin = event.target.dataset.twin;
    if (twin) document.getElementById(twin).value = event.target.value;
    else {
      const range = document.getElementById(`${event.target.id}-range`);
      if (range && event.target.value !== "") range.value = event.target.value;
    }
    if (!["s-title", "s-note"].includes(event.target.id)) soon();
  });
})();
