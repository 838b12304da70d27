import type { FastifyInstance } from "fastify";

const path = "/.well-known/portcullis-client.json";

/** The client id by which Portcullis is known to servers that read such documents; undefined without a public https URL. */
export const clientDocumentUrl = (publicUrl: string | undefined): string | undefined =>
  publicUrl?.startsWith("https:") ? publicUrl.replace(/\/+$/, "") + path : undefined;

/** Tells login servers of others who Portcullis is (OAuth client id metadata document): nothing in it is secret, and the code comes to loopback alone. */
export function addClientDocument(app: FastifyInstance, publicUrl: string | undefined): void {
  const id = clientDocumentUrl(publicUrl);
  if (id === undefined) return;
  const document = {
    client_id: id,
    client_name: "Portcullis",
    // Any port of loopback is meant (RFC 8252, 7.3).
    redirect_uris: ["http://127.0.0.1/callback"],
    application_type: "native",
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
  app.get(path, (_request, reply) => reply.header("cache-control", "public, max-age=3600").send(document));
}
