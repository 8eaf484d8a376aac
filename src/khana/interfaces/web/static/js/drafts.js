// What is typed at the desk survives a closed lid: kept in this browser, sealed with a key that the server lends to its user alone.
// Who opens this computer without signing in as her reads nothing; a draft is gone once its form has arrived.
const NAME = "khana-drafts", STORE = "drafts";

function open() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function within(mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const change = database.transaction(STORE, mode);
      const asked = work(change.objectStore(STORE));
      change.oncomplete = () => resolve(asked.result);
      change.onerror = () => reject(change.error);
      change.onabort = () => reject(change.error);
    });
  } finally {
    database.close();
  }
}

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

export const isPossible = () => Boolean(globalThis.crypto?.subtle && globalThis.indexedDB);

export class Drafts {
  constructor(key, owner) {
    this.owner = owner;
    this.key = crypto.subtle.importKey("raw", bytesOf(key), "AES-GCM", false, ["encrypt", "decrypt"]);
  }

  async keep(id, about, files) {
    const parts = await Promise.all(files.map(async (file) => ({ name: file.name, type: file.type, body: new Uint8Array(await file.arrayBuffer()) })));
    const head = new TextEncoder().encode(JSON.stringify(parts.map(({ name, type, body }) => ({ name, type, size: body.length }))));
    const whole = new Uint8Array(4 + head.length + parts.reduce((sum, part) => sum + part.body.length, 0));
    new DataView(whole.buffer).setUint32(0, head.length);
    whole.set(head, 4);
    let place = 4 + head.length;
    for (const part of parts) { whole.set(part.body, place); place += part.body.length; }
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: new TextEncoder().encode(id) }, await this.key, whole);
    await within("readwrite", (store) => store.put({ id, owner: this.owner, ...about, savedAt: Date.now(), iv, sealed }));
  }

  async list() {
    const found = await within("readonly", (store) => store.getAll());
    return found.filter((draft) => draft.owner === this.owner).sort((one, other) => other.savedAt - one.savedAt);
  }

  async read(id) {
    const kept = await within("readonly", (store) => store.get(id));
    if (!kept || kept.owner !== this.owner) return null;
    const additionalData = new TextEncoder().encode(id);
    const whole = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: kept.iv, additionalData }, await this.key, kept.sealed));
    const length = new DataView(whole.buffer).getUint32(0);
    let place = 4 + length;
    const files = JSON.parse(new TextDecoder().decode(whole.subarray(4, place))).map(({ name, type, size }) => {
      const file = new File([whole.subarray(place, place + size)], name, { type });
      place += size;
      return file;
    });
    return { ...kept, files };
  }

  forget(id) {
    return within("readwrite", (store) => store.delete(id));
  }
}
