import { compileName, idPattern, type NamePattern } from "./name-pattern.ts";
import { nearest } from "./nearest.ts";
import type { ParsedDocument } from "./parse.ts";
import type { At } from "./place.ts";

export interface Groups {
  /** False when parts of some document were left out, so that a group may have been. */
  readonly complete: boolean;
  readonly members: ReadonlyMap<string, readonly NamePattern[]>;
}

const reference = /^group:(.*)$/s;

/** The groups of all documents together: each is defined once, and holds subjects and patterns of subjects, no groups. */
export function toGroups(
  parsed: readonly ParsedDocument[],
  at: (document: ParsedDocument, ...keys: (string | number)[]) => At,
): Groups {
  const groups = new Map<string, readonly NamePattern[]>();
  for (const document of parsed) {
    for (const [name, members] of Object.entries(document.value.groups ?? {})) {
      const place = at(document, "groups", name);
      if (!idPattern.test(name)) place.fault("A group's name is 1 to 64 letters, digits and _ . -");
      if (groups.has(name)) place.fault(`The group ${name} is defined elsewhere too.`);
      for (const [index, member] of members.entries())
        if (reference.test(member)) place.in(index).fault("A group holds subjects, no other groups.");
      groups.set(name, compileNames(members, { separator: "@", at: place }));
    }
  }
  return { complete: parsed.every(({ whole }) => whole), members: groups };
}

interface Naming {
  readonly separator: "." | "@";
  readonly at: At;
  readonly groups?: Groups;
}

/** Compiles one name or a list of names; `group:NAME` stands for the group's members where there are groups. */
export function compileNames(names: string | readonly string[], { separator, at, groups }: Naming): NamePattern[] {
  return [names].flat().flatMap((text, index) => {
    const place = at.in(index);
    const group = groups && reference.exec(text)?.[1];
    if (group === undefined) return place.attempt(() => compileName(text, separator));
    const members = groups?.members.get(group);
    if (members === undefined && groups?.complete !== false) {
      const meant = nearest(group, groups?.members.keys() ?? []);
      place.fault(`There is no group named ${group}.`, meant === undefined ? undefined : `group:${meant}`);
    }
    return members ?? [];
  });
}
