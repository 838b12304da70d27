import type { Guard } from "./guard.ts";

const tests = ["test/e2e/console.test.ts"];
const only = "O5.login";

/** What keeps the console to the owner at this machine. */
export const consoleGuards: readonly Guard[] = [
  {
    name: "the console is for this machine alone",
    file: "transports/http/console/console-door.ts",
    from: "if (!isLocal(request.raw))",
    to: "if (!isLocal && !request.raw)",
    tests,
    only,
  },
  {
    name: "what a proxy passes on is not from this machine",
    file: "transports/http/check-sender.ts",
    from: "forwarding.every((name) => headers[name] === undefined)",
    to: "forwarding.length > 0",
    tests,
    only,
  },
  {
    name: "another site's page cannot use the console",
    file: "transports/http/console/console-door.ts",
    from: 'if (site !== undefined && site !== "same-origin"',
    to: 'if (String(site).length > 99 && site !== "same-origin"',
    tests,
    only,
  },
  {
    name: "only the owner is let into the console",
    file: "transports/http/console/console-door.ts",
    from: "if ((await corridor.identify(credential))?.owner)",
    to: "if (await corridor.identify(credential))",
    tests,
    only,
  },
  {
    name: "only the owner is answered by the console",
    file: "pipeline/methods.ts",
    from: "if (caller.owner && !caller.narrowing) return answer(asked, caller);",
    to: "if (caller) return answer(asked, caller);",
    tests,
    only,
  },
  {
    name: "logging out ends the login on the server",
    file: "transports/http/console/console-door.ts",
    from: "      await corridor.leave(originOf(request).credential);\n",
    to: "      await Promise.resolve(originOf(request));\n",
    tests,
    only,
  },
];
