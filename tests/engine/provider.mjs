// A certified OpenID Connect provider (npm: oidc-provider) on this machine, with two clients that have a secret (one signed to
// with RSA, one with P-256) and two that sign for themselves with a key of theirs.
// argv: port, address to send people back to, secret of the clients, public keys of the two others. Prints "ready" when it listens. Whoever signs in is who she says.
import { generateKeyPairSync } from "node:crypto";
import { Provider } from "oidc-provider";

const [port, back, secret, publicKeys] = process.argv.slice(2);
const key = (kind, options, kid, alg) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }), kid, alg, use: "sig",
});
const client = (id, alg) => ({
  client_id: id, client_secret: secret, redirect_uris: [back], grant_types: ["authorization_code"], response_types: ["code"],
  id_token_signed_response_alg: alg,
});
const signing = (jwk) => {
  const { client_secret: _, ...rest } = client(`khana-signs-${jwk.kty}`, "ES256");
  return { ...rest, token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [jwk] } };
};
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [client("khana-rsa", "RS256"), client("khana-p256", "ES256"), ...JSON.parse(publicKeys).map(signing)],
  cookies: { keys: [secret] },
  jwks: { keys: [key("rsa", { modulusLength: 2048 }, "of-rsa", "RS256"), key("ec", { namedCurve: "P-256" }, "of-p256", "ES256")] },
  findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
  clientAuthMethods: ["client_secret_basic", "private_key_jwt"],
  pkce: { required: () => true },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
