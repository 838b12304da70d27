import { fromJsonSchema, inputRequired, type McpServer, type ServerNotifier } from "@modelcontextprotocol/server";
import { noArguments, pause, pixel, says, silence } from "./fixture-samples.ts";
import { headerTool } from "./fixture-server.ts";

/** Tools that answer at once: each kind of content, progress, logging, errors and schemas. */
export function addContents(server: McpServer, changed: ServerNotifier | undefined): void {
  const add = (name: string, description: string, content: unknown): void => {
    server.registerTool(name, { description }, async () => ({ content }) as ReturnType<typeof says>);
  };
  const text = { type: "text", text: "Multiple content types test:" };
  const image = { type: "image", data: pixel, mimeType: "image/png" };
  const resource = (uri: string, mimeType: string, body: string) => ({
    type: "resource",
    resource: { uri, mimeType, text: body },
  });
  add("test_simple_text", "Says a text.", says("This is a simple text response for testing.").content);
  add("test_image_content", "Shows an image.", [image]);
  add("test_audio_content", "Plays silence.", [{ type: "audio", data: silence, mimeType: "audio/wav" }]);
  add("test_embedded_resource", "Embeds a resource.", [
    resource("test://embedded-resource", "text/plain", "This is an embedded resource content."),
  ]);
  add("test_multiple_content_types", "Shows a text, an image and a resource.", [
    text,
    image,
    resource("test://mixed-content-resource", "application/json", JSON.stringify({ test: "data", value: 123 })),
  ]);
  add("test_streaming_elicitation", "Asks nothing on its stream.", says("Only a result.").content);

  server.registerTool("test_error_handling", { description: "Fails." }, async () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
  server.registerTool(
    "test_reconnection",
    { description: "Takes a moment.", inputSchema: noArguments },
    async (_args, context) => {
      context.http?.closeSSE?.();
      await pause(100);
      return says("The answer came after the stream.");
    },
  );
  server.registerTool(
    "test_tool_with_logging",
    { description: "Logs.", inputSchema: noArguments },
    async (_args, context) => {
      for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
        await context.mcpReq.notify({ method: "notifications/message", params: { level: "info", data } });
        await pause(50);
      }
      return says("Logged.");
    },
  );
  server.registerTool(
    "test_logging_tool",
    { description: "Logs if asked.", inputSchema: noArguments },
    async (_args, context) => {
      await context.mcpReq.log("info", "Delivered only to requests that set a log level.");
      return says("Logged.");
    },
  );
  server.registerTool(
    "test_tool_with_progress",
    { description: "Progresses.", inputSchema: noArguments },
    async (_args, context) => {
      const progressToken = context.mcpReq._meta?.progressToken;
      for (const progress of progressToken === undefined ? [] : [0, 50, 100]) {
        const params = { progressToken: progressToken ?? "", progress, total: 100, message: `${progress} of 100` };
        await context.mcpReq.notify({ method: "notifications/progress", params });
        await pause(50);
      }
      return says(String(progressToken ?? "nobody asked"));
    },
  );
  server.registerTool(
    "test_missing_capability",
    { description: "Needs sampling.", inputSchema: noArguments },
    async (_args, context) =>
      context.mcpReq.inputResponses?.answer === undefined
        ? inputRequired({
            inputRequests: {
              answer: inputRequired.createMessage({
                messages: [{ role: "user", content: { type: "text", text: "Say pong." } }],
                maxTokens: 16,
              }),
            },
          })
        : says("Asked."),
  );

  server.registerTool(
    headerTool,
    {
      description: "Takes an argument that a header repeats.",
      inputSchema: fromJsonSchema<{ region?: string }>({
        type: "object",
        properties: { region: mirrored, level: { type: "integer" } },
      }),
    },
    async ({ region }) => says(`region=${region ?? "none"}`),
  );
  server.registerTool(
    "json_schema_2020_12_tool",
    { description: "Has a schema with much of JSON Schema 2020-12.", inputSchema: fromJsonSchema(wideSchema) },
    async (args) => says(JSON.stringify(args)),
  );
  server.registerTool(
    "test_trigger_tool_change",
    { description: "Tells of changed tools.", inputSchema: noArguments },
    async () => {
      changed?.toolsChanged();
      return says("Told.");
    },
  );
  server.registerTool(
    "test_trigger_prompt_change",
    { description: "Tells of changed prompts.", inputSchema: noArguments },
    async () => {
      changed?.promptsChanged();
      return says("Told.");
    },
  );
}

const mirrored: { type: "string" } = Object.assign({ type: "string" as const }, { "x-mcp-header": "Region" });

const wideSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object" as const,
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};
