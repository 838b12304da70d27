import { explainAbsence } from "./absence.ts";
import { pooled } from "./engine.ts";
import type { Pinned, PinRequest } from "./pinned.ts";
import { refuseTarget } from "./refusals.ts";
import { fileSafetyMode } from "./safety-mode.ts";
import { toDiskPath } from "./spelling.ts";

/**
 * Systems without `O_PATH`: the real path is found and judged, and later opened with a flag that refuses links (macOS), or only when
 * there was no link to begin with (others).
 */
export async function pinByRealPath(request: PinRequest, mode = fileSafetyMode()): Promise<Pinned> {
  const { path, roots } = request;
  const folder = roots.find(path);
  const start = folder?.path ?? "";
  const disk = await toDiskPath(start, folder ? path.slice(start.normalize("NFC").length) : path);

  const judge = async (from: string, meant: string): Promise<{ place: string; real: string }> => {
    const place = await pooled.realpath(from);
    const real = place.normalize("NFC");
    if (real.includes("\ufffd") || (mode === "symlink-free" && real !== meant)) throw refuseTarget(path);
    const home = roots.find(real);
    if (!home && real !== meant) throw refuseTarget(path);
    if (home && (await roots.open(home)).device !== (await pooled.lstat(place)).dev) throw refuseTarget(path);
    return { place, real };
  };

  try {
    const { place, real } = await judge(disk, path);
    if (real !== path && !request.allows(real)) throw refuseTarget(path);
    return { real, stat: await pooled.lstat(place), engine: pooled, fd: undefined, door: place, close: () => {} };
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    const reach = async (at: string, meant: string): Promise<string | undefined> => {
      try {
        await pooled.realpath(at);
      } catch {
        return undefined;
      }
      return (await judge(at, meant)).real;
    };
    throw await explainAbsence(request, { disk, error, engine: pooled, reach });
  }
}
