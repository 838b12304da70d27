import { readFile } from "node:fs/promises";
import type { Engine } from "./engine.ts";

/** The id of the mount that a descriptor lies on (proc_pid_fdinfo(5)). No other mount gets it while the descriptor is open. */
export async function mountOf(fd: number, engine: Engine): Promise<string> {
  const info = await engine.open(`/proc/self/fdinfo/${fd}`, 0);
  try {
    const bytes = Buffer.allocUnsafe(512);
    const length = await engine.read(info, bytes, { length: bytes.length, position: 0 });
    const id = /^mnt_id:\s*(\d+)$/m.exec(bytes.toString("latin1", 0, length))?.[1];
    if (id === undefined) throw new Error("The kernel tells no mount of an open file, so nothing can be pinned.");
    return id;
  } finally {
    engine.close(info);
  }
}

/** Where people keep files. Others (proc, sysfs, cgroup …) show the system's inside as if it were files. */
const storage = new Set(
  "ext2 ext3 ext4 xfs btrfs f2fs bcachefs zfs tmpfs overlay vfat exfat ntfs3 fuseblk nfs nfs4 cifs smb3 9p virtiofs".split(
    " ",
  ),
);

/**
 * Whether a mount shows a whole file system where it was mounted, rather than a folder of one under another path, under which a policy
 * could not know it (proc_pid_mountinfo(5)).
 */
export async function isPlainMount(id: string): Promise<boolean> {
  for (const line of (await readFile("/proc/self/mountinfo", "utf8")).split("\n")) {
    const [mount, , , root, , , ...others] = line.split(" ");
    if (mount !== id || root === undefined) continue;
    const [type = "", , options = ""] = others.slice(others.indexOf("-") + 1);
    return storage.has(type) && (root === "/" || options.split(",").includes(`subvol=${root}`));
  }
  return false;
}
