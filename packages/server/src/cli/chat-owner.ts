import { type Client, connect } from "@portcullis/client";
import { type OpenRequest, plain } from "@portcullis/contracts";
import { toChoice } from "../consent/choice.ts";
import type { Invocation } from "./command.ts";
import { type OfferFacts, type RequestFacts, toRequestText } from "./consent-text.ts";
import { openDesk } from "./open-desk.ts";

/** A request that is put to the owner, as a text, and the answers that they can give by a number or a word. */
export interface PutRequest {
  readonly text: string;
  readonly offers: readonly (OfferFacts & { readonly choice: Readonly<Record<string, unknown>> })[];
}

/** Who can answer requests here. What goes wrong is an Error with a message for a person. */
export interface OwnerDesk {
  find(id: string): Promise<PutRequest | undefined>;
  answer(id: string, choice: Readonly<Record<string, unknown>>): Promise<"allowed" | "denied">;
  close(): Promise<void>;
}

/** The owner is whoever holds the data folder. */
export async function openOwnDesk(invocation: Invocation): Promise<OwnerDesk> {
  const { desk, close } = await openDesk(invocation);
  return {
    async find(id) {
      const request = await desk.find(id);
      if (!request) return undefined;
      const offers = await desk.offers(request);
      return {
        text: toRequestText(request, offers, Date.now()),
        offers: offers.map((offer) => ({ ...offer, choice: { ...offer.choice } })),
      };
    },
    async answer(id, choice) {
      const { grant } = await desk.answer(id, toChoice(choice), { owner: true, name: "owner", door: "cli" });
      return grant?.effect === "allow" ? "allowed" : "denied";
    },
    close,
  };
}

/** The owner is whoever holds the owner's token of a server elsewhere. */
export async function openDeskByToken(url: string, token: string): Promise<OwnerDesk> {
  const client: Client = await connect({ url, token });
  return {
    async find(id) {
      const { requests } = (await client.request("consent.list")) as { readonly requests: readonly OpenRequest[] };
      const request = requests.find((one) => one.id === id);
      if (!request) return undefined;
      const offers = request.offers.map(({ answer, for: span, folder, opens, ...offer }) => ({
        ...(offer as OfferFacts),
        ...(opens && { opens: { files: opens.files, secrets: opens.sensitive, whole: opens.whole } }),
        choice: { answer, ...(span !== undefined && { for: span }), ...(folder !== undefined && { folder }) },
      }));
      return { text: toRequestText(toFacts(request), offers, Date.now()), offers };
    },
    async answer(id, choice) {
      const { grant } = (await client.request("consent.answer", { id, ...choice })) as {
        readonly grant?: { readonly effect: string };
      };
      return grant?.effect === "allow" ? "allowed" : "denied";
    },
    close: () => client.close(),
  };
}

const toFacts = ({ resources, expiresAt, ...request }: OpenRequest): RequestFacts => ({
  ...(request as unknown as RequestFacts),
  resources: resources.map((uri) => ({ uri })),
  expiresAt: Date.parse(expiresAt),
  answer: null,
});

/** What the owner typed, as an answer: the number of an offer or its word; anything else is no. */
export function toAnswer(line: string, { offers }: PutRequest): Readonly<Record<string, unknown>> {
  const said = line.trim().toLowerCase();
  const named = said === "folder" ? "folder-hour" : said;
  const at = /^\d{1,2}$/.test(said) ? Number(said) - 1 : offers.findIndex(({ name }) => name === named);
  return offers[at]?.choice ?? { answer: "deny" };
}

/** Why an answer was not taken. */
export const toWords = (error: unknown): string => plain(error instanceof Error ? error.message : String(error));
