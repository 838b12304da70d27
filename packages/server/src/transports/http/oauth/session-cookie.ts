import type { Session } from "@portcullis/contracts";
import { cookieName } from "../credential.ts";

/** The pages where a browser's login counts: documents, the owner's answers to clients and to refused calls, and the console. */
const places = ["/d/", "/oauth/", "/consent", "/console"];

/** The cookies of a login. They hold a session, never the token: it ends by itself, and other servers on this host see each other's cookies. */
export const toSessionCookies = ({ session, expiresInMs }: Session, secure: boolean): string[] =>
  places.map(
    (path) =>
      `${cookieName}=${session}; Path=${path}; HttpOnly; SameSite=Strict; Max-Age=${Math.floor(expiresInMs / 1_000)}${secure ? "; Secure" : ""}`,
  );

/** Ends a login in this browser. */
export const endedCookies = (secure: boolean): string[] =>
  places.map((path) => `${cookieName}=; Path=${path}; HttpOnly; SameSite=Strict; Max-Age=0${secure ? "; Secure" : ""}`);
