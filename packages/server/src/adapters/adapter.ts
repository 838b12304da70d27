import type {
  CallError,
  Citation,
  FilledPrompt,
  Labels,
  ListedPrompt,
  ListedTemplate,
  PromptArguments,
  Resource,
} from "@portcullis/contracts";
import type { TObject, TSchema } from "typebox";
import type { Check } from "../upstream/check-value.ts";

declare const permitted: unique symbol;

/**
 * The corridor's word that policy allows this call. Only `pipeline/authorize.ts` makes one; a tool cannot run without it.
 * `allows` judges one more resource for the same caller, tool and purpose: a file's real path, a redirect's target, each item of a list.
 */
export interface Permit {
  readonly [permitted]: true;
  readonly subject: string;
  readonly tool: string;
  readonly resources: readonly Resource[];
  /** The most bytes that one answer may hold. */
  readonly maxBytes: number;
  /** True when every scope that allowed the call accepts files that have more than one name. */
  readonly hardlinks: boolean;
  allows(resource: Resource): boolean;
  /** Whether what the call carries may go on to where a redirect leads; it may where this is not there. */
  leaves?(resource: Resource): boolean;
  /** The same object as in another permit: `allows` says the same of every path, and of fetching every URL. What is remembered under it must be dropped with it. */
  readonly view: object;
}

export interface Progress {
  readonly done: number;
  readonly total?: number;
  readonly message?: string;
}

/** What a tool is handed with its arguments. `signal` fires on cancellation and at the call's deadline. */
export interface Use {
  readonly permit: Permit;
  readonly signal: AbortSignal;
  progress(progress: Progress): void;
}

/** What a tool does to the world: nothing, a change on this machine, or something that leaves it for good. */
export type Effect = "read" | "write" | "send";

/**
 * One tool. `input` and `output` are JSON Schemas (closed objects); arguments are validated before `touches` and `run` see them.
 * Errors a caller may read are thrown as `CallError`; anything else becomes `INTERNAL`.
 */
export interface Tool<I = never, O = unknown> {
  /** Dotted name: `fs.readFile`. On MCP the dots are underscores. After the first dot `_` and `-` may stand too, in names that others gave. */
  readonly name: string;
  readonly title: string;
  /** One line for a model: what it is for. */
  readonly summary: string;
  /** One line for a model: what it will not do. */
  readonly safety: string;
  /** What one call can do in the place of many of this tool, for a model that has made too many. */
  readonly batch?: string;
  readonly effect: Effect;
  /** What it gives out and where its arguments go, beside what is known of the resources that it touches. */
  readonly labels: Labels;
  /** True when all of an answer belongs to the items that `filter` asks about: it then carries their labels and no more. */
  readonly itemwise?: boolean;
  /** True when its answer itself leaves by the way out that it touches: what it reads is then judged as arguments are. */
  readonly offers?: boolean;
  readonly input: TObject;
  readonly output: TSchema;
  /** Judges arguments in the place of code made from `input`: where a stranger wrote that. */
  readonly accepts?: Check;
  /** True for what clients reach by the method of its name: it is not listed among the tools. */
  readonly method?: true;
  /** Judges results in the place of code made from `output`, likewise. */
  readonly answers?: Check;
  /** The canonical resources that these arguments touch: what policy judges. A call that touches nothing is refused. */
  touches(input: I): readonly Resource[] | Promise<readonly Resource[]>;
  run(input: I, use: Use): Promise<O>;
  /** Drops from an answer the items that policy hides; the corridor calls it on every answer. */
  filter?(output: O, allows: (resource: Resource) => boolean): O;
  /** The spans of sources that an answer quotes. */
  citations?(output: O): readonly Citation[];
  /** Sentences on what an answer lacks, for the caller: they join the `why` of the outcome. */
  notes?(output: O): readonly string[];
}

/** A tool whose argument type the registry has forgotten: arguments reach it only after its own schema accepted them. */
export type AnyTool = Tool<never, unknown>;

/** Something that happened at a source, as the source saw it: for nobody's eyes until `show` has judged it. */
export interface Happening {
  /** What happened, such as `file.changed`. */
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Of those that wait for a slow reader under one key, only what `merge` makes of them remains. */
  readonly key?: string;
}

/** How a topic tells one subscription what happens, from `open` until `signal` fires. */
export interface Follow {
  readonly caller: { readonly subject: string; readonly owner: boolean; readonly grant: string };
  /** As policy judges now. Throws a `CallError` once it allows the subscription no more. */
  permit(): Permit;
  readonly signal: AbortSignal;
  tell(happening: Happening): void;
  /** Something may have happened that nobody noticed. */
  lost(): void;
  /** The topic can be followed no more. */
  fail(error: CallError): void;
}

/** Something that can be subscribed to. Policy judges it as it does a tool that reads. */
export interface Topic<P = never> extends Pick<Tool, "name" | "title" | "summary" | "safety" | "labels"> {
  /** True where it tells a caller only of what is their own, so that no scope has to name it. */
  readonly own?: true;
  readonly params: TObject;
  /** What a subscription touches: see `Tool`. */
  touches(params: P): readonly Resource[] | Promise<readonly Resource[]>;
  /** Begins to tell; whatever happens once this has resolved is told. */
  open(params: P, follow: Follow): Promise<void>;
  /** What of a happening may be told, as a new object or the same; undefined for nothing. Asked when it happens and again before it leaves. */
  show(happening: Happening, allows: (resource: Resource) => boolean): Happening | undefined;
  /** What a happening speaks of: for the audit. */
  resources(happening: Happening): readonly Resource[];
  /** Two happenings with the same key as one; undefined when they cancel each other out. */
  merge?(before: Happening, after: Happening): Happening | undefined;
}

/** A resource as lists tell of it. */
export interface ListedResource {
  readonly uri: string;
  readonly name: string;
  readonly mimeType: string;
  /** In bytes. */
  readonly size?: number;
}

/** A resource that is held open to be read. */
export interface OpenResource {
  readonly mimeType: string;
  /** In bytes. */
  readonly size: number;
  /** Bytes `[start, end)` of it, in pieces of any length; fewer when it has become shorter. */
  read(span: { readonly start: number; readonly end: number }, signal: AbortSignal): AsyncGenerator<Buffer>;
  close(): void;
}

/** Who wants to know when a resource changes. */
export interface ResourceWatch {
  readonly signal: AbortSignal;
  changed(): void;
}

/** Resources that can be read by their URIs. */
export interface ResourceKind {
  /** How their URIs begin, such as `file:`. */
  readonly scheme: string;
  /** The tool whose scopes decide who reads them. While there is none of this name, there are no resources of the kind. */
  readonly tool: string;
  templates(): readonly ListedTemplate[];
  /** What a list touches as a whole; nothing where each item is judged by itself alone. */
  readonly root?: Resource;
  /** Another text whenever `list` or `templates` may give others than before; absent where that is not known. */
  version?(): string;
  /** Tells whenever a resource has changed, until the signal fires; absent where nobody can say. Rejects where it cannot be followed. */
  watch?(uri: string, watch: ResourceWatch): Promise<void>;
  /** What reading one touches. Throws `VALIDATION_ERROR` for a URI that is none. */
  touches(uri: string): readonly Resource[];
  open(uri: string, permit: Permit, signal: AbortSignal): Promise<OpenResource>;
  /** Those that policy shows after a cursor, in a fixed order. */
  list(
    cursor: string | undefined,
    use: Pick<Use, "permit" | "signal">,
  ): Promise<{ readonly resources: readonly ListedResource[]; readonly next?: string }>;
}

/** A topic whose parameter type the registry has forgotten. */
export type AnyTopic = Topic<never>;

/** The prompts that there are now, and another text whenever there may be others. */
export interface Prompts {
  version(): string;
  list(): readonly ListedPrompt[];
  /** What is known of one: what it gives out, and where its arguments go. Undefined for one that is not of here. */
  labelsOf?(name: string): Labels | undefined;
  /** Fills one. Undefined for one that is not of here. */
  get?(asked: PromptArguments, use: Pick<Use, "permit" | "signal">): Promise<FilledPrompt> | undefined;
}

/** One configured source. `create…` does no I/O; `start` does, and `stop` ends all that `start` began. */
export interface Adapter {
  readonly name: string;
  tools(): readonly AnyTool[];
  /** Another text whenever `tools` gives others than before; absent where it never does. */
  version?(): string;
  topics?(): readonly AnyTopic[];
  resources?(): readonly ResourceKind[];
  /** Prompts that `prompts.get` fills. */
  readonly prompts?: Prompts;
  start?(signal: AbortSignal): Promise<void>;
  stop?(): Promise<void>;
}

/** A folder given to the server. `name` is unique among the served folders and leads document ids. */
export interface ServedFolder {
  readonly name: string;
  /** Absolute real path, without a slash at the end. */
  readonly path: string;
}
