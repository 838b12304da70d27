import type { Session } from "@portcullis/contracts";
import { cookieName } from "../credential.ts";

/** The pages where a browser's login counts: documents, and the owner's answers to clients and to refused calls. */
const places = ["/d/", "/oauth/", "/consent"];

/** The cookies of a login. They hold a session, never the token: it ends by itself, and other servers on this host see each other's cookies. */
export const toSessionCookies = ({ session, expiresInMs }: Session, secure: boolean): string[] =>
  places.map(
    (path) =>
      `${cookieName}=${session}; Path=${path}; HttpOnly; SameSite=Strict; Max-Age=${Math.floor(expiresInMs / 1_000)}${secure ? "; Secure" : ""}`,
  );
