import { fromJsonSchema } from "@modelcontextprotocol/server";

/** A PNG of one red pixel. */
export const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

/** A WAV file without a sound. */
export const silence = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

export const noArguments = fromJsonSchema<Record<string, never>>({ type: "object", properties: {} });

/** The schema of an object that needs one text. */
export const oneText = (key: string) => ({
  type: "object" as const,
  properties: { [key]: { type: "string" as const } },
  required: [key],
});

export const says = (text: string) => ({ content: [{ type: "text" as const, text }] });

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
