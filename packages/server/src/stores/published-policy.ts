import type { PolicySource } from "./store.ts";

/** A set of policies that several replicas read. */
export interface PublishedPolicy {
  /** The whole set as one was published, in the order of its paths. */
  read(): Promise<readonly PolicySource[]>;
  /** Puts a set in the place of the one before, in one step; answers its number. */
  publish(sources: readonly PolicySource[]): Promise<number>;
  /** Publishes a set where there never was one; false when there was. */
  seed(sources: readonly PolicySource[]): Promise<boolean>;
  /** Grows with each set that is published; 0 before the first. Cheap enough to be asked several times a second. */
  version(): Promise<number>;
}
