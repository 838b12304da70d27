import { describe, expect, test } from "vitest";
import { ChromaFault } from "../../../packages/server/src/stores/chroma/driver.ts";
import { createChromaVectorIndex } from "../../../packages/server/src/stores/chroma/vector-index.ts";
import { loadClient, missingChroma } from "../../support/embeddings/chroma-server.ts";
import { openChroma } from "./vector-index-engines.ts";
import { at, createRandom, point, randomVector } from "./vector-index-points.ts";

const missing = missingChroma();
if (missing !== undefined) console.warn(`Vectors on a Chroma server are not tested: ${missing}`);

const none: typeof fetch = () => Promise.reject(new Error("Nothing is asked."));
const create = (load: () => Promise<unknown>, ask = none) =>
  createChromaVectorIndex({ url: "http://127.0.0.1:9", namespace: "test", load, fetch: ask });

test("a client that is not installed is told, and how to get it", async () => {
  const index = create(() => Promise.reject(new Error("ERR_MODULE_NOT_FOUND")));
  await expect(index.count("c")).rejects.toThrow(/npm install chromadb@/);
  await index.close();
});

test("a client that would go past the guarded network is refused", async () => {
  const index = create(async () => ({ ChromaClient: class {} }));
  await expect(index.nearest("c", at(0), { k: 1 })).rejects.toThrow(/guarded network/);
});

describe.skipIf(missing !== undefined)("vectors on a Chroma server", () => {
  test("are there again for who comes later, in their own namespace alone", async () => {
    const random = createRandom(2);
    const many = Array.from({ length: 1_000 }, (_, n) => point(n + 100, randomVector(random, 2)));
    const first = await openChroma("kept");
    await first.put("c", many);
    await first.put("c", [point(1, at(0)), point(2, at(90))]);
    await first.remove([2]);
    await first.close();
    const again = await openChroma("kept");
    expect(await again.count("c")).toBe(1_001);
    expect(await again.missing("c", [1, 2, 3])).toEqual([2, 3]);
    expect((await again.known("c", [point(1, at(0)).sha256])).size).toBe(1);
    const other = await openChroma("other");
    expect(await other.collections()).toEqual([]);
    await other.put("c", [point(5, at(0))]);
    await other.drop("c");
    expect(await again.nearest("c", at(0), { k: 1, allows: (chunk) => chunk < 100 })).toMatchObject([{ chunk: 1 }]);
  });

  test("a server that cannot be reached is a fault without its address, and is asked again the next time", async () => {
    let asked = 0;
    const index = create(loadClient, () => {
      asked++;
      return Promise.reject(new TypeError("fetch failed for 127.0.0.1:9"));
    });
    for (const _ of [1, 2]) {
      const error: unknown = await index.put("c", [point(1, at(0))]).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ChromaFault);
      expect((error as ChromaFault).message).not.toContain("127.0.0.1");
    }
    expect(asked).toBeGreaterThan(1);
  });

  test("a status that is none of success is told", async () => {
    const index = create(loadClient, async () => Response.json({ error: "no" }, { status: 401 }));
    await expect(index.collections()).rejects.toThrow(/status 401/);
  });
});
