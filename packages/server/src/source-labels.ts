import type { Labels, Resource } from "@portcullis/contracts";
import type { Prompts, ServedFolder } from "./adapters/adapter.ts";
import { openAiUrl, readBaseUrl } from "./adapters/openai-store/base-url.ts";
import type { Settings } from "./config/settings.ts";
import { pathOf } from "./policy/canonical.ts";
import { compileName } from "./policy/name-pattern.ts";

export interface SourceLabels {
  labelsOf(resource: Resource): Labels;
  /** Of every served folder: what a question to the whole index may tell of. */
  readonly all: readonly Labels[];
}

/**
 * What sources say of what they hold: a served folder is private by its name, and so is a vector store, whose queries leave this machine. Other files are
 * private as `files`. Messages of Discord are untrusted, under the name `discord`. The owner's settings go before that.
 */
export function createSourceLabels(options: {
  readonly folders: readonly ServedFolder[];
  readonly stores: Settings["openaiStores"];
  /** HTTP APIs, by where they are. */
  readonly apis?: readonly { readonly name: string; readonly base: string; readonly labels: Labels }[];
  /** What is known of models by their names. */
  readonly models?: ReadonlyMap<string, Labels>;
  /** The prompts of other servers. */
  readonly prompts?: readonly Pick<Prompts, "labelsOf">[];
  readonly said: Settings["flow"]["sources"];
}): SourceLabels {
  const { folders, stores, apis = [], models, prompts = [], said } = options;
  const of = (name: string): Labels => {
    const { name: _, ...labels } = said.find((one) => one.name === name) ?? { name };
    return { private: name, ...labels };
  };
  // The longest first, so that a folder inside another goes by its own name.
  const byPath = folders
    .map(({ name, path }) => ({ path, labels: of(name) }))
    .sort((a, b) => b.path.length - a.path.length);
  const byUrl = stores.map(({ name, vectorStore, baseUrl, untrusted }) => ({
    url: `${readBaseUrl(baseUrl ?? openAiUrl)}/vector_stores/${vectorStore}/`,
    labels: { ...(untrusted && { untrusted }), ...of(name), egress: true },
  }));
  const files: Labels = { private: "files" };
  const none: Labels = {};
  const byBase = apis.map(({ name, base, labels }) => {
    const { name: _, ...own } = said.find((one) => one.name === name) ?? { name };
    return { base, labels: { ...labels, ...own, egress: true } };
  });
  const ofApi = (href: string): Labels | undefined =>
    byBase.find(({ base }) => href.startsWith(base) && /^([/?]|$)/.test(href.slice(base.length)))?.labels;
  // Whoever is in a channel writes there; whether it is private the owner says.
  const { name: _, ...messagesSaid } = said.find((one) => one.name === "discord") ?? { name: "" };
  const { private: own, clearance = [] } = messagesSaid;
  // What is in Discord may be told to Discord.
  const cleared = own === undefined ? clearance : [own, ...clearance];
  const messages: Labels = { untrusted: true, ...messagesSaid, ...(cleared.length > 0 && { clearance: cleared }) };
  // The owner's own prompts have no dot.
  const labelsOfPrompt = (name: string): Labels =>
    prompts.map((one) => one.labelsOf?.(name)).find((labels) => labels !== undefined) ??
    (name.includes(".") ? { egress: true, untrusted: true } : none);
  return {
    all: [...byPath.map(({ labels }) => labels)],
    labelsOf(resource) {
      if (resource.kind === "url" && resource.href.startsWith("model://"))
        // One that is not known is as far away as can be.
        return models?.get(resource.href.slice("model://".length)) ?? { egress: true, untrusted: true };
      if (resource.kind === "url" && resource.href.startsWith("prompt://"))
        return labelsOfPrompt(resource.href.slice("prompt://".length).replace("/", "."));
      if (resource.kind === "url")
        return byUrl.find(({ url }) => resource.href.startsWith(url))?.labels ?? ofApi(resource.href) ?? none;
      if (resource.kind === "index") return none;
      if (resource.kind === "discord") return messages;
      const path = pathOf(resource);
      const holds = (folder: string): boolean =>
        path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
      return byPath.find((folder) => holds(folder.path))?.labels ?? files;
    },
  };
}

/** Whether a subject is among those that patterns name. */
export function toSubjects(patterns: readonly string[]): (subject: string) => boolean {
  const names = patterns.map((text) => compileName(text, "@"));
  return (subject) => names.some((name) => name.matches(subject));
}
