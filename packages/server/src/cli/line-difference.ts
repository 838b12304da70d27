const around = 2;

/** What changed from one text to another, as lines with `-` and `+`: all that lies between the first and the last line that differ, with two lines around. */
export function toDifference(from: string, to: string): readonly string[] {
  const [before, after] = [toLines(from), toLines(to)];
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before.at(-1 - end) === after.at(-1 - end)) end++;
  return [
    ...before.slice(Math.max(0, start - around), start).map((line) => `  ${line}`),
    ...before.slice(start, before.length - end).map((line) => `- ${line}`),
    ...after.slice(start, after.length - end).map((line) => `+ ${line}`),
    ...before.slice(before.length - end, before.length - end + around).map((line) => `  ${line}`),
  ];
}

const toLines = (text: string): readonly string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));
