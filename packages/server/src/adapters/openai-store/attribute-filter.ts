import { type Static, Type } from "typebox";

const closed = { additionalProperties: false } as const;
const Scalar = Type.Union([Type.String({ maxLength: 512 }), Type.Number(), Type.Boolean()]);
const key = Type.String({ minLength: 1, maxLength: 64, description: "The attribute's name." });

const Comparison = Type.Union([
  Type.Object({ type: Type.Enum(["eq", "ne", "gt", "gte", "lt", "lte"]), key, value: Scalar }, closed),
  Type.Object(
    {
      type: Type.Enum(["in", "nin"]),
      key,
      value: Type.Array(Type.Union([Type.String({ maxLength: 512 }), Type.Number()]), { maxItems: 256 }),
    },
    closed,
  ),
]);
type Comparison = Static<typeof Comparison>;

/** A condition on the attributes of a vector store's files, in the words of its API: one comparison, or several joined by `and` or `or`. */
export const AttributeFilter = Type.Union([
  Comparison,
  Type.Object(
    { type: Type.Enum(["and", "or"]), filters: Type.Array(Comparison, { minItems: 1, maxItems: 32 }) },
    closed,
  ),
]);
export type AttributeFilter = Static<typeof AttributeFilter>;

/** A file's attributes as they came: of any shape. */
export type Attributes = Readonly<Record<string, unknown>>;

/** Whether a file's attributes fulfil the filter. An attribute that is missing, or of another type, fulfils no comparison. */
export function fulfils(attributes: Attributes, filter: AttributeFilter): boolean {
  if (!("filters" in filter)) return compare(attributes, filter);
  const fits = (comparison: Comparison): boolean => compare(attributes, comparison);
  return filter.type === "and" ? filter.filters.every(fits) : filter.filters.some(fits);
}

function compare(attributes: Attributes, { type, key, value }: Comparison): boolean {
  const given = Object.hasOwn(attributes, key) ? attributes[key] : undefined;
  if (typeof given !== "string" && typeof given !== "number" && typeof given !== "boolean") return false;
  if (Array.isArray(value)) {
    if (typeof given === "boolean") return false;
    return value.includes(given) === (type === "in");
  }
  if (typeof given !== typeof value) return false;
  switch (type) {
    case "eq":
      return given === value;
    case "ne":
      return given !== value;
    case "gt":
      return given > value;
    case "gte":
      return given >= value;
    case "lt":
      return given < value;
    case "lte":
      return given <= value;
    default:
      return false;
  }
}
