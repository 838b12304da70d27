import { type Static, Type } from "typebox";
import { createPace } from "../../search/pace.ts";
import { unhurried } from "../../vault/steps.ts";
import { toTag } from "../../vault/tag.ts";
import type { Tool } from "../adapter.ts";
import { idOf, titleOf } from "./find-file.ts";
import { closed } from "./note-schemas.ts";
import { toResource } from "./touches.ts";
import type { VaultTools } from "./vault-adapter.ts";

const Input = Type.Object(
  {
    tag: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: "Give the notes of this tag and of those nested in it.",
      }),
    ),
    source: Type.Optional(Type.String({ maxLength: 255, description: "The name of one served folder." })),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000, description: "The most tags, and the most notes; 200 by default." }),
    ),
  },
  closed,
);

const Output = Type.Object(
  {
    tags: Type.Array(
      Type.Object(
        { tag: Type.String(), count: Type.Integer({ minimum: 1, description: "Notes with it or one nested in it." }) },
        closed,
      ),
      { description: "The most used first; of a tag that was asked for, itself and those nested in it." },
    ),
    notes: Type.Array(Type.Object({ id: Type.String(), title: Type.String() }, closed), {
      description: "The notes of the tag that was asked for.",
    }),
    truncated: Type.Boolean({ description: "True when there are more than are given." }),
  },
  closed,
);

type Output = Static<typeof Output>;

/** `vault.tags`: the tags of all notes with their counts, or the notes of one tag. */
export function createTagsTool(world: VaultTools): Tool<Static<typeof Input>, Output> {
  const { name, look, folders, labels } = world;
  return {
    name: "vault.tags",
    title: "Tags",
    summary: "Lists the tags of notes with how many notes have each, or the notes of one tag.",
    safety: "Reads only; counts only the notes that policy lets you read.",
    effect: "read",
    labels,
    input: Input,
    output: Output,
    touches: () => [{ kind: "index", name, collection: true }],
    async run({ tag: written, source, limit = 200 }, { permit, signal }) {
      const by = { pace: createPace(), signal };
      const tag = written === undefined ? undefined : toTag(written.replace(/^#+/, ""));
      const counts = new Map<string, number>();
      const notes: Output["notes"] = [];
      let more = false;
      for (const sight of await look(permit)) {
        if ((source !== undefined && sight.folder.name !== source) || (written !== undefined && tag === undefined))
          continue;
        for (const [each, count] of await unhurried(sight.view.tags(tag), by)) {
          counts.set(each, (counts.get(each) ?? 0) + count);
        }
        if (tag === undefined) continue;
        for (const file of await unhurried(sight.view.tagged(tag), by)) {
          if (notes.length < limit) notes.push({ id: idOf(sight, file), title: titleOf(file) });
          else more = true;
        }
      }
      const tags = [...counts]
        .map(([each, count]) => ({ tag: each, count }))
        .sort((a, b) => b.count - a.count || (a.tag < b.tag ? -1 : 1));
      return { tags: tags.slice(0, limit), notes, truncated: more || tags.length > limit };
    },
    filter: (output, allows) => ({
      ...output,
      notes: output.notes.filter(({ id }) => allows(toResource(folders, id))),
    }),
  };
}
