/**
 * How well this system can hold what was judged. `pinned`: by descriptor, no race can be won. `no-follow`: the real path is opened
 * with a flag that refuses every link. `symlink-free`: links are refused by looking first, which a local process could outrun.
 */
export const fileSafetyMode = (
  platform: NodeJS.Platform = process.platform,
): "pinned" | "no-follow" | "symlink-free" =>
  platform === "linux" ? "pinned" : platform === "darwin" ? "no-follow" : "symlink-free";
