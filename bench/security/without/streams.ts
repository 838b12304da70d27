import type { Guard } from "./guard.ts";

const events = ["test/e2e/events.test.ts"];
const resources = ["test/e2e/resources.test.ts"];

/** Of events, streams and the redaction of what is large. */
export const streamGuards: readonly Guard[] = [
  {
    name: "each event is judged by its own resource",
    file: "adapters/fs/watch.ts",
    from: "const there = allows(toFile(path));",
    to: "const there = allows === allows;",
    tests: events,
    only: "D1.watch",
  },
  {
    name: "a withdrawn permission ends a silent subscription",
    file: "pipeline/deliver.ts",
    from: '    judge(parts, subscription);\n  } catch (error) {\n    endWith(parts, subscription, error, "remove");',
    to: '    void parts;\n  } catch (error) {\n    endWith(parts, subscription, error, "remove");',
    tests: events,
    only: "E1.withdrawn",
  },
  {
    name: "a subscription is gone on with by its own token alone",
    file: "pipeline/subscriptions.ts",
    from: "return found?.caller.grant === grant && found.caller.subject === subject ? found : undefined;",
    to: "return grant === subject ? undefined : found;",
    tests: events,
    only: "E1.resume",
  },
  {
    name: "commits that policy hides are not told",
    file: "adapters/git/new-commits.ts",
    from: "showCommit(raw, repository.top, repository.allows)",
    to: "showCommit(raw, repository.top, () => true)",
    tests: ["test/e2e/git-events.test.ts"],
  },
  {
    name: "a consent request is told to whoever asked",
    file: "events/consent-topic.ts",
    from: "if (!owner && (request.subject !== subject || request.client !== grant)) continue;",
    to: "if (!owner && subject === grant) continue;",
    tests: events,
    only: "E1.consent",
  },
  {
    name: "what is before an offset is looked at",
    file: "pipeline/resource-pieces.ts",
    from: "Math.max(0, span.start - around)",
    to: "Math.max(0, span.start)",
    tests: resources,
  },
  {
    name: "bytes are masked too, also as text of two bytes a letter",
    file: "pipeline/resource-pieces.ts",
    from: "scrub: text ? scrub : scrubBytes(scrub),",
    to: "scrub: text ? scrub : (piece) => (scrubBytes(scrub), { value: piece, masked: {} }),",
    tests: resources,
  },
  {
    name: "a permission withdrawn ends a stream",
    file: "pipeline/stream-resource.ts",
    from: "      judge(parts, question);\n      const bytes",
    to: "      void [judge, question];\n      const bytes",
    tests: resources,
  },
  {
    name: "a line has a longest length",
    file: "adapters/mcp/lines.ts",
    from: "if (size > longest) {",
    to: "if (size > longest * 1e9) {",
    tests: ["packages/server/src/adapters/mcp/hostile-upstream.test.ts"],
    only: "endless",
  },
  {
    name: "what is large or costly is not searched on the event loop",
    file: "redaction/redactor.ts",
    from: "if (measureText(value, longestBetween) > 0) {",
    to: "if (measureText(value, longestBetween) > -1e9) {",
    tests: ["packages/server/src/redaction/scrub-threads.test.ts"],
  },
  {
    name: "over the budget is withheld",
    file: "redaction/budget.ts",
    from: "if (this.#left < 0)",
    to: "if (this.#left < -1e15)",
    tests: ["packages/server/src/redaction/scrub-threads.test.ts", "packages/server/src/redaction/redactor.test.ts"],
  },
  {
    name: "no secret in arguments leaves the machine",
    file: "pipeline/guard-arguments.ts",
    from: "if (kinds.length === 0) return;",
    to: "if (kinds.length >= 0) return;",
    tests: ["test/e2e/redaction.test.ts"],
    only: "R2.arguments",
  },
];
