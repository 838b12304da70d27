/** The memory that all backlogs share, in bytes. */
export interface Room {
  take(bytes: number): void;
  give(bytes: number): void;
  isFull(): boolean;
}

export function createRoom(most: number): Room {
  let taken = 0;
  return {
    take(bytes) {
      taken += bytes;
    },
    give(bytes) {
      taken -= bytes;
    },
    isFull: () => taken > most,
  };
}
