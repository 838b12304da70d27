import { type Static, Type } from "typebox";
import { mapOf } from "./map-of.ts";
import { Failure, Trace } from "./schemas.ts";

const closed = { additionalProperties: false } as const;
const whole = (description: string) => Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description });
const uri = Type.String({ minLength: 1, maxLength: 12_288, description: "The resource's URI." });
const streamId = Type.String({ minLength: 1, maxLength: 64, description: "The stream's id." });
const encodings = ["text", "base64"] as const;

export const ResourceRead = Type.Object(
  {
    uri,
    offset: Type.Optional(
      whole("The first byte that is wanted: the `end` of the last chunk goes on with a broken stream."),
    ),
    length: Type.Optional(whole("How many bytes are wanted; all that follow when it is left out.")),
    encoding: Type.Optional(Type.Enum(["auto", ...encodings], { description: "auto: text where it is UTF-8." })),
    credit: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 4_096,
        description: "Chunks to send before resources.credit grants more: 16.",
      }),
    ),
    trace: Type.Optional(Trace),
  },
  { ...closed, $id: "ResourceRead", title: "ResourceRead" },
);
export type ResourceRead = Static<typeof ResourceRead>;

/** A resource that follows in `resources.chunk` notifications. */
export const ResourceStream = Type.Object(
  {
    streamId,
    uri: Type.String(),
    mimeType: Type.String(),
    encoding: Type.Enum([...encodings]),
    size: whole("Bytes of the whole resource at its source."),
    offset: whole(
      "Where what follows begins: behind what was asked for, when that lies in the middle of a secret or of a letter.",
    ),
    end: whole("Where what follows ends, at the latest."),
  },
  { ...closed, $id: "ResourceStream", title: "ResourceStream" },
);
export type ResourceStream = Static<typeof ResourceStream>;

/** A piece of a resource, or the last word on it. */
export const ResourceChunk = Type.Object(
  {
    streamId,
    seq: whole("0 for the first."),
    offset: Type.Optional(whole("The piece's first byte at the source.")),
    end: Type.Optional(whole("The byte after its last at the source: offset goes on from here.")),
    data: Type.Optional(Type.String({ description: "Text, or base64, with secrets masked." })),
    done: Type.Optional(Type.Literal(true, { description: "Given with the last one, which has no data." })),
    size: Type.Optional(whole("Bytes of all that was sent, masks included.")),
    sha256: Type.Optional(Type.String({ pattern: "^[0-9a-f]{64}$", description: "Of all that was sent." })),
    masked: Type.Optional(mapOf(Type.Integer(), { description: "Secrets that were masked, by kind." })),
    auditId: Type.Optional(Type.String()),
    failure: Type.Optional(Failure),
  },
  { ...closed, $id: "ResourceChunk", title: "ResourceChunk" },
);
export type ResourceChunk = Static<typeof ResourceChunk>;

const ListedResource = Type.Object(
  { uri: Type.String(), name: Type.String(), mimeType: Type.String(), size: Type.Optional(whole("Bytes.")) },
  closed,
);

/** How the URIs of many resources are made (RFC 6570). */
const ListedTemplate = Type.Object(
  {
    uriTemplate: Type.String(),
    name: Type.String(),
    description: Type.Optional(Type.String()),
    mimeType: Type.Optional(Type.String()),
  },
  closed,
);
export type ListedTemplate = Static<typeof ListedTemplate>;

export const ResourceList = Type.Object(
  {
    resources: Type.Array(ListedResource),
    templates: Type.Optional(
      Type.Array(ListedTemplate, { description: "Told with the first page: resources that no page holds." }),
    ),
    nextCursor: Type.Optional(Type.String({ description: "Asks for the next page." })),
  },
  { ...closed, $id: "ResourceList", title: "ResourceList" },
);
export type ResourceList = Static<typeof ResourceList>;

export const resourceSchemas = {
  "resources.list": {
    params: Type.Object(
      {
        cursor: Type.Optional(
          Type.String({ minLength: 1, maxLength: 8_192, description: "Where the page before ended." }),
        ),
        trace: Type.Optional(Trace),
      },
      closed,
    ),
    result: ResourceList,
  },
  "resources.read": { params: ResourceRead, result: ResourceStream },
} as const;

/** A notification of the client's: lets a stream go on. */
export const ResourceCredit = Type.Object(
  { streamId, chunks: Type.Integer({ minimum: 1, maximum: 4_096, description: "How many more chunks may come." }) },
  { ...closed, $id: "ResourceCredit", title: "ResourceCredit" },
);
