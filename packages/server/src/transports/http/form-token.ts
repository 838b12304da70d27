import { createHmac, timingSafeEqual } from "node:crypto";

/** What a form has in it that nobody but a page about this, opened in this session, can know. */
export const toFormToken = (session: string, about: string): string =>
  createHmac("sha256", session).update(`form ${about}`).digest("base64url");

export const isFormToken = (given: string, wanted: string): boolean =>
  given.length === wanted.length && timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
