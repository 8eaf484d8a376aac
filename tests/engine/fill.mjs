// Fill a form with ODK's own engine and no browser: a form and answers in, what a telephone would send out.
// stdin: {"xform": path, "media": {name: csv}, "answers": [[reference, value], ...]}; a list is a choice or several;
// ["/data/x/repeat", {"add": n}] makes the repeat have n rows. stdout: {"xml", "status", "violations", "refused"}.
import { createRequire } from "node:module";
import fs from "node:fs";
import { JSDOM } from "jsdom";

// the engine's parser of XPath expects names that a module of Node does not have
globalThis.require = createRequire(import.meta.url);
globalThis.__dirname = "/";
const { window } = new JSDOM("");
for (const name of ["DOMParser", "XMLSerializer", "Node", "Element", "Document", "Text", "Comment", "CDATASection", "Attr", "NodeFilter", "XPathResult"]) {
  globalThis[name] ??= window[name];
}
globalThis.window ??= window;
globalThis.document ??= window.document;
const { createInstance } = await import("@getodk/xforms-engine");
const asked = JSON.parse(fs.readFileSync(0, "utf8"));
const fetchFormAttachment = async (resource) => {
  const name = String(resource).split("/").pop();
  return name in asked.media ? new Response(asked.media[name], { status: 200 }) : new Response("", { status: 404 });
};
const { root } = await createInstance(fs.readFileSync(asked.xform, "utf8"), { form: { fetchFormAttachment, missingResourceBehavior: "BLANK" } });

function* walk(node) {
  yield node;
  for (const child of node.currentState.children ?? []) yield* walk(child);
}
const refused = [];
for (const [reference, value] of asked.answers) {
  const node = [...walk(root)].find((one) => one.currentState.reference === reference);
  if (!node) { refused.push(`${reference}: not there`); continue; }
  if (!node.currentState.relevant) { refused.push(`${reference}: not asked`); continue; }
  try {
    if (value?.add !== undefined) {
      while (node.currentState.children.length < value.add) node.addInstances(node.currentState.children.length - 1);
    } else if (node.nodeType === "select") {
      if (Array.isArray(value)) node.selectValues(value); else node.selectValue(String(value));
    } else if (node.nodeType === "rank") node.setValues(value);
    else node.setValue(value);
  } catch (error) {
    refused.push(`${reference}: ${error.message}`);
  }
}
const payload = await root.prepareInstancePayload({ payloadType: "monolithic" });
const xml = await payload.data[0].get("xml_submission_file").text();
const violations = payload.violations?.map((one) => one.reference) ?? [];
process.stdout.write(JSON.stringify({ xml, status: payload.status, violations, refused }));
process.exit(0);
