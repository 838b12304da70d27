import { Labels } from "@portcullis/contracts";
import { type Static, Type } from "typebox";

const closed = { additionalProperties: false } as const;
const names = (maxItems: number) => Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems });

const prefix = Type.Optional(Type.String({ maxLength: 64 }));

/** A value that is no secret, or where a secret is kept: in the environment, in a file, or in this very place; `prefix` (`Bearer `) goes before it. */
const Value = Type.Union([
  Type.String({ maxLength: 32_768 }),
  Type.Object({ env: Type.String({ minLength: 1, maxLength: 256 }), prefix }, closed),
  Type.Object({ file: Type.String({ minLength: 1, maxLength: 4_096 }), prefix }, closed),
  Type.Object({ secret: Type.String({ minLength: 1, maxLength: 32_768 }) }, closed),
]);
export type Value = Static<typeof Value>;

const Values = Type.Record(Type.String({ pattern: "^[A-Za-z0-9_-]{1,256}$" }), Value, { maxProperties: 64 });

const Marks = Type.Object(
  {
    effect: Type.Optional(Type.Enum(["read", "write", "send"])),
    labels: Type.Optional(Type.Object(Labels.properties, closed)),
    expose: Type.Optional(Type.Boolean()),
    paths: Type.Optional(names(32)),
    urls: Type.Optional(names(32)),
    binary: Type.Optional(Type.Boolean()),
  },
  closed,
);

const common = {
  name: Type.String({ pattern: "^[a-z](?:[a-z0-9-]{0,22}[a-z0-9])?$" }),
  tools: Type.Optional(Type.Record(Type.String({ minLength: 1, maxLength: 256 }), Marks, { maxProperties: 512 })),
  concurrent: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
  callMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
  firstSight: Type.Optional(Type.Enum(["accept", "hold"])),
  headers: Type.Optional(Values),
};

/** How Portcullis itself logs in to an upstream server; all of it is found out where it is left out. */
const OAuth = Type.Object(
  {
    clientId: Type.Optional(Type.String({ pattern: "^[\\x21-\\x7e]{1,1024}$" })),
    clientSecret: Type.Optional(Value),
    scope: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048 })),
    issuer: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048 })),
  },
  closed,
);

const McpSource = Type.Object(
  {
    kind: Type.Literal("mcp"),
    ...common,
    command: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
    args: Type.Optional(Type.Array(Value, { maxItems: 256 })),
    env: Type.Optional(Values),
    cwd: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
    url: Type.Optional(Type.String({ minLength: 1, maxLength: 8_192 })),
    auth: Type.Optional(Type.Literal("oauth")),
    oauth: Type.Optional(OAuth),
  },
  closed,
);
export type McpSource = Static<typeof McpSource>;

const word = Type.String({ minLength: 1, maxLength: 256 });

/** How an operation tells of the page behind: by a `Link` header, or by a cursor in its answer. */
const Pages = Type.Union([
  Type.Object({ by: Type.Literal("link"), most: Type.Optional(Type.Integer({ minimum: 1, maximum: 20 })) }, closed),
  Type.Object(
    {
      by: Type.Literal("cursor"),
      argument: word,
      cursor: word,
      most: Type.Optional(Type.Integer({ minimum: 1, maximum: 20 })),
    },
    closed,
  ),
]);

/** Which operations stand behind `search` and `fetch`, and where in their answers things are. */
const ApiSearch = Type.Object(
  {
    find: Type.Object(
      {
        operation: word,
        query: word,
        results: word,
        id: word,
        title: Type.Optional(word),
        text: Type.Optional(word),
      },
      closed,
    ),
    read: Type.Object({ operation: word, id: word, title: Type.Optional(word), text: Type.Optional(word) }, closed),
  },
  closed,
);

const OpenApiSource = Type.Object(
  {
    kind: Type.Literal("openapi"),
    ...common,
    document: Type.String({ minLength: 1, maxLength: 8_192 }),
    url: Type.Optional(Type.String({ minLength: 1, maxLength: 8_192 })),
    operations: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { minItems: 1, maxItems: 256 }),
    query: Type.Optional(Values),
    bearer: Type.Optional(Value),
    pages: Type.Optional(Type.Record(word, Pages, { maxProperties: 256 })),
    search: Type.Optional(ApiSearch),
  },
  closed,
);
export type OpenApiSource = Static<typeof OpenApiSource>;

/** A model that `sampling.create` asks. */
export const Model = Type.Object(
  {
    name: Type.String({ pattern: "^[a-z][a-z0-9_-]{0,63}$" }),
    kind: Type.Enum(["ollama", "openai"]),
    url: Type.String({ minLength: 1, maxLength: 8_192 }),
    model: Type.String({ minLength: 1, maxLength: 256 }),
    key: Type.Optional(Value),
    maxTokens: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    concurrent: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
    callMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 600_000 })),
    leaves: Type.Optional(Type.Boolean()),
    untrusted: Type.Optional(Type.Boolean()),
    clearance: Type.Optional(names(64)),
  },
  closed,
);
export type Model = Static<typeof Model>;

/** Another server whose tools are offered here. */
export const Source = Type.Unsafe<McpSource | OpenApiSource>({
  type: "object",
  discriminator: { propertyName: "kind" },
  required: ["kind"],
  oneOf: [McpSource, OpenApiSource],
});
