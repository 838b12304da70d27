import { pathToFileURL } from "node:url";
import { CallError } from "@portcullis/contracts";
import type { Adapter } from "./adapters/adapter.ts";
import { type CreateAdapter, toAdapter } from "./adapters/module.ts";
import type { Settings } from "./config/settings.ts";

/** How long a module may take to be loaded, in ms. */
const loadMs = 10_000;

/** Loads one module of the owner's and has it make its adapter. Throws an Error that names both and says what is wrong. */
export async function loadAdapterModule(
  { name, module, options = {} }: Settings["adapters"][number],
  home: string,
): Promise<Adapter> {
  const path = module.replace(/^~(?=\/|$)/, home);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it was not loaded within ${loadMs / 1_000} s.`)), loadMs);
  });
  try {
    const loaded = (await Promise.race([import(pathToFileURL(path).href), late])) as { default?: CreateAdapter };
    if (typeof loaded.default !== "function") throw new Error("it has no function as its default export.");
    return toAdapter(name, loaded.default({ name, options, CallError }));
  } catch (error) {
    throw new Error(`adapters, ${name}, ${path}: ${(error as Error).message}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** The owner's own kinds of sources. */
export async function loadAdapterModules(
  wanted: Settings["adapters"],
  { home, taken }: { readonly home: string; readonly taken: readonly string[] },
): Promise<readonly Adapter[]> {
  const names = new Set(taken);
  const adapters: Adapter[] = [];
  for (const one of wanted) {
    if (names.has(one.name)) throw new Error(`adapters, ${one.name}: this name is taken; choose another.`);
    names.add(one.name);
    adapters.push(await loadAdapterModule(one, home));
  }
  return adapters;
}
