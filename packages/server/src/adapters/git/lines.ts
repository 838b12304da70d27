/** Lines of a text as it comes, without their ends; what is longer than `longest` is cut there. */
export async function* toLines(chunks: AsyncIterable<string>, longest: number): AsyncGenerator<string> {
  let pending = "";
  for await (const chunk of chunks) {
    const parts = chunk.split("\n");
    for (const [index, part] of parts.entries()) {
      if (pending.length < longest) pending += part.length > longest ? part.slice(0, longest) : part;
      if (index === parts.length - 1) break;
      yield pending;
      pending = "";
    }
  }
  if (pending !== "") yield pending;
}
