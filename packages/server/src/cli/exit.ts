/** Exit statuses, from BSD's sysexits(3) where it has one. `no` is a command that ran and whose answer is no. */
export const exits = {
  ok: 0,
  no: 1,
  incomplete: 2,
  unreadable: 3,
  usage: 64,
  data: 65,
  noInput: 66,
  unavailable: 69,
  internal: 70,
  cannotCreate: 73,
  inUse: 75,
  noPermission: 77,
  config: 78,
} as const;

export type Exit = (typeof exits)[keyof typeof exits];

/** A command that cannot go on: what happened, and in `next` what to do about it. */
export class CommandError extends Error {
  readonly exit: Exit;
  readonly next: string | undefined;

  constructor(exit: Exit, message: string, next?: string) {
    super(message);
    this.name = "CommandError";
    this.exit = exit;
    this.next = next;
  }
}
