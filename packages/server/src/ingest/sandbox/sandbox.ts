import { NotReadable, type ReadDocument } from "../document.ts";
import { type FormatName, formats } from "../formats/format-of.ts";
import type { Answer } from "./answer.ts";
import { type Failure, type Reader, startReader } from "./reader.ts";

export interface ReadRequest {
  /** For naming only: the file is not opened. */
  readonly path: string;
  readonly format: FormatName;
  readonly bytes: Buffer;
}

export interface Sandbox {
  /**
   * Reads a file in another process, after those asked for before. Rejects with `NotReadable` for whatever the file does to its reader; with another
   * error only when no reader can be started, too many files wait, or the sandbox has been stopped: nothing is then known of the file.
   */
  read(request: ReadRequest): Promise<readonly ReadDocument[]>;
  /** Ends the process, and what is being read. */
  stop(): Promise<void>;
}

export interface SandboxOptions {
  /** How long one file may take. */
  readonly timeMs?: number;
  /** The most memory that the process may hold, all in all: about 60 MB are Node's own. */
  readonly memoryMb?: number;
  /** After how long without a file the process is ended. */
  readonly idleMs?: number;
  /** How many files may wait for their turn. */
  readonly waiting?: number;
  /** The program that reads: another stands in for it in tests. */
  readonly program?: URL;
}

/** A process that reads files which may have been made to break their reader. It is started when it is needed, and again after it was killed. */
export function createSandbox(options: SandboxOptions = {}): Sandbox {
  const { timeMs = 20_000, memoryMb = 768, idleMs = 60_000, waiting = 64, program } = options;
  let reader: Reader | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let asked = 0;
  let stopped = false;

  const end = async (): Promise<void> => {
    const ending = reader;
    reader = undefined;
    await ending?.stop();
  };
  const refuseStopped = (): void => {
    if (stopped) throw new Error("The sandbox has been stopped.");
  };

  async function ask(request: ReadRequest): Promise<Answer | Failure> {
    reader ??= await startReader(memoryMb, program);
    const used = reader;
    // Stopped while it was starting.
    if (stopped) await end();
    refuseStopped();
    const outcome = await used.ask(request, timeMs);
    const spent = typeof outcome === "string" || outcome.rss > (memoryMb * 1024 * 1024) / 2;
    if (spent && reader === used) await end();
    refuseStopped();
    return outcome;
  }

  async function readNext(request: ReadRequest): Promise<readonly ReadDocument[]> {
    refuseStopped();
    clearTimeout(idle);
    try {
      const before = reader?.served ?? 0;
      let outcome = await ask(request);
      // What a reader died of may be left from another file.
      if (before > 0 && (outcome === "memory" || outcome === "crash")) outcome = await ask(request);
      if (typeof outcome === "string") throw new NotReadable(reasons[outcome]({ timeMs, memoryMb }));
      if ("refused" in outcome) throw new NotReadable(outcome.refused);
      return outcome.documents;
    } finally {
      idle = setTimeout(() => void end(), idleMs).unref();
    }
  }

  return {
    async read(request) {
      refuseStopped();
      const { largest } = formats[request.format];
      if (request.bytes.length > largest) throw new NotReadable(`It is larger than ${largest / 1024 / 1024} MB.`);
      if (asked > waiting) throw new Error("Too many files wait to be read.");
      asked++;
      const turn = last.then(() => readNext(request));
      last = turn.then(
        () => undefined,
        () => undefined,
      );
      try {
        return await turn;
      } finally {
        asked--;
      }
    },
    async stop() {
      stopped = true;
      await end();
      await last;
      clearTimeout(idle);
    },
  };
}

const reasons: Readonly<Record<Failure, (limits: { readonly timeMs: number; readonly memoryMb: number }) => string>> = {
  time: ({ timeMs }) => `It took longer than ${timeMs / 1000} s to read.`,
  memory: ({ memoryMb }) => `It took more than ${memoryMb} MB of memory to read.`,
  crash: () => "It broke the program that reads it.",
  garbage: () => "The program that reads it gave no sense.",
  stopped: () => "It was not read to its end.",
};
