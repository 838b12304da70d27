import { fromJsonSchema, type McpServer, type ServerContext } from "@modelcontextprotocol/server";
import { noArguments, oneText, says } from "./fixture-samples.ts";

type Question = Parameters<ServerContext["mcpReq"]["elicitInput"]>[0];

/** Tools of the sessionful revisions that ask the client something while they run. */
export function addQuestions(server: McpServer): void {
  const takes = <Key extends string>(key: Key) => fromJsonSchema<Record<Key, string>>(oneText(key));
  const elicit = async (context: ServerContext, message: string, requestedSchema: unknown) => {
    const params = { mode: "form", message, requestedSchema } as Question;
    const { action, content } = await context.mcpReq.send({ method: "elicitation/create", params });
    return says(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`);
  };

  server.registerTool(
    "test_sampling",
    { description: "Asks the client's model.", inputSchema: takes("prompt") },
    async ({ prompt }, context) => {
      const messages = [{ role: "user" as const, content: { type: "text" as const, text: prompt } }];
      const { content } = await context.mcpReq.send({
        method: "sampling/createMessage",
        params: { messages, maxTokens: 100 },
      });
      return says(`LLM response: ${"text" in content ? content.text : "none"}`);
    },
  );
  server.registerTool(
    "test_elicitation",
    { description: "Asks the user.", inputSchema: takes("message") },
    ({ message }, context) => elicit(context, message, oneText("response")),
  );
  server.registerTool(
    "test_elicitation_sep1034_defaults",
    { description: "Asks with defaults.", inputSchema: noArguments },
    (_args, context) => elicit(context, "Please review the form", withDefaults),
  );
  server.registerTool(
    "test_elicitation_sep1330_enums",
    { description: "Asks with choices.", inputSchema: noArguments },
    (_args, context) => elicit(context, "Please choose", withChoices),
  );
}

const withDefaults = {
  type: "object",
  properties: {
    name: { type: "string", default: "John Doe" },
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 95.5 },
    status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
    verified: { type: "boolean", default: true },
  },
  required: [],
};

const options = ["option1", "option2", "option3"];
const titled = (title: string) => ["1", "2", "3"].map((n) => ({ const: `value${n}`, title: `${title} ${n}` }));

const withChoices = {
  type: "object",
  properties: {
    untitledSingle: { type: "string", enum: options },
    titledSingle: { type: "string", oneOf: titled("Option") },
    legacyEnum: {
      type: "string",
      enum: ["opt1", "opt2", "opt3"],
      enumNames: ["Option One", "Option Two", "Option Three"],
    },
    untitledMulti: { type: "array", minItems: 1, maxItems: 3, items: { type: "string", enum: options } },
    titledMulti: { type: "array", minItems: 1, maxItems: 3, items: { anyOf: titled("Choice") } },
  },
  required: [],
};
