// A certified OpenID Connect provider (npm: oidc-provider) on this machine, with two clients: one signed to with RSA, one with P-256.
// argv: port, address to send people back to, secret of the clients. Prints "ready" when it listens. Whoever signs in is who she says.
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const [port, back, secret] = process.argv.slice(2);
const key = (kind, options, kid, alg) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }), kid, alg, use: "sig",
});
const client = (id, alg) => ({
  client_id: id, client_secret: secret, redirect_uris: [back], grant_types: ["authorization_code"], response_types: ["code"],
  id_token_signed_response_alg: alg,
});
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [client("khana-rsa", "RS256"), client("khana-p256", "ES256")],
  cookies: { keys: [secret] },
  jwks: { keys: [key("rsa", { modulusLength: 2048 }, "of-rsa", "RS256"), key("ec", { namedCurve: "P-256" }, "of-p256", "ES256")] },
  findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  pkce: { required: () => true },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
