/** The most processor time that this thread spent between two turns of its event loop, in ms. */
export async function longestTurn(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let running = true;
  const watch = async (): Promise<void> => {
    for (let before = process.threadCpuUsage(); running; before = process.threadCpuUsage()) {
      await new Promise((resolve) => setImmediate(resolve));
      const { user, system } = process.threadCpuUsage(before);
      longest = Math.max(longest, (user + system) / 1_000);
    }
  };
  const watching = watch();
  await work();
  running = false;
  await watching;
  return longest;
}
