import { type Static, Type } from "typebox";
import { createPace } from "../../search/pace.ts";
import { unhurried } from "../../vault/steps.ts";
import type { Tool } from "../adapter.ts";
import { findFile, idOf, titleOf, unknownNote } from "./find-file.ts";
import { closed, NoteName } from "./note-schemas.ts";
import { toResource, touchedBy } from "./touches.ts";
import type { VaultTools } from "./vault-adapter.ts";
import { walkLinks } from "./walk-links.ts";

const Input = Type.Object(
  {
    note: NoteName,
    direction: Type.Optional(
      Type.Enum(["out", "in", "both"], { description: "What it links to, what links to it, or both (the default)." }),
    ),
    depth: Type.Optional(Type.Integer({ minimum: 1, maximum: 3, description: "How many links far; 1 by default." })),
  },
  closed,
);

const Output = Type.Object(
  {
    id: Type.String(),
    title: Type.String(),
    notes: Type.Array(
      Type.Object(
        {
          id: Type.String(),
          title: Type.String(),
          distance: Type.Integer({ minimum: 1, description: "How many links away." }),
        },
        closed,
      ),
      { description: "What is reached: notes, and files that are embedded or linked to." },
    ),
    links: Type.Array(Type.Object({ from: Type.String(), to: Type.String() }, closed), {
      description: "The links that were followed, by ids.",
    }),
    unresolved: Type.Array(Type.Object({ from: Type.String(), link: Type.String() }, closed), {
      description: "Links to nothing that you can read, as they are written.",
    }),
    truncated: Type.Boolean({ description: "True when there is more than is given." }),
  },
  closed,
);

type Output = Static<typeof Output>;

/** `vault.links`: how a note hangs together with others. */
export function createLinksTool(world: VaultTools): Tool<Static<typeof Input>, Output> {
  const { look, folders, labels } = world;
  return {
    name: "vault.links",
    title: "Follow a note's links",
    summary: "Tells which notes a note links to and which link to it, up to three links far.",
    safety: "Reads only; knows only the notes that policy lets you read.",
    effect: "read",
    itemwise: true,
    labels,
    input: Input,
    output: Output,
    touches: touchedBy(world),
    async run({ note, direction = "both", depth = 1 }, { permit, signal }) {
      const by = { pace: createPace(), signal };
      const { sight, file } = await unhurried(findFile(await look(permit), note, "file"), by);
      const walked = await unhurried(walkLinks(sight.view, file, { direction, depth }), by);
      return {
        id: idOf(sight, file),
        title: titleOf(file),
        notes: walked.reached.map(({ file: to, distance }) => ({ id: idOf(sight, to), title: titleOf(to), distance })),
        links: walked.links.map(({ from, to }) => ({ from: idOf(sight, from), to: idOf(sight, to) })),
        unresolved: walked.unresolved.map(({ from, target }) => ({ from: idOf(sight, from), link: target })),
        truncated: walked.truncated,
      };
    },
    filter(output, allows) {
      const hidden = new Set(
        [output.id, ...output.notes.map(({ id }) => id)].filter((id) => !allows(toResource(folders, id))),
      );
      if (hidden.has(output.id)) throw unknownNote(output.id);
      return {
        ...output,
        notes: output.notes.filter(({ id }) => !hidden.has(id)),
        links: output.links.filter(({ from, to }) => !hidden.has(from) && !hidden.has(to)),
        unresolved: output.unresolved.filter(({ from }) => !hidden.has(from)),
      };
    },
  };
}
