// The very same form as on the telephone, drawn by ODK Web Forms; sent in one post, and kept on screen until it has arrived.
import { createApp, h } from "../vendor/vue/vue.runtime.esm-browser.prod.js";
import { OdkWebForm, POST_SUBMIT__NEW_INSTANCE, webFormsPlugin } from "../vendor/web-forms/index.js";

const place = document.getElementById("fill");
const said = document.getElementById("fill-said");
const { xform, known, media, send, token, failed, household } = place.dataset;

async function text(address) {
  const answer = await fetch(address, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

async function deliver(payload, done) {
  try {
    const answer = await fetch(send, { method: "POST", body: payload.data[0], headers: { "X-CSRFToken": token } });
    const body = await answer.json();
    if (answer.status !== 201) throw new Error(body.message || String(answer.status));
    window.removeEventListener("beforeunload", ask);
    location.assign(body.slip);
  } catch {
    said.textContent = failed;
    said.hidden = false;
    said.focus();
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
if (known) {
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
