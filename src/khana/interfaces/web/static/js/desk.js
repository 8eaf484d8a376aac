// The desk's list of forms that were begun in this browser and have not been sent.
import { Drafts, isPossible } from "./drafts.js";

const place = document.getElementById("drafts");
if (place && isPossible()) {
  const drafts = new Drafts(place.dataset.key, place.dataset.owner);
  const list = place.querySelector("ul");
  const when = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  const show = async () => {
    const found = await drafts.list();
    place.hidden = !found.length;
    list.replaceChildren(...found.map((draft) => {
      const row = document.createElement("li"), link = document.createElement("a"), drop = document.createElement("button");
      const address = new URL(draft.address, location.origin);
      link.href = address.pathname + address.search;
      link.textContent = `${draft.title} · ${when.format(draft.savedAt)}`;
      drop.type = "button";
      drop.className = "btn btn-sm";
      drop.textContent = place.dataset.drop;
      drop.setAttribute("aria-label", `${place.dataset.drop}: ${link.textContent}`);
      drop.addEventListener("click", async () => { await drafts.forget(draft.id); await show(); });
      row.append(link, " ", drop);
      return row;
    }));
  };
  await show();
}
