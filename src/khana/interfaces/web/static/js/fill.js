// The very same form as on the telephone, drawn by ODK Web Forms; sent in one post, kept in this browser until it has arrived.
import { createApp, h } from "../vendor/vue/vue.runtime.esm-browser.prod.js";
import { OdkWebForm, POST_SUBMIT__NEW_INSTANCE, webFormsPlugin } from "../vendor/web-forms/index.js";
import { Drafts, isPossible } from "./drafts.js";

const place = document.getElementById("fill");
const said = document.getElementById("fill-said");
const kept = document.getElementById("fill-kept");
const { xform, known, media, send, token, failed, household, title, key, owner, arrived } = place.dataset;
const drafts = isPossible() ? new Drafts(key, owner) : null;
const WAIT = 1200;
let isSent = false;

async function text(address) {
  const answer = await fetch(address, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

// --- drafts ---------------------------------------------------------------------------------------------------------

const here = new URL(location.href);
const id = here.searchParams.get("draft") || globalThis.crypto?.randomUUID?.() || "";
if (id) {
  here.searchParams.set("draft", id);
  history.replaceState(null, "", here);
}

// the form's root is what its own header is given; nothing else of the component is open
function rootOf(vnode) {
  if (!vnode || typeof vnode !== "object") return null;
  if (vnode.component?.props?.form?.prepareInstancePayload) return vnode.component.props.form;
  const inner = [vnode.component?.subTree, ...(Array.isArray(vnode.children) ? vnode.children : [])];
  for (const one of inner) {
    const found = rootOf(one);
    if (found) return found;
  }
  return null;
}

let timer = 0, last = "";
async function keep() {
  const root = drafts && !isSent && rootOf(place._vnode);
  if (!root) return;
  const payload = await root.prepareInstancePayload({ payloadType: "monolithic" });
  const files = [...payload.data[0].values()].filter((one) => one instanceof File);
  const now = await files[0].text();
  const mark = now.replace(/<end>[^<]*<\/end>/, "") + files.slice(1).map((one) => one.name + one.size).join();
  if (isSent || mark === last) return;
  await drafts.keep(id, { title, address: location.pathname + location.search }, files);
  last = mark;
  kept.textContent = kept.dataset.kept.replace("{time}", new Date().toLocaleTimeString(document.documentElement.lang));
  place.dataset.kept = String(Number(place.dataset.kept || 0) + 1);
}
const soon = () => {
  clearTimeout(timer);
  timer = setTimeout(() => keep().catch(() => { kept.textContent = kept.dataset.not; }), WAIT);
};

// --- sending --------------------------------------------------------------------------------------------------------

async function deliver(payload, done) {
  try {
    const answer = await fetch(send, { method: "POST", body: payload.data[0], headers: { "X-CSRFToken": token } });
    const body = await answer.json();
    if (answer.status !== 201) throw new Error(body.message || String(answer.status));
    isSent = true;
    await drafts?.forget(id).catch(() => {});
    window.removeEventListener("beforeunload", ask);
    location.assign(body.slip);
  } catch {
    said.textContent = failed;
    said.hidden = false;
    said.focus();
    soon();
  }
  void done;
  void POST_SUBMIT__NEW_INSTANCE;
}

function ask(event) {
  event.preventDefault();
}

const formXml = await text(xform);
const fetchFormAttachment = (resource) => {
  const name = String(resource).split("/").pop();
  return fetch(`${media}${name}?household=${household}`, { credentials: "same-origin" });
};
const props = { formXml, fetchFormAttachment, missingResourceBehavior: "BLANK", trackDevice: false, onSubmit: deliver };
const draft = await drafts?.read(id).catch(() => null);
let before = draft?.files ?? null;
if (before) {
  // it was sent, and only the answer was lost: the server knows its number
  const number = /<(?:\w+:)?instanceID>([^<]+)</.exec(await before[0].text())?.[1];
  const answer = number ? await fetch(`${arrived}?instance=${encodeURIComponent(number)}`, { credentials: "same-origin" }) : null;
  const slip = answer?.ok ? (await answer.json()).slip : "";
  if (slip) {
    await drafts.forget(id);
    location.replace(slip);
    before = null;
  }
}
if (before) {
  const instance = await before[0].text();
  const others = new Map(before.slice(1).map((file) => [file.name, file]));
  props.editInstance = {
    resolveInstance: () => instance,
    attachmentFileNames: [...others.keys()],
    resolveAttachment: (name) => new Response(others.get(name) ?? "", { status: others.has(name) ? 200 : 404 }),
  };
  kept.textContent = kept.dataset.again.replace("{time}", new Date(draft.savedAt).toLocaleString(document.documentElement.lang));
} else if (known) {
  const instance = await text(known);
  props.editInstance = {
    resolveInstance: () => instance,
    attachmentFileNames: [],
    resolveAttachment: () => new Response("", { status: 404 }),
  };
}
const app = createApp({ render: () => h(OdkWebForm, props) });
app.use(webFormsPlugin);
app.mount(place);
place.dataset.drawn = "1";
window.addEventListener("beforeunload", ask);
if (drafts) {
  for (const happening of ["input", "change", "click"]) place.addEventListener(happening, soon);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") void keep().catch(() => {}); });
} else {
  kept.textContent = kept.dataset.not;
}
