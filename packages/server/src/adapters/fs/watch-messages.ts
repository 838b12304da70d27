/** What happened to a file; paths are relative to the folder that is watched. */
export interface FileChange {
  readonly kind: "added" | "changed" | "removed" | "renamed";
  readonly path: string;
  /** Of a rename: what it was called before. */
  readonly from?: string;
}

/** What the watching thread is asked. */
export type WatchAsked =
  | { readonly kind: "watch"; readonly id: number; readonly root: string }
  | { readonly kind: "unwatch"; readonly id: number };

/** What it tells of one folder. */
export type WatchTold =
  | { readonly kind: "ready"; readonly id: number }
  | { readonly kind: "changes"; readonly id: number; readonly changes: readonly FileChange[] }
  /** There were more changes at once than are told. */
  | { readonly kind: "lost"; readonly id: number }
  | { readonly kind: "fault"; readonly id: number; readonly message: string; readonly full: boolean };
