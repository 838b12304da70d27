// The way out to the network, held against URLs, names, redirects and servers that are made to break it, in a network in which every address answers.
import { parseArgs } from "node:util";
import { machine } from "../measure.ts";
import { readCorpus } from "./corpus.ts";
import { type BehaviourCase, tryHostile } from "./network/hostile.ts";
import { enterNamespace } from "./network/namespace.ts";
import { type Attack, trySsrf } from "./network/ssrf.ts";
import { type HostCase, tryUrls, type UrlCase } from "./network/urls.ts";

const { values } = parseArgs({ options: { only: { type: "string", default: "ssrf,urls,hostile" } } });
const attacks = readCorpus<Attack>("ssrf");
const urls = readCorpus<UrlCase>("url-whatwg");
const hosts = readCorpus<HostCase>("url-toascii");

console.log(process.env.PORTCULLIS_NAMESPACE === "1" ? machine() : "");
const parts: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  ssrf: async () => (attacks ? trySsrf(attacks) : [missing("ssrf")]),
  hostile: async () => tryHostile(readCorpus<BehaviourCase>("ssrf-behaviours") ?? []),
  urls: async () => (urls && hosts ? tryUrls(urls, hosts) : [missing("url-whatwg and url-toascii")]),
};
const none = enterNamespace(import.meta.filename);
if (none !== undefined) {
  console.log(none);
  process.exit(0);
}

let failed = 0;
for (const name of values.only.split(",")) {
  for (const line of (await parts[name]?.()) ?? []) {
    console.log(line);
    if (line.startsWith("FAILED")) failed += 1;
  }
}
process.exit(failed === 0 ? 0 : 1);

function missing(name: string): string {
  return `No corpus: PORTCULLIS_CORPORA names no folder with ${name}.jsonl.gz.`;
}
