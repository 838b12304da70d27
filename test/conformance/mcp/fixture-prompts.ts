import {
  acceptedContent,
  fromJsonSchema,
  inputRequired,
  type McpServer,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { oneText, pixel } from "./fixture-samples.ts";

const user = <Content>(content: Content) => ({ role: "user" as const, content });
const text = (said: string) => user({ type: "text" as const, text: said });

export function addPrompts(server: McpServer): void {
  server.registerPrompt("test_simple_prompt", { description: "Takes nothing." }, async () => ({
    messages: [text("This is a simple prompt for testing.")],
  }));
  server.registerPrompt(
    "test_prompt_with_arguments",
    {
      description: "Takes two arguments.",
      argsSchema: fromJsonSchema<{ arg1: string; arg2: string }>({
        type: "object",
        properties: { arg1: { type: "string" }, arg2: { type: "string" } },
        required: ["arg1", "arg2"],
      }),
    },
    async ({ arg1, arg2 }) => ({ messages: [text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
  );
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description: "Embeds a resource.", argsSchema: fromJsonSchema<{ resourceUri: string }>(oneText("resourceUri")) },
    async ({ resourceUri: uri }) => ({
      messages: [
        user({
          type: "resource" as const,
          resource: { uri, mimeType: "text/plain", text: "Embedded resource content for testing." },
        }),
        text("Please process the embedded resource above."),
      ],
    }),
  );
  server.registerPrompt("test_prompt_with_image", { description: "Shows an image." }, async () => ({
    messages: [
      user({ type: "image" as const, data: pixel, mimeType: "image/png" }),
      text("Please look at the image above."),
    ],
  }));
  server.registerPrompt(
    "test_input_required_result_prompt",
    { description: "Asks before it answers." },
    async (only) => {
      // A prompt without arguments is given the context first.
      const { mcpReq } = only as unknown as ServerContext;
      const context = acceptedContent<{ context: string }>(mcpReq.inputResponses, "user_context")?.context;
      if (typeof context === "string") return { messages: [text(`Use the following context: ${context}`)] };
      const user_context = inputRequired.elicit({
        message: "What context should the prompt use?",
        requestedSchema: oneText("context"),
      });
      return inputRequired({ inputRequests: { user_context } });
    },
  );
}
