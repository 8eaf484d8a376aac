/* Passkeys: ask the server for a riddle, let the device sign it, send the answer as an ordinary form.
   Without this file, or in a browser that knows no passkeys, password and code work as before. */
(() => {
  "use strict";
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  function opened(options) {
    const asked = { ...options.publicKey, challenge: bytes(options.publicKey.challenge) };
    if (asked.user) asked.user = { ...asked.user, id: bytes(asked.user.id) };
    for (const list of ["excludeCredentials", "allowCredentials"]) {
      if (asked[list]) asked[list] = asked[list].map((one) => ({ ...one, id: bytes(one.id) }));
    }
    return asked;
  }

  function closed(made) {
    const said = made.response;
    const response = { clientDataJSON: text(said.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (said[name]) response[name] = text(said[name]);
    }
    return JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: {} });
  }

  async function ask(form) {
    const body = new URLSearchParams({ csrfmiddlewaretoken: form.querySelector("[name=csrfmiddlewaretoken]").value });
    const answer = await fetch(form.dataset.askAt, { method: "POST", body, credentials: "same-origin" });
    if (!answer.ok) throw new Error((await answer.text()).slice(0, 300));
    const asked = { publicKey: opened(await answer.json()) };
    return form.dataset.passkey === "create" ? navigator.credentials.create(asked) : navigator.credentials.get(asked);
  }

  document.querySelectorAll("form[data-passkey]").forEach((form) => {
    const isKnown = "credentials" in navigator && "PublicKeyCredential" in window;
    form.hidden = !isKnown;
    const said = form.querySelector("[data-passkey-said]");
    form.addEventListener("submit", async (event) => {
      if (form.elements.answer.value) return;
      event.preventDefault();
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        form.elements.answer.value = closed(await ask(form));
        form.submit();
      } catch (error) {
        said.textContent = error.name === "Error" && error.message && !error.message.startsWith("{") ? error.message : said.dataset.failed;
        button.disabled = false;
      }
    });
  });
})();
