import {
  acceptedContent,
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  type InputRequests,
  type InputRequiredResult,
  inputRequired,
  type McpServer,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { noArguments, oneText, says } from "./fixture-samples.ts";
import type { StateCodec } from "./fixture-server.ts";

const askText = (message: string, key: string) => inputRequired.elicit({ message, requestedSchema: oneText(key) });
const askOk = () =>
  inputRequired.elicit({
    message: "Please confirm",
    requestedSchema: { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] },
  });
const askModel = (text: string) =>
  inputRequired.createMessage({ messages: [{ role: "user", content: { type: "text", text } }], maxTokens: 50 });

type Answered = CallToolResult | InputRequiredResult;

/** Tools of the stateless revision that answer with questions, and are called again with the answers. */
export function addRounds(server: McpServer, state: StateCodec): void {
  const add = (name: string, run: (context: ServerContext) => Answered | Promise<Answered>): void => {
    const description = "Asks in rounds.";
    server.registerTool(
      `test_input_required_result_${name}`,
      { description, inputSchema: noArguments },
      async (_args, context) => run(context),
    );
  };
  const accepted = <T extends Record<string, unknown>>(context: ServerContext, key: string) =>
    acceptedContent<T>(context.mcpReq.inputResponses, key);
  const answerOf = <T>(context: ServerContext, key: string) => context.mcpReq.inputResponses?.[key] as T | undefined;
  const mint = (facts: Record<string, unknown>) => state.mint({ ...facts, nonce: crypto.randomUUID() });

  add("elicitation", (context) => {
    const name = accepted<{ name: string }>(context, "user_name")?.name;
    if (typeof name === "string") return says(`Hello, ${name}!`);
    return inputRequired({ inputRequests: { user_name: askText("What is your name?", "name") } });
  });
  add("sampling", (context) => {
    const answer = answerOf<{ content?: { text?: string } }>(context, "capital_question");
    if (answer) return says(`Sampling response: ${answer.content?.text ?? JSON.stringify(answer)}`);
    return inputRequired({ inputRequests: { capital_question: askModel("What is the capital of France?") } });
  });
  add("list_roots", (context) => {
    const roots = answerOf<{ roots?: { uri: string }[] }>(context, "client_roots")?.roots;
    if (roots) return says(`Roots: ${roots.map(({ uri }) => uri).join(", ")}`);
    return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
  });
  add("request_state", async (context) => {
    if (accepted(context, "confirm") !== undefined && context.mcpReq.requestState() !== undefined)
      return says("state-ok");
    return inputRequired({ inputRequests: { confirm: askOk() }, requestState: await mint({ tool: "request_state" }) });
  });
  add("tampered_state", async (context) => {
    if (accepted(context, "confirm") !== undefined && context.mcpReq.requestState() !== undefined)
      return says("integrity-ok");
    return inputRequired({ inputRequests: { confirm: askOk() }, requestState: await mint({ tool: "tampered_state" }) });
  });
  add("multiple_inputs", async (context) => {
    const name = accepted<{ name: string }>(context, "user_name")?.name;
    const greeting = answerOf<{ content?: { text?: string } }>(context, "greeting")?.content?.text;
    const roots = answerOf<{ roots?: unknown[] }>(context, "client_roots")?.roots;
    if (name !== undefined && greeting !== undefined && roots)
      return says(`${greeting} ${name}, ${roots.length} roots`);
    return inputRequired({
      inputRequests: {
        user_name: askText("What is your name?", "name"),
        greeting: askModel("Generate a greeting"),
        client_roots: inputRequired.listRoots(),
      },
      requestState: await mint({ tool: "multiple_inputs" }),
    });
  });
  add("multi_round", async (context) => {
    const known = context.mcpReq.requestState<{ round?: number; name?: string }>();
    if (known?.round === undefined) {
      const requestState = await mint({ round: 1 });
      return inputRequired({ inputRequests: { step1: askText("Step 1: What is your name?", "name") }, requestState });
    }
    if (known.round === 1) {
      const name = accepted<{ name: string }>(context, "step1")?.name ?? "someone";
      const requestState = await mint({ round: 2, name });
      return inputRequired({
        inputRequests: { step2: askText("Step 2: What is your favourite colour?", "color") },
        requestState,
      });
    }
    return says(`${known.name} likes ${accepted<{ color: string }>(context, "step2")?.color}`);
  });
  add("capabilities", (context) => {
    if (context.mcpReq.inputResponses !== undefined) return says("Answered.");
    const envelope = context.mcpReq.envelope as Record<string, unknown> | undefined;
    const declared = (envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? {}) as Record<string, unknown>;
    const inputRequests: InputRequests = {
      ...(declared.elicitation !== undefined && { user_name: askText("What is your name?", "name") }),
      ...(declared.sampling !== undefined && { greeting: askModel("Generate a greeting") }),
      ...(declared.roots !== undefined && { client_roots: inputRequired.listRoots() }),
    };
    return Object.keys(inputRequests).length === 0 ? says("Nothing to ask.") : inputRequired({ inputRequests });
  });
}
