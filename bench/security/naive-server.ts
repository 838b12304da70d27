import { readdir, readFile, realpath, stat, writeFile } from "node:fs/promises";
import { dirname, resolve, sep } from "node:path";

/** A server as it is often written: it resolves the path, looks whether that lies inside, and then opens it. The floor of each figure. */
export function createNaiveServer(root: string) {
  const check = async (path: string): Promise<string> => {
    const real = await realpath(resolve(root, path));
    if (real !== root && !real.startsWith(root + sep)) throw new Error("outside");
    return real;
  };
  return {
    async read(path: string): Promise<string> {
      return readFile(await check(path), "utf8");
    },
    async look(path: string): Promise<string> {
      return JSON.stringify(await stat(await check(path)));
    },
    async list(path: string): Promise<string> {
      return (await readdir(await check(path), { recursive: true })).join("\n");
    },
    async write(path: string, content: string): Promise<string> {
      const absolute = resolve(root, path);
      const target = await check(absolute).catch(async (error: unknown) => {
        // Nothing there yet: then its folder has to lie inside.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        await check(dirname(absolute));
        return absolute;
      });
      await writeFile(target, content);
      return "";
    },
  };
}

export type NaiveServer = ReturnType<typeof createNaiveServer>;
