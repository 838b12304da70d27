import { type Static, Type } from "typebox";
import { Model, Source } from "./source-settings.ts";
import { Stores } from "./store-settings.ts";

const closed = { additionalProperties: false } as const;
const count = (minimum: number, fallback: number, description: string) =>
  Type.Integer({ minimum, default: fallback, description });

const OpenAiStore = Type.Object(
  {
    name: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$" }),
    vectorStore: Type.String({ pattern: "^[A-Za-z0-9_-]{1,128}$" }),
    apiKey: Type.String({ pattern: "^[\\x21-\\x7e]+$" }),
    baseUrl: Type.Optional(Type.String()),
    organization: Type.Optional(Type.String()),
    project: Type.Optional(Type.String()),
    ranker: Type.Optional(Type.Enum(["auto", "none", "default-2024-11-15"])),
    scoreThreshold: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    rewriteQuery: Type.Optional(Type.Boolean()),
    untrusted: Type.Optional(Type.Boolean()),
  },
  closed,
);

const FlowSource = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 200 }),
    private: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    public: Type.Optional(Type.Boolean()),
    untrusted: Type.Optional(Type.Boolean()),
    clearance: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 64 })),
  },
  closed,
);

const snowflake = Type.String({ pattern: "^[1-9][0-9]{0,18}$" });

const DiscordChannel = Type.Object(
  {
    guild: snowflake,
    channel: snowflake,
    messages: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    days: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  },
  closed,
);

/**
 * Every setting, its default and what it does: the configuration file's schema, and the source of docs/configuration.md. The environment
 * variable of `limits.turnCalls` is `PORTCULLIS_LIMITS_TURN_CALLS`, and so on for each key.
 */
const AdapterModule = Type.Object(
  {
    name: Type.String({ pattern: "^[a-z][A-Za-z0-9]{0,23}$" }),
    module: Type.String({ pattern: "^(/|~/).+", maxLength: 4_096 }),
    options: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { maxProperties: 256 })),
  },
  closed,
);

export const Settings = Type.Object(
  {
    host: Type.String({
      default: "127.0.0.1",
      description: "Address to listen on. Anything but loopback needs `behindProxy`.",
    }),
    port: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 8088,
      description: "Port to listen on; 0 takes a free one.",
    }),
    folders: Type.Array(Type.String({ minLength: 1 }), { default: [], description: "Folders to serve." }),
    profile: Type.Enum(["full", "chatgpt"], {
      default: "full",
      description: "Which tools MCP clients see: all, or only search and fetch.",
    }),
    publicUrl: Type.String({
      default: "",
      description: "The URL under which clients reach the server, when it is not the one it listens on.",
    }),
    behindProxy: Type.Boolean({
      default: false,
      description: "Declares that a proxy with TLS stands before the server.",
    }),
    allowedHosts: Type.Array(Type.String(), {
      default: [],
      description: "Host headers to accept beside the loopback names and publicUrl's.",
    }),
    allowedOrigins: Type.Array(Type.String(), {
      default: [],
      description: "Origin headers to accept beside the server's own.",
    }),
    policies: Type.String({
      default: "",
      description: "Folder of the policy files; by default `policies` in the data folder.",
    }),
    prompts: Type.String({
      default: "",
      description: "Folder of prompt templates; by default `prompts` in the data folder.",
    }),
    redact: Type.Object(
      {
        patterns: Type.Array(Type.String({ minLength: 1 }), {
          default: [],
          description: "Your own patterns of secrets, in RE2 syntax.",
        }),
        secretFiles: Type.Array(Type.String({ minLength: 1 }), {
          default: [],
          description: "Files whose values are masked wherever they turn up, plain or encoded: `.env`, JSON, or keys.",
        }),
        secretVariables: Type.Array(Type.String({ minLength: 1 }), {
          default: [],
          description: "Environment variables whose values are masked in the same way.",
        }),
        arguments: Type.Enum(["refuse", "allow"], {
          default: "refuse",
          description: "What becomes of a call whose arguments would carry a secret off this machine.",
        }),
      },
      { ...closed, default: {} },
    ),
    limits: Type.Object(
      {
        turnCalls: count(1, 25, "Tool calls in one turn of a model."),
        turnCeiling: count(1, 1_000, "Tool calls of one token over all its turns, within the window."),
        turnIdleMs: count(1, 30_000, "A turn closes after this long without a call."),
        turnWindowMs: count(1, 300_000, "A turn closes this long after it opened, and the ceiling's window."),
        callMs: count(1, 55_000, "How long one call may take; ChatGPT gives up at about 60 s."),
        concurrentCalls: count(1, 256, "Calls of one token that may run at once."),
        maxBytes: count(1, 5_242_880, "The most bytes in one answer where no scope says less."),
      },
      { ...closed, default: {} },
    ),
    consent: Type.Object(
      {
        perSubject: count(0, 3, "Requests of one subject that may wait for the owner at once; 0 asks nobody."),
        total: count(1, 100, "Requests of all subjects together that may wait for the owner."),
        openMs: count(1_000, 600_000, "How long a request waits for the owner; no answer means no."),
        onceMs: count(1_000, 300_000, "How long what was allowed for one call waits for that call."),
      },
      { ...closed, default: {} },
    ),
    files: Type.Object(
      {
        maxWriteBytes: count(1, 5_242_880, "The largest file that fs.writeFile writes or replaces."),
        versions: Type.Object(
          {
            perFile: count(1, 50, "Old versions of one file that are kept."),
            bytes: count(1, 268_435_456, "Bytes of all old versions together; the oldest go first."),
            days: count(1, 90, "Days after which an old version goes."),
          },
          { ...closed, default: {} },
        ),
      },
      { ...closed, default: {} },
    ),
    traces: Type.Object(
      {
        url: Type.String({
          default: "",
          pattern: "^(https?://[^\\s]+)?$",
          description:
            "A collector of OpenTelemetry traces (OTLP over HTTP), such as http://127.0.0.1:4318/v1/traces; empty sends none.",
        }),
        key: Type.String({ default: "", description: "A bearer token for the collector." }),
        share: Type.Number({
          default: 1,
          minimum: 0,
          maximum: 1,
          description: "The share of traces that begin here which are sent; a caller's own are followed as it says.",
        }),
      },
      { ...closed, default: {} },
    ),
    audit: Type.Object(
      {
        durability: Type.Enum(["process", "power"], {
          default: "process",
          description: "Which failure a record survives before its answer leaves: of the process, or of the power.",
        }),
        values: Type.Enum(["readable", "hmac"], {
          default: "readable",
          description:
            "How arguments are kept: short texts readable and long ones by their HMAC, or every text by its HMAC. Answers are never kept, only their HMAC.",
        }),
        witness: Type.Object(
          {
            folder: Type.String({
              default: "",
              description: "A folder, best on another disk or machine, that gets every signed checkpoint.",
            }),
            git: Type.String({
              default: "",
              description: "A git remote (path or URL) that gets signed checkpoints as commits.",
            }),
            branch: Type.String({
              pattern: "^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$",
              default: "main",
              description: "The branch that they are pushed to.",
            }),
            everySeconds: count(1, 60, "The least time between two pushes."),
          },
          { ...closed, default: {} },
        ),
      },
      { ...closed, default: {} },
    ),
    stores: Stores,
    embeddings: Type.Object(
      {
        url: Type.String({
          default: "",
          description:
            "Where texts are embedded, so that search finds by meaning too: http://127.0.0.1:11434 of Ollama, or an OpenAI-compatible URL with its version. Empty: words alone count.",
        }),
        kind: Type.Enum(["ollama", "openai"], { default: "ollama", description: "What the endpoint speaks." }),
        model: Type.String({ default: "", description: "The model; needed with `url`." }),
        key: Type.String({ default: "", description: "The endpoint's key." }),
        dimensions: Type.Integer({
          minimum: 0,
          maximum: 8_192,
          default: 0,
          description: "Asked of models that can give fewer dimensions than they have; 0 asks for none.",
        }),
      },
      { ...closed, default: {} },
    ),
    vectors: Type.Object(
      {
        engine: Type.Enum(["sqlite", "chroma"], {
          default: "sqlite",
          description: "Where vectors are kept: in the data folder, or on a Chroma server.",
        }),
        chromaUrl: Type.String({ default: "", description: "The Chroma server's URL." }),
        chromaKey: Type.String({ default: "", description: "The Chroma server's token." }),
      },
      { ...closed, default: {} },
    ),
    openaiStores: Type.Array(OpenAiStore, {
      default: [],
      maxItems: 16,
      description:
        "OpenAI vector stores that search and fetch look in too. Nothing is sent to one before a policy allows its URL.",
    }),
    models: Type.Array(Model, {
      default: [],
      maxItems: 16,
      description:
        "Models that sampling.create asks, the first by default (docs/sampling.md). A prompt leaves this machine only for one that is cleared for what is in it.",
    }),
    sources: Type.Array(Source, {
      default: [],
      maxItems: 64,
      description:
        "Other servers whose tools are offered here: MCP servers (`kind: mcp`) and HTTP APIs with an OpenAPI document (`kind: openapi`); docs/upstream.md and docs/openapi.md tell their keys.",
    }),
    adapters: Type.Array(AdapterModule, {
      default: [],
      maxItems: 64,
      description:
        "Sources of your own making: `name`, `module` (the file of an adapter, which runs inside the server) and its `options`; docs/adapters.md tells how one is written.",
    }),
    discord: Type.Object(
      {
        channels: Type.Array(DiscordChannel, {
          default: [],
          maxItems: 256,
          description:
            'Channels whose messages are kept and found, each `{ guild: "…", channel: "…" }` (ids in quotes), with `messages` and `days` where they are read back otherwise than the others. Threads come with their channel. Empty: nothing of Discord is loaded.',
        }),
        tokenFile: Type.String({
          default: "",
          description:
            "The file that holds the bot's token, alone or as `DISCORD_TOKEN=…`. It is masked wherever it turns up.",
        }),
        tokenVariable: Type.String({
          default: "",
          description: "The environment variable that holds the bot's token instead.",
        }),
        messages: count(0, 5_000, "How many messages of a channel, and of each of its threads, are read back."),
        days: count(0, 0, "How many days are read back; 0 for as many as `messages` lets."),
        api: Type.String({
          default: "https://discord.com/api",
          pattern: "^https?://[^\\s?#@]+$",
          description: "The base of Discord's API, without its version.",
        }),
      },
      { ...closed, default: {} },
    ),
    flow: Type.Object(
      {
        closed: Type.Array(Type.String({ minLength: 1 }), {
          default: [],
          description:
            "Subjects (duck@home, *@home) whose clients have no way out but Portcullis: no browsing, no shell, no other connectors. They may be given private and untrusted content in one line of work; all others may not.",
        }),
        isolated: Type.Array(Type.String({ minLength: 1 }), {
          default: [],
          description:
            "Those of the closed ones whose clients keep their contexts apart, and may begin a new line of work when they say so.",
        }),
        lifetimeMs: count(
          60_000,
          3_600_000,
          "How long a line of work remembers what it was given, after the last read of something labelled.",
        ),
        sources: Type.Array(FlowSource, {
          default: [],
          maxItems: 256,
          description:
            "Labels of served folders, of OpenAI vector stores and of `discord` by name: `private` (the compartment, by default the name), `public: true`, `untrusted: true`; for stores `clearance`, the compartments that may be in a query.",
        }),
      },
      { ...closed, default: {} },
    ),
    http: Type.Object(
      {
        privateHosts: Type.Array(Type.String(), {
          default: [],
          description: "host:port pairs on private addresses that http.fetch may reach when a policy allows their URL.",
        }),
      },
      { ...closed, default: {} },
    ),
    oauth: Type.Object(
      {
        enabled: Type.Boolean({
          default: true,
          description: "Lets clients log in with the owner's consent (OAuth 2.1), besides tokens that the owner makes.",
        }),
        registration: Type.Boolean({
          default: true,
          description: "Whether clients without a metadata document may register themselves before they ask the owner.",
        }),
        metadataDocuments: Type.Boolean({
          default: true,
          description: "Whether clients may name a URL that tells who they are, which the server then fetches.",
        }),
        issuer: Type.Object(
          {
            url: Type.String({
              default: "",
              description: "An OpenID Connect issuer whose tokens are taken instead of the server's own.",
            }),
            audience: Type.String({ default: "", description: "What the issuer's tokens have to be for." }),
            claim: Type.String({ default: "sub", description: "The claim of its tokens that tells who calls." }),
            subjects: Type.Array(Type.String({ minLength: 3 }), {
              default: [],
              description: "VALUE=SUBJECT pairs: whom a value of the claim acts as; `*` stands for every other value.",
            }),
            algorithms: Type.Array(Type.String(), {
              default: ["ES256", "EdDSA", "RS256", "PS256"],
              description: "Signature algorithms to accept.",
            }),
            clockSkewSeconds: Type.Integer({
              minimum: 0,
              maximum: 300,
              default: 30,
              description: "How far the issuer's clock may be off.",
            }),
          },
          { ...closed, default: {} },
        ),
      },
      { ...closed, default: {} },
    ),
  },
  { ...closed, title: "Portcullis configuration" },
);
export type Settings = Static<typeof Settings>;
